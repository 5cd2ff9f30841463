"""Expansions held against the losses themselves: evidence, verdicts, reports, and the command ``quartic``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from verify.auditing import Audit, audit
    from verify.evidence import Evidence, verdict
    from verify.report import audit_text

__all__ = ["Audit", "Evidence", "audit", "audit_text", "verdict"]

_HOME = {
    "Audit": "verify.auditing",
    "audit": "verify.auditing",
    "Evidence": "verify.evidence",
    "verdict": "verify.evidence",
    "audit_text": "verify.report",
}


def __getattr__(name: str) -> Any:
    """Load what is asked for when it is asked for: the command must start without SymPy."""
    if name not in _HOME:
        message = f"module 'verify' has no attribute {name!r}"
        raise AttributeError(message)
    from importlib import import_module

    return getattr(import_module(_HOME[name]), name)
