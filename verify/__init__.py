"""Expansions held against the losses themselves: evidence, verdicts, reports, and the command ``quartic``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verify.running.lazily import lazily

if TYPE_CHECKING:
    from verify.audits.definition import Audit, audit
    from verify.audits.kept_modes import KeptModes
    from verify.audits.modes import modes
    from verify.evidence.evidence import Evidence, verdict
    from verify.evidence.terminal import audit_text

__all__ = ["Audit", "Evidence", "KeptModes", "audit", "audit_text", "modes", "verdict"]

__getattr__ = lazily(
    __name__,
    {
        "Audit": "audits.definition",
        "audit": "audits.definition",
        "KeptModes": "audits.kept_modes",
        "modes": "audits.modes",
        "Evidence": "evidence.evidence",
        "verdict": "evidence.evidence",
        "audit_text": "evidence.terminal",
    },
)
