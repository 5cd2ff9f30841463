"""The two ledgers: the ICLR paper and the NeurReps abstract of the same authors."""

from __future__ import annotations

from derive.references import REFERENCES
from verify.papers.claims.claim import Ledger

_paper = REFERENCES["ziyin2023"]

ICLR = Ledger("iclr", _paper.title, f"{_paper.authors}, {_paper.venue}, arXiv:{_paper.arxiv}")
NEURREPS = Ledger(
    "neurreps",
    "What shapes the loss landscape of self-supervised learning? (extended abstract)",
    f"{_paper.authors}, NeurReps workshop at NeurIPS 2022",
)
