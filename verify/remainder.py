"""Truth minus truncation falls like t^(order + 2) along a ray, if every coefficient is right.

Where the loss has a closed form the truth is that, in mpmath; elsewhere it is the loss averaged over cubature nodes
that share the moments of the data to beyond the order in question.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import mpmath
import numpy as np

from derive import closed_form
from numeric.closed_form import closed_form_value
from numeric.invariants import order_values
from verify.evidence import Evidence
from verify.settings import filled_in, no_value
from verify.taylor import safe_radius

if TYPE_CHECKING:
    from collections.abc import Sequence

    from derive import Expansion, Loss
    from verify.settings import Case

SLOPE_TOLERANCE = 0.05
DIGITS = 50
# How far above rounding a remainder must be to count, and how many points make the slope.
VISIBLE = 300
POINTS = 8


@dataclass(frozen=True)
class RayValues:
    """L(t·W) − L(0) at several t.

    Attributes:
        case: where.
        ts: the values of t.
        values: mpf or float.
        noise: what rounding can make of a difference.
        how: the truth in words.

    """

    case: Case
    ts: Sequence[Any]
    values: Sequence[Any]
    noise: float
    how: str


def measure(loss: Loss, case: Case, order: int) -> RayValues:
    """The truth along a ray, fit to show the remainder of an expansion; the case should take positive weights."""
    here = case.setting
    closed = None if here.training_set is not None else closed_form(case.put_into(loss))
    if closed is not None:
        with mpmath.workdps(DIGITS):
            W, A0, Sigma = (_exact(one) for one in (here.W, here.covariances.A0, here.covariances.Sigma))
            ts = [mpmath.mpf(2) ** -k for k in range(14, 5, -1)]
            b = mpmath.matrix([0.0] * W.rows if here.bias is None else here.bias.tolist())
            start = closed_form_value(closed, 0 * W, A0, Sigma, 0 * b)
            values = [closed_form_value(closed, t * W, A0, Sigma, t * b) - start for t in ts]
        return RayValues(case, ts, values, 10.0 ** (5 - DIGITS), f"closed form, {DIGITS} digits")
    largest = safe_radius(lambda at: case.truth.averaged(at, order + 4), 0.8)
    points = np.geomspace(largest / 40, largest, 32)
    along = case.truth.averaged(np.concatenate(([0.0], points)), order + 4)
    noise = 1e-15 * max(1.0, float(np.abs(along).max()))
    return RayValues(case, list(points), list(along[1:] - along[0]), noise, f"{case.truth.how}, Gaussian cubature")


def compare(measured: RayValues, expansion: Expansion) -> Evidence:
    """The slope of log|remainder| against log t; a remainder below rounding everywhere is no remainder."""
    label = f"{measured.how}; {measured.case.label}"
    filled = filled_in(expansion, measured.case)
    if filled is None:
        return no_value("remainder", measured.case)
    with mpmath.workdps(DIGITS):
        remainders, terms = _remainders(measured, filled)
        expected = expansion.order + 2
        visible = [(t, r) for t, r in remainders if r > VISIBLE * measured.noise]
        # The smallest t that rounding leaves visible, where the leading power is purest.
        seen = [(float(mpmath.log(t)), float(mpmath.log(r))) for t, r in visible[:POINTS]]
    # Only where the terms themselves would show does their absence from the difference say anything.
    shows = any(abs(term) > 1e3 * VISIBLE * measured.noise for term in terms)
    if not seen and shows:
        return Evidence(
            "remainder",
            "truth − truncation",
            predicted="0",
            measured=f"below {VISIBLE * measured.noise:.0e}",
            agrees=True,
            seed=measured.case.seed,
            note=f"the expansion ends; {label}",
        )
    slope = _slope(seen) if len(seen) == POINTS else None
    # A steeper fall than expected means that the next coefficient vanishes, not that this one is wrong.
    agrees = slope and slope > expected - SLOPE_TOLERANCE and abs(slope - 2 * round(slope / 2)) < SLOPE_TOLERANCE
    return Evidence(
        "remainder",
        "slope of log|truth − truncation| against log t",
        predicted=float(expected),
        measured=slope,
        error=SLOPE_TOLERANCE,
        error_kind="tolerance",
        agrees=None if slope is None else bool(agrees),
        seed=measured.case.seed,
        note=label if slope else f"too few points above rounding; {label}",
    )


def _remainders(measured: RayValues, filled: Expansion) -> tuple[list[tuple[Any, Any]], list[Any]]:
    """|truth − truncation| at each t, and the terms of the highest order that has any, at the largest t."""
    here = measured.case.setting
    if measured.noise > 1e-30:
        orders = order_values(filled, here.W, here.covariances.A0, here.covariances.Sigma, here.bias)
    else:
        b = [] if here.bias is None else [mpmath.matrix(here.bias.tolist())]
        orders = _exact_orders(filled, *map(_exact, (here.W, here.covariances.A0, here.covariances.Sigma)), *b)
    remainders = [
        (t, abs(value - sum(c * t**k for k, c in orders.items())))
        for t, value in zip(measured.ts, measured.values, strict=True)
    ]
    highest = max((k for k, c in orders.items() if c), default=2)
    return remainders, [orders[highest] * measured.ts[-1] ** highest]


def _exact_orders(expansion: Expansion, W: Any, A0: Any, Sigma: Any, *b: Any) -> dict[int, Any]:
    from numeric import kernel

    orders = {}
    for k in range(2, expansion.order + 1, 2):
        part = expansion.only(k)
        orders[k] = (
            kernel(part, "mpmath").value(W, A0, Sigma if "Sigma" in part.basis else Sigma - A0, *b) if part.terms else 0
        )
    return orders


def _slope(points: list[tuple[float, float]]) -> float:
    # log r = a + slope · log t + b t² + c t⁴: the last terms take up the next orders, which bend the line.
    x, y = np.array(points).T
    bends = np.exp(2 * x) / np.exp(2 * x).max()
    columns = np.stack([np.ones_like(x), x, bends, bends**2], axis=1)
    return float(np.linalg.lstsq(columns, y, rcond=None)[0][1])


def _exact(matrix: Any) -> Any:
    return mpmath.matrix(matrix.tolist())
