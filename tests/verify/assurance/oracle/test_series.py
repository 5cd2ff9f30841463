"""Functions of series and stand-ins for numbers, against SymPy's series and its numbers."""

from fractions import Fraction

import pytest
import sympy

from verify.assurance.oracle import series
from verify.assurance.oracle.numbers import InexactError, Numbers, exponential, logarithm, power
from verify.assurance.oracle.polynomial import Polynomial

t = sympy.Symbol("t")
ARGUMENT = 4 + 3 * t - t**2 / 2 + 5 * t**4
EXACT = [Polynomial.constant(ARGUMENT.coeff(t, n).p / Fraction(int(ARGUMENT.coeff(t, n).q))) for n in range(6)]


def expected(function):
    found = sympy.series(function(ARGUMENT), t, 0, 6).removeO()
    return [found.coeff(t, n) for n in range(6)]


@pytest.mark.parametrize(
    ("taylor", "function"),
    [
        (lambda: series.logarithm(5, Fraction(4), Fraction(7)), sympy.log),
        (
            lambda: series.power(5, Fraction(4), Fraction(-3, 2), Fraction(1, 8)),
            lambda one: one ** sympy.Rational(-3, 2),
        ),
        (lambda: series.exponential(5, Fraction(1)), lambda one: sympy.exp(one - 4)),
    ],
)
def test_functions_of_a_series(taylor, function):
    found = series.composed(EXACT, taylor())
    assert [sympy.Rational(one.value()) for one in found][1:] == expected(function)[1:]


def test_a_product_of_series():
    square = series.times(EXACT, EXACT)
    wanted = sympy.expand(ARGUMENT**2)
    assert [sympy.Rational(one.value()) for one in square] == [wanted.coeff(t, n) for n in range(6)]


def test_stand_ins_obey_the_rules_of_exponentials_and_logarithms():
    assert exponential(Fraction(1, 3)) ** 3 == exponential(Fraction(1))
    assert logarithm(Fraction(12, 35)) == 2 * logarithm(Fraction(2)) + logarithm(Fraction(3)) - logarithm(Fraction(35))
    assert logarithm(exponential(Fraction(-5, 4)) * 6) == logarithm(Fraction(6)) - Fraction(5, 4)
    assert power(Fraction(8, 27), Fraction(-2, 3)) == Fraction(9, 4)


def test_numbers_are_read_from_sympy():
    N, b = sympy.symbols("N b")
    numbers = Numbers({"N": Fraction(5), "b": Fraction(1, 2)})
    assert numbers.of(sympy.sqrt(N - 1) / (1 + sympy.exp(2 * b))) == 2 / (1 + exponential(Fraction(1)))
    assert numbers.of(sympy.Abs(b - 2) * sympy.E) == Fraction(3, 2) * exponential(Fraction(1))
    assert numbers.of(sympy.log(N * sympy.exp(b))) == logarithm(Fraction(5)) + Fraction(1, 2)


def test_roots_that_are_a_fraction_together_are_read():
    p, z = sympy.symbols("p z")
    numbers = Numbers({"p": Fraction(-3, 2), "z": Fraction(-2)})
    # ½, which SymPy writes as a product of two roots, neither of which is a fraction.
    assert numbers.of(sympy.sqrt(2) * sympy.sqrt(8 * sympy.Integer(2) ** (2 * p) + 1) / 4) == Fraction(1, 2)
    assert numbers.of(sympy.Integer(2) ** sympy.Rational(1, 3) * sympy.Integer(2) ** (-p * 4 / 9) / 3) == Fraction(2, 3)
    # Terms of a sum, too: (√8 + √18) / √2.
    assert numbers.of((sympy.Integer(2) ** -p + sympy.sqrt(9 - 9 * z / 2)) / sympy.sqrt(-z)) == 5
    with pytest.raises(InexactError, match="the root of degree 2 of 3 is"):
        numbers.of(sympy.sqrt(2) + sympy.sqrt(1 - z))
    # √−2 √−8 is −4 and not the root of 16.
    with pytest.raises(InexactError, match="the root of degree 2 of -"):
        numbers.of(sympy.sqrt(z) * sympy.sqrt(z - 6))


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        (sympy.sqrt(2), "the root of degree 2 of 2 is not a whole number"),
        (1 / (sympy.Symbol("z") ** 2), "a division by zero"),
        (sympy.exp(sympy.Rational(1, 7)), "exp(1/7) takes multiples of 1/12 alone"),
        (sympy.log(-sympy.Symbol("one")), "log(-1) is not real"),
        (sympy.pi, "no fraction is known for pi"),
    ],
)
def test_what_is_no_fraction_is_refused(expression, said):
    with pytest.raises(InexactError) as refused:
        Numbers({"z": Fraction(0), "one": Fraction(1)}).of(expression)
    assert str(refused.value) == said
