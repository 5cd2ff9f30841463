"""Second moments of features, and B on them: its eigenvalues with standard errors, and how often each occurs.

At second order a loss of inner products is L(0) − Tr[W B Wᵀ] for any law of the features φ, with

    B = −(p E φφᵀ + q E φφ′ᵀ + r μμᵀ),

p, q and r the coefficients of E⟨f(x), f(x)⟩, E⟨f(x), f(x′)⟩ and E⟨f(x), f(χ)⟩. In covariances, E φφᵀ = Σ + μμᵀ and
E φφ′ᵀ = A0 + μμᵀ; for a loss of differences p + q + r = 0 and the mean drops out. All are estimated without bias from
three sums over the data, Σ_v φφᵀ, ss ᵀ and s with s = Σ_v φ, taken a chunk at a time in double precision.

The eigenvalues of an estimated matrix are spread out by its noise, the outer ones most. So eigenvectors come from one
half of the data, and the quadratic form along them, with its standard error, from the other half, and vice versa.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from derive import InputError
from derive.algebra.graphs import COORDINATE, VIEW, WHITE, Vertex
from derive.definition.language import EMBEDDING_DIMENSION
from derive.expansion.moments import moment_order
from verify.evidence.agreement import SEEN, sign

if TYPE_CHECKING:
    from derive.expansion.moments import MomentSeries
    from verify.networks.last_layer.features import Features
    from verify.networks.last_layer.moments import DataMoments

Array = NDArray[np.float64]
# A sign, or a difference, counts beyond this many standard errors.
# A singular value of this share of the largest is 0 to the rounding of single precision.
NOTHING = 1e-6


@dataclass(frozen=True)
class Second:
    """The second order of a loss: its coefficients of E⟨x, x⟩, E⟨x, x′⟩, E⟨x, χ⟩ and ‖W‖².

    >>> from derive import catalogue
    >>> Second.of(catalogue("infonce").moments(2))
    Second(own=0.0, other=-1.0, mean=1.0, decay=0.0)
    """

    own: float
    other: float
    mean: float
    decay: float = 0.0

    @classmethod
    def of(cls, series: MomentSeries, d1: int | None = None) -> Second:
        """From a loss's moments.

        Args:
            series: `derive.Loss.moments`.
            d1: the dimension of the embedding, on which some losses depend.

        Raises:
            InputError: a parameter without a value, or a second order that is not a sum of inner products.

        """
        found = dict.fromkeys(("own", "other", "mean", "decay"), 0.0)
        for moment, coefficient in series.terms:
            if moment_order(moment) != 2:
                continue
            number = coefficient if d1 is None else coefficient.subs(EMBEDDING_DIMENSION, d1)
            if not number.is_number:
                loose = ", ".join(sorted(map(str, number.free_symbols)))
                raise InputError(f"B depends on {loose}; give each a value")
            ends = [vertex for graph in moment for edge in graph for vertex in edge]
            if len(ends) != 2 or any(vertex.kind == COORDINATE for vertex in ends):
                raise InputError("the loss singles out coordinates at second order; it has no matrix B")
            u, v = ends
            same = "own" if u.view == v.view else "other"
            found["decay" if u.kind == WHITE else same if u.group == v.group else "mean"] += float(number)
        return cls(**found)

    def value(self, moments: DataMoments) -> float:
        """The second order of the loss on data, −Tr[W B Wᵀ]."""
        x, x_pos, chi = Vertex(VIEW, 0, 0), Vertex(VIEW, 0, 1), Vertex(VIEW, 1, 0)
        pairs = ((self.own, x, x), (self.other, x, x_pos), (self.mean, x, chi))
        return self.decay * moments.white + sum(weight * moments.value((((u, v),),)) for weight, u, v in pairs)


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums over data: their number, Σ_i Σ_v φφᵀ, Σ_i s sᵀ and Σ_i s with s the sum over views."""

    N: int
    views: int
    own: Array
    whole: Array
    total: Array

    def __add__(self, other: Sums) -> Sums:
        """The sums over the data of both."""
        return Sums(
            self.N + other.N,
            self.views,
            self.own + other.own,
            self.whole + other.whole,
            self.total + other.total,
        )

    @property
    def mean(self) -> Array:
        """μ, (d0,)."""
        return self.total / (self.N * self.views)

    @property
    def second(self) -> Array:
        """E φφᵀ."""
        return self.own / (self.N * self.views)

    @property
    def cross(self) -> Array:
        """E φφ′ᵀ, symmetric."""
        return (self.whole - self.own) / (self.N * self.views * (self.views - 1))

    @property
    def mean_square(self) -> Array:
        """μμᵀ, from different data."""
        return (np.outer(self.total, self.total) - self.whole) / (self.views**2 * self.N * (self.N - 1))

    def B(self, of: Second) -> Array:
        """B of a loss with this second order."""
        B = -(of.own * self.second + of.other * self.cross + of.mean * self.mean_square)
        return np.asarray(B - of.decay * np.eye(len(B)))


@dataclass(frozen=True, eq=False)
class Spread:
    """Sums over two halves of the data: every second datum."""

    features: Features
    halves: tuple[Sums, Sums]

    @cached_property
    def sums(self) -> Sums:
        """Over all data."""
        return self.halves[0] + self.halves[1]

    @property
    def A0(self) -> Array:
        """The covariance of two views of a datum, (d0, d0)."""
        return self.sums.cross - self.sums.mean_square

    @property
    def Sigma(self) -> Array:
        """The covariance of a view, (d0, d0)."""
        return self.sums.second - self.sums.mean_square

    @property
    def C(self) -> Array:
        """What the augmentation adds, Σ − A0."""
        return self.sums.second - self.sums.cross

    @property
    def mean(self) -> Array:
        """μ, (d0,)."""
        return self.sums.mean


@dataclass(frozen=True)
class Spectrum:
    """Estimates of the eigenvalues of B, or of its quadratic form along given directions.

    Attributes:
        values: the largest first where they are eigenvalues.
        errors: their standard errors.
    """

    values: tuple[float, ...]
    errors: tuple[float, ...]

    @property
    def signs(self) -> tuple[int, int, int]:
        """How many are positive, indistinguishable from 0, and negative, at three standard errors."""
        seen = Counter(sign(value, error, SEEN) for value, error in zip(self.values, self.errors, strict=True))
        return seen[1], seen[0], seen[-1]

    @property
    def multiplicities(self) -> tuple[tuple[float, int], ...]:
        """Eigenvalues grouped with the first that the data do not distinguish them from: each group's mean and size.

        >>> Spectrum((2.0, 1.01, 0.99), (0.1, 0.1, 0.1)).multiplicities
        ((2.0, 1), (1.0, 2))
        """
        groups: list[list[int]] = []
        for k, (value, error) in enumerate(zip(self.values, self.errors, strict=True)):
            if groups:
                first = groups[-1][0]
                if abs(value - self.values[first]) <= SEEN * sqrt(error**2 + self.errors[first] ** 2):
                    groups[-1].append(k)
                    continue
            groups.append([k])
        return tuple((float(np.mean([self.values[k] for k in group])), len(group)) for group in groups)


def spread(features: Features) -> Spread:
    """The second moments of features, in one pass over them.

    >>> from verify.networks.last_layer.features import Features
    >>> x = np.random.default_rng(0).normal(size=(5000, 2))
    >>> found = spread(Features((x, x), W=np.eye(2)))
    >>> bool(abs(found.C).max() < 1e-12), bool(abs(found.A0 - np.eye(2)).max() < 0.1)
    (True, True)
    """
    if features.N < 4:
        raise InputError(f"{features.N} data have no spread with a standard error; give 4 or more")
    views, d0 = len(features.views), features.d0
    halves: list[list[Any]] = [[0, np.zeros((d0, d0)), np.zeros((d0, d0)), np.zeros(d0)] for _ in range(2)]
    for start, x in features.chunks():
        for half in range(2):
            _add(halves[half], x[:, (half - start) % 2 :: 2])
    first, second = (Sums(n, views, own, whole, total) for n, own, whole, total in halves)
    return Spread(features, (first, second))


def _add(sums: list[Any], x: Array) -> None:
    flat, s = x.reshape(-1, x.shape[-1]), x.sum(0)
    sums[0] += len(s)
    sums[1] += flat.T @ flat
    sums[2] += s.T @ s
    sums[3] += s.sum(0)


def spectrum(found: Spread, of: Second) -> Spectrum:
    """The eigenvalues of B: directions from one half of the data, values from the other, both ways.

    Args:
        found: of the features.
        of: the second order of the loss.
    """
    sides = []
    for half in range(2):
        _, vectors = np.linalg.eigh(found.halves[half].B(of))
        sides.append(_along(found, of, vectors[:, ::-1], {1 - half}))
    values = np.mean([value for value, _ in sides], axis=0)
    errors = np.sqrt(np.sum([error**2 for _, error in sides], axis=0)) / 2
    return Spectrum(tuple(map(float, values)), tuple(map(float, errors)))


def along(found: Spread, of: Second, directions: Array) -> Spectrum:
    """vᵀ B v along given directions v, the columns of (d0, k), which are not to be chosen by these data."""
    values, errors = _along(found, of, directions, {0, 1})
    return Spectrum(tuple(map(float, values)), tuple(map(float, errors)))


def _along(found: Spread, of: Second, directions: Array, halves: set[int]) -> tuple[Array, Array]:
    sums = found.sums if len(halves) == 2 else found.halves[next(iter(halves))]
    mean = sums.total @ directions / (sums.N * sums.views)
    values = np.einsum("ik,ik->k", directions, sums.B(of) @ directions)
    # One datum's share in the form, to first order, gives the error.
    square, fourth = np.zeros(directions.shape[1]), np.zeros(directions.shape[1])
    for start, x in found.features.chunks():
        for half in halves:
            y = x[:, (half - start) % 2 :: 2] @ directions
            own = (y**2).sum(0)
            whole = y.sum(0)
            share = of.own * own / sums.views + of.other * (whole**2 - own) / (sums.views * (sums.views - 1))
            share += 2 * of.mean * mean * whole / sums.views
            square += share.sum(0)
            fourth += (share**2).sum(0)
    variance = fourth / sums.N - (square / sums.N) ** 2
    return values, np.sqrt(np.maximum(variance, 0.0) / (sums.N - 1))


def orthogonal_parts(W: Array, parts: int | Sequence[int]) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
    """Orthonormal bases of the outputs, by the singular values of W from the largest on.

    Args:
        W: (d1, d0).
        parts: how many parts of equal size, the first the larger values' (and larger by one where they do not divide),
            or the parts' sizes. Singular values that are 0 to rounding are not counted.

    Returns:
        The parts' bases (d1, m), together the whole space of outputs, of which what W does not reach belongs to the
        last; and the parts' singular values.

    Raises:
        InputError: sizes that do not add up.

    >>> bases, values = orthogonal_parts(np.diag([3.0, 1.0, 2.0, 0.0]), 2)
    >>> [one.shape for one in bases], values
    ([(4, 2), (4, 2)], (array([3., 2.]), array([1.])))

    """
    left, values, _ = np.linalg.svd(W, full_matrices=True)
    rank = int((values > NOTHING * values[0]).sum())
    if isinstance(parts, int):
        if not 1 <= parts <= rank:
            raise InputError(f"{rank} singular values of W cannot be split into {parts} parts; give 1 to {rank}")
        sizes = [rank // parts + (k < rank % parts) for k in range(parts)]
    else:
        sizes = list(parts)
        if sum(sizes) != rank or min(sizes, default=0) < 1:
            listed = ", ".join(map(str, sizes))
            raise InputError(f"parts of {listed} do not add up to the {rank} singular values of W that are not 0")
    ends = list(np.cumsum([0, *sizes]))
    groups = tuple(values[a:b] for a, b in pairwise(ends))
    ends[-1] = len(left)
    return tuple(left[:, a:b] for a, b in pairwise(ends)), groups
