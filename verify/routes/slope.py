"""The power with which a remainder falls as t → 0, and what it says of the expansion that was subtracted.

Along a ray, truth − truncation is a power series in t². If every coefficient is right it begins at the first power that
was left out, or at a later one; a wrong coefficient leaves a power that the expansion has. The power shows only where
the smallest t that rounding leaves visible lie well within the radius of convergence: beyond it the truncation's own
last term takes over, and where the leading coefficient is small, or the remainder changes sign, a window of t shows
any slope. So a slope counts only when it has settled: the windows of smallest t give the same even power, each point
lies on the fit, and the power is approached as t → 0. Anything else decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import mpmath
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# How far above rounding a difference must be to count, and the terms for their absence to count.
VISIBLE = 300.0
SHOWN = 1e3 * VISIBLE
# How near to an even number a slope must be.
TOLERANCE = 0.05
# The number of points in a window, and the least factor between its ends.
POINTS, SPAN = 8, 2.0
# How far, in logarithms, a point may lie from the fit, and the slope at the smallest t from that at 0.
ON_THE_LINE, NEAR = 0.01, 0.6
# How far down t must go, unless rounding ends it before, for a power of the truncation to contradict.
DEEP = 20.0
# The default range of t: from half the radius down by this factor.
DEPTH, HOW_MANY = 400.0, 48


@dataclass(frozen=True)
class Slope:
    """What the remainder of an expansion shows.

    Attributes:
        value: the slope of log|difference| against log t as t → 0; None where too little is visible.
        agrees: True where it has settled at an even power above the order of the truncation, or where nothing is left
            although the terms would show; False where it has settled at a power that the truncation has; else None.
        reason: why it decides nothing, or "nothing is left"; empty for a slope that has settled.

    """

    value: float | None
    agrees: bool | None
    reason: str = ""

    @property
    def settled(self) -> bool:
        """Whether the slope has settled at one power."""
        return self.value is not None and not self.reason


def ts_within(radius: float, depth: float = DEPTH, number: int = HOW_MANY) -> NDArray[np.float64]:
    """Values of t, ascending to half of a radius of convergence, whose ends are ``depth`` apart.

    >>> ts_within(0.5, 100, 3)
    array([0.0025, 0.025 , 0.25  ])
    """
    return np.asarray(np.geomspace(radius / 2 / depth, radius / 2, number))


def slope(ts: Sequence[Any], differences: Sequence[Any], noise: Any, order: int, term: Any = 0.0) -> Slope:
    """The power of t with which differences vanish.

    Args:
        ts: (T,), positive, in any order, within the radius of convergence: geometric, as `ts_within` has them.
        differences: (T,), truth − truncation with its sign; floats, or mpf with as many digits as they need.
        noise: the rounding error of a difference; one number, or one for each t.
        order: of the truncation, even.
        term: what the highest term of the truncation contributes at the largest t. Where no difference is above the
            noise, it passes if this term is far above it.

    >>> ts = ts_within(1.0)
    >>> right = np.cos(ts) - (1 - ts**2 / 2 + ts**4 / 24)
    >>> found = slope(ts, right, 1e-16, order=4)
    >>> round(found.value, 2), found.agrees
    (6.0, True)
    >>> wrong = np.cos(ts) - (1 - ts**2 / 2 + ts**4 / 12)
    >>> found = slope(ts, wrong, 1e-16, order=4)
    >>> round(found.value, 2), found.agrees
    (4.0, False)
    >>> slope(ts, 0 * ts, 1e-16, order=4).agrees, slope(ts, 0 * ts, 1e-16, order=4, term=0.1).agrees
    (None, True)

    """
    noises = np.broadcast_to(np.asarray(noise, dtype=object), (len(ts),))
    points = sorted(zip(ts, differences, noises, strict=True), key=lambda point: point[0])
    finite = [bool(mpmath.isfinite(difference)) for _, difference, _ in points]
    # Points beyond one without a finite value are outside the region of convergence.
    points = points[: finite.index(False)] if False in finite else points
    visible = [point for point in points if abs(point[1]) > VISIBLE * point[2]]
    if not visible and points and len(points) == len(ts):
        shows = bool(abs(term) > SHOWN * max(noises))
        return Slope(None, True if shows else None, "nothing is left" if shows else "rounding hides the terms as well")
    if len(visible) < POINTS:
        lost = " and finite" if False in finite else ""
        return Slope(None, None, f"too few points above rounding{lost}")
    t, signs, heights, errors = _logarithms(visible)
    windows = _windows(t)
    if windows is None:
        return Slope(None, None, "too few points above rounding")
    fits = [_fit(t[:k], heights[:k], errors[:k]) for k in windows]
    value = fits[0].slope
    if len(set(signs[: windows[0]])) > 1:
        return Slope(None, None, "the remainder changes sign where it is visible")
    power = 2 * round(value / 2)
    if any(abs(fit.slope - power) > TOLERANCE + 3 * fit.error for fit in fits) or fits[0].error > TOLERANCE:
        return Slope(value, None, "the slope has not settled: smaller t give another one")
    if any(fit.off > 1.0 for fit in fits) or abs(fits[0].lowest - power) > NEAR:
        return Slope(value, None, "the slope has not settled: the points do not lie on one power and its next")
    if power <= 0:
        return Slope(value, None, "the remainder does not vanish as t → 0")
    if power <= order and not (points[0] is not visible[0] or t[-1] - t[0] > np.log(DEEP)):
        return Slope(value, None, f"t was not looked at down to 1/{DEEP:g} of the largest, where it may be steeper")
    if fits[0].departs(power):
        return Slope(value, None, "the slope has not settled: it moves away from the power as t → 0")
    return Slope(value, bool(power > order))


def _logarithms(points: Sequence[tuple[Any, Any, Any]]) -> tuple[Any, list[bool], Any, Any]:
    """Log t, the sign, log|difference| and its error; mpmath's logarithm, since a float may not hold the argument."""
    t = np.array([float(mpmath.log(t)) for t, _, _ in points])
    heights = np.array([float(mpmath.log(abs(difference))) for _, difference, _ in points])
    errors = np.array([float(noise / abs(difference)) for _, difference, noise in points])
    return t, [bool(difference > 0) for _, difference, _ in points], heights, errors


def _windows(t: NDArray[np.float64]) -> list[int] | None:
    """The number of smallest t in a wide window and in a narrower one; None where t spans too little."""
    ends = [max(POINTS, int(np.searchsorted(t, t[0] + np.log(span)) + 1)) for span in (2 * SPAN, SPAN)]
    return [min(end, len(t)) for end in ends] if t[-1] - t[0] > np.log(SPAN) else None


@dataclass(frozen=True)
class _Fit:
    """A line through logarithms, with the bends that the next orders make.

    Attributes:
        slope: as t → 0.
        error: its rounding error.
        lowest: the slope at the smallest t.
        highest: the slope at the largest t.
        off: the largest distance of a point from the fit, as a multiple of what is allowed.

    """

    slope: float
    error: float
    lowest: float
    highest: float
    off: float

    def departs(self, power: int) -> bool:
        """Whether the slope is nearer to a power at the largest t than at the smallest, as beyond the radius."""
        return abs(self.lowest - power) > abs(self.highest - power) + 3 * self.error + 1e-4


def _fit(t: NDArray[np.float64], heights: NDArray[np.float64], errors: NDArray[np.float64]) -> _Fit:
    # log r = a + slope · log t + b t² + c t⁴: the last terms take up the next orders, which bend the line.
    x = np.exp(2 * (t - t[-1]))
    columns = np.stack([np.ones_like(t), t - t[0], x, x**2], axis=1)
    weights = 1 / (errors + 1e-6)
    solution = np.linalg.lstsq(columns * weights[:, None], heights * weights, rcond=None)[0]
    inverse = np.linalg.pinv(columns * weights[:, None])
    left = np.abs(heights - columns @ solution)
    at_ends = [float(solution[1] + 2 * at * (solution[2] + 2 * solution[3] * at)) for at in (x[0], x[-1])]
    return _Fit(
        slope=float(solution[1]),
        error=float(np.sqrt((inverse[1] ** 2 * (weights * errors) ** 2).sum())),
        lowest=at_ends[0],
        highest=at_ends[1],
        off=float((left / (ON_THE_LINE + 3 * errors)).max()),
    )
