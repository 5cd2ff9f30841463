"""The whole check of a moment: derived, and held against its definition on nodes and on draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from derive import Gaussian, Law, Moment, moment
from derive.definition.lines import Line
from derive.definition.notation import LATEX
from verify.evidence.description import Describable, Description, sections
from verify.evidence.evidence import Evidence, Verdict, verdict
from verify.routes.moment import ROUTES, Subject
from verify.truths.exact_numbers import exact_values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import sympy


@dataclass(frozen=True)
class MomentAudit(Describable):
    """The result of the check of a moment.

    Attributes:
        moment: with the given values put in.
        given: the values that were set.
        evidence: the comparisons.

    """

    moment: Moment
    given: Mapping[str, sympy.Expr]
    evidence: tuple[Evidence, ...]

    @property
    def verdict(self) -> Verdict:
        """The verdict that the evidence supports."""
        return verdict(self.evidence)

    def description(self) -> Description:
        """The moment, what is assumed, and the evidence."""
        return Description(
            self.moment.definition(),
            about="the derivation",
            sections=sections(("", self._lines())),
            evidence=self.evidence,
            verdict=self.verdict,
            kind="moment",
        )

    def _lines(self) -> Iterator[Line]:
        yield Line("moment", f"= {self.moment.text()}", (f"{self.moment.definition(LATEX)} = {self.moment.latex()}",))
        yield Line("assuming", f"{', '.join(self.moment.assumptions)}; any dimension")
        if self.given:
            yield Line("set", ", ".join(f"{name} = {value}" for name, value in self.given.items()))

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values: the moment as an expansion has them, with evidence and verdict as an audit."""
        return {
            **self.moment.to_json(),
            "latex": self.moment.latex(),
            "set": {name: str(value) for name, value in self.given.items()},
            "evidence": [one.to_json() for one in self.evidence],
            "verdict": self.verdict,
        }


def audit_moment(
    of: object,
    *,
    law: Law | None = None,
    basis: str = "A0,Sigma",
    given: Mapping[str, object] | None = None,
    seed: int = 0,
    tick: Callable[[str], None] = lambda _: None,
) -> MomentAudit:
    """Derive a moment, and hold it against its definition.

    Args:
        of: text or an expression, see `derive.moment`.
        law: of the views.
        basis: the letters of the words.
        given: exact values of parameters.
        seed: of all random numbers.
        tick: called with what is done next.

    Raises:
        InputError: text that cannot be read, or a value that cannot be put in.

    >>> found = audit_moment("Var(|f(x)|^2)")
    >>> found.moment.text(), found.verdict
    ('2 Tr[(W Σ Wᵀ)²]', 'holds')

    """
    values = exact_values(given)
    tick("moment")
    whole = moment(of, law=law or Gaussian(), basis=basis)
    shown = whole.set(values)
    subject = Subject(whole, values, seed)
    evidence: list[Evidence] = []
    for route in ROUTES:
        tick(route.name)
        evidence += route.evidence(subject, lambda place: place.of(whole))
    return MomentAudit(shown, values, tuple(evidence))
