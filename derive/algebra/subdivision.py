"""The signs of an expression by interval arithmetic, on parts of the ranges of its symbols."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from heapq import heappop, heappush
from itertools import count
from math import ceil, copysign, cos, exp, floor, inf, isinf, isnan, log, nextafter, pi
from random import Random

import sympy

from derive.algebra.polynomial_signs import ALL, NO, Signs
from derive.algebra.ranges import Ranges
from derive.algebra.size import parts

Interval = tuple[float, float]
Part = dict[sympy.Symbol, Interval]

# The most parts of the ranges that are examined before a sign is left open.
_PARTS = 200
# The most operations on intervals that all of them together may take.
_WORK = 20_000
# Sample points: before the parts, and for one sign alone; on a grid with the third number of steps.
_FEW, _MANY, _STEPS = 12, 60, 31
# Beyond this size an exponential is 0 or infinite, and a cosine is not computed.
_FAR = 500
# More than the error of cosines of such arguments.
_NEAR = 1e-9


class _UnknownError(Exception):
    """An expression that interval arithmetic has no rule for, or a part of a range that it cannot cut."""


def by_intervals(value: sympy.Expr, ranges: Ranges) -> Signs:
    """The signs that an expression can have according to its bounds; all three where these do not decide.

    >>> r, rho = sympy.Symbol("r", real=True), sympy.Symbol("rho")
    >>> sorted(by_intervals(2 + sympy.cos(r) * sympy.exp(-rho), Ranges()))
    [1]
    """
    whole = _whole(value, ranges)
    try:
        return ALL if whole is None else _over_parts(value, whole)
    except _UnknownError:
        return ALL


def may_be_positive(value: sympy.Expr, ranges: Ranges) -> bool:
    """Whether an expression may be positive everywhere, judged at a few points: false is certain, and found quickly.

    >>> a, c = sympy.symbols("a c")
    >>> may_be_positive(a + c, Ranges()), may_be_positive(a - c, Ranges())
    (True, False)
    """
    whole = None if ranges.positive else _whole(value, ranges)
    try:
        return whole is None or not any(_bounds(value, part)[1] < 0 for part in _points(whole, _MANY))
    except _UnknownError:
        return True


def _whole(value: sympy.Expr, ranges: Ranges) -> Part | None:
    """The ranges of the symbols of an expression, None where one need not be real."""
    symbols = sorted(value.free_symbols, key=sympy.default_sort_key)
    if any(one.is_extended_real is False or (one.is_complex and one.is_extended_real is None) for one in symbols):
        return None
    return {one: (_end(ranges[one].low, -inf), _end(ranges[one].high, inf)) for one in symbols}


def _points(whole: Part, number: int) -> Iterator[Part]:
    """Some points within ranges."""
    random = Random(0)
    for _ in range(number):
        part = {}
        for one, ends in whole.items():
            low, high = map(_bent, ends)
            middle = low + (high - low) * (1 + random.randrange(_STEPS)) / (_STEPS + 1)
            part[one] = (middle / (1 - abs(middle)),) * 2
        yield part


def _over_parts(value: sympy.Expr, whole: Part) -> Signs:
    """The signs found by halving the largest part until each part has one sign."""
    at_points = [_bounds(value, part) for part in _points(whole, _FEW)]
    if any(low > 0 for low, _ in at_points) and any(high < 0 for _, high in at_points):
        return ALL
    found: Signs = NO
    order = count()
    waiting = [(0.0, next(order), whole)]
    for _ in range(min(_PARTS, _WORK // parts(value, _WORK))):
        if not waiting:
            return found
        _, _, part = heappop(waiting)
        low, high = _bounds(value, part)
        if low > 0 or high < 0:
            found |= {1 if low > 0 else -1}
            if len(found) > 1:
                return ALL
            continue
        widest = max(part, key=lambda one: _bent(part[one][1]) - _bent(part[one][0]))
        for half in _halves(*part[widest]):
            smaller = part | {widest: half}
            size = max(_bent(high) - _bent(low) for low, high in smaller.values())
            heappush(waiting, (-size, next(order), smaller))
    return ALL


def _end(value: sympy.Expr, towards: float) -> float:
    """An end of a range, rounded outwards."""
    return towards if value.is_infinite else nextafter(float(value), towards)


def _bent(x: float) -> float:
    """The real line mapped onto the interval from −1 to 1."""
    return copysign(1.0, x) if isinf(x) else x / (1 + abs(x))


def _halves(low: float, high: float) -> tuple[tuple[float, float], tuple[float, float]]:
    middle = (_bent(low) + _bent(high)) / 2
    if abs(middle) == 1:
        raise _UnknownError("too far out")
    cut = middle / (1 - abs(middle))
    return (low, cut), (cut, high)


def _bounds(value: sympy.Expr, part: Part) -> Interval:
    """An interval that holds the values of an expression."""
    if value.is_Symbol:
        return part[value]
    if value.is_Rational or value is sympy.pi or value is sympy.E:
        return _outwards(float(value), float(value))
    inside = [_bounds(one, part) for one in value.args]
    if isinstance(value, sympy.Pow) and value.exp.is_Integer:
        return _whole_power(inside[0], int(value.exp))
    if isinstance(value, sympy.Pow) and inside[0][0] > 0:
        return _exponential(_product(inside[1], _logarithm(inside[0])))
    if isinstance(value, sympy.log) and inside[0][0] > 0:
        return _logarithm(inside[0])
    if isinstance(value, sympy.Add):
        return reduce(_sum, inside)
    if isinstance(value, sympy.Mul):
        return reduce(_product, inside)
    if isinstance(value, sympy.exp):
        return _exponential(inside[0])
    if isinstance(value, sympy.cos | sympy.sin):
        # sin x = cos(x − π/2)
        low, high = inside[0] if isinstance(value, sympy.cos) else _sum(inside[0], _outwards(-pi / 2, -pi / 2))
        return _cosine(low, high)
    raise _UnknownError(value)


def _outwards(low: float, high: float) -> Interval:
    """An interval a little wider than computed, by more than the error of the C library's functions."""
    for _ in range(4):
        low, high = nextafter(low, -inf), nextafter(high, inf)
    return low, high


def _sum(one: Interval, other: Interval) -> Interval:
    low, high = one[0] + other[0], one[1] + other[1]
    # ∞ − ∞ is anything.
    return _outwards(-inf if isnan(low) else low, inf if isnan(high) else high)


def _product(one: Interval, other: Interval) -> Interval:
    # An end at infinity is not a value: 0 times it is 0.
    ends = [0.0 if 0 in (x, y) else x * y for x in one for y in other]
    return _outwards(min(ends), max(ends))


def _whole_power(base: Interval, exponent: int) -> Interval:
    if exponent < 0:
        if base[0] <= 0 <= base[1]:
            raise _UnknownError("division by zero")
        return _whole_power(_outwards(1 / base[1], 1 / base[0]), -exponent)
    found = reduce(_product, [base] * exponent) if exponent else (1.0, 1.0)
    return (max(found[0], 0.0), found[1]) if exponent % 2 == 0 else found


def _logarithm(inside: Interval) -> Interval:
    return _outwards(*(log(end) if end < inf else inf for end in inside))


def _exponential(inside: Interval) -> Interval:
    low = 0.0 if inside[0] < -_FAR else exp(min(inside[0], _FAR))
    high = inf if inside[1] > _FAR else exp(max(inside[1], -_FAR))
    return max(_outwards(low, low)[0], 0.0), _outwards(high, high)[1]


def _cosine(low: float, high: float) -> Interval:
    if not (low > -_FAR and high < _FAR) or high - low >= 2 * pi:
        return -1.0, 1.0
    ends = cos(low), cos(high)
    # Between them the cosine turns at multiples of π, 1 at even ones and −1 at odd ones; near one counts.
    turns = {k % 2 for k in range(ceil(low / pi - _NEAR), floor(high / pi + _NEAR) + 1)}
    return (-1.0 if 1 in turns else min(ends) - _NEAR), (1.0 if 0 in turns else max(ends) + _NEAR)
