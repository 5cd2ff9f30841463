"""Against sentences about minima and stationary points, in one mode or two."""

from __future__ import annotations


def a_strong_feature_strongly_augmented() -> dict[str, object]:
    """InfoNCE, (a, c) = (2, 8) and (1, ½): whether the representation varies more along the first."""
    import numpy as np

    def learned(a: float, c: float) -> float:
        s = a + c
        h = np.linspace(0, 3, 300_001)  # h = s w²
        loss = c * h / s - np.log(1 + h) / 2 - h / (2 * (1 + h))
        return float(h[loss.argmin()])

    at = {"a_i": 2.0, "c_i": 8.0, "a_j": 1.0, "c_j": 0.5}
    return {"slot": "before", "at": at, "printed": True, "true": learned(2.0, 8.0) > learned(1.0, 0.5)}


def weights_by_the_inverse() -> dict[str, object]:
    """B = 1, Σ = 2 in one dimension: w² where −w² + 4 w⁴ is stationary, and half of Σ^½ B⁻¹ Σ^½ = 2 over Σ."""
    import mpmath
    import numpy as np

    w = mpmath.findroot(lambda t: mpmath.diff(lambda u: -(u**2) + 4 * u**4, t), 0.3)
    letters = {"U": 1.0, "M": 1.0, "Lambda": 2.0, "Sigma": 2.0}
    at = {name: np.array([[value]]) for name, value in letters.items()}
    return {"slot": "gram", "at": at, "printed": 2 / 2 / 2, "true": float(w**2)}


def a_mixture_commutes_with_nothing() -> dict[str, object]:
    """B = diag(½, 1), Σ = diag(1, 2), one row along (0.6, 0.8)Σ^(−½): ∇L = 0, and whether WᵀW Σ = Σ WᵀW."""
    import numpy as np

    B, Sigma = np.diag([0.5, 1.0]), np.diag([1.0, 2.0])
    u = np.array([[0.6, 0.8]])
    W = 0.5 * u / np.sqrt([1.0, 2.0])  # |WΣ^½|² = ¼ = ½ · ½
    slope = -2 * W @ B + 4 * W @ Sigma @ W.T @ W @ Sigma
    gram = W.T @ W
    commutes = bool(np.abs(gram @ Sigma - Sigma @ gram).max() < 1e-9)
    return {"slot": "commutes", "at": {}, "printed": True, "true": commutes, "gradient": float(np.abs(slope).max())}


def a_product_that_is_not_symmetric() -> dict[str, object]:
    """Σ = diag(1, 4), B⁻¹ = [[1, ½], [½, 1]]: whether Σ^½ Σ B⁻¹ Σ^½ is its own transpose."""
    import numpy as np

    Sigma, root, inverse = np.diag([1.0, 4.0]), np.diag([1.0, 2.0]), np.array([[1.0, 0.5], [0.5, 1.0]])
    found = root @ Sigma @ inverse @ root
    return {"slot": "symmetric", "at": {}, "printed": True, "true": bool(np.allclose(found, found.T))}
