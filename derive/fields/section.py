"""A LaTeX section on a field: definition, what each of the weights does, what the stop takes away, to paste."""

from __future__ import annotations

from typing import TYPE_CHECKING

from derive.definition.notation import LATEX
from derive.latex import escaped, lines_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from derive.fields.field import Field


def field_section(field: Field) -> str:
    """Definition, field and assumptions, for a document with amsmath and amssymb."""
    training = field.training
    formulas = [("L", f"{training.latex()},"), *((left, f"{right},") for left, right in field.lines(LATEX).items())]
    if field.stopped:
        formulas.append(("R", f"{field.removed(LATEX)}."))
    body = " \\\\\n".join(rf"{left} ={{}}& {_broken(right)}" for left, right in formulas)
    said = [r"$A_0 = \mathbb{E}[x x'^{\top}]$", r"$\Sigma = \mathbb{E}[x x^{\top}]$"]
    weights = [r"$f(x) = Wx$", *([r"$f_m(x) = W_m x$"] if "W_m" in field.flow else []), *said]
    return "\n".join(
        [
            rf"\paragraph{{{escaped(training.title or training.name)}.}}",
            *([rf"({escaped(training.source)})"] if training.source else []),
            r"\begin{align*}",
            body,
            r"\end{align*}",
            f"Here {', '.join(weights)}; the gradient through $\\operatorname{{sg}}$ is stopped, so that",
            "what training follows need not be the gradient of a loss.",
            *([field.remark] if field.remark else []),
            *(["$R$ is minus the gradient that the stop takes away."] if field.stopped else []),
        ]
    )


def aligned(lines: Mapping[str, str]) -> str:
    """The lines of a field, by what stands on the left, aligned for math mode."""
    inside = " \\\\\n".join(f"{left} &= {right}" for left, right in lines.items())
    return f"\\begin{{aligned}}\n{inside}\n\\end{{aligned}}"


def _broken(formula: str) -> str:
    return " \\\\\n& ".join(rf"\quad {line}" if number else line for number, line in enumerate(lines_of(formula)))
