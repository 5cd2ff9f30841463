r"""The flow of DINO's modes in numbers, to all orders in W: Gaussian data of mean zero, or with a mean (a bias).

For whitened data the two means over views are means over one Gaussian x, since E[x | x′] = Λ x′:

    dW/dt = (1/τ_s) { E[softmax((W x + n)/τ_t) xᵀ] Λ − E[softmax((W x + m)/τ_s) xᵀ] },
    dm/dt = (|μ|²/τ_s) { E softmax((W x + n)/τ_t) − E softmax((W x + m)/τ_s) },

n = 0 with a centre, n = m without, and all means zero where the data's is. The means over x are sums over points: a
grid for one or two modes, and quasi-random points whose second moments are exact for more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from scipy.optimize import minimize_scalar
from scipy.special import expit, softmax
from scipy.stats import norm, qmc

Array = NDArray[np.float64]

# Half the width of a grid in standard deviations, and its step for one and for two modes.
_WIDTH, _STEPS = 8.5, {1: 1 / 64, 2: 1 / 8}
# The number of quasi-random points for more modes, before they are mirrored.
POINTS = 2**11
# Weights of the start, in units of τ_s, and where a flow counts as at rest: relative change over its own time scale.
SMALL, REST = 1e-3, 1e-5
# How often the time is doubled before a flow is taken as it is.
_DOUBLINGS = 8


def points(dimension: int, number: int = POINTS, seed: int = 0, finer: float = 1.0) -> tuple[Array, Array]:
    """Points (n, d) and weights (n,) for means over N(0, I); the weights sum to one, second moments are exact."""
    if dimension in _STEPS:
        grid = np.arange(-_WIDTH, _WIDTH + 1e-9, _STEPS[dimension] / finer)
        both = np.stack(np.meshgrid(*[grid] * dimension, indexing="ij"), -1).reshape(-1, dimension)
        weights = np.exp(-(both**2).sum(1) / 2)
        return both, weights / weights.sum()
    half = norm.ppf(qmc.Sobol(dimension, seed=seed).random(number).clip(1e-12, 1 - 1e-12))
    both = np.concatenate([half, -half])
    root = np.linalg.cholesky(np.linalg.inv(both.T @ both / len(both)))
    return both @ root, np.full(len(both), 1 / len(both))


@dataclass(frozen=True, eq=False)
class LogitFlow:
    """The flow for given correlations and temperatures.

    Attributes:
        correlations: (d,), λ_i of whitened modes.
        tau_s: the student's temperature.
        tau_t: the teacher's.
        points: (n, d), for means over the data.
        weights: (n,), of the points.
        mean_square: |μ|², 1 for a bias, 0 for data of mean zero.
        centred: whether the teacher's logits are centred.

    """

    correlations: Array
    tau_s: float
    tau_t: float
    points: Array
    weights: Array
    mean_square: float = 0.0
    centred: bool = True

    @classmethod
    def of(
        cls,
        correlations: object,
        tau_s: float,
        tau_t: float,
        *,
        number: int = POINTS,
        seed: int = 0,
        finer: float = 1.0,
    ) -> LogitFlow:
        """With points of its own, a grid ``finer`` by a factor or quasi-random ones of a number and a seed."""
        lam = np.atleast_1d(np.asarray(correlations, dtype=float))
        return cls(lam, tau_s, tau_t, *points(len(lam), number, seed, finer))

    def rates(self, W: Array, m: Array | None = None) -> tuple[Array, Array]:
        """dW/dt (K, d) and dm/dt (K,).

        >>> flow = LogitFlow.of([0.9], 0.1, 0.04)
        >>> dW, _ = flow.rates(np.array([[1e-6], [-1e-6]]))
        >>> (dW / 1e-6 * 2 * 0.1).round(4).tolist(), round(0.9 / 0.04 - 1 / 0.1, 4)
        ([[12.5], [-12.5]], 12.5)

        """
        m = np.zeros(len(W)) if m is None else m
        z = self.points @ W.T
        target = softmax((z + (0.0 if self.centred else m)) / self.tau_t, 1)
        own = softmax((z + m) / self.tau_s, 1)
        both = self.weights[:, None] * self.points
        dW = ((target.T @ both) * self.correlations - own.T @ both) / self.tau_s
        return dW, self.mean_square / self.tau_s * (self.weights @ (target - own))

    def run(self, W: Array, times: Array, m: Array | None = None) -> tuple[Array, Array]:
        """W (t, K, d) and m (t, K) at given times, from their values at time 0."""
        size, shape = W.size, W.shape

        def change(_: float, state: Array) -> Array:
            return np.concatenate([one.ravel() for one in self.rates(state[:size].reshape(shape), state[size:])])

        begin = np.concatenate([W.ravel(), np.zeros(len(W)) if m is None else m])
        # A Jacobian by differences pays while it is small.
        method = "LSODA" if len(begin) <= 100 else "RK45"
        scale = self.tau_s * 1e-9
        found = solve_ivp(change, (0.0, float(max(times))), begin, method, times, rtol=1e-7, atol=scale)
        path: Array = found.y.T
        return path[:, :size].reshape(-1, *shape), path[:, size:]

    def end(self, W: Array, m: Array | None = None) -> tuple[Array, Array, bool]:
        """W and m where the flow rests, and whether it does after a long time."""
        mean = np.zeros(len(W)) if m is None else m
        span = 10 * len(W) * self.tau_s**2
        for _ in range(_DOUBLINGS):
            path, means = self.run(W, np.array([0.0, span]), mean)
            W, mean = path[-1], means[-1]
            dW, dm = self.rates(W, mean)
            size = max(np.abs(W).max(), np.abs(mean).max(), SMALL * self.tau_s)
            if max(np.abs(dW).max(), np.abs(dm).max()) * len(W) * self.tau_s**2 < REST * size:
                return W, mean, True
            span *= 2
        return W, mean, False

    def small(self, logits: int, seed: int = 0) -> Array:
        """Small weights (K, d) to start from."""
        drawn = np.random.default_rng(seed).normal(size=(logits, len(self.correlations)))
        return np.asarray(SMALL * self.tau_s * (drawn - drawn.mean(0)))


def resting(logits: int, ratio: float, sizes: Array) -> Array:
    """λ at which one mode that sets one logit against the others rests, by their difference in units of τ_s.

    The symmetry of the other logits keeps the flow on this ray. The ratio is τ_t/τ_s.
    """
    x, weights = points(1)

    def pulled(size: float) -> float:
        """E[g p], p the one logit's share at a difference of g × size."""
        return float(weights @ (x[:, 0] * expit(size * x[:, 0] - np.log(logits - 1))))

    return np.array([pulled(size) / pulled(size / ratio) for size in sizes])


def fold(logits: int, ratio: float) -> tuple[float, float]:
    """The least λ at which one mode that sets one logit against the others rests away from 0, and their difference.

    Below τ_t/τ_s it is where training from large weights loses the mode. A difference of 0 says that states begin at
    0, so that there is no hysteresis along the ray; it is in units of τ_s. From τ_t = τ_s on no mode with λ < 1 rests
    anywhere but at 0: (1, ∞).

    >>> [tuple(np.round(fold(K, 0.4), 3).tolist()) for K in (4, 8, 64)]
    [(0.4, 0.0), (0.376, 0.426), (0.18, 0.957)]
    """
    if ratio >= 1:
        return 1.0, np.inf
    sizes = np.geomspace(1e-2, 40, 60)
    found = resting(logits, ratio, sizes)
    i = int(found.argmin())
    if i == 0:
        return ratio, 0.0
    best = minimize_scalar(
        lambda size: float(resting(logits, ratio, np.array([size]))[0]),
        bounds=(sizes[i - 1], sizes[i + 1]),
        method="bounded",
    )
    return float(best.fun), float(best.x)


def powers(W: Array) -> Array:
    """The power of each mode, |Π w_i|²: what all logits have in common does not count."""
    return np.asarray(((W - W.mean(0)) ** 2).sum(0))
