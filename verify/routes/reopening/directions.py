"""The directions in which a W of rank r can gain rank: rows that it does not use times modes that it does not see.

A direction u vᵀ adds vᵀx, an input mode, along the output u. It is transverse

- to the kept modes: uᵀW = 0 and vᵀΣw = 0 for the rows w of W, so that vᵀx is uncorrelated with f(x) = W x;
- to the group orbit: the rows of the tangent Ω W of rotations W → R W are combinations of those of W, and v is not.

v is scaled to vᵀΣv = 1: the new output has variance S². The modes that W does not see are chosen to be uncorrelated
with each other across two views of a datum as well, with λ = vᵀA0v. Where they are so with the kept modes too, the law
of the data does not change when an unseen mode is reflected, and the expected loss is even in S: no slope, and no entry
of the Hessian between two modes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from derive import InputError
from numeric.sampling import Covariances

Array = NDArray[np.float64]

# Singular values of W Σ^½ below this fraction of the largest count as zero.
FLAT = 1e-6
# The largest allowed overlap of a direction with what it must be transverse to, as a cosine.
OVERLAP = 1e-6


@dataclass(frozen=True, eq=False)
class Opening:
    """A W and the directions that would raise its rank.

    Attributes:
        W: (d1, d0).
        rows: (d1, p), u_k, orthonormal.
        modes: (d0, q), v_l, with VᵀΣV = I.
        correlations: (q,), λ_l = v_lᵀ A0 v_l, the correlation of two views of a mode; the largest first.
        rank: r.
        coupling: the largest |vᵀ A0 w|/√(wᵀΣw), the correlation of a mode with a kept one across views; zero where W
            keeps whole modes.

    """

    W: Array
    rows: Array
    modes: Array
    correlations: Array
    rank: int
    coupling: float

    @property
    def size(self) -> int:
        """The number of directions, p q."""
        return int(self.rows.shape[1]) * int(self.modes.shape[1])

    def along(self, row: int, mode: int) -> Array:
        """One direction, (d1, d0)."""
        return np.outer(self.rows[:, row], self.modes[:, mode])


def opening(W: ArrayLike, covariances: Covariances, *, rows: int | None = 1, modes: int | None = None) -> Opening:
    """The directions at a W.

    Args:
        W: (d1, d0), of a rank below both.
        covariances: of the data, with a Σ that is positive definite.
        rows: the number of unused rows to try; one is enough for a loss invariant under rotations, None takes all.
        modes: the number of unseen modes to try, those of the largest λ; None takes all.

    Raises:
        InputError: W does not fit the data, has no unused row, or sees every mode.

    >>> data = Covariances(np.diag([1.0, 2.0, 0.5]), np.eye(3))
    >>> found = opening([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]], data)
    >>> found.rank, found.correlations.round(3).tolist(), found.along(0, 0).round(3).tolist()
    (1, [0.667, 0.333], [[0.0, 0.0, 0.0], [0.0, 0.577, 0.0]])

    """
    weight = np.asarray(W, dtype=np.float64)
    if weight.ndim != 2 or weight.shape[1] != covariances.d0 or not np.isfinite(weight).all():
        raise InputError(
            f"W has shape {weight.shape}; finite numbers of shape (d1, {covariances.d0}) are needed for these data"
        )
    root, inverse = _roots(covariances.Sigma)
    left, singular, right = np.linalg.svd(weight @ root)
    rank = int((singular > FLAT * max(singular[0], np.finfo(float).tiny)).sum())
    if rank == len(weight):
        raise InputError(f"W has {rank} rows and rank {rank}: no row is left for another mode; give it a row of zeros")
    if rank == covariances.d0:
        raise InputError(f"W sees all {rank} modes: none is collapsed")
    hidden = right[rank:].T
    white = inverse @ covariances.A0 @ inverse
    correlations, turn = np.linalg.eigh(hidden.T @ white @ hidden)
    hidden, correlations = hidden @ turn[:, ::-1], correlations[::-1]
    # Signs that do not depend on the algorithm: the largest entry is positive.
    hidden = hidden * np.sign(hidden[np.abs(hidden).argmax(0), np.arange(hidden.shape[1])])
    coupling = float(np.abs(right[:rank] @ white @ hidden).max(initial=0.0))
    spare = _simple(left[:, rank:])
    return Opening(weight, spare[:, :rows], (inverse @ hidden)[:, :modes], correlations[:modes], rank, coupling)


def check_direction(W: ArrayLike, covariances: Covariances, direction: ArrayLike) -> None:
    """Refuse a direction, (d1, d0), that is not transverse to the kept modes and the rotations of W.

    Raises:
        InputError: the message says what it overlaps.

    >>> data = Covariances(np.eye(2), np.eye(2))
    >>> check_direction([[1.0, 0.0], [0.0, 0.0]], data, [[0.0, 0.0], [0.0, 1.0]])

    """
    weight, step = np.asarray(W, dtype=np.float64), np.asarray(direction, dtype=np.float64)
    if step.shape != weight.shape:
        raise InputError(f"the direction has shape {step.shape} and W {weight.shape}; they must be equal")
    root, _ = _roots(covariances.Sigma)
    left, singular, right = np.linalg.svd(weight @ root)
    rank = int((singular > FLAT * singular[0]).sum())
    white = step @ root
    size = float(np.linalg.norm(white))
    seen = float(np.linalg.norm(white @ right[:rank].T)) / size
    used = float(np.linalg.norm(left[:, :rank].T @ white)) / size
    if seen > OVERLAP:
        raise InputError(f"the direction moves the kept modes (overlap {seen:.2g}): it opens none")
    if used > OVERLAP:
        raise InputError(f"the direction feeds rows that are in use (overlap {used:.2g}): it tilts a kept mode")


def _roots(Sigma: Array) -> tuple[Array, Array]:
    """Σ^½ and Σ^(−½)."""
    values, vectors = np.linalg.eigh(Sigma)
    if not values[0] > 1e-12 * values[-1]:
        raise InputError("Σ = A0 + C is singular; project the data on the directions that it fills")
    return (vectors * np.sqrt(values)) @ vectors.T, (vectors / np.sqrt(values)) @ vectors.T


def _simple(basis: Array) -> Array:
    """An orthonormal basis of the same space, with unit vectors where they lie in it."""
    projector = basis @ basis.T
    found: list[Array] = []
    for column in projector.T[np.argsort(-np.diag(projector), kind="stable")]:
        rest = column - sum((one * (one @ column) for one in found), start=np.zeros(len(column)))
        if np.linalg.norm(rest) > 1e-6 and len(found) < basis.shape[1]:
            found.append(rest / np.linalg.norm(rest))
    return np.stack(found, 1)
