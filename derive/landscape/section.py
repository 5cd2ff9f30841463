"""A LaTeX section on a loss: definition, expansion, B, assumptions and landscape, to paste or as a document."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sympy

from derive.algebra.alphabet import BASES
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
    if expansion.encoders == 2:
        point, model = "W, V", "Wx"
    elif expansion.basis not in BASES:
        hessian = hessian.replace("-2B", r"-(B + B^{\top})")
    # With two encoders the terms of order 2 join W and V, and there is no one B.
    curvature = [("B", rf"{expansion.origin(LATEX)}, \qquad \text{{Hessian at the origin: }} {hessian}.")]
    formulas = [
        *([] if loss is None else [(f"L({point})", loss.latex() + ",")]),
        (f"L({point}) - L(0)", expansion.latex() + ","),
        *([("L(0)", sympy.latex(expansion.constant) + ",")] if expansion.constant != 0 else []),
        *(curvature if expansion.encoders == 1 else []),
    ]
    return "\n".join(
        [
            rf"\paragraph{{{escaped(expansion.loss if loss is None else loss.title or loss.name)}.}}",
            *([rf"({escaped(expansion.source)})"] if expansion.source else []),
            r"\begin{align*}",
            " \\\\\n".join(f"{left} ={{}}& {_broken(right)}" for left, right in formulas),
            r"\end{align*}",
            f"Here $f(x) = {model}$, {_of_the_data(expansion)}. Assumed: {escaped(', '.join(expansion.assumptions))}.",
            *([] if landscape is None else _landscape(landscape, pairs=expansion.encoders == 2)),
        ]
    )


def _of_the_data(expansion: Expansion) -> str:
    """What the matrices of an expansion are."""
    A0, Sigma = r"$A_0 = \mathbb{E}[x x'^{\top}]$", r"$\Sigma = \mathbb{E}[x x^{\top}]$"
    if expansion.basis in BASES:
        return rf"{A0}, {Sigma}, $C = \Sigma - A_0$"
    names = expansion.basis.split(",")
    said = ["$g(y) = Vy$"] if expansion.encoders == 2 else []
    said += [r"$A = \mathbb{E}[x y^{\top}]$", Sigma, r"$\Sigma_2 = \mathbb{E}[y y^{\top}]$"]
    said += [A0] if "A0" in names else []
    said += [r"$A_2 = \mathbb{E}[y y'^{\top}]$"] if "A2" in names else []
    kind = "through the second encoder" if expansion.encoders == 2 else "under the second augmentation"
    return rf"{', '.join(said)}, $y$ being a view of the datum of $x$ {kind}"


def _landscape(found: Described, *, pairs: bool) -> list[str]:
    """Stationary points, collapse conditions, the landscape to all orders, and whether the loss is bounded below."""
    points, conditions, exact, below = (
        [line for line in found.lines(LATEX) if line[0] in labels]
        for labels in (("", "stationary"), ("dimensional", "complete"), ("exact",), ("below",))
    )
    written = []
    if points:
        of_modes = "Stationary points, one for each mask $M$ of $m$ kept modes:"
        written += ["Stationary points, one for each set $M$ of kept canonical pairs:" if pairs else of_modes]
        written += [_displayed(line) for _, line in points]
    if conditions:
        values = _values("".join(line for _, line in conditions), pairs=pairs)
        written.append(f"Modes are zero at the minima{values}:")
        written += [_displayed(rf"\text{{{label} collapse: }} {line}") for label, line in conditions]
    if exact:
        modes = r"$h_i$ the eigenvalues of $\Sigma^{1/2} W^{\top} W \Sigma^{1/2}$:"
        limit = rf" for ${sympy.latex(sympy.Symbol(found.of_limit))} \to \infty$" if found.of_limit else ""
        written += [f"To all orders{limit}, mode by mode, with {modes}", *(_displayed(line) for _, line in exact)]
    if below:
        written += ["The loss is, from below,", *(_displayed(line) for _, line in below)]
    return written


def _values(conditions: str, *, pairs: bool) -> str:
    """What the eigenvalues in the conditions are."""
    of_modes = "$a_i$ and $c_i$ being the eigenvalues of $A_0$ and $C$"
    of_a = "$a_i$ being the singular values of $A$" if pairs else of_modes
    of_lambda = r"$\lambda_i$ being the eigenvalues of $\Sigma^{-1/2} A_0 \Sigma^{-1/2}$"
    named = ((r"\lambda_{", of_lambda), ("a_{", of_a), ("c_{", of_a))
    said = dict.fromkeys(words for letter, words in named if letter in conditions)
    return f", {', '.join(said)}" if said else ""


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
