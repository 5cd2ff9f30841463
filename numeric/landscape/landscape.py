"""Landscapes in numbers: from matrices to modes, and from the modes' powers back to WᵀW."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from derive import InputError
from derive.algebra.letters import named
from numeric.landscape.modes import Modes, StationaryPoint, stationary_points
from numeric.sampling import symmetric

if TYPE_CHECKING:
    from collections.abc import Mapping

    from derive.landscape.coordinates import Rotation
    from derive.landscape.landscape import Landscape
    from numeric.laws import Views

Array = NDArray[np.float64]

# Σ counts as singular where its condition number exceeds this: beyond it, Σ^(−1/2) loses half of the digits.
CONDITION = 1e12


@dataclass(frozen=True, eq=False)
class Solved:
    """A landscape with its modes known.

    Attributes:
        modes: the landscape in its modes; the last one is the bias where there is one.
        frame: (d0, d0), T with WᵀW = T diag(g) Tᵀ at the stationary points.
        bias: whether the last mode is a bias.
        coordinates: (n, n), the coefficients D_ij of Σ_r (w_i)_r² (w_j)_r² where the loss has sums over coordinates of
            the embedding, counted in Q (one mode a row) or over d1 in K (constant diagonals).
        rotation: at which rotation of the embedding, see `derive.landscape.coordinates`.

    """

    modes: Modes
    frame: Array
    bias: bool = False
    coordinates: Array | None = None
    rotation: Rotation = "any"

    def stationary_points(self) -> tuple[StationaryPoint, ...]:
        """All stationary points with orthogonal columns, the lowest first; see `numeric.landscape.modes`."""
        return stationary_points(self.modes)

    def gram(self, point: StationaryPoint) -> Array:
        """WᵀW at a stationary point, (d0, d0)."""
        d0 = self.frame.shape[0]
        return np.asarray((self.frame * point.powers[:d0]) @ self.frame.T)

    def weight(self, point: StationaryPoint) -> Array:
        """One W (d1, d0) at a stationary point, at the rotation of the embedding that the landscape is for.

        Raises:
            InputError: constant diagonals of several matrices, for a d1 that is not a power of two.

        """
        d0 = self.frame.shape[0]
        rows = np.zeros((self.modes.d1, d0))
        kept = np.flatnonzero(point.mask[:d0])
        rows[np.arange(len(kept)), kept] = np.sqrt(point.powers[kept])
        return self._turn(rows) @ rows @ self.frame.T

    def _turn(self, rows: Array) -> Array:
        """The rotation of the embedding, (d1, d1), applied to columns with one mode per row."""
        d1, D = self.modes.d1, self.coordinates
        if D is None or self.rotation not in ("constant diagonal", "constant diagonals"):
            return np.eye(d1)
        if self.rotation == "constant diagonal":
            # D is a multiple of the square of one combination of eigenvalues, so any of its rows will do.
            return level(rows**2 @ D[np.abs(D.diagonal()).argmax(), : rows.shape[1]])
        if d1 & (d1 - 1):
            message = (
                f"d1 = {d1} is not a power of two: there need be no rotation with constant diagonals of all W X Wᵀ"
            )
            raise InputError(message)
        turn = np.ones((1, 1))
        while len(turn) < d1:
            turn = np.block([[turn, turn], [turn, -turn]]) / np.sqrt(2)
        return turn

    def loss_at(self, W: Array) -> dict[int, float]:
        """The second and the fourth order of the loss at any W (d1, d0), without a bias, from its columns by modes."""
        V = W @ np.linalg.inv(self.frame).T
        gram, squares, modes, D = V.T @ V, V**2, self.modes, self.coordinates
        Q, K = modes.Q, modes.K
        fourth = 0.0
        if D is not None:
            one_a_row = modes.D is not None
            Q, K = (Q - D, K) if one_a_row else (Q, K - D / modes.d1)
            fourth = float((squares @ D * squares).sum())
        power = squares.sum(0)
        return {2: -float(modes.b @ power), 4: fourth + float((Q * gram**2).sum() + power @ K @ power)}


def level(diagonal: Array) -> Array:
    """A rotation R for which R diag(x) Rᵀ has a constant diagonal, one entry after another by plane rotations.

    >>> R = level(np.array([3.0, 1.0, 0.5]))
    >>> np.diag(R @ np.diag([3.0, 1.0, 0.5]) @ R.T).round(12).tolist()
    [1.5, 1.5, 1.5]
    """
    size, mean = len(diagonal), float(np.mean(diagonal))
    turn, matrix = np.eye(size), np.diag(diagonal).astype(np.float64)
    left = list(range(size))
    for _ in range(size - 1):
        low, high = (pick(left, key=lambda r: matrix[r, r]) for pick in (min, max))
        short, long, across = matrix[low, low] - mean, matrix[high, high] - mean, matrix[low, high]
        if long <= 0:
            break
        # The tangent of the angle at which the first entry is the mean; one exists as short ≤ 0 ≤ long, to rounding.
        tangent = (np.sqrt(max(across**2 - short * long, 0.0)) - across) / long
        c, s = 1 / np.hypot(1, tangent), tangent / np.hypot(1, tangent)
        plane = np.eye(size)
        plane[[low, low, high, high], [low, high, low, high]] = c, s, -s, c
        turn, matrix = plane @ turn, plane @ matrix @ plane.T
        left.remove(low)
    return turn


def quartic_landscape(
    B: ArrayLike,
    Sigma: ArrayLike,
    *,
    q1: float = 1.0,
    q2: float = 0.0,
    kappa: float = 0.0,
    c: float = 0.0,
    d1: int | None = None,
    bias: bool = False,
) -> Solved:
    """The landscape −Tr[W B Wᵀ] + q₁ Tr[(W Σ Wᵀ)²] + q₂ Tr[W Σ Wᵀ]² + κ (Tr[W Σ Wᵀ] + |b|² − c)².

    With V = W Σ^(1/2) and the eigenvalues b_i of Σ^(−1/2) B Σ^(−1/2) all modes are equivalent, whether or not B and Σ
    commute; B may be singular or indefinite.

    Args:
        B: (d0, d0), symmetric.
        Sigma: (d0, d0), symmetric and positive definite.
        q1: the coefficient of Tr[(W Σ Wᵀ)²].
        q2: the coefficient of Tr[W Σ Wᵀ]².
        kappa: κ ≥ 0, the strength of the norm penalty; ``math.inf`` fixes E|f|² = c.
        c: c ≥ 0, the norm that the penalty asks for; positive where it is fixed.
        d1: the number of rows of W; d0 unless given.
        bias: whether f(x) = W x + b with E[x] = 0. b enters through E|f|² alone, as it does where the rest of the loss
            is invariant under a translation of f.

    Raises:
        InputError: naming the argument that is wrong.

    >>> solved = quartic_landscape([[1.0, 0.0], [0.0, -1.0]], np.eye(2))
    >>> solved.gram(solved.stationary_points()[0])
    array([[0.5, 0. ],
           [0. , 0. ]])

    """
    linear, covariance = symmetric("B", B), symmetric("Sigma", Sigma)
    if linear.shape != covariance.shape:
        message = (
            f"B is {len(linear)}×{len(linear)} and Sigma {len(covariance)}×{len(covariance)}; both act on the inputs"
        )
        raise InputError(message)
    root_inverse = whitening("Sigma", covariance)
    rows = _rows(d1, len(linear))
    for name, number in (("q1", q1), ("q2", q2), ("c", c)):
        if not isfinite(number):
            message = f"{name} = {number} is not a finite number"
            raise InputError(message)
    for name, number in (("kappa", kappa), ("c", c)):
        if not number >= 0:
            message = f"{name} = {number} must be 0 or positive"
            raise InputError(message)
    if kappa == float("inf") and c == 0:
        message = "c = 0 with an infinite kappa leaves only W = 0; give a positive norm c"
        raise InputError(message)
    if q1 == 0 and q2 == 0 and kappa in (0, float("inf")):
        message = "q1 = q2 = 0: the landscape has no quartic part; give one of them"
        raise InputError(message)
    values, vectors = np.linalg.eigh(root_inverse @ linear @ root_inverse)
    size = len(values) + bias
    weights = np.ones(size)
    own = np.ones(size)
    b = np.append(values, 0.0) if bias else values
    own[len(values) :] = 0.0
    Q, K = q1 * np.outer(own, own), q2 * np.outer(own, own)
    if kappa == float("inf"):
        modes = Modes(b, Q, K, rows, weights, float(c))
    else:
        modes = Modes(
            b + 2 * kappa * c * weights, Q, K + kappa * np.outer(weights, weights), rows, constant=kappa * c**2
        )
    return Solved(modes, root_inverse @ vectors, bias)


def landscape_in_numbers(
    found: Landscape, covariances: Views, values: Mapping[str, float] | None = None, *, d1: int | None = None
) -> Solved:
    """A derived landscape with numbers put in.

    Args:
        found: see `derive.landscape.landscape.landscapes`.
        covariances: A0 and C, Σ = A0 + C positive definite; they have to commute where there is weight decay.
        values: the loss's parameters.
        d1: the number of rows of W; d0 unless given, and what the symbol d1 stands for.

    Raises:
        InputError: a parameter without a value, a singular Σ, matrices that do not commute where they have to.

    >>> from derive import catalogue
    >>> from derive.landscape.landscape import landscapes
    >>> (found,) = landscapes(catalogue("infonce").expand(order=4))
    >>> from numeric.sampling import Covariances
    >>> solved = landscape_in_numbers(found, Covariances(np.eye(2), np.eye(2)))
    >>> solved.gram(solved.stationary_points()[0]).round(6)
    array([[0.166667, 0.      ],
           [0.      , 0.166667]])

    """
    frame, letters = modes_of(found, covariances)
    rows = _rows(d1, covariances.d0)
    given = {**(values or {}), "d1": rows}
    bias = found.has_bias
    if bias:
        letters = {name: np.append(x, 0.0) for name, x in letters.items()} | {
            "D": np.append(np.zeros(covariances.d0), 1.0)
        }
    else:
        letters = letters | {"D": np.zeros(covariances.d0)}

    b, Q, K, D = couplings(found, letters, given)
    if found.rotation == "any":
        return Solved(Modes(b, Q, K, rows), frame, bias)
    one_a_row = found.rotation in ("one mode a row", "indefinite")
    return Solved(Modes(b, Q, K, rows, D=D if one_a_row else None), frame, bias, D, found.rotation)


def couplings(
    found: Landscape, letters: Mapping[str, Array], values: Mapping[str, float]
) -> tuple[Array, Array, Array, Array]:
    """b (n,) and Q, K, D (n, n) of a derived landscape, from the eigenvalues of each letter by mode.

    Args:
        found: see `derive.landscape.landscape.landscapes`.
        letters: letter → (n,); "D", the bias, is the last mode where there is one.
        values: the loss's parameters, d1 among them where it occurs.

    Raises:
        InputError: a parameter without a value.

    """
    of_rows = {symbol for value in found.coordinates.values() for symbol in value.free_symbols}
    named_symbols = named(found.symbols | of_rows)
    missing = sorted(name for name in named_symbols if name not in values)
    if missing:
        message = f"{found.loss} has no value for {', '.join(missing)}; give values={{'{missing[0]}': …}}"
        raise InputError(message)

    def number(value: Any) -> float:
        return float(value.subs({symbol: values[name] for name, symbol in named_symbols.items()}))

    size = len(letters["S"])
    b, Q, K, D = np.zeros(size), *(np.zeros((size, size)) for _ in range(3))
    for letter, value in found.linear.items():
        b -= number(value) * letters[letter]
    for matrix, part in ((Q, found.singles), (K, found.products), (D, found.coordinates)):
        for (x, y), value in part.items():
            outer = np.outer(letters[x], letters[y])
            matrix[:] += number(value) * (outer + outer.T) / 2
    return b, Q, K, D


def modes_of(found: Landscape, covariances: Views) -> tuple[Array, dict[str, Array]]:
    """The frame T in which A0 and C are diagonal, and the eigenvalues of each letter by mode.

    Where the identity does not occur T comes from a congruence, TᵀΣT = I; otherwise T is orthogonal.
    """
    A0, C = covariances.A0, covariances.C
    if found.needs_commuting:
        residual = float(np.abs(A0 @ C - C @ A0).max())
        if residual > 1e-10 * float(np.abs(A0).max() * np.abs(C).max()):
            message = (
                f"A0 and C do not commute (A0 C − C A0 has an entry of {residual:.2g}), and with weight decay the modes"
                " of such data are not separate"
            )
            raise InputError(message)
        # The eigenvectors of a generic combination are those common to all.
        _, frame = np.linalg.eigh(A0 + C / np.sqrt(2) * np.abs(A0).max() / max(np.abs(C).max(), 1e-300))
    else:
        root_inverse = whitening("A0 + C", covariances.Sigma)
        _, vectors = np.linalg.eigh(root_inverse @ C @ root_inverse)
        frame = root_inverse @ vectors
    a, c = (np.einsum("ik,ij,jk->k", frame, matrix, frame) for matrix in (A0, C))
    return frame, {"A": a, "C": c, "S": a + c, "I": np.ones(len(a))}


def whitening(name: str, matrix: Array) -> Array:
    """Σ^(−1/2)."""
    values, vectors = np.linalg.eigh(matrix)
    if not values[0] > values[-1] / CONDITION:
        kind = "singular" if values[0] > -values[-1] / CONDITION else "indefinite"
        message = (
            f"{name} is {kind}: its eigenvalues reach from {values[0]:.3g} to {values[-1]:.3g};"
            " project the data on the directions that they fill"
        )
        raise InputError(message)
    return np.asarray(vectors / np.sqrt(values) @ vectors.T)


def _rows(d1: int | None, d0: int) -> int:
    if d1 is None:
        return d0
    if int(d1) != d1 or d1 < 1:
        message = f"d1 = {d1} is not a number of rows; d1 must be at least 1"
        raise InputError(message)
    return int(d1)
