"""Closed forms in numbers: against integrals over Gaussian data, and against their own series."""

import mpmath
import numpy as np
import pytest
import sympy

from derive import Loss, Mean, catalogue, closed_form, exp, half_sq, inner, log, views
from numeric.invariants import order_values
from numeric.landscape.closed_form import closed_form_value
from numeric.sampling import random_covariances

x, x_pos, y, chi = views("x, x_pos, y, chi")
CLOSED = ["infonce", "beta-infonce", "alignment-uniformity", "spectral", "barlow-twins"]
VALUES = {"beta": sympy.Rational(5, 7), "lambda": sympy.Rational(3, 4), "t": sympy.Rational(2, 5)}
SET_VALUES = VALUES | {"gamma": sympy.Rational(1, 3), "kappa": sympy.Rational(1, 2), "c": sympy.Rational(6, 5)}


def matrices(radius=0.2, seed=0, d=2):
    """W with λ_max(W Σ Wᵀ) = radius, A0, Σ, and both as data."""
    generator = np.random.default_rng(seed)
    data = random_covariances(generator, d)
    raw = generator.standard_normal((d, d))
    W = raw * np.sqrt(radius / np.linalg.eigvalsh(raw @ data.Sigma @ raw.T)[-1])
    return W, data.A0, data.Sigma, data


def closed_value(loss, W, A0, Sigma):
    return closed_form_value(closed_form(loss), *(mpmath.matrix(one.tolist()) for one in (W, A0, Sigma)))


def put(name):
    loss = catalogue(name)
    return loss.set({key: value for key, value in SET_VALUES.items() if key in loss.parameters})


@pytest.mark.parametrize("name", ["infonce", "beta-infonce"])
def test_it_is_the_loss_integrated_over_gaussian_data(name):
    """A tensor grid fine enough to integrate exp of a quadratic form to ten digits."""
    W, A0, Sigma, data = matrices()
    (u, v), p = (one for one in data.nodes(25, positive=True))
    (w,), q = data.nodes(61, views=1, positive=True)
    u, v, w = (one[:, 0] @ W.T for one in (u, v, w))
    weight = 1.0 if name == "infonce" else float(VALUES["beta"])
    log_mean = np.log(np.exp(-((u[:, None] - w) ** 2).sum(-1) / 2) @ q)
    expected = p @ (((u - v) ** 2).sum(-1) / 2 + weight * log_mean)
    assert float(closed_value(put(name), W, A0, Sigma)) == pytest.approx(expected, rel=1e-9)


def test_alignment_and_uniformity_is_the_loss_integrated_over_gaussian_data():
    W, A0, Sigma, data = matrices()
    (w,), q = data.nodes(61, views=1, positive=True)
    w = w[:, 0] @ W.T
    t, weight = float(VALUES["t"]), float(VALUES["lambda"])
    kernel = np.exp(-t * ((w[:, None] - w) ** 2).sum(-1))
    expected = 2 * np.trace(W @ data.C @ W.T) + weight * np.log(q @ kernel @ q)
    assert float(closed_value(put("alignment-uniformity"), W, A0, Sigma)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    "name",
    [*CLOSED, "infonce+weight-decay+norm-penalty"],
)
def test_its_series_converges_to_it(name):
    W, A0, Sigma, _ = matrices(radius=0.04)
    loss = put(name)
    closed = closed_form(loss)
    series = closed.series(16).set({"d1": 2} if "d1" in loss.parameters else {})
    with mpmath.workdps(30):
        value = closed_form_value(closed, *(mpmath.matrix(one.tolist()) for one in (W, A0, Sigma)))
        start = closed_form_value(closed, mpmath.zeros(2), *(mpmath.matrix(one.tolist()) for one in (A0, Sigma)))
    assert float(value - start) == pytest.approx(sum(order_values(series, W, A0, Sigma).values()), rel=1e-9)


def test_a_polynomial_loss_has_exactly_its_expansions_value():
    W, A0, Sigma, _ = matrices(radius=5.0)
    expected = -2 * np.trace(W @ A0 @ W.T) + np.trace(np.linalg.matrix_power(W @ Sigma @ W.T, 2))
    assert float(closed_value(put("spectral"), W, A0, Sigma)) == pytest.approx(expected, rel=1e-13)


def test_sums_over_coordinates_have_their_value_and_d1_is_that_of_W():
    W, A0, Sigma, _ = matrices(radius=3.0)
    M = W @ A0 @ W.T
    off = (M**2).sum() - (np.diag(M) ** 2).sum()
    expected = ((1 - np.diag(M)) ** 2).sum() + float(VALUES["lambda"]) * off
    assert float(closed_value(put("barlow-twins"), W, A0, Sigma)) == pytest.approx(expected, rel=1e-13)


def test_precision_is_mpmaths():
    """W Σ Wᵀ = 1/4 in one dimension, where InfoNCE is a logarithm and fractions."""
    closed = closed_form(catalogue("infonce"))
    with mpmath.workdps(60):
        s, a = mpmath.mpf(1) / 4, mpmath.mpf(1) / 8
        value = closed_form_value(closed, *(mpmath.matrix([[e]]) for e in (mpmath.mpf(1) / 2, 4 * a, 4 * s)))
        expected = s - a - mpmath.log(1 + s) / 2 - s / (1 + s) / 2
        assert abs(value - expected) < mpmath.mpf(10) ** -58


def test_a_negative_weight_needs_a_positive_determinant():
    """E exp(+½|x − χ|²) exists where I − S is positive definite."""
    loss = Loss(log(Mean(exp(half_sq(x, chi)), over=chi)) - inner(x, x_pos))
    W, A0, Sigma, data = matrices(radius=0.1)
    (w,), q = data.nodes(61, views=1, positive=True)
    (u,), p = data.nodes(9, views=1, positive=True)
    u, w = u[:, 0] @ W.T, w[:, 0] @ W.T
    expected = p @ np.log(np.exp(((u[:, None] - w) ** 2).sum(-1) / 2) @ q) - np.trace(W @ A0 @ W.T)
    assert float(closed_value(loss, W, A0, Sigma)) == pytest.approx(expected, rel=1e-9)
