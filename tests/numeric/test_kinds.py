"""Two kinds of views in numbers: what is drawn has the covariances, and nodes have their moments."""

import numpy as np
import pytest

from derive import InputError
from derive.algebra.graphs import AUGMENTATION, ENCODER, PLAIN
from derive.expansion.laws import Unequal
from numeric.kinds import TwoKinds, of_pairs, random_kinds
from numeric.laws import in_numbers
from numeric.sampling import Covariances, random_covariances

DATA = random_kinds(np.random.default_rng(0), 2)
PAIRS = random_kinds(np.random.default_rng(1), 2, encoders=2)


@pytest.mark.parametrize(("data", "role"), [(DATA, AUGMENTATION), (PAIRS, ENCODER)])
def test_nodes_have_the_covariances_of_both_kinds(data, role):
    (x, x2, y, y2), weights = data.nodes(2, 1, (PLAIN, PLAIN, role, role))

    def second(u, v):
        return np.einsum("m,mi,mj->ij", weights, u[:, 0], v[:, 0])

    for u, v, expected in ((x, x, data.Sigma), (x, x2, data.A0), (x, y2, data.A), (y, x, data.A.T), (y, y2, data.A2)):
        np.testing.assert_allclose(second(u, v), expected, atol=1e-10)
    np.testing.assert_allclose(second(y, y), data.Sigma2, atol=1e-10)


def test_draws_have_the_cross_covariance_and_not_its_transpose():
    x, y = PAIRS.draw(np.random.default_rng(2), (200_000,), (PLAIN, ENCODER))
    found = x.T @ y / len(x)
    np.testing.assert_allclose(found, PAIRS.A, atol=0.02)
    assert np.abs(found - PAIRS.A.T).max() > 0.1


def test_data_are_independent():
    (x, y), weights = DATA.nodes(2, 2, (PLAIN, AUGMENTATION))
    np.testing.assert_allclose(np.einsum("m,mi,mj->ij", weights, x[:, 0], y[:, 1]), 0, atol=1e-12)


def test_fewer_directions_are_the_same_model():
    Q, _ = np.linalg.qr(np.random.default_rng(3).standard_normal((5, 2)))
    less = PAIRS.along(Q.T)
    for letter, X in PAIRS.letters.items():
        np.testing.assert_allclose(less.letters[letter], Q.T @ X @ Q, atol=1e-12)
    np.testing.assert_allclose(less.white.Sigma2, less.letters["J"], atol=1e-12)


def test_pairs_are_placed_in_blocks():
    A = np.array([[0.5, 0.1, 0.0], [0.0, 0.2, 0.3]])
    data = of_pairs(np.eye(2), A, 2 * np.eye(3))
    np.testing.assert_array_equal(data.A[:2, 2:], A)
    assert not data.A[2:].any()
    assert not data.A[:, :2].any()
    assert [int(one.trace()) for one in data.units] == [2, 3]
    assert data.nodes(2, 1, (PLAIN, ENCODER))[0][0].shape[-1] == 5


def test_a_view_of_the_second_kind_alone_takes_no_more_nodes_than_it_has_directions():
    assert PAIRS.size(4, 1, (ENCODER,)) < PAIRS.size(4, 1, (PLAIN, ENCODER))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: TwoKinds(np.eye(2), np.eye(2), A=3 * np.eye(2), A2=np.eye(2), C2=np.eye(2)), "less correlated"),
        (lambda: TwoKinds(np.eye(2), np.eye(2), A=np.eye(3), A2=np.eye(2), C2=np.eye(2)), "A is 3×3 and A0 is 2×2"),
        (lambda: TwoKinds(np.eye(2), np.eye(2), A=np.eye(2), A2=np.eye(2), C2=-np.eye(2)), "C2 is not positive"),
        (lambda: of_pairs(np.eye(2), np.eye(3), np.eye(3)), "Cov"),
        (lambda: DATA.training_set(4, np.random.default_rng(0)), "take more data"),
        (lambda: DATA.draw(np.random.default_rng(0), (1,), 2, datum=True), "one kind alone"),
        (lambda: Covariances(np.eye(2), np.eye(2)).nodes(2, 1, (PLAIN, ENCODER)), "these data have one"),
        (lambda: Unequal(factor=-1), "not negative"),
    ],
)
def test_data_that_do_not_exist_are_refused(make, said):
    with pytest.raises(InputError, match=said):
        make()


def test_the_law_of_two_augmentations_in_numbers():
    given = random_covariances(np.random.default_rng(4), 2)
    data = in_numbers(Unequal(factor=3), given)
    np.testing.assert_allclose(data.Sigma2, given.A0 + 3 * given.C)
    np.testing.assert_array_equal(data.A, given.A0)
    assert in_numbers(Unequal(), data) is data
