"""Against claims about InfoNCE, in one dimension: x = √a u + √c e, a the variance of the data, c of the noise."""

from __future__ import annotations


def a_sum_over_a_batch() -> dict[str, object]:
    """Half the second derivative in w of Eq. (1) with N = 3 data and of Eq. (2), a = c = 1: their difference."""
    import numpy as np

    N, h = 3, 1e-3
    u, p = np.polynomial.hermite_e.hermegauss(3)
    p /= p.sum()
    # One datum with two views, and a view of each of two others, which have the variance a + c = 2.
    hat, e, e_pos, far, far2 = np.meshgrid(u, u, u, 2**0.5 * u, 2**0.5 * u, indexing="ij")
    weight = np.einsum("i,j,k,l,m->ijklm", p, p, p, p, p / p.sum())
    x, x_pos = hat + e, hat + e_pos

    def eq1(w):
        near, *others = (np.exp(-((w * (x - y)) ** 2) / 2) for y in (x_pos, far, far2))
        return float(N * (weight * -np.log(near / (near + sum(others)))).sum())

    def eq2(w):
        # E_χ exp(−w²(x − χ)²/2) of a Gaussian χ of variance s = 2, in closed form.
        push = -0.5 * np.log(1 + 2 * w**2) - w**2 * x**2 / (2 * (1 + 2 * w**2))
        return float((weight * ((w * (x - x_pos)) ** 2 / 2 + push)).sum())

    second = [(f(h) - f(0.0)) / h**2 for f in (eq1, eq2)]
    return {"printed": 0.0, "true": round(second[0] - second[1], 4)}


def a_nonlinear_feature() -> dict[str, object]:
    """φ(x) = x³ of x = x̂ + 0.7 ε: E ½|f(x) − f(x′)|² and w²(Σ − A0) with A0 = E φ(x̂)², f = 0.8 φ."""
    import numpy as np

    u, p = np.polynomial.hermite_e.hermegauss(8)
    p /= p.sum()
    phi = (u[:, None] + 0.7 * u[None]) ** 3  # x̂ down, ε across
    a, s, k = p @ u**6, p @ (phi**2 @ p), p @ (phi @ p) ** 2
    at = {"W": np.array([[0.8]]), "A_0": np.array([[a]]), "Sigma": np.array([[s]]), "C": np.array([[s - a]])}
    return {
        "slot": "energy",
        "at": at | {"K": np.array([[k]])},
        "printed": float(0.64 * (s - a)),
        "true": float(0.64 * (s - k)),
    }


def variance_at_fixed_x() -> dict[str, object]:
    """a + c = 1, w small: the coefficient of w⁴ in E_x log E_χ exp(−w²(x − χ)²/2), from its closed form."""
    import mpmath

    # Of x and χ with variance 1: −½ log(1 + w²) − w² x²/(2(1 + w²)), whose mean over x has x² → 1.
    series = mpmath.taylor(lambda t: -mpmath.log(1 + t) / 2 - t / (2 * (1 + t)), 0, 2)
    # x − χ has variance 2: its square has the mean 2, the variance 8, and at fixed x the variance 4 x² + 2.
    at = {"m": 1.0, "V": 8.0, "V_chi": 6.0}
    return {"slot": "entropy", "at": at, "printed": -1 + 8 / 8, "true": float(series[1] + series[2])}


def fourth_order() -> dict[str, object]:
    """a = c = ½, w small: the coefficients of w² and w⁴ of Eq. (2), whose average over χ has a closed form."""
    import mpmath
    import numpy as np

    a = c = mpmath.mpf(1) / 2
    # E ½(x − x′)² = c; the logarithm as for Gaussian x and χ of variance 1.
    series = mpmath.taylor(lambda t: c * t - mpmath.log(1 + t) / 2 - t / (2 * (1 + t)), 0, 2)
    at = {name: np.array([[float(value)]]) for name, value in {"W": 1, "A_0": a, "Sigma": 1, "C": c}.items()}
    return {"slot": "L", "at": at, "printed": float(-a + 1), "true": float(series[1] + series[2])}
