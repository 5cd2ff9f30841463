"""Against what a fixed E|f|² says of f/|f|: many equal modes, in closed form, and a mode of noise."""

from __future__ import annotations


def threshold_of_unit_vectors() -> dict[str, object]:
    """InfoNCE of f/|f|, τ = 1: λ − λ_c of one more mode beside d_M of λ = 0.9, from L″ at d_M → ∞, over d_M = 100.

    With R = |z| of the kept modes, n = z/R, and m independent of n, L″ ∝ E[n·n′/R²] − λ_c E[1/(R R′)] − E[n·m e^(n·m)]/
    E[e^(n·m)] E[1/R²] = 0; the means are Gauss's and Bessel's functions.
    """
    from math import exp, lgamma

    lam, k = 0.9, 1.0

    def gauss(a: float, b: float, c: float, z: float) -> float:
        total = term = 1.0
        for n in range(400):
            term *= (a + n) * (b + n) / ((c + n) * (1 + n)) * z
            total += term
        return total

    def gap(r: int) -> float:
        ratio = exp(2 * lgamma((r - 1) / 2) - 2 * lgamma(r / 2))
        aligned = lam / 2 * (r - 1) / r * ratio * gauss(0.5, 1.5, r / 2 + 1, lam**2)
        lengths = ratio / 2 * gauss(0.5, 0.5, r / 2, lam**2)
        tail = 0.0  # I_(r/2)(k)/I_(r/2−1)(k) by its continued fraction
        for n in reversed(range(60)):
            tail = k**2 / (r + 2 * n + tail)
        return r * (lam - (aligned - tail / k / (r - 2)) / lengths)

    limit = (gap(50) - 6 * gap(100) + 8 * gap(200)) / 3
    at = {"c": k, "d_M": 100.0, "lambda_bar": lam}
    return {"slot": "shift", "at": at, "printed": 2 * k / 100, "true": round(limit / 100, 6)}


def noise_is_kept() -> dict[str, object]:
    """Four modes of λ = 0.6, one of independent views, τ = 1/10: whether InfoNCE of f/|f| rises as the fifth opens."""
    import numpy as np

    lam, k = np.array([0.6, 0.6, 0.6, 0.6, 0.0]), 10.0
    one, noise = np.random.default_rng(0).standard_normal((2, 2000, 5))
    other = lam * one + np.sqrt(1 - lam**2) * noise

    def loss(s: float) -> float:
        f, g = (view * [1, 1, 1, 1, s] for view in (one, other))
        f, g = (z / np.linalg.norm(z, axis=1, keepdims=True) for z in (f, g))
        far = np.roll(f, 1000, axis=0)
        return float(-k * (f * g).sum(1).mean() + np.log(np.exp(k * (f @ far.T)).mean(1)).mean())

    return {"slot": "always", "at": {}, "printed": True, "true": bool(loss(0.3) > loss(0.0))}


def a_lost_mode() -> dict[str, object]:
    """19 modes of λ = 0.9 and one that lies 1.9/20 below the average, τ = 1: whether InfoNCE of f/|f| falls along it.

    Eq. (13) keeps it, since 1.9 is less than 2.
    """
    import numpy as np

    r, below = 20, 1.9
    lam = np.full(r, 0.9)
    lam[-1] -= below / (r - 1)
    one, noise = np.random.default_rng(0).standard_normal((2, 100_000, r))
    other = lam * one + np.sqrt(1 - lam**2) * noise

    def loss(s: float) -> float:
        f, g = (view * np.append(np.ones(r - 1), s) for view in (one, other))
        f, g = (z / np.linalg.norm(z, axis=1, keepdims=True) for z in (f, g))
        # The mean over χ is the same for every x, but for a part that is of higher order in s.
        far = np.roll(f, 1000, axis=0)
        return float(-(f * g).sum(1).mean() + np.log(np.exp((f * far).sum(1)).mean()))

    at = {"c": 1.0, "d_M": float(r), "r_bar": float(lam.mean()), "r_i": float(lam[-1])}
    return {"slot": "condition", "at": at, "printed": True, "true": bool(loss(1.0) < loss(0.0))}


def margin_without_augmentation() -> dict[str, object]:
    """InfoNCE of f/|f|, τ = 1, 100 kept modes of λ = 1: 1 − λ_c of one more mode.

    Where both views of the kept modes are equal, E 1/(|u||u′|) is E 1/|u|², and λ_c = 1 − ρ: ρ is the mean cosine c of
    two data under e^c, a ratio of Bessel functions that is 1/100 to leading order. Here by the trapezoidal rule.
    """
    import numpy as np

    c = np.linspace(-1, 1, 4001)
    weight = (1 - c**2) ** (97 / 2) * np.exp(c)
    return {"slot": "margin", "at": {"d_M": 100.0}, "printed": 0.02, "true": round(float(weight @ c / weight.sum()), 6)}
