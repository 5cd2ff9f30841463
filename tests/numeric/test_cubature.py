"""The cubature against the Gaussian's moments, which are products of double factorials."""

from math import comb, prod

import numpy as np
import pytest

from numeric.cubature import Array, gaussian_cubature

CASES = [(1, 1), (1, 9), (2, 4), (2, 9), (3, 5), (4, 7), (5, 4), (6, 9), (12, 9), (16, 9), (24, 5), (40, 3)]


def moment(exponents: list[int]) -> float:
    """E[prod x_i^k_i] under N(0, I)."""
    return 0.0 if any(k % 2 for k in exponents) else float(prod(prod(range(1, k, 2)) for k in exponents))


def weighted(nodes: Array, weights: Array, exponents: list[int]) -> tuple[float, float]:
    """The cubature's value of a monomial, and the sum of its terms' sizes: the scale of the rounding."""
    terms = weights * prod(nodes[:, i] ** k for i, k in enumerate(exponents) if k)
    return float(terms.sum()), float(np.abs(terms).sum())


@pytest.mark.parametrize(("dimension", "degree"), CASES)
def test_monomials_up_to_the_degree_are_exact(dimension: int, degree: int) -> None:
    nodes, weights = gaussian_cubature(dimension, degree)
    rng = np.random.default_rng(0)
    checked = 0
    for _ in range(60):
        total = int(rng.integers(1, degree + 1))
        letters = rng.integers(0, dimension, size=total)
        if rng.random() < 0.7:  # doubled letters, so that many of the moments are not zero
            letters = np.repeat(letters[: total // 2], 2)
        exponents = np.bincount(letters, minlength=dimension).tolist()
        if not any(exponents):
            continue
        value, scale = weighted(nodes, weights, exponents)
        assert abs(value - moment(exponents)) < 1e-14 * scale + 1e-13 * moment(exponents) + 1e-14
        checked += 1
    assert checked > 10


@pytest.mark.parametrize(("dimension", "degree"), CASES)
def test_the_next_even_power_is_not_exact(dimension: int, degree: int) -> None:
    nodes, weights = gaussian_cubature(dimension, degree)
    exponents = [0] * (dimension - 1) + [2 * (degree // 2) + 2]
    value, _ = weighted(nodes, weights, exponents)
    assert abs(value - moment(exponents)) > 0.05 * moment(exponents)


@pytest.mark.parametrize(("dimension", "degree"), [(1, 0), (7, 0), *CASES])
def test_shapes_mass_and_distinct_nodes(dimension: int, degree: int) -> None:
    nodes, weights = gaussian_cubature(dimension, degree)
    assert nodes.shape == (len(weights), dimension)
    assert abs(weights.sum() - 1) < 1e-14 * (1 + np.abs(weights).sum())
    assert np.all(weights != 0)
    assert len(np.unique(nodes.round(9), axis=0)) == len(nodes)


def test_one_dimension_is_the_gauss_rule() -> None:
    nodes, weights = gaussian_cubature(1, 5)
    assert np.allclose(nodes[:, 0], [-(3**0.5), 0, 3**0.5], atol=1e-15)
    assert np.allclose(weights, [1 / 6, 2 / 3, 1 / 6], atol=1e-15)


def test_degree_three_has_the_axes_and_the_centre() -> None:
    """Nodes +-e_i with weight 1/2 each and the centre with 1 - d: the textbook rule."""
    nodes, weights = gaussian_cubature(6, 3)
    assert len(nodes) == 13
    assert np.allclose(sorted(weights), [1 - 6] + [0.5] * 12, atol=1e-15)


def test_sizes_stay_small() -> None:
    assert len(gaussian_cubature(2, 9)[0]) == 25  # the tensor product
    assert len(gaussian_cubature(24, 5)[0]) == 1 + 24 * 4 + comb(24, 2) * 4
    assert len(gaussian_cubature(16, 9)[0]) < 60_000


def test_the_sparse_grid_and_the_tensor_product_agree() -> None:
    """A polynomial of exactly the degree, in a dimension on each side of the switch."""
    for dimension in (2, 3, 4, 5):
        nodes, weights = gaussian_cubature(dimension, 6)
        value = (weights * (1 + (nodes**2).sum(1)) ** 3).sum()
        moments = [1, dimension, dimension * (dimension + 2), dimension * (dimension + 2) * (dimension + 4)]
        assert abs(value - sum(comb(3, j) * m for j, m in enumerate(moments))) < 1e-10


def test_shared_and_read_only() -> None:
    nodes, weights = gaussian_cubature(4, 5)
    again, _ = gaussian_cubature(4, 4)  # an even degree is served by the odd one above
    assert nodes is again
    with pytest.raises(ValueError, match="read-only"):
        nodes[0, 0] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        weights[0] = 1.0


@pytest.mark.parametrize(
    ("dimension", "degree", "message"),
    [
        (0, 3, "dimension must be an integer of at least 1"),
        (-2, 3, "dimension"),
        (2.0, 3, "dimension"),
        (True, 3, "dimension"),
        (3, -1, "degree must be an integer of at least 0"),
        (3, "4", "degree"),
        (1, 200, "at most 199"),
        (10, 41, "too many"),
        (1000, 199, "too many"),
        (10**6, 9, "too many"),
    ],
)
def test_bad_arguments(dimension: int, degree: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        gaussian_cubature(dimension, degree)
