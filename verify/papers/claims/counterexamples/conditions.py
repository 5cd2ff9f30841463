"""Against claims about the eigenvalues of Σ⁻¹B with B = A0 − C."""

from __future__ import annotations


def largest_eigenvalue() -> dict[str, object]:
    """a = 2, c = 1 in one dimension, B = a − c, Σ = a + c: ΣB = 3 beside the ratio (a − c)/(a + c) = 1/3."""
    import numpy as np

    a, c = 2.0, 1.0
    at = {"B": np.array([[a - c]]), "Sigma": np.array([[a + c]]), "M": np.eye(1)}
    return {"slot": "matrix", "at": at, "printed": (a + c) * (a - c), "true": (a - c) / (a + c)}


def average_of_the_ratios() -> dict[str, object]:
    """a = (2, 1, 1), c = (1, 0, 0), so that ϵ = 1: the average of the eigenvalues of Σ⁻¹(A0 − C)."""
    import numpy as np

    A0, C = np.diag([2.0, 1.0, 1.0]), np.diag([1.0, 0.0, 0.0])
    true = np.linalg.eigvals(np.linalg.inv(A0 + C) @ (A0 - C)).mean()
    at = {"a_i": 2.0, "c_i": 1.0, "epsilon": 1.0, "d_M": 3.0}
    return {"slot": "right", "at": at, "printed": (3 - 1 + 1.0) / 3, "true": float(true)}


def threshold() -> dict[str, object]:
    """Five modes, a_1 + c_1 = 1, no noise in the others, c = 1: the largest ϵ with r_1 + 2/5 ≤ the mean of the r's."""
    import numpy as np

    s, d = 1.0, 5

    def margin(gap: float) -> float:
        lam = np.array([gap / s, *[1.0] * (d - 1)])
        return float(lam[0] + 2 / d - lam.mean())

    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if margin(middle) <= 0 else (low, middle)
    at = {"a_i": 0.6, "c_i": 0.4, "d_M": float(d)}
    return {"slot": "threshold", "at": at, "printed": s * (d - 3) / (s + d), "true": round(low, 12)}
