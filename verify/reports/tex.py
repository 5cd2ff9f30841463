r"""A report as a section of LaTeX, which pdflatex compiles alone and a paper takes in by ``\input``.

It needs amsmath, amssymb and graphicx; signs of running text become commands, so that no encoding is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from derive.latex import lines_of, preamble
from verify.papers.claims.writing import literal, running
from verify.reports.templates import beside, template

if TYPE_CHECKING:
    from verify.evidence.description import Line
    from verify.reports.content import Content

# How many letters wide a line of mathematics may be in a column of a paper; what is wider still is made smaller.
WIDTH = 62


def written(found: Content, pictures: Sequence[str]) -> str:
    """The text of the section.

    Args:
        found: what it holds.
        pictures: the names of the pictures' files, empty for one that could not be drawn.

    """
    from markupsafe import Markup

    return template(beside("section.tex.jinja"), plain).render(
        found=found,
        preamble=preamble(),
        sections=found.rows(_formulas),
        figures=list(zip(found.drawn, pictures, strict=True)),
        command=Markup(_ascii(literal(found.command))),  # noqa: S704 (literal makes it harmless)
    )


def _formulas(line: Line) -> list[list[str]]:
    """The formulas of a line, each in lines, if all of them are mathematics."""
    from verify.reports.mathml import mathml

    sound = all(mathml(one) is not None for one in line.formulas)
    return [lines_of(one, WIDTH) for one in line.formulas] if sound else []


def plain(text: str) -> str:
    r"""Running text as LaTeX of plain ASCII: what has no command in LaTeX stands as its number.

    >>> print(plain("h_i ≥ 0, 50 % \N{CJK UNIFIED IDEOGRAPH-4E2D}"))
    $h_{i}$ \ensuremath{\geq} 0, 50 \% [U+4E2D]
    """
    return _ascii(running(" ".join(text.split())))


def _ascii(text: str) -> str:
    # Two hyphens of an option are not a dash.
    text = text.replace("--", "-{}-")
    return re.sub(r"[^ -~]", lambda sign: f"[U+{ord(sign[0]):04X}]", text)
