"""Gaussian cubature: few nodes and weights that integrate polynomials exactly against N(0, I)."""

from fractions import Fraction
from functools import lru_cache
from itertools import combinations
from math import comb, factorial, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MAX_DEGREE = 199  # numpy's Gauss-Hermite rule is tested up to 100 nodes
MAX_ENTRIES = 10**8  # numbers in the node array: 0.8 GB


def gaussian_cubature(dimension: int, degree: int, *, positive: bool = False) -> tuple[Array, Array]:
    """Nodes (m, dimension) and weights (m,), exact for polynomials of total degree <= degree under N(0, I).

    A Smolyak sparse grid of Gauss-Hermite rules, the rule of level n having n nodes (Novak and Ritter,
    Constr. Approx. 15, 1999); for few dimensions the full tensor product, where that has fewer nodes. The
    weights sum to one. Both arrays are shared between calls and read-only.

    Weights may be negative. A mean over the nodes is then not the mean of any random variable, yet every
    moment up to the degree is the Gaussian's. A Taylor coefficient at W = 0 of a loss built from population
    means depends on the data through such moments alone, so it is the Gaussian one exactly. Away from W = 0
    the weighted sum is not a population loss: log of a mean may even have no real value.

    ``positive`` asks for the tensor product whatever its size: its weights are positive, so the rounding error
    stays that of a single value, where a sparse grid multiplies it by the sum of |weights|.
    """
    arguments: tuple[tuple[str, Any, int], ...] = (("dimension", dimension, 1), ("degree", degree, 0))
    for name, value, low in arguments:
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < low:
            raise ValueError(f"{name} must be an integer of at least {low}, not {value!r}")
    if degree > MAX_DEGREE:
        raise ValueError(f"degree must be at most {MAX_DEGREE}, not {degree}")
    # Rules of up to k + 1 nodes give total degree 2k + 1: an even degree costs as much as the odd one above.
    return _grid(int(dimension), int(degree) // 2, positive=positive)


def tensor_size(dimension: int, degree: int) -> int:
    """How many nodes `gaussian_cubature` takes with positive weights.

    >>> tensor_size(2, 9)
    25
    """
    return int((degree // 2 + 1) ** dimension)


def cubature_size(dimension: int, degree: int) -> int:
    """How many nodes `gaussian_cubature` takes, counted without building them.

    >>> cubature_size(16, 5), len(gaussian_cubature(16, 5)[1])
    (545, 545)
    """
    k = degree // 2
    return min(_sparse_size(dimension, k, _centre_series(dimension, k)), tensor_size(dimension, degree))


@lru_cache(maxsize=16)
def _grid(dimension: int, k: int, *, positive: bool) -> tuple[Array, Array]:
    """The smaller of the two grids of total degree 2k + 1, or the one with positive weights."""
    # With fewer nodes than the dimension of the polynomials of degree k, one of these vanishes on every node,
    # and its square has a positive mean that the rule takes for zero.
    _check_size(dimension, k, comb(dimension + k, k))
    centre = _centre_series(dimension, k)
    sparse, tensor = _sparse_size(dimension, k, centre), tensor_size(dimension, 2 * k)
    _check_size(dimension, k, tensor if positive else min(sparse, tensor))
    nodes, weights = _tensor(dimension, k) if positive or tensor <= sparse else _sparse(dimension, k, centre)
    nodes.flags.writeable = weights.flags.writeable = False
    return nodes, weights


def _check_size(dimension: int, k: int, nodes: int) -> None:
    """Refuse a grid that would not fit in memory, before it is built."""
    if nodes * dimension > MAX_ENTRIES:
        raise ValueError(f"degree {2 * k + 1} in dimension {dimension} needs at least {nodes} nodes: too many")


def _gauss(n: int) -> tuple[Array, Array]:
    """Nodes (n,) and weights (n,) of the n-point rule for N(0, 1)."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(n)
    return nodes, weights / weights.sum()


def _tensor(dimension: int, k: int) -> tuple[Array, Array]:
    """The product of `dimension` copies of the rule with k + 1 nodes."""
    nodes, weights = _gauss(k + 1)
    index = np.indices((k + 1,) * dimension).reshape(dimension, -1).T
    return nodes[index], weights[index].prod(axis=1)


def _centre_series(dimension: int, k: int) -> list[list[Fraction]]:
    """Coefficients of z^0..z^k of (1-z)^(d-1) P(z)^(d-r), for r = 0..min(d, k) nonzero coordinates of a node.

    The Smolyak sum is the coefficient of z^k in (1-z)^(d-1) prod_i sum_n z^(n-1) U_n, where U_n is the
    n-point rule in coordinate i. The rules meet only at zero (the nonzero roots of different Hermite
    polynomials are distinct: Schur, 1929), so merging coincident nodes is one sum: P(z), over odd n, of
    z^(n-1) w_n(0). Fractions, because a coefficient that vanishes drops its nodes and must be seen to vanish.
    """

    def weight_at_zero(n: int) -> Fraction:
        # (n-1)! / (n He_{n-1}(0)^2), where He_{n-1}(0) is plus or minus 1*3*5*...*(n-2).
        return Fraction(factorial(n - 1), n * prod(range(1, n - 1, 2)) ** 2) if n % 2 else Fraction(0)

    at_zero = [weight_at_zero(n) for n in range(1, k + 2)]
    series = [Fraction((-1) ** j * comb(dimension - 1, j)) for j in range(k + 1)]
    table = [series]  # r = dimension first: no coordinate is zero
    for _ in range(dimension):
        series = [sum((series[j - i] * at_zero[i] for i in range(0, j + 1, 2)), Fraction(0)) for j in range(k + 1)]
        table.append(series)
    return table[::-1][: min(dimension, k) + 1]


def _sparse_size(dimension: int, k: int, centre: list[list[Fraction]]) -> int:
    """Number of nodes of the sparse grid, counted without building it."""
    count, ways = 0, [1] + [0] * k  # ways[j]: choices of r nonzero nodes whose levels n - 1 add up to j
    for r, series in enumerate(centre):
        count += comb(dimension, r) * sum(ways[j] for j in range(k + 1) if series[k - j])
        ways = [sum(ways[j - i] * (2 * ((i + 1) // 2)) for i in range(1, j + 1)) for j in range(k + 1)]
    return count


def _sparse(dimension: int, k: int, centre: list[list[Fraction]]) -> tuple[Array, Array]:
    """The sparse grid, one block for each number r of nonzero coordinates."""
    rules = [_gauss(n) for n in range(2, k + 2)]
    away = [nodes != 0 for nodes, _ in rules]  # hermegauss makes the middle node of an odd rule exactly zero
    node = np.concatenate([np.empty(0), *(x[a] for (x, _), a in zip(rules, away, strict=True))])
    mass = np.concatenate([np.empty(0), *(w[a] for (_, w), a in zip(rules, away, strict=True))])
    cost = np.repeat(np.arange(1, k + 1), [int(a.sum()) for a in away])

    values, masses, costs = np.zeros((1, 0)), np.ones(1), np.zeros(1, dtype=np.intp)
    blocks, weights = [], []
    for r, series in enumerate(centre):
        if r:  # one more nonzero coordinate, as far as the level allows
            old, new = np.nonzero(costs[:, None] + cost <= k)
            values = np.column_stack([values[old], node[new]])
            masses, costs = masses[old] * mass[new], costs[old] + cost[new]
        factor = np.array([float(c) for c in series])[k - costs]
        kept = factor != 0
        supports = np.array(list(combinations(range(dimension), r)), dtype=np.intp).reshape(comb(dimension, r), r)
        block = np.zeros((len(supports), int(kept.sum()), dimension))
        np.put_along_axis(block, supports[:, None, :], values[kept][None], axis=2)
        blocks.append(block.reshape(-1, dimension))
        weights.append(np.tile((masses * factor)[kept], len(supports)))
    return np.concatenate(blocks), np.concatenate(weights)
