r"""Means over independent unit vectors, for modes with shares p_i: log E exp(k cos) and powers of cosines.

Given a direction n, the other unit vector m = u/|u|, u_i = √p_i ξ_i, has

    E_m exp(k n·m) = 1 + ∫₀^∞ D(t) k √(2G(t)) I₁(k t √(2G(t))) dt,
    D(t) = Π (1 + 2t²p_i)^(−½),   G(t) = Σ n_i² p_i/(1 + 2t²p_i),

exactly: expand the exponential, write 1/|u|^(2l) as (2/Γ(l)) ∫ t^(2l−1) exp(−t²|u|²) dt, and sum the series
Σ z^l/(l!(l−1)!) = √z I₁(2√z) under the integral. The same without the sum gives E_m (n·m)^(2l).

What remains is a mean over n of a smooth function of n_i², by quasi-random normal numbers (Sobol's sequence,
scrambled; Owen 1997), the same for all shares: so the landscape has an exact gradient.
"""

from __future__ import annotations

from functools import lru_cache
from math import factorial, log2, prod

import numpy as np
from numpy.typing import NDArray

from numeric.sphere.quadrature import NODES, half_line

Array = NDArray[np.float64]


@lru_cache(maxsize=16)
def squares(modes: int, draws: int, seed: int) -> Array:
    """ξ² of quasi-random standard normal numbers, (draws, modes); the number of draws is a power of 2."""
    from scipy.special import ndtri
    from scipy.stats.qmc import Sobol

    uniform = Sobol(modes, seed=np.random.default_rng(seed)).random_base2(int(log2(draws)))
    found = np.asarray(ndtri(np.clip(uniform, 1e-15, 1 - 1e-15)) ** 2)
    found.flags.writeable = False
    return found


def log_mean_exp(shares: Array, rate: float, xi2: Array, nodes: int = NODES) -> tuple[Array, Array]:
    """log E_m exp(k n·m) at each direction n, and its gradient in the shares.

    Args:
        shares: p (n,), not negative and not all zero.
        rate: k; its sign does not matter, as n and −n are equally likely.
        xi2: (draws, n), squares of normal numbers: n_i² = p_i ξ_i²/Σ p_j ξ_j².
        nodes: of the rule for the length of u.

    Returns:
        Values (draws,) and slopes (draws, n).

    """
    from scipy.special import i0e, i1e

    k, (t, w) = abs(rate), half_line(nodes)
    n2, total = _directions(shares, xi2)
    inverse = 1 / (1 + 2 * t[:, None] ** 2 * shares)
    D = np.exp(0.5 * np.log(inverse).sum(1))
    over = shares * inverse
    G = n2 @ over.T
    root = k * np.sqrt(2 * G)
    y = t * root
    top = y.max(1, keepdims=True)
    grown = np.exp(y - top) * (w * D)
    first = grown * root * i1e(y)
    mean = np.exp(-top[:, 0]) + first.sum(1)
    # d(root I₁(t root))/dG = k² t I₀(t root), and D decays by −t²/(1 + 2t²p) along each share.
    second = grown * k**2 * t * i0e(y) / mean[:, None]
    first = first / mean[:, None]
    slope = first @ (-(t[:, None] ** 2) * inverse)
    slope += (second @ inverse**2) * n2
    slope += (second @ over - (second * G).sum(1, keepdims=True)) * xi2 / total
    return np.log(mean) + top[:, 0], slope


def powers(shares: Array, power: int, xi2: Array, nodes: int = NODES) -> tuple[Array, Array]:
    """E_m (n·m)^(2l) at each direction n, and its gradient in the shares; the power 2l is even."""
    half, (t, w) = power // 2, half_line(nodes)
    n2, total = _directions(shares, xi2)
    inverse = 1 / (1 + 2 * t[:, None] ** 2 * shares)
    over = shares * inverse
    G = n2 @ over.T
    odd = prod(range(1, 2 * half, 2))
    weight = w * np.exp(0.5 * np.log(inverse).sum(1)) * t ** (2 * half - 1) * 2 * odd / factorial(half - 1)
    first, second = weight * G**half, weight * half * G ** (half - 1)
    slope = first @ (-(t[:, None] ** 2) * inverse)
    slope += (second @ inverse**2) * n2
    slope += (second @ over - (second * G).sum(1, keepdims=True)) * xi2 / total
    return first.sum(1), slope


def _directions(shares: Array, xi2: Array) -> tuple[Array, Array]:
    """n_i² (draws, n) and |u|² (draws, 1)."""
    total = (xi2 @ shares)[:, None]
    return xi2 * shares / total, total
