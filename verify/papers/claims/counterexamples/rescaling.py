"""Against claims about rescaled views x = s x̂, in one dimension: s exponential of mean b, x̂ normal, W = 1."""

from __future__ import annotations


def sigma_less_a0() -> dict[str, object]:
    """E[x²] − E[x̂²] for b = 2, and b² E[x̂²], by Gauss-Laguerre quadrature."""
    import numpy as np

    b = 2.0
    s, q = np.polynomial.laguerre.laggauss(4)
    at = {"W": np.eye(1), "A_0": np.eye(1), "b": b}
    true = np.array([[float(q @ (b * s) ** 2) - 1]])
    return {"slot": "difference", "at": at, "printed": np.array([[b**2]]), "true": true}


def fixed_scales() -> dict[str, object]:
    """The variance of s_x x̂ − s_χ χ̂ for s_x = 1, s_χ = 2, on Gauss-Hermite nodes."""
    import numpy as np

    u, p = np.polynomial.hermite_e.hermegauss(2)
    p /= p.sum()
    true = float(p @ (u[:, None] - 2 * u[None]) ** 2 @ p)
    at = {"W": np.eye(1), "A_0": np.eye(1), "s_x": 1.0, "s_chi": 2.0}
    return {"slot": "covariance", "at": at, "printed": np.array([[10.0]]), "true": np.array([[true]])}


def joint_variance() -> dict[str, object]:
    """Var (x − χ)² for b = ½, on Gauss-Laguerre nodes for the scales and Gauss-Hermite nodes for the data."""
    import numpy as np

    b = 0.5
    s, q = np.polynomial.laguerre.laggauss(4)
    u, p = np.polynomial.hermite_e.hermegauss(4)
    x, weight = np.outer(b * s, u).ravel(), np.outer(q, p / p.sum()).ravel()
    square = (x[:, None] - x[None]) ** 2
    true = float(weight @ square**2 @ weight - (weight @ square @ weight) ** 2)
    at = {"W": np.eye(1), "A_0": np.eye(1), "b": b}
    return {"slot": "variance", "at": at, "printed": 48 * b**2 * 4 + 56 * b**4 * 8, "true": true}


def rescaled_quartic() -> dict[str, object]:
    """⅛ Var (x − χ)² for b = ½, on the same nodes."""
    import numpy as np

    b = 0.5
    s, q = np.polynomial.laguerre.laggauss(4)
    u, p = np.polynomial.hermite_e.hermegauss(4)
    x, weight = np.outer(b * s, u).ravel(), np.outer(q, p / p.sum()).ravel()
    square = (x[:, None] - x[None]) ** 2
    true = float(weight @ square**2 @ weight - (weight @ square @ weight) ** 2) / 8
    at = {"W": np.eye(1), "A_0": np.eye(1), "b": b}
    return {"slot": "quartic", "at": at, "printed": 24 * b**2 + 56 * b**4, "true": true}
