"""Colour on a terminal: what agrees in green, what contradicts in red, what is undecided in yellow.

None in a pipe or a file, and none where NO_COLOR is set (https://no-color.org).
"""

from __future__ import annotations

import os
import re
import sys

import click

_COLOURS = {
    "✓": "green",
    "holds": "green",
    "✗": "red",
    "refuted": "red",
    "undecided": "yellow",
    "conditional": "yellow",
    "not-run": "yellow",
}
# Marks wherever they stand; verdicts after the label or the name that leads a line.
_WORDS = "|".join(word for word in _COLOURS if word.isascii())
_MARKS = re.compile(rf"()([✓✗])|^( *\S+ +)({_WORDS})\b", re.MULTILINE)


def echo(text: str) -> None:
    """Print a report, in colour where that is wanted."""
    click.echo(coloured(text) if wanted() else text)


def wanted() -> bool:
    """Whether standard output is a terminal whose user has not asked for none."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def coloured(text: str) -> str:
    r"""A report with its marks and verdicts in colour.

    >>> coloured("  verdict       holds")
    '  verdict       \x1b[32mholds\x1b[0m'
    """

    def styled(found: re.Match[str]) -> str:
        before, mark = (part for part in found.groups() if part is not None)
        return before + click.style(mark, fg=_COLOURS[mark])

    return _MARKS.sub(styled, text)
