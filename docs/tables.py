"""Write the derived tables of the pages, between their markers, and docs/identities.md: `python docs/tables.py`.

After a loss, a claim or an identity.
"""

import re
from pathlib import Path

from verify.papers.claims.ledgers import published
from verify.reports.catalogue import catalogue_table, collapse_table
from verify.reports.claims.listing import recorded_table
from verify.reports.claims.matrix import matrix
from verify.reports.claims.other_papers import sections
from verify.reports.identities import page

DOCS = Path(__file__).parent
TABLES = {
    "reference/catalogue.md": {"catalogue": catalogue_table, "collapse": collapse_table},
    "errata.md": {"matrix": lambda: matrix(published()), "ledger": lambda: recorded_table(published())},
    "other_papers.md": {"papers": sections},
}


def between(marker):
    """The pattern of a block with its markers."""
    return re.compile(rf"(<!-- {marker} -->\n).*?(<!-- /{marker} -->)", re.DOTALL)


if __name__ == "__main__":
    for name, tables in TABLES.items():
        text = (DOCS / name).read_text("utf-8")
        for marker, table in tables.items():
            written = table()
            text = between(marker).sub(lambda found, written=written: f"{found[1]}{written}\n{found[2]}", text)
        (DOCS / name).write_text(text, "utf-8")
    (DOCS / "identities.md").write_text(page(), "utf-8")
