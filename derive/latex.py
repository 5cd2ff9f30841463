"""LaTeX of a loss and its expansion: lines to paste, or a document that compiles."""

from __future__ import annotations

import re
from itertools import accumulate
from typing import TYPE_CHECKING

import sympy

from derive.document import document
from derive.notation import LATEX
from derive.scalars import normal_form

if TYPE_CHECKING:
    from collections.abc import Sequence

    from derive.described import Described
    from derive.expansion import Expansion
    from derive.loss import Loss

# How many letters wide a line may be.
WIDTH = 115
# What TeX takes for markup in running text.
_ESCAPED = str.maketrans({
    "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}",
    "β": r"$\beta$", "κ": r"$\kappa$", "λ": r"$\lambda$", "ε": r"$\varepsilon$", "γ": r"$\gamma$", "α": r"$\alpha$",
    "²": "$^2$", "√": r"$\sqrt{\ }$", "−": "$-$", "→": r"$\to$",
})  # fmt: skip


def section(loss: Loss | None, expansion: Expansion, landscape: Described | None = None) -> str:
    """Definition, expansion, B, assumptions and landscape, for a document with amsmath, amssymb and graphicx.

    Without a definition (a loss that was measured) the rest stands alone.
    """
    point, model, hessian = "W", "Wx", r"-2B \otimes I"
    if expansion.bias:
        # The term −q |b|² has the second derivatives −2q I.
        in_b = sympy.latex(normal_form(-2 * expansion.bias_curvature))
        point, model, hessian = "W, b", "Wx + b", rf"{hessian} \text{{ in }} W, \quad ({in_b})\, I \text{{ in }} b"
    formulas = [
        *([] if loss is None else [(f"L({point})", loss.latex() + ",")]),
        (f"L({point}) - L(0)", expansion.latex() + ","),
        *([("L(0)", sympy.latex(expansion.constant) + ",")] if expansion.constant != 0 else []),
        ("B", rf"{expansion.origin(LATEX)}, \qquad \text{{Hessian at the origin: }} {hessian}."),
    ]
    return "\n".join(
        [
            rf"\paragraph{{{escaped(expansion.loss if loss is None else loss.title or loss.name)}.}}",
            *([rf"({escaped(expansion.source)})"] if expansion.source else []),
            r"\begin{align*}",
            " \\\\\n".join(f"{left} ={{}}& {_broken(right)}" for left, right in formulas),
            r"\end{align*}",
            (
                rf"Here $f(x) = {model}$, "
                r"$A_0 = \mathbb{E}[x x'^{\top}]$, $\Sigma = \mathbb{E}[x x^{\top}]$, "
                rf"$C = \Sigma - A_0$. Assumed: {escaped(', '.join(expansion.assumptions))}."
            ),
            *([] if landscape is None else _landscape(landscape)),
        ]
    )


def _landscape(found: Described) -> list[str]:
    """Stationary points, collapse conditions, the landscape to all orders, and whether the loss is bounded below."""
    points, conditions, exact, below = (
        [line for line in found.lines(LATEX) if line[0] in labels]
        for labels in (("", "stationary"), ("dimensional", "complete"), ("exact",), ("below",))
    )
    written = []
    if points:
        sums = r"($\Lambda_k = \sum_{i \in M} \lambda_i^k$):"
        written += [f"Stationary points, one for each mask $M$ of $m$ kept modes {sums}"]
        written += [_displayed(line) for _, line in points]
    if conditions:
        written.append("Modes are zero at the minima, $a_i$ and $c_i$ being the eigenvalues of $A_0$ and $C$:")
        written += [_displayed(rf"\text{{{label} collapse: }} {line}") for label, line in conditions]
    if exact:
        modes = r"$h_i = (a_i + c_i) g_i$ and $g_i$ the eigenvalue of $W^{\top} W$:"
        limit = rf" for ${sympy.latex(sympy.Symbol(found.of_limit))} \to \infty$" if found.of_limit else ""
        written += [f"To all orders{limit}, mode by mode, with {modes}", *(_displayed(line) for _, line in exact)]
    if below:
        written += ["The loss is, from below,", *(_displayed(line) for _, line in below)]
    return written


def _displayed(formula: str) -> str:
    """A formula on a line of its own, made smaller where it is wider than the page."""
    if "aligned" in formula or width(formula) <= WIDTH:
        return rf"\[ {formula} \]"
    return rf"\[ \resizebox{{\linewidth}}{{!}}{{$\displaystyle {formula}$}} \]"


def whole_document(loss: Loss | None, expansion: Expansion, landscape: Described | None = None) -> str:
    """A document that pdflatex compiles."""
    return document(section(loss, expansion, landscape), landscape=True)


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
    r"""A sum cut before its signs, where a line may be broken: in no argument, no \left … \right and no environment.

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
    """A sum cut before its signs, at the outermost brackets that hold a sum, further inside where a term is wider.

    >>> terms("E[a + f(b + c) - d]", 90)
    ['E[a', '+ f(b + c)', '- d]']
    """
    return _outermost(pieces(formula), widest)


def _outermost(parts: Sequence[str], widest: int) -> list[str]:
    """Pieces joined again but for those at the outermost brackets that hold a sum: lines are broken there alone.

    What is still wide is cut further inside.
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


def _broken(formula: str) -> str:
    """A sum broken over lines where it is wide."""
    return " \\\\\n& ".join(rf"\quad {line}" if number else line for number, line in enumerate(lines_of(formula)))


def width(formula: str) -> int:
    """About how many letters wide a formula is: a command counts as one, markup as none."""
    return len(re.sub(r"[{}^_\s]", "", re.sub(r"\\[A-Za-z]+", "x", formula)))
