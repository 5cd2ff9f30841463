"""The marked blocks of the README and of the pages are what is derived. Their commands: `test_pages.py`."""

import re
from pathlib import Path

import pytest

from verify.papers.claims.ledgers import published
from verify.reports.catalogue import catalogue_table, collapse_table
from verify.reports.claims.listing import recorded_table
from verify.reports.claims.matrix import LEGEND, matrix

ROOT = Path(__file__).parents[2]
README, CATALOGUE, ERRATA = "README.md", "docs/reference/catalogue.md", "docs/errata.md"


def written(page):
    return (ROOT / page).read_text(encoding="utf-8")


def between(page, marker):
    found = re.findall(rf"<!-- {marker} -->\n(.*?)<!-- /{marker} -->", written(page), re.DOTALL)
    assert len(found) == 1, f"{page} needs one block marked {marker}"
    return found[0]


def test_the_catalogue_table_is_the_derived_one():
    assert between(CATALOGUE, "catalogue").strip() == catalogue_table()


@pytest.mark.slow
def test_the_collapse_table_is_the_derived_one():
    assert between(CATALOGUE, "collapse").strip() == collapse_table()


def test_the_table_of_verdicts_is_the_recorded_one():
    assert between(ERRATA, "ledger").strip() == recorded_table(published())


def test_the_table_of_losses_and_claims_is_the_recorded_one():
    assert between(ERRATA, "matrix").strip() == matrix(published())
    assert LEGEND in written(ERRATA)


def test_it_is_short_and_its_picture_is_there():
    assert written(README).count("\n") < 150
    (picture,) = re.findall(r"!\[[^\]]{40,}\]\((\S+)\)", written(README))
    assert (ROOT / picture).stat().st_size > 10_000


def test_the_main_command_runs_the_main_job():
    command = between(README, "main-command")
    assert command.rstrip("`\n").endswith(".venv/bin/quartic audit infonce")
    assert "-c constraints.txt" in command
