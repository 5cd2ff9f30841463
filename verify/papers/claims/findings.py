"""The description of a claim that was judged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from verify.evidence.description import Description, Line, Section

if TYPE_CHECKING:
    from verify.evidence.evidence import Evidence
    from verify.papers.claims.running import Result


def describe(one: Result, evidence: tuple[Evidence, ...] = ()) -> Description:
    """Describe a claim that was judged.

    Args:
        one: its result, judged now or stored.
        evidence: its comparisons, where they are at hand; they stand under the readings that they are of elsewhere.

    """
    lines = (*_statement(one), *(() if evidence else _readings(one)), *_stored(one))
    return Description(
        one["id"], one["where"], sections=(Section("", lines),), evidence=evidence, verdict=one["verdict"], kind="claim"
    )


def _statement(one: Result) -> Iterator[Line]:
    yield Line("printed", one["plain"]["printed"])
    yield Line("verdict", one["verdict"] + (f" ({one['kind']})" if one["kind"] else ""))
    for label, said in (
        ("holds if", one["condition"]),
        *(("corrected", said) for said in corrections(one)),
        ("given", one["given"] if one["plain"]["corrected"] else None),
        ("why", one["why"]),
        ("tried", one["tried"]),
        ("falls with it", "; ".join(one["falls"])),
        ("read in", one.get("seen")),
        ("waits for", one["waits_for"]),
    ):
        if said:
            yield Line(label, said)


def corrections(one: Result) -> list[str]:
    """What a claim should have said, reading by reading; a stored result may have it in one line."""
    return list(one["plain"].get("corrections") or filter(None, [one["plain"]["corrected"]]))


def _readings(one: Result) -> Iterator[Line]:
    several = len(one["readings"]) > 1
    for reading in one["readings"]:
        label = "evidence"
        if several:
            yield Line("reading", f"{reading['name']}: {reading['verdict']}")
        for found in one["evidence"]:
            if found.get("reading", "") == reading["name"]:
                yield Line(label, _evidence(found))
                label = ""


def _stored(one: Result) -> Iterator[Line]:
    if made := one.get("stored"):
        versions = ", ".join(f"{name} {number}" for name, number in made["versions"].items())
        yield Line("stored", f"{made['date']}, {made['command']}, {versions}")


def _evidence(found: dict[str, Any]) -> str:
    mark = {True: "✓", False: "✗", None: "undecided"}[found["agrees"]]
    error = found["standard_error"] or found["tolerance"]
    within = f" ± {error:.2g}" if error else ""
    if found["route"] == "symbolic":
        return f"{found['route']:<12}{found['slot']}: {found['measured']}  {mark}"
    numbers = f"{short(found['predicted'])} said, {short(found['measured'])}{within} found"
    # Behind a yes or a no stand numbers, which are in the note.
    note = f" ({found['note']})" if found["note"] and not isinstance(found["measured"], float) else ""
    return f"{found['route']:<12}{found['slot']}: {numbers}, {found['quantity']}{note}  {mark}"


def short(value: Any) -> str:
    """A number to six digits, and anything else as it is."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
