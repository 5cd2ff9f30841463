"""The powers of the modes as formulas in the view correlations λ_i, and the condition under which a mode is lost."""

from __future__ import annotations

import sympy

from derive import Expansion, InputError, Law, Loss, closed_form
from derive.definition.glyphs import apart
from derive.definition.notation import TEXT
from derive.definition.plain_text import plain
from derive.landscape.collapse import collapse
from derive.landscape.conditions import Condition
from derive.landscape.correlations import in_correlations
from derive.landscape.exact_modes import exact_modes
from derive.landscape.landscape import landscapes
from derive.landscape.whitened import couplings
from numeric.landscape.kept import Formulas

_STATIONARY = "2 Q_ii h_i + 2 Σ_j K_ij h_j = b_i"


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
        text = apart(shown, separate.symbols, lambda all_of_them: _of_heights(list(all_of_them)))
        values = {"b_i": plain(in_correlations(separate.level)), "h_i": plain(shown[0])}
        return Formulas(values, text, *_lost(Condition(separate.collapse, "some")))
    try:
        cases = landscapes(expansion)
    except InputError:
        return Formulas({}, "")
    lost = None if limit else collapse(expansion).dimensional
    if len(cases) != 1:
        return Formulas({}, "", *_lost(lost))
    (case,) = cases
    found = {name: value for name, value in couplings(case).items() if name != "D_ij"}
    text = apart(tuple(found.values()), case.symbols, lambda values: _of_couplings(list(values)))
    return Formulas({name: plain(value) for name, value in found.items()}, text, *_lost(lost))


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


def _of_heights(heights: list[sympy.Expr]) -> str:
    return "; ".join(f"h_i = {TEXT.scalar(one)}" for one in heights)


def _of_couplings(values: list[sympy.Expr]) -> str:
    b, Q, K = map(TEXT.scalar, values)
    equation = _STATIONARY if K != "0" else "2 Q_ii h_i = b_i"
    return f"{equation} where h_i > 0; b_i = {b}, Q_ij = {Q}" + (f", K_ij = {K}" if K != "0" else "")
