"""The catalogue as a Markdown table: what the README shows."""

from __future__ import annotations

from derive import CATALOGUE, closed_form
from derive.collapse import collapse
from derive.notation import TEXT, signed_sum


def catalogue_table() -> str:
    """One row a loss: source, B, collapse, closed form, rotation invariance."""
    rows = [
        "| loss | source | B | dimensional collapse | closed form | rotation invariant |",
        "|---|---|---|---|---|---|",
    ]
    for loss in CATALOGUE.values():
        expansion = loss.expand(order=4)
        origin = signed_sum([(value, letter) for letter, value in expansion.B.items() if value != 0], TEXT)
        found = collapse(expansion).dimensional or "open"
        rows.append(
            f"| `{loss.name}` | {loss.source} | {origin} | {found} | {_yes(closed_form(loss) is not None)}"
            f" | {_yes(expansion.rotation_invariant)} |"
        )
    return "\n".join(rows)


def _yes(value: bool) -> str:  # noqa: FBT001 (a word for a truth value)
    return "yes" if value else "no"
