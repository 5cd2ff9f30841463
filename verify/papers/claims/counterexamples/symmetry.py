"""Against claims about rotation symmetry."""

from __future__ import annotations


def an_invariant_cusp() -> dict[str, object]:
    """|f| of a vector f is invariant under rotation: do its slopes along a line meet at f = 0?"""
    import numpy as np

    step, direction = 1e-6, np.array([0.6, 0.8])
    left, here, right = (np.linalg.norm(t * direction) for t in (-step, 0.0, step))
    return {"printed": True, "true": bool(abs((right - here) - (here - left)) / step < 1e-3)}


def a_rotated_representation() -> dict[str, object]:
    """Barlow Twins with λ = 0.005 at W = diag(1, ½), A0 = I, and at the same W turned by 45°."""
    import numpy as np

    def loss(W):
        M = W @ W.T  # E f(x) f(x′)ᵀ = W A0 Wᵀ
        off = M - np.diag(np.diag(M))
        return float(((1 - np.diag(M)) ** 2).sum() + 0.005 * (off**2).sum())

    W = np.diag([1.0, 0.5])
    R = np.array([[1.0, -1.0], [1.0, 1.0]]) / 2**0.5
    return {"slot": "bt", "printed": True, "true": abs(loss(R @ W) - loss(W)) < 1e-12}


def indices() -> dict[str, object]:
    """The printed sum for Z_ijkl = δ_ij δ_kl, that is for L = Tr[WᵀW]², at W with rows (1, 2) and (3, 4)."""
    import numpy as np

    W, Z = np.array([[1.0, 2.0], [3.0, 4.0]]), np.einsum("ij,kl->ijkl", np.eye(2), np.eye(2))
    printed = np.einsum("im,jm,kn,ln,ijki->", W, W, W, W, Z)
    return {
        "slot": "quartic",
        "at": {"W": W, "Z": Z, "d_0": 2, "d_1": 2},
        "printed": float(printed),
        "true": float(np.trace(W.T @ W) ** 2),
    }
