"""What an audit says, in order and in sections: the one description from which each form of its report is written.

The text report prints each line's plain text; a page may set the formulas that stand beside it. Nothing is said in one
form that is not here, so that the two cannot part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from derive.notation import LATEX, TEXT, signed_sum
from verify.in_words import checked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from derive.described import Described
    from verify.answer import Answer
    from verify.auditing import Audit
    from verify.evidence import Evidence, Verdict


@dataclass(frozen=True)
class Line:
    """One thing that is said.

    Attributes:
        label: what is said of; empty where the line goes on with the label before it.
        text: in plain text.
        formulas: the same in LaTeX for math mode, where it is mathematics; one after the other.

    """

    label: str
    text: str
    formulas: tuple[str, ...] = ()


@dataclass(frozen=True)
class Section:
    """Lines that belong together, under a heading."""

    heading: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Description:
    """An audit, ready to be written.

    Attributes:
        title: how people call the loss.
        source: where it was published, empty where that is not known.
        remark: what kind of thing was audited, where it is no definition.
        answer: what is kept and what is lost.
        about: what the verdict is about, as it stands within a sentence.
        sections: what was found, in order.
        evidence: the comparisons.
        verdict: what they support.

    """

    title: str
    source: str
    remark: str
    answer: Answer
    about: str
    sections: tuple[Section, ...]
    evidence: tuple[Evidence, ...]
    verdict: Verdict

    @property
    def checked(self) -> str:
        """Whether what the answer rests on was checked, a sentence."""
        return checked(self.about, self.evidence, self.verdict)

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines of all sections."""
        return tuple(line for section in self.sections for line in section.lines)


def sections(*found: tuple[str, Iterable[Line]]) -> tuple[Section, ...]:
    """Sections of headings and lines; those without lines are left out.

    >>> sections(("Definition", [Line("set", "N = 2")]), ("Landscape", []))
    (Section(heading='Definition', lines=(Line(label='set', text='N = 2', formulas=()),)),)
    """
    listed = ((heading, tuple(lines)) for heading, lines in found)
    return tuple(Section(heading, lines) for heading, lines in listed if lines)


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
            ("Landscape", () if found.landscape is None else landscape_lines(found.landscape)),
            ("Notes", (Line("note", note) for note in found.loss.notes)),
        ),
        evidence=found.evidence,
        verdict=found.verdict,
    )


def _definition(found: Audit) -> Iterator[Line]:
    yield Line("definition", found.loss.text(), (found.loss.latex(),))
    if found.given:
        yield Line("set", ", ".join(f"{name} = {value}" for name, value in found.given.items()))


def _near_zero(found: Audit) -> Iterator[Line]:
    expansion = found.expansion
    if expansion is None:
        yield Line("near W = 0", f"no expansion: {found.reason}")
        point = "(W, b)" if found.loss.bias else "W"
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
    origin = f"B = {expansion.origin()}"
    curvature = signed_sum([(-expansion.bias_curvature, "|b|²")] if expansion.bias_curvature else [], TEXT)
    formulas = [f"B = {expansion.origin(LATEX)}"]
    if expansion.bias_curvature:
        formulas.append(r"\text{in } b\text{: } " + signed_sum([(-expansion.bias_curvature, r"\|b\|^2")], LATEX))
    yield Line("origin", origin + (f";  in b: {curvature}" if expansion.bias else ""), tuple(formulas))
    rotation = "all terms are traces" if expansion.rotation_invariant else "sums over coordinates remain"
    yield Line("rotation", f"{'invariant' if expansion.rotation_invariant else 'not invariant'}: {rotation}")


def landscape_lines(landscape: Described) -> Iterator[Line]:
    """Stationary points, minima and collapse."""
    formulas = _formulas(landscape)
    label = ""
    for name, said in landscape.lines():
        own = formulas[name].pop(0) if formulas.get(name) else ()
        yield Line("" if name == label else name, said, own)
        label = name


def _formulas(landscape: Described) -> dict[str, list[tuple[str, ...]]]:
    """The formulas of each line that has some, by label, in order."""
    written = landscape.lines(LATEX)

    def labelled(*labels: str) -> tuple[str, ...]:
        return tuple(formula for label, formula in written if label in labels)

    points: list[tuple[str, ...]] = []
    for one in landscape.stationary:
        given = one.given(LATEX)
        points.append((*([rf"{given}:"] if given else []), *(f"{a} = {b}" for a, b in one.lines(LATEX))))
    if not points and landscape.cases:
        # The same number of formulas for each case.
        modes = labelled("stationary")
        each = len(modes) // len(landscape.cases)
        points = [modes[start : start + each] for start in range(0, len(modes), each)]
    conditions = [rf"\text{{{name}: }} {said}" for name, said in written if name in ("dimensional", "complete")]
    alone = sum(label == "collapse" for label, _ in landscape.lines()) == len(conditions)
    return {
        "stationary": points,
        "collapse": [(one,) for one in conditions] if alone else [tuple(conditions)],
        "all orders": [labelled("exact")],
    }
