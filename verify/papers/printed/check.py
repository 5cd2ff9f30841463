"""One check of something printed: what was printed, what was derived, where they differ, and the verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from verify.evidence.description import Describable, Description, Line, sections
from verify.evidence.evidence import OF_A_PRINT, Evidence, verdict
from verify.evidence.terminal import written

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from verify.evidence.evidence import Verdict


@dataclass(frozen=True)
class Difference:
    """A place at which print and derivation differ.

    Attributes:
        of: what differs, such as ``Tr[(W Σ Wᵀ)²], order 4``.
        printed: what is printed, in plain text.
        derived: what is derived.
        factor: printed over derived, empty where one of them is 0 or no number.
        latex: (printed, derived) in LaTeX.

    """

    of: str
    printed: str
    derived: str
    factor: str = ""
    latex: tuple[str, str] = ("", "")

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "of": self.of,
            "printed": self.printed,
            "derived": self.derived,
            "factor": self.factor or None,
            "latex": {"printed": self.latex[0], "derived": self.latex[1]},
        }


@dataclass(frozen=True)
class Check(Describable):
    """What a check found.

    Attributes:
        kind: of what.
        loss: the loss's name.
        printed: all that is printed, in plain text; empty for an audit, which nothing is printed for.
        derived: the same as it is derived.
        latex: (printed, derived) in LaTeX.
        differences: where they differ, the first first.
        evidence: comparisons of the derivation with measurements that share no code with it, then of the print, which
            is evaluated directly.
        verdict: on the print, see `on_print`; of an audit, on what it derived or measured. ``undecided`` where the
            measurements do not support the derivation, or were not made.
        reason: why it is undecided or was not run, in a sentence.
        counterexample: numbers at which the print is wrong, in a sentence; empty where none are given.

    """

    kind: Literal["expansion", "landscape", "audit", "moment", "field"]
    loss: str
    printed: str
    derived: str
    latex: tuple[str, str]
    differences: tuple[Difference, ...]
    evidence: tuple[Evidence, ...]
    verdict: Verdict
    reason: str = ""
    counterexample: str = ""

    def description(self) -> Description:
        """The first difference, as printed and as derived, and what was measured."""
        lines = sections(("", self._first()))
        return Description(self.sentence(), sections=lines, evidence=self.evidence, verdict=self.verdict, kind="check")

    def _first(self) -> Iterator[Line]:
        if not self.differences:
            return
        first, *others = self.differences
        yield Line("printed", first.printed)
        yield Line("derived", first.derived)
        if first.factor:
            yield Line("factor", f"{first.factor}, printed over derived")
        if first.latex[1]:
            yield Line("LaTeX", first.latex[0])
            yield Line("", first.latex[1])
        if others:
            yield Line("also", "; ".join(one.of for one in others))
        if self.counterexample:
            yield Line("for instance", self.counterexample)
        if self.kind in ("expansion", "moment", "field"):
            yield Line("in full", self.derived)

    def text(self, width: int | None = None) -> str:
        """The check as a person reads it; formulas are left on one line unless a width is given."""
        return written(self.description(), width)

    def sentence(self) -> str:
        """The verdict in a sentence."""
        what = {
            "expansion": "the printed expansion",
            "landscape": "what is printed of the landscape",
            "moment": "the printed formula",
            "field": "the printed field",
        }
        subject = f"{self.loss}: {what.get(self.kind, 'the audit')} is {self.verdict}"
        if self.verdict == "holds":
            return f"{self.loss}: {what.get(self.kind, 'the audit')} holds"
        if self.verdict == "refuted" and self.differences:
            count = len(self.differences)
            return f"{subject}, {count} difference{'s' * (count != 1)}; the first is in {self.differences[0].of}"
        return f"{subject}: {self.reason}" if self.reason else subject

    def _repr_html_(self) -> str:
        from verify.reports.notebook import preformatted

        return preformatted(self.text())

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "kind": self.kind,
            "loss": self.loss,
            "printed": self.printed or None,
            "derived": self.derived or None,
            "latex": {"printed": self.latex[0] or None, "derived": self.latex[1] or None},
            "differences": [one.to_json() for one in self.differences],
            "evidence": [one.to_json() for one in self.evidence],
            "verdict": self.verdict,
            "reason": self.reason or None,
            **({"counterexample": self.counterexample} if self.counterexample else {}),
        }


class ContradictedError(AssertionError):
    """A check that does not hold; its message is the check's text.

    Attributes:
        check: what was found.

    """

    def __init__(self, check: Check) -> None:
        super().__init__(check.text())
        self.check = check


def on_print(evaluated: Iterable[Evidence], *, same: bool, supported: bool | None) -> Verdict:
    """On a print that is or is not the same as a derivation, by the one rule of `verify.evidence.evidence.verdict`.

    The derivation is one route, and says something where measurements bear it out. The print evaluated in numbers,
    compared with its subject, is another: without it, or against it, nothing is decided.

    Args:
        evaluated: comparisons of the print itself, evaluated, with the definition or with what was derived from it.
        same: whether print and derivation are equal.
        supported: whether the measurements bear the derivation out; None where they do not decide.

    >>> from verify.evidence.evidence import Evidence
    >>> agrees, contradicts = (Evidence("exact", "printed against the definition", agrees=one) for one in (True, False))
    >>> on_print([agrees], same=True, supported=True), on_print([contradicts], same=False, supported=True)
    ('holds', 'refuted')
    >>> {on_print([agrees], same=False, supported=True), on_print([contradicts], same=True, supported=True),
    ...  on_print([], same=False, supported=True), on_print([contradicts], same=False, supported=None)}
    {'undecided'}
    """
    symbolic = Evidence("symbolic", "printed − derived", agrees=same)
    return verdict([symbolic, *(evaluated if supported else ())], OF_A_PRINT)
