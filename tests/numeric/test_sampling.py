"""Views have the covariances that were asked for, and covariances that no data have are refused."""

import numpy as np
import pytest

from derive import InputError
from numeric.sampling import Covariances, random_covariances

DATA = random_covariances(np.random.default_rng(5), 3, augmentation=0.4)
SINGULAR = Covariances(np.diag([1.0, 0.0]), np.diag([0.0, 2.0]))


# What is refused.


@pytest.mark.parametrize(
    ("A0", "C", "message"),
    [
        (np.ones((2, 3)), np.eye(2), "A0 has shape (2, 3); a square matrix is needed"),
        (np.eye(2), np.ones(2), "C has shape (2,); a square matrix is needed"),
        (3.0, np.eye(2), "A0 has shape (); a square matrix is needed"),
        (np.zeros((0, 0)), np.eye(2), "A0 has shape (0, 0); a square matrix is needed"),
        ([[1.0, np.nan], [np.nan, 1.0]], np.eye(2), "A0 has entries that are not finite numbers"),
        (np.eye(2), [[np.inf, 0.0], [0.0, 1.0]], "C has entries that are not finite numbers"),
        ([[1, 0.5], [0.25, 1]], np.eye(2), "A0 is not symmetric: entry (0, 1) is 0.5, entry (1, 0) is 0.25"),
        (
            np.eye(2),
            [[1, 2], [2, 1]],
            "C is not positive semi-definite: its smallest eigenvalue is -1; no data have it",
        ),
        (np.eye(2), np.eye(3), "A0 is 2×2 and C is 3×3; both act on the same inputs and must agree"),
    ],
)
def test_unusable_covariances_are_refused(A0, C, message):
    with pytest.raises(InputError) as refusal:
        Covariances(A0, C)
    assert str(refusal.value) == message


def test_rounding_is_forgiven():
    almost = np.eye(2) + np.array([[0.0, 1e-13], [0.0, 0.0]])
    data = Covariances(almost, [[1.0, 1.0], [1.0, 1.0 - 1e-14]])
    assert np.array_equal(data.A0, data.A0.T)
    assert data.d0 == 2


def test_a_small_asymmetry_of_a_small_matrix_is_seen():
    """What counts is the error relative to the matrix."""
    with pytest.raises(InputError, match="not symmetric"):
        Covariances(1e-12 * np.array([[1.0, 0.5], [0.0, 1.0]]), np.eye(2))


def test_the_given_arrays_are_not_kept():
    mine = np.eye(2)
    data = Covariances(mine, np.eye(2))
    mine[0, 0] = 7.0
    assert data.A0[0, 0] == 1.0


# What is drawn.


def joint(data: Covariances, views: int) -> np.ndarray:
    """The covariance of all views side by side: C on the diagonal, A0 everywhere."""
    return np.kron(np.eye(views), data.C) + np.kron(np.ones((views, views)), data.A0)


@pytest.mark.parametrize("data", [DATA, SINGULAR], ids=["regular", "singular"])
@pytest.mark.parametrize("views", [1, 2, 3])
def test_nodes_have_the_covariances_exactly(data, views):
    points, weights = data.nodes(3, views=views)
    side_by_side = np.concatenate([one[:, 0] for one in points], axis=-1)
    assert np.allclose(weights @ side_by_side, 0, atol=1e-13)
    assert np.allclose((side_by_side.T * weights) @ side_by_side, joint(data, views), atol=1e-12)


def test_nodes_of_two_data_are_independent():
    points, weights = DATA.nodes(5, data=2)
    first, second = (np.concatenate([one[:, k] for one in points], axis=-1) for k in range(2))
    assert np.allclose((first.T * weights) @ second, 0, atol=1e-12)
    assert np.allclose((second.T * weights) @ second, joint(DATA, 2), atol=1e-12)
    u, v = first[:, 0], second[:, 4]
    assert np.isclose(weights @ (u**2 * v**2), joint(DATA, 2)[0, 0] * joint(DATA, 2)[4, 4])


def test_nodes_have_the_fourth_moments_of_gaussian_views():
    (x, x_pos), weights = DATA.nodes(4)
    u, v = x[:, 0, 0], x_pos[:, 0, 1]
    wick = DATA.Sigma[0, 0] * DATA.Sigma[1, 1] + 2 * DATA.A0[0, 1] ** 2
    assert np.isclose(weights @ (u**2 * v**2), wick, rtol=1e-12)


def test_positive_nodes_have_positive_weights_and_the_same_moments():
    (x, x_pos), weights = DATA.nodes(5, positive=True)
    assert (weights > 0).all()
    assert np.allclose((x[:, 0].T * weights) @ x_pos[:, 0], DATA.A0, atol=1e-12)


@pytest.mark.parametrize("views", [1, 2, 3])
def test_draws_have_the_covariances_within_their_errors(views):
    drawn = DATA.draw(np.random.default_rng(0), (200, 500), views)
    assert all(one.shape == (200, 500, 3) for one in drawn)
    side_by_side = np.concatenate(drawn, axis=-1).reshape(-1, 3 * views)
    squares = side_by_side[:, :, None] * side_by_side[:, None, :]
    error = squares.std(0) / np.sqrt(len(squares))
    assert (np.abs(squares.mean(0) - joint(DATA, views)) < 4.5 * error).all()
    assert error.max() < 0.02


def test_different_data_are_drawn_independently():
    x, x_pos = DATA.draw(np.random.default_rng(1), (50_000, 2))
    across = x[:, 0, :, None] * x_pos[:, 1, None, :]
    assert (np.abs(across.mean(0)) < 4.5 * across.std(0) / np.sqrt(len(across))).all()


def test_a_seed_gives_the_same_draws():
    first, second, other = (DATA.draw(np.random.default_rng(seed), (4,))[0] for seed in (3, 3, 4))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


# Training sets.


@pytest.mark.parametrize("size", [4, 5, 50])
def test_a_training_set_is_centred_with_the_second_moment_exactly(size):
    data = DATA.training_set(size, np.random.default_rng(2))
    assert data.shape == (size, 3)
    assert np.allclose(data.sum(0), 0, atol=1e-12)
    assert np.allclose(data.T @ data / size, DATA.A0, atol=1e-12)


def test_a_training_set_that_is_too_small_is_refused():
    with pytest.raises(InputError) as refusal:
        DATA.training_set(3, np.random.default_rng(0))
    assert str(refusal.value) == "a centred set of 3 data spans 2 dimensions; A0 has 3: take more data"


def test_random_covariances_do_not_commute():
    data = random_covariances(np.random.default_rng(0), 3, augmentation=0.1)
    assert np.abs(data.A0 @ data.C - data.C @ data.A0).max() > 1e-3
    assert np.linalg.eigvalsh(data.A0)[0] >= 0.3 - 1e-12
    assert np.linalg.eigvalsh(data.C)[-1] <= 0.15 + 1e-12
    assert np.array_equal(data.Sigma, data.A0 + data.C)
