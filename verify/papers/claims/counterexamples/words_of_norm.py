"""Against sentences about normalisation, in one mode or two."""

from __future__ import annotations


def norm_at_the_minimum() -> dict[str, object]:
    """B = Σ = κ = 1, c = 2: c − w² at the minimum of −w² + w⁴ + κ (w² − c)² over a grid."""
    import numpy as np

    kappa, c = 1.0, 2.0
    w = np.linspace(0, 2, 200_001)
    gap = c - float(w[np.argmin(-(w**2) + w**4 + kappa * (w**2 - c) ** 2)] ** 2)
    at = {name: np.eye(1) for name in ("B", "Sigma", "M")} | {"kappa": kappa, "c": c, "d_M": 1.0}
    return {"slot": "gap", "at": at, "printed": 0.0, "true": round(gap, 4)}


def a_variance_that_stays() -> dict[str, object]:
    """W = 0 and κ = 1000, c = 0.8: the slope of −w² + w⁴ + κ (w² − c)² vanishes there, and c − E|f|² is c."""
    kappa, c, h = 1000.0, 0.8, 1e-6

    def loss(w: float) -> float:
        return -(w**2) + w**4 + kappa * (w**2 - c) ** 2

    slope = (loss(h) - loss(-h)) / (2 * h)
    return {"slot": "left", "at": {"c": c}, "printed": 0.0, "true": c if slope == 0 else None, "slope": slope}


def weights_of_two_modes() -> dict[str, object]:
    """B = (1, 1.2), Σ = (1, 2), κ = 1, c = 3: which w² grows more by the penalty at the minimum, found by descent."""
    import numpy as np

    b, s, c = np.array([1.0, 1.2]), np.array([1.0, 2.0]), 3.0
    ends = []
    for kappa in (0.0, 1.0):
        g = np.array([0.3, 0.3])
        for _ in range(20_000):
            g = np.maximum(g - 0.01 * (-b + 2 * s**2 * g + 2 * kappa * s * (s @ g - c)), 0.0)
        ends.append(g)
    grown = ends[1] - ends[0]
    at = {"s_i": s[1], "s_j": s[0]}
    return {"slot": "stronger", "at": at, "printed": True, "true": bool(grown[1] > grown[0])}


def a_vector_of_ones() -> dict[str, object]:
    """W = 0 and b = (1, 1, 1): E|f|² − 1."""
    import numpy as np

    b = np.ones(3)
    return {"slot": "off", "at": {"d_1": 3.0}, "printed": 0.0, "true": float(b @ b - 1)}


def spectral_at_fixed_norm() -> dict[str, object]:
    """−2 Σ a g + Σ (s g)² with Σ s g = 0.3, a = (1, 1), c = (0.01, 10): whether g_2 = 0 is lowest on a grid."""
    import numpy as np

    a, s, norm = np.array([1.0, 1.0]), np.array([1.01, 11.0]), 0.3
    h = np.linspace(0, norm, 3001)  # of the second mode
    powers = np.stack([norm - h, h], -1)
    loss = (-2 * powers * a / s + powers**2).sum(-1)
    return {"slot": "dimensional", "at": {}, "printed": False, "true": bool(loss.argmin() == 0)}


def the_top_of_a_sphere() -> dict[str, object]:
    """−Σ r h + Σ h² at h = |rows|² with Σ h = 1, r = (−1, 1): is it higher at (1, 0) than all around?"""
    import numpy as np

    r = np.array([-1.0, 1.0])
    around = np.linspace(0, 0.2, 21)
    h = np.stack([1 - around, around], -1)
    loss = -(h @ r) + (h**2).sum(-1)
    return {"slot": "sort", "at": {}, "printed": "saddle", "true": "maximum" if loss.argmax() == 0 else "saddle"}
