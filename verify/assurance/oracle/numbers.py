"""The numbers that SymPy's expressions stand for, as fractions.

Rational numbers are themselves and parameters have given values. e and the logarithms of numbers are not fractions:
rational numbers stand for them that obey e^(p + q) = e^p e^q, log(p q) = log p + log q for the primes in `_PRIMES`, and
log e = 1. An identity that holds by these rules alone, as those of an expansion do, holds between the stand-ins; one
that does not would need a coincidence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import lcm, prod

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
        if expression.is_Rational:
            return Fraction(int(expression.p), int(expression.q))
        if expression.is_Symbol:
            return self.values[expression.name]
        if expression.is_Add:
            return sum(map(self.of, expression.args), Fraction(0))
        if expression.is_Mul:
            return self._product(expression.args)
        if expression is sympy.E:
            return exponential(Fraction(1))
        if isinstance(expression, sympy.exp):
            return exponential(self.of(expression.args[0]))
        if isinstance(expression, sympy.log):
            return logarithm(self.of(expression.args[0]))
        if isinstance(expression, sympy.Abs):
            return abs(self.of(expression.args[0]))
        if expression.is_Pow:
            return power(*map(self.of, expression.args))
        message = f"no fraction is known for {expression}"
        raise InexactError(message)

    def _product(self, factors: Sequence[sympy.Expr]) -> Fraction:
        """The product; roots may be a fraction together though none is one, as √2 √(8 · 4ᵖ + 1) at p = −3/2."""
        product, roots = Fraction(1), []
        for factor in factors:
            if factor.is_Pow:
                base, exponent = map(self.of, factor.args)
                if exponent.denominator > 1 and base > 0:
                    roots.append((base, exponent))
                else:
                    product *= power(base, exponent)
            else:
                product *= self.of(factor)
        degree = lcm(*(exponent.denominator for _, exponent in roots))
        under = prod((base ** int(exponent * degree) for base, exponent in roots), start=Fraction(1))
        return product * power(under, Fraction(1, degree))


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
