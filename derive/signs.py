"""The sign of an expression for all positive symbols, where it can be told from the signs of its coefficients."""

from __future__ import annotations

import sympy

_BATCH = sympy.Symbol("N")


def sign(value: sympy.Expr, given: sympy.Expr = sympy.S.One) -> int | None:
    """1, 0 or −1 where that holds whenever all symbols are positive and N ≥ 2; None where it is open.

    A symbol that SymPy knows to be negative counts as negative, and one that it knows to be real and no more leaves
    the sign open. Symbols that range over the real line may occur inside an exponential (SigLIP's bias b).

    Args:
        value: a rational function of symbols, and of exponentials, roots and sums over modes of them.
        given: what is positive besides.

    >>> a, c, N = sympy.symbols("a_i c_i N")
    >>> sign((N - 1) * a + c), sign(a - c), sign(-sympy.exp(a) * c), sign(a - a), sign(a - c, given=a - 2 * c)
    (1, None, -1, 0, 1)
    >>> q, r = sympy.Symbol("q", negative=True), sympy.Symbol("r", real=True)
    >>> sign(-a * q), sign(a * r), sign(sympy.exp(r) - q)
    (1, None, 1)
    >>> sign((1 - sympy.exp(2) + sympy.exp(4)) * a), sign(-sympy.log(2) * a), sign(sympy.sqrt(2) - 1)
    (1, -1, 1)
    """
    if value == 0:
        return 0
    number, rest = value.as_independent(*value.free_symbols, as_Add=False) if value.free_symbols else (value, None)
    if not number.is_Rational:
        known = _of_number(number)
        return known if known is None or rest is None else _times(known, sign(rest, given))
    negative = {symbol: -sympy.Dummy(positive=True) for symbol in value.free_symbols if symbol.is_negative}
    if negative:
        return sign(value.xreplace(negative), given.xreplace(negative))
    if given != 1:
        rest = sympy.Dummy()
        # What is given is a positive letter, in place of a symbol that it holds with a positive coefficient.
        put = [
            {symbol: (rest - given.subs(symbol, 0)) / given.coeff(symbol)}
            for symbol in given.free_symbols
            if given.coeff(symbol).is_positive
        ]
        tried = (sign(value), sign(sympy.cancel(value / given)), *(sign(sympy.cancel(value.subs(one))) for one in put))
        return next((found for found in tried if found is not None), None)
    shifted = sympy.together(value.subs(_BATCH, _BATCH + 2))
    # Exponentials, roots and sums over modes of what is positive are positive.
    hidden: dict[sympy.Expr, sympy.Expr] = {}
    for part in shifted.atoms(sympy.exp, sympy.Pow, sympy.Function):
        root = isinstance(part, sympy.Pow) and not part.exp.is_Integer
        total = isinstance(part, sympy.Function) and part.func.__name__ == "sum_j" and sign(part.args[0]) == 1
        if isinstance(part, sympy.exp) or root or total:
            hidden[part] = sympy.Dummy(positive=True)
    numerator, denominator = sympy.fraction(sympy.together(shifted.xreplace(hidden)))
    if any(symbol.is_real and symbol.is_positive is None for symbol in (numerator * denominator).free_symbols):
        return None
    signs = [_of_coefficients(part) for part in (numerator, denominator)]
    return None if None in signs else signs[0] * signs[1]  # type: ignore[operator]


def _of_number(number: sympy.Expr) -> int | None:
    """The sign of an expression without symbols; None where it is 0 to forty digits, or not real."""
    size = sympy.N(number, 40)
    return None if not size.is_real or abs(size) < sympy.Rational(1, 10**30) else 1 if size > 0 else -1


def _times(one: int, other: int | None) -> int | None:
    return None if other is None else one * other


def _of_coefficients(polynomial: sympy.Expr) -> int | None:
    numbers = [term.as_coeff_Mul()[0] for term in sympy.Add.make_args(sympy.expand(polynomial))]
    if all(number > 0 for number in numbers):
        return 1
    if all(number < 0 for number in numbers):
        return -1
    return None


def relation(value: sympy.Expr, kind: type[sympy.Rel]) -> sympy.Basic:
    """value > 0, or another relation to 0, for positive symbols: true, false, or the condition on its numerator.

    >>> a, c = sympy.symbols("a_i c_i")
    >>> relation(a + c, sympy.Gt), relation((a - c) / (a + c), sympy.Le)
    (True, a_i - c_i <= 0)
    """
    if value.is_infinite:
        return kind(value, 0)
    found = sign(value)
    if found is not None:
        return kind(sympy.Integer(found), 0)
    numerator, denominator = sympy.fraction(sympy.factor(value))
    if sign(denominator) != 1:
        numerator = value
    return kind(sympy.expand(numerator), 0)
