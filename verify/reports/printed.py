"""All checks of a run as one page: JSON, Markdown or HTML."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from verify.reports.markdown import code, plain
from verify.running.sweeps.writing import usable_file

# A check's JSON with "test", its id, and "outcome", that of the test.
Entry = dict[str, Any]
TITLE = "Derivation report"
_WORDS = {"expansion": "expansion", "landscape": "landscape", "audit": "audit"}


def content(entries: Sequence[Entry], ending: str, when: datetime | None = None) -> str:
    """The file's text.

    Args:
        entries: the checks, each `verify.papers.printed.check.Check.to_json` with its test and that test's outcome.
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
            f"| {code(one['test'])} | {code(one['loss'])} | {one['kind']} | {one['verdict']} |" for one in entries
        ]
        lines.append("")
    for one in entries:
        lines += [f"## {code(one['test'])}", "", f"{code(one['loss'])}, {one['kind']}: **{one['verdict']}**", ""]
        for label in ("printed", "derived"):
            if one[label]:
                lines += [f"{label.capitalize()}: {code(one[label])}", ""]
        for found in one["differences"]:
            lines += [f"- {code(found['of'])}: {code(found['printed'])} printed, {code(found['derived'])} derived"
                      + (f", a factor of {code(found['factor'])}" if found["factor"] else "")]  # fmt: skip
            if any(found["latex"].values()):
                lines += ["", "```math", rf"{found['latex']['printed']} \ne {found['latex']['derived']}", "```", ""]
        if one["reason"]:
            lines += ["```", one["reason"].replace("```", "'''"), "```", ""]
        for found in one["evidence"]:
            mark = {True: "agrees", False: "contradicts", None: "undecided"}.get(found["agrees"], "not run")
            lines.append(f"- {found['route']}, {plain(found['quantity'])}: {mark}")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _html(entries: Sequence[Entry], said: str) -> str:
    from verify.reports.templates import beside, template

    page = template(Path(__file__).with_name("printed.html.jinja"))
    return page.render(title=TITLE, said=said, entries=entries, style=beside("page.css").read_text("utf-8"))
