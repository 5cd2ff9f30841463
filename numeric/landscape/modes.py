"""Stationary points of a landscape with known modes, for all masks, with their Hessian indices.

Columns w_i of W, one per mode (see `derive.landscape.landscape`), d1 rows:

    L = −Σ_i b_i |w_i|² + Σ_ij Q_ij (w_i·w_j)² + Σ_ij K_ij |w_i|² |w_j|²,

with the constraint Σ_i n_i |w_i|² = c where the norm is fixed (κ → ∞). A part D of Q may count only within rows, as
sums over coordinates of the embedding do (`derive.landscape.coordinates`): (Q − D)_ij (w_i·w_j)² + D_ij Σ_r (w_i)_r²
(w_j)_r². Points with orthogonal columns, with D each in one row, are stationary when, for the powers g_i = |w_i|² of
the modes in a mask M, with the multiplier ν of the constraint,

    2 Q_ii g_i + 2 Σ_j K_ij g_j + ν n_i = b_i,   g_i > 0,   i ∈ M.

Let u_i = −b_i + 2 Σ_j K_ij g_j + ν n_i be the slope of the loss along |w_i|² at an empty column. An orthonormal frame
of rows that holds the kept columns splits the second variation into blocks, from which the index is read:

    i ∉ M, an unused row         u_i                          d1 − |M| times
    i ∉ M, the row of k ∈ M      u_i + 2 Q_ik g_k
    i, k ∈ M, rows exchanged     0 (a rotation) and 2 Q_ik (g_i + g_k); with F = Q − D the eigenvalues of
                                 2 [[D_ik g_i − D_kk g_k + F_ik g_i, F_ik √(g_i g_k)],
                                    [F_ik √(g_i g_k), D_ik g_k − D_ii g_i + F_ik g_k]]
    k ∈ M, an unused row         −2 D_kk g_k                  d1 − |M| times
    the lengths of the kept      4 √g_i (Q_ii δ_ik + K_ik) √g_k, on the constraint's tangent space

By Sylvester's law the last has the inertia of diag(Q) + K on M. A column that meets no other through Q (the bias
under a norm penalty) needs no row of its own.

With one covariance, Q_ij = q₁ x_i x_j, there are no other stationary points (`derive.landscape.stationary`). With
mixtures of words there can be some whose columns share rows (w_i and w_j parallel), where two covariances compete.
Where the landscape is a convex function of WᵀW and d1 ≥ d0 none of these is a minimum; with fewer rows than modes one
can be.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from derive import InputError

Array = NDArray[np.float64]
Kind = Literal["minimum", "saddle", "maximum"]

# Curvatures smaller than this, relative to the largest, count as zero.
FLAT = 1e-10
# The most modes for which all masks are tried.
MOST_MODES = 16


@dataclass(frozen=True, eq=False)
class Modes:
    """A landscape by its modes.

    Args:
        b: (n,), the rate of descent along each mode at the origin; negative where the origin is stable.
        Q: (n, n), symmetric, the coefficients of (w_i·w_j)².
        K: (n, n), symmetric, the coefficients of |w_i|²|w_j|².
        d1: the number of rows of W.
        norm: (n,), the n_i of the constraint Σ n_i |w_i|² = c, or None.
        c: its right side, positive.
        constant: what is added to the loss.
        D: (n, n), symmetric, the part of Q that counts only within rows; None where there is none.

    """

    b: Array
    Q: Array
    K: Array
    d1: int
    norm: Array | None = None
    c: float = 0.0
    constant: float = 0.0
    D: Array | None = None

    @property
    def size(self) -> int:
        """The number of modes, a bias included."""
        return len(self.b)

    @property
    def alone(self) -> NDArray[np.bool_]:
        """Which columns need no row of their own."""
        met = self.Q.any(1) if self.D is None else self.Q.any(1) | self.D.any(1)
        return np.asarray(~met, dtype=np.bool_)


@dataclass(frozen=True, eq=False)
class StationaryPoint:
    """A stationary point with orthogonal columns.

    Attributes:
        mask: (n,) of bool, the kept modes.
        powers: (n,), g_i = |w_i|².
        loss: L there.
        index: the number of negative directions of the Hessian, on the constraint where there is one.
        rank: the rank of W: the number of kept modes that take up a row.
        slopes: (n,), u_i: where a mode is off, the curvature of the loss along it is 2 u_i.
        multiplier: ν, 0 without constraint.

    """

    mask: NDArray[np.bool_]
    powers: Array
    loss: float
    index: int
    rank: int
    slopes: Array
    multiplier: float
    dimension: int

    @property
    def kind(self) -> Kind:
        """A minimum where the loss falls in no direction, a maximum where it falls in all."""
        if self.index == 0:
            return "minimum"
        return "maximum" if self.index == self.dimension else "saddle"


def stationary_points(modes: Modes) -> tuple[StationaryPoint, ...]:
    """All stationary points with orthogonal columns, the lowest first.

    With one covariance there are no others. Where eigenvalues are degenerate, a mask stands for every choice of that
    many directions within the eigenspace.

    Raises:
        InputError: more than 16 modes, whose masks are too many to list.

    >>> modes = Modes(np.array([1.0, -1.0]), np.ones((2, 2)), np.zeros((2, 2)), d1=2)
    >>> [(point.powers.tolist(), point.loss, point.index) for point in stationary_points(modes)]
    [([0.5, 0.0], -0.25, 0), ([0.0, 0.0], 0.0, 2)]
    """
    if modes.size > MOST_MODES:
        message = f"{modes.size} modes have 2^{modes.size} masks; list them for at most {MOST_MODES}, or ask for minima"
        raise InputError(message)
    found = []
    for choice in product((False, True), repeat=modes.size):
        mask = np.array(choice)
        if (mask & ~modes.alone).sum() <= modes.d1:
            point = masked_point(modes, mask)
            if point is not None:
                found.append(point)
    return tuple(sorted(found, key=lambda point: point.loss))


def minima(modes: Modes) -> tuple[StationaryPoint, ...]:
    """The local minima among the stationary points, the global one first."""
    return tuple(point for point in stationary_points(modes) if point.index == 0)


def masked_point(modes: Modes, mask: NDArray[np.bool_]) -> StationaryPoint | None:
    """The stationary point that keeps exactly the modes of a mask (n,), at most d1 with rows; None where there is none.

    >>> modes = Modes(np.array([1.0, -1.0]), np.ones((2, 2)), np.zeros((2, 2)), d1=2)
    >>> masked_point(modes, np.array([True, False])).slopes.tolist()
    [-1.0, 1.0]
    """
    kept = np.flatnonzero(mask)
    matrix = (np.diag(np.diag(modes.Q)) + modes.K)[np.ix_(kept, kept)]
    solved = _powers(modes, kept, matrix)
    if solved is None:
        return None
    powers = np.zeros(modes.size)
    powers[kept], multiplier = solved
    if not (powers[kept] > FLAT * max(1.0, np.abs(powers).max(initial=0.0))).all():
        return None
    slopes = -modes.b + 2 * modes.K @ powers + (0.0 if modes.norm is None else multiplier * modes.norm)
    quadratic = np.diag(np.diag(modes.Q)) + modes.K
    loss = float(modes.constant - modes.b @ powers + powers @ quadratic @ powers)
    lengths = matrix
    if modes.norm is not None:
        # The tangent space of the constraint.
        lengths = _null(modes.norm[kept]).T @ matrix @ _null(modes.norm[kept])
    rowed = [k for k in kept if not modes.alone[k]]
    scale = max(1.0, np.abs(modes.b).max(initial=0.0))
    index = _negative(np.linalg.eigvalsh(lengths)) if lengths.size else 0
    for i in np.flatnonzero(~mask):
        index += (modes.d1 - len(rowed)) * int(slopes[i] < -FLAT * scale)
        index += sum(int(slopes[i] + 2 * modes.Q[i, k] * powers[k] < -FLAT * scale) for k in rowed)
    pairs = [(int(i), int(k)) for i in rowed for k in rowed if i < k]
    index += sum([_exchanged(modes, powers, i, k) for i, k in pairs])
    if modes.D is not None:
        index += (modes.d1 - len(rowed)) * sum(int(modes.D[k, k] * powers[k] > FLAT * scale) for k in rowed)
    dimension = modes.d1 * modes.size - (modes.norm is not None)
    return StationaryPoint(mask, powers, loss, index, len(rowed), slopes, float(multiplier), dimension)


def _exchanged(modes: Modes, powers: Array, i: int, k: int) -> int:
    """The number of negative curvatures when two kept columns change, each in the other's row."""
    if modes.D is None:
        return int(modes.Q[i, k] < 0)
    D, F, (one, other) = modes.D, modes.Q - modes.D, powers[[i, k]]
    across = F[i, k] * np.sqrt(one * other)
    block = [
        [D[i, k] * one - D[k, k] * other + F[i, k] * one, across],
        [across, D[i, k] * other - D[i, i] * one + F[i, k] * other],
    ]
    return _negative(np.linalg.eigvalsh(np.array(block)))


def _powers(modes: Modes, kept: NDArray[np.intp], matrix: Array) -> tuple[Array, float] | None:
    """The powers of the kept modes and the multiplier; None where they are undetermined."""
    if modes.norm is None:
        if not len(kept):
            return np.zeros(0), 0.0
        return (
            (np.asarray(np.linalg.solve(2 * matrix, modes.b[kept]), dtype=np.float64), 0.0)
            if _regular(matrix)
            else None
        )
    if not len(kept):
        return None  # the norm is positive
    n = modes.norm[kept]
    bordered = np.block([[2 * matrix, n[:, None]], [n[None, :], np.zeros((1, 1))]])
    if not _regular(bordered):
        return None
    solved = np.linalg.solve(bordered, np.append(modes.b[kept], modes.c))
    return solved[:-1], float(solved[-1])


def _regular(matrix: Array) -> bool:
    values = np.linalg.svd(matrix, compute_uv=False)
    return bool(values[-1] > 1e-13 * values[0])


def _negative(values: NDArray[np.floating[Any]]) -> int:
    return int((values < -FLAT * max(1.0, float(np.abs(values).max(initial=0.0)))).sum())


def _null(row: Array) -> Array:
    """An orthonormal basis of the vectors orthogonal to one."""
    _, _, basis = np.linalg.svd(row[None, :])
    return np.asarray(basis[1:].T)
