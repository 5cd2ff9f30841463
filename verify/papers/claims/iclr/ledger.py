"""The two ledgers: the ICLR paper and the NeurReps abstract of the same authors."""

from __future__ import annotations

from derive.references import REFERENCES
from verify.papers.claims.claim import Ledger

_paper = REFERENCES["ziyin2023"]

ICLR = Ledger("iclr", _paper.title, f"{_paper.authors}, {_paper.venue}, arXiv:{_paper.arxiv}")
NEURREPS = Ledger(
    "neurreps",
    "On Rotational Symmetry in the Loss landscape of Self-Supervised Learning",
    f"{_paper.authors}, extended abstract, NeurReps workshop at NeurIPS 2022",
)
