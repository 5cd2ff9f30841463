"""What the README says in its marked blocks is what is derived. Its commands: `test_pages.py`."""

import re
from pathlib import Path

import pytest

from derive import CATALOGUE, closed_form
from verify.claims.ledgers import published
from verify.claims.matrix import LEGEND, matrix
from verify.tables import VARIANTS, collapse_of

README = Path(__file__).parents[2] / "README.md"
TEXT = README.read_text(encoding="utf-8")


def between(marker):
    found = re.findall(rf"<!-- {marker} -->\n(.*?)<!-- /{marker} -->", TEXT, re.DOTALL)
    assert len(found) == 1, f"the README needs one block marked {marker}"
    return found[0]


def catalogue_table():
    """One row a loss: source, B, closed form, rotation invariance."""
    rows = [
        "| loss | source | B | closed form | rotation invariant |",
        "|---|---|---|---|---|",
    ]
    for loss in CATALOGUE.values():
        expansion = loss.expand(order=4)
        rows.append(
            f"| `{loss.name}` | {loss.source} | {origin(loss.name)} | {yes(closed_form(loss) is not None)}"
            f" | {yes(expansion.rotation_invariant)} |"
        )
    return "\n".join(rows)


def collapse_table():
    """One row a loss: B, and whether its minima can lose modes (dimensional / complete collapse).

    "if" where that depends on the data or on the parameters; the condition is in `quartic audit`.
    """
    rows = [f"| loss | B | {' | '.join(VARIANTS)} |", "|---" * (2 + len(VARIANTS)) + "|"]
    for name in CATALOGUE:
        cells = [cell(collapse_of(name, variant)) for variant in VARIANTS]
        rows.append(f"| `{name}` | {origin(name)} | {' | '.join(cells)} |")
    return "\n".join(rows)


def origin(name):
    return CATALOGUE[name].expand(order=2).origin()


def cell(found):
    return "open" if found.reason else f"{word(found.dimensional)} / {word(found.complete)}"


def word(condition):
    said = str(condition)
    return said if said in ("never", "always") else "if"


def yes(value):
    return "yes" if value else "no"


def recorded_table(ledgers):
    """The recorded verdicts of ledgers as a Markdown table, a row a verdict: what the README shows."""
    kinds = {"error": "refuted, an error", "misprint": "refuted, a misprint"}
    claims = [claim for ledger in ledgers for claim in ledger]
    by_verdict = {}
    for claim in claims:
        by_verdict.setdefault(kinds.get(claim.kind or "", claim.recorded), []).append(f"`{claim.id}`")
    order = ("holds", "conditional", *kinds.values(), "refuted", "undecided", "not-run")
    rows = [f"| {verdict} | {len(by_verdict[verdict])} | {' '.join(by_verdict[verdict])} |"
            for verdict in order if verdict in by_verdict]  # fmt: skip
    return "\n".join(["| verdict | number | claims |", "|---|---|---|", *rows])


def test_the_catalogue_table_is_the_derived_one():
    assert between("catalogue").strip() == catalogue_table()


@pytest.mark.slow
def test_the_collapse_table_is_the_derived_one():
    assert between("collapse").strip() == collapse_table()


def test_the_table_of_verdicts_is_the_recorded_one():
    assert between("ledger").strip() == recorded_table(published())


def test_the_table_of_losses_and_claims_is_the_recorded_one():
    assert between("matrix").strip() == matrix(published())
    assert LEGEND[1:] in TEXT


def test_the_first_screen_shows_a_picture_that_is_there():
    (picture,) = re.findall(r"!\[[^\]]{40,}\]\((\S+)\)", TEXT.partition("## ")[0])
    assert (README.parent / picture).stat().st_size > 10_000


def test_the_main_command_runs_the_main_job():
    command = between("main-command")
    assert command.rstrip("`\n").endswith(".venv/bin/quartic audit infonce")
    assert "-c constraints.txt" in command
