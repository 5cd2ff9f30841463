"""A LaTeX section on a loss: definition, expansion, B, assumptions and landscape, to paste or as a document."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sympy

from derive.algebra.scalars import normal_form
from derive.definition.notation import LATEX
from derive.latex import WIDTH, document, escaped, lines_of, width

if TYPE_CHECKING:
    from derive.expansion.expansion import Expansion
    from derive.landscape.summary import Described
    from derive.losses.loss import Loss


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


def _broken(formula: str) -> str:
    """A sum broken over lines where it is wide."""
    return " \\\\\n& ".join(rf"\quad {line}" if number else line for number, line in enumerate(lines_of(formula)))
