"""Limits of coefficients at infinity, against numbers far out."""

import pytest
import sympy

from derive import InputError, catalogue
from derive.algebra.limits import at_infinity
from derive.algebra.scalars import normal_form

N, alpha, tau, p = sympy.symbols("N alpha tau p")
AT = {alpha: sympy.Rational(3, 7), tau: sympy.Rational(5, 3), p: sympy.Rational(2, 3)}


@pytest.mark.parametrize(
    "value",
    [
        (N - 1) / (N + alpha - 1),
        (2 * N - 1) * (N - alpha) / (tau * (3 * N + 1) ** 2),
        1 / (N - alpha),
        sympy.sqrt(N) * alpha / sympy.sqrt(N + tau),
        (N - alpha) / (N + alpha * sympy.sqrt(tau)),
        N**p / (N + 1) ** p,
        N**alpha * sympy.exp(-alpha * N),
        sympy.log(N + alpha) - sympy.log(N),
        sympy.Abs(alpha - N) / N,
        alpha / tau,
    ],
)
def test_a_limit_is_what_is_come_to_far_out(value):
    limit = complex(at_infinity(normal_form(value), N).xreplace(AT).evalf())
    far = [complex(value.xreplace({**AT, N: sympy.Integer(10) ** k}).evalf(30)) for k in (6, 12)]
    assert abs(far[1] - limit) < 1e-5
    assert abs(far[1] - limit) <= abs(far[0] - limit)


def test_a_limit_that_is_not_known_is_refused():
    with pytest.raises(InputError, match=r"the limit N → ∞ of the coefficient sin\(N\) is not known"):
        at_infinity(sympy.sin(N), N)


@pytest.mark.parametrize("value", [N, (N**2 + 1) / (N - alpha), sympy.sqrt(N)])
def test_no_finite_limit_is_infinite(value):
    assert at_infinity(value, N).has(sympy.oo)


def test_an_expansion_at_infinity_is_that_of_the_terms():
    expansion = catalogue("ntxent").expand(4)
    found = {term.invariants: term.coefficient for term in expansion.set({"N": sympy.oo}).terms}
    for term in expansion.terms:
        limit = sympy.limit(term.coefficient, N, sympy.oo)
        assert sympy.simplify(found.get(term.invariants, sympy.S.Zero) - limit) == 0
