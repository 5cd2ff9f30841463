"""Exact coefficients against SymPy's own arithmetic, and the uniqueness of their normal form."""

from random import Random

import pytest
import sympy
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sympy import Rational, exp, sqrt

from derive.algebra import branches
from derive.algebra.ranges import Range, Ranges
from derive.algebra.scalars import Laurent, Scalars, normal_form
from derive.algebra.signs import over

N, alpha, beta, tau, epsilon, b = sympy.symbols("N alpha beta tau epsilon b")
u, v = sympy.symbols("u v", real=True)
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
        # Absolute values.
        (1 / (1 + abs(u)), (1 - abs(u)) / (1 - u**2)),
        (1 / (1 + abs(alpha - 1)), (1 - abs(alpha - 1)) / (alpha * (2 - alpha))),
        (abs(u * v * alpha), alpha * abs(u) * abs(v)),
        (abs(alpha - 1) / (alpha - 1), (alpha - 1) / abs(alpha - 1)),
        (1 / (1 + abs(u) + abs(v)), (1 + abs(u) - abs(v)) / ((1 + abs(u)) ** 2 - v**2)),
        (1 / (abs(u) + v), (abs(u) - v) / (u**2 - v**2)),
        ((u + abs(u)) * (u - abs(u)), sympy.Integer(0)),
        (sqrt(u**2 * v**2), abs(u * v)),
        (sqrt(alpha - 1) * abs(alpha - 1), (alpha - 1) ** Rational(3, 2)),
        (sympy.sign(u) * u, abs(u)),
        # Roots of polynomials.
        (sqrt(N - 1) * sqrt(N + 1), sqrt(N**2 - 1)),
        ((sqrt(N + 1) + sqrt(N - 1)) * (sqrt(N + 1) - sqrt(N - 1)), sympy.Integer(2)),
        (1 / (1 + sqrt(alpha * N + 1)), (sqrt(alpha * N + 1) - 1) / (alpha * N)),
        (1 / (sqrt(N + 1) + sqrt(N - 1)), (sqrt(N + 1) - sqrt(N - 1)) / 2),
        (1 / (1 + sympy.cbrt(u**2 + 1)), (1 - sympy.cbrt(u**2 + 1) + sympy.cbrt(u**2 + 1) ** 2) / (u**2 + 2)),
        (sqrt(N**2 + 2 * N + 1), N + 1),
        (sqrt(alpha**2 * N + alpha**2), alpha * sqrt(N + 1)),
        (sqrt(alpha * beta), sqrt(alpha) * sqrt(beta)),
        (sqrt(1 + sqrt(N)) ** 2 - sqrt(N), sympy.Integer(1)),
        (1 / sqrt(1 + sqrt(u**2 + 1)), sqrt(1 + sqrt(u**2 + 1)) * (sqrt(u**2 + 1) - 1) / u**2),
        (sqrt((alpha - 1) * (beta - 1)) ** 2, (alpha - 1) * (beta - 1)),
        # What drops out leaves no trace.
        ((alpha**2 * sqrt(alpha + 1) + alpha * beta * sqrt(alpha + 1)) / sqrt(alpha + 1), alpha * (alpha + beta)),
        ((sqrt(2) * N**2 - sqrt(2)) / sqrt(2) * (1 + sqrt(2)) - (N**2 - 1) * sqrt(2), N**2 - 1),
        # Roots of numbers.
        ((sqrt(2) + N) * (sqrt(3) + N) - N * (sqrt(2) + sqrt(3)) - N**2, sqrt(6)),
        (sqrt(2 * N + 2), sqrt(2) * sqrt(N + 1)),
        (sqrt(3 + 2 * sqrt(2)), 1 + sqrt(2)),
        (sqrt(2 + sqrt(2)) * sqrt(2 - sqrt(2)), sqrt(2)),
        (sqrt(6) * sympy.cbrt(2), 2 ** Rational(5, 6) * sqrt(3)),
        ((sqrt(2) - 1) * (sqrt(2) + 1) - 1, sympy.Integer(0)),
        (1 / (sqrt(N) + sqrt(2)), (sqrt(N) - sqrt(2)) / (N - 2)),
        # Logarithms and powers.
        (sympy.log(2 * N), sympy.log(2) + sympy.log(N)),
        (sympy.log(N**2 - 1), sympy.log(N - 1) + sympy.log(N + 1)),
        (sympy.log(sqrt(N) / 4), sympy.log(N) / 2 - 2 * sympy.log(2)),
        (sympy.log((1 - alpha) ** 2), 2 * sympy.log(abs(alpha - 1))),
        (sympy.log(exp(b) * N), b + sympy.log(N)),
        (exp(alpha * sympy.log(N) + b), N**alpha * exp(b)),
        (6**alpha, 2**alpha * 3**alpha),
        (4**alpha, 2 ** (2 * alpha)),
        (sqrt(N / 9**alpha + 8), sqrt(N + 8 * 9**alpha) / 3**alpha),
        (
            sqrt((N / (3**alpha * (1 + beta) ** alpha) + 1) ** 2),
            (N + (3 + 3 * beta) ** alpha) / (3 + 3 * beta) ** alpha,
        ),
        (exp(Rational(4, 7)) / (1 + exp(Rational(4, 7))), 1 - 1 / (1 + exp(Rational(2, 7)) ** 2)),
        (sympy.tanh(b), 1 - 2 / (exp(2 * b) + 1)),
    ],
)
def test_the_normal_form_is_unique(one, other):
    with over(Ranges.collect({N: Range(sympy.Integer(2), sympy.oo, whole=True)})):
        assert normal_form(one) == normal_form(other)
        assert normal_form(one - other) == 0


def test_the_root_of_a_square_is_an_absolute_value_where_a_sign_is_open():
    assert normal_form(sqrt((N - 1) ** 2)) == normal_form(sqrt((1 - N) ** 2)) == sympy.Abs(N - 1)


LETTERS = (
    *(N, alpha, b, u, v, abs(u), abs(v), abs(alpha - 1), abs(u * v), abs(u - v), sqrt(N), sqrt(N - 1), sqrt(N + 1)),
    *(sqrt(alpha * N + 1), sqrt(alpha + 1), sqrt(2), sqrt(3), sqrt(6), exp(b), exp(alpha + b), exp(-u / 2), 1 / tau),
    *(sympy.log(N), sympy.log(2 * N), sympy.log(N**2 - 1), N**alpha, 4**alpha, sqrt(u**2 + 1), sqrt(N**2 - 1)),
    *(sympy.cbrt(alpha), sympy.E, sqrt((alpha - 1) ** 2 * N)),
)


def drawn(random, letters, depth):
    if depth == 0:
        return random.choice(letters) if random.random() < 0.75 else sympy.Integer(random.choice((1, 2, 3, -1)))
    left, right = drawn(random, letters, depth - 1), drawn(random, letters, random.choice((0, depth - 1)))
    kind = random.choice("+++**-/2")
    if kind == "/":
        return left / (right + 2 + random.choice(letters) ** 2)
    return {"+": left + right, "*": left * right, "-": left - right, "2": left**2}[kind]


def rewritten(random, value, letters):
    """The same function: multiplied through, by a conjugate of its denominator too, or with something added."""
    other = drawn(random, letters, 1)
    above, below = sympy.fraction(sympy.together(value))
    letter = random.choice([one for one in letters if not one.is_Symbol] or [sqrt(N)])
    conjugate = below.subs(letter, -letter)
    return random.choice(
        (
            sympy.expand(above * (other**2 + 1)) / sympy.expand(below * (other**2 + 1)),
            sympy.expand(above * conjugate) / sympy.expand(below * conjugate) if conjugate != 0 else value,
            sympy.expand(value),
            sympy.together(value + other) - other,
            value * (other + 1) - sympy.expand(value * other),
        )
    )


@pytest.mark.parametrize("seed", range(60))
def test_random_pairs(seed):
    random = Random(seed)
    letters = random.sample(LETTERS, 2)
    value = drawn(random, letters, random.choice((1, 2, 2)))
    form, other = normal_form(value), rewritten(random, value, letters)
    assert normal_form(form) == form
    for _ in range(4):
        place = {N: Rational(random.randrange(20, 60), 7), alpha: Rational(random.randrange(12, 40), 11)}
        place |= {one: Rational(random.randrange(1, 40), 9) for one in (b, tau)}
        place |= {one: Rational(random.randrange(-40, 40), 13) + Rational(1, 99) for one in (u, v)}
        here, there = (sympy.N(one.subs(place), 30) for one in (value, form))
        assert abs(here - there) <= 1e-20 * (1 + abs(here))
    if not other.has(sympy.nan, sympy.zoo):
        assert normal_form(other) == form
        assert normal_form(other - value) == 0
        assert normal_form(other + 1 / (N + 10**6)) != form


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (sqrt(u**2), u),
        (abs(u) + abs(v), abs(u + v)),
        (1 / (1 + abs(u)), 1 / (1 + u)),
        (sqrt((alpha - 1) ** 2), alpha - 1),
        (sympy.log(u**2), 2 * sympy.log(u)),
        (sqrt(2) + sqrt(3), sqrt(5)),
        (sqrt(N + 1), sqrt(N) + 1),
        (sympy.log(N + 1), sympy.log(N)),
        (exp(alpha * b), exp(alpha) * exp(b)),
        (sqrt(sqrt(2) - 1), 1 - sqrt(2)),
    ],
)
def test_what_differs_stays_apart(one, other):
    assert normal_form(one) != normal_form(other)
    assert normal_form(one - other) != 0


def test_a_form_has_no_pole_of_its_own_where_the_sign_of_what_is_inside_changes():
    form = normal_form((1 - abs(u)) / (1 - u**2))
    assert [form.subs(u, place) for place in (-1, 0, 1)] == [Rational(1, 2), 1, Rational(1, 2)]


@pytest.mark.parametrize("mutant", ["_conjugate", "_meeting", "_joined"])
def test_a_wrong_form_is_found_out(mutant, monkeypatch):
    wrong = {
        "_conjugate": lambda value, *_: value.ring.one,
        "_meeting": lambda *_: None,
        "_joined": lambda parts, _: parts[0],
    }[mutant]
    monkeypatch.setattr(branches, mutant, wrong)
    pairs = [
        (1 / (1 + abs(u)), (1 - abs(u)) / (1 - u**2)),
        (1 / (1 + sqrt(alpha * N + 1)), (sqrt(alpha * N + 1) - 1) / (alpha * N)),
        (abs(u), u),
    ]
    right = [True, True, False]
    found = [normal_form(left) == normal_form(right) for left, right in pairs]
    pole = normal_form(pairs[0][0]).subs(u, 1) != Rational(1, 2)
    assert found != right or pole


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
