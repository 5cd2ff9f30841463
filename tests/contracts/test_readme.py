"""What the README says in its marked blocks is what is derived. Its commands: `test_pages.py`."""

import re
from pathlib import Path

import pytest

from verify.papers.claims.ledgers import published
from verify.reports.catalogue import catalogue_table, collapse_table
from verify.reports.claims.listing import recorded_table
from verify.reports.claims.matrix import LEGEND, matrix

README = Path(__file__).parents[2] / "README.md"
TEXT = README.read_text(encoding="utf-8")


def between(marker):
    found = re.findall(rf"<!-- {marker} -->\n(.*?)<!-- /{marker} -->", TEXT, re.DOTALL)
    assert len(found) == 1, f"the README needs one block marked {marker}"
    return found[0]


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
