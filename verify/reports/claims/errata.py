"""An errata sheet in LaTeX, ready to send to the authors: printed, corrected, why, and the evidence in numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from derive.latex import document
from verify.papers.claims.claim import Ledger
from verify.papers.claims.running import Result
from verify.papers.claims.writing import running

_PARTS: tuple[tuple[str, str, Callable[[Result], bool]], ...] = (
    ("Errors", "These change a conclusion.", lambda one: one["verdict"] == "refuted" and one["kind"] != "misprint"),
    ("Misprints", "", lambda one: one["verdict"] == "refuted" and one["kind"] == "misprint"),
    (
        "Statements that need a condition",
        "True as they stand only under a condition that is left out.",
        lambda one: one["verdict"] == "conditional",
    ),
)


def errata(ledgers: Iterable[Ledger], results: Sequence[Result]) -> str:
    """The sheet as a document that pdflatex compiles."""
    body: list[str] = []
    for ledger in ledgers:
        body += _of_paper(ledger, [one for one in results if one["paper"] == ledger.paper])
    text = "\n".join(body)
    # Code keeps its letters as they are.
    letters = sorted({sign for sign in text if ord(sign) > 127})
    declared = [rf"\DeclareUnicodeCharacter{{{ord(sign):04X}}}{{{running(sign)}}}" for sign in letters]
    return document(text, before="\n".join(declared)) + "\n"


def _of_paper(ledger: Ledger, results: Sequence[Result]) -> Iterator[str]:
    if not results:
        return
    yield rf"\section*{{Errata: {running(ledger.title)}}}"
    yield running(ledger.source)
    judged = [one for one in results if one["verdict"] != "not-run"]
    sound = sum(one["verdict"] == "holds" for one in judged)
    counted = f"Of {len(judged)} statements that were re-derived and measured, {sound} hold as printed."
    yield rf"\par\medskip\noindent {counted}"
    for title, lead, belongs in _PARTS:
        found = [one for one in judged if belongs(one)]
        if found:
            yield rf"\subsection*{{{title}}}"
            yield lead
            yield r"\begin{description}"
            for one in found:
                yield from _item(one)
            yield r"\end{description}"


def _item(one: Result) -> Iterator[str]:
    yield rf"\item[{running(one['where'])} \normalfont\texttt{{\small({running(one['id'])})}}] \hfill \\"
    yield rf"\emph{{Printed:}} {one['printed']}."
    if one["condition"]:
        yield rf"\par\emph{{Holds if:}} {running(one['condition'])}."
    if one["corrected"]:
        yield rf"\par\emph{{{'Otherwise' if one['condition'] else 'Corrected'}:}} {one['corrected']}."
    if one["why"]:
        yield rf"\par\emph{{Why:}} {running(one['why'])}"
    if one["falls"]:
        yield rf"\par\emph{{With it falls:}} {running('; '.join(one['falls']))}."
    yield rf"\par\emph{{Evidence:}} {_evidence(one)}"
    if one["counterexample"]:
        yield from _in_numbers(one["counterexample"])


def _evidence(one: Result) -> str:
    """The measured comparisons that tell, a clause each."""
    told = [found for found in one["evidence"] if found["route"] != "symbolic" and found["agrees"] is False]
    clauses = [
        f"{found['route']}, {running(found['quantity'])}: {_number(found['predicted'])} printed,"
        f" {_number(found['measured'])} found"
        + (f" (standard error {found['standard_error']:.1g})" if found["standard_error"] else "")
        for found in told[:4]
    ]
    return "; ".join(["derived from the definition", *clauses]) + "."


def _in_numbers(found: dict[str, Any]) -> Iterator[str]:
    """The counterexample's code, which anyone can run, and what it returns."""
    yield rf"\par\emph{{In numbers:}} printed {_number(found['printed'])}, true {_number(found['true'])}:"
    yield r"{\scriptsize\begin{verbatim}"
    yield found["code"].rstrip()
    yield r"\end{verbatim}}"


def _number(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"${value:.6g}$".replace("e", r"\mathrm{e}")
    return running(str(value))
