"""Stationary points of −Tr[W B Wᵀ] + Tr[W Σ Wᵀ W Σ Wᵀ], Eq. (29), found without any theory of them.

The loss is written by hand and differentiated by differences, which are exact for a quartic. From random starts
Newton's iteration ends at stationary points of every kind, a descent at local minima.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numeric.landscape.descent import Smooth, cubic_jacobian, descend, newton

Array = NDArray[np.float64]

STARTS, DESCENTS = 120, 24
# The slope at which an iteration ends; |W| is then known to 1e-9, where a mode of curvature 0 vanishes to 1e-4.
SLOPE = 1e-11
# Eigenvalues of H = Σ^½ WᵀW Σ^½ below this are zero, those of Σ^(−½) B Σ^(−½) as close as this are one.
ZERO = 1e-5
# What rounding and the differences may move an end by.
TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class End:
    """One point where an iteration ended.

    Attributes:
        W: (d1, d0).
        loss: there.
        problem: whose landscape it is.

    """

    W: Array
    loss: float
    problem: Problem

    @property
    def gram(self) -> Array:
        """WᵀW."""
        return np.asarray(self.W.T @ self.W)

    @property
    def H(self) -> Array:
        """Σ^½ WᵀW Σ^½."""
        return np.asarray(self.problem.root @ self.gram @ self.problem.root)

    @property
    def rank(self) -> int:
        """The rank of W."""
        return int((np.linalg.eigvalsh(self.H) > ZERO).sum())

    def frame(self) -> tuple[Array, Array, Array]:
        """U, Λ with U Λ Uᵀ = Σ^(−½) B Σ^(−½), and M with M_ii = 1 where (Uᵀ H U)_ii > 0.

        U is chosen within degenerate eigenspaces, and there alone, to make Uᵀ H U diagonal.
        """
        values, U = _eigenbasis(self.problem.whitened, self.H)
        kept = np.einsum("ji,jk,ki->i", U, self.H, U) > ZERO
        return U, np.diag(values), np.diag(kept.astype(float))

    def kept(self) -> tuple[bool, ...]:
        """Which modes, in ascending order of Λ, the point keeps."""
        return tuple(bool(one) for one in np.diag(self.frame()[2]))

    def masked(self) -> Array:
        """B_M, where B and Σ commute: the eigenvalues that most of WᵀW lies on, as many as its rank."""
        # A generic combination has the common eigenvectors, up to eigenspaces of both.
        _, frame = _eigenbasis(self.problem.B + self.problem.Sigma / np.sqrt(2), self.gram)
        share = np.einsum("ji,jk,ki->i", frame, self.gram, frame)
        mask = np.zeros(len(share))
        mask[np.argsort(-share, kind="stable")[: self.rank]] = 1.0
        return np.asarray((frame * mask) @ frame.T @ self.problem.B)

    def letters(self) -> dict[str, Any]:
        """Σ, B, G = WᵀW and H under the names of the claims' letters."""
        return {"Sigma": self.problem.Sigma, "B": self.problem.B, "G": self.gram, "H": self.H}


@dataclass(frozen=True, eq=False)
class Problem:
    """B and Σ in numbers, and d1."""

    B: Array
    Sigma: Array
    d1: int
    seed: int = 0

    @property
    def d0(self) -> int:
        """The dimension of the input."""
        return len(self.B)

    @property
    def positive(self) -> int:
        """How many eigenvalues of B are positive."""
        return int((np.linalg.eigvalsh(self.B) > ZERO).sum())

    @cached_property
    def root(self) -> Array:
        """Σ^½."""
        return power(self.Sigma, 0.5)

    @cached_property
    def whitened(self) -> Array:
        """Σ^(−½) B Σ^(−½)."""
        inverse = power(self.Sigma, -0.5)
        return np.asarray(inverse @ self.B @ inverse)

    def loss(self, x: Array) -> Array:
        """The landscape as it is printed, of flat W: (…, d1 d0) gives (…)."""
        W = x.reshape(*x.shape[:-1], self.d1, self.d0)
        spread = W @ self.Sigma @ W.mT
        return np.asarray(((spread * spread).sum(-1) - (W @ self.B * W).sum(-1)).sum(-1))

    def slope(self, x: Array) -> Array:
        """Its gradient by central differences of two widths, exact for a quartic but for rounding."""
        steps = np.eye(x.shape[-1])
        around = x[..., None, :]

        def difference(width: int) -> Array:
            return (self.loss(around + width * steps) - self.loss(around - width * steps)) / (2 * width)

        return np.asarray((4 * difference(1) - difference(2)) / 3)

    @cached_property
    def stationary(self) -> tuple[End, ...]:
        """Where Newton's iteration ends, the origin included. From a W of lower rank it stays there, by symmetry."""
        generator = np.random.default_rng(self.seed)
        ranks = generator.integers(1, min(self.d0, self.d1) + 1, STARTS)
        unused = np.arange(min(self.d0, self.d1)) >= ranks[:, None]
        return self._ended(newton, self._starts(generator, STARTS, unused))

    @cached_property
    def minima(self) -> tuple[End, ...]:
        """Where a descent ends."""
        return self._ended(descend, self._starts(np.random.default_rng(self.seed), DESCENTS))

    def _ended(self, iteration: Any, starts: Array) -> tuple[End, ...]:
        smooth = Smooth(self.loss, self.slope, lambda x: cubic_jacobian(self.slope, x))
        ends = iteration(smooth, starts, tolerance=SLOPE)
        found = ends.x[ends.converged]
        return tuple(
            End(x.reshape(self.d1, self.d0), float(loss), self) for x, loss in zip(found, self.loss(found), strict=True)
        )

    def _starts(self, generator: np.random.Generator, number: int, unused: Any = None) -> Array:
        """Random W, flat, with singular values from 0.15 to 1.5."""
        raw = generator.standard_normal((number, self.d1, self.d0))
        left, _, right = np.linalg.svd(raw, full_matrices=False)
        sizes = 1.5 * 10 ** (-generator.random(left.shape[::2]))
        sizes = sizes if unused is None else np.where(unused, 0.0, sizes)
        return np.asarray((left * sizes[:, None, :] @ right).reshape(number, -1))


def _eigenbasis(matrix: Array, other: Array) -> tuple[Array, Array]:
    """Eigenvalues and eigenvectors of a matrix, on which the other one is diagonal within each eigenspace."""
    values, vectors = np.linalg.eigh(matrix)
    for value in values:
        alike = np.abs(values - value) < ZERO
        vectors[:, alike] = vectors[:, alike] @ np.linalg.eigh(vectors[:, alike].T @ other @ vectors[:, alike])[1]
    return values, vectors


def with_eigenvalues(values: Sequence[float], d1: int, seed: int) -> Problem:
    """A random Σ and a B that does not commute with it, Σ^(−½) B Σ^(−½) having the given eigenvalues."""
    generator = np.random.default_rng(seed)
    one, other = (np.linalg.qr(generator.standard_normal((len(values),) * 2))[0] for _ in range(2))
    Sigma = (one * generator.uniform(0.4, 1.6, len(values))) @ one.T
    root = power(Sigma, 0.5)
    B = root @ ((other * np.array(values)) @ other.T) @ root
    return Problem((B + B.T) / 2, (Sigma + Sigma.T) / 2, d1, seed)


def commuting(b: Sequence[float], s: Sequence[float], d1: int, seed: int) -> Problem:
    """B and Σ with given eigenvalues on common eigenvectors."""
    frame, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((len(b), len(b))))
    B, Sigma = ((frame * np.array(values)) @ frame.T for values in (b, s))
    return Problem((B + B.T) / 2, (Sigma + Sigma.T) / 2, d1, seed)


def power(matrix: Array, exponent: float) -> Array:
    """A power of a symmetric, positive definite matrix."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * values**exponent) @ vectors.T)
