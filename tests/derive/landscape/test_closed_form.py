"""Closed forms: where there is one, that its series is the engine's, and that its value is the integral's."""

import mpmath
import numpy as np
import pytest
import sympy
from sympy import Rational, sqrt, symbols

from derive import (
    CATALOGUE,
    Loss,
    Mean,
    catalogue,
    closed_form,
    exp,
    half_sq,
    inner,
    log,
    variance,
    views,
    white_noise,
)
from numeric.landscape.closed_form import closed_form_value

x, x_pos, y, y_pos, chi, psi = views("x, x_pos, y, y_pos, chi, psi")
tau, N, beta = symbols("tau N beta")


def log_mean_exp(body, over):
    return log(Mean(exp(body), over=over))


CLOSED = {
    "infonce": catalogue("infonce").expression,
    "beta-infonce": catalogue("beta-infonce").expression,
    "alignment-uniformity": catalogue("alignment-uniformity").expression,
    "with weight decay": catalogue("infonce+weight-decay").expression,
    "with norm penalty": catalogue("alignment-uniformity+norm-penalty").expression,
    "with temperature": half_sq(x, x_pos) / tau + log_mean_exp(-half_sq(x, chi) / tau, chi),
    "inner products": -inner(x, x_pos) / tau + log_mean_exp(inner(x, chi) / tau, chi),
    "two views outside": log_mean_exp(inner(x, chi) - 2 * inner(x_pos, chi), chi),
    "two negatives": log_mean_exp(-half_sq(x, chi) - half_sq(chi, psi) / 2, (chi, psi)),
    "a constant": beta * log_mean_exp(3 - half_sq(x, chi), chi),
    "two logarithms": log_mean_exp(-half_sq(x, chi), chi) - log_mean_exp(inner(x, chi) / 3, chi),
    "another datum": half_sq(x, x_pos) + Mean(log_mean_exp(-half_sq(y, chi), chi), over=y),
    "two data outside": Mean(log_mean_exp(inner(x, chi) + inner(y, chi), chi), over=y),
    "two views of another datum": Mean(log_mean_exp(inner(y, chi) + inner(y_pos, chi), chi), over=(y, y_pos)),
    "a polynomial": variance(inner(x, chi), over=(x, chi)),
}


@pytest.mark.parametrize("what", CLOSED)
def test_the_series_is_the_engines_through_order_12(what):
    loss = Loss(CLOSED[what])
    closed = closed_form(loss)
    assert closed is not None
    derived = loss.expand(order=12)
    assert closed.series(12).terms == derived.terms
    assert sympy.simplify(closed.series(12).constant - derived.constant) == 0
    assert closed.series(4) == loss.expand(order=4)


chi_pos = views("chi, chi_pos")[1]
g = white_noise("g")
OPEN = {
    "two views of one datum in the mean": log_mean_exp(inner(chi, chi_pos) - half_sq(x, chi), (chi, chi_pos)),
    "a finite sample": log(Mean(exp(-half_sq(x, chi)), over=chi, count=N - 1)),
    "a quartic exponent": log_mean_exp(-(half_sq(x, chi) ** 2), chi),
    "a sum of exponentials": log(1 + Mean(exp(-half_sq(x, chi)), over=chi)),
    "a square of a logarithm": log_mean_exp(-half_sq(x, chi), chi) ** 2,
    "noise in the exponent": log_mean_exp(-inner(g, g), g),
    "no logarithm": Mean(exp(-half_sq(x, chi)), over=chi),
    "a root": Mean((1 + inner(x, chi) ** 2) ** Rational(1, 2), over=chi),
}


@pytest.mark.parametrize("what", OPEN)
def test_where_the_average_does_not_close_there_is_none(what):
    assert closed_form(Loss(OPEN[what])) is None


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_catalogue(name):
    closed = closed_form(catalogue(name))
    logarithmic = {"infonce", "beta-infonce", "alignment-uniformity"}
    polynomial = {"spectral", "barlow-twins", "vicreg-soft", "supcon"}
    assert (closed is not None) == (name in logarithmic | polynomial)
    if closed is not None:
        assert closed.finite == (name in polynomial)


def one_dimension(w, a, s):
    return mpmath.matrix([[w]]), mpmath.matrix([[a]]), mpmath.matrix([[s]])


def quadrature(points=60):
    nodes, weights = np.polynomial.hermite_e.hermegauss(points)
    return nodes, weights / weights.sum()


@pytest.mark.parametrize("what", ["infonce", "with temperature", "two logarithms", "another datum", "two data outside"])
def test_the_value_is_the_integral(what):
    """In one dimension, far from the origin, with Gauss–Hermite in place of every mean."""
    w, a, s, number_of_tau = 0.6, 0.5, 1.1, Rational(3, 2)
    loss = Loss(CLOSED[what])
    loss = loss.set({"tau": number_of_tau}) if "tau" in loss.parameters else loss
    value = float(closed_form_value(closed_form(loss), *one_dimension(w, a, s)))
    n, p = quadrature()
    z = w * np.sqrt(s) * n
    alignment = w**2 * (s - a)  # E ½|f(x) − f(x′)|²

    def spread(exponent):
        return np.log(np.exp(exponent) @ p)

    away, joined = -((z[:, None] - z) ** 2) / 2, z[:, None] * z
    t = float(number_of_tau)
    both = (z[:, None] + z)[..., None] * z
    expected = {
        "infonce": lambda: alignment + p @ spread(away),
        "with temperature": lambda: alignment / t + p @ spread(away / t),
        "two logarithms": lambda: p @ (spread(away) - spread(joined / 3)),
        "another datum": lambda: alignment + p @ spread(away),
        "two data outside": lambda: p @ spread(both) @ p,
    }[what]()
    assert value == pytest.approx(expected, rel=1e-10)


def test_the_value_at_high_precision_is_the_series():
    """Fifty digits: what is left of the series at order 12 is of order 14."""
    closed = closed_form(catalogue("infonce"))
    with mpmath.workdps(50):
        s = mpmath.mpf("1e-3")
        value = closed_form_value(closed, *one_dimension(mpmath.sqrt(s), mpmath.mpf(1) / 3, 1))
        series = -s / 3 + mpmath.fsum((-1) ** k * s**k * (k + 1) / (2 * k) for k in range(2, 7))
        assert mpmath.almosteq(value - series, -(s**7) * 4 / 7, rel_eps=1e-2)


def test_closed_forms_are_written():
    assert closed_form(catalogue("infonce")).text() == (
        "−Tr[W A0 Wᵀ] + ½ Tr[W Σ Wᵀ] − ½ log det(I + S) + ½ Tr[S² (I + S)⁻¹],  S = W Σ Wᵀ"
    )
    assert closed_form(catalogue("alignment-uniformity")).text() == (
        "−2 Tr[W A0 Wᵀ] + 2 Tr[W Σ Wᵀ] − λ/2 log det(I + 4 t S),  S = W Σ Wᵀ"
    )
    assert closed_form(catalogue("spectral")).text() == "−2 Tr[W A0 Wᵀ] + Tr[(W Σ Wᵀ)²]"
    assert r"\log\det(I + S)" in closed_form(catalogue("infonce")).latex()


def test_irrational_eigenvalues():
    """Two negatives whose matrix has eigenvalues in Q(√5): the series has rational coefficients all the same."""
    loss = Loss(log_mean_exp(-half_sq(x, chi) - inner(chi, psi) - inner(psi, psi), (chi, psi)))
    closed = closed_form(loss)
    assert any(one.mu.has(sqrt(5)) for one in closed.log_determinants)
    difference = {}
    for term in (
        *closed.series(8).terms,
        *(t._replace(coefficient=-t.coefficient) for t in loss.expand(order=8).terms),
    ):
        difference[term.invariants] = difference.get(term.invariants, 0) + term.coefficient
    assert all(sympy.simplify(value) == 0 for value in difference.values())
