"""Normalised losses on features: λ, shares, α and β at W, and what is predicted, against features that are known."""

import json
from dataclasses import replace

import numpy as np
import pytest
import sympy
import torch

from derive import InputError, Loss, Mean, cosine, exp, log, views
from verify.command.cli import quartic
from verify.figures.last_layer import drawn
from verify.networks.last_layer.features import Features
from verify.networks.last_layer.findings import text, to_json
from verify.networks.last_layer.objective import objective
from verify.networks.last_layer.reopening import of_batches, reopening
from verify.networks.last_layer.second_moments import spread
from verify.networks.last_layer.sphere import on_sphere
from verify.networks.last_layer.strengths import study
from verify.networks.last_layer.view_modes import view_modes

LAM = np.array([0.97, 0.95, 0.93, 0.9, 0.88, 0.85, 0.8, 0.5, 0.3, 0.1])
SHARES = np.array([0.2, 0.18, 0.16, 0.14, 0.12, 0.1, 0.1, 0.0, 0.0, 0.0])
FIFTH = sympy.Rational(1, 5)


def features(shares=SHARES, lam=LAM, n=1024, seed=0, scales=None, bias=True):
    """Features of known λ, mixed by a matrix, with a mean; W gives each mode a share."""
    g = np.random.default_rng(seed)
    d = len(lam)
    one = g.standard_normal((n, d))
    other = lam * one + np.sqrt(1 - lam**2) * g.standard_normal((n, d))
    if scales is not None:
        size = scales(g, n)[:, None]
        one, other = one * size, other * size
    mix = np.linalg.qr(g.standard_normal((d, d)))[0] * np.linspace(0.5, 2, d)
    W = np.diag(np.sqrt(shares)) @ np.linalg.inv(mix)
    b = -W @ np.full(d, 3.0) if bias else None
    return Features((one @ mix.T + 3, other @ mix.T + 3), W, b)


def ntxent(batch=64):
    return objective("ntxent+normalised", {"tau": FIFTH}, batch=batch)


# The modes of features.


def test_correlations_are_those_of_the_data_within_their_errors():
    z = []
    for seed in range(6):
        found = view_modes(spread(features(seed=seed, n=2000)), bias=True)
        z.append((found.correlations - LAM) / found.errors)
    assert np.abs(np.mean(z, 0)).max() < 2
    assert 0.3 < np.std(z) < 1.5


def test_more_data_give_smaller_errors_and_modes_are_whitened():
    few, many = (view_modes(spread(features(n=n)), bias=True) for n in (300, 3000))
    assert (many.errors[7:] < few.errors[7:]).all()
    at = many.of(np.stack(features(n=3000).views))
    both = np.concatenate(at)
    assert (both.T @ both / len(both)).round(6) == pytest.approx(np.eye(len(LAM)), abs=3e-3)


def test_directions_in_which_features_do_not_vary_are_left_out():
    given = features()
    wide = Features(tuple(np.hstack([one, one[:, :2] @ [[1, 2], [3, 1]]]) for one in given.views), W=np.ones((3, 12)))
    found = view_modes(spread(wide), bias=True)
    assert (len(found.correlations), found.flat) == (10, 2)
    assert found.correlations == pytest.approx(view_modes(spread(given), bias=True).correlations, abs=1e-4)


def test_without_a_bias_modes_lie_across_from_the_mean():
    found = view_modes(spread(features()), bias=False)
    assert found.across
    assert len(found.correlations) == len(LAM) - 1
    assert np.abs(found.mean @ found.directions).max() < 1e-9


def test_a_mean_that_is_noise_takes_no_direction():
    given = features(n=2000)
    centred = Features(tuple(one - 3 for one in given.views), given.W)
    found = view_modes(spread(centred), bias=False)
    assert not found.across
    assert found.correlations == pytest.approx(view_modes(spread(given), bias=True).correlations, abs=1e-6)


def test_features_that_do_not_vary():
    with pytest.raises(InputError) as error:
        view_modes(spread(Features((np.ones((8, 2)), np.ones((8, 2))), np.eye(2))), bias=True)
    assert str(error.value) == "the features do not vary: they have no modes"


# α and β on features.


def heavy(g, n):
    """Scales that are far from those of Gaussian data, though directions alone count."""
    return np.exp(g.standard_normal(n))


@pytest.fixture(scope="module")
def known():
    return on_sphere(ntxent(), features())


def test_the_definition_and_the_values_of_the_loss_agree(known):
    found = known.reopening
    assert found.agree == (True, True)
    assert found.by_definition.threshold.value == pytest.approx(found.by_values.threshold.value, abs=0.04)
    # These features are Gaussian.
    for a, b in ((found.by_definition.alpha, found.gaussian.alpha), (found.by_definition.beta, found.gaussian.beta)):
        assert abs(a.value - b.value) < 4 * np.hypot(a.error, b.error)


def test_lost_modes_do_what_their_correlation_says(known):
    lost = known.reopening.lost
    assert [round(one.correlation, 1) for one in lost] == [0.5, 0.3, 0.1]
    assert lost[0].state == "comes back"
    assert lost[-1].state == "stays lost"
    for one in lost:
        assert abs(one.measured - one.predicted) < 4 * one.error


def wrong(change):
    """α and β of a definition that went wrong."""

    def slopes(loss, first, second):
        alpha, beta = of_batches(loss, first, second).T
        return np.stack(change(alpha, beta), -1)

    return slopes


@pytest.mark.parametrize(
    ("change", "which"),
    [
        (lambda a, b: (2 * a, b), 0),
        (lambda a, b: (-a, b), 0),
        (lambda a, b: (a, b / 2), 1),
        (lambda a, b: (a, b - a / 10), 1),
    ],
)
def test_wrong_slopes_are_rejected(change, which):
    given = features(n=2048)
    f = given.embedded()
    f = f / np.sqrt((f**2).sum(-1).mean())
    found = reopening(ntxent(), f, 7, (LAM[:7], SHARES[:7]), slopes=wrong(change))
    assert found.agree[which] is False


def test_too_few_batches_decide_nothing():
    found = on_sphere(ntxent(), features(n=192))
    assert found.reopening.agree == (None, None)
    assert found.reopening.best.threshold is None
    assert {one.state for one in found.reopening.lost} == {"undecided"}


def test_features_that_are_not_gaussian_differ_from_gaussian_ones():
    # Heavy tails of single modes, which directions see.
    g = np.random.default_rng(1)
    given = features()
    common = g.exponential(size=(1024, 10)) * g.choice([-1, 1], (1024, 10))
    views_ = tuple(common + 0.3 * g.standard_normal(common.shape) for _ in range(2))
    found = on_sphere(ntxent(), Features(views_, np.diag(np.sqrt(SHARES)), given.b * 0))
    a, b = found.reopening.by_definition.beta, found.reopening.gaussian.beta
    assert found.reopening.agree == (True, True)
    assert abs(a.value - b.value) > 5 * np.hypot(a.error, b.error)


def test_a_common_scale_of_the_features_is_not_seen():
    plain, scaled = (view_modes(spread(features(n=3000, scales=s)), bias=True) for s in (None, heavy))
    assert plain.correlations == pytest.approx(scaled.correlations, abs=0.15)


def simclr(z1, z2):
    z1, z2 = (z / z.norm(dim=-1, keepdim=True) for z in (z1, z2))
    return torch.nn.functional.cross_entropy(5 * z1 @ z2.T, torch.arange(len(z1)))


def mine(size):
    x, x_pos, chi = views("x, x_pos, chi")
    pull = -5 * cosine(x, x_pos)
    return Loss(pull + log(Mean(exp(5 * cosine(x, chi)), over=chi, count=size)), name="mine")


def test_a_torch_function_has_the_slopes_of_its_definition():
    x, x_pos, chi = views("x, x_pos, chi")
    # The cross-entropy with the positive among 64: log of its exponential and 63 others.
    others = exp(5 * cosine(x, x_pos)) + 63 * Mean(exp(5 * cosine(x, chi)), over=chi, count=63)
    same = Loss(-5 * cosine(x, x_pos) + log(others), name="same")
    of_code, of_definition = (on_sphere(objective(one, batch=64), features()).reopening for one in (simclr, same))
    assert of_code.by_definition is None
    for name in ("alpha", "beta"):
        a, b = getattr(of_code.by_values, name), getattr(of_definition.by_definition, name)
        assert abs(a.value - b.value) < 4 * np.hypot(a.error, b.error)
        assert a.error < 0.05 * a.value


def test_a_loss_that_sees_coordinates_has_no_slopes():
    def first(z1, z2):
        return -(z1[:, 0] * z2[:, 0]).mean() / (z1.norm(dim=-1) * z2.norm(dim=-1)).mean()

    found = on_sphere(objective(first, batch=64), features())
    assert found.reopening is None
    assert found.why == "first singles out coordinates of the embedding; it has no α and β"


@pytest.mark.parametrize("target", ["ntxent+normalised", simclr])
def test_few_kept_modes_have_no_error(target):
    values = {"tau": FIFTH} if isinstance(target, str) else None
    found = on_sphere(objective(target, values, batch=64), features(np.r_[0.5, 0.5, 0, 0, 0, 0, 0, 0, 0, 0]))
    assert found.rank == 2
    assert found.reopening is None
    assert "2" in found.why


# What is predicted.


def test_the_prediction_keeps_the_mode_that_W_lost(known):
    assert known.rank == 7
    assert known.predicted_rank[0] == 8
    assert known.astray < 0.01
    # The share that the eighth mode should have.
    assert known.apart == pytest.approx(known.predicted.powers[7], abs=0.1)
    assert known.effective_rank == pytest.approx(1 / (SHARES**2).sum(), rel=0.05)
    assert known.of_mean < 0.01


def test_modes_near_the_threshold_are_not_certain(known):
    away = abs(known.modes.correlations[8] - known.predicted.threshold)
    errors = (replace(known.modes, errors=np.full(10, away / k)) for k in (4, 2))
    sure, unsure = (replace(known, seen=replace(known.seen, modes=modes)) for modes in errors)
    assert sure.certain[8] is False
    assert unsure.certain[8] is None
    assert unsure.predicted_rank[1] >= 9


def test_a_mean_that_f_does_not_lose_is_told():
    given = features()
    found = on_sphere(ntxent(), Features(given.views, given.W, given.b + 5.0))
    assert found.of_mean > 0.9


def test_W_that_sees_nothing():
    given = features()
    with pytest.raises(InputError) as error:
        on_sphere(ntxent(), Features(given.views, 0 * given.W, np.ones(10)))
    assert str(error.value) == "W sees no direction in which the features vary"
    with pytest.raises(InputError) as error:
        on_sphere(ntxent(), Features(given.views, 0 * given.W))
    assert str(error.value) == "W maps every feature to 0, where a loss of unit vectors has no value"


# Reports.


@pytest.fixture(scope="module")
def studied():
    return study([("as given", None, features(n=512))], objective(mine(63), batch=64))


def test_a_definition_without_a_core_is_studied_on_the_sphere_alone(studied):
    assert studied.at == ()
    assert len(studied.sphere) == 1
    assert not studied.contradicted
    written = text(studied, [])
    assert "as given, on the sphere" in written
    assert max(map(len, written.splitlines())) < 160
    found = json.loads(json.dumps(to_json(studied)))
    (at,) = found["sphere"]
    assert at["rank"] == 7
    assert sum(mode["share"] for mode in at["modes"][7:]) < 0.01
    assert at["at_W"]["by_definition"]["threshold"]["value"] > 0
    assert at["predicted"]["theory"] == "sphere"
    assert drawn(studied).header[-3:] == ("correlation", "share", "predicted_share")
    assert len(drawn(studied).rows) == 10


def test_a_wrong_slope_contradicts(studied):
    (here,) = studied.sphere
    off = replace(here, reopening=replace(here.reopening, agree=(True, False)))
    assert replace(studied, sphere=(off,)).contradicted


def test_the_command_shows_the_sphere_and_then_the_core(capsys, tmp_path):
    few = features(n=256)
    np.savez(tmp_path / "f.npz", x=few.views[0], x_pos=few.views[1], W=few.W, b=few.b)
    arguments = [str(tmp_path / "f.npz"), "--batch", "32", "--loss", "dcl+normalised", "--set", "tau=1/2", "--quiet"]
    quartic(["landscape", *arguments, "--out", str(tmp_path)], standalone_mode=False)
    shown = capsys.readouterr().out
    assert shown.index("as given, on the sphere") < shown.index("order 2")
    assert "λ_c at W" in shown
