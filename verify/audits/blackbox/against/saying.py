"""The result of a comparison, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from verify.audits.blackbox.against.gradients import Gradients
from verify.audits.blackbox.against.values import Pair, Values


def of_values(found: Values, other: str, *, on: str = "batches") -> str:
    """How the values are related, where, and how far they are apart.

    Args:
        found: the comparison.
        other: the name of the second loss.
        on: what they were compared on, in the plural.

    """
    if found.kind == "nothing":
        return f"not compared: no value on any of {len(found.pairs)} {on} is finite and larger than rounding"
    deciding, worst = found.deciding, found.worst
    sizes, widths = (_range(letter, [p.batch.group[k] for p in deciding]) for k, letter in enumerate("Nd"))
    where = f"on {len(deciding)} {on} ({sizes}; {widths})"
    by = f"the largest difference is {worst.distance:.1e} of the value"
    if found.kind == "equal":
        return f"equal to rounding {where}; {by}"
    apart = [pair for pair in deciding if pair.status != "equal"]
    if found.kind == "small":
        return f"apart by what an epsilon in the code makes, on {len(apart)} of {len(deciding)} {on}; {by}"
    if found.kind == "stray":
        apart = [pair for pair in deciding if pair.status == "different"]
        return f"equal but for {len(apart)} of {len(deciding)} {on}, too few to tell; {by}, at {worst.batch.text()}"
    if found.kind == "beyond":
        least = min(pair.batch.scale for pair in deciding if pair.status == "different")
        most = max(pair.batch.scale for pair in deciding if pair.batch.scale < least)
        return f"equal at t W with t ≤ {most:g}, apart from t = {least:g} on, as where a hinge comes into play; {by}"
    related = found.relation
    if related is None:
        many = sum(pair.status == "different" for pair in deciding)
        return f"different on {many} of {len(deciding)} {on}; {by}, at {worst.batch.text()}"
    rule = {
        "offset": f"equal up to a constant: the code's is {other}'s plus {related.offset}",
        "factor": f"the code's is {other}'s times {related.factor}",
        "affine": f"the code's is {other}'s times {related.factor}, plus {related.offset}",
        "different": "",
    }[related.kind]
    return f"{rule}, {where}"


def of_gradients(found: Gradients, other: str) -> str:
    """How the gradients are related."""
    note = f"; {found.note}" if found.note else ""
    match found.kind:
        case "equal":
            return f"equal to rounding on {found.batches} batches"
        case "ratio":
            return f"the code's is {other}'s times {found.ratio[0]}, on {found.batches} batches"
        case "views":
            one, two = found.ratio
            text = f"the code's is {other}'s times {one} in the first view and times {two} in the second"
            return f"{text}, on {found.batches} batches"
        case "nothing":
            return f"not compared: {found.note}"
        case "small":
            return f"apart by no more than an epsilon in the code makes{note}"
        case _:
            return f"different, and not parallel, on {found.batches} batches{note}"


def of_values_json(found: Values) -> dict[str, object]:
    """Plain JSON values."""
    related, deciding = found.relation, found.deciding
    worst: Pair | None = found.worst if deciding else None
    return {
        "relation": found.kind,
        "factor": related.factor or None if related else None,
        "offset": related.offset or None if related else None,
        "batches": len(deciding),
        "largest": worst.distance if worst else None,
        "at": {"N": worst.batch.size, "d": worst.batch.width, "scale": worst.batch.scale} if worst else None,
        "notes": list(found.notes),
    }


def _range(letter: str, numbers: Sequence[int]) -> str:
    every = sorted(set(numbers))
    shown = every if len(every) < 4 else [every[0], "…", every[-1]]
    return f"{letter} = {', '.join(map(str, shown))}"
