"""InfoNCE of unit vectors by quadrature: its curvature against differences of its values, and wrong ones found out."""

import numpy as np
import pytest

from derive import InputError
from numeric.sphere import Sphere

CASES = [(12, 0.9, 0.5), (12, 0.9, 0.85), (10, 0.5, 0.45), (9, 0.95, 0.2)]


def differences(sphere, opened, h=0.1, nodes=18):
    """L″(0) from values at 0, h and 2h, and how far the combination is from the plain difference."""
    zero = sphere.value(0.0, opened, nodes)
    near, far = (2 * (sphere.value(step, opened, nodes) - zero) / step**2 for step in (h, 2 * h))
    best = (4 * near - far) / 3
    return best, abs(best - near)


@pytest.mark.parametrize(("r", "kept", "opened"), CASES)
@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_the_curvature_is_that_of_the_values(r, kept, opened, temperature):
    sphere = Sphere(r, kept, temperature)
    by_values, allowed = differences(sphere, opened)
    assert sphere.curvature(opened) == pytest.approx(by_values, abs=allowed + 2e-4)


@pytest.mark.parametrize("mutant", ["P", "Q", "2P", "2Q"])
def test_a_wrong_part_is_found_out(mutant):
    P, Q = Sphere(12, 0.9).parts()
    wrong = {"P": (-P, Q), "Q": (P, -Q), "2P": (2 * P, Q), "2Q": (P, 2 * Q)}[mutant]
    by_values, allowed = differences(Sphere(12, 0.9), 0.5)
    assert abs(wrong[0] + 0.5 * wrong[1] - by_values) > 10 * (allowed + 2e-4)


def test_values_do_not_depend_on_the_nodes():
    values = [Sphere(12, 0.8).value(0.2, 0.4, nodes) for nodes in (14, 18)]
    assert values[0] == pytest.approx(values[1], abs=1e-6)


@pytest.mark.parametrize("kept", [0.001, 0.999])
def test_with_many_modes_the_threshold_is_one_over_r_below_the_kept_modes_at_both_ends(kept):
    assert 100 * (kept - Sphere(100, kept).threshold()) == pytest.approx(1, abs=0.02)


def test_at_the_threshold_the_curvature_is_zero():
    sphere = Sphere(12, 0.9)
    assert sphere.curvature(sphere.threshold()) == pytest.approx(0, abs=1e-14)


def test_the_mean_of_one_over_both_lengths_by_sampling():
    _, Q = Sphere(7, 0.6).parts()
    rng = np.random.default_rng(0)
    z, w = rng.standard_normal((2, 400_000, 7))
    second = 0.6 * z + 0.8 * w
    sampled = 1 / np.linalg.norm(z, axis=1) / np.linalg.norm(second, axis=1)
    assert abs(-Q / 2 - sampled.mean()) < 4 * sampled.std() / np.sqrt(len(sampled))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((2, 0.5), "r = 2: with fewer than 3 kept modes the loss has no second derivative"),
        ((201, 0.5), "r = 201: the quadrature holds for at most 200 kept modes"),
        ((5, 1.0), "kept = 1.0: the correlation of two views is at least 0 and below 1"),
    ],
)
def test_what_it_refuses(arguments, message):
    with pytest.raises(InputError) as error:
        Sphere(*arguments)
    assert str(error.value) == message
