"""Stationary points by modes: their indices and losses against derivatives of the landscape as it is defined."""

import numpy as np
import pytest

from derive import InputError
from numeric.landscape.modes import Modes, minima, stationary_points


def value(modes, W):
    gram = W.T @ W
    powers = np.diag(gram)
    return modes.constant - modes.b @ powers + np.sum(modes.Q * gram**2) + powers @ modes.K @ powers


def hessian(modes, W, step=1e-2):
    """By fourth differences, exact for a quartic but for rounding."""
    size = W.size
    result = np.empty((size, size))
    units = np.eye(size).reshape(size, *W.shape) * step
    for i in range(size):
        for j in range(size):
            near, far = (
                (
                    value(modes, W + k * (units[i] + units[j]))
                    - value(modes, W + k * (units[i] - units[j]))
                    - value(modes, W - k * (units[i] - units[j]))
                    + value(modes, W - k * (units[i] + units[j]))
                )
                / (4 * k**2)
                for k in (1, 2)
            )
            result[i, j] = (4 * near - far) / (3 * step**2)
    return result


def random_modes(seed, size, d1):
    rng = np.random.default_rng(seed)
    Q = rng.uniform(-0.4, 1.0, (size, size))
    K = rng.uniform(-0.2, 0.3, (size, size))
    return Modes(rng.uniform(-1, 2, size), Q + Q.T + 2 * np.eye(size), K + K.T, d1)


def embedded(modes, point):
    W = np.zeros((modes.d1, modes.size))
    kept = np.flatnonzero(point.mask)
    W[np.arange(len(kept)), kept] = np.sqrt(point.powers[kept])
    return W


@pytest.mark.parametrize(("size", "d1"), [(2, 2), (3, 2), (3, 3), (3, 4), (2, 1)])
@pytest.mark.parametrize("seed", range(4))
def test_index_and_loss_of_every_point(seed, size, d1):
    modes = random_modes(seed, size, d1)
    points = stationary_points(modes)
    assert any(not point.mask.any() for point in points)
    for point in points:
        W = embedded(modes, point)
        curvatures = np.linalg.eigvalsh(hessian(modes, W))
        assert int((curvatures < -1e-6).sum()) == point.index
        assert value(modes, W) == pytest.approx(point.loss, abs=1e-12)
        assert point.rank == np.linalg.matrix_rank(W)
    assert [point.loss for point in points] == sorted(point.loss for point in points)


def test_on_a_fixed_norm_the_index_is_that_of_the_constraint():
    rng = np.random.default_rng(5)
    b, n = rng.uniform(0, 2, 3), np.ones(3)
    modes = Modes(b, np.ones((3, 3)), np.zeros((3, 3)), 3, n, c=0.8)
    for point in stationary_points(modes):
        assert point.powers.sum() == pytest.approx(0.8)
        W = embedded(modes, point)
        # The Lagrangian's Hessian on the tangent space.
        lagrange = Modes(b - point.multiplier * n, modes.Q, modes.K, 3)
        tangent = np.linalg.svd(W.reshape(1, -1))[2][1:].T
        curvatures = np.linalg.eigvalsh(tangent.T @ hessian(lagrange, W) @ tangent)
        assert int((curvatures < -1e-6).sum()) == point.index


def test_minima_saddles_and_maxima():
    modes = Modes(np.array([2.0, 1.0]), np.ones((2, 2)), np.zeros((2, 2)), 2)
    assert [point.kind for point in stationary_points(modes)] == ["minimum", "saddle", "saddle", "maximum"]
    assert [point.mask.tolist() for point in minima(modes)] == [[True, True]]


def test_degenerate_modes_inside_a_partly_kept_block():
    """Two of three equal modes fit in two rows: the choices are one family, level along it."""
    modes = Modes(np.array([1.0, 1.0, 1.0, 0.5]), np.ones((4, 4)), np.zeros((4, 4)), 2)
    lowest = minima(modes)
    assert len(lowest) == 3
    assert {point.loss for point in lowest} == {-0.5}


def test_a_column_that_meets_no_other_needs_no_row():
    Q = np.diag([1.0, 1.0, 0.0]) + np.pad(np.ones((2, 2)) - np.eye(2), ((0, 1), (0, 1)))
    modes = Modes(np.array([1.0, 1.0, 1.0]), Q, 0.5 * np.outer([0, 0, 1.0], [0, 0, 1.0]), 2)
    (point,) = minima(modes)
    assert point.mask.all()
    assert point.rank == 2


def test_too_many_modes_to_list():
    with pytest.raises(InputError, match="17 modes have 2\\^17 masks"):
        stationary_points(Modes(np.ones(17), np.ones((17, 17)), np.zeros((17, 17)), 3))
