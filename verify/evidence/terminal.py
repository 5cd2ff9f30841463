"""A finding in plain text for a terminal: one screen, like a referee's note."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections import Counter
from typing import TYPE_CHECKING

from verify.evidence.digits import error, measured, number
from verify.evidence.verdict_words import verdict_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from verify.evidence.description import Describable, Description
    from verify.evidence.evidence import Evidence

LABEL = 14
WIDTH = 100
# Labels and a few words beside them; on a narrower terminal lines run on.
NARROWEST = 60


def screen_width() -> int:
    """The width at which lines are folded: that of the terminal where it is narrower than a page, which files are."""
    if not sys.stdout.isatty():
        return WIDTH
    return min(WIDTH, max(NARROWEST, shutil.get_terminal_size((WIDTH, 24)).columns))


def audit_text(found: Describable, width: int = WIDTH) -> str:
    """The audit in plain text, lines folded at ``width``."""
    return found.text(width)


# Lines for which a reader asks: how the answer comes about, and what else holds.
DETAILS = frozenset(
    (
        "assuming",
        "rotation",
        "modes",
        "stationary",
        "index",
        "all orders",
        "from below",
        "couplings",
        "batches",
        "terms",
    )
)
MORE = "-v shows how it comes about"


def written(
    found: Description,
    width: int | None = WIDTH,
    *,
    label: int = LABEL,
    headings: bool = False,
    details: bool = True,
) -> str:
    """A finding in plain text.

    Args:
        found: its description.
        width: at which lines are folded; None does not fold them.
        label: the width of labels.
        headings: whether the headings of sections are written.
        details: whether all lines are written; without them the evidence stands in a line, and what disagrees below.

    """
    parts = [folded([_heading(found, width)], width)]
    if found.answer is not None:
        parts.append(answer_text(found, width or WIDTH))
    lines = list(_lines(found, width, label, headings=headings, details=details))
    return "\n".join([*filter(None, parts), *([folded(lines, width)] if lines else [])])


def answer_text(found: Description, width: int = WIDTH) -> str:
    """The answer, and whether it was checked: the first lines."""
    said = found.checked if found.answer is None else f"{found.answer.text} {found.checked}"
    return textwrap.fill(
        said, width, initial_indent="  ", subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )


def folded(lines: Iterable[str], width: int | None = WIDTH) -> str:
    """Lines folded at a width, with continuations indented; unchanged without a width."""
    if width is None:
        return "\n".join(lines)
    return "\n".join(
        part
        for line in lines
        for part in textwrap.wrap(
            line, width, subsequent_indent=" " * (LABEL + 4), break_long_words=False, break_on_hyphens=False
        )
    )


def _heading(found: Description, width: int | None) -> str:
    title, source = found.title, found.source
    if found.remark:
        return f"{title}, {found.remark}"
    return f"{title}{source:>{(width or WIDTH) - len(title)}}" if source and _beside(found, width) else title


def _beside(found: Description, width: int | None) -> bool:
    """Whether the source fits on the line of the title."""
    return len(found.title) + len(found.source) + 2 <= (width or WIDTH)


def _lines(found: Description, width: int | None, label: int, *, headings: bool, details: bool) -> Iterator[str]:
    if found.source and not _beside(found, width):
        yield line("source", found.source, label)
    for section in found.sections:
        if headings and section.heading:
            yield section.heading
        of = ""
        for one in section.lines:
            # A line without a label goes with the one above.
            of = one.label or of
            if details or of not in DETAILS:
                yield line(one.label, one.text, label)
    yield from evidence_lines(found.evidence) if details else evidence_in_short(found.evidence)
    if not details:
        yield line("more", MORE, label)
    if found.about:
        yield line("verdict", verdict_line(found.about, found.evidence, found.verdict), label)


def evidence_lines(evidence: Iterable[Evidence]) -> Iterator[str]:
    """What a reader needs of the evidence, one line per comparison."""
    label = "evidence"
    for one in evidence:
        if _shown(one):
            yield line(label, _evidence(one))
            label = ""


def evidence_in_short(evidence: Iterable[Evidence]) -> Iterator[str]:
    """How many comparisons agree by each route, in a line; those that do not agree, each in its own."""
    listed = list(evidence)
    agree = Counter(one.route for one in listed if one.agrees is True and one.route != "symbolic")
    if agree:
        routes = ", ".join(f"{route} {number}" if number > 1 else route for route, number in agree.items())
        yield line("evidence", f"{routes}  ✓")
    label = "" if agree else "evidence"
    for one in listed:
        if one.agrees is not True and _shown(one):
            yield line(label, _evidence(one))
            label = ""


def _shown(one: Evidence) -> bool:
    # What agrees and shows elsewhere on the screen: the symbolic facts, and orders whose coefficients follow.
    if one.route == "symbolic":
        return False
    return not (one.part == "order" and one.agrees)


def _evidence(one: Evidence) -> str:
    note = f"  ({one.note})" if one.agrees is not True and one.note else ""
    return f"{one.route:<12}{one.short or one.quantity}{_measured(one)}  {one.mark}{note}"


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


def line(label: str, text: str, width: int = LABEL) -> str:
    """A label and what it labels."""
    return f"  {label:<{width}}{text}"
