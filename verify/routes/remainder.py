"""Truth minus truncation falls like t^(order + 2) along a ray, if every coefficient is right.

Where the loss has a closed form the truth is that, in mpmath; elsewhere it is the loss averaged over cubature nodes
that share the moments of the data to beyond the order in question. Both are evaluated within the radius of convergence,
known for the former and measured for the latter; `verify.routes.slope` judges how the difference falls.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

import mpmath
import numpy as np

from derive import InputError, closed_form
from derive.algebra.graphs import PLAIN
from numeric.invariants import values_by_order
from numeric.landscape.closed_form import closed_form_value, number
from verify.evidence.evidence import Evidence
from verify.routes.route import Route
from verify.routes.slope import TOLERANCE, VISIBLE, slope, ts_within
from verify.truths.rounding import rounding
from verify.truths.settings import filled_in, no_value
from verify.truths.taylor import safe_radius

if TYPE_CHECKING:
    from collections.abc import Sequence

    from derive import ClosedForm, Expansion, Loss
    from verify.routes.subject import Subject
    from verify.truths.settings import Case

QUANTITY = "slope of log|truth − truncation| against log t"
# How far down t goes: in floats, which lose a remainder of order 6 there, and in arbitrary precision.
FLOAT_DEPTH, FLOAT_POINTS, DEPTH = 60.0, 40, 4000.0
# The radius to try first; it is halved until the series converges.
START = 3.2
# The most numbers that a value of the loss may take.
LARGEST = 4_000_000


@dataclass(frozen=True)
class RayValues:
    """L(t·W) − L(0) at several t.

    Attributes:
        case: the setting.
        ts: the values of t, ascending.
        values: mpf or float.
        noise: the rounding error of a difference.
        how: a description of the truth in words.
        digits: the precision of mpmath values; None for floats.

    """

    case: Case
    ts: Sequence[Any]
    values: Sequence[Any]
    noise: float
    how: str
    digits: int | None = None


def place(subject: Subject) -> Case | None:
    """The setting in which a subject is measured; None where every setting needs too many nodes."""
    size = subject.sizes[-1]
    at = subject.case(size=size, positive=True)
    if closed_form_at(subject.loss, at) is not None:
        return at
    # The number of nodes grows with the batch: try a W that sees one direction, then weights of both signs.
    choices = ((2, True),) * (subject.here.batch_size is None) + ((1, True), (1, False))
    cases = (subject.case(size=size, dimension=d, positive=positive) for d, positive in choices)
    return next((one for one in cases if degree_on_nodes(one, subject.order) is not None), None)


def measured_of(subject: Subject) -> RayValues:
    """The truth along a ray of a subject.

    Raises:
        InputError: it takes too many nodes.

    """
    subject.tick("remainder")
    at, batch = place(subject), subject.here.batch_size
    if at is None:
        what = "means over this many data" if batch is None else f"a batch of {batch}"
        many = f"{what} need{'s' if batch else ''} too many cubature nodes at order {subject.order}"
        raise InputError(many if batch is None else f"{many}; leave N open")
    return measure(subject.loss, at, subject.order)


def closed_form_at(loss: Loss, case: Case) -> ClosedForm | None:
    """The closed form that serves as the truth at a case, if there is one: then no nodes are needed."""
    here = case.setting
    # High precision knows one kind of views; two are measured on nodes.
    return (
        None
        if here.training_set is not None or loss.roles - {PLAIN}
        else closed_form(case.put_into(loss), here.covariances.law)
    )


def measure(loss: Loss, case: Case, order: int) -> RayValues:
    """The truth along a ray, fit to show the remainder of an expansion; the case should take positive weights."""
    closed = closed_form_at(loss, case)
    return _on_nodes(case, order) if closed is None else _in_closed_form(closed, case, order)


def _in_closed_form(closed: ClosedForm, case: Case, order: int) -> RayValues:
    here = case.setting
    # Enough for t^(order + 4) to show at the smallest t.
    digits = 30 + 5 * (order + 4)
    with mpmath.workdps(digits):
        W, A0, Sigma = (_exact(one) for one in (here.W, here.covariances.A0, here.covariances.Sigma))
        ts = [mpmath.mpf(float(t)) for t in ts_within(_radius(closed, case), DEPTH)]
        b = mpmath.matrix([0.0] * W.rows if here.bias is None else here.bias.tolist())
        start = closed_form_value(closed, 0 * W, A0, Sigma, 0 * b)
        values = [closed_form_value(closed, t * W, A0, Sigma, t * b) - start for t in ts]
        largest = float(max(1, abs(start), *map(abs, values)))
    return RayValues(case, ts, values, 10.0 ** (5 - digits) * largest, f"closed form, {digits} digits", digits)


def _radius(closed: ClosedForm, case: Case) -> float:
    """The radius at which the closed form's series in t converges: where every I + μ t² S is regular for complex t."""
    here = case.setting
    largest = float(np.linalg.eigvalsh(here.W @ here.covariances.Sigma @ here.W.T)[-1])
    mus = [one.mu for one in closed.log_determinants] + [one.mu for one in closed.resolvents]
    # A polynomial converges everywhere: t is then as large as W itself.
    return 1.0 / sqrt(max([abs(float(number(mu))) for mu in mus] or [1.0]) * largest)


def degree_on_nodes(case: Case, order: int) -> int | None:
    """The degree to which nodes share the moments of the data; None where that takes too many nodes.

    With positive weights that is the order plus four. With weights of both signs it is the order itself, at which
    rounding grows least: the remainder is then that of other data, and falls with the same power.
    """
    degree = order + 4 if case.setting.positive else order
    return degree if case.truth.size(degree) <= LARGEST else None


def _on_nodes(case: Case, order: int) -> RayValues:
    degree = degree_on_nodes(case, order) or order
    largest = safe_radius(lambda at: case.truth.averaged(at, degree), START)
    points = ts_within(2 * largest, FLOAT_DEPTH, FLOAT_POINTS)
    along = case.truth.averaged(np.concatenate(([0.0], points)), degree)
    noise = 1e-15 * max(1.0, float(np.abs(along[np.isfinite(along)]).max(initial=0.0)))
    noise = max(noise, rounding(case.truth, lambda one: one.averaged(points[-1:], degree)))
    if not case.setting.positive:
        # A sum with weights of both signs has the rounding error of the terms that cancel.
        noise *= float(np.abs(case.setting.points(degree, case.setting.batch or 1, 2)[1]).sum())
    how = f"{case.truth.how}, {case.setting.covariances.cubature}"
    return RayValues(case, list(points), list(along[1:] - along[0]), noise, how)


def compare(measured: RayValues, expansion: Expansion) -> Evidence:
    """The slope of log|remainder| against log t; one that is below rounding everywhere counts as zero."""
    label = f"{measured.how}; {measured.case.label}"
    filled = filled_in(expansion, measured.case)
    if filled is None:
        return no_value("remainder", measured.case)
    with mpmath.workdps(measured.digits or mpmath.mp.dps):
        differences, term = _differences(measured, filled)
        found = slope(measured.ts, differences, measured.noise, expansion.order, term)
    if found.value is None and found.agrees:
        return Evidence(
            "remainder",
            "truth − truncation",
            predicted="0",
            measured=f"below {VISIBLE * measured.noise:.0e}",
            agrees=True,
            seed=measured.case.seed,
            note=f"the expansion ends; {label}",
        )
    return Evidence(
        "remainder",
        QUANTITY,
        predicted=float(expansion.order + 2),
        measured=found.value,
        error=TOLERANCE,
        error_kind="tolerance",
        agrees=found.agrees,
        seed=measured.case.seed,
        note=f"{found.reason}; {label}" if found.reason else label,
    )


def _differences(measured: RayValues, filled: Expansion) -> tuple[list[Any], Any]:
    """Truth − truncation at each t, and the highest term that does not vanish, at the largest t."""
    here = measured.case.setting
    if measured.digits is None:
        orders = values_by_order(filled, here.W, here.covariances.letters, here.bias)
    else:
        b = [] if here.bias is None else [mpmath.matrix(here.bias.tolist())]
        orders = _exact_orders(filled, *map(_exact, (here.W, *here.covariances.arguments(filled.basis))), *b)
    differences = [
        value - sum(c * t**k for k, c in orders.items()) for t, value in zip(measured.ts, measured.values, strict=True)
    ]
    highest = max((k for k, c in orders.items() if c), default=2)
    return differences, orders[highest] * measured.ts[-1] ** highest


def _exact_orders(expansion: Expansion, *arguments: Any) -> dict[int, Any]:
    from numeric import kernel

    parts = {k: expansion.only(k) for k in range(2, expansion.order + 1, 2)}
    return {k: kernel(part, "mpmath").value(*arguments) if part.terms else 0 for k, part in parts.items()}


def _exact(matrix: Any) -> Any:
    return mpmath.matrix(matrix.tolist())


def compared(found: RayValues, expansion: Expansion) -> list[Evidence]:
    """The one slope."""
    return [compare(found, expansion)]


ROUTE = Route("remainder", QUANTITY, measured_of, compared)
