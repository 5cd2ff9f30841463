"""The page: a template filled from the description of an audit, whole and self-contained.

Everything that comes from outside (titles, names, labels, notes, the command) is escaped by the template; what is
inserted as it stands is MathML and SVG that this package has made. The page has no script and may fetch nothing: its
own Content-Security-Policy forbids both.
"""

from __future__ import annotations

import json
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derive import InputError
from verify import description
from verify.auditing import Audit
from verify.in_words import contradiction, error, measured, number, sentence
from verify.sweeps.writing import usable_file, write_whole

if TYPE_CHECKING:
    from jinja2 import Template

    from verify.blackbox.auditing import BlackBoxAudit
    from verify.description import Line
    from verify.html.pictures import Drawn

_PACKAGES = ("quartic", "sympy", "mpmath", "numpy", "scipy", "torch", "matplotlib", "Jinja2", "math-core")


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


def page(found: Audit | BlackBoxAudit, *, command: str = "", when: datetime | None = None) -> str:
    """An audit as one page of HTML.

    Args:
        found: the audit.
        command: that repeats it; not shown where it is empty.
        when: the time that is shown, now unless given.

    Raises:
        InputError: Jinja2 or math-core is not installed.

    """
    check_installed()
    if isinstance(found, Audit):
        said = description.describe(found)
    else:
        from verify.blackbox.report import describe

        said = describe(found)
    return _template().render(
        said=said,
        sentence=sentence(said),
        wrong=contradiction(said.evidence),
        sections=[(section.heading, [_row(line) for line in section.lines]) for section in said.sections],
        letters=found.expansion,
        figures=_figures(found),
        ran=[one for one in said.evidence if one.ran],
        not_run=[one for one in said.evidence if not one.ran],
        json=json.dumps(found.to_json(), indent=2, ensure_ascii=False),
        command=command,
        when=(when or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M UTC"),
        versions=_versions(),
        style=_beside("page.css"),
    )


def write_page(found: Audit | BlackBoxAudit, path: str | Path, **options: Any) -> Path:
    """Write the page to a file, whole or not at all; what stood there is replaced in one step.

    Args:
        found: the audit.
        path: of the file, which ends in .html.
        options: of `page`.

    Raises:
        InputError: a place that cannot be written to, or a library that is not installed.

    """
    file = usable_file(path, ".html", ".htm")
    # The command may name a file whose name is no Unicode.
    written = page(found, **options).encode("utf-8", "replace")
    try:
        write_whole(file, written)
    except OSError as why:
        message = f"cannot write {file}: {why.strerror or why}"
        raise InputError(message) from None
    return file


def check_installed() -> None:
    """Find out that a page can be made, before an audit takes its time.

    Raises:
        InputError: naming the extra that is missing.

    """
    if not (find_spec("jinja2") and find_spec("math_core")):
        message = "an HTML report needs Jinja2 and math-core: pip install 'quartic[html]'"
        raise InputError(message)


def _row(line: Line) -> Row:
    from verify.html.mathml import mathml

    formulas = [mathml(formula) for formula in line.formulas]
    # A formula that cannot be set is said by the plain text, which says all of them.
    set_ = tuple(one for one in formulas if one is not None)
    return Row(line.label, line.text, set_ if len(set_) == len(formulas) else ())


def _figures(found: Audit | BlackBoxAudit) -> list[Figure]:
    from verify.html.pictures import pictures
    from verify.html.svg import inline

    figures = []
    for place, drawn in enumerate(pictures(found), 1):
        svg = "" if drawn.picture is None else inline(drawn.picture, f"picture-{place}", drawn.heading, drawn.said)
        figures.append(Figure(drawn, svg))
    return figures


def _versions() -> list[tuple[str, str]]:
    found = [("Python", platform.python_version())]
    for name in _PACKAGES:
        try:
            found.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            found.append((name, "not installed"))
    return found


@lru_cache(maxsize=1)
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    made = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    made.filters |= {"number": number, "measured": measured, "error": error}
    return made.from_string(_beside("page.html.jinja"))


def _beside(name: str) -> str:
    return Path(__file__).with_name(name).read_text("utf-8")
