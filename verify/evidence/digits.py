"""The numbers of a comparison in text, with as many digits as their errors justify."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from verify.evidence.evidence import Evidence

# An error beyond which numbers are not written out.
_HUGE = 1e6


def number(value: float | str | None) -> str:
    """What was predicted or measured: a number to six digits, a text unchanged, None as the empty string.

    >>> number(0.75), number("equal"), number(None)
    ('0.75', 'equal', '')
    """
    return f"{value:.6g}" if isinstance(value, float) else value or ""


def rounded(value: float, error: float) -> str:
    """A number to the second digit of its error.

    >>> rounded(0.754912, 0.00252), rounded(12.3, 250.0), rounded(-2.5e15, 1.25e27)
    ('0.7549', '12', '-2.5e+15')
    """
    if error >= _HUGE:
        return f"{value:.2g}"
    return f"{value:.{max(0, 1 - int(f'{error:e}'.partition('e')[2]))}f}"


def measured(one: Evidence) -> str:
    """What was measured, with as many digits as its standard error justifies."""
    if isinstance(one.measured, float) and one.error_kind == "standard error" and one.error:
        return rounded(one.measured, one.error)
    return number(one.measured)


def error(one: Evidence) -> str:
    """A standard error after ±, a tolerance after ≤; empty where there is neither.

    >>> from verify.evidence.evidence import Evidence
    >>> error(Evidence("monte-carlo", "c", 1.0, 1.1, 0.052, "standard error"))
    '± 0.052'
    """
    if one.error is None:
        return ""
    return f"± {rounded(one.error, one.error)}" if one.error_kind == "standard error" else f"≤ {one.error:.3g}"
