"""A line of what is said of a loss: a label, the text, and the same in LaTeX where it is mathematics."""

from __future__ import annotations

from typing import NamedTuple


class Line(NamedTuple):
    """One thing that is said.

    Attributes:
        label: what is said of; empty where the line goes on with the label before it.
        text: in plain text.
        formulas: the same in LaTeX for math mode, where it is mathematics; one after the other.

    """

    label: str
    text: str
    formulas: tuple[str, ...] = ()
