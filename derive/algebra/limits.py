"""The limit of a coefficient as a parameter grows without bound."""

from __future__ import annotations

import sympy

from derive.errors import InputError


def at_infinity(value: sympy.Expr, symbol: sympy.Symbol) -> sympy.Expr:
    """The limit of an expression as a symbol goes to infinity, others being positive; infinite where it diverges.

    For a rational function the leading terms decide, whatever their coefficients. The rest is left to SymPy.

    Raises:
        InputError: SymPy finds no limit.

    >>> N, tau = sympy.symbols("N tau")
    >>> at_infinity((N - 1) * (N + sympy.sqrt(tau)) / (tau * (2 * N - 1) ** 2), N)
    1/(4*tau)
    >>> at_infinity(sympy.sqrt(N) / (sympy.sqrt(N) + 1), N)
    1
    """
    if not value.has(symbol):
        return value
    top, bottom = (sympy.expand(part) for part in sympy.fraction(sympy.together(value)))
    if top.is_polynomial(symbol) and bottom.is_polynomial(symbol):
        # In normal form neither leading coefficient vanishes.
        above, below = (sympy.Poly(part, symbol) for part in (top, bottom))
        excess = above.degree() - below.degree()
        leading = sympy.cancel(above.LC() / below.LC())
        return sympy.S.Zero if excess < 0 else leading if excess == 0 else leading * sympy.oo
    positive = {
        one: sympy.Dummy(one.name, positive=True) for one in value.free_symbols if one.is_real is None or one == symbol
    }
    try:
        found = sympy.limit(value.xreplace(positive), positive[symbol], sympy.oo)
    except (NotImplementedError, ArithmeticError, ValueError, TypeError, RecursionError, sympy.PoleError):
        found = None
    if found is None or found.has(sympy.Limit, sympy.AccumBounds, positive[symbol]):
        message = f"the limit {symbol} → ∞ of the coefficient {value} is not known; put in a large {symbol} instead"
        raise InputError(message)
    return found.xreplace({dummy: one for one, dummy in positive.items()})
