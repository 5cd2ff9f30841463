"""The catalogue as Markdown tables: what its page shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from derive import CATALOGUE, catalogue, closed_form
from derive.landscape.collapse import Collapse, collapse

if TYPE_CHECKING:
    from derive.landscape.conditions import Condition

# What can be put on a loss, by column: modifiers, and a strength that goes to infinity.
VARIANTS: dict[str, tuple[str, str | None]] = {
    "as it is": ("", None),
    "+ weight decay": ("+weight-decay", None),
    "+ fixed norm": ("+norm-penalty", "kappa"),
    "+ fixed norm + bias": ("+norm-penalty+bias", "kappa"),
}


def catalogue_table() -> str:
    """One row a loss: source, B, closed form, rotation invariance."""
    rows = [
        "| loss | source | B | closed form | rotation invariant |",
        "|---|---|---|---|---|",
    ]
    for loss in CATALOGUE.values():
        expansion = loss.expand(order=4)
        rows.append(
            f"| `{loss.name}` | {loss.source} | {_origin(loss.name)} | {_yes(closed_form(loss) is not None)}"
            f" | {_yes(expansion.rotation_invariant)} |"
        )
    return "\n".join(rows)


def collapse_table() -> str:
    """One row a loss: B, and whether its minima can lose modes (dimensional / complete collapse).

    "if" where that depends on the data or on the parameters; the condition is in `quartic audit`.
    """
    rows = [f"| loss | B | {' | '.join(VARIANTS)} |", "|---" * (2 + len(VARIANTS)) + "|"]
    for name in CATALOGUE:
        # A bias is for a single encoder.
        there = [not (CATALOGUE[name].encoders == 2 and "bias" in VARIANTS[variant][0]) for variant in VARIANTS]
        cells = [
            _cell(collapse_of(name, variant)) if known else "—" for variant, known in zip(VARIANTS, there, strict=True)
        ]
        rows.append(f"| `{name}` | {_origin(name)} | {' | '.join(cells)} |")
    return "\n".join(rows)


def collapse_of(name: str, variant: str) -> Collapse:
    """The collapse conditions of a catalogue loss under one of the `VARIANTS`."""
    modifiers, limit = VARIANTS[variant]
    if limit in CATALOGUE[name].parameters:
        # VICReg's own model has a norm penalty, of the same symbols, already.
        modifiers = modifiers.replace("+norm-penalty", "")
    return collapse(catalogue(name + modifiers).expand(order=4), limit=limit)


def _origin(name: str) -> str:
    return CATALOGUE[name].expand(order=2).origin()


def _cell(found: Collapse) -> str:
    return "open" if found.reason else f"{_word(found.dimensional)} / {_word(found.complete)}"


def _word(condition: Condition | None) -> str:
    said = str(condition)
    return said if said in ("never", "always") else "if"


def _yes(value: bool) -> str:  # noqa: FBT001 (a word for a truth value)
    return "yes" if value else "no"
