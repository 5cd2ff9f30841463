"""Against claims about the spectral contrastive loss, Barlow Twins and VICReg."""

from __future__ import annotations


def spectral_loss() -> dict[str, object]:
    """One dimension, a = 1, c = 3, w = ½: −2 E f(x)f(x′) + E (f(x)f(χ))² by quadrature over Eq. (14)."""
    import numpy as np

    a, c, w = 1.0, 3.0, 0.5
    u, p = np.polynomial.hermite_e.hermegauss(4)
    p /= p.sum()
    hat, e, e_pos, far = np.meshgrid(u, u, u, u, indexing="ij")
    weight = np.einsum("i,j,k,l->ijkl", p, p, p, p)
    x, x_pos, chi = a**0.5 * hat + c**0.5 * e, a**0.5 * hat + c**0.5 * e_pos, (a + c) ** 0.5 * far
    true = float((weight * (-2 * w**2 * x * x_pos + (w**2 * x * chi) ** 2)).sum())
    at = {name: np.array([[value]]) for name, value in {"W": w, "A_0": a, "C": c, "Sigma": a + c}.items()}
    return {"slot": "L", "at": at, "printed": -2 * w**2 * c + (w**2 * (a + c)) ** 2, "true": true}


def leading_direction() -> dict[str, object]:
    """A0 = diag(1, 0.4), C = diag(0.4, 1), f = w·x one number: along which axis is the population loss lowest?"""
    import numpy as np

    A0, C = np.diag([1.0, 0.4]), np.diag([0.4, 1.0])
    angle, size = np.meshgrid(np.linspace(0, np.pi, 361), np.linspace(0, 2, 401), indexing="ij")
    w = np.stack([size * np.cos(angle), size * np.sin(angle)], -1)
    a, s = (np.einsum("...i,ij,...j->...", w, X, w) for X in (A0, A0 + C))
    # E f(x)f(x′) = wᵀA0w and E (f(x)f(χ))² = (wᵀΣw)², x and χ being independent.
    best = w.reshape(-1, 2)[(-2 * a + s**2).argmin()]
    return {"printed": "C", "true": "A0" if abs(best[0]) > abs(best[1]) else "C"}


def barlow_twins() -> dict[str, object]:
    """One dimension, a = 1, c = 3: the coefficient of w² in (1 − E f(x)f(x′))², the moment by quadrature."""
    import numpy as np

    a, c, h = 1.0, 3.0, 1e-3
    u, p = np.polynomial.hermite_e.hermegauss(3)
    p /= p.sum()
    hat, e, e_pos = np.meshgrid(u, u, u, indexing="ij")
    moment = np.einsum("i,j,k,ijk->", p, p, p, (a**0.5 * hat + c**0.5 * e) * (a**0.5 * hat + c**0.5 * e_pos))
    true = ((1 - h**2 * moment) ** 2 - 1) / h**2
    at = {name: np.array([[value]]) for name, value in {"W": 1.0, "A_0": a, "C": c, "Sigma": a + c}.items()}
    return {"slot": "second", "at": at, "printed": -2 * (a + c), "true": round(float(true), 4)}


def vicreg_curvature() -> dict[str, object]:
    """One dimension, a = 10, c = 0.1: ½E|f(x) − f(x′)|² at w = 1, which is the whole second order, by quadrature."""
    import numpy as np

    a, c = 10.0, 0.1
    u, p = np.polynomial.hermite_e.hermegauss(3)
    p /= p.sum()
    hat, e, e_pos = np.meshgrid(u, u, u, indexing="ij")
    x, x_pos = a**0.5 * hat + c**0.5 * e, a**0.5 * hat + c**0.5 * e_pos
    true = np.einsum("i,j,k,ijk->", p, p, p, (x - x_pos) ** 2 / 2)
    at = {name: np.array([[value]]) for name, value in {"W": 1.0, "A_0": a, "C": c, "Sigma": a + c}.items()}
    return {"slot": "second", "at": at, "printed": a, "true": round(float(true), 12)}


def variance_term() -> dict[str, object]:
    """VICReg's 1 − √(w² + ε), ε = 10⁻⁴: do the slopes to the right and to the left of w = 0 meet?"""
    import numpy as np

    step, epsilon = 1e-6, 1e-4
    value = [1 - np.sqrt(w**2 + epsilon) for w in (-step, 0.0, step)]
    right, left = (value[2] - value[1]) / step, (value[1] - value[0]) / step
    return {"printed": False, "true": bool(abs(right - left) < 1e-3)}
