"""What a last layer has kept and lost, said first: against features of known modes, and at the places it names."""

import json

import numpy as np
import pytest
import sympy
import torch

from derive import InputError, catalogue
from numeric.sphere.shares import shares
from verify.audits.modes import modes as kept_modes
from verify.audits.solved_shares import large_batch_form
from verify.command.cli import quartic
from verify.networks.last_layer import nearest as nearest_change
from verify.networks.last_layer.answer import layer_answer
from verify.networks.last_layer.features import Features, read_features
from verify.networks.last_layer.loader import find_loader, two_views, views_of
from verify.networks.last_layer.nearest import nearest
from verify.networks.last_layer.objective import objective
from verify.networks.last_layer.second_moments import spread
from verify.networks.last_layer.strengths import study
from verify.networks.last_layer.view_modes import ViewModes

LAM = np.array([0.95, 0.9, 0.85, 0.7, 0.3, 0.1])
HALF = sympy.Rational(1, 2)


def features(rows=None, n=2000, mean=0.0):
    """Features of known λ; W takes the first rows of them, or half of the first three alone."""
    one, own = np.random.default_rng(0).standard_normal((2, n, len(LAM)))
    other = LAM * one + np.sqrt(1 - LAM**2) * own
    W = np.eye(len(LAM))[:rows] if rows else np.diag([1.0, 1, 1, 0, 0, 0])
    return Features((one + mean, other + mean), W, np.zeros(len(W)))


def beta():
    return objective("beta-infonce", {"beta": HALF}, batch=64)


def said(answer):
    return {line.label: line.text for line in answer.lines()}


def test_kept_lost_next_and_what_to_change_come_first_in_this_order():
    found = layer_answer(beta(), features(), strength=0.5)
    lines = said(found)
    assert list(lines) == ["kept", "lost", "next", "to change", "spectrum", "measures"]
    assert (found.seen.rank, found.range) == (3, (4, 4))
    assert lines["kept"].startswith("W keeps 3 of the 6 directions in which features vary, effective rank 2.99")
    assert "keeps 4 at its minimum" in lines["kept"]
    # λ/(λ + k(1 − λ)) = ½ where k = λ/(1 − λ): noise of variance k times 0.25.
    lam = found.seen.modes.correlations
    assert found.next_lost.augmentation == pytest.approx(lam[3] / (1 - lam[3]))
    assert found.next_kept.augmentation == pytest.approx(lam[4] / (1 - lam[4]))
    sigma = 0.5 * (lam[3] / (1 - lam[3])) ** 0.5
    assert lines["next"] == f"λ = {lam[3]:.3g} is lost from σ ≈ {sigma:.2g} on"
    assert lines["to change"].startswith("train on: the minimum keeps 1 more than W")
    assert f"| λ_c = 0.5 | {lam[4]:.3g}" in lines["spectrum"]


@pytest.mark.parametrize(("factor", "kept"), [(0.97, 4), (1.03, 3)])
def test_the_augmentation_that_is_named_is_the_one_that_loses_a_mode(factor, kept):
    found = layer_answer(beta(), features())
    lam, k = found.seen.modes.correlations, found.next_lost.augmentation * factor
    there = kept_modes(catalogue("beta-infonce"), (lam / (lam + k * (1 - lam))).tolist(), {"beta": HALF})
    assert sum(there.kept) == kept


def test_weight_decay_is_solved_on_the_covariances_of_the_features():
    decay = objective("beta-infonce+weight-decay", {"beta": HALF, "gamma": sympy.Rational(1, 100)}, batch=64)
    given = features()
    # A direction whose views have a correlation below 0, as an estimate without bias may have it.
    views = (
        np.column_stack([given.views[0], given.views[1][:, 0]]),
        np.column_stack([given.views[1], -given.views[0][:, 0]]),
    )
    found = layer_answer(decay, Features(views, np.eye(7), np.zeros(7)))
    assert np.linalg.eigvalsh(spread(Features(views, np.eye(7))).A0)[0] < 0
    assert found.predicted is not None, found.why_not
    assert sum(map(bool, found.predicted.kept)) >= 3


def test_rows_that_are_all_used_are_named():
    found = layer_answer(beta(), features(rows=2))
    assert found.range == (2, 2)
    assert "2 of them for want of rows" in said(found)["lost"]
    assert said(found)["to change"].startswith("more rows: the minimum uses all 2 of W")


def test_a_common_vector_is_named():
    assert said(layer_answer(beta(), features(mean=9.0)))["to change"].startswith(
        "outputs share one vector, 99% of E|f|²"
    )


def test_too_few_data_say_how_many_are_needed():
    found = layer_answer(objective("infonce-batch", batch=4), features(n=10))
    assert found.too_few == 24
    assert "give 24 or more (--images 24)" in said(found)["kept"]
    assert found.range is None


def test_complete_collapse_is_an_answer():
    x = np.ones((200, 6), np.float32) * [3, 1, 4, 1, 5, 9]
    found = study([("σ = 1", 1.0, Features((x, x), np.eye(6)))], beta())
    assert not found.at
    assert said(found.answers[0])["kept"] == "none: collapsed completely before this layer, all features are equal"
    assert "none: collapsed completely" in found.text()
    assert said(layer_answer(beta(), Features((x, 2 * x + np.eye(200, 6)), np.zeros((2, 6)))))["kept"].startswith(
        "none: W maps"
    )


def test_the_temperature_and_the_augmentation_of_unit_vectors_are_where_modes_change_sides(monkeypatch):
    """Found with the modes above alone; at the minimum over all modes, on both sides."""
    monkeypatch.setattr(nearest_change, "FAR", 4.0)
    loss, lam = catalogue("ntxent+normalised"), np.array([0.97, 0.95, 0.93, 0.9, 0.88, 0.85, 0.8, 0.5, 0.3, 0.1])
    values = {"tau": sympy.Rational(1, 5)}
    zeros = np.zeros(len(lam))
    modes = ViewModes(lam, zeros, np.eye(len(lam)), zeros, 0, False)

    def number(k=1.0, t=1.0):
        tau = sympy.Rational(0.2 * t).limit_denominator(10**6)
        form = large_batch_form(loss, {"tau": tau})
        return sum(shares(form, lam / (lam + k * (1 - lam))).kept)

    keeps = [True] * 8 + [False] * 2
    of = objective("ntxent+normalised", {"tau": values["tau"]}, batch=64)
    lost, kept = nearest(of, modes, None, keeps, len(lam))
    assert (lost.correlation, kept.correlation) == (0.5, 0.3)
    assert [number(t=lost.temperature / 0.2 * t) for t in (0.93, 1.07)] == [8, 7]
    assert (number(t=kept.temperature / 0.2 * 0.93), number(k=kept.augmentation * 0.85)) == (9, 9)


# Files and iterables.


@pytest.mark.parametrize("kind", ["pt", "npz", "npy", "pt of one tensor"])
def test_outputs_without_weights_are_taken_as_they_are(kind, tmp_path):
    z = np.random.default_rng(0).standard_normal((2, 50, 3)).astype(np.float32)
    path = tmp_path / f"z.{kind[:3].strip()}"
    if kind == "pt":
        torch.save({"z1": torch.from_numpy(z[0]).bfloat16(), "z2": torch.from_numpy(z[1])}, path)
    elif kind == "npz":
        np.savez(path, x=z[0], x_pos=z[1])
    elif kind == "npy":
        np.save(path, z)
    else:
        torch.save(torch.from_numpy(z), path)
    found = read_features(path)
    assert np.array_equal(found.W, np.eye(3))
    assert found.source.endswith("taken for the outputs: it holds no W")
    assert found.views[0] == pytest.approx(z[0], abs=0.02)


@pytest.fixture
def run(capsys):
    def call(*given):
        quartic.main(["landscape", *map(str, given)], standalone_mode=False)
        return capsys.readouterr().out

    return call


def test_one_view_tells_what_it_can(run, tmp_path):
    x = np.random.default_rng(0).standard_normal((400, 4)) * [1, 1, 1, 0] + 2
    torch.save(torch.from_numpy(x), tmp_path / "x.pt")
    out = run(tmp_path / "x.pt")
    assert out.startswith("  kept          outputs fill 3 of 4 directions")
    assert "since when is not known" in out
    assert "LiDAR" not in out
    assert "RankMe" in out
    assert json.loads(run(tmp_path / "x.pt", "--json"))["kept"] == 3


BATCHES = """
import torch
g = torch.Generator().manual_seed(0)
x = torch.randn(6, 40, 6, generator=g)
def pairs():
    for one in x:
        yield [one, one + 0.3 * torch.randn(one.shape, generator=g)], torch.arange(40)
singles = [(one, torch.arange(40)) for one in x]
few, labels = singles[:1], [torch.arange(40)]
def broken():
    yield x[0]
    raise OSError("the disk is gone")
"""
NET = "from torch import nn\nNET = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))\n"


def test_any_iterable_of_batches_is_looked_at(run, tmp_path):
    (tmp_path / "data.py").write_text(BATCHES)
    (tmp_path / "net.py").write_text(NET)
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    torch.save(net.state_dict(), tmp_path / "net.pt")
    common = (
        tmp_path / "net.pt",
        "--model",
        f"{tmp_path}/net.py:NET",
        "--out",
        tmp_path,
        "--batch",
        20,
        "--json",
        "--quiet",
    )
    found = json.loads(run(*common, "--data", f"{tmp_path}/data.py:pairs", "--images", 200))
    assert found["views"] == "two, as the loader gives them"
    assert found["answers"][0]["directions"] <= 8
    assert found["answers"][0]["kept"] == 3
    with pytest.raises(InputError, match=r"gives two views itself; leave --sigma and --augmentation out"):
        run(*common, "--data", f"{tmp_path}/data.py:pairs", "--sigma", "0.1")
    with pytest.raises(InputError, match=r"40 data make no batch of 64; give 64 or more, or a smaller --batch"):
        run(*common[:5], "--batch", 64, "--data", f"{tmp_path}/data.py:few")


def test_loaders_of_other_kinds(tmp_path):
    (tmp_path / "data.py").write_text(BATCHES)
    kept, own = two_views(find_loader(f"{tmp_path}/data.py:singles"), 100)
    assert (own, [len(one[0]) for one in kept]) == (False, [40, 40, 20])
    with pytest.raises(InputError, match="holds no images or features"):
        two_views(find_loader(f"{tmp_path}/data.py:labels"), 10)
    with pytest.raises(InputError, match="the loader failed after 40 data: OSError: the disk is gone"):
        two_views(find_loader(f"{tmp_path}/data.py:broken"), 100)
    with pytest.raises(InputError, match="defines no 'pair'; did you mean pairs"):
        find_loader(f"{tmp_path}/data.py:pair")
    assert [len(views_of(one)) for one in (np.zeros((3, 2), np.float32), {"a": torch.zeros(3, 2)})] == [1, 1]
