r"""The flow of the modes of −cos(P f(x), sg f(x′)) in numbers, exact for any number of modes, by two-fold integrals.

With q_i = p_i w_i ξ_i, v_i = w_i ξ′_i of whitened data, 1/|q| = (2/√π) ∫ exp(−t²|q|²) dt and the like leave Gaussian
means: with a = t², b = t′² and

    D_i = (1 + 2a p_i²w_i²)(1 + 2b w_i²) − 4ab p_i²w_i⁴λ_i²,

E exp(−a|q|² − b|v|²) = Π D^(−½), and under that weight ξ_i ξ′_i has the mean λ_i/D_i, ξ_i² the mean
(1 + 2b w_i²(1 − λ_i²))/D_i. So g = −∂L/∂(p w) = E[(v/(|q||v|) − q (q·v)/(|q|³|v|)) ξ] is a double integral.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import solve_ivp

from derive import InputError
from numeric.sphere.quadrature import NODES, half_line

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CosineFlow:
    """The flow for whitened modes.

    Attributes:
        correlations: (n,), λ_i.
        decay: η, of W and P.
        nodes: of the rule along each length.

    """

    correlations: Array
    decay: float = 0.0
    nodes: int = NODES

    def pull(self, w: Array, p: Array) -> Array:
        """G_i, (n,).

        Raises:
            InputError: fewer than two modes are there, beside which the means do not exist.

        >>> flow = CosineFlow(np.full(4, 0.5))
        >>> bool(abs(flow.pull(np.ones(4), np.ones(4))).max() < 1e-9)
        True

        """
        live, held, weight, squared, across, own = self._means(w, p)
        both = live * held * across
        pulled = weight @ across
        pushed = squared @ (own * (both.sum(1, keepdims=True) + 2 * both))
        Q, V = np.sum((p * w) ** 2), np.sum(w**2)
        return np.asarray(w * pulled / np.sqrt(Q * V) - p * w * pushed / Q)

    def lost(self, w: Array, p: Array) -> tuple[float, float]:
        """α and β of g = α a w − β s p w for a lost mode, with s = 1; they exist beside two kept modes or more."""
        live, held, weight, squared, across, _ = self._means(w, p)
        Q, V = np.sum((p * w) ** 2), np.sum(w**2)
        return float(weight.sum() / np.sqrt(Q * V)), float(squared @ (live * held * across).sum(1) / Q)

    def rates(self, w: Array, p: Array) -> tuple[Array, Array]:
        """dw/dt and dp/dt, each (n,)."""
        g = self.pull(w, p)
        return p * g - self.decay * w, g * w - self.decay * p

    def run(self, w: ArrayLike, p: ArrayLike, times: Sequence[float] | Array) -> tuple[Array, Array]:
        """w and p at given times, each (t, n), from their values at time 0."""
        begin = np.concatenate([np.asarray(w, dtype=float), np.asarray(p, dtype=float)])
        at, n = np.asarray(times, dtype=float), len(begin) // 2
        found = solve_ivp(
            lambda _, state: np.concatenate(self.rates(state[:n], state[n:])),
            (0.0, at[-1]),
            begin,
            "LSODA",
            at,
            rtol=1e-7,
            atol=1e-12,
        )
        path: Array = found.y.T
        return path[:, :n], path[:, n:]

    def _means(self, w: Array, p: Array) -> tuple[Array, Array, Array, Array, Array, Array]:
        """Weights of q and v in units of their lengths, both rules' weights, and the means of ξ ξ′ and ξ²."""
        if np.count_nonzero(p * w) < 2:
            raise InputError("a cosine of fewer than two modes has no flow: it is 1 or -1, and 1/|q||v| has no mean")
        live, held = p * w / np.sqrt(np.sum((p * w) ** 2)), w / np.sqrt(np.sum(w**2))
        t, rule = half_line(self.nodes)
        a, b = (one.reshape(-1, 1) ** 2 for one in np.meshgrid(t, t, indexing="ij"))
        one, other = 1 + 2 * a * live**2, 1 + 2 * b * held**2
        D = one * other - 4 * a * b * (live * held * self.correlations) ** 2
        weight = (4 / np.pi) * np.outer(rule, rule).ravel() * np.exp(-np.log(D).sum(1) / 2)
        own = (1 + 2 * b * held**2 * (1 - self.correlations**2)) / D
        return live, held, weight, 2 * weight * a[:, 0], self.correlations / D, own


def leading(correlations: Array) -> Array:
    """The shares of the modes in |W|² where training ends, to leading order in their number: ∝ λ², for w = p.

    >>> leading(np.array([0.8, 0.4, 0.4])).round(3).tolist()
    [0.667, 0.167, 0.167]
    """
    return np.asarray(correlations**2 / np.sum(correlations**2))
