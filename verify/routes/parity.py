"""What the derivation itself says of symmetry: moments of odd order, and whether every term is a product of traces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from derive.expansion.moments import moment_order
from verify.evidence.evidence import Evidence
from verify.routes.route import Route

if TYPE_CHECKING:
    from derive import Expansion
    from derive.expansion.moments import MomentSeries
    from verify.routes.subject import Subject


def measure(subject: Subject) -> MomentSeries:
    """The moments of the loss, before any average over the data."""
    return subject.here.moments(subject.order, sampling=subject.sampling)


def compare(series: MomentSeries, expansion: Expansion) -> list[Evidence]:
    """Two facts about the derivation, neither of them a measurement."""
    odd = sum(moment_order(moment) % 2 for moment, _ in series.terms)
    invariant = expansion.rotation_invariant
    return [
        Evidence(
            "symbolic",
            "moments of odd order in W",
            "0",
            str(odd),
            # Any such moments average to zero, since the data are symmetric; L(−W) decides (`verify.routes.symmetry`).
            agrees=True if odd == 0 else None,
            note=f"of {len(series.terms)} moments through order {expansion.order}",
        ),
        Evidence(
            "symbolic",
            "rotation W → RW",
            None,
            "every term is a product of traces" if invariant else "sums over coordinates remain",
            agrees=None,
            note="a property of the expansion; L(RW) below is measured",
        ),
    ]


ROUTE = Route("symbolic", "", measure, compare)
