"""The templates of reports: what is put into them is escaped unless it is marked safe."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from verify.evidence.digits import error, measured, number

if TYPE_CHECKING:
    from jinja2 import Template

    from verify.evidence.evidence import Evidence

# What a comparison says, by whether it agrees.
_RESULTS = {True: "✓ agrees", False: "✗ contradicts", None: "undecided"}
# TeX is made of braces and per cent signs: its templates are marked otherwise.
_TEX: dict[str, Any] = {
    "block_start_string": "<%",
    "block_end_string": "%>",
    "variable_start_string": "<<",
    "variable_end_string": ">>",
    "comment_start_string": "<#",
    "comment_end_string": "#>",
}


@lru_cache(maxsize=4)
def template(file: Path, escape: Callable[[str], str] | None = None) -> Template:
    """A template.

    Args:
        file: that it stands in; its name says what is written, ``page.html.jinja``.
        escape: makes a text harmless in what is written; HTML's own unless given.

    >>> template(beside("section.tex.jinja"), str.upper).environment.from_string("<< 'a' >> << 'b' | safe >>").render()
    'A b'

    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    def harmless(value: Any) -> Any:
        return value if escape is None or isinstance(value, Markup) else escape(str(value))

    made = Environment(
        autoescape=escape is None,  # noqa: S701 (what is not HTML is escaped by finalize)
        finalize=harmless,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
        **(_TEX if ".tex" in file.name else {}),
    )
    made.filters |= {"number": number, "measured": measured, "error": error, "result": result, "formula": _formula}
    return made.from_string(file.read_text("utf-8"))


def result(one: Evidence) -> str:
    """The result of a comparison; a symbolic fact that nothing was compared with is stated.

    >>> from verify.evidence.evidence import Evidence
    >>> result(Evidence("autodiff", "c", agrees=True)), result(Evidence("symbolic", "B"))
    ('✓ agrees', 'stated')
    """
    return "stated" if one.agrees is None and one.route == "symbolic" else _RESULTS[one.agrees]


def _formula(latex: str | None) -> list[str]:
    """MathML in pieces; nothing where there is no formula, or it cannot be set."""
    from verify.reports.mathml import mathml

    return (mathml(latex) or []) if latex else []


def beside(name: str) -> Path:
    """A file beside this one."""
    return Path(__file__).with_name(name)
