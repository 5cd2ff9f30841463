r"""The mean cosine of two views of a datum, for modes with shares p_i and view correlations λ_i, with its gradient.

With u_i = √p_i ξ_i, and ξ_i, ξ′_i standard normal with correlation λ_i,

    E exp(−a|u|² − a′|u′|²) = Π g_i^(−½),   g_i = (1 + 2a p_i)(1 + 2a′p_i) − 4 a a′ p_i² λ_i²,

and ξ_i ξ′_i has the mean λ_i/g_i under that weight. 1/|u| = (2/√π) ∫ exp(−t²|u|²) dt for both lengths gives

    E cos(u, u′) = (4/π) ∫∫ dt dt′ Π g^(−½) Σ p_i λ_i/g_i,   a = t², a′ = t′².
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from numeric.sphere.quadrature import NODES, half_line

Array = NDArray[np.float64]


def mean_cosine(shares: Array, correlations: Array, nodes: int = NODES) -> tuple[float, Array]:
    """E cos(u, u′) and its gradient in the shares.

    Args:
        shares: p (n,), not negative and not all zero; only their ratios matter.
        correlations: λ (n,), from 0 to 1.
        nodes: of the rule along each of the two lengths.

    Returns:
        The mean and its gradient (n,). The gradient at p_i = 0 is the slope of a lost mode, which is linear in λ_i.

    >>> value, slope = mean_cosine(np.array([1.0, 1.0]), np.array([0.5, 0.5]))
    >>> round(value, 6), bool(abs(slope.sum()) < 1e-9)
    (0.406299, True)

    """
    weight, shrunk, pulled = _terms(shares, correlations, nodes)
    cosine = pulled @ (shares * correlations)
    value = float(weight @ cosine)
    own = correlations - shares * correlations * shrunk * pulled
    slope = (weight[:, None] * (pulled * own - 0.5 * cosine[:, None] * shrunk * pulled)).sum(0)
    return value, np.asarray(slope)


def slopes_of_lost(shares: Array, correlations: Array, nodes: int = NODES) -> tuple[float, float]:
    """The slope of E cos(u, u′) along the share of a lost mode with view correlation λ, as s₁ λ − s₀: s₁ and s₀."""
    kept = shares > 0
    weight, _, pulled = _terms(shares[kept], correlations[kept], nodes)
    cosine = pulled @ (shares * correlations)[kept]
    t, _ = half_line(nodes)
    i, j = np.triu_indices(nodes)
    return float(weight.sum()), float(weight @ ((t[i] ** 2 + t[j] ** 2) * cosine))


def _terms(shares: Array, correlations: Array, nodes: int) -> tuple[Array, Array, Array]:
    """At each pair of nodes t ≤ t′: its weight, ∂g_i/∂p_i and 1/g_i."""
    t, w = half_line(nodes)
    i, j = np.triu_indices(nodes)
    a, b = t[i, None] ** 2, t[j, None] ** 2
    ap, bp = 2 * a * shares, 2 * b * shares
    across = ap * bp * (1 - correlations**2)
    g = 1 + ap + bp + across
    slope = 2 * (a + b) + 8 * a * b * shares * (1 - correlations**2)
    # Both orders of a pair of different nodes.
    both = np.where(i == j, 1.0, 2.0) * w[i] * w[j] * 4 / np.pi
    return both * np.exp(-0.5 * np.log(g).sum(1)), slope, 1 / g
