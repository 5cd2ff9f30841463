"""Expansions held against the losses themselves: evidence, verdicts, reports, and the command ``quartic``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verify.lazily import lazily

if TYPE_CHECKING:
    from verify.auditing import Audit, audit
    from verify.evidence import Evidence, verdict
    from verify.terminal import audit_text

__all__ = ["Audit", "Evidence", "audit", "audit_text", "verdict"]

__getattr__ = lazily(
    __name__,
    {
        "Audit": "auditing",
        "audit": "auditing",
        "Evidence": "evidence",
        "verdict": "evidence",
        "audit_text": "terminal",
    },
)
