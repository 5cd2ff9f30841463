"""The series of a closed form against the engine, order by order, where the average closes to all orders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from verify.evidence.evidence import Evidence
from verify.routes.route import Route

if TYPE_CHECKING:
    from derive import Expansion
    from verify.routes.subject import Subject

# The order through which a closed form is compared with the engine.
THROUGH = 12


@dataclass(frozen=True)
class Series:
    """The series of a closed form.

    Attributes:
        closed: the series through `THROUGH`, or through the order of the expansion.
        subject: the loss that has it.

    """

    closed: Expansion
    subject: Subject


def why_not(subject: Subject) -> str:
    """The average has to close."""
    return "" if subject.closed else "the average does not close to all orders"


def measure(subject: Subject) -> Series:
    """The series of the closed form."""
    assert subject.closed is not None  # noqa: S101 (told the type checker; see why_not)
    subject.tick("exact")
    return Series(subject.closed.series(max(THROUGH, subject.order)), subject)


def compare(found: Series, expansion: Expansion) -> list[Evidence]:
    """Whether the two are equal, through all orders and through those of the expansion."""
    through, subject = found.closed.order, found.subject
    agrees = (
        subject.here.expand(through, data=subject.law).terms == found.closed.terms
        and found.closed.truncate(expansion.order).terms == expansion.in_basis("A0,Sigma").terms
    )
    said = "equal" if agrees else "different"
    return [Evidence("exact", f"closed form, orders 2–{through}", "equal", said, agrees=agrees, exact=True)]


ROUTE = Route("exact", "", measure, compare, why_not)
