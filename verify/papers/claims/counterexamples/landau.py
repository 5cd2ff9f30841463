"""Against claims about how modes appear and scale, in one or two modes."""

from __future__ import annotations


def infonce_at_strong_augmentation() -> dict[str, object]:
    """The slope of log w² at InfoNCE's minimum against log σ, a = 1, σ = 100 and 200; its average has a closed form."""
    import mpmath

    def lowest(sigma: int):
        s = 1 + mpmath.mpf(sigma) ** 2

        def loss(u):
            return (s - 1) * u - mpmath.log(1 + s * u) / 2 - s * u / (2 * (1 + s * u))

        return mpmath.findroot(lambda u: mpmath.diff(loss, u), (0.5 / s**2, 0.8 / s**2))

    with mpmath.workdps(60):
        true = mpmath.log(lowest(200) / lowest(100)) / mpmath.log(2)
    return {"slot": "exponent", "at": {}, "printed": 4.0, "true": round(float(true), 2)}


def weighted_above_the_critical_size() -> dict[str, object]:
    """Eq. (7) with N = 3, α = 0.1, a = 1, c = 8 on random batches: L(0.1) − L(0), w = 0 being no minimum where < 0.

    N is above the critical size of Eq. (17), 0.14, and below its inverse, 7.2, as Fig. 5 draws it.
    """
    import numpy as np

    N, alpha, a, c = 3, 0.1, 1.0, 8.0
    rng = np.random.default_rng(0)
    hat = np.sqrt(a) * rng.standard_normal((400_000, N))
    x, y = (hat + np.sqrt(c) * rng.standard_normal(hat.shape) for _ in range(2))

    def losses(w: float):
        near = np.exp(-(w**2) * (x[:, :, None] - y[:, None]) ** 2 / 2)
        positive = np.einsum("mii->mi", near)
        return -np.log(positive / (near.sum(-1) - (1 - alpha) * positive)).mean(-1)

    change = losses(0.1) - losses(0.0)
    falls = change.mean() < -6 * change.std() / len(change) ** 0.5
    at = {"N": float(N), "alpha": alpha, "a_i": a, "c_i": c}
    return {"slot": "condition", "at": at, "printed": a / (c * (1 - alpha)) < N, "true": not falls}


def two_modes_near_the_transition() -> dict[str, object]:
    """β = ½, modes (a, c) = (1, 1 − 2t) and (3, 3 − 4t) with t = 1e-6: g_i/g_j of the minimum, from the closed form."""
    import mpmath

    t = mpmath.mpf(10) ** -6
    modes = [(1, 1 - 2 * t), (3, 3 - 4 * t)]

    def lowest(a, c):
        s = a + c

        def slope(u):
            return c - (s / (1 + s * u) + s / (1 + s * u) ** 2) / 4

        return mpmath.findroot(slope, (1e-7, 1e-6), tol=1e-40)

    with mpmath.workdps(40):
        b = [(a - c) / 2 for a, c in modes]
        true = lowest(*modes[0]) / lowest(*modes[1])
    at = {"b_i": float(b[0]), "b_j": float(b[1]), "s_i": 2.0, "s_j": 6.0}
    return {"slot": "ratio", "at": at, "printed": float(b[0] / b[1]), "true": round(float(true), 4)}


def one_pair_of_views_each() -> dict[str, object]:
    """Eq. (1) of the pairs (3, −2) and (−1, 4), two data in one dimension: is it lowest at w = 0?"""
    import numpy as np

    x, y = np.array([3.0, -1.0]), np.array([-2.0, 4.0])
    w = np.linspace(-3, 3, 6001)
    near = np.exp(-(w[:, None, None] ** 2) * (x[:, None] - y) ** 2 / 2)
    loss = -np.log(np.einsum("wii->wi", near) / near.sum(-1)).sum(-1)
    return {"slot": "complete", "at": {}, "printed": False, "true": bool(abs(w[loss.argmin()]) < 1e-9)}


def spectral_with_two_classes() -> dict[str, object]:
    """The spectral loss of one mode, c = 1, its data ±2 with the share p and 0 otherwise: does w² depend on p?"""
    import numpy as np

    u, q = np.polynomial.hermite_e.hermegauss(3)
    q /= q.sum()
    w2 = np.linspace(0, 1, 20001)
    found = []
    for share in (0.5, 0.9):
        hat, p = np.array([2.0, -2.0, 0.0]), np.array([share / 2, share / 2, 1 - share])
        x, weight = hat[:, None] + u, np.outer(p, q)
        pull = float(np.einsum("i,j,k,ij,ik->", p, q, q, x, x))
        push = float((weight * x**2).sum() ** 2)
        found.append(w2[(-2 * w2 * pull + w2**2 * push).argmin()])
    return {"slot": "spectral", "at": {}, "printed": False, "true": bool(abs(found[0] - found[1]) > 1e-3)}


def between_the_two_lines() -> dict[str, object]:
    """β-InfoNCE, β = ½, a = 1, c = 1.5: whether w = 0 is lowest on a grid; by the printed B it is not."""
    import numpy as np

    beta, a, c = 0.5, 1.0, 1.5
    s = a + c
    u = np.linspace(0, 2, 200_001)
    loss = c * u - beta * (np.log(1 + s * u) / 2 + s * u / (2 * (1 + s * u)))
    # θ = 1: the augmentation, of variance σ², is on the style alone.
    at = {"sigma": c**0.5, "theta": 1.0, "T": 1 / (1 - beta)}
    return {"slot": "style", "at": at, "printed": c >= 1 / (1 - beta), "true": bool(loss.argmin() == 0)}


def ridge_with_and_without_style() -> dict[str, object]:
    """The ridge error on y = x_1 of z = (x_1, w x_2), whole population, w = 1 and w = 0."""
    import numpy as np

    errors = []
    for w in (1.0, 0.0):
        scale = np.array([1.0, w])
        # E z zᵀ = diag(1, w²), E z y = (1, 0).
        G = np.linalg.solve(np.diag(scale**2) + 0.001 * np.eye(2), np.array([1.0, 0.0]))
        errors.append(float(((G * scale - np.array([1.0, 0.0])) ** 2).sum()))
    change = errors[1] - errors[0]
    return {"slot": "style", "at": {}, "printed": "falls", "true": "stays" if abs(change) < 1e-12 else "falls"}


def infonce_keeps_both() -> dict[str, object]:
    """InfoNCE, a = 1 and c = 20 in either mode, whose modes are separate: whether w = 0 is lowest on a grid."""
    import numpy as np

    a, c = 1.0, 20.0
    s = a + c
    u = np.linspace(0, 0.05, 50_001)
    loss = c * u - np.log(1 + s * u) / 2 - s * u / (2 * (1 + s * u))
    return {"slot": "complete", "at": {}, "printed": True, "true": bool(loss.argmin() == 0)}


def infonce_of_features() -> dict[str, object]:
    """InfoNCE of tanh features under strong noise, σ = 6: whether L rises from a = 0, of one number a φ(x)."""
    import numpy as np

    u, p = np.polynomial.hermite_e.hermegauss(60)
    p /= p.sum()
    at_datum = np.tanh(u[:, None] + 6 * u[None]) @ p  # E[φ(x) | x̂]
    square = p @ np.tanh(u[:, None] + 6 * u[None]) ** 2 @ p
    # a²(½E(φ − φ′)² − ½E(φ − φ_χ)²), the mean of φ being 0.
    curvature = (square - p @ at_datum**2) - square
    return {"slot": "strong", "at": {}, "printed": True, "true": bool(curvature > 0)}
