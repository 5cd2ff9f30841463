"""The answer of the audit of a torch function, and what its verdict is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verify.evidence.answer import (
    FIXED_NORM,
    Answer,
    in_light_of,
    not_measured,
    of_comparison,
    of_field,
    of_landscape,
    undetermined,
    without_expansion,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from verify.audits.blackbox.against import Comparison
    from verify.audits.blackbox.audit import BlackBoxAudit


def about(found: BlackBoxAudit) -> str:
    """What the verdict is about."""
    if found.against is not None:
        return f"that the code agrees with {beside(found)}"
    if found.field is not None:
        return "that training follows this loss"
    return "the measured expansion" if found.expansion else "what was found near W = 0"


def answer(found: BlackBoxAudit) -> Answer:
    """The answer; it is about features of a fixed norm where their normalisation was replaced."""
    of_loss = in_light_of(_of_loss(found), found.about, found.verdict)
    if found.against is None:
        return of_loss
    return of_comparison(beside(found), found.against.agrees, list(_telling(found, found.against)), of_loss.tone)


def _telling(found: BlackBoxAudit, compared: Comparison) -> Iterator[str]:
    """The findings of a comparison, the most telling first: terms that differ, else gradients, or values."""
    differ = found.differences or ()
    if differ and compared.agrees is False:
        yield f"{len(differ)} term{' differs' if len(differ) == 1 else 's differ'}. {differ[0]}"
    values, slopes = compared.values, compared.gradients
    if values is not None and values.agrees and slopes is not None and slopes.agrees is False:
        yield f"equal in values, not in gradients: {dict(compared.lines)['gradients']}"
    yield from (said for _, said in compared.lines)


def _claimed(found: BlackBoxAudit) -> Iterator[str]:
    """The range in which a formula is claimed, where that is limited."""
    if found.found is not None and found.found.largest:
        yield f"for N ≤ {found.found.largest}"
    if found.found is not None and found.found.width:
        yield f"at d1 = {found.found.width}"


def beside(found: BlackBoxAudit) -> str:
    """The name of what the loss is compared with."""
    return "the definition" if found.against is None or found.against.kind == "definition" else found.against.other


def _of_loss(found: BlackBoxAudit) -> Answer:
    if found.field is not None:
        return of_field(found.field.text(), of_ratio=found.field.ratio is not None)
    if found.normalised is not None:
        return of_landscape(found.normalised, scope=", ".join([FIXED_NORM, *_claimed(found)]))
    if found.landscape is not None:
        growth = found.growth.text() if found.growth else ""
        return of_landscape(found.landscape, scope=", ".join(_claimed(found)), growth=growth)
    if found.transverse is not None:
        return found.transverse.answer
    if found.sides is not None:
        return found.sides.answer
    if found.second is not None:
        return undetermined("the loss singles out coordinates, and its fourth order has no formula in traces")
    if found.expansion is not None:
        return undetermined("an expansion to order 4 is needed")
    return without_expansion(found.regularity.kind, not_measured(found.evidence))
