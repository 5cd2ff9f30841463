"""Against claims about L = −Tr[WBWᵀ] + Tr[WΣWᵀWΣWᵀ] + κ (E|Wx|² − c)², in one dimension or two."""

from __future__ import annotations


def penalised_loss() -> dict[str, object]:
    """w = B = Σ = κ = 1, c = 2: −w²B + ⅛ Var[(w(x − χ))²] + κ (E(wx)² − c)² from averages over Gauss-Hermite nodes."""
    import numpy as np

    B = kappa = 1.0
    c, w = 2.0, 1.0
    x, p = np.polynomial.hermite_e.hermegauss(5)
    p /= p.sum()
    q = (w * (x[:, None] - x[None])) ** 2
    variance = p @ q**2 @ p - (p @ q @ p) ** 2
    true = -(w**2) * B + variance / 8 + kappa * (p @ (w * x) ** 2 - c) ** 2
    at = {name: np.eye(1) for name in ("W", "B", "Sigma")} | {"kappa": kappa, "c": c}
    return {"slot": "L", "at": at, "printed": -1.0 + 1.0 + (1.0 - 2.0 + 1.0), "true": round(float(true), 12)}


def slope_of_the_norm() -> dict[str, object]:
    """E x² = 2: the derivative in w of E(wx)² at w = 1.5, by a difference (exact for a parabola)."""
    import numpy as np

    x, p = np.polynomial.hermite_e.hermegauss(3)
    p /= p.sum()

    def rho(w: float) -> float:
        return float(p @ (w * 2**0.5 * x) ** 2)

    w, variance = 1.5, 2.0
    at = {"W": np.array([[w]]), "Sigma": np.array([[variance]]), "rho": rho(w)}
    true = round(rho(w + 0.5) - rho(w - 0.5), 12)
    return {"slot": "slope", "at": at, "printed": 4 * rho(w) * w * variance, "true": true}


def a_mixture_of_modes() -> dict[str, object]:
    """B = 0.9 Σ, Σ = diag(½, 2), κ = c = 1: WᵀW at a stationary W of rank 1 whose row mixes the modes, ∇L = 0."""
    import numpy as np

    s, lam, kappa, c = np.array([0.5, 2.0]), 0.9, 1.0, 1.0
    Sigma, B = np.diag(s), np.diag(lam * s)
    u = np.array([0.6, 0.8])
    # Along u L is −λ h + h² + κ (h − c)² in h = |WΣ^(½)|².
    h = (lam + 2 * kappa * c) / (2 + 2 * kappa)
    W = np.zeros((2, 2))
    W[0] = h**0.5 * u / s**0.5

    def loss(V) -> float:
        S = V @ Sigma @ V.T
        return float(-np.trace(V @ B @ V.T) + np.trace(S @ S) + kappa * (np.trace(S) - c) ** 2)

    steps = 1e-4 * np.eye(4).reshape(4, 2, 2)
    slope = max(abs(loss(W + step) - loss(W - step)) / 2e-4 for step in steps)
    M = np.diag([0.0, 1.0])  # the nearest mask; for each of them the print is diagonal
    printed = M @ (B + 2 * kappa * (c - h) * Sigma) / (2 * s**2)
    at = {"B": B, "Sigma": Sigma, "M": M, "P": np.outer(u, u), "lambda": lam, "kappa": kappa, "c": c, "rho": h}
    return {"slot": "gram", "at": at, "printed": printed, "true": W.T @ W, "gradient": round(slope, 6)}


def a_mixture_at_fixed_norm() -> dict[str, object]:
    """B = 0.9 Σ, Σ = diag(½, 2), c = 1: WᵀW of a W of rank 1 whose row mixes the modes, stationary at E|Wx|² = c."""
    import numpy as np

    s, lam, c = np.array([0.5, 2.0]), 0.9, 1.0
    Sigma, B = np.diag(s), np.diag(lam * s)
    u = np.array([0.6, 0.8])
    W = np.zeros((2, 2))
    W[0] = c**0.5 * u / s**0.5

    def loss(V) -> float:  # of W scaled to the norm c
        S = V @ Sigma @ V.T * (c / np.trace(V @ Sigma @ V.T))
        return float(-lam * np.trace(S) + np.trace(S @ S))

    steps = 1e-4 * np.eye(4).reshape(4, 2, 2)
    slope = max(abs(loss(W + step) - loss(W - step)) / 2e-4 for step in steps)
    M = np.diag([0.0, 1.0])  # the nearest mask; for each of them the print is diagonal
    printed = M @ (B + (2 * c - lam) * Sigma) / (2 * s**2)
    at = {"B": B, "Sigma": Sigma, "M": M, "P": np.outer(u, u), "lambda": lam, "c": c, "d_M": 1.0}
    return {"slot": "gram", "at": at, "printed": printed, "true": W.T @ W, "gradient": round(slope, 6)}


def emerging_term() -> dict[str, object]:
    """B = Σ = κ = 1, c = 2, w at the minimum of −w² + w⁴ + κ (w² − c)² over a grid: 2w² − B, which is 0 for κ = 0."""
    import numpy as np

    kappa, c = 1.0, 2.0
    w = np.linspace(0, 2, 200_001)
    best = w[np.argmin(-(w**2) + w**4 + kappa * (w**2 - c) ** 2)]
    rho = round(float(best**2), 4)
    at = {name: np.eye(1) for name in ("B", "Sigma", "M")} | {"kappa": kappa, "c": c, "rho": rho}
    return {"slot": "term", "at": at, "printed": 2 * kappa * (1 - rho), "true": 2 * rho - 1}


def correction() -> dict[str, object]:
    """B = 3, Σ = 2, c = 1 in one dimension, where E(wx)² = c asks for w² = ½ whatever B is: 2(Σw)² − B."""
    import numpy as np

    B, variance, c = 3.0, 2.0, 1.0
    w = (c / variance) ** 0.5
    at = {"B": np.array([[B]]), "Sigma": np.array([[variance]]), "M": np.eye(1), "c": c, "d_M": 1.0, "d_0": 1.0}
    printed = (2 * c - variance * B) / 1 * variance
    return {"slot": "term", "at": at, "printed": printed, "true": round(2 * (variance * w) ** 2 - B, 12)}


def a_number_in_the_bracket() -> dict[str, object]:
    """B = Σ = I, c = 1, one mode of two kept: WᵀW has trace c and one eigenvalue; the print has trace 2c."""
    import numpy as np

    one, M, c = np.eye(2), np.diag([1.0, 0.0]), 1.0
    W = np.array([[c**0.5, 0.0]])
    printed = (M - 1.0 * M + 2 * c * one) / 2
    at = {"B": one, "Sigma": one, "M": M, "I": one, "c": c, "d_M": 1.0}
    return {"slot": "gram", "at": at, "printed": printed, "true": W.T @ W}


def a_constant_left_out() -> dict[str, object]:
    """w = B = Σ = κ = 1, c = 2: −w²B + w⁴ + κ (w² − c)², and the same with the square completed but for κc²."""
    import numpy as np

    w = B = kappa = 1.0
    c = 2.0
    at = {name: np.eye(1) for name in ("W", "B", "Sigma")} | {"kappa": kappa, "c": c, "rho": w**2}
    printed = -(w**2) * (B + 2 * kappa * c) + w**4 + kappa * w**4
    return {"slot": "L", "at": at, "printed": printed, "true": -(w**2) * B + w**4 + kappa * (w**2 - c) ** 2}
