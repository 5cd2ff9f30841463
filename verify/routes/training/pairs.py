"""Pairs (x, y) that two linear encoders are trained on: canonical pairs, and how fast each grows from small weights.

Near W = V = 0 a loss of inner products falls like −β Tr[W A Vᵀ], A = Cov(x, y), and training by its gradient is

    dW/dt = β V Aᵀ,   dV/dt = β W A:     (W p_i + V q_i)/2 = u_i grows like e^{β a_i t},

where A q_i = a_i p_i: the *singular values of A* set the order in time. What is kept, and at what power, depends on the
canonical correlations λ_i, the singular values of Σ₁^(−½) A Σ₂^(−½), alone. The two orders differ where scales do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Pairs:
    """Second moments of (x, y), of dimension d0 + d0', written as a shared part and noise of each view.

    Attributes:
        shared: (d0 + d0', d0 + d0'), the covariance of what two views of a datum (x, y) share.
        noise: the same of what each view has of its own.
        d0: the dimension of x.

    """

    shared: Array
    noise: Array
    d0: int

    @classmethod
    def of(cls, correlations: Sequence[float], first: ArrayLike, second: ArrayLike, turns: Sequence[Array]) -> Pairs:
        """Pairs with given canonical correlations; further coordinates are noise of variance 1.

        Args:
            correlations: λ_i, in [0, 1].
            first: the variances of the x_i.
            second: those of the y_i.
            turns: rotations of x, (d0, d0), and of y, (d0', d0').

        >>> pairs = Pairs.of([0.5, 0.8], [1.0, 2.0], [3.0, 1.0], [np.eye(2), np.eye(3)])
        >>> pairs.correlations.round(6).tolist(), pairs.A.round(3).tolist()
        ([0.8, 0.5], [[0.866, 0.0, 0.0], [0.0, 1.131, 0.0]])

        """
        d0, d1 = (len(one) for one in turns)
        lam = np.asarray(correlations, dtype=np.float64)
        k = np.arange(len(lam))
        shared, noise = np.zeros((d0 + d1, d0 + d1)), np.eye(d0 + d1)
        s, t = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
        shared[k, k], shared[d0 + k, d0 + k] = lam * s, lam * t
        shared[k, d0 + k] = shared[d0 + k, k] = lam * np.sqrt(s * t)
        noise[k, k], noise[d0 + k, d0 + k] = (1 - lam) * s, (1 - lam) * t
        turn = np.zeros_like(shared)
        turn[:d0, :d0], turn[d0:, d0:] = turns
        return cls(turn @ shared @ turn.T, turn @ noise @ turn.T, d0)

    def of_training_set(self, points: Array) -> Pairs:
        """The same noise around given points (n, d0 + d0'), which are centred."""
        return Pairs(points.T @ points / len(points), self.noise, self.d0)

    @property
    def first(self) -> Array:
        """Σ₁ = Cov(x), (d0, d0)."""
        return (self.shared + self.noise)[: self.d0, : self.d0]

    @property
    def second(self) -> Array:
        """Σ₂ = Cov(y), (d0', d0')."""
        return (self.shared + self.noise)[self.d0 :, self.d0 :]

    @property
    def A(self) -> Array:
        """Cov(x, y), (d0, d0')."""
        return self.shared[: self.d0, self.d0 :]

    @property
    def correlations(self) -> Array:
        """λ_i, in falling order; as many as the smaller dimension."""
        return self._canonical[1]

    @cached_property
    def _canonical(self) -> tuple[Array, Array, Array]:
        P, values, Q = np.linalg.svd(root(self.first, -0.5) @ self.A @ root(self.second, -0.5))
        return P, values, Q.T

    def in_pairs(self, product: Array) -> Array:
        """Σ₁^½ WᵀV Σ₂^½ in the canonical pairs, (…, d0, d0'), of WᵀV.

        Diagonal at a stationary point; its singular values are the powers of the pairs.
        """
        P, _, Q = self._canonical
        return np.asarray(P.T @ root(self.first, 0.5) @ product @ root(self.second, 0.5) @ Q)

    @cached_property
    def axes(self) -> tuple[Array, Array, Array]:
        """Singular vectors p_i of A in columns, (d0, n), its singular values a_i > 0 in falling order, and the q_i."""
        p, values, q = np.linalg.svd(self.A)
        n = int((values > 1e-12 * values[0]).sum())
        return p[:, :n], values[:n], q[:n].T

    def along_axes(self, product: Array) -> Array:
        """p_iᵀ WᵀV q_i, (…, n), of WᵀV."""
        p, _, q = self.axes
        return np.asarray(np.einsum("ik,...ij,jk->...k", p, product, q))

    def truncated(self, d1: int, scale: float = 1.0) -> tuple[Array, Array]:
        """W (d1, d0) and V (d1, d0') that keep the d1 pairs of largest λ, each at a power of scale times λ."""
        P, values, Q = self._canonical
        size = np.zeros((d1, len(values)))
        k = np.arange(min(d1, len(values)))
        size[k, k] = np.sqrt(scale * values[k])
        n = len(values)
        return size @ P[:, :n].T @ root(self.first, -0.5), size @ Q[:, :n].T @ root(self.second, -0.5)

    def shared_root(self) -> Array:
        """A symmetric root of the shared part."""
        return root(self.shared, 0.5)

    def noise_root(self) -> Array:
        """A symmetric root of the noise."""
        return root(self.noise, 0.5)


def growth_times(pairs: Pairs, beta: float, W: Array, V: Array, product: Array) -> Array:
    """When W and V have grown to half of their final size along each pair of singular vectors of A, p_i and q_i.

    Alone, and with balanced weights, the size s = p_iᵀ WᵀV q_i follows ds/dt = 2 β a_i s (1 − s/s∞) and reaches half
    where the linear growth s_0 e^{2 β a_i t} alone would reach s∞ − s_0. Of the start only what is orthogonal to the
    vectors W p_j that were learned before counts: those suppress it along their own direction in the embedding.

    Args:
        pairs: the data.
        beta: β.
        W: (d1, d0), at the start.
        V: (d1, d0').
        product: WᵀV at the end, (d0, d0').

    Returns:
        One for each singular value a_i, in falling order; infinite where nothing is left to grow.

    >>> pairs = Pairs.of([0.5], [1.0], [1.0], [np.eye(1), np.eye(1)])
    >>> float(growth_times(pairs, 2.0, np.array([[1e-3]]), np.array([[1e-3]]), np.array([[0.5]]))[0].round(3))
    6.561

    """
    p, rates, q = pairs.axes
    rates = 2 * beta * rates
    final = np.einsum("ik,ij,jk->k", p, product, q)
    left = (W @ p + V @ q) / 2
    smallest = 1e-12 * (left**2).sum(0)
    found, waiting = np.full(len(rates), np.inf), set(range(len(rates)))

    def time(k: int) -> float:
        before = float(left[:, k] @ left[:, k])
        grows = smallest[k] < before < final[k] and rates[k] > 0
        return float(np.log(final[k] / before - 1) / rates[k]) if grows else np.inf

    while waiting:
        times = {k: time(k) for k in waiting}
        k = min(times, key=lambda one: times[one])
        found[k] = times[k]
        waiting.remove(k)
        if np.isfinite(times[k]):
            along = left[:, k] / np.linalg.norm(left[:, k])
            left = left - np.outer(along, along @ left)
    return found


def root(matrix: Array, power: float) -> Array:
    """A power of a symmetric positive matrix."""
    values, vectors = np.linalg.eigh(matrix)
    values = np.maximum(values, 0.0)
    return np.asarray((vectors * np.where(values > 0, values, 1.0 if power < 0 else 0.0) ** power) @ vectors.T)
