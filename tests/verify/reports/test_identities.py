"""The page of identities: what is committed is what is derived now."""

from pathlib import Path

from verify.papers.identities.table import IDENTITIES
from verify.reports.identities import page

FILE = Path(__file__).parents[3] / "docs" / "identities.md"


def test_the_committed_page_is_current():
    assert FILE.read_text("utf-8") == page(), "run: python docs/tables.py"


def test_each_identity_has_a_row_with_its_source():
    rows = [line for line in page().splitlines() if line.startswith("| ")][1:]
    assert len(rows) == len(IDENTITIES)
    for row, one in zip(rows, IDENTITIES, strict=True):
        assert one.source in row
        assert row.count("|") == 4
