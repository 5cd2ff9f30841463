"""Other papers, in numbers: NumPy alone."""

from __future__ import annotations

from typing import Any

import numpy as np


def constant_of_motion() -> dict[str, Any]:
    """s(t) of one mode for η = 0, α_p = 1 by small steps, and the constant s(t) − p²(t) that is left of it."""
    w, p = 0.8, 0.3
    start = (w**2, p)
    for _ in range(20000):
        pull = (1 - 1.5 * p) * w
        w, p = w + 1e-4 * p * pull, p + 1e-4 * pull * w
    at = {"s_0": start[0], "p_0": start[1], "alpha_p": 1.0}
    return {"slot": "constant", "at": at, "printed": start[1] ** 2 - start[0], "true": float(w**2 - p**2)}


def singular_values() -> dict[str, Any]:
    """The slope of σ₁ where σ₁ = 2, σ₂ = 1 and X = 1: C = σ₁² − σ₂² = 3."""
    first, second, x = 2.0, 1.0, 1.0
    step = 1e-6
    moved = first + step * second * (second * first * x)
    C = first**2 - second**2
    at = {"sigma_1": first, "C_k": C, "x": x}
    return {"slot": "slope", "at": at, "printed": first * (first**2 + C) * x, "true": (moved - first) / step}


def equal_embeddings() -> dict[str, Any]:
    """InfoNCE of two pairs of unit vectors at an angle: below its value where all are equal."""

    def loss(angle: float) -> float:
        # Each pair is aligned; the two pairs are at the angle.
        return float(-1 + np.log(np.exp(1) + np.exp(np.cos(angle))))

    return {"printed": True, "true": bool(loss(0.1) > loss(0.0))}


def two_ends() -> dict[str, Any]:
    """InfoNCE of three pairs of unit vectors at u, u and −u: turning the first pair lowers it."""

    def loss(angle: float) -> float:
        at = np.array([[np.cos(angle), np.sin(angle)], [1.0, 0.0], [-1.0, 0.0]])
        return float(np.mean(np.log(np.exp(at @ at.T).sum(1)) - 1))

    return {"printed": True, "true": bool(loss(0.1) > loss(0.0))}


def second_moments() -> dict[str, Any]:
    """X of dW/dt = W X for a batch of two data of one dimension, by a difference of the loss in w."""
    x, y, w = np.array([1.0, -0.5]), np.array([1.4, 0.2]), 0.7

    def own_and_other(w: float) -> Any:
        return np.exp(-((w * (x - y)) ** 2) / 2), np.exp(-((w * (x - x[::-1])) ** 2) / 2)

    def loss(w: float) -> float:
        own, other = own_and_other(w)
        return float(-np.log(own / (own + other)).sum())

    own, other = own_and_other(w)
    a = other / (own + other)
    pairs = (a[0] * (y[0] - x[1]) + a[1] * (x[0] - x[1])) * x[0] + (a[1] * (y[1] - x[0]) + a[0] * (x[1] - x[0])) * x[1]
    at = {"x_1": x[0], "x_2": x[1], "y_1": y[0], "y_2": y[1], "alpha_12": a[0], "alpha_21": a[1]}
    slope = (loss(w + 1e-5) - loss(w - 1e-5)) / 2e-5
    return {"slot": "X", "at": at, "printed": float(-pairs - (a * (y - x) * y).sum()), "true": -slope / w}


def a_variance_over_a_batch() -> dict[str, Any]:
    """L_DC of one dimension without augmentation, τ = a = 1: whether its order 4 in w differs at N = 2 and N = 3."""
    u, p = np.polynomial.hermite_e.hermegauss(4)
    p /= p.sum()
    x, y, other = np.meshgrid(u, u, u, indexing="ij")
    weight = np.einsum("i,j,k->ijk", p, p, p)
    # −w²x² + log Σ e^(w²xy): the logarithm's cumulants at order w⁴, of one negative and of two.
    one, two = 0.0, float((weight * ((x * y - x * other) ** 2 / 8)).sum())
    return {"printed": False, "true": bool(abs(one - two) > 1e-9)}
