"""A report as Markdown with formulas between dollars, the way GitHub, GitLab, Jupyter and pandoc read it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from verify.reports.templates import beside, template

if TYPE_CHECKING:
    from verify.evidence.description import Line
    from verify.reports.content import Content


_SIGNS = {"<": r" \lt ", ">": r" \gt "}


def written(found: Content, pictures: Sequence[str]) -> str:
    """The text of the report.

    Args:
        found: what it holds.
        pictures: the names of the pictures' files, empty for one that could not be drawn.

    """
    from markupsafe import Markup

    text = template(beside("report.md.jinja"), plain).render(
        found=found,
        sections=found.rows(_formulas),
        figures=list(zip(found.drawn, map(quote, pictures), strict=True)),
        command=Markup(fenced(found.command, "console")),  # noqa: S704 (a fenced block is text, whatever it holds)
    )
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def _formulas(line: Line) -> list[str]:
    """The formulas of a line, if all of them are mathematics and none could be taken for markup."""
    from verify.reports.mathml import mathml

    # A "<" before a letter is a tag to Markdown, in a formula too.
    written = [
        re.sub(r"\s*([<>])\s*", lambda sign: rf" \{'lt' if sign[1] == '<' else 'gt'} ", one) for one in line.formulas
    ]
    sound = all(mathml(one) is not None and not re.search(r"[$`\n]|&[#\w]+;", one) for one in line.formulas)
    return [" ".join(one.split()) for one in written] if sound else []


def plain(text: str) -> str:
    r"""Words with Markdown's own characters made harmless, on one line.

    >>> print(plain("a_i * <b> & [x](y)"))
    a\_i \* &lt;b&gt; &amp; \[x\](y)
    """
    one_line = re.sub(r"\s+", " ", text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]#|~$])", r"\\\1", one_line)


def code(text: str) -> str:
    r"""A code span whatever the text holds, bars of a table included.

    >>> print(code("a | b"), code("`x`"))
    `a \| b` `` `x` ``
    """
    inside = re.sub(r"\s+", " ", text).replace("|", "\\|")
    fence = "`" * (_longest(inside) + 1)
    pad = " " if len(fence) > 1 else ""
    return f"{fence}{pad}{inside}{pad}{fence}"


def fenced(text: str, language: str = "") -> str:
    """A block of code whatever the text holds.

    >>> print(fenced("a ``` b"))
    ````
    a ``` b
    ````
    """
    fence = "`" * max(3, _longest(text) + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _longest(text: str) -> int:
    """The longest run of backticks."""
    return max((len(run) for run in re.findall("`+", text)), default=0)
