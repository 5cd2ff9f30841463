"""W of lower rank: alike modes, the landscape at fixed norm, descent; each against what it should be."""

import numpy as np
import pytest
import torch

from derive import InputError, catalogue
from derive.landscape.landscape import landscapes
from numeric.landscape.landscape import landscape_in_numbers, quartic_landscape
from numeric.sampling import Covariances, random_covariances
from verify.routes.reopening.kept_modes import alike, curvatures_of, descended, drift, fixed_norm, kept, modes
from verify.truths.two_views import batch_normalised, two_views

NORMALISED = two_views("infonce+normalised")


def data(sigma, rank=6):
    return Covariances(np.diag([1.0] * rank + [0.3]), sigma**2 * np.eye(rank + 1))


def barlow_twins(z1, z2):
    """As it is published: of a whole batch."""
    correlations = z1.mT @ z2 / z1.shape[-2]
    off = 1 - torch.eye(z1.shape[-1], dtype=z1.dtype)
    return ((1 - correlations.diagonal(dim1=-2, dim2=-1)) ** 2).sum(-1) + (off * correlations**2).sum((-2, -1))


@pytest.mark.parametrize("rank", [1, 2, 5])
def test_alike_keeps_its_modes_equally_with_rows_alike(rank):
    covariances = data(0.4, rank)
    W = alike(covariances, rank)
    output = W @ covariances.Sigma @ W.T
    assert np.trace(output) == pytest.approx(1)
    assert np.diag(output) == pytest.approx(np.full(rank + 1, 1 / (rank + 1)))
    assert np.linalg.eigvalsh(output) == pytest.approx([0, *[1 / rank] * rank], abs=1e-12)
    assert np.abs(W[:, -1]).max() < 1e-12


@pytest.mark.parametrize(
    "loss",
    [
        NORMALISED,
        batch_normalised(barlow_twins),
        two_views("vicreg-soft+normalised", {"lambda": 1.0, "nu": 0.5, "kappa": 1.0, "c": 1.0}),
    ],
    ids=["infonce", "barlow-twins", "vicreg-soft"],
)
def test_alike_is_stationary_and_other_weights_are_not(loss):
    covariances = data(0.6)
    W = alike(covariances, 6)
    assert drift(loss, covariances, W, batch=32, batches=200, seed=0) < 5
    uneven = W @ np.diag([5.0, 1, 1, 1, 1, 0.2, 1])
    assert drift(loss, covariances, uneven, batch=32, batches=200, seed=0) > 5


def test_modes_of_matrices_that_do_not_commute():
    covariances = random_covariances(np.random.default_rng(0), 4)
    frame, correlations = modes(covariances)
    assert frame.T @ covariances.Sigma @ frame == pytest.approx(np.eye(4), abs=1e-12)
    assert frame.T @ covariances.A0 @ frame == pytest.approx(np.diag(correlations), abs=1e-12)
    assert (np.diff(correlations) < 0).all()


@pytest.mark.parametrize("name", ["infonce", "spectral", "beta-infonce"])
def test_the_fixed_norm_is_the_limit_of_a_strong_penalty(name):
    covariances = random_covariances(np.random.default_rng(1), 3)
    values = {"beta": 0.8}
    solved = fixed_norm(catalogue(name), covariances, values)
    (case,) = landscapes(catalogue(f"{name}+norm-penalty").expand(4))
    strong = landscape_in_numbers(case, covariances, {**values, "kappa": 1e7, "c": 1.0})
    for point in solved.stationary_points():
        near = kept(strong, point.mask)
        assert strong.gram(near) == pytest.approx(solved.gram(point), abs=1e-5)
        one, other = (curvatures_of(here, at, covariances) for here, at in ((solved, point), (strong, near)))
        assert other == pytest.approx(one, abs=1e-5, nan_ok=True)


def test_the_fixed_norm_of_infonce_from_its_matrices():
    covariances = random_covariances(np.random.default_rng(2), 3)
    solved = fixed_norm(catalogue("infonce"), covariances)
    other = quartic_landscape(covariances.A0, covariances.Sigma, q1=0.75, kappa=np.inf, c=1.0)
    mine, theirs = (sorted(point.loss for point in one.stationary_points()) for one in (solved, other))
    assert mine == pytest.approx(theirs)


def test_a_mask_without_a_point_is_refused():
    solved = fixed_norm(catalogue("infonce"), Covariances(np.diag([1.0, 1.0]), np.diag([0.01, 50.0])), c=0.1)
    with pytest.raises(InputError) as error:
        kept(solved, [True, True])
    assert str(error.value) == "no stationary point keeps exactly the modes [0, 1]"


def test_descent_ends_at_the_minimum_of_the_landscape():
    covariances = Covariances(np.diag([1.0, 0.8, 0.6]), 0.2 * np.eye(3))
    found = descended(two_views("spectral"), covariances, rank=3, d1=3, batch=512, batches=16)
    (case,) = landscapes(catalogue("spectral").expand(4))
    solved = landscape_in_numbers(case, covariances)
    best = solved.gram(solved.stationary_points()[0])
    assert found.converged
    assert pytest.approx(best, abs=0.05) == found.W.T @ found.W


def test_descent_within_some_modes_leaves_the_others_alone():
    covariances = data(0.6)
    found = descended(NORMALISED, covariances, rank=4, d1=6, batch=64, batches=4)
    assert found.converged
    frame, _ = modes(covariances)
    assert np.abs((found.W @ np.linalg.inv(frame.T))[:, 4:]).max() < 1e-12
    assert np.trace(found.W @ covariances.Sigma @ found.W.T) == pytest.approx(1)
    assert len(found.singular) == 4
    again = descended(NORMALISED, covariances, rank=4, d1=6, batch=64, batches=4)
    assert np.array_equal(again.W, found.W)


def test_a_singular_covariance_is_refused():
    with pytest.raises(InputError) as error:
        modes(Covariances(np.diag([1.0, 0.0]), np.diag([1.0, 0.0])))
    assert str(error.value) == "Σ = A0 + C is singular; project the data on the directions that it fills"
