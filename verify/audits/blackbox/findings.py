"""The description of the audit of a torch function, section by section."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from derive.definition.notation import LATEX
from verify.audits.blackbox import answered
from verify.audits.blackbox.calling import Padded
from verify.audits.findings import landscape_lines, model_of
from verify.evidence.description import Description, Line, sections

if TYPE_CHECKING:
    from collections.abc import Iterator

    from verify.audits.blackbox.against import Comparison
    from verify.audits.blackbox.audit import BlackBoxAudit
    from verify.audits.blackbox.expansions import Expanded
    from verify.truths.function import BlackBox

# The number of batch sizes at which a coefficient left as a number is shown.
SHOWN = 3
# The terms of order 2 of a loss that singles out coordinates, by the matrix of the data.
SECOND_ORDER = {
    "Sigma": "S_ij (W Σ Wᵀ)_ij",
    "Sigma2": "T_ij (V Σ₂ Vᵀ)_ij",
    "A0": "A_ij (W A0 Wᵀ)_ij",
    "A": "A_ij (W A Vᵀ)_ij",
}


def describe(found: BlackBoxAudit) -> Description:
    """The description of the audit of a torch function."""
    return Description(
        title=found.box.name,
        source="",
        remark="a torch function: user code, run as it is",
        answer=found.answer,
        about=found.about,
        sections=sections(
            ("The code", _code(found)),
            ("What training follows", _field(found)),
            ("Near W = 0", (*_expanded(found), *_second_order(found))),
            ("Both sides of its scale", () if found.sides is None else (Line(*one) for one in found.sides.lines())),
            ("Lost modes", () if found.transverse is None else found.transverse.lines()),
            ("Landscape", () if found.landscape is None else landscape_lines(found.landscape)),
            ("Landscape of normalised features", _normalised(found)),
            ("At collapse", _collapsed(found)),
            (f"Beside {answered.beside(found)}", () if found.against is None else _compared(found.against)),
        ),
        evidence=found.evidence,
        verdict=found.verdict,
        model=model_of(found.expansion),
    )


def _code(found: BlackBoxAudit) -> Iterator[Line]:
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
    if found.given:
        yield Line("set", ", ".join(f"{name} = {value}{_where(name, found)}" for name, value in found.given.items()))
    yield Line("called", f"{seen.calls} times, {seen.seconds:.1f} s" + "".join(f"; {text}" for text in noticed))
    for said in found.notes:
        yield Line("note", said)
    for said in found.replaced:
        yield Line("core", said)
    if found.encoders == 2:
        yield Line("model", "z1 = W x, z2 = V y: Cov(x, x) = Σ, Cov(y, y) = Σ₂, Cov(x, y) = A")
    yield Line("regularity", f"{smooth.kind}: {smooth.reason}" if smooth.reason else smooth.kind)
    if found.invariances is not None:
        yield Line("invariant", found.invariances.text())


def _collapsed(found: BlackBoxAudit) -> Iterator[Line]:
    """The loss at complete collapse and at a kept rank of 1; a second value under the same label."""
    for place, level in enumerate(found.collapsed):
        yield Line("" if place else "collapsed", f"L = {level.text()}")


def _where(name: str, found: BlackBoxAudit) -> str:
    """Where a value was used, if in more than one place."""
    places = found.placed.get(name, ())
    return f" (in {' and in '.join(places)})" if len(places) > 1 else ""


def _field(found: BlackBoxAudit) -> Iterator[Line]:
    """The field that training follows; nothing where training follows the loss."""
    field = found.field
    if field is None:
        return
    yield Line("gradient", field.text())
    if field.linear is not None:
        yield Line("flow", field.flow(), (field.flow(LATEX),))
        of_values = field.flow(of_values=True)
        yield Line("", f"with the gradient of the values it would be {of_values}")
    yield Line("note", "a field has no landscape: no minima, no collapse conditions and no rates are stated for it")


def _expanded(found: BlackBoxAudit) -> Iterator[Line]:
    measured, expansion = found.found, found.expansion
    if measured is None or expansion is None:
        return
    yield Line("near W = 0", expansion.text(), (expansion.latex(),))
    if found.field is not None:
        yield Line("", "of the loss's values, as a function of numbers")
    yield Line("assuming", "; ".join([", ".join(expansion.assumptions), *_claimed(measured, found.box)]))
    sizes = f"N = {', …, '.join(str(n) for n in dict.fromkeys((measured.sizes[0], measured.sizes[-1])))}"
    tried = f"; tried at N = {', '.join(map(str, measured.tried))} as well" if measured.tried else ""
    yield Line("measured", f"at {sizes}{tried}; largest residual {measured.residual:.1g} of its error")
    for name, number in measured.constants.items():
        yield Line("constant", f"{name} = {number:.10g}")
    for name, values in measured.numbers.items():
        shown = ", ".join(_number(*one, n) for n, one in list(values.items())[:SHOWN])
        yield Line("number", f"{name} = {shown}{', …' if len(values) > SHOWN else ''}")
    for note in measured.notes:
        yield Line("note", note)
    if found.field is None:
        yield Line("origin", f"B = {expansion.origin()}", (f"B = {expansion.origin(LATEX)}",))


def _claimed(measured: Expanded, box: BlackBox) -> Iterator[str]:
    """The range in which a formula is claimed."""
    if isinstance(box.adapter, Padded):
        yield f"d1 = {box.adapter.width}"
    else:
        yield f"d1 = {measured.width}" if measured.width else "any dimension"
    if len(measured.sizes) == 1:
        yield f"N = {measured.sizes[0]}"
    elif measured.largest:
        yield f"N ≤ {measured.largest}"


def _number(value: float, error: float, n: int) -> str:
    """A number to two digits of its error, ten at most."""
    known = np.isfinite([value, error]).all() and value and error
    digits = min(10, max(2, 2 + int(np.log10(abs(value) / error)))) if known else 10
    return f"{value:.{digits}g} ± {error:.0e} (N = {n})"


def _second_order(found: BlackBoxAudit) -> Iterator[Line]:
    if found.second is None:
        return
    width = len(found.second["Sigma"])
    at = f"N = {found.regularity.smallest_batch + 1}, d1 = {width}"
    written = {name: words for name, words in SECOND_ORDER.items() if name in found.second}
    yield Line("near W = 0", f"Σ_ij {' + '.join(written.values())} + …, at {at}:")
    for name, letter in ((name, words[0]) for name, words in written.items()):
        rows = "; ".join(" ".join(f"{value:.6g}" for value in row) for row in found.second[name].round(9) + 0.0)
        yield Line("", f"{letter} = [{rows}]")
    yield Line("note", "it singles out coordinates: its fourth order has no formula in traces, and none is given")


def _normalised(found: BlackBoxAudit) -> Iterator[Line]:
    if found.normalised is not None:
        yield Line("normalised", "E|f|² = c fixed, as the model of what was replaced:")
        yield from landscape_lines(found.normalised)


def _compared(found: Comparison) -> Iterator[Line]:
    yield Line("beside", found.other)
    for label, said in found.lines:
        yield Line(label, said)
