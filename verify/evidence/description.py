"""What was found, in order and in sections: the one description from which each form of a report is written.

A terminal prints each line's plain text; a page may typeset the formulas that go with it. No form says anything that is
not here, so that the forms cannot disagree.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from derive.definition.lines import Line
from verify.evidence.terminal import WIDTH, written
from verify.evidence.verdict_words import checked

if TYPE_CHECKING:
    from collections.abc import Iterable

    from verify.evidence.answer import Answer
    from verify.evidence.evidence import Evidence, Verdict

__all__ = ["Describable", "Description", "Line", "Section", "sections"]


@dataclass(frozen=True)
class Section:
    """Lines that belong together, under a heading."""

    heading: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Description:
    """A finding, ready to be written.

    Attributes:
        title: the usual name of the loss; for a check, its result in a sentence.
        source: where it was published; empty if unknown.
        remark: what kind of thing was audited, where it is not a definition.
        answer: which modes are kept and which are lost; None where that was not asked.
        about: what the verdict is about, worded for use within a sentence; empty where the verdict is given elsewhere.
        sections: what was found, in order.
        evidence: the comparisons.
        verdict: what they support.
        model: f as a formula in plain text; empty where no expansion is shown.
        kind: what was done: an audit, a check, a claim, a study.

    """

    title: str
    source: str = ""
    remark: str = ""
    answer: Answer | None = None
    about: str = ""
    sections: tuple[Section, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    verdict: Verdict = "not-run"
    model: str = ""
    kind: str = "audit"

    @property
    def checked(self) -> str:
        """A sentence that says whether what the answer rests on was checked."""
        return checked(self.about, self.evidence, self.verdict)

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines of all sections."""
        return tuple(line for section in self.sections for line in section.lines)


def sections(*found: tuple[str, Iterable[Line]]) -> tuple[Section, ...]:
    """Sections from headings and lines; those without lines are left out.

    >>> sections(("Definition", [Line("set", "N = 2")]), ("Landscape", []))
    (Section(heading='Definition', lines=(Line(label='set', text='N = 2', formulas=()),)),)
    """
    listed = ((heading, tuple(lines)) for heading, lines in found)
    return tuple(Section(heading, lines) for heading, lines in listed if lines)


class Describable(ABC):
    """Anything that can be described, and so be written in every form."""

    @abstractmethod
    def description(self) -> Description:
        """The description from which each form of a report is written."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""

    def text(self, width: int | None = WIDTH) -> str:
        """The finding as one screen of text, with lines folded at a width."""
        return written(self.description(), width)

    def _repr_html_(self) -> str:
        from verify.reports.notebook import of_description

        return of_description(self.description())
