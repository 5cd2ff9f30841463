"""Against claims about the stationary points of −Tr[WBWᵀ] + Tr[WΣWᵀWΣWᵀ]."""

from __future__ import annotations


def a_spare_covariance() -> dict[str, object]:
    """B = 1, Σ = 2 in one dimension: H = Σ w² where −w² + 4 w⁴ is stationary, and 2H² Σ^½ Σ B⁻¹ Σ^½."""
    import mpmath
    import numpy as np

    w = mpmath.findroot(lambda t: mpmath.diff(lambda u: -(u**2) + 4 * u**4, t), 0.3)
    H = float(2 * w**2)
    at = {name: np.array([[value]]) for name, value in {"H": H, "B": 1.0, "Sigma": 2.0}.items()}
    return {"slot": "right", "at": at, "printed": 2 * H**2 * 2**0.5 * 2 * 2**0.5, "true": H}


def half_the_inverse() -> dict[str, object]:
    """B = 1, Σ = 2 in one dimension: H = Σ w² where −w² + 4 w⁴ is stationary, and the inverse of Σ^½ B⁻¹ Σ^½ = 2."""
    import mpmath

    w = mpmath.findroot(lambda t: mpmath.diff(lambda u: -(u**2) + 4 * u**4, t), 0.3)
    return {"slot": "eigenvalue", "at": {"mu_i": 2.0}, "printed": 1 / 2, "true": float(2 * w**2)}


def the_inverse_eigenvalues() -> dict[str, object]:
    """B = 1, Σ = 2 in one dimension: H = Σ w² where −w² + 4 w⁴ is stationary, and half of Σ^½ B⁻¹ Σ^½ = 2."""
    import mpmath
    import numpy as np

    w = mpmath.findroot(lambda t: mpmath.diff(lambda u: -(u**2) + 4 * u**4, t), 0.3)
    at = {name: np.array([[value]]) for name, value in {"U": 1.0, "M": 1.0, "Lambda": 2.0}.items()}
    return {"slot": "power", "at": at, "printed": 2 / 2, "true": float(2 * w**2)}


def equal_ratios() -> dict[str, object]:
    """B = A0 = C = diag(½, 1), Σ = diag(1, 2), d1 = 1: WᵀW where gradient descent ends; every mask is diagonal."""
    import numpy as np

    B, Sigma = np.diag([0.5, 1.0]), np.diag([1.0, 2.0])
    W = np.array([[0.3, 0.3]])
    for _ in range(2000):
        W = W - 0.1 * (-2 * W @ B + 4 * W @ Sigma @ W.T @ W @ Sigma)
    V = W @ Sigma**0.5  # both eigenvalues of Σ^(−½) B Σ^(−½) are ½, and V an eigenvector of H = VᵀV
    along = V / np.linalg.norm(V)
    U = np.vstack([along, along[:, ::-1] * [1, -1]]).T
    masked = np.diag([0.0, 1.0])  # of the four masks the one that comes closest
    inverse = np.linalg.inv(Sigma)
    at = {"Sigma": Sigma, "B_M": masked, "U": U, "M": np.diag([1.0, 0.0]), "Lambda": np.diag([0.5, 0.5])}
    return {"slot": "gram", "at": at, "printed": inverse @ masked @ inverse / 2, "true": W.T @ W}


def no_collapse_by_augmentation() -> dict[str, object]:
    """Eq. (7) with N = 3, α = 0, a = 1, c = 6 in one dimension, by quadrature: is it lowest at w = 0?"""
    import numpy as np

    a, c, N = 1.0, 6.0, 3
    u, p = np.polynomial.hermite_e.hermegauss(8)
    p /= p.sum()
    hat, e, e_pos, far, far2 = np.meshgrid(*[u] * 5, indexing="ij")
    weight = np.einsum("i,j,k,l,m->ijklm", p, p, p, p, p)
    x, x_pos = a**0.5 * hat + c**0.5 * e, a**0.5 * hat + c**0.5 * e_pos
    chi, chi2 = (a + c) ** 0.5 * far, (a + c) ** 0.5 * far2

    def eq7(w: float) -> float:
        near, one, two = (np.exp(-((w * (x - y)) ** 2) / 2) for y in (x_pos, chi, chi2))
        return float((weight * -np.log(near / (one + two))).sum())

    at = {"a_i": a, "c_i": c, "N": float(N), "alpha": 0.0}
    return {"slot": "collapses", "at": at, "printed": c / N >= a, "true": eq7(0.0) <= min(eq7(w) for w in (0.05, 0.1))}


def loss_at_the_minimum() -> dict[str, object]:
    """B = 1, Σ = 2 in one dimension: −w² + 4 w⁴ where it is stationary, and −¼ Σ² B²."""
    import mpmath
    import numpy as np

    w = mpmath.findroot(lambda t: mpmath.diff(lambda u: -(u**2) + 4 * u**4, t), 0.3)
    at = {name: np.array([[value]]) for name, value in {"B": 1.0, "B_M": 1.0, "Sigma": 2.0}.items()}
    return {"slot": "L", "at": at, "printed": -(2**2) / 4, "true": float(-(w**2) + 4 * w**4)}


def the_largest_ratio() -> dict[str, object]:
    """B = diag(2, 1), Σ = diag(4, 1), d1 = 1: whether the lowest end of descents from many starts has w_1 ≠ 0 = w_2."""
    import numpy as np

    B, Sigma = np.diag([2.0, 1.0]), np.diag([4.0, 1.0])
    ends = []
    for W in np.random.default_rng(0).standard_normal((20, 1, 2)) / 4:
        for _ in range(2000):
            W = W - 0.02 * (-2 * W @ B + 4 * W @ Sigma @ W.T @ W @ Sigma)  # noqa: PLW2901 (it descends)
        ends.append((float((-W @ B @ W.T + (W @ Sigma @ W.T) ** 2)[0, 0]), W))
    _, W = min(ends, key=lambda end: end[0])
    at = {"b_i": 2.0, "s_i": 4.0, "b_j": 1.0, "s_j": 1.0}
    return {"slot": "before", "at": at, "printed": at["b_i"] > at["b_j"], "true": bool(abs(W[0, 0]) > abs(W[0, 1]))}


def sign_of_the_quartic() -> dict[str, object]:
    """B = 1, Σ = 2 in one dimension: −w² + 4 w⁴ where it is stationary, and −(λ b + λ² s²) with λ = w²."""
    import mpmath
    import numpy as np

    w = mpmath.findroot(lambda t: mpmath.diff(lambda u: -(u**2) + 4 * u**4, t), 0.3)
    one = float(w**2)
    at = {"lambda": np.array([one]), "b": np.array([1.0]), "s": np.array([2.0]), "d_*": 1, "u": 1.0}
    return {"slot": "L", "at": at, "printed": -(one + 4 * one**2), "true": float(-(w**2) + 4 * w**4)}


def a_row_along_no_axis() -> dict[str, object]:
    """B = A0 = C = diag(½, 1), Σ = diag(1, 2), d1 = 1: where gradient descent ends, does WᵀW commute with A0?"""
    import numpy as np

    A0, Sigma = np.diag([0.5, 1.0]), np.diag([1.0, 2.0])
    W = np.array([[0.3, 0.3]])
    for _ in range(2000):
        W = W - 0.1 * (-2 * W @ A0 + 4 * W @ Sigma @ W.T @ W @ Sigma)
    gram = W.T @ W
    aligned = bool(np.abs(A0 @ gram - gram @ A0).max() < 1e-6)
    return {"slot": "aligned", "at": {}, "printed": True, "true": aligned}
