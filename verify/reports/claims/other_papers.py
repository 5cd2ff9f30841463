"""The ledgers of other papers as Markdown: what their page shows. Nothing is run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verify.papers.claims.ledgers import OTHERS, other
from verify.papers.claims.writing import stated

if TYPE_CHECKING:
    from collections.abc import Iterable

    from verify.papers.claims.claim import Claim, Ledger


def sections(papers: Iterable[str] = OTHERS) -> str:
    """A section for each paper: title, what was read of it, and its claims with their recorded verdicts."""
    return "\n\n".join(_section(other(paper)) for paper in papers)


def _section(ledger: Ledger) -> str:
    seen = "; ".join(dict.fromkeys(claim.seen.partition(";")[0] for claim in ledger if claim.seen))
    rows = ["| claim | as printed | verdict |", "|---|---|---|", *map(_row, ledger)]
    return "\n".join([f"## {ledger.title}", "", f"{ledger.source}. Read: {seen}.", "", *rows])


def _row(claim: Claim) -> str:
    lead = "if printed so: " if claim.from_memory else ""
    said = f"{lead}{stated(claim.says, claim.printed)} ({claim.where})"
    verdict = claim.recorded + (f" ({claim.kind})" if claim.kind else "")
    cells = (f"`{claim.id}`", said, f"{verdict}. {claim.why}" if claim.why else verdict)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
