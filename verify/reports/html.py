"""A report as a page: one file, self-contained.

Everything that comes from outside (titles, names, labels, notes, the command) is escaped by the template; what is
inserted as it stands is MathML and SVG that this package has made. The page has no script and may fetch nothing: its
own Content-Security-Policy forbids both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from verify.reports.templates import beside, template

if TYPE_CHECKING:
    from verify.description import Line
    from verify.reports.content import Content
    from verify.reports.pictures import Drawn


@dataclass(frozen=True)
class Row:
    """A line as it stands on the page: text, or formulas as MathML in pieces."""

    label: str
    text: str
    formulas: tuple[list[str], ...]


@dataclass(frozen=True)
class Figure:
    """A picture as it stands on the page: SVG, or nothing where it could not be drawn."""

    drawn: Drawn
    svg: str


def written(found: Content) -> str:
    """The text of the page."""
    return template(beside("page.html.jinja")).render(
        found=found,
        sections=[(section.heading, [_row(line) for line in section.lines]) for section in found.said.sections],
        figures=_figures(found.drawn),
        style=beside("page.css").read_text("utf-8"),
    )


def _row(line: Line) -> Row:
    from verify.reports.mathml import mathml

    formulas = [mathml(formula) for formula in line.formulas]
    # A formula that cannot be set is said by the plain text, which says all of them.
    set_ = tuple(one for one in formulas if one is not None)
    return Row(line.label, line.text, set_ if len(set_) == len(formulas) else ())


def _figures(drawn: tuple[Drawn, ...]) -> list[Figure]:
    from verify.reports.svg import inline

    figures = []
    for place, one in enumerate(drawn, 1):
        svg = "" if one.picture is None else inline(one.picture, f"picture-{place}", one.heading, one.said)
        figures.append(Figure(one, svg))
    return figures
