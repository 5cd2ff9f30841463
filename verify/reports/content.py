"""What a report holds, whatever it is written in: the description of a finding, its pictures, and how to repeat it."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast

from derive import InputError
from verify.evidence.verdict_words import contradiction, sentence
from verify.reports.pictures import Drawn, pictures

if TYPE_CHECKING:
    from verify.audits.blackbox.audit import BlackBoxAudit
    from verify.audits.definition import Audit
    from verify.evidence.description import Describable, Description, Line
    from verify.evidence.evidence import Evidence

_PACKAGES = ("quartic", "sympy", "mpmath", "numpy", "scipy", "torch", "matplotlib", "Jinja2", "math-core")


@dataclass(frozen=True)
class Row:
    """A line as it stands in a report: text, or formulas where all of them can be set."""

    label: str
    text: str
    formulas: Sequence[Any]


@dataclass(frozen=True)
class Content:
    """A finding, ready to be written in any form.

    Attributes:
        said: its description.
        sentence: the verdict in a sentence; empty where the title says it.
        wrong: the comparison that shows a contradiction best, if there is one.
        drawn: the pictures.
        json: the same as JSON.
        command: that repeats it; empty where it is not known.
        when: date and time of it, UTC.
        versions: of Python and of the libraries.

    """

    said: Description
    sentence: str
    wrong: Evidence | None
    drawn: tuple[Drawn, ...]
    json: str
    command: str
    when: str
    versions: tuple[tuple[str, str], ...]

    @property
    def words(self) -> tuple[str, str]:
        """What the two sides of the contradiction are called: numbers are derived and measured, words are not."""
        said = self.wrong is not None and isinstance(self.wrong.predicted, str)
        return ("expected", "found") if said else ("derived", "measured")

    def rows(self, formulas: Callable[[Line], Sequence[Any]]) -> list[tuple[str, list[Row]]]:
        """The sections' headings and lines, with the formulas of each line as a form of the report sets them."""
        return [
            (section.heading, [Row(line.label, line.text, formulas(line)) for line in section.lines])
            for section in self.said.sections
        ]

    @property
    def ran(self) -> tuple[Evidence, ...]:
        """The comparisons that were made."""
        return tuple(one for one in self.said.evidence if one.ran)

    @property
    def not_run(self) -> tuple[Evidence, ...]:
        """The comparisons that were not made, each with its reason as the note."""
        return tuple(one for one in self.said.evidence if not one.ran)


def content(found: Describable, *, command: str = "", when: datetime | None = None) -> Content:
    """What a report holds.

    Args:
        found: an audit, or anything else that is described.
        command: that repeats it; not shown where it is empty.
        when: the time that is shown, now unless given.

    Raises:
        InputError: Jinja2 or math-core is not installed.

    """
    check_installed()
    said = found.description()
    return Content(
        said=said,
        sentence=sentence(said) if said.about else "",
        wrong=contradiction(said.evidence),
        # Only an audit has something to draw.
        drawn=pictures(cast("Audit | BlackBoxAudit", found)) if said.kind == "audit" else (),
        json=json.dumps(found.to_json(), indent=2, ensure_ascii=False),
        command=command,
        when=(when or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M UTC"),
        versions=_versions(),
    )


def check_installed() -> None:
    """Find out that a report can be made, before an audit takes its time.

    Raises:
        InputError: naming the extra that is missing.

    """
    if not (find_spec("jinja2") and find_spec("math_core")):
        message = "a report needs Jinja2 and math-core: pip install 'quartic[report]'"
        raise InputError(message)


def _versions() -> tuple[tuple[str, str], ...]:
    found = [("Python", platform.python_version())]
    for name in _PACKAGES:
        try:
            found.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            found.append((name, "not installed"))
    return tuple(found)
