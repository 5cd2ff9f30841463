"""Polynomials in numbered variables with exact coefficients: integers over one common denominator.

A monomial is one integer: the exponent of variable k stands in its bits from `BITS`·k on, so a product of monomials is
a sum of integers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from math import gcd, lcm

# Exponents stay below 2^BITS: the order in W is at most 31.
BITS = 5
HIGHEST_ORDER = (1 << BITS) - 1


class Polynomial:
    """A sum of integer × monomial, over a denominator.

    >>> x, y = Polynomial.variable(0), Polynomial.variable(1)
    >>> total([(Fraction(1, 2), x, x), (Fraction(-1), x, y)]).coefficients()
    {2: Fraction(1, 2), 33: Fraction(-1, 1)}
    """

    __slots__ = ("denominator", "terms")

    def __init__(self, terms: dict[int, int], denominator: int = 1) -> None:
        self.terms = terms
        self.denominator = denominator

    @classmethod
    def constant(cls, value: Fraction | int) -> Polynomial:
        """A number."""
        value = Fraction(value)
        return cls({0: value.numerator} if value else {}, value.denominator)

    @classmethod
    def variable(cls, number: int) -> Polynomial:
        """A variable."""
        return cls({1 << BITS * number: 1})

    def __bool__(self) -> bool:
        """Whether any term is left."""
        return bool(self.terms)

    def coefficients(self) -> dict[int, Fraction]:
        """Monomials and their coefficients."""
        return {monomial: Fraction(value, self.denominator) for monomial, value in self.terms.items()}

    def value(self) -> Fraction:
        """The number that a polynomial without variables is."""
        if self.terms.keys() - {0}:
            message = "variables are left in what should be a number"
            raise AssertionError(message)
        return Fraction(self.terms.get(0, 0), self.denominator)


ZERO = Polynomial({})
ONE = Polynomial({0: 1})


def total(products: Iterable[tuple[Fraction | int, Polynomial, Polynomial]]) -> Polynomial:
    """The sum of number × polynomial × polynomial."""
    parts = [(Fraction(number), p, q) for number, p, q in products if number and p and q]
    if not parts:
        return ZERO
    denominator = lcm(*(number.denominator * p.denominator * q.denominator for number, p, q in parts))
    terms: dict[int, int] = {}
    for number, p, q in parts:
        factor = number.numerator * (denominator // (number.denominator * p.denominator * q.denominator))
        small, large = (p, q) if len(p.terms) < len(q.terms) else (q, p)
        for one, value in small.terms.items():
            scaled = value * factor
            for other, more in large.terms.items():
                product = one + other
                terms[product] = terms.get(product, 0) + scaled * more
    return reduced({monomial: value for monomial, value in terms.items() if value}, denominator)


def reduced(terms: dict[int, int], denominator: int) -> Polynomial:
    """The fraction in lowest terms."""
    common = gcd(denominator, *terms.values())
    if common == 1:
        return Polynomial(terms, denominator)
    return Polynomial({monomial: value // common for monomial, value in terms.items()}, denominator // common)


def factors(monomial: int) -> Iterator[tuple[int, int]]:
    """The variables of a monomial and their exponents.

    >>> list(factors((3 << 5) + (1 << 15)))
    [(1, 3), (3, 1)]
    """
    while monomial:
        lowest = (monomial & -monomial).bit_length() - 1
        number = lowest // BITS
        exponent = monomial >> BITS * number & HIGHEST_ORDER
        yield number, exponent
        monomial -= exponent << BITS * number
