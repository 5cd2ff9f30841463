r"""Which modes are kept, as LaTeX to paste: a table with a row a mode, formulas, and what there is to know of them.

A paper takes it in by ``\input``; it needs amsmath and amssymb.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import sympy

from derive.definition.notation import LATEX, superscript
from derive.latex import lines_of
from verify.papers.claims.writing import running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from verify.audits.kept_modes import KeptModes

# Of a table with few columns in a column of a paper.
WIDTH = 62


def section(found: KeptModes) -> str:
    r"""The answer in LaTeX.

    >>> from verify import modes
    >>> from derive import catalogue
    >>> print(*section(modes(catalogue("spectral"), [0.9, 0.1])).splitlines()[:9], sep="\n")
    \par\noindent spectral contrastive loss (population): keeps both modes.
    \begin{center}
    \begin{tabular}{rrlr}
    $\lambda_i$ & power & kept & margin \\ \hline
    $0.9$ & $0.9$ & yes & $+0.9$ \\
    $0.1$ & $0.1$ & yes & $+0.1$
    \end{tabular}
    \end{center}
    \[ h_{i} = \lambda_{i} \]

    """
    return "\n".join(_lines(found))


def _lines(found: KeptModes) -> Iterator[str]:
    values = "".join(f", ${_math(name)} = {LATEX.scalar(value)}$" for name, value in found.given.items())
    yield rf"\par\noindent {_sentence(found.loss.title or found.loss.name)}{values}: {_sentence(found.answer)}."
    yield r"\begin{center}"
    names = [r"$\lambda_i$", *found.columns[1:]]
    yield rf"\begin{{tabular}}{{{'rrlr' + 'r' * (len(names) - 4)}}}"
    yield rf"{' & '.join(names)} \\ \hline"
    yield " \\\\\n".join(" & ".join(map(_cell, found.row(i))) for i in range(found.data.size))
    yield r"\end{tabular}"
    yield r"\end{center}"
    formulas = () if found.formulas is None else found.formulas.latex
    lines = [" \\\\ & \\quad ".join(lines_of(one, WIDTH)) for one in formulas]
    if len(lines) == 1 and "&" not in lines[0]:
        yield rf"\[ {lines[0]} \]"
    elif lines:
        yield r"\[\begin{aligned}"
        yield " \\\\\n".join(f"& {one}" for one in lines)
        yield r"\end{aligned}\]"
    said = [(name, words) for name, words in found.remarks() if not (name == "formula" and formulas)]
    if found.in_time is not None:
        courses = zip(found.in_time.times, found.in_time.powers, strict=True)
        said += [(f"t = {time:g}", ", ".join(f"{one:.4g}" for one in powers)) for time, powers in courses]
    for k, (name, words) in enumerate(said):
        lead = r"\par\noindent " * (k == 0)
        yield f"{lead}{_begun(words) if name == 'note' else _begun(f'{name}: {words}')}."


def _math(name: str) -> str:
    return str(LATEX.scalar(sympy.Symbol(name)))


def _cell(shown: str) -> str:
    return f"${shown}$" if re.fullmatch(r"[+-]?\d[\d.]*", shown) else _sentence(shown)


def _begun(words: str) -> str:
    """A sentence of its own, with a capital where it begins with a word."""
    return _sentence(words[0].upper() + words[1:] if re.match(r"[a-z]{2}", words) else words)


def _sentence(words: str) -> str:
    """Running text in LaTeX, with its powers and inequalities."""
    words = re.sub(r"\^(\d+)", lambda found: superscript(int(found[1])), words).replace("<=", "≤").replace(">=", "≥")
    return running(words).replace(r"{\textasciicircum}\ensuremath{\tfrac12}", r"\ensuremath{^{1/2}}")
