"""Audits and claims in a cell of a notebook: answer and verdict, what was found, and the evidence folded away.

It is a piece of HTML without styles of its own. Formulas are MathML where math-core is installed (the extra ``html``)
and plain text elsewhere; everything else is escaped.
"""

from __future__ import annotations

from html import escape
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from verify.evidence.terminal import evidence_lines
from verify.evidence.verdict_words import sentence

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from verify.evidence.description import Description
    from verify.evidence.evidence import Evidence
    from verify.papers.claims.claim import Claim
    from verify.papers.claims.judging import Judgement

# Stands around the formulas of a sentence while it is put together; no text has it.
_MARK = "\x00"


def of_description(said: Description) -> str:
    """Any finding that is described."""
    rows = []
    for section in said.sections:
        if section.heading:
            rows.append(f'<tr><th colspan="2" scope="colgroup">{escape(section.heading)}</th></tr>')
        rows += [_row(line.label, _formulas(line.formulas, line.text)) for line in section.lines]
    below = [said.answer.text if said.answer else "", sentence(said) if said.about else ""]
    head = _head(said.title, "") + "".join(f"<p>{escape(one)}</p>" for one in below if one)
    return _cell(head, rows, said.evidence)


def of_claim(claim: Claim) -> str:
    """A claim as it is printed, and the verdict that is recorded for it."""
    rows = [_row("printed", _statement(claim, claim.printed)), _row("recorded", escape(claim.recorded))]
    return f'<div class="quartic">{_head(f"{claim.id}, {claim.where}", "")}<table>{"".join(rows)}</table></div>'


def of_judgement(found: Judgement) -> str:
    """A claim that was judged: printed, corrected, and why."""
    claim = found.claim
    said = [("printed", _statement(claim, found.statement)), ("holds if", escape(found.condition or ""))]
    for name, statement in found.corrections:
        label = f"{escape(name)}: " if name else ""
        said.append(("corrected", label + _statement(claim, statement)))
    said += [("why", escape(claim.why)), ("waits for", escape(claim.waits_for))]
    evidence = tuple(one for _, _, one in found.evidence)
    rows = [_row(label, value) for label, value in said if value]
    return _cell(_head(f"{claim.id}, {claim.where}", found.verdict), rows, evidence)


def preformatted(text: str) -> str:
    """Text as it is.

    >>> preformatted("a < b")
    '<pre>a &lt; b</pre>'
    """
    return f"<pre>{escape(text)}</pre>"


def _cell(head: str, rows: Iterable[str], evidence: Iterable[Evidence]) -> str:
    lines = "\n".join(evidence_lines(evidence))
    folded = f"<details><summary>Evidence</summary>{preformatted(lines)}</details>" if lines else ""
    return f'<div class="quartic">{head}<table>{"".join(rows)}</table>{folded}</div>'


def _head(title: str, verdict: str) -> str:
    return f"<p><strong>{escape(title)}{f': {escape(verdict)}' if verdict else ''}</strong></p>"


def _row(label: str, inside: str) -> str:
    return f'<tr><td>{escape(label)}</td><td style="text-align: left">{inside}</td></tr>'


def _formulas(formulas: tuple[str, ...], text: str) -> str:
    """Formulas beneath one another; their plain text where one cannot be set, or there are none."""
    written = [_formula(one, "") for one in formulas]
    return "".join(f"<div>{one}</div>" for one in written) if all(written) and written else escape(text)


def _formula(formula: str, text: str) -> str:
    if not find_spec("math_core"):
        return escape(text)
    from verify.reports.mathml import mathml

    written = mathml(formula)
    return escape(text) if written is None else "".join(written)


def _statement(claim: Claim, statement: Mapping[str, Any]) -> str:
    """A claim's sentence, escaped, with its formulas set."""
    from verify.papers.claims.writing import latex, stated, text

    said = stated(claim.says, statement, lambda one: f"{_MARK}{latex(one)}\n{text(one)}{_MARK}")
    return "".join(
        _formula(*part.split("\n", 1)) if place % 2 else escape(part) for place, part in enumerate(said.split(_MARK))
    )
