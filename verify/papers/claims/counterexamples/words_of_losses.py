"""Against sentences about losses, in one mode or two."""

from __future__ import annotations


def two_modes_of_barlow_twins() -> dict[str, object]:
    """(a, c) = (1, 3) and (1.5, 0.2): which falls faster from w = 0, of (1 − w² E[x x′])² on Gauss-Hermite nodes."""
    import numpy as np

    u, p = np.polynomial.hermite_e.hermegauss(3)
    p /= p.sum()

    def fall(a: float, c: float) -> float:
        hat, e, e_pos = np.meshgrid(a**0.5 * u, c**0.5 * u, c**0.5 * u, indexing="ij")
        moment = np.einsum("ijk,i,j,k->", (hat + e) * (hat + e_pos), p, p, p)
        return float(1 - (1 - 1e-6 * moment) ** 2)

    at = {"a_i": 1.0, "c_i": 3.0, "a_j": 1.5, "c_j": 0.2}
    return {"slot": "before", "at": at, "printed": True, "true": fall(1.0, 3.0) > fall(1.5, 0.2)}


def lost_to_another_mode() -> dict[str, object]:
    """−g_1 − 0.2 g_2 + g_1² + g_2² + 2 (g_1 + g_2)², g = w² ≥ 0: unstable along both at 0, is g_2 > 0 where lowest?"""
    import numpy as np

    g = np.linspace(0, 0.5, 1001)
    one, two = g[:, None], g[None]
    loss = -one - 0.2 * two + one**2 + two**2 + 2 * (one + two) ** 2
    _, second = np.unravel_index(loss.argmin(), loss.shape)
    return {"slot": "alone", "at": {}, "printed": True, "true": bool(g[second] > 0)}


def constant_along_rays() -> dict[str, object]:
    """NT-Xent of unit vectors aWx/‖aWx‖ on a batch, at a = ¼ and at a = 4: do they differ?"""
    import numpy as np

    rng = np.random.default_rng(0)
    W, x = rng.standard_normal((3, 5)), rng.standard_normal((8, 5))
    losses = []
    for a in (0.25, 4.0):
        z = x @ (a * W).T
        z /= np.linalg.norm(z, axis=1, keepdims=True)
        similar = np.exp(z @ z.T)
        np.fill_diagonal(similar, 0.0)
        pairs = similar[np.arange(8), (np.arange(8) + 4) % 8]
        losses.append(float(-np.log(pairs / similar.sum(1)).mean()))
    return {"slot": "changes", "at": {}, "printed": True, "true": abs(losses[0] - losses[1]) > 1e-9}


def ntxent_of_two() -> dict[str, object]:
    """Eq. (7) at α = 0, N = 2, a = 1, c = 100: whether it rises from w = 0, from second moments."""
    a, c = 1.0, 100.0
    # ½E(x − x′)² = c, and the one negative has ½E(x − χ)² = a + c.
    return {"slot": "can", "at": {}, "printed": True, "true": c - (a + c) > 0}


def infonce_of_scaled_views() -> dict[str, object]:
    """InfoNCE of x = s x̂, E x̂² = 1, s exponential of mean 1: whether it rises from w = 0, from moments on nodes."""
    import numpy as np

    s, q = np.polynomial.laguerre.laggauss(6)
    one, pair = float(q @ s**2), float(q @ s) ** 2
    return {"slot": "can", "at": {}, "printed": True, "true": (one - pair) - one > 0}
