r"""The flow of the modes of −cos(P f(x), sg f(x′)) in numbers, exact for any number of modes, by two-fold integrals.

With q_i = p_i w_i ξ_i, v_i = w_i ξ′_i of whitened data, 1/|q| = (2/√π) ∫ exp(−t²|q|²) dt and the like leave Gaussian
means: with a = t², b = t′² and

    D_i = (1 + 2a p_i²w_i²)(1 + 2b w_i²) − 4ab p_i²w_i⁴λ_i²,

E exp(−a|q|² − b|v|²) = Π D^(−½), and under that weight ξ_i ξ′_i has the mean λ_i/D_i, ξ_i² the mean
(1 + 2b w_i²(1 − λ_i²))/D_i. So g = −∂L/∂(p w) = E[(v/(|q||v|) − q (q·v)/(|q|³|v|)) ξ] is a double integral.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import solve_ivp

from derive import InputError
from numeric.sphere.quadrature import NODES, half_line

Array = NDArray[np.float64]
# Rounds until shares rest, and how little they then change.
_ROUNDS, _STILL = 500, 1e-12


@dataclass(frozen=True, eq=False)
class CosineFlow:
    """The flow for whitened modes.

    Attributes:
        correlations: (n,), λ_i.
        decay: η, of W and P.
        follow: μ, at which a momentum copy before stopped views follows w; None where these are seen through w.
        nodes: of the rule along each length.

    """

    correlations: Array
    decay: float = 0.0
    follow: float | None = None
    nodes: int = NODES

    def pull(self, w: Array, p: Array, v: Array | None = None) -> Array:
        """G_i, (n,); v are the weights before stopped views, w unless given.

        Raises:
            InputError: fewer than two modes are there, beside which the means do not exist.

        >>> flow = CosineFlow(np.full(4, 0.5))
        >>> bool(abs(flow.pull(np.ones(4), np.ones(4))).max() < 1e-9)
        True

        """
        pulled, pushed = self.parts(w, p, w if v is None else v)
        return np.asarray(pulled - pushed)

    def lost(self, w: Array, p: Array) -> tuple[float, float]:
        """α and β of g = α a w − β s p w for a lost mode, with s = 1; they exist beside two kept modes or more."""
        live, held, weight, squared, across, _ = self._means(w, p, w)
        Q, V = np.sum((p * w) ** 2), np.sum(w**2)
        return float(weight.sum() / np.sqrt(Q * V)), float(squared @ (live * held * across).sum(1) / Q)

    def rates(self, w: Array, p: Array, v: Array | None = None) -> tuple[Array, Array]:
        """dw/dt and dp/dt, each (n,)."""
        g = self.pull(w, p, v)
        return p * g - self.decay * w, g * w - self.decay * p

    def run(self, w: ArrayLike, p: ArrayLike, times: Sequence[float] | Array) -> tuple[Array, Array]:
        """w and p at given times, each (t, n), from their values at time 0; a copy begins at w."""
        parts = [np.asarray(w, dtype=float), np.asarray(p, dtype=float)]
        begin = np.concatenate(parts if self.follow is None else [*parts, parts[0]])
        at, n = np.asarray(times, dtype=float), len(parts[0])

        def change(_: float, state: Array) -> Array:
            if self.follow is None:
                return np.concatenate(self.rates(state[:n], state[n:]))
            here, held = state[:n], state[2 * n :]
            return np.concatenate([*self.rates(here, state[n : 2 * n], held), self.follow * (here - held)])

        found = solve_ivp(
            change,
            (0.0, at[-1]),
            begin,
            "LSODA",
            at,
            rtol=1e-7,
            atol=1e-12,
        )
        path: Array = found.y.T
        return path[:, :n], path[:, n : 2 * n]

    def rest(self) -> tuple[Array, float]:
        """The shares w²/|w|² at which all modes with λ > 0 rest, w = p, and how far another rule is off.

        A mode rests where its pull, in proportion to w, is its push, in proportion to p w²: p is their quotient.

        >>> shares, error = CosineFlow(np.array([0.9, 0.6, 0.6])).rest()
        >>> shares.round(3).tolist(), error < 1e-6
        ([0.55, 0.225, 0.225], True)

        """
        there = self.correlations > 0
        ends, shares = [], leading(self.correlations)
        for rule in (self, replace(self, nodes=self.nodes + self.nodes // 4)):
            for _ in range(_ROUNDS):
                w = np.sqrt(shares)
                pulled, pushed = rule.parts(w, w, w)
                powers = np.where(there, shares * np.where(there, pulled, 1) / np.where(there, pushed, 1), 0.0)
                last, shares = shares, powers / powers.sum()
                if np.abs(shares - last).max() < _STILL:
                    break
            else:
                return np.full_like(shares, np.nan), np.nan
            ends.append(shares)
        return ends[0], float(np.abs(ends[1] - ends[0]).max())

    def parts(self, w: Array, p: Array, v: Array) -> tuple[Array, Array]:
        """What pulls each mode up and what pushes it down, (n,) each; G is their difference."""
        live, held, weight, squared, across, own = self._means(w, p, v)
        both = live * held * across
        Q, V = np.sum((p * w) ** 2), np.sum(v**2)
        pulled = np.asarray(v * (weight @ across) / np.sqrt(Q * V))
        return pulled, np.asarray(p * w * (squared @ (own * (both.sum(1, keepdims=True) + 2 * both))) / Q)

    def _means(self, w: Array, p: Array, v: Array) -> tuple[Array, Array, Array, Array, Array, Array]:
        """Weights of q and v in units of their lengths, both rules' weights, and the means of ξ ξ′ and ξ²."""
        if np.count_nonzero(p * w) < 2 or np.count_nonzero(v) < 2:
            raise InputError("a cosine of fewer than two modes has no flow: it is 1 or -1, and 1/|q||v| has no mean")
        live, held = p * w / np.sqrt(np.sum((p * w) ** 2)), v / np.sqrt(np.sum(v**2))
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
