"""Power series in t, W → tW, cut off after an order; the coefficients are polynomials.

A function of a series c + q, q of order t, is its Taylor series at c in powers of q, summed by Horner's rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from verify.assurance.oracle.polynomial import ONE, ZERO, Polynomial, total

# The coefficients of t⁰, t¹, …, t^order.
Series = list[Polynomial]


def constant(value: Fraction | int, order: int) -> Series:
    """A number."""
    return [Polynomial.constant(value), *[ZERO] * order]


def plus(summands: Sequence[Series]) -> Series:
    """The sum of one or more series."""
    return [total((1, one, ONE) for one in coefficients) for coefficients in zip(*summands, strict=True)]


def times(left: Series, right: Series) -> Series:
    """The product."""
    return [
        total((1, left[i], right[n - i]) for i in range(n + 1) if left[i] and right[n - i]) for n in range(len(left))
    ]


def scaled(series: Series, factor: Fraction | int) -> Series:
    """A multiple."""
    return [total([(factor, one, ONE)]) for one in series]


def composed(series: Series, taylor: Sequence[Fraction]) -> Series:
    """Σ taylor[n] qⁿ, where the series is c + q.

    >>> t = [ZERO, ONE, ZERO, ZERO]
    >>> [str(one.value()) for one in composed(t, exponential(3, Fraction(1)))]
    ['1', '1', '1/2', '1/6']
    """
    q = [ZERO, *series[1:]]
    lowest = next((n for n, one in enumerate(q) if one), len(q))
    result = constant(0, len(series) - 1)
    for coefficient in reversed(taylor[: (len(series) - 1) // lowest + 1]):
        result = times(result, q)
        result[0] = Polynomial.constant(coefficient)
    return result


def exponential(order: int, at_zero: Fraction) -> list[Fraction]:
    """The Taylor coefficients of exp where it is ``at_zero``."""
    found = [at_zero]
    for n in range(1, order + 1):
        found.append(found[-1] / n)
    return found


def logarithm(order: int, argument: Fraction, at_zero: Fraction) -> list[Fraction]:
    """The Taylor coefficients of log at an argument, where it is ``at_zero``."""
    return [at_zero, *(-((-1 / argument) ** n) / n for n in range(1, order + 1))]


def power(order: int, argument: Fraction, exponent: Fraction, at_zero: Fraction) -> list[Fraction]:
    """The Taylor coefficients of x ↦ x^exponent at an argument, where it is ``at_zero``: binomials."""
    found = [at_zero]
    for n in range(1, order + 1):
        found.append(found[-1] * (exponent - n + 1) / (n * argument))
    return found
