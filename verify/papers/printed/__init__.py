"""Printed statements (an expansion, B, when a loss collapses, a moment), checked by derivation and measurement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verify.running.lazily import lazily

if TYPE_CHECKING:
    from verify.papers.printed.check import Check, ContradictedError
    from verify.papers.printed.expansion import check_expansion
    from verify.papers.printed.field import check_field
    from verify.papers.printed.landscape import check_landscape
    from verify.papers.printed.moment import check_moment

__all__ = ["Check", "ContradictedError", "check_expansion", "check_field", "check_landscape", "check_moment"]

__getattr__ = lazily(
    __name__,
    {
        "Check": "check",
        "ContradictedError": "check",
        "check_expansion": "expansion",
        "check_field": "field",
        "check_landscape": "landscape",
        "check_moment": "moment",
    },
)
