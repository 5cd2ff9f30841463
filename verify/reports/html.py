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
    from verify.evidence.description import Line
    from verify.reports.content import Content
    from verify.reports.pictures import Drawn


@dataclass(frozen=True)
class Figure:
    """A picture as it stands on the page: SVG, or nothing where it could not be drawn."""

    drawn: Drawn
    svg: str


def written(found: Content) -> str:
    """The text of the page."""
    return template(beside("page.html.jinja")).render(
        found=found,
        sections=found.rows(_formulas),
        figures=_figures(found.drawn),
        style=beside("page.css").read_text("utf-8"),
    )


def _formulas(line: Line) -> list[list[str]]:
    from verify.reports.mathml import mathml

    formulas = [mathml(formula) for formula in line.formulas]
    # Where one formula cannot be set, the plain text stands for all of them.
    found = [one for one in formulas if one is not None]
    return found if len(found) == len(formulas) else []


def _figures(drawn: tuple[Drawn, ...]) -> list[Figure]:
    from verify.reports.svg import inline

    figures = []
    for place, one in enumerate(drawn, 1):
        svg = "" if one.picture is None else inline(one.picture, f"picture-{place}", one.heading, one.said)
        figures.append(Figure(one, svg))
    return figures
