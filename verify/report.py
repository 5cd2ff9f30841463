"""An audit on one screen, like a referee's note."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from derive.notation import TEXT, signed_sum

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from derive.described import Described
    from verify.auditing import Audit
    from verify.evidence import Evidence

LABEL = 14
WIDTH = 100


def audit_text(found: Audit, width: int = WIDTH) -> str:
    """The audit in plain text, lines folded at ``width``."""
    return folded([_heading(found, width), *_lines(found, width)], width)


def folded(lines: Iterable[str], width: int = WIDTH) -> str:
    """Lines folded at a width, what follows being indented."""
    return "\n".join(
        part
        for line in lines
        for part in textwrap.wrap(
            line, width, subsequent_indent=" " * (LABEL + 4), break_long_words=False, break_on_hyphens=False
        )
    )


def _fits(found: Audit, width: int) -> bool:
    return len(found.loss.title or found.loss.name) + len(found.loss.source) + 2 <= width


def _heading(found: Audit, width: int) -> str:
    title, source = found.loss.title or found.loss.name, found.loss.source
    return f"{title}{source:>{width - len(title)}}" if _fits(found, width) else title


def _lines(found: Audit, width: int) -> Iterator[str]:
    if not _fits(found, width):
        yield line("source", found.loss.source)
    yield line("definition", found.loss.text())
    if found.given:
        yield line("set", ", ".join(f"{name} = {value}" for name, value in found.given.items()))
    expansion = found.expansion
    if expansion is None:
        yield line("near W = 0", f"no expansion: {found.reason}")
        point = "(W, b)" if found.loss.bias else "W"
        constant = f"constant along {point} → t{point}"
        yield line("regularity", f"{found.regularity} of degree {found.degree} in {point}: {constant}")
    else:
        if expansion.bias:
            yield line("model", "f(x) = W x + b")
        yield line("near W = 0", expansion.text())
        yield line("assuming", f"{', '.join(expansion.assumptions)}; any dimension")
        if found.closed is not None:
            ends = "  (the expansion ends)" if found.closed.finite else ""
            yield line("exact", found.closed.text() + ends)
        origin = f"B = {expansion.origin()}"
        curvature = signed_sum([(-expansion.bias_curvature, "|b|²")] if expansion.bias_curvature else [], TEXT)
        yield line("origin", origin + (f";  in b: {curvature}" if expansion.bias else ""))
        rotation = "all terms are traces" if expansion.rotation_invariant else "sums over coordinates remain"
        yield line("rotation", f"{'invariant' if expansion.rotation_invariant else 'not invariant'}: {rotation}")
    if found.landscape is not None:
        yield from landscape_lines(found.landscape)
    for note in found.loss.notes:
        yield line("note", note)
    yield from evidence_lines(found.evidence)
    yield line("verdict", found.verdict)


def evidence_lines(evidence: Iterable[Evidence]) -> Iterator[str]:
    """What a reader needs of the evidence, a line each."""
    label = "evidence"
    for one in evidence:
        if _shown(one):
            yield line(label, _evidence(one))
            label = ""


def landscape_lines(landscape: Described) -> Iterator[str]:
    """Stationary points, minima and collapse."""
    label = ""
    for name, said in landscape.lines():
        yield line("" if name == label else name, said)
        label = name


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
        digits = max(0, 1 - int(f"{one.error:e}".split("e")[1]))
        z = "" if one.z is None else f", z = {one.z:+.1f}"
        return f": {_plain(one.predicted)} → {one.measured:.{digits}f} ± {one.error:.{digits}f}{z}"
    if one.route == "remainder":
        return f": {one.measured:.3f} ({_plain(one.predicted)} expected)"
    if isinstance(one.predicted, float):
        difference = abs(one.measured - one.predicted)
        return f": |Δ| = {difference:.0e}" if difference else ": |Δ| = 0"
    return f": {one.measured:.3g} ({one.predicted} expected)"


def _plain(value: float | str | None) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def line(label: str, text: str) -> str:
    """A label and what it labels."""
    return f"  {label:<{LABEL}}{text}"
