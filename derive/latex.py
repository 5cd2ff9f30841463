r"""LaTeX as text: documents that compile, sums broken into lines, running text made harmless.

A document needs only packages that every LaTeX has (LaTeX's own bundles, AMS mathematics, geometry). Latin Modern is
used where it is installed; otherwise Computer Modern in its own encoding, since T1 would be set in bitmaps.
"""

from __future__ import annotations

import re
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# The greatest width of a line, in letters.
WIDTH = 115
# Characters that TeX takes for markup in running text.
_ESCAPED = str.maketrans({
    "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}",
    "β": r"$\beta$", "κ": r"$\kappa$", "λ": r"$\lambda$", "ε": r"$\varepsilon$", "γ": r"$\gamma$", "α": r"$\alpha$",
    "²": "$^2$", "√": r"$\sqrt{\ }$", "−": "$-$", "→": r"$\to$",
})  # fmt: skip
# The paper by orientation: in landscape, formulas next to text need the width.
_PAPER = {False: "a4paper,margin=2cm", True: "a4paper,landscape,margin=1.5cm"}
_PACKAGES = r"""\usepackage[utf8]{inputenc}
\IfFileExists{lmodern.sty}{\usepackage[T1]{fontenc}\usepackage{lmodern}}{}
\usepackage{textcomp,amsmath,amssymb,graphicx,tabularx}
\allowdisplaybreaks
\sloppy"""


def preamble(*, landscape: bool = False) -> str:
    r"""The preamble: everything before ``\begin{document}``.

    Args:
        landscape: whether the page is in landscape orientation.

    >>> print(preamble().splitlines()[0])
    \documentclass{article}

    """
    return "\n".join([r"\documentclass{article}", rf"\usepackage[{_PAPER[landscape]}]{{geometry}}", _PACKAGES])


def document(body: str, *, landscape: bool = False, before: str = "") -> str:
    r"""A document that pdflatex compiles.

    Args:
        body: its contents, in LaTeX.
        landscape: whether the page is in landscape orientation.
        before: further lines of the preamble.

    >>> print(*document("Text.").splitlines()[-3:])
    \begin{document} Text. \end{document}

    """
    lines = [preamble(landscape=landscape), before, r"\begin{document}", body, r"\end{document}"]
    return "\n".join(line for line in lines if line)


def for_notebook(*formulas: str) -> str:
    r"""Formulas as a notebook shows them, one beneath the other.

    >>> print(for_notebook("a = b"), for_notebook("a", "b"))
    $\displaystyle a = b$ $\begin{array}{l}\displaystyle a \\ \displaystyle b\end{array}$
    """
    lines = r" \\ ".join(rf"\displaystyle {one}" for one in formulas)
    return f"${lines}$" if len(formulas) == 1 else rf"$\begin{{array}}{{l}}{lines}\end{{array}}$"


def escaped(text: str) -> str:
    """Running text with TeX's own characters made harmless."""
    return text.translate(_ESCAPED)


def pieces(formula: str) -> list[str]:
    r"""A sum cut before its signs where a line may break: outside arguments, \left … \right and environments.

    >>> pieces(r"-\frac{a + b}{c} x + \left(a - b\right) y")
    ['-\\frac{a + b}{c} x', '+ \\left(a - b\\right) y']
    """
    found, depth = [""], 0
    for token in formula.split(" "):
        if depth == 0 and token in ("+", "-") and found[-1]:
            found.append(token)
        else:
            found[-1] = f"{found[-1]} {token}" if found[-1] else token
        depth += token.count("{") - token.count("}")
        depth += token.count(r"\begin{") - token.count(r"\end{")
        depth += len(re.findall(r"\\left(?![A-Za-z])", token)) - len(re.findall(r"\\right(?![A-Za-z])", token))
    return found


def terms(formula: str, widest: int) -> list[str]:
    """A sum cut before its signs within the outermost brackets that hold a sum, and further inside where too wide.

    >>> terms("E[a + f(b + c) - d]", 90)
    ['E[a', '+ f(b + c)', '- d]']
    """
    return _outermost(pieces(formula), widest)


def _outermost(parts: Sequence[str], widest: int) -> list[str]:
    """Pieces joined again, except within the outermost brackets that hold a sum, the only place where lines break.

    Terms that are still too wide are cut further inside.
    """
    depths = _depths(parts)
    groups = [[parts[0]]]
    for depth, part in zip(depths, parts[1:], strict=True):
        if depth == min(depths):
            groups.append([part])
        else:
            groups[-1].append(part)
    found = []
    for group in groups:
        joined = " ".join(group)
        found += _outermost(group, widest) if len(group) > 1 and width(joined) > widest else [joined]
    return found


def _depths(parts: Sequence[str]) -> list[int]:
    """How many brackets are open before each piece but the first; the bars of a norm open and close in turn."""
    brackets = accumulate(sum(map(part.count, "([")) - sum(map(part.count, ")]")) for part in parts[:-1])
    bars = accumulate(part.count(r"\|") for part in parts[:-1])
    return [depth + open_ % 2 for depth, open_ in zip(brackets, bars, strict=True)]


def lines_of(formula: str, widest: int = WIDTH) -> list[str]:
    r"""A sum cut into lines of about ``widest`` letters, before its signs; a term that is wider stays whole.

    >>> lines_of(r"a + \frac{b}{c} - d", widest=5)
    ['a + \\frac{b}{c}', '- d']
    """
    first, *rest = terms(formula, widest)
    lines = [first]
    for piece in rest:
        if width(f"{lines[-1]} {piece}") > widest:
            lines.append(piece)
        else:
            lines[-1] += f" {piece}"
    return lines


def width(formula: str) -> int:
    """About how many letters wide a formula is: a command counts as one, markup as none."""
    return len(re.sub(r"[{}^_\s]", "", re.sub(r"\\[A-Za-z]+", "x", formula)))
