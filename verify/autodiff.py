"""Taylor coefficients of the hand-written torch loss along a ray, against the expansion order by order."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from numeric.invariants import order_values
from verify.evidence import Evidence, far
from verify.settings import filled_in, no_value
from verify.significance import within
from verify.taylor import cauchy, circle, nested_derivatives, safe_radius

if TYPE_CHECKING:
    from derive import Expansion
    from verify.settings import Case

# Beyond this order nested differentiation is too slow, and the same torch function is read off a complex circle.
NESTED = 6
RADIUS = 0.25
TOLERANCE = 1e-8


@dataclass(frozen=True)
class RayCoefficients:
    """Coefficients of t^k of the loss at t·W.

    Attributes:
        case: where.
        coefficients: by k.
        how: they were found.
        error: by k, how far rounding may have moved them.
        exact: whether they were differentiated, so that no radius of a circle is in question.

    """

    case: Case
    coefficients: dict[int, float]
    how: str
    error: dict[int, float] = field(default_factory=dict)
    exact: bool = False


def measure(case: Case, order: int) -> RayCoefficients | None:
    """The coefficients through an order, odd ones included; None where there is no hand-written torch loss."""
    function = getattr(case.truth, "function", None)
    if function is None:
        return None
    if order <= NESTED:
        from verify.threads import one_thread

        with one_thread():
            found = nested_derivatives(function(order), order)
        return RayCoefficients(case, found, "nested forward-mode differentiation", exact=True)
    ts = circle(safe_radius(lambda at: case.truth.averaged(at, order), 2 * RADIUS))
    even = range(2, order + 1, 2)
    values = case.truth.averaged(ts, order)
    found = dict(zip(even, map(float, cauchy(values, ts, even)), strict=True))
    # What stands in the last coefficients is rounding, or the tail that the circle folds back.
    tail = 10 * float(np.abs(np.fft.fft(values)[len(ts) // 2 :]).max()) / len(ts)
    error = {k: tail / float(abs(ts[0])) ** k for k in even}
    return RayCoefficients(case, found, "Cauchy's integral of the torch loss", error)


def slope_at_one(case: Case, degree: int) -> float | None:
    """dL(tW)/dt at t = 1 on cubature nodes; None where there is no hand-written torch loss."""
    function = getattr(case.truth, "function", None)
    if function is None:
        return None
    import torch
    from torch.func import jvp

    one = torch.ones((), dtype=torch.float64)
    _, slope, *_ = jvp(function(degree), (one,), (one,))
    return float(slope)


def compare(measured: RayCoefficients, expansion: Expansion) -> Evidence:
    """Whether every order agrees, the odd ones being zero."""
    here = measured.case.setting
    filled = filled_in(expansion, measured.case)
    if filled is None:
        return no_value("autodiff", measured.case)
    predicted = order_values(filled, here.W, here.covariances.A0, here.covariances.Sigma, here.bias)
    scale = max([1.0, *map(abs, predicted.values())])
    # A difference first: max(0.0, nan) is 0.
    differences = {
        k: max(abs(value - predicted.get(k, 0.0)) - measured.error.get(k, 0.0), 0.0)
        for k, value in measured.coefficients.items()
        if k <= expansion.order
    }
    worst = max(differences, key=lambda k: (not isfinite(differences[k]), differences[k]))
    # A coefficient that rounding hides is not seen to agree.
    hidden = any(measured.error.get(k, 0.0) > abs(value) / 20 for k, value in predicted.items() if value)
    agrees = within(differences[worst], TOLERANCE * scale)
    return Evidence(
        route="autodiff",
        quantity=f"coefficients of t, …, t^{expansion.order} along a ray{measured.case.where}",
        predicted=predicted.get(worst, 0.0),
        measured=measured.coefficients[worst],
        error=TOLERANCE * scale,
        error_kind="tolerance",
        agrees=None if agrees and hidden else agrees,
        seed=measured.case.seed,
        note=f"largest difference at t^{worst}; {measured.how}; {measured.case.label}",
        exact=measured.exact and far(differences[worst], TOLERANCE * scale),
    )
