"""Against claims about f(x) = Wx + b."""

from __future__ import annotations


def a_bias_in_inner_products() -> dict[str, object]:
    """w = b = 1, a = c = ½: −2E f(x)f(x′) + E (f(x)f(χ))² of f = wx + b less that of f = wx, on Gauss-Hermite nodes."""
    import numpy as np

    w, a, c = 1.0, 0.5, 0.5
    u, p = np.polynomial.hermite_e.hermegauss(5)
    p /= p.sum()
    hat, e, e_pos = np.meshgrid(u, u, u, indexing="ij")
    weight = np.einsum("i,j,k->ijk", p, p, p)

    def scl(b: float) -> float:
        f, f_pos = (w * (a**0.5 * hat + c**0.5 * noise) + b for noise in (e, e_pos))
        alone = w * (a + c) ** 0.5 * u + b
        return float(-2 * (weight * f * f_pos).sum() + p @ np.outer(alone, alone) ** 2 @ p)

    at = {name: np.array([[value]]) for name, value in (("W", w), ("b", 1.0), ("A_0", a), ("C", c), ("Sigma", a + c))}
    return {"slot": "change", "at": at, "printed": 0.0, "true": round(scl(1.0) - scl(0.0), 12)}


def no_bias_at_the_minimum() -> dict[str, object]:
    """B = Σ = 1, κ = 1, c = ¼: w² at the minimum of −w² + w⁴ + κ (w² + b² − c)² over a grid in (w², b²)."""
    import numpy as np

    kappa, c = 1.0, 0.25
    h, t = np.meshgrid(np.linspace(0, 1, 801), np.linspace(0, 1, 801), indexing="ij")
    loss = -h + h**2 + kappa * (h + t - c) ** 2
    k = np.unravel_index(np.argmin(loss), loss.shape)
    at = {name: np.eye(1) for name in ("B", "Sigma", "M")} | {"kappa": kappa, "c": c, "rho": float(h[k])}
    at |= {"W": np.array([[h[k] ** 0.5]]), "b": np.array([[t[k] ** 0.5]])}
    return {"slot": "gram", "at": at, "printed": 0.5, "true": float(h[k])}


def collapse_at_small_norm() -> dict[str, object]:
    """a = 3, c_1 = 1, c = 1/5 < ½: whether −(a − c_1)g + (sg)² on sg + b² = c, s = a + c_1, is lowest at g = w² = 0."""
    import numpy as np

    a, noise, c = 3.0, 1.0, 0.2
    g = np.linspace(0, c / (a + noise), 1001)  # b² = c − s g is what is left of the norm
    lowest = g[np.argmin(-(a - noise) * g + ((a + noise) * g) ** 2)]
    at = {"a_i": a, "c_i": noise, "c": c}
    return {"slot": "condition", "at": at, "printed": True, "true": bool(lowest == 0)}


def three_subspaces() -> dict[str, object]:
    """B = Σ = I in three dimensions, c = 1, κ = 10: the rank of W where gradient descent on (W, b) ends."""
    import numpy as np

    kappa, c = 10.0, 1.0
    rng = np.random.default_rng(0)
    W, b = 0.3 * rng.standard_normal((3, 3)), 0.3 * rng.standard_normal(3)
    for _ in range(4000):
        excess = np.trace(W @ W.T) + b @ b - c
        slope = -2 * W + 4 * W @ W.T @ W + 4 * kappa * excess * W
        W, b = W - 0.01 * slope, b - 0.01 * 4 * kappa * excess * b
    rank = int((np.linalg.svd(W, compute_uv=False) > 0.1).sum())
    return {"slot": "most", "at": {"d_0": 3.0}, "printed": 2.0, "true": float(rank)}
