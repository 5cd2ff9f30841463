"""L(tW) = L(W) for a loss without an expansion, on the definition, and by Euler's theorem on the torch loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from verify.evidence.evidence import Evidence, far
from verify.evidence.significance import within
from verify.routes import autodiff
from verify.routes.route import Route
from verify.truths.evaluated_truth import EvaluatedTruth
from verify.truths.settings import case

if TYPE_CHECKING:
    from derive import NotAnalyticError
    from verify.routes.subject import Subject
    from verify.truths.settings import Case


@dataclass(frozen=True, eq=False)
class Scaled:
    """What the loss does when W is scaled.

    Attributes:
        case: the setting.
        spread: the largest |L(tW) − L(W)| of some draws, at t = ¼ and 4.
        tolerance: what rounding can add to it.
        slope: dL(tW)/dt at t = 1; None where there is no hand-written torch loss.
        how: the way in which the loss was evaluated.

    """

    case: Case
    spread: float
    tolerance: float
    slope: float | None
    how: str


def measure(subject: Subject) -> Scaled:
    """The values and the slope of the loss along a ray."""
    # Positive weights: no node at 0, where the loss is not defined.
    at = case(subject.here, {}, seed=subject.seed, size=2, law=subject.law, positive=True)
    defined = EvaluatedTruth(at.put_into(subject.here), at.setting)
    values = defined.drawn(np.array([0.25, 1.0, 4.0]), 7, np.random.default_rng(subject.seed), 8)
    spread = float(np.abs(values - values[:, 1:2]).max())
    tolerance = 1e-9 * max(1.0, float(np.abs(values).max()))
    return Scaled(at, spread, tolerance, autodiff.slope_at_one(at, 7), defined.how)


def compare(found: Scaled, error: NotAnalyticError) -> list[Evidence]:
    """The definition's order of homogeneity, the reason why there is no expansion, against what was measured."""
    at, tolerance = found.case, found.tolerance
    stated = Evidence("symbolic", "order of homogeneity", "0", "0", agrees=True, note=error.reason)
    values = Evidence(
        "exact",
        "L(tW) − L(W) at t = ¼ and 4",
        0.0,
        found.spread,
        tolerance,
        "tolerance",
        agrees=within(found.spread, tolerance),
        exact=far(found.spread, tolerance),
        seed=at.seed,
        note=f"{found.how}; {at.label}",
    )
    if found.slope is None:
        return [stated, values]
    note, agrees = f"{at.truth.how}; {at.label}", within(found.slope, tolerance)
    what = "dL(tW)/dt at t = 1"
    return [
        stated,
        values,
        Evidence("autodiff", what, 0.0, found.slope, tolerance, "tolerance", agrees, at.seed, note),
    ]


ROUTE = Route("exact", "L(tW) − L(W)", measure, compare)
