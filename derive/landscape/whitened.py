"""A landscape of whitened views: couplings and conditions in the view correlations λ_i, and what its letters mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from derive.definition.glyphs import letter_in
from derive.definition.lines import Line
from derive.definition.plain_text import plain
from derive.landscape.correlations import of_powers, plainly
from derive.landscape.leading import condition_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    import sympy

    from derive.landscape.conditions import Condition
    from derive.landscape.landscape import Landscape
    from derive.landscape.summary import Described

_RATIO = "a_i/(a_i + c_i)"
_CORRELATIONS = "λ_i, the eigenvalues of Σ^(−½) A0 Σ^(−½)"
_FRACTION, _COMMUTE = r"\frac{a_i}{a_i + c_i}", r"\text{ where these commute}"
_WHITENED = r"\lambda_i \text{, the eigenvalues of } \Sigma^{-1/2} A_0\, \Sigma^{-1/2}"
_PLAIN = rf"a_i \text{{ and }} c_i \text{{, the eigenvalues of }} A_0 \text{{ and }} C {_COMMUTE}"


def couplings(case: Landscape) -> dict[str, sympy.Expr]:
    """b_i, Q_ij, K_ij and, where no rotation is lowest, D_ij, of the powers h_i = |W Σ^½ u_i|².

    In λ_i, or in a_i and c_i where they depend on more.

    >>> from derive import catalogue
    >>> from derive.landscape.landscape import landscapes
    >>> (case,) = landscapes(catalogue("dcl").expand(4))
    >>> couplings(case)["b_i"], case.b()
    (lambda_i/tau, a_i/tau)
    """
    found = {"b_i": case.b(), "Q_ij": case.Q(), "K_ij": case.K()}
    found |= {"D_ij": case.D()} if case.rotation == "indefinite" else {}
    return {name: of_powers(one, j=int(name != "b_i")) for name, one in found.items()}


def letters_of_modes(texts: Iterable[str]) -> Line | None:
    """What the letters of a mode stand for that texts name; None where they name none.

    >>> letters_of_modes(["h_i = ⅔ λ_i"]).text
    'λ_i, the eigenvalues of Σ^(−½) A0 Σ^(−½): a_i/(a_i + c_i) where A0 and C commute'
    """
    joined = "; ".join(texts)
    lam, *plain_ones = (letter_in(name).search(joined) for name in ("lambda_i", "a_i", "c_i"))
    if not lam and not any(plain_ones):
        return None
    if not lam:
        text = f"a_i and c_i, the eigenvalues of A0 and C where they commute: λ_i = {_RATIO} alone does not decide"
        formulas = [rf"{_PLAIN}\text{{: }} \lambda_i = {_FRACTION} \text{{ alone does not decide}}"]
    elif not any(plain_ones):
        text = f"{_CORRELATIONS}: {_RATIO} where A0 and C commute"
        formulas = [rf"{_WHITENED}\text{{: }} {_FRACTION} \text{{ where }} A_0 \text{{ and }} C \text{{ commute}}"]
    else:
        text = f"{_CORRELATIONS}; a_i and c_i, those of A0 and C where they commute: λ_i = {_RATIO}"
        formulas = [_WHITENED, rf"{_PLAIN}\text{{: }} \lambda_i = {_FRACTION}"]
    return Line("modes", text, tuple(formulas))


def in_json(found: Described) -> dict[str, Any]:
    """Conditions, couplings and the landscape to all orders in λ_i, in plain JSON values; null for what sees more."""
    exact, below = found.exact, found.recession

    def told(value: sympy.Basic | None) -> str | None:
        return plainly(value, plain)

    return {
        "collapse": {
            "dimensional": _condition(found.collapse.dimensional),
            "complete": _condition(found.collapse.complete),
        },
        "modes": [{name: told(one) for name, one in couplings(case).items()} for case in found.cases],
        "exact": None
        if exact is None
        else {
            "level": told(exact.level),
            "stationary": [told(one) for one in exact.heights] if exact.phi != 0 else [],
            "collapse": told(exact.collapse),
        },
        "unbounded_where": plainly(below.condition, condition_text)
        if below is not None and below.verdict == "depends"
        else None,
    }


def _condition(condition: Condition | None) -> str | None:
    told = None if condition is None else condition.in_correlations()
    return None if told is None else told.text()
