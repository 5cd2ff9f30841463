"""The audit of a black box on one screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verify.report import WIDTH, evidence_lines, folded, landscape_lines, line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from verify.blackbox.auditing import BlackBoxAudit

# Batch sizes of a number that is shown with its values.
SHOWN = 3


def black_box_text(found: BlackBoxAudit, width: int = WIDTH) -> str:
    """The audit in plain text, lines folded at ``width``."""
    return folded([f"{found.box.name}, a torch function: user code, run as it is", *_lines(found)], width)


def _lines(found: BlackBoxAudit) -> Iterator[str]:
    seen, smooth = found.box.seen, found.regularity
    noticed = [
        text
        for text, is_so in (
            ("writes to standard output", seen.printed),
            ("changes its inputs", seen.mutated),
            (f"returns {seen.first_of} values, of which the first was taken", seen.first_of > 0),
            ("computes in single precision", seen.single),
            ("differs from seed to seed, so that its seed was fixed", smooth.random),
        )
        if is_so
    ]
    yield line("called", f"{seen.calls} times, {seen.seconds:.1f} s" + "".join(f"; {text}" for text in noticed))
    for said in found.replaced:
        yield line("core", said)
    yield line("regularity", f"{smooth.kind}: {smooth.reason}" if smooth.reason else smooth.kind)
    if found.invariances is not None:
        yield line("invariant", found.invariances.text())
    if found.found is not None:
        yield from _expanded(found)
    if found.second is not None:
        width = len(found.second["A0"])
        at = f"N = {found.regularity.smallest_batch + 1}, d1 = {width}"
        yield line("near W = 0", f"Σ_ij S_ij (W Σ Wᵀ)_ij + A_ij (W A0 Wᵀ)_ij + …, at {at}:")
        for name, letter in (("Sigma", "S"), ("A0", "A")):
            rows = "; ".join(" ".join(f"{value:.6g}" for value in row) for row in found.second[name].round(9) + 0.0)
            yield line("", f"{letter} = [{rows}]")
        yield line("note", "it singles out coordinates: its fourth order has no formula in traces, and none is given")
    if found.landscape is not None:
        yield from landscape_lines(found.landscape)
    if found.normalised is not None:
        yield line("normalised", "E|f|² = c fixed, as the model of what was replaced:")
        yield from landscape_lines(found.normalised)
    label = "definition"
    for said in found.differences or (() if found.differences is None else ("every term is equal",)):
        yield line(label, said)
        label = ""
    yield from evidence_lines(found.evidence)
    yield line("verdict", found.verdict)


def _expanded(found: BlackBoxAudit) -> Iterator[str]:
    measured, expansion = found.found, found.expansion
    if measured is None or expansion is None:
        return
    yield line("near W = 0", expansion.text())
    yield line("assuming", f"{', '.join(expansion.assumptions)}; any dimension")
    sizes = f"N = {measured.sizes[0]}, …, {measured.sizes[-1]}"
    yield line("measured", f"at {sizes}; largest residual {measured.residual:.1g} of its error")
    for name, values in measured.numbers.items():
        shown = ", ".join(f"{value:.10g} ± {error:.0e} (N = {n})" for n, (value, error) in list(values.items())[:SHOWN])
        yield line("number", f"{name} = {shown}, …")
    for note in measured.notes:
        yield line("note", note)
    yield line("origin", f"B = {expansion.origin()}")
