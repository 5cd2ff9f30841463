"""Taylor coefficients of an even curve at 0, from nothing but its values at real points.

L(t) = c₀ + c₂ t² + c₄ t⁴ + … is a polynomial in s = t² through Chebyshev points of [0, h²], which is then read off in
powers of s. A loss that has odd orders too is made even first, (L(t) + L(−t))/2. Any function of real numbers will
do: no complex argument, no derivative.

The reach h is found: where halving it changes nothing, the orders left out do not matter, and it is as large as that
allows, since rounding enters c₄ by 1e-16/h⁴.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from derive import InputError

Array = NDArray[np.float64]

POINTS = 8
# How closely the coefficients from h and from h/2 have to agree, relative to their size.
SETTLED = 1e-5
HALVINGS = 30


@dataclass(frozen=True, eq=False)
class Coefficients:
    """The coefficients of t² and t⁴ of several curves at once.

    Attributes:
        second: (…).
        fourth: (…).
        reach: the largest t used.
        error: how far halving the reach moved c₄, relative to its size: the effect of rounding and of further orders.
    """

    second: Array
    fourth: Array
    reach: float
    error: float


def even_coefficients(curve: Callable[[float], Array], start: float = 1.0) -> Coefficients:
    """The coefficients of t² and t⁴ of the even part of curves.

    Args:
        curve: t ↦ the values (…) of all curves.
        start: the largest t to be tried.

    Raises:
        InputError: no reach is found at which they settle.

    >>> found = even_coefficients(lambda t: np.array([np.cos(t), t + 2 * t**4]))
    >>> found.second.round(8) + 0.0, found.fourth.round(6)
    (array([-0.5,  0. ]), array([0.041667, 2.      ]))

    """
    best: Coefficients | None = None
    before, reach = _fitted(curve, start), start
    for _ in range(HALVINGS):
        here = _fitted(curve, reach / 2)
        # A quartic that is negligible compared with the quadratic, or is 0, need not settle relative to its own size.
        floor = 1e-6 * _size(here[0]) / reach**2
        moved = max(_apart(before[0], here[0], 0.0), _apart(before[1], here[1], floor))
        found = Coefficients(*before, reach, moved)
        if best is None or not np.isfinite(best.error) or found.error < best.error:
            best = found
        if found.error < SETTLED:
            return found
        if best.error < 1e-2 and found.error > 10 * best.error:
            break  # rounding has taken over
        before, reach = here, reach / 2
    if best is None or not best.error < 1e-2:
        raise InputError(
            "the loss has no Taylor coefficients at W = 0 that settle; it may be constant there, or a cusp"
        )
    return best


def _fitted(curve: Callable[[float], Array], reach: float) -> tuple[Array, Array]:
    s = reach**2 * (1 + np.cos(np.pi * (np.arange(POINTS) + 0.5) / POINTS)) / 2
    with np.errstate(all="ignore"):
        values = np.stack([(curve(t) + curve(-t)) / 2 for t in np.sqrt(s)], -1)
    # The constant would swamp the rest in rounding: take it out first, and scale s to [0, 1].
    shifted = values - values[..., -1:]
    powers = np.linalg.inv(np.vander(s / reach**2, POINTS, increasing=True))
    coefficients = shifted @ powers.T
    return coefficients[..., 1] / reach**2, coefficients[..., 2] / reach**4


def _apart(a: Array, b: Array, floor: float) -> float:
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return float("inf")
    size = max(_size(b), floor)
    return _size(a - b) / size if size else 0.0


def _size(values: Array) -> float:
    return float(np.sqrt(np.mean(values**2)))
