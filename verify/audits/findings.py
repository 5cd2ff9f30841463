"""The description of the audit of a definition, section by section."""

from __future__ import annotations

from typing import TYPE_CHECKING

from derive.definition.lines import Line
from derive.definition.notation import LATEX, TEXT, Style, product_of_invariants, signed_sum
from verify.evidence.description import Description, sections

if TYPE_CHECKING:
    from collections.abc import Iterator

    from derive import Expansion
    from derive.landscape.summary import Described
    from verify.audits.definition import Audit


def describe(found: Audit) -> Description:
    """The description of the audit of a definition."""
    return Description(
        title=found.loss.title or found.loss.name,
        source=found.loss.source,
        remark="",
        answer=found.answer,
        about=found.about,
        sections=sections(
            ("Definition", _definition(found)),
            ("Near W = 0", _near_zero(found)),
            ("Lost modes", () if found.transverse is None else found.transverse.lines()),
            ("Landscape", () if found.landscape is None else landscape_lines(found.landscape)),
            ("At collapse", _collapsed(found)),
            ("Notes", (Line("note", note) for note in found.loss.notes)),
        ),
        evidence=found.evidence,
        verdict=found.verdict,
        model=model_of(found.expansion),
    )


def _collapsed(found: Audit) -> Iterator[Line]:
    """The loss at complete collapse and at a kept rank of 1; a second value under the same label."""
    for place, level in enumerate(found.levels):
        state = level.state.replace("kept rank 1", "a kept rank of 1")
        yield Line(
            "" if place else "collapsed",
            f"L = {TEXT.scalar(level.value)} with {state}",
            (f"L = {LATEX.scalar(level.value)}",),
        )


def _definition(found: Audit) -> Iterator[Line]:
    yield Line("definition", found.loss.text(), (found.loss.latex(),))
    if found.given:
        yield Line("set", ", ".join(f"{name} = {value}" for name, value in found.given.items()))


def _near_zero(found: Audit) -> Iterator[Line]:
    expansion = found.expansion
    if expansion is None:
        yield Line("near W = 0", f"no expansion: {found.reason}")
        point = found.loss.point
        constant = f"constant along {point} → t{point}"
        yield Line("regularity", f"{found.regularity} of degree {found.degree} in {point}: {constant}")
        return
    if expansion.bias:
        yield Line("model", "f(x) = W x + b", ("f(x) = W x + b",))
    yield Line("near W = 0", expansion.text(), (expansion.latex(),))
    yield Line("assuming", f"{', '.join(expansion.assumptions)}; any dimension")
    if found.closed is not None:
        ends = "  (the expansion ends)" if found.closed.finite else ""
        yield Line("exact", found.closed.text() + ends, (found.closed.latex(),))
    origin = _origin(expansion, TEXT)
    if expansion.encoders == 2 and set(expansion.B) == {"A"}:
        origin = f"−Tr[W B Vᵀ], {origin}: a saddle where B is not 0"
    curvature = signed_sum([(-expansion.bias_curvature, "|b|²")] if expansion.bias_curvature else [], TEXT)
    formulas = [_origin(expansion, LATEX)]
    if expansion.bias_curvature:
        formulas.append(r"\text{in } b\text{: } " + signed_sum([(-expansion.bias_curvature, r"\|b\|^2")], LATEX))
    yield Line("origin", origin + (f";  in b: {curvature}" if expansion.bias else ""), tuple(formulas))
    rotation = "all terms are traces" if expansion.rotation_invariant else "sums over coordinates remain"
    yield Line("rotation", f"{'invariant' if expansion.rotation_invariant else 'not invariant'}: {rotation}")


def _origin(expansion: Expansion, style: Style) -> str:
    """B; with two encoders there is no one B where WᵀW or VᵀV enter at order 2, and the terms themselves are given."""
    if expansion.encoders == 2 and set(expansion.B) != {"A"}:
        terms = expansion.terms_of_order(2)
        return signed_sum([(one.coefficient, product_of_invariants(one.invariants, style)) for one in terms], style)
    return f"B = {expansion.origin(style)}"


def model_of(expansion: Expansion | None) -> str:
    """f as a formula, where there is an expansion in its letters."""
    return "" if expansion is None else expansion.model


def landscape_lines(landscape: Described) -> Iterator[Line]:
    """Stationary points, minima and collapse; a label is shown once, before the first of its lines."""
    label = ""
    for line in landscape.said():
        yield line._replace(label="" if line.label == label else line.label)
        label = line.label
