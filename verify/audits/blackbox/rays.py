"""Taylor coefficients of a function along rays, from its values alone.

Along t·u the loss is interpolated at Chebyshev points of an interval [−r, r]: exact for polynomials, and with an error
that the last coefficients show for anything that is analytic around the interval. Derivatives of order k lose a factor
r^−k to rounding, so the best r is the largest at which the series has converged.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from verify.truths import many
from verify.truths.function import BlackBox

Array = NDArray[np.float64]
Function = Callable[[Array], float]

# The relative error of one value.
DOUBLE, SINGLE = 2e-16, 6e-8
POINTS = 20
# The rounding of one value in units of the last coefficients, where these are only rounding: for an even function,
# whose values come in equal pairs, a coefficient has √(4/20) of it. Two of the last four count, hence three times that.
SEEN = 3 * 5**0.5
# How much narrower than the widest interval the best one may be.
NARROWEST = 8
RADII = tuple(2.0**-k for k in range(-2, 14))


@dataclass(frozen=True, eq=False)
class Ray:
    """A function along one ray.

    Attributes:
        coefficients: (K + 1,), of t^0, …, t^K.
        errors: (K + 1,), estimated.
        radius: r.
        settled: whether the series had converged at that radius.

    """

    coefficients: Array
    errors: Array
    radius: float
    settled: bool


def along(function: Function, direction: Array, radius: float, *, order: int = 6, rounding: float = DOUBLE) -> Ray:
    """The Taylor coefficients of t → function(t·direction) through an order.

    Args:
        function: of embeddings.
        direction: any shape that the function takes.
        radius: of the interval.
        order: of the highest coefficient.
        rounding: the relative error of one value, 6e-8 for a function in single precision.

    """
    return from_values(_values(function, radius * _nodes(), direction), radius, order=order, rounding=rounding)


def each(box: BlackBox, directions: Array, radius: float, *, order: int, rounding: float) -> list[Ray]:
    """The same of a black box along several directions (B, 2, N, d)."""
    points = radius * _nodes()[:, None, None, None, None] * directions
    found = many.values(box, points.reshape(-1, *directions.shape[1:])).reshape(POINTS, -1)
    return [from_values(values, radius, order=order, rounding=rounding) for values in found.T]


def from_values(values: Array, radius: float, *, order: int, rounding: float) -> Ray:
    """The same from values at the nodes of the interval, (20,)."""
    if not np.isfinite(values).all():
        nothing = np.full(order + 1, np.nan)
        return Ray(nothing, nothing, radius, settled=False)
    series = _fit() @ values
    scale = float(np.abs(values - values.mean()).max()) + rounding * float(np.abs(values).max())
    # The truncated tail is assumed to fall as the last coefficients do.
    before, tail = (float(np.abs(series[at]).max()) for at in (slice(-8, -4), slice(-4, None)))
    cut_off = tail * min(1.0, tail / before) if before else 0.0
    noise = rounding * float(np.abs(values).max())
    to_powers = _powers()[: order + 1]
    weights = np.abs(to_powers).max(1)
    lost = np.sqrt((to_powers**2).sum(1) / POINTS)
    powers = radius ** -np.arange(order + 1.0)
    # A loss takes many operations, each with its rounding, on numbers that may be larger than the result: the log of a
    # mean near 1 has the rounding error of that mean, which the last coefficients show.
    errors = (2 * cut_off * weights + max(20 * noise, 2 * SEEN * tail) * lost) * powers
    return Ray((to_powers @ series) * powers, errors, radius, settled=tail <= max(1e-9 * scale, 20 * noise))


def series(function: Function, direction: Array, radius: float) -> Array:
    """The coefficients in Chebyshev polynomials of t/radius, (20,)."""
    return np.asarray(_fit() @ _values(function, radius * _nodes(), direction))


def radii(
    function: Function, direction: Array, *, order: int, rounding: float = DOUBLE, largest: float = RADII[0]
) -> tuple[float, float] | None:
    """The best radius for the coefficient of an order along a ray, and the widest at which the series converges.

    The best has the smallest estimated error. Where the function vanishes to a higher order than that, ever narrower
    intervals would seem better; an eighth of the widest is as narrow as it gets, and none narrower is tried.

    Args:
        function: of embeddings.
        direction: of the ray.
        order: of the coefficient.
        rounding: the relative error of one value.
        largest: the largest radius to try.

    Returns:
        (best, widest); None where none converges.

    >>> radii(lambda z: float(z**6), np.array(1.0), order=4)
    (0.5, 4.0)
    """
    found: list[tuple[float, float]] = []
    for radius in (one for one in RADII if one <= largest):
        if found and radius < found[0][1] / NARROWEST:
            break
        ray = along(function, direction, radius, order=order, rounding=rounding)
        if ray.settled:
            found.append((float(ray.errors[order]), radius))
        elif found:
            # It had converged on a wider interval: a narrower one only has more noise.
            break
    if not found:
        return None
    # Along a ray of zeros every error is zero: the widest is as good as any, and better for other rays.
    return min(found, key=lambda one: (one[0], -one[1]))[1], found[0][1]


def _values(function: Function, ts: Array, direction: Array) -> Array:
    """The function at each t·direction."""
    if isinstance(function, BlackBox):
        return many.values(function, ts[:, None, None, None] * direction)
    return np.array([function(t * direction) for t in ts])


@cache
def _nodes() -> Array:
    return np.asarray(chebyshev.chebpts1(POINTS))


@cache
def _fit() -> Array:
    """Values at the nodes → Chebyshev coefficients."""
    table = chebyshev.chebvander(_nodes(), POINTS - 1).T
    table = table * (2.0 / POINTS)
    table[0] /= 2
    return np.asarray(table)


@cache
def _powers() -> Array:
    """Chebyshev coefficients → coefficients of powers of t/r."""
    matrix = np.zeros((POINTS, POINTS))
    for k in range(POINTS):
        unit = np.zeros(k + 1)
        unit[k] = 1.0
        matrix[: k + 1, k] = chebyshev.cheb2poly(unit)
    return matrix
