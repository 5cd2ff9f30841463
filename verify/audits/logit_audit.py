"""The audit of DINO: its field in powers of W, what becomes of its modes and of a mean, held against steps by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sympy

from derive import InputError, Law
from derive.definition.lines import Line
from derive.definition.notation import TEXT
from derive.expansion.laws import Gaussian
from derive.fields.centring import centred, follows, uncentred
from derive.fields.dino import Dino, K
from derive.fields.logit_field import LogitField, logit_field, onset, threshold
from verify.audits.field_answer import weight_lines
from verify.audits.field_audit import FieldAudit, audit_field
from verify.audits.logit_evidence import evidence
from verify.evidence.answer import Answer
from verify.truths.exact_numbers import exact_values


@dataclass(frozen=True)
class LogitAudit(FieldAudit):
    """The audit of DINO."""

    training: Dino
    field: LogitField

    @property
    def threshold(self) -> sympy.Expr:
        """λ above which a mode grows from small weights."""
        return self.training.put(threshold())

    @property
    def onset(self) -> sympy.Expr:
        """What is positive where a mode jumps, and survives below the threshold."""
        return self.training.put(onset())

    def said(self) -> Answer:
        """Which modes grow from small weights, and which survive from large ones."""
        at = TEXT.scalar(self.threshold)
        if self.threshold.is_number and self.threshold >= 1:
            return Answer(f"Loses every mode with λ_i < 1, from any weights: τ_t/τ_s = {at}.", "loses")
        near = f"From small weights a mode grows where λ_i > {at}"
        if self.onset.is_number:
            far = "from large ones it survives somewhat below" if self.onset > 0 else "there is no hysteresis"
        else:
            far = "from large ones it survives somewhat below for K ≥ 5"
        return Answer(f"{near}; {far}; without a centre a mean grows first.", "open")

    def details(self) -> dict[str, Any]:
        """Structure and modes, as plain JSON values."""
        return {
            "threshold": str(self.threshold),
            "hysteresis": str(self.onset),
            "mean": {"centred": str(self.training.put(centred())), "uncentred": str(self.training.put(uncentred()))},
        }

    def parts(self) -> Iterable[tuple[str, Iterable[Line]]]:
        """The field, and what training does."""
        return ("Field", self._field()), ("Training", self._training())

    def _field(self) -> Iterator[Line]:
        yield from weight_lines(self.field)
        yield Line("conserved", "1ᵀ W: what all logits have in common is not learned")
        yield Line("assuming", "zero mean, Gaussian; any dimension")

    def _training(self) -> Iterator[Line]:
        growth = {name: TEXT.scalar(self.training.put(value)) for name, value in self.field.growth.items()}
        yield Line("near 0", f"a mode grows at ({growth['A0']}) a_i − ({growth['Sigma'].lstrip('-')}) s_i")
        at = f" = {TEXT.scalar(self.threshold)}" if self.threshold.is_number else ""
        yield Line("threshold", f"λ_i = τ_t/τ_s{at}, whatever K is, and with a momentum too")
        if not (self.threshold.is_number and self.threshold >= 1):
            yield Line("hysteresis", self._hysteresis())
        alone, centre, slow = (
            TEXT.scalar(self.training.put(one)).replace("μ_sq", "|μ|² ").replace("|μ|² /", "|μ|²/")
            for one in (uncentred(), centred(), follows(momentum=False))
        )
        yield Line("mean", f"μ of the data, or a bias with |μ|² = 1: grows at {alone} without a centre")
        yield Line("mean", f"with an exact centre at {centre}: it decays")
        yield Line("mean", f"with a centre that follows at the rate r it oscillates unless {slow} > 0")

    def _hysteresis(self) -> str:
        if "K" not in self.training.given:
            return "from K = 5 on: a mode that sets one logit against the others survives below the threshold"
        logits = self.training.put(K)
        if self.onset > 0:
            return f"K = {logits}: a mode that sets one logit against the others survives below the threshold"
        return f"none along one mode, as K = {logits} is less than 5"


@audit_field.register
def _(
    dynamics: Dino,
    *,
    order: int = 4,
    given: Mapping[str, object] | None = None,
    law: Law | None = None,
    seed: int = 0,
    train: bool = True,
    tick: Callable[[str], None] = lambda _: None,
) -> FieldAudit:
    if law is not None and law != Gaussian():
        raise InputError(f"{dynamics.name} is expanded for Gaussian data of mean zero")
    values = exact_values(given)
    here = dynamics.set(values)
    tick("derive")
    found = logit_field(here, order - 1)
    return LogitAudit(here, values, found, tuple(evidence(here, order - 1, seed, tick, train=train)))
