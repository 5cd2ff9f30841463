"""The figures of deep networks: in their smallest form, in this process; and what they conclude from given numbers."""

import csv

import numpy as np
import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("torch")

from derive import InputError
from verify.figures.reproduce import fig2, fig4
from verify.figures.reproduce.run import plan, reproduce
from verify.figures.reproduce.table import Table
from verify.networks.last_layer.features import Features


@pytest.fixture(autouse=True, scope="module")
def synthetic():
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("QUARTIC_CIFAR10", raising=False)
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """What a figure says, and its table, made once."""
    known = {}

    def make(name):
        if name not in known:
            folder = tmp_path_factory.mktemp(name)
            found = reproduce(name, folder, quick=True)
            with (folder / f"{name}-quick.csv").open(encoding="utf-8") as file:
                known[name] = found, list(csv.DictReader(file))
        return known[name]

    return make


@pytest.mark.parametrize("name", ["fig2-vit", pytest.param("fig2-resnet", marks=pytest.mark.slow)])
def test_the_curvature_of_a_deep_network_is_what_B_says(made, name):
    found, rows = made(name)
    assert found.lines[0].startswith("synthetic: 160 gratings")
    assert [float(row["sigma"]) for row in rows] == sorted(float(row["sigma"]) for row in rows)
    assert rows[0]["sign_measured"] != "0"
    for row in rows:
        assert row["sign_measured"] == row["sign_predicted"]
        assert abs(float(row["order2_z"])) < 3
        assert abs(float(row["order4_z"])) < 3


def test_features_of_a_deep_network_are_told_apart_from_gaussian_ones(made):
    weak = made("fig2-vit")[1][0]
    measured = float(weak["order4_measured"])
    predicted, gaussian = (abs(float(weak[f"order4_{by}"]) / measured - 1) for by in ("predicted", "gaussian"))
    assert gaussian > 0.1 > 10 * predicted


@pytest.mark.parametrize(("sign", "word"), [(-1, "−"), (1, "+"), (0, "undecided")])
def test_a_result_is_shown_with_its_sign(sign, word):
    row = dict.fromkeys(fig2.HEADER, 1.0) | {
        "phase": "no collapse",
        "sign_measured": sign,
        "sign_predicted": -1,
        "B_positive": 3,
        "B_zero": 2,
        "B_negative": 1,
    }
    said = fig2._line(row)
    assert said.startswith(f"σ = 1: curvature {word}, by B −; order 2 1 (moments 1")
    assert "B has 3 > 0, 2 ≈ 0, 1 < 0; no collapse, minimum at (r₁, r₂) = (1.00, 1.00)" in said


def table_of(drops, seeds=3, noise=0.001):
    """A table of Fig. 4 in which a loss loses so much from none to high imbalance."""
    blank = dict.fromkeys(fig4.HEADER, 0.5)
    rows = []
    for loss, drop in drops.items():
        for projector in (0, 16):
            for imbalance, lost in (("none", 0.0), ("medium", drop / 2), ("high", drop)):
                for seed in range(seeds):
                    where = {"loss": loss, "projector": projector, "imbalance": imbalance, "seed": seed}
                    row = blank | where | {"accuracy": 0.5 - lost + noise * (seed - 1)}
                    rows.append(tuple(row[name] for name in fig4.HEADER))
    return Table(fig4.HEADER, rows)


@pytest.mark.parametrize(
    ("drops", "how", "verdict"),
    [
        ({"infonce": 0.2, "spectral": 0.1}, {}, "spectral is more robust"),
        ({"infonce": 0.1, "spectral": 0.2}, {}, "infonce is more robust"),
        ({"infonce": 0.1, "spectral": 0.101}, {}, "undecided"),
        ({"infonce": 0.2, "spectral": 0.1}, {"noise": 0.05}, "undecided"),
        ({"infonce": 0.2, "spectral": 0.1}, {"seeds": 2}, "undecided"),
    ],
)
def test_robustness_is_decided_beyond_the_noise_of_seeds_alone(drops, how, verdict):
    assert fig4._compared(table_of(drops, **how), 0).endswith(f"): {verdict}")


def test_what_a_last_layer_aligns_with_is_seen():
    generator = np.random.default_rng(0)
    datum = generator.normal(size=(2000, 20)) * np.where(np.arange(20) < 10, 3.0, 0.1)
    noise = generator.normal(size=(2, 2000, 20)) * np.where(np.arange(20) < 10, 0.1, 3.0)
    views = tuple(datum + one for one in noise)
    to_data = fig4.alignment(Features(views, np.eye(20)[:10]))
    to_noise = fig4.alignment(Features(views, np.eye(20)[10:]))
    for found, (near, far) in ((to_data, (0, 1)), (to_noise, (1, 0))):
        assert found[near] > 0.99  # the cosine
        assert abs(found[far]) < 0.05
        assert found[2 + near] > 0.99  # the overlap
        assert found[2 + far] < 0.05
        assert found[4] == 0.5
    turned = np.linalg.qr(generator.normal(size=(20, 20)))[0][:10]
    assert fig4.alignment(Features(views, turned))[2] == pytest.approx(0.5, abs=0.2)


def test_an_imbalance_is_that_of_the_paper():
    for imbalance, counts in fig4.COUNTS.items():
        images = fig4.unlabelled(imbalance, 0.01, None, seed=0)
        assert images.counts == tuple(round(0.01 * count) for count in counts)


def test_a_full_size_waits_for_an_accelerator(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    for name, module in (("fig2-resnet", fig2), ("fig2-vit", fig2), ("fig4", fig4)):
        full = plan(name)
        with pytest.raises(InputError) as error:
            module.unit(**full.units[0])
        assert str(error.value) == (
            "networks of full size need a CUDA device, and torch sees none; --quick trains narrow ones on a processor"
        )


def test_images_are_taken_from_the_command_then_from_the_environment(monkeypatch):
    def named(data=None):
        return plan("fig4", quick=True, data=data).units[0]["data"]

    assert (named(), named("here")) == (None, "here")
    monkeypatch.setenv("QUARTIC_CIFAR10", "there")
    assert (named(), named("here")) == ("there", "here")
    with pytest.raises(InputError) as error:
        plan("fig1", data="here")
    assert str(error.value) == "fig1 uses no images; --data goes with fig2-resnet, fig2-vit, fig4"
    with pytest.raises(InputError, match="there is no file or folder nowhere"):
        fig4.unit(**plan("fig4", quick=True, data="nowhere").units[0])
