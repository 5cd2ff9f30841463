"""Against claims about weighted InfoNCE, Eq. (7)."""

from __future__ import annotations


def curvature_at_the_origin() -> dict[str, object]:
    """N = 2, α = ½, a = 1, c = 4 in one dimension: the coefficient of w² per datum, by quadrature over Eq. (7)."""
    import numpy as np

    a, c, alpha, N, h = 1.0, 4.0, 0.5, 2, 1e-3
    u, p = np.polynomial.hermite_e.hermegauss(4)
    p /= p.sum()
    hat, e, e_pos, far = np.meshgrid(u, u, u, u, indexing="ij")
    weight = np.einsum("i,j,k,l->ijkl", p, p, p, p)
    x, x_pos, chi = a**0.5 * hat + c**0.5 * e, a**0.5 * hat + c**0.5 * e_pos, (a + c) ** 0.5 * far

    def eq7(w):
        near, negative = np.exp(-((w * (x - x_pos)) ** 2) / 2), np.exp(-((w * (x - chi)) ** 2) / 2)
        return float((weight * -np.log(near / (negative + alpha * near))).sum())

    at = {name: np.array([[value]]) for name, value in {"W": 1.0, "A_0": a, "C": c, "Sigma": a + c}.items()}
    printed = (1 - alpha) / N * c - a
    true = (eq7(h) - eq7(0.0)) / h**2
    return {"slot": "second", "at": at | {"alpha": alpha, "N": float(N)}, "printed": printed, "true": round(true, 4)}


def weight_of_the_positive() -> dict[str, object]:
    """SimCLR's NT-xent on four unit vectors: what the negatives leave of the denominator, in units of the positive."""
    import numpy as np

    z = np.array([[1.0, 0.0], [0.6, 0.8], [0.8, 0.6], [0.0, 1.0]])  # views 0 and 2, 1 and 3 share a datum
    similar = np.exp(z @ z.T / 0.5)
    # Chen et al. 2020, Eq. 1: −log of the positive over the sum over all k ≠ i.
    loss = -np.log(similar[0, 2] / (similar[0].sum() - similar[0, 0]))
    weight = (np.exp(loss) * similar[0, 2] - similar[0, 1] - similar[0, 3]) / similar[0, 2]
    return {"slot": "alpha", "at": {}, "printed": 0.0, "true": round(float(weight), 12)}


def lower_than_at_the_origin() -> dict[str, object]:
    """N = 2, α = 0, a = 1, c = 10, so ((1 − α)/N) c − a = 4: whether Eq. (7) is higher at w = 0.01 than at 0."""
    import numpy as np

    a, c, w = 1.0, 10.0, 0.01
    u, p = np.polynomial.hermite_e.hermegauss(4)
    p /= p.sum()
    hat, e, e_pos, far = np.meshgrid(u, u, u, u, indexing="ij")
    weight = np.einsum("i,j,k,l->ijkl", p, p, p, p)
    x, x_pos, chi = a**0.5 * hat + c**0.5 * e, a**0.5 * hat + c**0.5 * e_pos, (a + c) ** 0.5 * far
    # One negative and no positive in the denominator: −log of near/far, which is 0 at w = 0.
    change = float((weight * ((w * (x - x_pos)) ** 2 / 2 - (w * (x - chi)) ** 2 / 2)).sum())
    return {"printed": True, "true": change > 0}
