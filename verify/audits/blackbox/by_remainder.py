"""A black box minus its expansion, averaged over nodes at finite t: what is left falls like the next order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from derive import InputError
from verify.audits.blackbox.batches import NODES
from verify.audits.blackbox.coefficients import ROUNDINGS
from verify.evidence.evidence import Evidence
from verify.routes.remainder import QUANTITY
from verify.routes.route import Route
from verify.routes.slope import TOLERANCE, slope, ts_within
from verify.truths import many

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from verify.audits.blackbox.batches import Batch, Subject
    from verify.audits.blackbox.expansions import Expanded

# The most nodes at which many t are evaluated.
FEW = 200
# A term that is a smaller fraction of the largest counts as 0 at this batch size.
VANISHING = 1e-9


@dataclass(frozen=True, eq=False)
class Ray:
    """The averaged loss along t·W, within the radius at which its series converges.

    Attributes:
        at: the setting.
        order: of the expansion.
        ts: (T,), ascending.
        values: (T,), L(t·W) − L(0).
        noise: the rounding error of one.
        seed: of W and the covariances.

    """

    at: Batch
    order: int
    ts: NDArray[np.float64]
    values: NDArray[np.float64]
    noise: float
    seed: int


def measure(subject: Subject) -> Ray:
    """The averaged loss at several t.

    Raises:
        InputError: a batch needs too many nodes.

    """
    subject.tick("remainder")
    size = subject.sizes[0]
    for d0 in (2, 1):
        at = subject.batch(size, 50, d0)
        nodes = at.nodes(subject.order + 1)
        if nodes is not None and len(nodes[1]) <= FEW:
            break
    if nodes is None:
        raise InputError(f"a batch of {size} needs more than {NODES} nodes")
    embedded, weights = nodes
    farthest = float(np.sqrt((embedded**2).sum((-3, -2, -1))).max())
    ts = ts_within(2 * subject.method.radius / farthest)
    values = np.stack([many.values(subject.box, t * embedded) for t in (0.0, *ts)])
    averaged = values @ weights
    noise = ROUNDINGS * subject.method.rounding * float((np.abs(values) @ np.abs(weights)).max())
    return Ray(at, subject.order, ts, averaged[1:] - averaged[0], noise, subject.seed)


def compare(found: Ray, claim: Expanded) -> list[Evidence]:
    """The slope of log|averaged loss − expansion| as t → 0."""
    at, order, ts = found.at, found.order, found.ts
    try:
        predicted = at.predicted(claim)
    except InputError as error:
        return [Evidence("remainder", QUANTITY, ran=False, note=str(error))]
    # The error of a coefficient that is left as a number grows as t², the lowest order.
    noises = [found.noise + claim.uncertain(at.size) * float(t) ** 2 for t in ts]
    truncated = np.array([sum(value * t**k for k, value in predicted.items()) for t in ts])
    # The highest order that exceeds rounding: its absence from the difference has to be visible.
    largest = max(map(abs, predicted.values()), default=0.0)
    highest = max((k for k, value in predicted.items() if abs(value) > VANISHING * largest), default=order)
    term = predicted.get(highest, 0.0) * ts[-1] ** highest
    seen = slope(list(ts), list(found.values - truncated), noises, order, term=term)
    note = f"N = {at.size}, {at.dimensions}, t from {ts[-1]:.2g} down"
    shown: float | str | None = "nothing left" if seen.value is None and seen.agrees else seen.value
    return [
        Evidence(
            "remainder",
            QUANTITY,
            float(order + 2),
            shown,
            TOLERANCE,
            "tolerance",
            seen.agrees,
            found.seed,
            f"{seen.reason}; {note}" if seen.reason else note,
        )
    ]


ROUTE = Route("remainder", QUANTITY, measure, compare)
