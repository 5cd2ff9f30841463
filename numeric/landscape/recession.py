"""Recession in numbers: the constants of finite samples, growth rates along one row of W, and their thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import mpmath
import sympy

from derive.errors import InputError
from derive.landscape.logarithms import NEAREST
from derive.landscape.recession import Recession
from numeric.landscape.closed_form import number
from numeric.landscape.exact_modes import exact_number, substitution


@lru_cache(maxsize=256)
def nearest_square(n: int, dps: int = 15) -> Any:
    """m_n = E min_{k ≤ n} (ξ0 − ξk)², ξ independent and standard normal.

    Given ξ0 = x, P(|x − ξ| > u) = 1 − Φ(x + u) + Φ(x − u), and E min² = ∫ 2u P(|x − ξ| > u)^n du. The integral over x
    is a trapezoidal sum, its step halved until it settles.

    >>> print(mpmath.nstr(nearest_square(1), 15), mpmath.nstr(nearest_square(2) / (1 - mpmath.sqrt(3) / mpmath.pi), 15))
    2.0 2.0
    """
    _check_sample(n)
    with mpmath.workdps(dps + 5):
        reach = mpmath.sqrt(2 * (dps + 5) * mpmath.log(10)) + 1

        def inner(x: Any) -> Any:
            def tail(u: Any) -> Any:
                away = mpmath.erfc((u - x) / mpmath.sqrt(2)) + mpmath.erfc((u + x) / mpmath.sqrt(2))
                return 2 * u * (away / 2) ** n

            return mpmath.npdf(x) * mpmath.quad(tail, [0, x + 1, x + reach], method="gauss-legendre")

        return _trapezoid(inner, reach, mpmath.mpf(10) ** (-dps / 2))


@lru_cache(maxsize=256)
def largest_normal(n: int, views: int = 1, correlation: Any = 0, dps: int = 15) -> Any:
    """M = E max of n · views standard normals, where the views of one datum have the given correlation.

    With F the distribution function of the largest of a datum's views, E max = ∫_0^∞ 1 − F(x)^n − F(−x)^n dx. For two
    views F(x) = Φ(x) − 2 T(x, √((1 − ρ)/(1 + ρ))), with T Owen's function.

    Raises:
        InputError: more than two views, or a correlation outside [0, 1].

    >>> print(mpmath.nstr(largest_normal(2) * mpmath.sqrt(mpmath.pi), 15))
    1.0

    """
    _check_sample(n)
    if views not in (1, 2) or not 0 <= correlation <= 1:
        message = f"views = {views}, correlation = {correlation}: one or two views, of a correlation between 0 and 1"
        raise InputError(message)
    with mpmath.workdps(dps + 5):
        rho = mpmath.mpf(correlation)
        ratio = mpmath.sqrt((1 - rho) / (1 + rho))

        def below(x: Any) -> Any:
            if views == 1:
                return mpmath.ncdf(x)
            owen = mpmath.quad(
                lambda t: mpmath.exp(-(x**2) * (1 + t**2) / 2) / (1 + t**2), [0, ratio], method="gauss-legendre"
            )
            return mpmath.ncdf(x) - owen / mpmath.pi

        reach = mpmath.sqrt(2 * (dps + 5) * mpmath.log(10)) + 2
        return mpmath.quad(lambda x: 1 - below(x) ** n - below(-x) ** n, [0, 2, 5, reach], method="gauss-legendre")


def recession_rate(
    recession: Recession, a: object, c: object, parameters: Mapping[str, object] | None = None, *, dps: int = 15
) -> Any:
    """lim L(tW)/t² for a W of one row w along a mode with wᵀΣw = 1: below zero the loss runs away to −∞.

    Raises:
        InputError: no rate is known for this loss, or a parameter is missing, unknown or not a number.

    """
    if recession.rate is None:
        raise InputError(f"no rate is known along one direction: {recession.reason}")
    put = substitution(recession.rate, a, c, parameters)
    rate = recession.rate.xreplace(put)
    with mpmath.workdps(dps + 5):
        values = {}
        for part in rate.atoms(sympy.Function):
            numbers = [sympy.simplify(one) for one in part.args]
            found = (
                nearest_square(int(numbers[0]), dps)
                if part.func == NEAREST
                else largest_normal(int(numbers[0]), int(numbers[1]), number(numbers[2]), dps)
            )
            values[part] = sympy.Float(found, dps + 5)
        return number(rate.xreplace(values))


def runaway_threshold(recession: Recession, parameters: Mapping[str, object] | None = None, *, dps: int = 15) -> Any:
    """The value of c/(a + c) at which the rate along one direction changes sign; None without such a value in (0, 1).

    >>> from derive import catalogue
    >>> from derive.landscape.recession import recession
    >>> half = runaway_threshold(recession(catalogue("weighted-infonce").set({"alpha": 0})), {"N": 8})
    >>> print(mpmath.nstr(half, 8), mpmath.nstr(nearest_square(7) / 2, 8))
    0.096041897 0.096041897

    """
    with mpmath.workdps(dps + 5):

        def rate(r: Any) -> Any:
            exact = exact_number("r", r)
            return recession_rate(recession, 1 - exact, exact, parameters, dps=dps)

        edge = mpmath.mpf(10) ** -dps
        if rate(edge) * rate(1 - edge) >= 0:
            return None
        return mpmath.findroot(rate, (edge, 1 - edge), solver="anderson", tol=mpmath.mpf(10) ** (-2 * dps + 2))


def _check_sample(n: int) -> None:
    if n < 1:
        message = f"n = {n}: a sample has one draw or more"
        raise InputError(message)


def _trapezoid(inner: Any, reach: Any, tolerance: Any) -> Any:
    """2∫_0^reach of an even function, the step halved until the sum settles.

    For an entire function that falls off like a Gaussian each halving at least doubles the number of correct digits,
    so it suffices that a change is below the square root of the tolerance.
    """
    step = mpmath.mpf(1) / 2
    total = inner(mpmath.mpf(0)) + 2 * mpmath.fsum(inner(k * step) for k in range(1, int(reach / step) + 1))
    while True:
        between = 2 * mpmath.fsum(inner((k + mpmath.mpf(1) / 2) * step) for k in range(int(reach / step) + 1))
        new = (total + between) * step / 2
        if abs(new - total * step) < tolerance:
            return new
        total, step = total + between, step / 2
