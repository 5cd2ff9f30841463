"""The oracle's averages against independent standard Gaussian variables, whose moments are (2k − 1)!!."""

from fractions import Fraction
from itertools import product
from math import prod

import pytest

from derive import views, white_noise
from verify.assurance.oracle.law import Law, Variables
from verify.assurance.oracle.polynomial import ONE, Polynomial, factors, total

x, x_pos, chi = views("x, x_pos, chi")
# A0 = P Pᵀ and C = Q Qᵀ, so that x = P u + Q e with u, e independent.
P = [[Fraction(1), Fraction(0)], [Fraction(2), Fraction(1)]]
Q = [[Fraction(1), Fraction(-1)], [Fraction(0), Fraction(3)]]
W = [[Fraction(1), Fraction(-2)], [Fraction(1, 2), Fraction(3)]]


def square(root):
    return [[sum(a * b for a, b in zip(u, v, strict=True)) for v in root] for u in root]


def law(**more):
    A0, C = square(P), square(Q)
    Sigma = [[a + c for a, c in zip(*rows, strict=True)] for rows in zip(A0, C, strict=True)]
    return Law(W, A0, Sigma, **more)


def through_roots(powers):
    """E of a monomial in the coordinates of f(x) and f(x_pos), by writing x = P u + Q e out."""
    u, e, e_pos = (0, 1), (2, 3), (4, 5)

    def coordinate(i, noise):
        terms = [(sum(W[i][k] * P[k][m] for k in range(2)), Polynomial.variable(u[m]), ONE) for m in range(2)]
        terms += [(sum(W[i][k] * Q[k][m] for k in range(2)), Polynomial.variable(noise[m]), ONE) for m in range(2)]
        return total(terms)

    value = ONE
    for (noise, i), power in zip(product((e, e_pos), range(2)), powers, strict=True):
        for _ in range(power):
            value = total([(1, value, coordinate(i, noise))])
    found = Fraction(0)
    for monomial, weight in value.coefficients().items():
        exponents = [exponent for _, exponent in factors(monomial)]
        if all(exponent % 2 == 0 for exponent in exponents):
            found += weight * prod(prod(range(exponent - 1, 0, -2)) for exponent in exponents)
    return found


@pytest.mark.parametrize(
    "powers", [(2, 0, 0, 0), (1, 1, 0, 0), (1, 0, 1, 0), (2, 1, 0, 3), (1, 2, 2, 1), (3, 1, 1, 1), (1, 0, 0, 0)]
)
def test_moments_of_two_views(powers):
    variables = Variables(law())
    drawn = variables.draw((x, x_pos))
    numbers = [*drawn[x], *drawn[x_pos]]
    monomial = Polynomial({sum(power << 5 * number for number, power in zip(numbers, powers, strict=True)): 1})
    assert variables.mean(monomial, numbers).value() == through_roots(powers)


def test_other_data_are_independent_and_stay_where_they_are_not_averaged():
    variables = Variables(law())
    first, second = variables.draw((x,))[x], variables.draw((chi,))[chi]
    product_ = total([(1, Polynomial.variable(first[0]), Polynomial.variable(second[0]))])
    assert not variables.mean(product_, first)
    squared = total([(1, product_, product_)])
    half = variables.mean(squared, first)
    assert list(half.terms) == [2 << 5 * second[0]]
    assert variables.mean(half, second).value() == through_roots((2, 0, 0, 0)) ** 2


def test_noise_has_the_covariance_of_the_identity():
    g = white_noise("g")
    variables = Variables(law())
    one, other = variables.draw((g,))[g]
    mixed = total([(1, Polynomial.variable(one), Polynomial.variable(other))])
    assert variables.mean(mixed, (one, other)).value() == sum(a * b for a, b in zip(*W, strict=True))


@pytest.mark.parametrize(("per", "factor"), [("datum", Fraction(3)), ("view", Fraction(1))])
def test_a_random_scale(per, factor):
    """E[s⁴] for the views of a datum together, E[s²]² for two views that have each their own."""
    scale = {1: Fraction(1, 2), 2: Fraction(1), 3: Fraction(1), 4: Fraction(3)}
    variables = Variables(law(scale=scale, per=per))
    drawn = variables.draw((x, x_pos))
    monomial = Polynomial({(2 << 5 * drawn[x][0]) + (2 << 5 * drawn[x_pos][0]): 1})
    # In units in which A0 is the covariance of two views.
    between = law().letter("A")[0][0] * (1 if per == "datum" else 4)
    within = law().letter("S")[0][0]
    found = variables.mean(monomial, (*drawn[x], *drawn[x_pos])).value()
    assert found == factor * (within**2 + 2 * between**2)
