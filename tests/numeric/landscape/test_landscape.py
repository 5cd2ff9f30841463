"""Landscapes in numbers: bad input, Σ and B that do not commute, derived landscapes and their minima."""

import numpy as np
import pytest

from derive import CATALOGUE, InputError, catalogue
from derive.landscape.collapse import collapse
from derive.landscape.landscape import landscapes
from numeric import kernel
from numeric.landscape.descent import descend, of_kernel
from numeric.landscape.landscape import landscape_in_numbers, quartic_landscape
from numeric.sampling import Covariances, random_covariances

EYE = np.eye(2)


@pytest.mark.parametrize(
    ("B", "Sigma", "options", "message"),
    [
        (EYE, np.diag([1.0, -1.0]), {}, "Sigma is indefinite: its eigenvalues reach from -1 to 1"),
        (EYE, np.diag([1.0, 0.0]), {}, "Sigma is singular: its eigenvalues reach from 0 to 1"),
        (EYE, np.ones((2, 3)), {}, "Sigma has shape (2, 3)"),
        ([[0.0, 1.0], [0.0, 0.0]], EYE, {}, "B is not symmetric: entry (0, 1) is 1, entry (1, 0) is 0"),
        ([[np.nan, 0.0], [0.0, 1.0]], EYE, {}, "B has entries that are not finite numbers"),
        (np.eye(3), EYE, {}, "B is 3×3 and Sigma 2×2"),
        (EYE, EYE, {"kappa": -1.0}, "kappa = -1.0 must be 0 or positive"),
        (EYE, EYE, {"kappa": np.nan}, "kappa = nan must be 0 or positive"),
        (EYE, EYE, {"c": -2.0}, "c = -2.0 must be 0 or positive"),
        (EYE, EYE, {"d1": 0}, "d1 = 0 is not a number of rows"),
        (EYE, EYE, {"d1": 1.5}, "d1 = 1.5 is not a number of rows"),
        (EYE, EYE, {"q1": np.inf}, "q1 = inf is not a finite number"),
        (EYE, EYE, {"q1": 0.0}, "no quartic part"),
        (EYE, EYE, {"kappa": np.inf}, "give a positive norm c"),
    ],
)
def test_bad_input_names_the_argument(B, Sigma, options, message):
    with pytest.raises(InputError) as error:
        quartic_landscape(B, Sigma, **options)
    assert message in str(error.value)


def test_parameters_and_matrices_are_asked_for():
    (found,) = landscapes(catalogue("weighted-infonce+weight-decay").expand(order=4))
    with pytest.raises(InputError, match="no value for N, alpha, gamma"):
        landscape_in_numbers(found, Covariances(EYE, EYE))
    turned = Covariances(np.diag([1.0, 2.0]), np.array([[1.0, 0.5], [0.5, 1.0]]))
    with pytest.raises(InputError, match="do not commute"):
        landscape_in_numbers(found, turned, {"N": 4, "alpha": 0.5, "gamma": 0.1})
    with pytest.raises(InputError, match="A0 \\+ C is singular"):
        landscape_in_numbers(
            landscapes(catalogue("infonce").expand(order=4))[0], Covariances(EYE * 0, np.diag([1.0, 0]))
        )


def test_gram_and_weight_belong_to_the_point():
    rng = np.random.default_rng(2)
    data = random_covariances(rng, 3)
    solved = quartic_landscape(data.A0 - 0.4 * data.C, data.Sigma, d1=4)
    for point in solved.stationary_points():
        W = solved.weight(point)
        np.testing.assert_allclose(W.T @ W, solved.gram(point), atol=1e-12)
        gradient = -2 * W @ (data.A0 - 0.4 * data.C) + 4 * W @ data.Sigma @ W.T @ W @ data.Sigma
        assert np.abs(gradient).max() < 1e-10


VALUES = {"alpha": 0.7, "beta": 0.6, "tau": 0.8, "lambda": 0.5, "mu": 1.1, "nu": 0.4, "epsilon": 0.6, "kappa": 0.7}
VALUES |= {"t": 1.3, "b": 0.2, "c": 0.8, "gamma": 0.35, "N": 5}
# Two encoders have canonical pairs in place of modes: `derive.landscape.test_canonical_pairs`.
ONE = [name for name in CATALOGUE if catalogue(name).encoders == 1]
MODIFIED = [f"{name}{modifier}" for name in ONE for modifier in ("", "+weight-decay", "+norm-penalty")]


@pytest.mark.parametrize("name", [name for name in MODIFIED if name != "vicreg-soft+norm-penalty"])
@pytest.mark.parametrize("seed", range(3))
def test_collapse_conditions_are_what_minimising_finds(name, seed):
    """The lowest end of a second-order optimiser on the emitted kernel, in all entries of W, from random starts."""
    rng = np.random.default_rng(seed)
    a, c = rng.uniform(0.2, 1.5, 3), rng.uniform(0.2, 2.5, 3)
    # Modes apart from A0 and C: a congruence moves them together, and weight decay needs an orthogonal one.
    frame = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    if "weight-decay" not in name:
        frame = frame * rng.uniform(0.6, 1.4, 3) @ np.linalg.qr(rng.standard_normal((3, 3)))[0]
    A0, C = (frame.T @ np.diag(x) @ frame for x in (a, c))
    expansion = catalogue(name).expand(order=4)
    found, emitted = collapse(expansion), kernel(expansion)
    if found.dimensional is None or found.complete is None:
        pytest.skip(found.reason)
    values = {key: value * float(rng.uniform(0.6, 1.6)) for key, value in VALUES.items()} | {"N": 2 + 3 * seed, "d1": 3}
    values = dict.fromkeys(expansion.parameters, 0.9) | values
    arguments = [values[argument.rstrip("_")] for argument in emitted.arguments[3:]]
    landscape = of_kernel(emitted, (3, 3), A0, A0 + C, *arguments)
    ends = descend(landscape, rng.standard_normal((16, 9)), steps=400)
    lowest = ends.x[landscape.value(ends.x).argmin()].reshape(3, 3)
    rank = int((np.linalg.svd(lowest, compute_uv=False) > 2e-3).sum())
    assert found.dimensional.holds(a, c, values) == (rank < 3)
    assert found.complete.holds(a, c, values) == (rank == 0)


def test_minima_are_what_the_words_say():
    """The largest eigenvalues above θ, as many as there are rows, and no other local minimum."""
    rng = np.random.default_rng(7)
    for trial in range(20):
        levels, d1 = rng.uniform(-1, 2, 5), 1 + trial % 5
        solved = quartic_landscape(np.diag(levels), np.eye(5), q1=0.7, q2=0.4, d1=d1)
        lowest = [point for point in solved.stationary_points() if point.index == 0]
        assert len(lowest) == 1
        order, kept = np.argsort(-levels), 0
        while kept < d1 and kept < 5:
            shift = 0.4 * levels[order[: kept + 1]].sum() / (0.7 + 0.4 * (kept + 1))
            if levels[order[kept]] <= shift:
                break
            kept += 1
        assert lowest[0].rank == kept


def test_coupled_modes_appear_with_the_exponent_of_a_lone_one():
    """A mode that a norm penalty couples to others, near the point where it is lost."""
    powers, gaps = [], np.array([1e-6, 1e-5, 1e-4])
    # At q₁ = 1, κ = ½, c = 1 and λ = (3, 1, x) the last mode is lost at x = θ of the others.
    threshold = (0.5 * (3 + 1 + 2 * 2 * 0.5)) / (1 + 2 * 0.5) - 1.0
    for gap in gaps:
        solved = quartic_landscape(np.diag([3.0, 1.0, threshold + gap]), np.eye(3), kappa=0.5, c=1.0)
        (lowest,) = (point for point in solved.stationary_points() if point.index == 0)
        powers.append(lowest.powers.min())
    slopes = np.diff(np.log(np.sqrt(powers))) / np.diff(np.log(gaps))
    np.testing.assert_allclose(slopes, 0.5, atol=1e-3)


def test_the_minimum_of_a_mixture_is_where_an_optimiser_ends():
    data = random_covariances(np.random.default_rng(4), 3)
    expansion = catalogue("dcl").expand(order=4)
    (found,) = landscapes(expansion)
    solved = landscape_in_numbers(found, data, {"N": 3, "tau": 0.5})
    landscape = of_kernel(kernel(expansion), (3, 3), data.A0, data.Sigma, 3, 0.5)
    ends = descend(landscape, np.random.default_rng(0).standard_normal((5, 9)))
    (point,) = (one for one in solved.stationary_points() if one.index == 0)
    for x in ends.x.reshape(-1, 3, 3):
        np.testing.assert_allclose(x.T @ x, solved.gram(point), atol=1e-8)
