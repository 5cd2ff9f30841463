"""The verdict on a claim: what is printed, compared with what was derived and measured.

Each slot is judged by the rule of `verify.evidence.evidence.verdict`, the derivation being one of the routes. A reading
states `every` one of its slots, and a claim is judged `under_each` of its readings; a reading is undecided where
derivation and measurement contradict one another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from inspect import getsource
from textwrap import dedent
from typing import Any

import sympy

from derive import InputError
from verify.evidence.description import Describable, Description
from verify.evidence.evidence import OF_A_PRINT, Evidence, Verdict, every, under_each, verdict
from verify.papers.claims.canonical import same
from verify.papers.claims.claim import Claim, Reading
from verify.papers.claims.findings import describe
from verify.papers.claims.writing import latex, running, stated, text


@dataclass(frozen=True, eq=False)
class Judged:
    """One reading with the evidence for and against a statement.

    Attributes:
        reading: the reading.
        evidence: the comparisons, by slot.
        consistent: whether derivation and measurements agree with one another.

    """

    reading: Reading
    evidence: Mapping[str, tuple[Evidence, ...]]
    consistent: bool

    @property
    def verdict(self) -> Verdict:
        """The verdict on the statement under this reading."""
        return every(map(self._of, self.evidence)) if self.consistent else "undecided"

    def _of(self, slot: str) -> Verdict:
        return verdict(self.evidence[slot], OF_A_PRINT)

    @property
    def wrong(self) -> tuple[str, ...]:
        """The slots that are refuted."""
        return tuple(slot for slot in self.evidence if self._of(slot) == "refuted")


@dataclass(frozen=True, eq=False)
class Judgement(Describable):
    """A claim, a statement for its slots, and the verdict on that statement.

    Attributes:
        claim: the claim.
        statement: slot → what was judged; the print unless something else was asked for.
        readings: the readings, judged.
        counterexample: of a refuted claim: {"code": source, "printed": number, "true": number, …}.

    """

    claim: Claim
    statement: Mapping[str, Any]
    readings: tuple[Judged, ...]
    counterexample: Mapping[str, Any] | None = None

    @property
    def verdict(self) -> Verdict:
        """The verdict of all readings together."""
        return under_each(one.verdict for one in self.readings)

    @property
    def as_recorded(self) -> bool:
        """Whether this is the verdict that the ledger records."""
        return self.verdict == self.claim.recorded

    @property
    def condition(self) -> str | None:
        """Under which readings a conditional claim holds."""
        if self.verdict != "conditional":
            return None
        return "; or ".join(one.reading.name for one in self.readings if one.verdict == "holds")

    @property
    def corrected(self) -> Mapping[str, Any] | None:
        """The statement with what was derived in place of the refuted slots, of the first reading that is refuted."""
        for one in self.readings:
            if self.verdict in ("refuted", "conditional") and one.verdict == "refuted":
                return dict(self.statement) | {
                    slot: one.reading.derived[slot] for slot in one.wrong if slot in one.reading.derived
                }
        return None

    @property
    def corrections(self) -> tuple[tuple[str, Mapping[str, Any]], ...]:
        """(reading, statement with what was derived in place of the refuted slots), of each reading that is refuted.

        Readings that come to one statement stand once, and without a name where there is nothing to tell apart.
        """
        if self.verdict not in ("refuted", "conditional"):
            return ()
        found: dict[str, tuple[str, Mapping[str, Any]]] = {}
        for one in self.readings:
            if one.verdict == "refuted":
                said = {slot: one.reading.derived.get(slot, self.statement[slot]) for slot in one.wrong}
                known = dict(self.statement) | {slot: _in_a_word(self.statement[slot], said[slot]) for slot in said}
                words = stated(self.claim.says, known)
                name = "; or ".join(filter(None, (found[words][0], one.reading.name))) if words in found else ""
                found[words] = (name or one.reading.name, known)
        alone = self.verdict == "refuted" and len(found) == 1
        return tuple(("" if alone else name, known) for name, known in found.values())

    def corrected_in(self, write: Callable[[Any], str]) -> list[str]:
        """All corrections, each with the reading that it is of."""
        return [
            (f"{running(name) if write is latex else name}: " if name else "") + stated(self.claim.says, known, write)
            for name, known in self.corrections
        ]

    @property
    def evidence(self) -> tuple[tuple[str, str, Evidence], ...]:
        """(reading, slot, comparison), all of them."""
        return tuple(
            (judged.reading.name, slot, one)
            for judged in self.readings
            for slot, evidence in judged.evidence.items()
            for one in evidence
        )

    def description(self) -> Description:
        """The description that every form of report is written from."""
        return describe(self.to_json(), tuple(one for _, _, one in self.evidence))

    def _repr_html_(self) -> str:
        from verify.reports.notebook import of_judgement

        return of_judgement(self)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; ``printed`` and ``corrected`` are LaTeX."""
        claim = self.claim
        lead = "if printed so: " if claim.from_memory else ""
        return {
            "id": claim.id,
            "paper": claim.paper,
            "where": claim.where,
            "printed": lead + stated(claim.says, self.statement, latex),
            "verdict": self.verdict,
            "kind": claim.kind if self.verdict == "refuted" else None,
            "corrected": "; ".join(self.corrected_in(latex)) or None,
            "condition": self.condition,
            "given": claim.given or None,
            "why": claim.why or None,
            "tried": claim.tried or None,
            "seen": claim.seen or None,
            "from_memory": claim.from_memory,
            "falls": list(claim.falls) if self.verdict == "refuted" else [],
            "counterexample": _as_json(self.counterexample),
            "readings": [{"name": one.reading.name, "verdict": one.verdict} for one in self.readings],
            "plain": {
                "printed": lead + stated(claim.says, self.statement),
                "corrected": "; ".join(self.corrected_in(text)) or None,
                "corrections": self.corrected_in(text),
            },
            "evidence": [
                {**({"reading": name} if name else {}), "slot": slot, **one.to_json()}
                for name, slot, one in self.evidence
            ],
            "recorded": claim.recorded,
            "waits_for": claim.waits_for or None,
            "twin": claim.twin,
        }


def judge(claim: Claim, statement: Mapping[str, Any] | None = None) -> Judgement:
    """Judge what a claim prints, or another statement for some of its slots.

    Args:
        claim: its investigation is run the first time.
        statement: slot → what to judge in place of the print.

    Raises:
        InputError: the claim has no such slot, or one of its readings says nothing about a slot.

    """
    unknown = [slot for slot in statement or {} if slot not in claim.printed]
    if unknown:
        message = f"claim {claim.id}: there is no slot {unknown[0]!r}; it has: {', '.join(claim.printed)}"
        raise InputError(message)
    said = {**claim.printed, **(statement or {})}
    found = Judgement(claim, said, tuple(_judged(claim, reading, said) for reading in claim.readings))
    if found.verdict in ("refuted", "conditional") and claim.counterexample is not None and statement is None:
        return replace(found, counterexample=_in_numbers(claim))
    return found


def repaired(claim: Claim) -> tuple[Judgement, ...]:
    """Each reading's derived statement, judged under that reading alone.

    What a refuted claim should have said has to hold, by routes that do not share code with the derivation.
    """
    return tuple(
        Judgement(claim, said, (_judged(claim, reading, said),))
        for reading in claim.readings
        for said in ({**claim.printed, **reading.derived},)
    )


def _judged(claim: Claim, reading: Reading, said: Mapping[str, Any]) -> Judged:
    evidence: dict[str, tuple[Evidence, ...]] = {}
    consistent = True
    for slot, value in said.items():
        derived = reading.derived.get(slot)
        measured = [one for one in reading.measured if one.of == slot]
        if derived is None and not measured:
            message = f"claim {claim.id}: reading {reading.name!r} says nothing about the slot {slot!r}"
            raise InputError(message)
        found = [one.against(value, reading.definitions) for one in measured]
        if derived is not None:
            agrees = same(value, derived, reading.definitions)
            found.insert(
                0,
                Evidence(
                    "symbolic", slot, predicted=text(value), measured=text(derived), agrees=agrees, note=reading.how
                ),
            )
            consistent &= all(one.against(derived, reading.definitions).agrees is not False for one in measured)
        evidence[slot] = tuple(found)
    return Judged(reading, evidence, consistent)


def _in_a_word(printed: Any, value: Any) -> Any:
    """A condition that never holds, or always, in a word."""
    relational = isinstance(printed, sympy.core.relational.Relational)
    if relational and value in (sympy.true, sympy.false):
        return "always" if value else "never"
    return value


def _as_json(value: Any) -> Any:
    """Arrays as lists, in a counterexample."""
    if isinstance(value, Mapping):
        return {name: _as_json(one) for name, one in value.items()}
    return value.tolist() if hasattr(value, "tolist") else value


def in_numbers(claim: Claim) -> dict[str, Any]:
    """The counterexample of a claim as plain JSON values."""
    return {name: _as_json(value) for name, value in _in_numbers(claim).items()}


def _in_numbers(claim: Claim) -> dict[str, Any]:
    assert claim.counterexample is not None  # noqa: S101 (told the type checker; the caller has asked)
    return {"code": dedent(getsource(claim.counterexample)), **claim.counterexample()}
