"""The directions that raise the rank of W: transverse to kept modes and rotations, and wrong ones refused."""

import numpy as np
import pytest

from derive import InputError
from numeric.sampling import Covariances, random_covariances
from verify.routes.reopening.directions import check_direction, opening
from verify.routes.reopening.kept_modes import modes

DATA = Covariances(np.diag([1.0, 2.0, 0.5]), np.eye(3))
W = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])


@pytest.mark.parametrize("seed", range(5))
def test_directions_see_new_modes_and_use_new_rows(seed):
    rng = np.random.default_rng(seed)
    data = random_covariances(rng, 5)
    frame, correlations = modes(data)
    turn, _ = np.linalg.qr(rng.standard_normal((4, 4)))
    kept = [0, 2]
    weight = turn[:, :2] @ rng.standard_normal((2, 2)) @ frame[:, kept].T
    found = opening(weight, data, rows=None)
    assert (found.rank, found.size) == (2, 2 * 3)
    assert np.abs(found.rows.T @ weight).max() < 1e-12
    assert np.abs(found.modes.T @ data.Sigma @ weight.T).max() < 1e-12
    assert found.modes.T @ data.Sigma @ found.modes == pytest.approx(np.eye(3), abs=1e-12)
    assert found.modes.T @ data.A0 @ found.modes == pytest.approx(np.diag(found.correlations), abs=1e-12)
    assert found.correlations == pytest.approx(np.delete(correlations, kept))
    assert found.coupling < 1e-12
    skew = rng.standard_normal((4, 4))
    orbit = (skew - skew.T) @ weight
    for row in range(2):
        for mode in range(3):
            direction = found.along(row, mode)
            # Orthogonal to the orbit in the metric of the data.
            assert abs(np.trace(orbit @ data.Sigma @ direction.T)) < 1e-12
            check_direction(weight, data, direction)


def test_a_weight_across_modes_is_coupled():
    data = Covariances(np.diag([1.0, 0.1]), np.eye(2))
    assert opening(np.array([[1.0, 1.0], [0.0, 0.0]]), data).coupling > 0.1


def test_fewer_directions_on_demand():
    found = opening(W, DATA, modes=1)
    assert found.size == 1
    assert found.correlations == pytest.approx([2 / 3])


@pytest.mark.parametrize(
    ("direction", "message"),
    [
        (
            [[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]],
            "the direction feeds rows that are in use (overlap 1): it tilts a kept mode",
        ),
        ([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]], "the direction moves the kept modes (overlap 1): it opens none"),
        ([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]], "the direction moves the kept modes (overlap 1): it opens none"),
        ([[0.0, 1.0]], "the direction has shape (1, 2) and W (2, 3); they must be equal"),
    ],
)
def test_wrong_directions_are_refused(direction, message):
    with pytest.raises(InputError) as error:
        check_direction(W, DATA, direction)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("weight", "data", "message"),
    [
        (np.eye(2, 3), DATA, "W has 2 rows and rank 2: no row is left for another mode; give it a row of zeros"),
        (np.eye(4, 3), DATA, "W sees all 3 modes: none is collapsed"),
        (np.eye(2), DATA, "W has shape (2, 2); finite numbers of shape (d1, 3) are needed for these data"),
        (
            W,
            Covariances(np.diag([1.0, 1.0, 0.0]), np.diag([1.0, 1.0, 0.0])),
            "Σ = A0 + C is singular; project the data on the directions that it fills",
        ),
    ],
)
def test_weights_that_are_refused(weight, data, message):
    with pytest.raises(InputError) as error:
        opening(weight, data)
    assert str(error.value) == message
