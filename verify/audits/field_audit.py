"""The audit of a field: derived, held against the step of training, and described in words of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, singledispatch
from typing import Any

import sympy

from derive import InputError, Law
from derive.definition.lines import Line
from derive.expansion.laws import Gaussian
from derive.fields.conserved import invariants
from derive.fields.curl import Curl, witness
from derive.fields.field import Field, field
from derive.fields.mode_flow import ModeFlow, mode_flow, u
from derive.fields.stability import Stability
from derive.fields.training import Dynamics, OfMoments, Training, largest
from derive.losses.limit import population
from verify.audits.field_answer import answer, parts
from verify.audits.fields import DerivedField
from verify.evidence.answer import Answer, in_light_of
from verify.evidence.description import Describable, Description, sections
from verify.evidence.evidence import Evidence, Verdict, verdict
from verify.truths.exact_numbers import exact_values


@dataclass(frozen=True)
class FieldAudit(Describable):
    """The result of the audit of a field, of any kind.

    Attributes:
        training: what is trained, with the given values put in.
        given: the values that were set.
        field: what training follows.
        evidence: the comparisons.

    """

    training: Dynamics
    given: Mapping[str, sympy.Expr]
    field: DerivedField
    evidence: tuple[Evidence, ...] = ()

    expansion = None
    landscape = None
    transverse = None
    regularity = "analytic"

    @property
    def loss(self) -> Dynamics:
        """What was audited, by the name that audits of losses have for it."""
        return self.training

    @property
    def verdict(self) -> Verdict:
        """The verdict that the evidence supports."""
        return verdict(self.evidence)

    @property
    def about(self) -> str:
        """What the verdict is about."""
        return "the field"

    @property
    def answer(self) -> Answer:
        """What training does with the modes."""
        return in_light_of(self.said(), self.about, self.verdict)

    def said(self) -> Answer:
        """The same, whatever the evidence says."""
        raise NotImplementedError

    @property
    def remark(self) -> str:
        """What is audited, beside its name."""
        return "a field: what training follows, the gradient of no loss"

    def parts(self) -> Iterable[tuple[str, Iterable[Line]]]:
        """What there is to say of this kind of field, section by section."""
        raise NotImplementedError

    def description(self) -> Description:
        """The description from which each form of a report is written."""
        definition = [Line("definition", self.training.text(), (self.training.latex(),))]
        if self.given:
            definition.append(Line("set", ", ".join(f"{name} = {value}" for name, value in self.given.items())))
        return Description(
            title=self.training.title,
            source=self.training.source,
            remark=self.remark,
            answer=self.answer,
            about=self.about,
            sections=sections(
                ("Definition", definition),
                *self.parts(),
                ("Notes", (Line("note", note) for note in self.training.notes)),
            ),
            evidence=self.evidence,
            verdict=self.verdict,
            model="W x",
        )

    def details(self) -> dict[str, Any]:
        """The same as plain JSON values."""
        return {}

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "answer": self.answer.text,
            "loss": self.training.name,
            "title": self.training.title,
            "source": self.training.source,
            "definition": self.training.text(),
            "set": {name: str(value) for name, value in self.given.items()},
            "expansion": None,
            "regularity": self.regularity,
            **self.field.to_json(),
            **self.details(),
            "B": None,
            "collapse": None,
            "evidence": [one.to_json() for one in self.evidence],
            "verdict": self.verdict,
            "about": self.about,
        }


@dataclass(frozen=True)
class TrainingAudit(FieldAudit):
    """The audit of a field of words."""

    training: Training
    field: Field

    @cached_property
    def still(self) -> Field:
        """The field where the momentum copy has caught up, without decay."""
        return field(replace(self.training, momentum=False, decay=False), self.field.order + 1)

    @cached_property
    def halves(self) -> bool:
        """Whether the stop takes away just half of the gradient, the copy having caught up."""
        return self.training.predictor is None and self.still.terms == self.still.stopped

    @cached_property
    def curl(self) -> Curl | None:
        """A witness that the field is no gradient; None where it is one, or that is not known."""
        of = self.training.predictor
        if isinstance(of, OfMoments) and of.powers is None:
            return None
        one = self.field if self.training.predictor is not None else self.still
        return None if self.still.potential is not None and self.training.predictor is None else witness(one)

    @cached_property
    def flow(self) -> ModeFlow | None:
        """The flow of a mode; None where modes are coupled."""
        try:
            return mode_flow(self.training, self.field.order + 1)
        except InputError:
            return None

    @cached_property
    def stability(self) -> Stability | None:
        """The stability of its states; None where modes are coupled, or P depends on all of them."""
        flow = self.flow
        known = flow is not None and flow.rate.is_polynomial(u) and not flow.rate.has(largest)
        return Stability(flow) if known and flow is not None else None

    def said(self) -> Answer:
        """What training does with the modes."""
        return answer(self)

    @property
    def remark(self) -> str:
        """The same, where it may be the gradient of a loss, too."""
        return "a field" if self.halves else super().remark

    def parts(self) -> Iterable[tuple[str, Iterable[Line]]]:
        """The field, its structure, and what training does."""
        return parts(self)

    def details(self) -> dict[str, Any]:
        """Structure and modes, as plain JSON values."""
        flow, potential = self.flow, self.still.potential
        return {
            "potential": potential.to_json() if potential and not self.training.predictor else None,
            "half_of_the_gradient": self.halves,
            "curl": None if self.curl is None else self.curl.text(),
            "conserved": [one.text() for one in invariants(self.training)],
            "modes": None
            if flow is None
            else {
                "rate": str(flow.rate),
                "growth": str(flow.growth),
                "states": list(map(str, flow.states)),
                "survival": None if flow.survival is None else str(flow.survival),
            },
            "momentum": None if self.stability is None else self.stability.momentum(),
        }


@singledispatch
def audit_field(dynamics: Dynamics, **_options: object) -> FieldAudit:
    """Derive a field and hold it against the step of training.

    Raises:
        InputError: no field is derived for dynamics of this kind, or another parameter is set.

    """
    raise InputError(f"{dynamics.name} is not audited; quartic modes says what training does")


@audit_field.register
def _(
    dynamics: Training,
    *,
    order: int = 4,
    given: Mapping[str, object] | None = None,
    law: Law | None = None,
    seed: int = 0,
    train: bool = True,
    tick: Callable[[str], None] = lambda _: None,
) -> FieldAudit:
    from verify.audits.field_evidence import evidence

    values = exact_values(given)
    limits = [name for name, value in values.items() if value is sympy.oo and name in dynamics.loss.parameters]
    here = dynamics.set({name: value for name, value in values.items() if name not in limits})
    for name in limits:
        here = replace(here, loss=population(here.loss, name))
    tick("derive")
    found = field(here, order, data=law or Gaussian())
    if law is not None and law != Gaussian():
        note = "the routes measure Gaussian data alone"
        return TrainingAudit(here, values, found, (Evidence("exact", "the step by values", ran=False, note=note),))
    return TrainingAudit(here, values, found, tuple(evidence(here, order, seed, tick, train=train)))
