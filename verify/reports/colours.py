"""Colour on a terminal: what agrees in green, what contradicts in red, what is undecided in yellow.

The answer of an audit has the colour of its tone: green where no mode is lost. That its derivation holds is said
without a colour: a loss that collapses can be derived correctly.

There is no colour in a pipe or a file, nor where NO_COLOR is set (https://no-color.org).
"""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from verify.evidence.description import Description

_COLOURS = {
    "✓": "green",
    "holds": "green",
    "✗": "red",
    "refuted": "red",
    "undecided": "yellow",
    "conditional": "yellow",
    "not-run": "yellow",
}
_TONES = {"keeps": "green", "loses": "red", "open": "yellow"}
# Marks wherever they stand; verdicts after the label or the name that leads a line.
_WORDS = "|".join(word for word in _COLOURS if word.isascii())
_MARKS = re.compile(rf"()([✓✗])|^( *\S+ +)(?!holds \()({_WORDS})\b", re.MULTILINE)


def echo(text: str) -> None:
    """Print a report, in colour where that is wanted."""
    click.echo(coloured(text) if wanted() else text)


def echo_audit(found: Description, *, details: bool = True) -> None:
    """Print an audit, in full or on one screen, its answer in the colour of its tone where that is wanted."""
    from verify.evidence.terminal import answer_text, screen_width, written

    width = screen_width()
    text, answer = written(found, width, details=details), answer_text(found, width)
    if wanted() and found.answer is not None:
        before, _, after = text.partition(answer)
        text = coloured(before) + click.style(answer, fg=_TONES[found.answer.tone]) + coloured(after)
    click.echo(text)


def wanted() -> bool:
    """Whether standard output is a terminal whose user has not switched colours off."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def coloured(text: str) -> str:
    r"""A report with its marks and verdicts in colour.

    >>> coloured("mine:eq3        holds")
    'mine:eq3        \x1b[32mholds\x1b[0m'
    >>> coloured("  verdict       holds (the derivation): 2 comparisons")
    '  verdict       holds (the derivation): 2 comparisons'
    """

    def styled(found: re.Match[str]) -> str:
        before, mark = (part for part in found.groups() if part is not None)
        return before + click.style(mark, fg=_COLOURS[mark])

    return _MARKS.sub(styled, text)
