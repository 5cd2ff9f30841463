"""A page of text, formulas and tables, written as Markdown (GitHub's mathematics) or as a LaTeX document."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

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
