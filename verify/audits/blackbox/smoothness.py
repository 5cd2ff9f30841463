"""How smooth a function is at 0, from its values: along rays, between rays, and by the powers of t that it shows.

Along a ray, an analytic function has a Chebyshev series that converges fast. Between rays, the coefficient of t^k of a
function that is k times differentiable is a polynomial of degree k in the direction: |z| |w| is c t² on each ray but
not a quadratic form. Where neither holds, the powers of t in the even and the odd part distinguish |t| from t², and
t|t| from t³.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from verify.audits.blackbox import rays
from verify.audits.blackbox.rays import Function

Array = NDArray[np.float64]
# The fewest halvings of t that show a power of t.
POINTS = 4
# How far above rounding a difference has to be to count.
ABOVE = 30.0
HALVINGS = 44
ANGLES = 11


def dense(rng: np.random.Generator, N: int, d: int, count: int) -> list[Array]:
    """Random unit directions in which everything moves, (2, N, d) each."""
    drawn = rng.standard_normal((count, 2, N, d))
    return list(drawn / np.sqrt((drawn**2).sum((1, 2, 3), keepdims=True)))


def sparse(N: int, d: int) -> list[Array]:
    """Unit directions along which most data stay at 0, and so coincide, (2, N, d) each.

    One datum in both views, and with opposite signs; one view of one datum; two data together; one whole view.
    """
    found = []
    for places in (
        [(0, 0, 1), (1, 0, 1)],
        [(0, 0, 1), (1, 0, -1)],
        [(0, 0, 1)],
        [(1, N - 1, 1)],
        [(0, 0, 1), (1, 1, 1)],
    ):
        z = np.zeros((2, N, d))
        for view, datum, sign in places:
            z[view, datum, 0] = sign
        found.append(z / np.sqrt(len(places)))
    z = np.zeros((2, N, d))
    z[0, :, d - 1] = 1 / np.sqrt(N)
    return [*found, z]


def reach(function: Function, direction: Array, radius: float, rounding: float) -> float:
    """The approximate radius of convergence along a ray, from how fast the coefficients at a radius fall.

    A singularity at ±iR makes them fall as ρ^−k with R = r (ρ − 1/ρ)/2. The result is at least the radius itself.
    """
    series = rays.series(function, direction, radius)
    size = np.abs(series[1:])
    seen = np.flatnonzero(size > max(ABOVE * rounding * float(np.abs(series).max()), 1e-300))
    if len(seen) < 3:
        return max(radius, 1.0)
    slope = np.polyfit(seen, np.log(size[seen]), 1)[0]
    rho = float(np.exp(min(max(-slope, 0.0), 50.0)))
    return max(radius, radius * (rho - 1 / rho) / 2)


@dataclass(frozen=True)
class Misfit:
    """The lowest order whose coefficient is not a polynomial of the direction.

    Attributes:
        order: k, None where every order through 4 is a polynomial.
        residual: the largest distance from the polynomials, relative to the largest term of the series at the radius.

    """

    order: int | None
    residual: float


def between_rays(function: Function, u: Array, v: Array, radius: float, rounding: float, order: int = 4) -> Misfit:
    """Whether the coefficients of t^0, …, t^order are polynomials of the direction, in the plane of u and v.

    Args:
        function: of embeddings (2, N, d).
        u: a unit direction.
        v: another, not parallel to it.
        radius: one at which the series converges along each ray.
        rounding: the relative error of a value.
        order: the highest to test.

    >>> u, v = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    >>> between_rays(lambda z: float(z[0] * z[1] + z[1] ** 4), u, v, 1.0, 2e-16).order
    >>> between_rays(lambda z: float(abs(z[0] * z[1]) + z[1] ** 4), u, v, 1.0, 2e-16).order
    2
    """
    v = v - (u * v).sum() * u
    v = v / np.sqrt((v**2).sum())
    angles = np.pi * (np.arange(ANGLES) + 0.3) / ANGLES
    found = [
        rays.along(function, np.cos(a) * u + np.sin(a) * v, radius, order=order, rounding=rounding) for a in angles
    ]
    values = np.array([ray.coefficients for ray in found])
    errors = np.array([ray.errors for ray in found])
    if not np.isfinite(values).all():
        return Misfit(0, np.inf)
    size = float((np.abs(values) * radius ** np.arange(order + 1.0)).max())
    worst, first = 0.0, None
    for k in range(order + 1):
        powers = np.stack([np.cos(angles) ** (k - a) * np.sin(angles) ** a for a in range(k + 1)], axis=1)
        left = values[:, k] - powers @ np.linalg.lstsq(powers, values[:, k], rcond=None)[0]
        distance = float(np.abs(left).max())
        allowed = 10 * float(errors[:, k].max()) + max(1e-8, 100 * rounding) * size * radius**-k
        if distance > allowed and first is None:
            first = k
        worst = max(worst, distance * radius**k / size if size else 0.0)
    return Misfit(first, worst)


@dataclass(frozen=True)
class Powers:
    """The behaviour of a function at ever smaller t.

    Attributes:
        broken: the lowest power of |t| that no smooth function has there: 1 for |t|, 2 for t|t|, 3 for |t|³, about 0
            for a jump; None where none is seen.
        scale: the t beyond which the second difference departs from t² by a factor of two; None where it does not, or
            where it is never t².

    """

    broken: float | None
    scale: float | None


def powers(function: Function, direction: Array, rounding: float, order: int = 4) -> Powers:
    """The powers of t in the even and the odd part of t → function(t·direction), at t = 1, ½, ¼ and so on.

    Args:
        function: takes what has the direction's shape.
        direction: of the ray.
        rounding: the relative error of a value.
        order: even; the powers of t that a smooth function has are removed through this one.

    >>> one = np.array(1.0)
    >>> [round(powers(f, one, 2e-16).broken or 0) for f in (lambda t: 1 + abs(t), lambda t: t * abs(t) + t, np.exp)]
    [1, 2, 0]
    >>> powers(lambda t: np.sqrt(t * t + 1e-4), one, 2e-16).scale
    0.03125
    """
    t: Array = np.ldexp(1.0, -np.arange(HALVINGS))
    ahead = np.array([function(x * direction) for x in t])
    behind = np.array([function(-x * direction) for x in t])
    at_zero = function(0 * direction)
    noise = 4 * rounding * np.maximum(np.maximum(np.abs(ahead), np.abs(behind)), abs(at_zero))
    even, odd = ahead + behind - 2 * at_zero, ahead - behind
    if not np.isfinite(even).all():
        return Powers(None, None)
    seen = [
        one
        for one in (_broken(even, noise, range(2, order + 1, 2)), _broken(odd, noise, range(1, order, 2)))
        if one is not None
    ]
    return Powers(min(seen, default=None), _scale(even, noise, t))


def _visible(part: Array, noise: Array) -> int:
    """The number of values, from the largest t on, above rounding without a gap (the first ones may vanish)."""
    clear = np.abs(part) > ABOVE * noise
    if not clear.any():
        return 0
    start = int(np.argmax(clear))
    gaps = np.flatnonzero(~clear[start:])
    return start + (int(gaps[0]) if len(gaps) else len(clear) - start)


def _broken(part: Array, noise: Array, smooth: Sequence[int]) -> float | None:
    """The first power that is not one of a smooth function's; each of those is eliminated as it is met."""
    for k in smooth:
        end = _visible(part, noise)
        if end < POINTS + 1:
            return None
        slopes = np.log2(np.abs(part[end - POINTS - 1 : end - 1]) / np.abs(part[end - POINTS : end]))
        power = float(np.median(slopes))
        if np.abs(slopes - power).max() > 0.25:
            return None
        if power < k - 0.25:
            return power
        if power < k + 0.5:
            part, noise = part[:-1] - 2.0**k * part[1:], noise[:-1] + 2.0**k * noise[1:]
    return None


def _scale(even: Array, noise: Array, t: Array) -> float | None:
    end = _visible(even, noise)
    if end < POINTS + 1:
        return None
    ratio = even[:end] / t[:end] ** 2
    limit = float(np.median(ratio[end - POINTS :]))
    if np.abs(ratio[end - POINTS :] / limit - 1).max() > 0.2:
        return None
    departed = np.flatnonzero((ratio / limit < 0.5) | (ratio / limit > 2.0))
    return float(t[departed[-1]]) if len(departed) else None


def name_of(power: float) -> str:
    """A fitted power in words: ``name_of(1.003)`` is |t|."""
    nearest = round(power * 12) / 12
    if nearest in (1.0, 2.0):
        return "|t|" if nearest == 1 else "t|t|"
    return f"|t|^{nearest:.3g}"
