"""Taylor coefficients of the hand-written torch loss along a ray, against the expansion order by order."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.util import find_spec
from math import isfinite
from typing import TYPE_CHECKING

from numeric.invariants import values_by_order
from verify.evidence.evidence import Evidence, far
from verify.evidence.significance import within
from verify.routes.route import Route
from verify.truths.settings import filled_in, no_value
from verify.truths.taylor import cauchy, cauchy_error, circle, nested_derivatives, safe_radius

if TYPE_CHECKING:
    from collections.abc import Sequence

    from derive import Expansion
    from verify.routes.subject import Subject
    from verify.truths.settings import Case

# Beyond this order nested differentiation is too slow, and coefficients come from values on a complex circle instead.
NESTED = 6
RADIUS = 0.25
TOLERANCE = 1e-8
# The largest number of data times d0 at which cubature nodes for derivatives are few.
LARGEST = 16
# The largest number of nodes, which a law may multiply.
LARGEST_NODES = 200_000
QUANTITY = "coefficients along a ray"


@dataclass(frozen=True)
class RayCoefficients:
    """Coefficients of t^k of the loss at t·W.

    Attributes:
        case: the setting.
        coefficients: by k.
        how: the way in which they were found.
        error: by k, the possible error from rounding.
        exact: whether they are derivatives, so that they depend on no radius of a circle.

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
        from verify.running.threads import one_thread

        with one_thread():
            found = nested_derivatives(function(order), order)
        return RayCoefficients(case, found, "nested differentiation", exact=True)
    ts = circle(safe_radius(lambda at: case.truth.averaged(at, order), 2 * RADIUS))
    even = range(2, order + 1, 2)
    values = case.truth.averaged(ts, order)
    found = dict(zip(even, map(float, cauchy(values, ts, even)), strict=True))
    error = dict(zip(even, map(float, cauchy_error(values, ts, even)), strict=True))
    return RayCoefficients(case, found, "Cauchy's integral of the torch loss", error)


def slope_at_one(case: Case, degree: int) -> float | None:
    """dL(tW)/dt at t = 1 on cubature nodes; None where there is no hand-written torch loss."""
    function = getattr(case.truth, "function", None)
    if function is None:
        return None
    return nested_derivatives(function(degree), 1, at=1.0)[1]


def compare(measured: RayCoefficients, expansion: Expansion) -> Evidence:
    """Whether every order agrees, the odd ones being zero."""
    here = measured.case.setting
    filled = filled_in(expansion, measured.case)
    if filled is None:
        return no_value("autodiff", measured.case)
    predicted = values_by_order(filled, here.W, here.covariances.letters, here.bias)
    scale = max([1.0, *map(abs, predicted.values())])
    # The difference goes first, since max(0.0, nan) is 0.
    differences = {
        k: max(abs(value - predicted.get(k, 0.0)) - measured.error.get(k, 0.0), 0.0)
        for k, value in measured.coefficients.items()
        if k <= expansion.order
    }
    worst = max(differences, key=lambda k: (not isfinite(differences[k]), differences[k]))
    # A coefficient that rounding hides does not count as agreeing.
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


def too_large(batch: int | None, d0: int) -> bool:
    """Whether a batch of data of d0 dimensions has too many cubature nodes."""
    return (batch or 1) * d0 > LARGEST


def places(subject: Subject) -> list[Case | None]:
    """A case for each size of a batch, None where it is too large."""
    # As many directions of the data as the number of nodes allows.
    found = ([subject.case(size=size, dimension=dimension) for dimension in (2, 1)] for size in subject.sizes)
    return [next((one for one in cases if _is_small(one, subject.order)), None) for cases in found]


def _is_small(at: Case, order: int) -> bool:
    """Whether derivatives over the nodes of a batch are quick."""
    here = at.setting
    nodes = here.nodes(min(order, NESTED), here.batch or 1, 2)
    return not too_large(here.batch, here.covariances.d0) and nodes <= LARGEST_NODES


def why_not(subject: Subject) -> str:
    """There has to be a hand-written torch function."""
    cases = [at for at in places(subject) if at is not None]
    if not cases or any(getattr(at.truth, "function", None) is not None for at in cases):
        return ""
    if find_spec("torch"):
        return "no hand-written torch loss is known for this definition"
    return "torch is not installed: pip install 'quartic[torch]'"


def measured_of(subject: Subject) -> list[RayCoefficients | Evidence]:
    """The coefficients at each batch size, or evidence marked as not run where that is too large."""
    subject.tick("autodiff")
    reason = f"a batch of {subject.here.batch_size} is too large for cubature; leave N symbolic to have it run"
    found = (None if at is None else measure(at, subject.order) for at in places(subject))
    return [one or Evidence("autodiff", QUANTITY, ran=False, note=reason) for one in found]


def compared(found: Sequence[RayCoefficients | Evidence], expansion: Expansion) -> list[Evidence]:
    """Every order at each size."""
    return [one if isinstance(one, Evidence) else compare(one, expansion) for one in found]


ROUTE = Route("autodiff", QUANTITY, measured_of, compared, why_not)
