"""What is too large is left out with a reason, at once."""

import pytest
import sympy

from derive import Loss, Mean, exp, half_sq, inner, log, views
from derive.algebra.effort import TooLargeError
from derive.algebra.size import common
from derive.landscape.landscape import landscapes
from derive.landscape.summary import described

x, x_pos, chi = views("x, x_pos, chi")
P, R = sympy.symbols("p0:7"), sympy.symbols("r0:7")
N = sympy.Symbol("N")


def _mixture(number):
    means = (P[i] * Mean(exp(-R[i] * half_sq(x, chi)), over=chi, count=N - 1) for i in range(number))
    return Loss(log(sum(means, start=P[6] * exp(inner(x, x_pos) / R[6]))))


def test_a_landscape_of_nine_parameters_is_left_out_with_a_reason():
    loss = _mixture(3)
    expansion = loss.expand(4)
    with pytest.raises(TooLargeError, match="9 parameters; give numbers"):
        landscapes(expansion)
    found = described(loss, expansion)
    assert found.collapse.dimensional is None
    assert found.collapse.reason == found.why
    assert "too large" in dict(found.lines())["collapse"]


def test_one_of_few_parameters_is_not():
    assert landscapes(_mixture(1).expand(4))


def test_the_size_of_a_sum_is_that_of_its_common_numerator():
    a, b, c = sympy.symbols("a b c")
    values = [a / (b + c), 1 / (a + b) ** 2, c * b]
    top, _ = sympy.fraction(sympy.factor(sum(values)))
    degrees = sympy.Poly(sympy.expand(top), a, b, c).degree_list()
    assert common(values) == sympy.prod(degree + 1 for degree in degrees)


@pytest.mark.parametrize("exponent", [9, 50, 10**30 + 7])
@pytest.mark.parametrize("base", [1, 2, -1, P[0], 1 + P[0]])
def test_a_high_power_has_the_binomial_coefficients_or_is_refused(exponent, base):
    loss = Loss((base + inner(x, x_pos)) ** exponent)
    if exponent > 50 and base in (2, 1 + P[0]):
        with pytest.raises(TooLargeError, match="smaller exponent"):
            loss.expand(2)
        return
    (term,) = loss.expand(2).terms
    assert sympy.factor(term.coefficient - exponent * sympy.sympify(base) ** (exponent - 1)) == 0
    assert not Loss(inner(x, x_pos) ** exponent).expand(4).terms
