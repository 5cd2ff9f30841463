"""An errata sheet in LaTeX, ready to send to the authors: printed, corrected, why, and the evidence in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from derive.latex import document
from verify.papers.claims.claim import Ledger
from verify.papers.claims.running import Result
from verify.papers.claims.writing import running

_PARTS: tuple[tuple[str, str, Callable[[Result], bool]], ...] = (
    (
        "Corrections that change a conclusion",
        "Each names the readings that were tried.",
        lambda one: one["verdict"] == "refuted" and one["kind"] != "misprint",
    ),
    (
        "Misprints",
        "A sign, a factor or an index; what is built on them stands.",
        lambda one: one["verdict"] == "refuted" and one["kind"] == "misprint",
    ),
    (
        "Statements that need a condition",
        "True under a condition that the sentence leaves out.",
        lambda one: one["verdict"] == "conditional",
    ),
)
# Comparisons of one reading that are told.
CLAUSES = 3
NOTATION = (
    r"\emph{Notation.} $f(x) = Wx$ with $W$ of $d_1 \times d_0$; $x$, $x'$ are views of one datum $\hat x$ with"
    r" independent augmentations, $\chi$ a view of another datum. $A_0 = \mathbb{E}[x x'^{\top}]$,"
    r" which is $\mathbb{E}[\hat x \hat x^{\top}]$ where the augmentation adds noise of mean zero,"
    r" $\Sigma = \mathbb{E}[x x^{\top}]$, $C = \Sigma - A_0$, with eigenvalues $a_i$, $s_i$, $c_i$ where they commute;"
    r" $b_i$ are those of $B$ in $-\operatorname{Tr}[W B W^{\top}]$, and $r_i$ of $\Sigma^{-1/2} B \Sigma^{-1/2}$. Data"
    r" have the mean zero and $\Sigma \succ 0$; a mode is a common eigendirection, \emph{kept} where $W$ is not zero"
    r" along it. $M$ is the 0/1 mask of the kept modes, $d_M$ their number, $B_M = BM$ and $\Sigma_M = \Sigma M$ where"
    r" these commute. Expectations are over data and augmentations unless a sampling is named; constants that do not"
    r" depend on $W$ are left out of losses."
)


def errata(ledgers: Iterable[Ledger], results: Sequence[Result]) -> str:
    """The sheet as a document that pdflatex compiles."""
    body: list[str] = []
    for ledger in ledgers:
        body += _of_paper(ledger, [one for one in results if one["paper"] == ledger.paper])
    text = "\n".join(body)
    # Code keeps its letters as they are.
    letters = sorted({sign for sign in text if ord(sign) > 127})
    declared = [rf"\DeclareUnicodeCharacter{{{ord(sign):04X}}}{{{_of_sign(sign)}}}" for sign in letters]
    return document(text, before="\n".join(declared)) + "\n"


def _of_sign(sign: str) -> str:
    """A sign as LaTeX; its number where there is no command, as of a combining accent, which would stand for itself."""
    command = running(sign)
    return command if command.isascii() else f"[U+{ord(sign):04X}]"


def _of_paper(ledger: Ledger, results: Sequence[Result]) -> Iterator[str]:
    if not results:
        return
    yield rf"\section*{{Errata: {running(ledger.title)}}}"
    yield running(ledger.source)
    yield rf"\par\medskip\noindent {_counted(results)}"
    if any(one["corrected"] for one in results):
        yield rf"\par\medskip\noindent {NOTATION}"
    # What another paper prints too is told there.
    twins = [one for one in results if one["twin"]]
    for title, lead, belongs in _PARTS:
        found = [one for one in results if belongs(one) and one not in twins]
        if found:
            yield rf"\subsection*{{{title}}}"
            yield lead
            yield r"\begin{description}"
            for one in found:
                yield from _item(one)
            yield r"\end{description}"
    if twins:
        yield r"\subsection*{Printed in the other paper too}"
        yield "The same statements under this paper's numbers, with the same verdicts."
        yield r"\begin{description}"
        yield from map(_twin, twins)
        yield r"\end{description}"
    sound = [one for one in results if one["verdict"] == "holds" and not one["twin"]]
    if sound:
        yield r"\subsection*{What holds as printed}"
        yield r"\begin{description}"
        for one in sound:
            yield f"{_head(one)} {one['printed']}." + (rf" \emph{{Note:}} {running(one['why'])}" if one["why"] else "")
        yield r"\end{description}"


def _counted(results: Sequence[Result]) -> str:
    """How many statements there are, of each verdict."""
    judged = [one for one in results if one["verdict"] != "not-run"]
    count = Counter(one["verdict"] for one in judged)
    kinds = Counter(one["kind"] for one in judged)
    told = [
        f"{count['holds']} hold as printed",
        f"{count['conditional']} hold under a condition",
        f"{kinds['misprint']} have a misprint",
        f"{count['refuted'] - kinds['misprint']} are corrected",
    ]
    left = len(results) - len(judged)
    waiting = f" {left} more were not run." if left else ""
    return f"Of {len(judged)} statements that were re-derived and measured, {', '.join(told)}.{waiting}"


def _head(one: Result) -> str:
    return rf"\item[{running(one['where'])} \normalfont\texttt{{\small({running(one['id'])})}}] \hfill \\"


def _item(one: Result) -> Iterator[str]:
    yield _head(one)
    yield rf"\emph{{Printed:}} {one['printed']}."
    if one["condition"]:
        yield rf"\par\emph{{Holds if:}} {running(one['condition'])}."
    if one["corrected"]:
        yield rf"\par\emph{{{'Otherwise' if one['condition'] else 'Corrected'}:}} {one['corrected']}."
        if one["given"]:
            yield rf"\par\emph{{Given:}} {running(one['given'].rstrip('.'))}."
    if one["why"]:
        yield rf"\par\emph{{Why:}} {running(one['why'])}"
    if one["tried"]:
        yield rf"\par\emph{{Tried:}} {running(one['tried'])}"
    if one["falls"]:
        yield rf"\par\emph{{Rests on it:}} {running('; '.join(one['falls']))}."
    yield rf"\par\emph{{Evidence:}} {_evidence(one)}"
    if one["counterexample"]:
        yield from _in_numbers(one["counterexample"])


def _twin(one: Result) -> str:
    said = one["verdict"] + (f", {one['kind']}" if one["kind"] else "")
    return rf"{_head(one)} {one['printed']}. \emph{{{said}}}, as \texttt{{\small {running(one['twin'])}}}."


def _evidence(one: Result) -> str:
    """The measured comparisons that tell, a clause each, under the readings that they are of."""
    told: dict[str, dict[str, None]] = {}
    for found in one["evidence"]:
        if found["route"] != "symbolic" and found["agrees"] is False:
            clause = f"{found['route']}, {running(found['quantity'])}: {_number(found['predicted'])} printed,"
            clause += f" {_number(found['measured'])} found"
            if found["standard_error"]:
                clause += f" (standard error {found['standard_error']:.1g})"
            # Of readings and slots that are seen in one way one stands for all.
            told.setdefault(found.get("reading", ""), {})[clause] = None
    several = len(told) > 1
    clauses = [
        (f"{running(reading)}: " if several and reading else "") + "; ".join(list(of_reading)[:CLAUSES])
        for reading, of_reading in told.items()
    ]
    # A word begins with a capital, a formula does not.
    sentences = (one[0].upper() + one[1:] if one[1].isalpha() else one for one in clauses)
    return ". ".join(["Derived from the definition", *sentences]) + "."


def _in_numbers(found: dict[str, Any]) -> Iterator[str]:
    """The counterexample's code, which anyone can run, and what it returns."""
    yield rf"\par\emph{{In numbers:}} printed {_number(found['printed'])}, true {_number(found['true'])}:"
    yield r"{\scriptsize\begin{verbatim}"
    yield found["code"].rstrip()
    yield r"\end{verbatim}}"


def _number(value: Any) -> str:
    if isinstance(value, list):
        return running(np.array2string(np.asarray(value, dtype=float), precision=6, separator=", ").replace("\n", ""))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"${value:.6g}$".replace("e", r"\mathrm{e}")
    return running(str(value))
