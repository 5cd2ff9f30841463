"""Landscapes in numbers: from matrices to modes, and from the modes' powers back to WᵀW."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from derive import InputError
from derive.letters import named
from numeric.modes import Modes, StationaryPoint, stationary_points
from numeric.sampling import Covariances, symmetric

if TYPE_CHECKING:
    from collections.abc import Mapping

    from derive.landscape import Landscape

Array = NDArray[np.float64]

# Σ counts as singular where its condition number exceeds this: beyond it, Σ^(−1/2) has lost half of the digits.
CONDITION = 1e12


@dataclass(frozen=True, eq=False)
class Solved:
    """A landscape with its modes known.

    Attributes:
        modes: the landscape in its modes; the last one is the bias where there is one.
        frame: (d0, d0), T with WᵀW = T diag(g) Tᵀ at the stationary points.
        bias: whether the last mode is a bias.

    """

    modes: Modes
    frame: Array
    bias: bool = False

    def stationary_points(self) -> tuple[StationaryPoint, ...]:
        """All with orthogonal columns, the lowest first; see `numeric.modes`."""
        return stationary_points(self.modes)

    def gram(self, point: StationaryPoint) -> Array:
        """WᵀW at a stationary point, (d0, d0)."""
        d0 = self.frame.shape[0]
        return np.asarray((self.frame * point.powers[:d0]) @ self.frame.T)

    def weight(self, point: StationaryPoint) -> Array:
        """One W (d1, d0) of those that differ by a rotation of the embedding."""
        d0 = self.frame.shape[0]
        rows = np.zeros((self.modes.d1, d0))
        kept = np.flatnonzero(point.mask[:d0])
        rows[np.arange(len(kept)), kept] = np.sqrt(point.powers[kept])
        return rows @ self.frame.T


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

    With V = W Σ^(1/2) and the eigenvalues λ_i of Σ^(−1/2) B Σ^(−1/2) all modes are alike, whether B and Σ commute or
    not; B may be singular or indefinite.

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
    root_inverse = _whitening("Sigma", covariance)
    rows = _rows(d1, len(linear))
    for name, number in (("q1", q1), ("q2", q2), ("c", c)):
        if not isfinite(number):
            message = f"{name} = {number} is no finite number"
            raise InputError(message)
    for name, number in (("kappa", kappa), ("c", c)):
        if not number >= 0:
            message = f"{name} = {number} must be 0 or positive"
            raise InputError(message)
    if kappa == float("inf") and c == 0:
        message = "c = 0 with an infinite kappa leaves W = 0 alone; give a positive norm c"
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
    found: Landscape, covariances: Covariances, values: Mapping[str, float] | None = None, *, d1: int | None = None
) -> Solved:
    """A derived landscape with numbers put in.

    Args:
        found: see `derive.landscape.landscapes`.
        covariances: A0 and C, Σ = A0 + C positive definite; they have to commute where weight decay is in play.
        values: the loss's parameters.
        d1: the number of rows of W; d0 unless given, and what the symbol d1 stands for.

    Raises:
        InputError: a parameter without a value, a singular Σ, matrices that do not commute where they have to.

    >>> from derive import catalogue
    >>> from derive.landscape import landscapes
    >>> (found,) = landscapes(catalogue("infonce").expand(order=4))
    >>> solved = landscape_in_numbers(found, Covariances(np.eye(2), np.eye(2)))
    >>> solved.gram(solved.stationary_points()[0]).round(6)
    array([[0.166667, 0.      ],
           [0.      , 0.166667]])

    """
    frame, letters = modes_of(found, covariances)
    rows = _rows(d1, covariances.d0)
    given = {**(values or {}), "d1": rows}
    named_symbols = named(found.symbols)
    missing = sorted(name for name in named_symbols if name not in given)
    if missing:
        message = f"{found.loss} has no value for {', '.join(missing)}; give values={{'{missing[0]}': …}}"
        raise InputError(message)
    bias = found.has_bias
    if bias:
        letters = {name: np.append(x, 0.0) for name, x in letters.items()} | {
            "D": np.append(np.zeros(covariances.d0), 1.0)
        }
    else:
        letters = letters | {"D": np.zeros(covariances.d0)}

    def number(value: Any) -> float:
        return float(value.subs({symbol: given[name] for name, symbol in named_symbols.items()}))

    size = covariances.d0 + bias
    b, Q, K = np.zeros(size), np.zeros((size, size)), np.zeros((size, size))
    for letter, value in found.linear.items():
        b -= number(value) * letters[letter]
    for matrix, couplings in ((Q, found.singles), (K, found.products)):
        for (x, y), value in couplings.items():
            outer = np.outer(letters[x], letters[y])
            matrix[:] += number(value) * (outer + outer.T) / 2
    return Solved(Modes(b, Q, K, rows), frame, bias)


def modes_of(found: Landscape, covariances: Covariances) -> tuple[Array, dict[str, Array]]:
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
        # A generic combination has the common eigenvectors.
        _, frame = np.linalg.eigh(A0 + C / np.sqrt(2) * np.abs(A0).max() / max(np.abs(C).max(), 1e-300))
    else:
        root_inverse = _whitening("A0 + C", covariances.Sigma)
        _, vectors = np.linalg.eigh(root_inverse @ C @ root_inverse)
        frame = root_inverse @ vectors
    a, c = (np.einsum("ik,ij,jk->k", frame, matrix, frame) for matrix in (A0, C))
    return frame, {"A": a, "C": c, "S": a + c, "I": np.ones(len(a))}


def _whitening(name: str, matrix: Array) -> Array:
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
        message = f"d1 = {d1} is no number of rows; W needs one or more"
        raise InputError(message)
    return int(d1)
