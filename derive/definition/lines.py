"""A line of a report on a loss: a label, the text, and the same in LaTeX where it is mathematics."""

from __future__ import annotations

from typing import NamedTuple


class Line(NamedTuple):
    """One line.

    Attributes:
        label: its subject; empty where the line continues the one before.
        text: the line in plain text.
        formulas: the same in LaTeX for math mode, one formula after the other, where it is mathematics.

    """

    label: str
    text: str
    formulas: tuple[str, ...] = ()
