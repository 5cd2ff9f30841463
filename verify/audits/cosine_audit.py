"""The audit of SimSiam and BYOL as published: nothing to expand at W = 0, and what becomes of modes all the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from derive import InputError, Law
from derive.definition.lines import Line
from derive.fields.conserved import invariants
from derive.fields.unit import ONE_PAIR, CosineField, OfCosines, cosine_field
from verify.audits.cosine_evidence import evidence
from verify.audits.field_answer import conserved_lines, weight_lines
from verify.audits.field_audit import FieldAudit, audit_field
from verify.evidence.answer import NONE, Answer
from verify.truths.exact_numbers import exact_values


@dataclass(frozen=True)
class CosineAudit(FieldAudit):
    """The audit of a loss of one pair of unit vectors with a stopped view and a linear predictor."""

    training: OfCosines
    field: CosineField

    regularity = "homogeneous"

    def said(self) -> Answer:
        """Which modes come back."""
        comes = "from w = p every mode with λ_i > 0 grows beside the others, whatever the decay"
        return Answer(f"{NONE}; {comes}; it is lost only beside a predictor too large or of the wrong sign.", "open")

    def details(self) -> dict[str, Any]:
        """What is conserved, as plain JSON values."""
        return {"conserved": [one.text() for one in invariants(self.training)]}

    def parts(self) -> Iterable[tuple[str, Iterable[Line]]]:
        """The flow of a lost mode, what is conserved, and what training does."""
        return ("Field", self._field()), ("Structure", self._structure()), ("Training", self._training())

    def _field(self) -> Iterator[Line]:
        yield Line("near W = 0", f"no expansion: {self.field.reason}")
        yield Line("regularity", "homogeneous of degree 0 in W: constant along W → tW")
        yield Line("a lost mode", "beside kept ones, over which α and β are means (f at live views, g at stopped ones)")
        yield from weight_lines(self.field)
        yield Line("assuming", "zero mean, Gaussian; any dimension")

    def _structure(self) -> Iterator[Line]:
        yield Line("lengths", "|W| and |P| do not move but for their decay, which only changes the clock")
        yield from conserved_lines(self.training)

    def _training(self) -> Iterator[Line]:
        yield Line("threshold", "none: from w = p a mode with λ_i > 0 comes back, in a time of 1/(α a_i w)")
        yield Line("basin", "it is lost where p² − w² ≥ (λ_i α/β)², or p ≤ −|w|")
        yield Line("state", "all modes with λ_i > 0; for many of them p_i ∝ λ_i, and shares in |W|² go as λ_i²")
        if self.training.momentum:
            yield Line("momentum", "the copy is W at rest, and moves no state")


@audit_field.register
def _(
    dynamics: OfCosines,
    *,
    order: int = 4,  # noqa: ARG001 (there is nothing to expand)
    given: Mapping[str, object] | None = None,
    law: Law | None = None,
    seed: int = 0,
    train: bool = True,
    tick: Callable[[str], None] = lambda _: None,
) -> FieldAudit:
    values = exact_values(given)
    here = dynamics.set(values)
    tick("derive")
    found = cosine_field(here, data=law)
    if not here.of_one_pair:
        raise InputError(f"{here.name} is not audited; {ONE_PAIR}; quartic derive says what becomes of a lost mode")
    return CosineAudit(here, values, found, tuple(evidence(here, found.mode, seed, tick, train=train)))
