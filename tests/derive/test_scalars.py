"""Exact coefficients against SymPy's own arithmetic, and the uniqueness of their normal form."""

import pytest
import sympy
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sympy import Rational, exp, sqrt

from derive.ranges import Range, Ranges
from derive.scalars import Laurent, Scalars, normal_form
from derive.signs import over

N, alpha, tau, epsilon, b = sympy.symbols("N alpha tau epsilon b")
PLACE = {N: 7, alpha: Rational(2, 3), tau: Rational(5, 4), epsilon: Rational(3, 11), b: Rational(-1, 3)}
LEAVES = (N, alpha, tau, N - 1 + alpha, N - 1, exp(b), exp(-2 * b), sqrt(epsilon), 1 / sqrt(epsilon), 1 + exp(b))

leaves = st.one_of(st.sampled_from(LEAVES), st.fractions(-3, 3, max_denominator=6).map(Rational))


def number(value):
    """The value at one place, to forty digits."""
    return sympy.sympify(value).subs(PLACE).evalf(40)


def agree(one, two):
    return abs(number(one) - number(two)) <= 1e-30 * (1 + abs(number(two)))


class Pair:
    """A coefficient beside what SymPy makes of the same operations."""

    def __init__(self, scalars, coefficient, value):
        self.scalars, self.coefficient, self.value = scalars, coefficient, value

    def __add__(self, other):
        return Pair(self.scalars, self.coefficient + other.coefficient, self.value + other.value)

    def __mul__(self, other):
        return Pair(self.scalars, self.coefficient * other.coefficient, self.value * other.value)

    def __neg__(self):
        return Pair(self.scalars, -self.coefficient, -self.value)

    def inverse(self):
        return Pair(self.scalars, self.scalars.inverse(self.coefficient), 1 / self.value)


@settings(max_examples=100)
@given(given_leaves=st.lists(leaves, min_size=1, max_size=6), data=st.data())
def test_arithmetic_equals_sympys(given_leaves, data):
    scalars = Scalars()
    total = Pair(scalars, scalars.from_sympy(given_leaves[0]), given_leaves[0])
    for leaf in given_leaves[1:]:
        other = Pair(scalars, scalars.from_sympy(leaf), leaf)
        what = data.draw(st.sampled_from("+*-/"))
        if what == "/":
            assume(abs(number(total.value)) > 1e-20)
            total = total.inverse() * other
        else:
            total = total * other if what == "*" else (total if what == "+" else -total) + other
    assert agree(scalars.to_sympy(total.coefficient), total.value)


rational_functions = st.recursive(
    st.one_of(st.sampled_from((N, alpha, exp(b), sqrt(epsilon))), st.integers(-3, 3).map(sympy.Integer)),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda p: p[0] + p[1]),
        st.tuples(inner, inner).map(lambda p: p[0] * p[1]),
        inner.map(lambda p: 1 / (p + N + 2)),
    ),
    max_leaves=5,
)


@settings(max_examples=60)
@given(value=rational_functions, factor=st.sampled_from((N + alpha, exp(b) - N, 1 + sqrt(epsilon), N - 1)))
def test_equal_functions_have_one_form(value, factor):
    assume(not value.has(sympy.zoo, sympy.nan))
    form = normal_form(sympy.together(value))
    assert agree(form, value)
    for rewritten in (
        sympy.expand(sympy.together(value) * factor) / factor,
        sympy.cancel(sympy.together(value)),
        sympy.together(value) + factor - sympy.expand(factor * (N + 1)) + N * factor,
        form,
    ):
        assert normal_form(rewritten) == form
    assert normal_form(sympy.together(form - value)) == 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1 - 1 / N, (N - 1) / N),
        ((N**2 - 1) / (N + 1), N - 1),
        (1 / (N - 1) - 1 / N, 1 / (N * (N - 1))),
        (alpha / (N - 1 + alpha) + (N - 1) / (N - 1 + alpha), sympy.Integer(1)),
        (exp(2 * b) - 1, (exp(b) - 1) * (exp(b) + 1)),
        (1 / (1 + exp(-b)), exp(b) / (1 + exp(b))),
        (exp(b + 2 * N) / exp(2 * N), exp(b)),
        ((epsilon - 1) / (sqrt(epsilon) - 1), sqrt(epsilon) + 1),
        (epsilon ** Rational(-3, 2) * epsilon, 1 / sqrt(epsilon)),
        (epsilon / (sqrt(epsilon + 1) + 1), sqrt(epsilon + 1) - 1),
        (1 / (1 + 1 / (1 + alpha)), (1 + alpha) / (2 + alpha)),
        ((exp(b) - 1) / (exp(b / 2) - 1), exp(b / 2) + 1),
        ((1 + exp(b / 2)) * exp(b / 2), exp(b / 2) + exp(b)),
        (1 / (exp(2 * b) + 2 * exp(b) + 1), (1 + exp(b)) ** -2),
        (exp(-2) * N, N / exp(2)),
        (sqrt(1 / N) * sqrt(N), sympy.Integer(1)),
        (sqrt(1 / (N - 1)) ** 3, (N - 1) ** Rational(-3, 2)),
        ((1 / N) ** alpha, N**-alpha),
        (sqrt((N + alpha) ** 2), N + alpha),
        (sqrt((N - 1) ** 2), N - 1),
        (sqrt((1 - N) ** 2), N - 1),
    ],
)
def test_the_normal_form_is_unique(one, other):
    with over(Ranges.collect({N: Range(sympy.Integer(2), sympy.oo, whole=True)})):
        assert normal_form(one) == normal_form(other)
        assert normal_form(one - other) == 0


def test_the_root_of_a_square_is_an_absolute_value_where_a_sign_is_open():
    assert normal_form(sqrt((N - 1) ** 2)) == normal_form(sqrt((1 - N) ** 2)) == sympy.Abs(N - 1)


def test_the_normal_form_is_a_fraction_factored_over_the_integers():
    assert str(normal_form(Rational(3, 4) - Rational(3, 4) / N)) == "3*(N - 1)/(4*N)"
    assert str(normal_form(1 / (2 * N - 2) - 1 / (4 * N))) == "(N + 1)/(4*N*(N - 1))"
    assert normal_form(Rational(6, 4)) == Rational(3, 2)


def test_the_root_of_a_square_has_no_sign_of_its_own():
    """α − 1 may be negative; N ≥ 2 and parameters are positive."""
    root = normal_form(sqrt((alpha - 1) ** 2))
    assert root == sympy.Abs(alpha - 1)
    assert root.subs(alpha, Rational(1, 3)) == Rational(2, 3)
    for zero in (
        root**2 - (alpha - 1) ** 2,
        1 / root - root / (alpha - 1) ** 2,
        (root + N) * (root - N) + N**2 - root**2,
    ):
        assert normal_form(zero) == 0
    other = normal_form(sqrt((alpha - tau) ** 2))
    quotient = normal_form((root + other) / (N - root * other))
    assert agree(
        quotient, (abs(number(alpha - 1)) + abs(number(alpha - tau))) / (7 - abs(number((alpha - 1) * (alpha - tau))))
    )


def test_zero_is_seen_where_the_atoms_hide_it():
    """N − 1 + α is an atom of its own until the end."""
    scalars = Scalars()
    inverse = scalars.from_sympy(1 / (N - 1 + alpha))
    hidden = inverse * scalars.from_sympy(N - 1 + alpha) + scalars.from_sympy(sympy.Integer(-1))
    assert isinstance(hidden, Laurent)
    assert scalars.to_sympy(hidden) == 0


def test_what_cancels_leaves_nothing():
    scalars = Scalars()
    value = scalars.from_sympy(N * exp(b) - sqrt(epsilon))
    assert not value + -value
    assert not value * 0
    assert scalars.to_sympy(value * 0) == 0


def test_a_minimum_of_integer_symbols_is_no_algebraic_number():
    rows, columns = sympy.symbols("d_1 d_0", integer=True, positive=True)
    assert normal_form(2 * sympy.Min(rows, columns) - sympy.Min(rows, columns)) == sympy.Min(rows, columns)


def test_a_huge_power_of_one_generator_costs_nothing():
    a, tau = sympy.symbols("a tau", positive=True)
    assert normal_form(sympy.exp(10**9 * a) * (tau**2 - 1)) == (tau - 1) * (tau + 1) * sympy.exp(10**9 * a)
    assert normal_form(tau ** (10**9) * (a + 1) - tau ** (10**9)) == a * tau ** (10**9)
