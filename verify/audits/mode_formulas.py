"""The powers of the modes as formulas in the view correlations λ_i, and the condition under which a mode is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import sympy

from derive import Expansion, InputError, Law, Loss, closed_form
from derive.definition.glyphs import apart
from derive.definition.notation import LATEX, TEXT, Style
from derive.definition.plain_text import plain
from derive.landscape.collapse import collapse
from derive.landscape.conditions import Condition
from derive.landscape.correlations import in_correlations
from derive.landscape.exact_modes import exact_modes
from derive.landscape.landscape import landscapes
from derive.landscape.whitened import couplings
from numeric.landscape.kept import Formulas

HEIGHT = sympy.Symbol("h_i")
# In plain text and in LaTeX.
_THERE = " where h_i > 0", r" \text{ where } h_{i} > 0"
_STATIONARY = "2 Q_ii h_i + 2 Σ_j K_ij h_j = b_i", r"2 Q_{ii} h_{i} + 2 \sum_{j} K_{ij} h_{j} = b_{i}"
_ALONE = "2 Q_ii h_i = b_i", "2 Q_{ii} h_{i} = b_{i}"


def formulas(loss: Loss, expansion: Expansion, law: Law, limit: str | None) -> Formulas:
    """What is known of the powers h_i as formulas, for W with a row for each mode.

    In λ_i for whitened views, W Σ^½ in place of W; a loss that sees more has them in the eigenvalues a_i and c_i.

    Args:
        loss: its parameters may be symbols.
        expansion: of the loss, through order 4.
        law: of the data.
        limit: the strength of a norm penalty that goes to infinity, or None.

    >>> from derive import Gaussian, catalogue
    >>> loss = catalogue("beta-infonce")
    >>> found = formulas(loss, loss.expand(4), Gaussian(), None)
    >>> print(found.lost)
    beta + lambda_i - 1 <= 0 for some i
    >>> print(found.lost_text)
    some mode is where β + λ_i - 1 <= 0 for some i
    >>> print(found.text)
    h_i = 4(β + λ_i - 1)/(-β - 4 λ_i + sqrt(β(β - 8 λ_i + 8)) + 4)

    """
    closed = None if limit else closed_form(loss, law)
    separate = None if closed is None else exact_modes(closed)
    if separate is not None and separate.heights and separate.collapse is not None:
        shown = [in_correlations(one) for one in separate.heights]
        heights, latex = _in_both(shown, separate.symbols, _of_heights)
        values = {"b_i": plain(in_correlations(separate.level)), "h_i": plain(shown[0])}
        return Formulas(values, "; ".join(heights), *_lost(Condition(separate.collapse, "some")), tuple(latex))
    try:
        cases = landscapes(expansion)
    except InputError:
        return Formulas({}, "")
    lost = None if limit else collapse(expansion).dimensional
    if len(cases) != 1:
        return Formulas({}, "", *_lost(lost))
    (case,) = cases
    found = {name: value for name, value in couplings(case).items() if name != "D_ij"}
    (equation, *defined), latex = _in_both(found, case.symbols, _of_couplings)
    text = f"{equation}; {', '.join(defined)}"
    return Formulas({name: plain(value) for name, value in found.items()}, text, *_lost(lost), tuple(latex))


def _lost(condition: Condition | None) -> tuple[str | None, str]:
    """The condition in λ_i where it is one, and in a sentence; None where it is not known, or differs with N."""
    if condition is None or condition.others:
        return None, ""
    told = condition.whitened()
    formula, written = told.formula, told.text()
    if formula in (sympy.true, sympy.false):
        return written, "some mode is, whatever λ_i" if formula == sympy.true else "none with λ_i > 0"
    if isinstance(formula, sympy.core.relational.Relational) and " i" in written:
        sides = f"{TEXT.scalar(formula.lhs)} {formula.rel_op} {TEXT.scalar(formula.rhs)}"
        return written, f"some mode is where {sides}{' for some i' if written.endswith('for some i') else ''}"
    return written, f"some mode is where {written}"


def _in_both(
    formulas: Any, symbols: Iterable[sympy.Symbol], write: Callable[[Any, Style], list[str]]
) -> tuple[list[str], list[str]]:
    """Formulas in plain text and in LaTeX, the theory's letters marked that a parameter has the name of."""
    text = apart(formulas, symbols, lambda hidden: write(hidden, TEXT))
    return text, apart(formulas, symbols, lambda hidden: write(hidden, LATEX), latex=True)


def _of_heights(heights: list[sympy.Expr], style: Style) -> list[str]:
    return [f"{style.scalar(HEIGHT)} = {style.scalar(one)}" for one in heights]


def _of_couplings(values: Mapping[str, sympy.Expr], style: Style) -> list[str]:
    """What a power that is not 0 solves, and the letters in it."""
    alone = values["K_ij"] == 0
    in_latex = style is LATEX
    equation = (_ALONE if alone else _STATIONARY)[in_latex] + _THERE[in_latex]
    shown = {name: one for name, one in values.items() if not (alone and name == "K_ij")}
    return [equation, *(f"{style.scalar(sympy.Symbol(name))} = {style.scalar(one)}" for name, one in shown.items())]
