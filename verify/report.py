"""An audit on one screen, like a referee's note."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from verify.description import Description, describe
from verify.in_words import error, measured, number

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from verify.auditing import Audit
    from verify.evidence import Evidence

LABEL = 14
WIDTH = 100


def audit_text(found: Audit, width: int = WIDTH) -> str:
    """The audit in plain text, lines folded at ``width``."""
    return description_text(describe(found), width)


def description_text(found: Description, width: int = WIDTH) -> str:
    """What was found in plain text, lines folded at ``width``."""
    return folded([*_heading(found, width), *_lines(found)], width)


def folded(lines: Iterable[str], width: int = WIDTH) -> str:
    """Lines folded at a width, what follows being indented."""
    return "\n".join(
        part
        for line in lines
        for part in textwrap.wrap(
            line, width, subsequent_indent=" " * (LABEL + 4), break_long_words=False, break_on_hyphens=False
        )
    )


def _heading(found: Description, width: int) -> Iterator[str]:
    title, source = found.title, found.source
    if found.remark:
        yield f"{title}, {found.remark}"
    elif len(title) + len(source) + 2 <= width:
        yield f"{title}{source:>{width - len(title)}}"
    else:
        yield title
        if source:
            yield line("source", source)


def _lines(found: Description) -> Iterator[str]:
    for one in found.lines:
        yield line(one.label, one.text)
    yield from evidence_lines(found.evidence)
    yield line("verdict", found.verdict)


def evidence_lines(evidence: Iterable[Evidence]) -> Iterator[str]:
    """What a reader needs of the evidence, a line each."""
    label = "evidence"
    for one in evidence:
        if _shown(one):
            yield line(label, _evidence(one))
            label = ""


def _shown(one: Evidence) -> bool:
    # What agrees and is said elsewhere on the screen: the symbolic facts, and orders whose coefficients follow.
    if one.route == "symbolic":
        return False
    return not (one.route == "monte-carlo" and one.quantity.startswith("order") and one.agrees)


def _evidence(one: Evidence) -> str:
    note = f"  ({one.note})" if one.agrees is not True and one.note else ""
    quantity = one.quantity.removeprefix("coefficient of ").partition(" (order")[0]
    return f"{one.route:<12}{quantity}{_measured(one)}  {one.mark}{note}"


def _measured(one: Evidence) -> str:
    if one.measured is None:
        return ""
    if not isinstance(one.measured, float):
        return f": {one.measured}"
    if one.error_kind == "standard error" and one.error:
        z = "" if one.z is None else f", z = {one.z:+.1f}"
        return f": {number(one.predicted)} → {measured(one)} {error(one)}{z}"
    if one.route == "remainder":
        return f": {one.measured:.3f} (≥ {number(one.predicted)} expected)"
    if isinstance(one.predicted, float):
        difference = abs(one.measured - one.predicted)
        return f": |Δ| = {difference:.0e}" if difference else ": |Δ| = 0"
    return f": {one.measured:.3g} ({one.predicted} expected)"


def line(label: str, text: str) -> str:
    """A label and what it labels."""
    return f"  {label:<{LABEL}}{text}"
