"""A landscape to all orders in text and in JSON: its stationary points, and how far off order 4 is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sympy

from derive.definition.glyphs import apart
from derive.definition.notation import TEXT
from derive.definition.plain_text import plain
from derive.errors import InputError
from derive.landscape.correlations import OF_MODES, in_correlations, lam_i
from derive.landscape.landscape import a_i, c_i

if TYPE_CHECKING:
    from derive.landscape.exact_modes import ExactModes

_POWERS = "the eigenvalues of Σ^½ WᵀW Σ^½"


def in_text(exact: ExactModes | None, of_limit: str, *, quartic: bool) -> list[str]:
    """Plain text, a line each.

    Args:
        exact: the landscape, None where it is not known.
        of_limit: the number of data that goes to infinity where it is the landscape of that limit.
        quartic: whether there are terms of order 4 to compare with.

    """
    if exact is None or exact.phi == 0 or exact.level == 0:
        return []
    return apart(exact, exact.symbols, lambda modes: _lines(modes, of_limit, quartic=quartic))


def in_json(exact: ExactModes | None, of_limit: str, *, quartic: bool) -> dict[str, Any] | None:
    """The same in plain JSON values."""
    if exact is None:
        return None
    near, limit = _near(exact, quartic=quartic), exact.why_open if exact.end is None else f"h_i < {plain(exact.end)}"
    return {
        "of_the_limit": bool(of_limit),
        "level": plain(exact.level),
        "stationary": [plain(one) for one in exact.heights] if exact.phi != 0 else [],
        "collapse": None if exact.collapse is None else plain(exact.collapse),
        "domain": None if exact.end == sympy.oo else limit,
        "ratio_near_transition": None if near is None else plain(near),
    }


def _lines(modes: ExactModes, of_limit: str, *, quartic: bool) -> list[str]:

    def shown(value: sympy.Expr) -> str:
        return TEXT.scalar(in_correlations(value))

    limit = f"{of_limit} → ∞: " if of_limit else ""
    if modes.none:
        return [f"{limit}no point with h_i > 0 is stationary, {_POWERS}"]
    heights = [f"h_i = {shown(one)}" for one in modes.heights] or [f"{shown(modes.slope)} = b_i"]
    found = [f"{limit}{'; '.join(heights)}, {_POWERS}"]
    if modes.end != sympy.oo:
        domain = modes.why_open if modes.end is None else f"h_i < {shown(modes.end)}: beyond, the loss is infinite"
        found[0] += f", for {domain}" if modes.end is not None else f"; {domain}"
    if (near := _near(modes, quartic=quartic)) is not None and near != 1:
        without = modes.ratio_without_augmentation(4)
        ratio = f"{limit}order 4 over all orders: {shown(near)} + … as b_i = {shown(modes.level)} → 0"
        found.append(ratio + ("" if without is None else f"; {_weak(without)}"))
    return found


def _weak(without: sympy.Expr) -> str:
    """The leading behaviour without augmentation, c_i → 0, where λ_i → 1."""
    if in_correlations(without).free_symbols & OF_MODES:
        return f"{TEXT.scalar(without)} as c_i → 0"
    return f"{TEXT.scalar(without.xreplace({a_i: sympy.S.One, c_i: sympy.UnevaluatedExpr(1 - lam_i)}))} as λ_i → 1"


def _near(exact: ExactModes, *, quartic: bool) -> sympy.Expr | None:
    """The minimum through order 4 over that to all orders where a mode appears; None where none does."""
    if not quartic or exact.none or exact.level.is_number:
        return None
    try:
        return exact.ratio_near_transition(4)
    except InputError:
        return None
