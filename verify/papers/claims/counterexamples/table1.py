"""Against the rows of Table 1: second differences of losses at W = 0, and minima, in one dimension."""

from __future__ import annotations


def ntxent_with_strong_augmentation() -> dict[str, object]:
    """−½ L″(0) over that with c = 0, of NT-Xent (τ = 1) with N = 2, a = 1, c = 5, on Gauss-Hermite nodes."""
    import itertools

    import numpy as np

    N, h = 2, 1e-2
    u, p = np.polynomial.hermite_e.hermegauss(2)
    p /= p.sum()

    def second(a: float, c: float) -> float:
        total = 0.0
        for k in itertools.product(range(2), repeat=6):
            hat, noise = u[list(k[:2])], u[list(k[2:])]
            z = np.sqrt(a) * np.tile(hat, 2) + np.sqrt(c) * noise  # views of data 1, 2 and again of 1, 2
            anchors = []
            for i in range(4):
                rest = [j for j in range(4) if j != i]
                rise = [np.log(np.exp(w**2 * z[i] * z[rest]).sum()) - w**2 * z[i] * z[(i + 2) % 4] for w in (h, 0.0)]
                anchors.append((rise[0] - rise[1]) / h**2)
            total += float(np.prod(p[list(k)])) * float(np.mean(anchors))
        return -total

    # B is normalised by its value at C = 0.
    true = round(second(1.0, 5.0) / second(1.0, 0.0), 2)
    at = {"A_0": np.eye(1), "C": 5 * np.eye(1), "N": float(N)}
    return {"slot": "B", "at": at, "printed": np.array([[1 - 5 / N]]), "true": np.array([[true]])}


def spectral_at_the_origin() -> dict[str, object]:
    """½ E[2 x x′] at a = 1, c = 3: what −2 E[f(x) f(x′)] = −2 w² B has for B."""
    import numpy as np

    u, p = np.polynomial.hermite_e.hermegauss(3)
    p /= p.sum()
    hat, e, e_pos = np.meshgrid(u, np.sqrt(3) * u, np.sqrt(3) * u, indexing="ij")
    true = float(np.einsum("ijk,i,j,k->", (hat + e) * (hat + e_pos), p, p, p))
    at = {"A_0": np.eye(1), "C": 3 * np.eye(1)}
    return {"slot": "B", "at": at, "printed": np.array([[3.0]]), "true": np.array([[round(true, 12)]])}


def barlow_twins_at_the_origin() -> dict[str, object]:
    """Half the slope in w² of −(1 − w² E[x x′])² at w = 0, a = 1, c = 3."""
    import numpy as np

    u, p = np.polynomial.hermite_e.hermegauss(3)
    p /= p.sum()
    hat, e, e_pos = np.meshgrid(u, np.sqrt(3) * u, np.sqrt(3) * u, indexing="ij")
    moment = float(np.einsum("ijk,i,j,k->", (hat + e) * (hat + e_pos), p, p, p))
    h = 1e-6
    true = round((1 - (1 - h * moment) ** 2) / h / 2, 4)
    at = {"A_0": np.eye(1), "C": 3 * np.eye(1)}
    return {"slot": "B", "at": at, "printed": np.array([[4.0]]), "true": np.array([[true]])}


def infonce_with_a_bias() -> dict[str, object]:
    """InfoNCE at w, with w² (a + c) + b² = 0.3 fixed, a = 1, c = 5: whether w = 0 is lowest; b drops out."""
    import numpy as np

    a, c, norm = 1.0, 5.0, 0.3
    s = a + c
    w = np.linspace(0, np.sqrt(norm / s), 400)
    q = w**2 * s
    # E ½ w²(x − x′)², and E_x log E_χ exp(−½ w²(x − χ)²) of Gaussian x and χ.
    loss = c * w**2 - np.log(1 + q) / 2 - q / (2 * (1 + q))
    return {"slot": "complete", "at": {}, "printed": True, "true": bool(loss.argmin() == 0)}


def weight_decay_at_the_origin() -> dict[str, object]:
    """−½ L″(0) of InfoNCE with γ w² less that without, a = c = 1, γ = ½."""
    import numpy as np

    h, gamma = 1e-3, 0.5

    def loss(w: float, gamma: float) -> float:
        q = 2 * w**2
        return float(w**2 - np.log(1 + q) / 2 - q / (2 * (1 + q)) + gamma * w**2)

    second = [-(loss(h, g) + loss(-h, g) - 2 * loss(0.0, g)) / (2 * h**2) for g in (gamma, 0.0)]
    at = {"A_0": np.eye(1), "gamma": gamma}
    true = np.array([[round(second[0] - second[1], 6)]])
    return {"slot": "change", "at": at, "printed": np.array([[0.5]]), "true": true}
