"""What the audit of a torch function answers, and what its verdict is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verify.answer import (
    FIXED_NORM,
    Answer,
    in_light_of,
    not_measured,
    of_collapsed,
    of_comparison,
    of_field,
    of_landscape,
    undetermined,
    without_expansion,
)

if TYPE_CHECKING:
    from verify.blackbox.auditing import BlackBoxAudit


def about(found: BlackBoxAudit) -> str:
    """What the verdict is about."""
    if found.field is not None:
        return "that training follows this loss"
    if found.differences is not None:
        return "that the code agrees with the definition"
    return "the measured expansion" if found.expansion else "what was found near W = 0"


def answer(found: BlackBoxAudit) -> Answer:
    """What is kept and what is lost; of features of a fixed norm where their normalisation was replaced."""
    if found.differences:
        return of_comparison(found.differences)
    return in_light_of(_of_loss(found), found.about, found.verdict)


def _of_loss(found: BlackBoxAudit) -> Answer:
    if found.field is not None:
        return of_field(found.field.text(), of_ratio=found.field.ratio is not None)
    if found.normalised is not None:
        return of_landscape(found.normalised, scope=FIXED_NORM)
    if found.landscape is not None:
        return of_landscape(found.landscape, growth=found.growth.text() if found.growth else "")
    if found.transverse is not None:
        return of_collapsed(found.transverse)
    if found.second is not None:
        return undetermined("the loss singles out coordinates, and its fourth order has no formula in traces")
    if found.expansion is not None:
        return undetermined("an expansion to order 4 is needed")
    return without_expansion(found.regularity.kind, not_measured(found.evidence))
