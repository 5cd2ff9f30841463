"""Formulas in λ_i in place of a_i and c_i: equal in numbers, and left alone where they depend on more."""

import pytest
import sympy

from derive import CATALOGUE, catalogue
from derive.landscape.conditions import Condition
from derive.landscape.correlations import OF_MODES, in_correlations, lam_i
from derive.landscape.landscape import a_i, a_j, c_i, c_j
from derive.landscape.summary import described

s, gamma, N = sympy.symbols("s gamma N", positive=True)


@pytest.mark.parametrize(
    "value",
    [
        a_i / (a_i + c_i),
        4 * a_i / (3 * c_i - a_i + sympy.sqrt((a_i + c_i) * (a_i + 9 * c_i))),
        sympy.log((a_i + c_i) / a_i) * N,
        a_i * c_j / ((a_i + c_i) * (a_j + c_j)),
        sympy.Function("M")(N - 1, a_i / (a_i + c_i)) - c_i / (a_i + c_i),
    ],
)
def test_a_formula_without_a_scale_is_told_in_correlations(value):
    told = in_correlations(value)
    assert not told.free_symbols & OF_MODES
    put = {a_i: sympy.Rational(3, 2), c_i: sympy.Rational(1, 2), a_j: sympy.Rational(1, 3), c_j: 1, N: 5}
    lam_j = next((one for one in told.free_symbols if one.name == "lambda_j"), lam_i)
    there = told.subs({lam_i: sympy.Rational(3, 4), N: 5} | ({} if lam_j is lam_i else {lam_j: sympy.Rational(1, 4)}))
    assert sympy.simplify(there - value.subs(put)) == 0


@pytest.mark.parametrize(
    "value", [a_i, a_i - gamma, (a_i - gamma) / (a_i + c_i), a_i * a_j, sympy.Le(a_i - gamma, 0), sympy.Lt(c_i, 1)]
)
def test_what_depends_on_the_scale_is_left_alone(value):
    assert in_correlations(value) == value


def test_a_condition_has_the_same_answer():
    loss = catalogue("alignment-uniformity")
    condition = described(loss, loss.expand(4)).collapse.dimensional
    told = condition.whitened()
    assert told.text() == "lambda*t + lambda_i - 1 <= 0 for some i"
    for a, c, values in ((1, 2, {"lambda": 1, "t": sympy.Rational(1, 2)}), (3, 1, {"lambda": 1, "t": 1})):
        put = {symbol: values[symbol.name] for symbol in told.formula.free_symbols - {lam_i}}
        there = told.formula.subs(put | {lam_i: sympy.Rational(a, a + c)})
        assert bool(there) == condition.holds([a], [c], values)


def test_a_condition_of_several_parts_is_told_as_a_whole_or_not_at_all():
    both = sympy.And(sympy.Le(a_i - c_i, 0), sympy.Ge(N - 3, 0))
    assert not in_correlations(both).free_symbols & OF_MODES
    mixed = sympy.Or(sympy.Le(a_i - c_i, 0), sympy.Le(a_i - gamma, 0))
    assert in_correlations(mixed) == mixed
    assert Condition(mixed, "some").whitened().text() == Condition(mixed, "some").text()


@pytest.mark.parametrize("name", CATALOGUE)
def test_conditions_of_the_catalogue_are_about_correlations_alone(name):
    loss = catalogue(name)
    condition = described(loss, loss.expand(4)).collapse.dimensional
    assert not condition.whitened().formula.free_symbols & OF_MODES
