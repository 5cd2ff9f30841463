"""All checks of a run as one page: JSON, Markdown or HTML."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from verify.sweeps.writing import usable_file

# A check's JSON with "test", its id, and "outcome", that of the test.
Entry = dict[str, Any]
TITLE = "Derivation report"
_WORDS = {"expansion": "expansion", "landscape": "landscape", "audit": "audit"}


def content(entries: Sequence[Entry], ending: str, when: datetime | None = None) -> str:
    """The file's text.

    Args:
        entries: the checks, each `verify.printed.check.Check.to_json` with its test and that test's outcome.
        ending: ".json", ".md", ".html" or ".htm".
        when: the time that is shown, now unless given.

    Raises:
        InputError: another ending.

    >>> print(content([], ".md", datetime(2026, 1, 2, tzinfo=UTC)).splitlines()[2])
    No check was run. quartic 0.1.0, 2026-01-02 00:00 UTC.

    """
    usable_file(f"report{ending}", ".json", ".md", ".html", ".htm")
    made = {"quartic": metadata.version("quartic"), "when": (when or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M UTC")}
    if ending == ".json":
        return json.dumps({**made, "checks": list(entries)}, indent=2, ensure_ascii=False) + "\n"
    said = f"{summary(entries)} quartic {made['quartic']}, {made['when']}."
    return _markdown(entries, said) if ending == ".md" else _html(entries, said)


def summary(entries: Sequence[Entry]) -> str:
    """How many checks there are of each verdict.

    >>> summary([{"verdict": "holds"}, {"verdict": "refuted"}, {"verdict": "holds"}])
    '3 checks: 2 holds, 1 refuted.'
    """
    if not entries:
        return "No check was run."
    count = Counter(one["verdict"] for one in entries)
    parts = ", ".join(f"{number} {verdict}" for verdict, number in count.most_common())
    return f"{len(entries)} check{'s' * (len(entries) != 1)}: {parts}."


def _markdown(entries: Sequence[Entry], said: str) -> str:
    lines = [f"# {TITLE}", "", said, ""]
    if entries:
        lines += ["| test | loss | of | verdict |", "|---|---|---|---|"]
        lines += [
            f"| {_code(one['test'])} | {_code(one['loss'])} | {one['kind']} | {one['verdict']} |" for one in entries
        ]
        lines.append("")
    for one in entries:
        lines += [f"## {_code(one['test'])}", "", f"{_code(one['loss'])}, {one['kind']}: **{one['verdict']}**", ""]
        for label in ("printed", "derived"):
            if one[label]:
                lines += [f"{label.capitalize()}: {_code(one[label])}", ""]
        for found in one["differences"]:
            lines += [f"- {_code(found['of'])}: {_code(found['printed'])} printed, {_code(found['derived'])} derived"
                      + (f", a factor of {_code(found['factor'])}" if found["factor"] else "")]  # fmt: skip
            if any(found["latex"].values()):
                lines += ["", "```math", rf"{found['latex']['printed']} \ne {found['latex']['derived']}", "```", ""]
        if one["reason"]:
            lines += ["```", one["reason"].replace("```", "'''"), "```", ""]
        for found in one["evidence"]:
            mark = {True: "agrees", False: "contradicts", None: "undecided"}.get(found["agrees"], "not run")
            lines.append(f"- {found['route']}, {_plain(found['quantity'])}: {mark}")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _code(text: str) -> str:
    """A code span whatever the text holds, bars of a table included."""
    inside = re.sub(r"\s+", " ", text).replace("|", "\\|")
    longest = max((len(run) for run in re.findall("`+", inside)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if longest else ""
    return f"{fence}{pad}{inside}{pad}{fence}"


def _plain(text: str) -> str:
    """Words with Markdown's own characters made harmless."""
    return re.sub(r"([\\`*_{}\[\]<>#|])", r"\\\1", re.sub(r"\s+", " ", text))


def _html(entries: Sequence[Entry], said: str) -> str:
    from jinja2 import Environment, StrictUndefined

    import verify.html
    from verify.html.mathml import mathml
    from verify.in_words import number

    def formula(latex: str | None) -> list[str]:
        return (mathml(latex) or []) if latex else []

    here = Path(__file__).parent
    style = Path(verify.html.__path__[0], "page.css").read_text("utf-8")
    made = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    made.filters |= {"formula": formula, "number": number}
    template = made.from_string((here / "report.html.jinja").read_text("utf-8"))
    return template.render(title=TITLE, said=said, entries=entries, style=style)
