"""Published claims, re-derived and judged.

A ledger holds the claims of one paper. `Ledger.claim` puts one in, with a function that derives and measures its
subject without looking at the print; `judge` holds the print against what was found. See `verify.papers.claims.claim`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from verify.running.lazily import lazily

if TYPE_CHECKING:
    from verify.papers.claims.claim import Claim, Ledger, Measured, Point, Reading
    from verify.papers.claims.formulas import formula_of
    from verify.papers.claims.judging import Judgement, judge, repaired
    from verify.papers.claims.measuring import averaged, exactly
    from verify.papers.claims.slips import misprints

__all__ = [
    "Claim",
    "Judgement",
    "Ledger",
    "Measured",
    "Point",
    "Reading",
    "averaged",
    "exactly",
    "formula_of",
    "judge",
    "misprints",
    "repaired",
]

__getattr__ = lazily(
    __name__,
    {
        "Claim": "claim",
        "Ledger": "claim",
        "Measured": "claim",
        "Point": "claim",
        "Reading": "claim",
        "formula_of": "formulas",
        "Judgement": "judging",
        "judge": "judging",
        "repaired": "judging",
        "averaged": "measuring",
        "exactly": "measuring",
        "misprints": "slips",
    },
)
