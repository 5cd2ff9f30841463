"""The numbers that SymPy's expressions stand for, as fractions.

Rational numbers are themselves and parameters have given values. e and the logarithms of numbers are not fractions:
rational numbers stand for them that obey e^(p + q) = e^p e^q, log(p q) = log p + log q for the primes in `_PRIMES`, and
log e = 1. An identity that holds by these rules alone, as those of an expansion do, holds between the stand-ins; one
that does not would need a coincidence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce
from math import lcm
from operator import mul

import sympy

# e^(1/ROOTS) is a prime that occurs nowhere else.
_ROOT_OF_E, _ROOTS = 1009, 12
_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)


class InexactError(ValueError):
    """A number for which there is no fraction, such as the root of 2."""


class Numbers:
    """SymPy's expressions as fractions.

    Args:
        values: of the parameters, by name.

    >>> N, tau = sympy.symbols("N tau")
    >>> Numbers({"N": Fraction(3), "tau": Fraction(1, 2)}).of((N - 1) / (N * tau))
    Fraction(4, 3)
    >>> Numbers({"N": Fraction(8)}).of(sympy.sqrt(2) * sympy.sqrt(N) / 3)
    Fraction(4, 3)

    """

    def __init__(self, values: Mapping[str, Fraction]) -> None:
        self.values = values

    def of(self, expression: sympy.Expr) -> Fraction:
        """The value.

        Raises:
            InexactError: it is not a fraction.

        """
        return self._rooted(expression).fraction()

    def _rooted(self, expression: sympy.Expr) -> Rooted:
        """The value as a fraction times a root: factors and terms may be a fraction together though none is one."""
        if expression.is_Rational:
            return Rooted(Fraction(int(expression.p), int(expression.q)))
        if expression.is_Symbol:
            return Rooted(self.values[expression.name])
        if expression.is_Add:
            return _sum([self._rooted(term) for term in expression.args])
        if expression.is_Mul:
            return reduce(mul, map(self._rooted, expression.args))
        if expression is sympy.E:
            return Rooted(exponential(Fraction(1)))
        if isinstance(expression, sympy.exp):
            return Rooted(exponential(self.of(expression.args[0])))
        if isinstance(expression, sympy.log):
            return Rooted(logarithm(self.of(expression.args[0])))
        if isinstance(expression, sympy.Abs):
            return Rooted(abs(self.of(expression.args[0])))
        if expression.is_Pow:
            base, exponent = expression.args
            return self._rooted(base) ** self.of(exponent)
        message = f"no fraction is known for {expression}"
        raise InexactError(message)


@dataclass(frozen=True)
class Rooted:
    """``factor · under^(1/degree)``, with ``under`` > 0."""

    factor: Fraction
    under: Fraction = Fraction(1)
    degree: int = 1

    def __mul__(self, other: Rooted) -> Rooted:
        """The product, under one root."""
        degree = lcm(self.degree, other.degree)
        under = self.under ** (degree // self.degree) * other.under ** (degree // other.degree)
        return Rooted(self.factor * other.factor, under, degree)

    def __pow__(self, exponent: Fraction) -> Rooted:
        """The power."""
        if self.factor == 0 and exponent < 0:
            message = "a division by zero"
            raise InexactError(message)
        if exponent.denominator == 1:
            return Rooted(self.factor**exponent.numerator, self.under**exponent.numerator, self.degree)
        if self.factor <= 0:
            message = f"the root of degree {exponent.denominator} of {self.factor} is not taken"
            raise InexactError(message)
        under = (self.factor**self.degree * self.under) ** exponent.numerator
        return Rooted(Fraction(1), under, self.degree * exponent.denominator)

    def fraction(self) -> Fraction:
        """The value.

        Raises:
            InexactError: it is not a fraction.

        """
        return self.factor * power(self.under, Fraction(1, self.degree)) if self.factor else Fraction(0)


def _sum(terms: Sequence[Rooted]) -> Rooted:
    """The sum, of terms whose ratios are fractions."""
    terms = [term for term in terms if term.factor]
    if not terms:
        return Rooted(Fraction(0))
    first = replace(terms[0], factor=Fraction(1))
    return replace(first, factor=sum(((term * first ** Fraction(-1)).fraction() for term in terms), Fraction(0)))


def exponential(argument: Fraction) -> Fraction:
    """What stands for e^argument.

    >>> exponential(Fraction(1, 2)) ** 2 == exponential(Fraction(1)), exponential(Fraction(0))
    (True, Fraction(1, 1))
    """
    exponent = argument * _ROOTS
    if exponent.denominator != 1:
        message = f"exp({argument}) takes multiples of 1/{_ROOTS} alone"
        raise InexactError(message)
    return Fraction(_ROOT_OF_E) ** exponent.numerator


def logarithm(argument: Fraction) -> Fraction:
    """What stands for log(argument).

    >>> logarithm(Fraction(6)) == logarithm(Fraction(2)) + logarithm(Fraction(3)), logarithm(exponential(Fraction(2)))
    (True, Fraction(2, 1))
    """
    if argument <= 0:
        message = f"log({argument}) is not real"
        raise InexactError(message)
    return _of_whole(argument.numerator) - _of_whole(argument.denominator)


def power(base: Fraction, exponent: Fraction) -> Fraction:
    """base^exponent, where that is a fraction.

    >>> power(Fraction(4, 9), Fraction(-3, 2))
    Fraction(27, 8)
    """
    if exponent.denominator == 1:
        if base == 0 and exponent < 0:
            message = "a division by zero"
            raise InexactError(message)
        return base**exponent.numerator
    root = Fraction(_root(base.numerator, exponent.denominator), _root(base.denominator, exponent.denominator))
    return root**exponent.numerator


def _of_whole(number: int) -> Fraction:
    found = Fraction(0)
    for prime, stand_in in ((_ROOT_OF_E, Fraction(1, _ROOTS)), *((p, Fraction(p * p + 1, 101)) for p in _PRIMES)):
        while number % prime == 0:
            number //= prime
            found += stand_in
    # Anything will do, as long as it is the same for the same number and 0 for 1.
    return found + Fraction((number - 1) % 1_000_003, 103)


def _root(number: int, degree: int) -> int:
    low, high = 0, 1 << (number.bit_length() // degree + 1) if number > 0 else 0
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**degree <= number else (low, middle - 1)
    if low**degree != number or number <= 0:
        message = f"the root of degree {degree} of {number} is not a whole number"
        raise InexactError(message)
    return low
