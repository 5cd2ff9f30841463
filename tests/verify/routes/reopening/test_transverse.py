"""The transverse Hessian against theories that share no code with it, its verdicts, and wrong ones found out."""

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import sympy
import torch

from derive import InputError, catalogue, closed_form
from derive.landscape.exact_modes import exact_modes
from derive.landscape.landscape import landscapes
from derive.landscape.mode_potential import h
from numeric.landscape.landscape import landscape_in_numbers
from numeric.landscape.modes import masked_point
from numeric.sampling import Covariances, random_covariances
from numeric.sphere.equal_modes import Sphere
from verify.routes.reopening.directions import opening
from verify.routes.reopening.kept_modes import alike, curvatures_of, modes
from verify.routes.reopening.transverse import plus_minus, transverse
from verify.truths.two_views import batch_normalised, two_views

NORMALISED = two_views("infonce+normalised")


def data(sigma, rank=12, weak=0.3):
    return Covariances(np.diag([1.0] * rank + [weak]), sigma**2 * np.eye(rank + 1))


@cache
def at(sigma, rank=12, seed=0, batches=150):
    covariances = data(sigma, rank)
    here = opening(alike(covariances, rank), covariances)
    return transverse(NORMALISED, covariances, here, batch=64, batches=batches, seed=seed)


@pytest.mark.parametrize("sigma", [0.05, 0.2, 0.7, 2.0])
def test_normalised_infonce_has_the_curvature_of_the_quadrature(sigma):
    found = at(sigma)
    correlations = modes(data(sigma))[1]
    # E|f|² = 1, where the quadrature has 12.
    expected = 12 * Sphere(12, correlations[0]).curvature(correlations[-1])
    assert abs(found.value - expected) < 4 * found.error
    assert found.derivatives == "autodiff"
    assert found.difference < 1
    assert found.stationary


def test_the_verdict_follows_the_strength():
    assert [at(sigma).verdict for sigma in (0.05, 0.22, 0.7)] == ["reopens", "undecided", "stays collapsed"]
    assert at(0.22).why_not == ""


# A loss whose expansion ends: the landscape of order 4 is the loss itself.
VALUES = {"kappa": 1.0, "c": 0.7}


def spectral(seed):
    covariances = random_covariances(np.random.default_rng(seed), 4, augmentation=0.3)
    (case,) = landscapes(catalogue("spectral+norm-penalty").expand(4))
    solved = landscape_in_numbers(case, covariances, VALUES, d1=4)
    points = [point for point in solved.stationary_points() if 2 <= point.rank <= 3]
    return covariances, solved, points


@pytest.mark.parametrize("seed", range(2))
def test_at_masked_points_it_is_the_landscapes_hessian(seed):
    covariances, solved, points = spectral(seed)
    loss = two_views("spectral+norm-penalty", VALUES)
    assert len(points) >= 4
    for point in points:
        here = opening(solved.weight(point), covariances)
        found = transverse(loss, covariances, here, batch=64, batches=400, seed=seed)
        theory = curvatures_of(solved, point, covariances)
        # Both by the correlation of a mode's views, the largest first.
        sizes = np.einsum("ik,ij,jk->k", solved.frame, covariances.Sigma, solved.frame)
        own = np.einsum("ik,ij,jk->k", solved.frame, covariances.A0, solved.frame) / sizes
        dropped = np.flatnonzero(~point.mask)
        expected = theory[dropped[np.argsort(-own[dropped])]]
        assert here.correlations == pytest.approx(np.sort(own[dropped])[::-1])
        measured, errors = np.diag(found.hessian), np.diag(found.errors)
        assert (np.abs(measured - expected) < 4 * errors).all()
        off = ~np.eye(len(expected), dtype=bool)
        assert (np.abs(found.hessian[off]) < 4 * found.errors[off]).all()
        # Mutants: the sign, and the curvature of a kept mode's own length instead.
        assert (np.abs(-measured - expected) > 4 * errors).any()


def test_a_direction_through_a_row_in_use_has_another_curvature():
    covariances, solved, points = spectral(0)
    loss = two_views("spectral+norm-penalty", VALUES)
    point = next(one for one in points if one.rank == 3)
    weight = solved.weight(point)
    here = opening(weight, covariances)
    right = transverse(loss, covariances, here, batch=64, batches=400, seed=0)
    used = np.linalg.svd(weight)[0][:, :1]
    wrong = transverse(loss, covariances, replace(here, rows=used), batch=64, batches=400, seed=0)
    assert abs(wrong.value - right.value) > 4 * np.hypot(wrong.error, right.error)
    kept = np.linalg.pinv(weight)[:, :1]
    kept = kept / np.sqrt(kept.T @ covariances.Sigma @ kept)
    tilted = transverse(loss, covariances, replace(here, modes=kept), batch=64, batches=400, seed=0)
    assert abs(tilted.value - right.value) > 4 * np.hypot(tilted.error, right.error)


def test_infonce_with_a_norm_penalty_has_the_landscapes_hessian():
    # Five modes alike and one more: with heights h, φ′(h) + 2κ(ρ − c) = λ, and 2κ(ρ − c) − λ′ along the sixth.
    covariances, height, kappa = data(0.5, rank=5), 0.05, 1.0
    correlations = modes(covariances)[1]
    slope = float(exact_modes(closed_form(catalogue("infonce"))).slope.subs(h, sympy.Rational(height)))
    c = 5 * height - (correlations[0] - slope) / (2 * kappa)
    weight = alike(covariances, 5) * np.sqrt(5 * height)
    loss = two_views("infonce+norm-penalty", {"kappa": kappa, "c": c})
    found = transverse(loss, covariances, opening(weight, covariances), batch=128, batches=300, seed=1)
    exact = 2 * (correlations[0] - slope - correlations[-1])
    assert abs(found.value - exact) < 4 * found.error
    # Through order 4, φ′ is linear; the rest of the series is what the two differ by.
    (case,) = landscapes(catalogue("infonce+norm-penalty").expand(4))
    solved = landscape_in_numbers(case, covariances, {"kappa": kappa, "c": c})
    own = np.einsum("ik,ij,jk->k", solved.frame, covariances.A0, solved.frame)
    point = masked_point(solved.modes, own > own.min() + 1e-6)
    theory = float(np.nanmax(curvatures_of(solved, point, covariances)))
    assert theory == pytest.approx(exact, abs=2 * abs(1.5 * height - slope) + 0.02)
    assert abs(-found.value - theory) > 4 * found.error


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others():
    covariances = data(0.3)
    here = opening(alike(covariances, 12), covariances)
    one, same, other = (
        transverse(NORMALISED, covariances, here, batch=16, batches=50, seed=seed) for seed in (3, 3, 4)
    )
    assert np.array_equal(one.samples, same.samples)
    assert not np.array_equal(one.samples, other.samples)


def test_strengths_share_their_random_numbers():
    near = [at(sigma) for sigma in (0.5, 0.51)]
    difference = near[1].samples - near[0].samples
    assert difference.std() < near[0].samples.std() / 5


@pytest.mark.parametrize(
    ("rank", "reason"),
    [
        (2, "at rank 2 a loss of unit vectors has no second derivative: the mean of 1/|f|² is infinite"),
        (4, "at rank 4 the second derivative of a loss of unit vectors has an infinite variance"),
    ],
)
def test_low_ranks_have_no_verdict(rank, reason):
    found = at(0.05, rank)
    assert (found.verdict, found.why_not) == ("undecided", reason)


def test_one_batch_that_decides_alone_gives_no_verdict():
    found = at(0.7)
    samples = found.samples.copy()
    samples[0] += 50 * samples.std()
    spoilt = replace(found, samples=samples)
    assert spoilt.verdict == "undecided"
    assert spoilt.why_not.startswith("one of 150 batches makes up 9")


def test_a_slope_gives_no_verdict():
    found = replace(at(0.7), slopes=np.array([0.5]), slope_errors=np.array([0.01]))
    assert found.verdict == "undecided"
    assert found.why_not == "the loss has a slope of 0.5 ± 0.01 along a direction: W is not a stationary point"


def test_a_batch_normalised_loss_is_measured_where_no_row_is_zero():
    covariances = data(1.0, rank=4)
    loss = batch_normalised(two_views("barlow-twins", {"lambda": 0.01}))
    found = transverse(loss, covariances, opening(alike(covariances, 4), covariances), batch=64, batches=200)
    assert found.derivatives == "autodiff"
    assert found.verdict == "stays collapsed"
    with pytest.raises(InputError) as error:
        transverse(loss, covariances, opening(np.eye(5) * (np.arange(5) < 4), covariances), batch=32, batches=100)
    assert str(error.value) == (
        "the loss has no finite second derivative at this W; does it divide by a row that is zero?"
    )


def test_too_few_batches_are_refused():
    covariances = data(0.5)
    with pytest.raises(InputError) as error:
        transverse(NORMALISED, covariances, opening(alike(covariances, 12), covariances), batches=20)
    assert str(error.value) == "20 batches give no standard error to be trusted; draw 50 or more"


def test_any_torch_function_of_two_views_will_do():
    def mine(z1, z2):
        return torch.stack([torch.nn.functional.mse_loss(one, other) for one, other in zip(z1, z2, strict=True)])

    covariances = data(0.5, rank=3)
    found = transverse(mine, covariances, opening(alike(covariances, 3), covariances), batch=16, batches=100)
    # E(f − f′)² over 4 coordinates: each direction has 2·2(1 − λ)/4.
    expected = 1 - modes(covariances)[1][-1]
    assert abs(found.value - expected) < 4 * found.error


def test_the_json_is_plain():
    found = at(0.7).to_json()
    assert json.loads(json.dumps(found)) == found
    assert found["verdict"] == "stays collapsed"
    assert at(0.7).text() == f"{plus_minus(at(0.7).value, at(0.7).error)}: stays collapsed"
