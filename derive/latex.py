"""LaTeX of a loss and its expansion: lines to paste, or a document that compiles."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import sympy

from derive.notation import LATEX, signed_sum

if TYPE_CHECKING:
    from derive.expansion import Expansion
    from derive.loss import Loss

_LETTERS = {"A0": "A_0", "C": "C", "I": "I"}
# What TeX takes for markup in running text.
_ESCAPED = str.maketrans({
    "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}",
    "β": r"$\beta$", "κ": r"$\kappa$", "λ": r"$\lambda$", "ε": r"$\varepsilon$", "γ": r"$\gamma$", "α": r"$\alpha$",
    "²": "$^2$", "√": r"$\sqrt{\ }$", "−": "$-$", "→": r"$\to$",
})  # fmt: skip


def section(loss: Loss, expansion: Expansion) -> str:
    """Definition, expansion, B and assumptions, for a document that loads amsmath and amssymb."""
    origin = signed_sum([(value, _LETTERS[letter]) for letter, value in expansion.B.items() if value != 0], LATEX)
    formulas = [
        ("L(W)", loss.latex() + ","),
        ("L(W) - L(0)", expansion.latex() + ","),
        *([("L(0)", sympy.latex(expansion.constant) + ",")] if expansion.constant != 0 else []),
        ("B", rf"{origin}, \qquad \text{{Hessian at the origin: }} -2B \otimes I."),
    ]
    return "\n".join(
        [
            rf"\paragraph{{{escaped(loss.title or loss.name)}.}}",
            *([rf"({escaped(loss.source)})"] if loss.source else []),
            r"\begin{align*}",
            " \\\\\n".join(f"{left} ={{}}& {_broken(right)}" for left, right in formulas),
            r"\end{align*}",
            (
                r"Here $f(x) = Wx$, $A_0 = \mathbb{E}[x x'^{\top}]$, $\Sigma = \mathbb{E}[x x^{\top}]$, "
                rf"$C = \Sigma - A_0$. Assumed: {escaped(', '.join(expansion.assumptions))}."
            ),
        ]
    )


def whole_document(loss: Loss, expansion: Expansion) -> str:
    """A document that pdflatex compiles."""
    return "\n".join(
        [
            r"\documentclass{article}",
            r"\usepackage[a4paper,landscape,margin=1.5cm]{geometry}",
            r"\usepackage[utf8]{inputenc}",
            r"\usepackage{amsmath,amssymb}",
            r"\allowdisplaybreaks",
            r"\begin{document}",
            section(loss, expansion),
            r"\end{document}",
        ]
    )


def escaped(text: str) -> str:
    """Running text with TeX's own characters made harmless."""
    return text.translate(_ESCAPED)


def _broken(formula: str, width: int = 115) -> str:
    """A sum broken over lines, before signs that stand in no argument of a command, where it is wide."""
    terms, depth = [""], 0
    for token in formula.split(" "):
        if depth == 0 and token in ("+", "-") and terms[-1]:
            terms.append(token)
        else:
            terms[-1] = f"{terms[-1]} {token}" if terms[-1] else token
        depth += token.count("{") - token.count("}")
    lines = [terms[0]]
    for term in terms[1:]:
        if _width(f"{lines[-1]} {term}") > width:
            lines.append(rf"\quad {term}")
        else:
            lines[-1] += f" {term}"
    return " \\\\\n& ".join(lines)


def _width(formula: str) -> int:
    """About how many letters wide a formula is: a command counts as one, markup as none."""
    return len(re.sub(r"[{}^_\s]", "", re.sub(r"\\[A-Za-z]+", "x", formula)))
