"""Landscapes: every grid point against the loss itself, verdicts against landscapes that are known, transitions."""

import json
from dataclasses import replace

import numpy as np
import pytest
import sympy
import torch

from derive import InputError
from verify.command.cli import quartic
from verify.figures.last_layer import drawn
from verify.figures.picture import Picture
from verify.networks.checkpoint import save_network
from verify.networks.last_layer.features import Features
from verify.networks.last_layer.findings import text, to_json
from verify.networks.last_layer.landscape import Landscape, landscape, loss_along
from verify.networks.last_layer.objective import objective
from verify.networks.last_layer.second_moments import orthogonal_parts
from verify.networks.last_layer.strengths import sign_change, study
from verify.networks.network import build
from verify.truths.fast_losses import on_grid
from verify.truths.grid import log_sums

HALF = sympy.Rational(1, 2)
SETTINGS = {
    "infonce-batch": {},
    "weighted-infonce": {"alpha": 3},
    "infonce": {},
    "beta-infonce": {"beta": 2},
    "ntxent": {"tau": 1},
    "dcl": {"tau": 2},
    "siglip": {"t": 1, "b": 1},
    "barlow-twins": {"lambda": 2},
    "spectral+norm-penalty": {"kappa": 1, "c": 1},
    "infonce-batch+weight-decay": {"gamma": 1},
}


def features(sigma=0.3, seed=0, n=96, scale=1.0, noise=None):
    """Data along the axes of four features; the augmentation is strong on the last two."""
    g = np.random.default_rng(seed)
    datum = g.standard_normal((n, 4)) * np.sqrt([1.0, 0.8, 0.6, 0.5])
    strengths = sigma * np.array([0.5, 0.5, 1.0, 1.0]) if noise is None else noise
    turn = np.linalg.qr(np.random.default_rng(9).standard_normal((4, 4)))[0]
    W = scale * turn @ np.diag([0.9, 0.8, 0.5, 0.4])
    return Features(tuple(datum + strengths * g.standard_normal((n, 4)) for _ in range(2)), W)


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("parts", [1, 2, [1, 2, 1]])
def test_each_point_is_the_loss_of_the_scaled_weights(name, parts):
    one, few = objective(name, SETTINGS[name], batch=24), features(n=48)
    bases, _ = orthogonal_parts(few.W, parts)
    axes = [np.array([0.0, 0.4, 1.3]), np.array([0.0, 0.7, 1.0, 1.1]), np.array([0.0, 0.2, 1.0])][: len(bases)]
    found = landscape(one, few, bases, axes)
    for point in np.ndindex(*found.mean.shape):
        scaled = sum(axis[k] * basis @ basis.T for axis, k, basis in zip(axes, point, bases, strict=True)) @ few.W
        moved = Features(few.views, scaled)
        expected = one.function(*one.batches(moved.embedded())).numpy() + one.decay * (scaled**2).sum()
        assert found.values[(slice(None), *point)] == pytest.approx(expected, rel=2e-6, abs=2e-6)


def test_sums_that_leave_single_precision_are_taken_again():
    g = torch.Generator().manual_seed(0)
    Z, Y = torch.randn(2, 2, 30, 5, generator=g) * 12
    axes = [torch.tensor([0.0, 0.5, 1.0]), torch.tensor([0.0, 0.3, 2.0])]
    found = log_sums(list(zip(Z, Y, strict=True)), axes, {0: 0.0, 1: 2.5}, distances=True)
    weights = torch.ones(30, 30, dtype=torch.float64)
    weights.diagonal(0).zero_()
    weights.diagonal(1).fill_(2.5)
    D = -((Z.double()[:, :, None] - Y.double()[:, None]) ** 2).sum(-1) / 2
    for p, a in enumerate(axes[0].double()):
        for q, b in enumerate(axes[1].double()):
            expected = (a * D[0] + b * D[1] + weights.log()).logsumexp(-1).mean()
            assert found[p, q].item() == pytest.approx(expected.item(), rel=1e-5)
    assert D.min() < -400


def test_large_inner_products_do_not_overflow():
    z = 30 * torch.eye(3)
    found = log_sums([(z, z)], [torch.tensor([0.0, 1.0])], {0: 0.0})
    assert found.tolist() == pytest.approx([np.log(2), np.log(2)])


def test_blocks_of_rows_change_nothing(monkeypatch):
    from verify.truths import grid

    z = torch.randn(2, 40, 3, generator=torch.Generator().manual_seed(0))
    loss = on_grid("ntxent", {"tau": 1.0})
    axes = [torch.linspace(0, 1, 5)]
    whole = loss([z[0]], [z[1]], axes)
    monkeypatch.setattr(grid, "BLOCK", 1000)
    assert loss([z[0]], [z[1]], axes).numpy() == pytest.approx(whole.numpy(), rel=1e-6)


def test_the_loss_along_W_is_even_and_that_of_one_part():
    one, few = objective("infonce-batch", batch=32), features()
    line = loss_along(one, few, np.array([-1.0, 0.0, 0.5, 1.0]))
    assert line[:, 0] == pytest.approx(line[:, 3])
    assert line[:, 1] == pytest.approx(np.log(32))
    mine = objective(lambda z1, z2: (z1 * z2).sum() + z1.sum(), batch=32)
    odd = loss_along(mine, few, np.array([-1.0, 1.0]))
    assert not np.allclose(odd[:, 0], odd[:, 1])


# Verdicts.


def test_three_phases_of_a_loss_that_has_them():
    beta = objective("beta-infonce", {"beta": HALF}, batch=64)
    found = [landscape(beta, features(s, n=512), orthogonal_parts(features().W, 2)[0]) for s in (0.5, 1.2, 4.0)]
    assert [one.phase for one in found] == ["no collapse", "dimensional collapse", "complete collapse"]
    assert found[1].at[0] > 0 == found[1].at[1]
    assert found[2].at == (0, 0)
    assert not any(one.at_the_end for one in found)


def test_noise_larger_than_the_effect_is_undecided():
    g = np.random.default_rng(0)
    axis = np.linspace(0, 1, 5)
    values = 0.01 * (axis**2 - 0.3) ** 2 + g.standard_normal((6, 1)) * axis**2
    assert Landscape((axis,), values - values.mean(0) + 0.001 * axis**2).phase == "undecided"
    # A single batch has no error.
    assert Landscape((axis,), values[:1]).kept == (None,)


def test_a_direction_that_the_loss_does_not_see_is_undecided():
    axis = np.linspace(0, 1, 11)
    noise = 1e-12 * np.random.default_rng(0).standard_normal((8, 11)) + 1e-12 * axis
    assert Landscape((axis,), 5 + noise).kept == (None,)


def test_a_minimum_beyond_a_jump_is_kept():
    axis = np.linspace(0, 2, 21)
    s = axis**2
    values = (0.1 * s - s**2 + 0.3 * s**3)[None] + 1e-6 * np.random.default_rng(0).standard_normal((8, 21))
    found = Landscape((axis,), values)
    assert found.slopes()[0][0] < 0
    assert found.kept == (True,)


def test_the_reach_grows_until_the_minimum_is_inside():
    small = features(noise=np.ones(4), scale=0.05)
    found = landscape(objective("infonce-batch", batch=32), small, orthogonal_parts(small.W, 1)[0])
    assert found.axes[0][-1] > 3
    assert not found.at_the_end


def test_axes_that_do_not_begin_with_0():
    few = features()
    with pytest.raises(InputError) as error:
        landscape(objective("infonce-batch", batch=32), few, orthogonal_parts(few.W, 1)[0], [np.array([0.1, 1, 2])])
    assert str(error.value) == "the scales of a part are to rise from 0, with three values or more"


# Several strengths.


@pytest.fixture(scope="module")
def studied():
    strengths = (0.5, 1.2, 4.0)
    at = [(f"σ = {s:g}", s, features(s, n=512)) for s in strengths]
    return study(at, objective("beta-infonce", {"beta": HALF}, batch=64))


def test_transitions_sit_where_theory_has_them(studied):
    # B = ½ (A0 − C): the second part has modes 0.6 and 0.5 with noise σ², the first 1 and 0.8 with ¼ σ².
    second, first = (next(t for t in studied.transitions if t.what.startswith(f"part {k}")) for k in (2, 1))
    assert second.between == (0.5, 1.2)
    assert abs(second.strength - np.sqrt(0.55)) < 3 * second.error
    assert first.between == (1.2, 4.0)
    top = studied.transitions[-1]
    assert top.between == (1.2, 4.0)
    assert abs(top.strength - 2.0) < 3 * top.error
    assert not studied.contradicted
    assert [one.sign_as_predicted for one in studied.at if one.sign_as_predicted is not None].count(False) == 0


def test_the_report_fits_a_screen_and_the_json_is_json(studied):
    about = [("features", "made here")]
    written = text(studied, about, width=100)
    assert len(written.splitlines()) < 80
    assert max(map(len, written.splitlines())) <= 100
    found = json.loads(json.dumps(to_json(studied, about)))
    assert found["at"][0]["phase"] == "no collapse"
    assert found["contradicted"] is False


def test_the_picture_has_a_line_and_a_map_a_strength(studied):
    picture = drawn(replace(studied, at=studied.at[:1]))
    assert isinstance(picture, Picture)
    assert picture.header == ("strength", "of", "r1", "r2", "loss")
    assert {row[1] for row in picture.rows} == {"line", "map"}


@pytest.mark.parametrize(
    ("values", "errors", "expected"),
    [
        ((1.0, 0.0, -1.0), 0.01, "x at 2 ± 0.01, between 1 and 3"),
        ((1.0, 1.0, 1.0), 0.01, "x: not up to 3"),
        ((-1.0, -1.0, -1.0), 0.01, "x: already at 1"),
        ((1.0, 0.5, 0.01), 0.1, "x: not up to 2; undecided beyond"),
        ((1.0, -0.5, 0.2), 1.0, "x: undecided: noise at every strength"),
    ],
)
def test_changes_of_sign(values, errors, expected):
    assert sign_change("x", (1.0, 2.0, 3.0), values, (errors,) * 3).text == expected


# The command.


@pytest.fixture
def run(capsys, tmp_path):
    def call(*arguments):
        quartic(["landscape", *arguments, "--out", str(tmp_path / "out")], standalone_mode=False)
        return capsys.readouterr().out

    return call


def test_the_command_on_features(run, tmp_path):
    few = features(n=256)
    np.savez(tmp_path / "f.npz", x=few.views[0], x_pos=few.views[1], W=few.W)
    shown = run(str(tmp_path / "f.npz"), "--batch", "32", "--loss", "infonce-batch+normalised")
    assert "features    features of f.npz" in shown
    assert "exactly normalised, constant along W → aW" in shown
    assert "as given, on the sphere" in shown
    assert "no collapse" in shown
    with pytest.raises(InputError, match="--sigma does not go with features; leave it out"):
        run(str(tmp_path / "f.npz"), "--sigma", "1")
    assert (tmp_path / "out" / "landscape.csv").read_text().startswith("strength,of,r1,r2,loss,correlation,share,")
    assert json.loads(run(str(tmp_path / "f.npz"), "--batch", "32", "--json"))["at"][0]["phase"] == "no collapse"


def test_the_command_on_a_network(run, tmp_path):
    save_network(tmp_path / "a.safetensors", build({"name": "resnet18", "width": 2, "d1": 4}))
    arguments = ("--data", "synthetic", "--images", "64", "--batch", "16", "--sigma", "0.5,2", "--split", "1,3")
    shown = run(str(tmp_path / "a.safetensors"), *arguments)
    shown = " ".join(shown.split())
    assert "resnet18, width 2, d1 4, projector 0" in shown
    with pytest.raises(InputError, match="a network needs images to be run on; give them with --data PATH"):
        run(str(tmp_path / "a.safetensors"))
    assert "synthetic: 64 gratings" in shown
    assert "σ = 2" in shown
    assert "part 2 collapses" in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.npz"], "there is no file missing.npz"),
        (["missing.pt", "--data", "synthetic"], "there is no file missing.pt"),
        (["missing.npz", "--sigma", "1"], "there is no file missing.npz"),
        (["f.pt", "--augmentation", "simclr", "--sigma", "1"], "--sigma does not go with --augmentation simclr"),
        (
            ["f.pt", "--data", "synthetic", "--images", "64"],
            "--images 64 makes no batch of 128; give more images or a smaller --batch",
        ),
        (["f.npz", "--sigma", "a"], "--sigma a: write strengths as numbers with commas between, such as 0.1,0.5,1"),
        (["f.npz", "--sigma", "1,1"], "--sigma 1,1: a strength is given twice"),
        (["f.npz", "--split", "x"], "--split x: write how many parts, such as 2, or their sizes, such as 96,32"),
        (["f.npz", "--loss", "ntxent"], "ntxent has the parameter tau; give it a value with --set tau=VALUE"),
        (["f.npz", "--loss", "infonec"], "unknown loss 'infonec'; did you mean infonce?"),
    ],
)
def test_unusable_input_is_one_sentence(arguments, message, run):
    with pytest.raises(InputError) as error:
        run(*arguments)
    assert str(error.value).startswith(message)
