"""Expansions held against the losses themselves: evidence, verdicts, reports, and the command ``quartic``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verify.running.lazily import lazily

if TYPE_CHECKING:
    from verify.audits.definition import Audit, audit
    from verify.evidence.evidence import Evidence, verdict
    from verify.evidence.terminal import audit_text

__all__ = ["Audit", "Evidence", "audit", "audit_text", "verdict"]

__getattr__ = lazily(
    __name__,
    {
        "Audit": "audits.definition",
        "audit": "audits.definition",
        "Evidence": "evidence.evidence",
        "verdict": "evidence.evidence",
        "audit_text": "evidence.terminal",
    },
)
