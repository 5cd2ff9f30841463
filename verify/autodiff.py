"""Taylor coefficients of the hand-written torch loss along a ray, against the expansion order by order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from numeric.invariants import order_values
from verify.evidence import Evidence
from verify.settings import filled_in, no_value
from verify.taylor import cauchy, circle, nested_derivatives

if TYPE_CHECKING:
    from derive import Expansion
    from verify.settings import Case

# Beyond this order nested differentiation is too slow, and the same torch function is read off a complex circle.
NESTED = 6
RADIUS = 0.25
TOLERANCE = 1e-8


@dataclass(frozen=True)
class RayCoefficients:
    """Coefficients of t^k of the loss at t·W, with how they were found."""

    case: Case
    coefficients: dict[int, float]
    how: str


def measure(case: Case, order: int) -> RayCoefficients | None:
    """The coefficients through an order, odd ones included; None where there is no hand-written torch loss."""
    function = getattr(case.truth, "function", None)
    if function is None:
        return None
    if order <= NESTED:
        from verify.hand_written import one_thread

        with one_thread():
            found = nested_derivatives(function(order), order)
        return RayCoefficients(case, found, "nested forward-mode differentiation")
    ts = circle(RADIUS)
    even = range(2, order + 1, 2)
    values = cauchy(case.truth.averaged(ts, order), ts, even)
    return RayCoefficients(
        case, dict(zip(even, map(float, values), strict=True)), "Cauchy's integral of the torch loss"
    )


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
    predicted = order_values(filled, here.W, here.covariances.A0, here.covariances.Sigma)
    scale = max([1.0, *map(abs, predicted.values())])
    differences = {
        k: abs(value - predicted.get(k, 0.0)) for k, value in measured.coefficients.items() if k <= expansion.order
    }
    worst = max(differences, key=lambda k: differences[k])
    return Evidence(
        route="autodiff",
        quantity=f"coefficients of t, …, t^{expansion.order} along a ray{measured.case.where}",
        predicted=predicted.get(worst, 0.0),
        measured=measured.coefficients[worst],
        error=TOLERANCE * scale,
        error_kind="tolerance",
        agrees=differences[worst] <= TOLERANCE * scale,
        seed=measured.case.seed,
        note=f"largest difference at t^{worst}; {measured.how}; {measured.case.label}",
    )
