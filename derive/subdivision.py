"""The signs of an expression by interval arithmetic, on parts of the ranges of its symbols."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from math import copysign, inf, isinf, nextafter, prod
from typing import Any

import sympy
from mpmath import iv

from derive.polynomial_signs import ALL, NO, Signs
from derive.ranges import Ranges

Part = dict[sympy.Symbol, tuple[float, float]]

# Parts of the ranges that are looked at before a sign is left open.
_PARTS = 200
# Beyond this size an exponential is 0 or infinite, and a cosine is not computed.
_FAR = 10**4


class _UnknownError(Exception):
    """An expression that interval arithmetic has no rule for, or a part of a range that it cannot cut."""


def by_intervals(value: sympy.Expr, ranges: Ranges) -> Signs:
    """The signs that an expression can have by its bounds, all of them where these do not tell.

    >>> r, rho = sympy.Symbol("r", real=True), sympy.Symbol("rho")
    >>> sorted(by_intervals(2 + sympy.cos(r) * sympy.exp(-rho), Ranges()))
    [1]
    """
    symbols = sorted(value.free_symbols, key=sympy.default_sort_key)
    if any(one.is_extended_real is False or (one.is_complex and one.is_extended_real is None) for one in symbols):
        return ALL
    whole = {one: (_end(ranges[one].low, -inf), _end(ranges[one].high, inf)) for one in symbols}
    try:
        return _over_parts(value, symbols, whole)
    except _UnknownError:
        return ALL


def _over_parts(value: sympy.Expr, symbols: list[sympy.Symbol], whole: Part) -> Signs:
    """The largest part is cut in two until each has one sign."""
    found: Signs = NO
    order = count()
    waiting = [(0.0, next(order), whole)]
    for _ in range(_PARTS):
        if not waiting:
            return found
        _, _, part = heappop(waiting)
        bounds = _bounds(value, part)
        if bounds.a > 0 or bounds.b < 0:
            found |= {1 if bounds.a > 0 else -1}
            if len(found) > 1:
                return ALL
            continue
        widest = max(symbols, key=lambda one: _bent(part[one][1]) - _bent(part[one][0]))
        for half in _halves(*part[widest]):
            smaller = part | {widest: half}
            size = max(_bent(high) - _bent(low) for low, high in smaller.values())
            heappush(waiting, (-size, next(order), smaller))
    return ALL


def _end(value: sympy.Expr, towards: float) -> float:
    """An end of a range, rounded outwards."""
    return towards if value.is_infinite else nextafter(float(value), towards)


def _bent(x: float) -> float:
    """An axis that ends at 1 and −1."""
    return copysign(1.0, x) if isinf(x) else x / (1 + abs(x))


def _halves(low: float, high: float) -> tuple[tuple[float, float], tuple[float, float]]:
    middle = (_bent(low) + _bent(high)) / 2
    if abs(middle) == 1:
        raise _UnknownError("too far out")
    cut = middle / (1 - abs(middle))
    return (low, cut), (cut, high)


def _bounds(value: sympy.Expr, part: Part) -> Any:  # noqa: ANN401 (mpmath's intervals are untyped)
    """An interval that holds the values of an expression."""
    if value.is_Symbol:
        return iv.mpf(list(part[value]))
    if value.is_Rational:
        return iv.mpf(int(value.p)) / iv.mpf(int(value.q))
    if value is sympy.pi:
        return +iv.pi
    inside = [_bounds(one, part) for one in value.args]
    if isinstance(value, sympy.Pow) and value.exp.is_Integer:
        return inside[0] ** int(value.exp)
    if isinstance(value, sympy.Pow) and inside[0].a > 0:
        return _exponential(inside[1] * iv.log(inside[0]))
    if isinstance(value, sympy.log) and inside[0].a > 0:
        return iv.log(inside[0])
    if isinstance(value, sympy.Add):
        return sum(inside, start=iv.mpf(0))
    if isinstance(value, sympy.Mul):
        return prod(inside, start=iv.mpf(1))
    if isinstance(value, sympy.exp):
        return _exponential(inside[0])
    if isinstance(value, sympy.cos | sympy.sin):
        wave = iv.cos if isinstance(value, sympy.cos) else iv.sin
        return wave(inside[0]) if inside[0].a > -_FAR and inside[0].b < _FAR else iv.mpf([-1, 1])
    raise _UnknownError(value)


def _exponential(inside: Any) -> Any:  # noqa: ANN401
    low = 0 if inside.a < -_FAR else iv.exp(min(_FAR, inside.a)).a
    return iv.mpf([low, "inf" if inside.b > _FAR else iv.exp(max(-_FAR, inside.b)).b])
