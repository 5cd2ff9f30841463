"""Rules for the integrals over t in 1/|u|^(2s) = (2/Γ(s)) ∫ t^(2s−1) exp(−t²|u|²) dt, which leaves Gaussian means."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Nodes of the rule that is used, and of the finer one whose difference is its error.
NODES, FINER = 40, 56


@lru_cache(maxsize=8)
def half_line(nodes: int) -> tuple[Array, Array]:
    """Nodes t and weights of ∫₀^∞ g(t) dt, t = tan θ with Gauss nodes in θ: g decays like a power of 1/t.

    >>> t, w = half_line(20)
    >>> round(float(w @ (1 / (1 + t**2) ** 2)), 12)  # π/4
    0.785398163397
    """
    x, w = np.polynomial.legendre.leggauss(nodes)
    angle = (x + 1) * np.pi / 4
    t, weights = np.tan(angle), w * np.pi / 4 / np.cos(angle) ** 2
    t.flags.writeable = weights.flags.writeable = False
    return t, weights
