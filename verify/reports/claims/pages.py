"""A page of text, formulas and tables, written as Markdown (GitHub's mathematics) or as a LaTeX document."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from textwrap import fill
from typing import Any

from derive.latex import document as whole
from verify.papers.claims.writing import running

# A piece of running text with formulas between dollars.
Text = str


@dataclass(frozen=True)
class Heading:
    """The heading of a section."""

    text: Text


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    text: Text


@dataclass(frozen=True)
class Formulas:
    """Displayed formulas, a line each: left side, right side."""

    lines: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Table:
    """A table; a cell is running text."""

    header: Sequence[Text]
    rows: Sequence[Sequence[Text]]


Block = Heading | Paragraph | Formulas | Table


def markdown(page: Iterable[Block]) -> str:
    r"""The page as Markdown with mathematics between dollars.

    >>> print(markdown([Heading("Energy"), Formulas([("E", "m c^2")])]))
    # Energy
    <BLANKLINE>
    $$
    \begin{aligned}
    E &= m c^2
    \end{aligned}
    $$
    <BLANKLINE>
    """
    lines: list[str] = []
    level = "#"
    for block in page:
        match block:
            case Heading(words):
                lines += [f"{level} {words}", ""]
                level = "##"
            case Paragraph(words):
                lines += [words, ""]
            case Formulas(formulas):
                lines += ["$$", r"\begin{aligned}"]
                lines += [" \\\\\n".join(f"{left} &= {right}" for left, right in formulas)]
                lines += [r"\end{aligned}", "$$", ""]
            case Table(header, rows):
                lines += [f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *rows)]
                lines += [""]
    return "\n".join(lines).rstrip() + "\n"


def plain(page: Iterable[Block], width: int = 100) -> str:
    r"""The page for a terminal: formulas as text, lines folded.

    >>> print(plain([Heading("Energy"), Formulas([("E", r"\frac{1}{2} m v^{2}")])]))
    Energy
    ======
    <BLANKLINE>
        E = 1/2 m v²
    <BLANKLINE>
    """
    lines: list[str] = []
    for block in page:
        match block:
            case Heading(words):
                lines += [unmarked(words), "=" * len(unmarked(words)), ""]
            case Paragraph(words):
                lines += [fill(unmarked(words), width, break_long_words=False, break_on_hyphens=False), ""]
            case Formulas(formulas):
                lines += [
                    fill(
                        f"{in_text(left)} = {in_text(right)}", width, initial_indent="    ",
                        subsequent_indent="        ", break_long_words=False, break_on_hyphens=False,
                    )
                    for left, right in formulas
                ]  # fmt: skip
                lines += [""]
            case Table(header, rows):
                lines += _listed(header, rows, width)
    return "\n".join(lines).rstrip() + "\n"


def _listed(header: Sequence[Text], rows: Sequence[Sequence[Text]], width: int) -> list[str]:
    """A table as a list: what a row is about, and its cells under it with the names of the columns."""
    lines: list[str] = []
    column = max(len(unmarked(name)) for name in header[1:]) + 2
    for first, *cells in rows:
        lines.append(unmarked(first))
        lines += [
            fill(
                f"    {unmarked(name):<{column}}{unmarked(cell)}", width, subsequent_indent=" " * (column + 4),
                break_long_words=False, break_on_hyphens=False,
            )
            for name, cell in zip(header[1:], cells, strict=True)
        ]  # fmt: skip
    return [*lines, ""]


def unmarked(words: Text) -> str:
    """Running text with its formulas as text."""
    pieces = words.split("$")
    return "".join(in_text(piece) if k % 2 else piece.replace("`", "") for k, piece in enumerate(pieces))


_RAISED = dict(zip("0123456789-+", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", strict=True))
_SPACES = {r"\,": " ", r"\quad": "   ", r"\textstyle": "", r"\left": "", r"\right": "", r"\bigl": "", r"\bigr": ""}


def in_text(formula: str) -> str:
    r"""A formula in LaTeX as plain text.

    >>> in_text(r"\frac{3}{4} \operatorname{Tr}[(W \Sigma W^{\top})^{2}] - \frac{N - 1}{N + 1} a_{i}")
    '3/4 Tr[(W Σ Wᵀ)²] - (N - 1)/(N + 1) a_i'
    """
    for sign, written in _SPACES.items():
        formula = re.sub(rf"{re.escape(sign)}(?![A-Za-z])", written, formula)
    formula = formula.replace(r"\begin{aligned}", "").replace(r"\end{aligned}", "")
    for command, before, after in ((r"\frac", "", ""), (r"\sqrt", "√", "")):
        while command in formula:
            start = formula.index(command)
            one, end = _argument(formula, start + len(command))
            written = f"{before}({one})" if before else _grouped(one)
            if command == r"\frac":
                two, end = _argument(formula, end)
                written += f"/{_grouped(two)}"
            formula = formula[:start] + written + after + formula[end:]
    formula = re.sub(r"\\(?:operatorname|mathbb|mathrm|hat|text)\{([^{}]*)\}", r"\1", formula)
    formula = re.sub(r"\^\{?(?:\\top|T)\}?", "ᵀ", formula).replace(r"^{-\top}", "⁻ᵀ")
    formula = re.sub(r"\^\{([-+]?\d+)\}|\^(\d)", lambda m: "".join(_RAISED[c] for c in m[1] or m[2]), formula)
    formula = re.sub(r"\^\{([^{}]*)\}", r"^(\1)", formula)
    formula = re.sub(r"_\{([^{}]*)\}", lambda m: f"_{m[1]}" if len(m[1]) == 1 else f"_({m[1]})", formula)
    formula = re.sub(r"\\ne(?![A-Za-z])", "≠", formula)
    # A command takes the space behind it.
    formula = re.sub(r"(\\[A-Za-z]+) ", r"\1{} ", formula)
    formula = str(_decoder().latex_to_text(formula.replace(r"\|", "‖").replace("^{\\prime}", "′")))
    return re.sub(r"\s+", " ", formula.replace("'", "′")).strip()


def _argument(formula: str, start: int) -> tuple[str, int]:
    """What stands in the braces at a place, and where they end."""
    depth, at = 0, formula.index("{", start)
    for k in range(at, len(formula)):
        depth += {"{": 1, "}": -1}.get(formula[k], 0)
        if depth == 0:
            return formula[at + 1 : k], k + 1
    return formula[at + 1 :], len(formula)


def _grouped(part: str) -> str:
    return part if re.fullmatch(r"[\w\\{}.^]+", part.strip()) else f"({part})"


@lru_cache(maxsize=1)
def _decoder() -> Any:
    from pylatexenc.latex2text import LatexNodes2Text

    return LatexNodes2Text(math_mode="text", keep_braced_groups=False)


def document(page: Iterable[Block]) -> str:
    """The page as a LaTeX document."""
    lines: list[str] = []
    for block in page:
        match block:
            case Heading(words):
                lines.append(rf"\section*{{{_mixed(words)}}}")
            case Paragraph(words):
                lines += [_mixed(words), ""]
            case Formulas(formulas):
                aligned = " \\\\\n".join(f"{left} &= {right}" for left, right in formulas)
                lines.append(rf"\[\begin{{aligned}}{aligned}\end{{aligned}}\]")
            case Table(header, rows):
                lines += [r"{\small\renewcommand{\arraystretch}{1.6}", r"\begin{tabularx}{\linewidth}{llXX}", r"\hline"]
                lines += [" & ".join(map(_mixed, row)) + r" \\" for row in (header, *rows)]
                lines += [r"\hline", r"\end{tabularx}}", ""]
    spaced = r"\setlength{\parindent}{0pt}\setlength{\parskip}{1ex}"
    return whole("\n".join(lines), landscape=True, before=spaced) + "\n"


def _mixed(words: Text) -> str:
    """Running text encoded, formulas between dollars left as they are, code in typewriter."""
    pieces = words.split("$")
    written = [f"${piece}$" if k % 2 else running(piece) for k, piece in enumerate(pieces)]
    text = "".join(written)
    while "`" in text:
        text = text.replace("`", r"\texttt{", 1).replace("`", "}", 1)
    return text
