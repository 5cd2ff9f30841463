"""log det, inverses and traces of second moments: against numbers, against each other, and how they are written."""

import numpy as np
import pytest
import sympy

from derive import (
    InputError,
    Loss,
    NotAnalyticError,
    SecondMoment,
    closed_form,
    diagonal_sum,
    exp,
    identity,
    inner,
    inverse,
    log,
    log_det,
    off_diagonal_sum,
    symbols,
    trace,
    views,
)
from derive.landscape.exact_modes import exact_modes
from numeric.invariants import order_values
from numeric.sampling import random_covariances

epsilon, mu, N = symbols("epsilon mu N")
x, x_pos, u, u_pos = views("x, x_pos, u, u_pos")
P, Q = SecondMoment(x, x), SecondMoment(x, x_pos)
DATA = random_covariances(np.random.default_rng(3), 3)
W = np.random.default_rng(4).standard_normal((2, 3)) / 3
S, A = W @ DATA.Sigma @ W.T, W @ DATA.A0 @ W.T
FLOOR = 0.7


def plain(name, s, a):
    """The same functions of the matrices, by NumPy."""
    ridge = FLOOR * np.eye(2)
    return {
        "log det": np.linalg.slogdet(s + ridge)[1],
        "log det of another": np.linalg.slogdet(2 * s - a / 3 + ridge)[1],
        "inverse": np.trace(np.linalg.inv(s + ridge)),
        "whitened": np.trace(np.linalg.inv(s + ridge) @ a),
        "both sides": np.trace(np.linalg.inv(s + ridge) @ a @ np.linalg.inv(2 * a + ridge) @ a),
        "entries": ((s - np.eye(2)) ** 2).sum(),
    }[name]


DEFINED = {
    "log det": log_det(P + epsilon * identity),
    "log det of another": log_det(2 * P - Q / 3 + epsilon * identity),
    "inverse": trace(inverse(P + epsilon * identity)),
    "whitened": trace(inverse(P + epsilon * identity) @ Q),
    "both sides": trace(inverse(epsilon * identity + P) @ Q @ inverse(2 * Q + epsilon * identity) @ Q.T),
    "entries": diagonal_sum(lambda i: (P[i, i] - identity[i, i]) ** 2)
    + off_diagonal_sum(lambda i, j: (P[i, j] - identity[i, j]) ** 2),
}


@pytest.mark.parametrize("name", DEFINED)
def test_the_expansion_is_that_of_the_matrices(name):
    """Taylor coefficients of a function of t² on a circle, where the definition is evaluated by NumPy."""
    expansion = Loss(DEFINED[name]).expand(6)
    values = {"epsilon": sympy.Rational(7, 10), "d1": 2}
    known = {one.name for one in {*expansion.symbols, *expansion.constant.free_symbols}}
    derived = order_values(
        expansion.set({name: value for name, value in values.items() if name in known}), W, DATA.A0, DATA.Sigma
    )
    constant = float(expansion.constant.subs({sympy.Symbol(name): value for name, value in values.items()}))
    for t in (0.05, 0.1):
        series = constant + sum(value * t**k for k, value in derived.items())
        assert series == pytest.approx(plain(name, t * t * S, t * t * A), abs=300 * t**8)


def test_functions_of_matrices_are_related():
    """d/dε log det(P + εI) = Tr (P + εI)⁻¹, and the trace of a matrix with its inverse is d1."""
    whole = P + epsilon * identity
    of_log, of_inverse = (Loss(one).expand(8) for one in (log_det(whole), trace(inverse(whole))))
    slopes = [(term.invariants, sympy.diff(term.coefficient, epsilon)) for term in of_log.terms]
    assert of_log.with_terms(slopes).terms == of_inverse.terms
    assert Loss(trace(inverse(whole) @ whole)).expand(6).terms == ()
    assert Loss(trace(whole @ inverse(whole) @ P)).expand(6).terms == Loss(trace(P)).expand(6).terms


def test_a_sample_of_one_has_matrices_of_rank_one():
    """log det(f fᵀ + ε) = (d1 − 1) log ε + log(ε + |f|²), by another route through the engine."""
    one = Loss(log_det(SecondMoment(u, u, count=1) + epsilon * identity)).expand(8)
    assert one.terms == Loss(log(epsilon + inner(x, x))).expand(8).terms


@pytest.mark.parametrize(
    ("loss", "closed"),
    [
        (-log_det(P + epsilon * identity), "−log det(I + 1/ε S),  S = W Σ Wᵀ"),
        (log_det(2 * P + P / 2 + 3 * identity), "log det(I + ⅚ S),  S = W Σ Wᵀ"),
        (
            trace(inverse(P + epsilon * identity) @ Q),
            "1/ε Tr[W A0 Wᵀ] − ε^(-2) Tr[W A0 Wᵀ S (I + 1/ε S)⁻¹],  S = W Σ Wᵀ",
        ),
        (
            trace(Q.T @ inverse(P + epsilon * identity)),
            None,
        ),
        (log_det(Q + epsilon * identity), None),
        (log_det(SecondMoment(u, u, count=N) + epsilon * identity), None),
    ],
)
def test_closed_forms(loss, closed):
    found = closed_form(Loss(loss))
    if closed is None:
        assert found is None
    else:
        assert found.text() == closed
        assert found.series(10).terms == Loss(loss).expand(10).terms
        assert sympy.simplify(found.polynomial.constant - Loss(loss).expand(2).constant) == 0


def test_a_bias_leaves_no_closed_form_of_a_second_moment():
    assert closed_form(Loss(log_det(P + epsilon * identity), bias=True)) is None


def test_the_landscape_of_whitened_alignment_to_all_orders():
    """−(a/(a + c)) h/(h + ε) + μ h is least at h = √(aε/(μ(a + c))) − ε."""
    modes = exact_modes(closed_form(Loss(mu * trace(P) - trace(inverse(P + epsilon * identity) @ Q))))
    at = {"a_i": 1.3, "c_i": 0.4, "epsilon": 0.2, "mu": 0.3}
    (height,) = modes.heights
    found = height.subs({symbol: at[symbol.name] for symbol in height.free_symbols})
    assert float(found) == pytest.approx(np.sqrt(1.3 * 0.2 / (0.3 * 1.7)) - 0.2)


@pytest.mark.parametrize(
    ("loss", "degree"),
    [(log_det(P), None), (trace(inverse(P)), -2), (trace(inverse(P) @ Q), 0), (log_det(P @ P), None)],
)
def test_without_a_multiple_of_the_identity_there_is_no_expansion(loss, degree):
    with pytest.raises(NotAnalyticError, match="adding ε times the identity") as refused:
        Loss(loss).expand(4)
    assert refused.value.degree == degree


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: P + epsilon, "write epsilon * identity"),
        (lambda: 2 - P, "2 is a number, not a matrix"),
        (lambda: P @ "P", "'P' is not a matrix"),
        (lambda: P * P, "M @ P for a product"),
        (lambda: P**2, "a matrix is not a number"),
        (lambda: exp(P), "a matrix is not a number"),
        (lambda: Loss(P), "a matrix is not a number"),
        (lambda: list(P), "d1² entries"),
        (lambda: Loss(log_det(P - identity)).expand(2), "is not real: the matrix is -1 I"),
        (
            lambda: Loss(off_diagonal_sum(lambda i, j: exp(identity[i, j]))).expand(2),
            "an entry of the identity stands under exp",
        ),
        (
            lambda: Loss(log_det(identity @ identity + P)).expand(2),
            "not a multiple of the identity at W = 0",
        ),
    ],
)
def test_what_is_wrong_is_said(wrong, message):
    with pytest.raises(InputError) as refused:
        wrong()
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("loss", "text", "latex"),
    [
        (
            log_det(P + epsilon * identity),
            "log det(E_x[f(x) f(x)ᵀ] + ε I)",
            r"\log\det\bigl(\mathbb{E}_{x}\bigl[f(x) f(x)^{\top}\bigr] + \epsilon I\bigr)",
        ),
        (
            trace(inverse(P + epsilon * identity) @ Q),
            "Tr[(E_x[f(x) f(x)ᵀ] + ε I)⁻¹ E_x,x′[f(x) f(x′)ᵀ]]",
            (
                r"\operatorname{Tr}[\bigl(\mathbb{E}_{x}\bigl[f(x) f(x)^{\top}\bigr] + \epsilon I\bigr)^{-1}"
                r" \mathbb{E}_{x,x'}\bigl[f(x) f(x')^{\top}\bigr]]"
            ),
        ),
        (
            log_det(SecondMoment(u, u_pos, count=N, centred=True) @ P + 2 * identity),
            (
                "log det((1/(N) Σ_u,u′^(N) [f(u) f(u′)ᵀ] − 1/(N) Σ_u^(N) f(u) 1/(N) Σ_u′^(N) f(u′)ᵀ)"
                " E_x[f(x) f(x)ᵀ] + 2 I)"
            ),
            None,
        ),
        (
            off_diagonal_sum(lambda i, j: (P[i, j] - identity[i, j]) ** 2),
            "Σ_i Σ_j[(E_x[f(x)_i f(x)_j] − δ_ij)²] − Σ_i[(E_x[f(x)_i f(x)_i] − 1)²]",
            None,
        ),
    ],
)
def test_how_they_are_written(loss, text, latex):
    assert Loss(loss).text() == text
    assert latex is None or Loss(loss).latex() == latex
