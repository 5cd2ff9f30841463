"""Bounds that follow from the structure of a definition: constants below and above it, and how fast it grows.

Squares, exponentials, half squared distances, and means, sums over coordinates, sums and products of what is not
negative are never negative, whatever the data. Only the last step uses the data: in a mean over one datum's views
⟨f(x), f(x′)⟩ is Tr[W A0 Wᵀ] ≥ 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sympy

from derive.algebra.graphs import CLASSMATE
from derive.algebra.scalars import normal_form
from derive.algebra.signs import sign, signs
from derive.definition.expression import (
    Average,
    Coordinate,
    CoordinateSum,
    Exp,
    Expression,
    Log,
    Power,
    Product,
    Sum,
    ViewAverage,
    free_views,
)
from derive.definition.factors import split_off, unscaled
from derive.definition.language import EMBEDDING_DIMENSION
from derive.definition.rewriting import with_indices
from derive.landscape.closed_form import quadratic_form
from derive.landscape.coordinates import principal_minors
from derive.landscape.landscape import MODE_I

if TYPE_CHECKING:
    from collections.abc import Mapping

    from derive.definition.views import View


class Size(NamedTuple):
    """Bounds and growth of a part of a definition, for all views and every W.

    Attributes:
        low: a constant that it is never below, None where none is known.
        high: a constant that it is never above, None where none is known.
        degree: |part| = O(|W|^degree) in the mean as W grows; ∞ where that is not known.

    """

    low: sympy.Expr | None = None
    high: sympy.Expr | None = None
    degree: sympy.Expr = sympy.oo


def size(node: Expression) -> Size:
    """The size of a part of a definition.

    >>> from derive import Mean, exp, half_sq, views
    >>> x, x_pos, chi = views("x, x_pos, chi")
    >>> size((half_sq(x, x_pos) - 1) ** 2), size(Mean(exp(-half_sq(x, chi)), over=chi))
    (Size(low=0, high=None, degree=4), Size(low=0, high=1, degree=0))
    """
    if (form := quadratic_form(node)) is not None:
        return _of_form(*form)
    match node:
        case Coordinate():
            return Size(degree=sympy.S.One)
        case Sum(terms):
            return _of_sum(terms)
        case Product(factors):
            return _of_product(factors)
        case Power(base, exponent):
            return _of_power(size(base), exponent)
        case Exp(argument):
            low, high, _ = size(argument)
            above = None if high is None else sympy.exp(high)
            below = sympy.S.Zero if low is None else sympy.exp(low)
            return Size(below, above, sympy.oo if above is None else sympy.S.Zero)
        case Log(argument):
            return _of_logarithm(size(argument))
        case Average(body, over, None) if (
            (form := quadratic_form(body)) is not None and free_views(body) <= set(over) and _of_one_kind(form[0])
        ):
            low, high, degree = size(body)
            # A bias of the model adds |b|² to each inner product.
            signs = {sign(in_the_mean(form[0])), sign(sympy.Add(*form[0].values()))}
            return Size(form[1] if signs <= {0, 1} else low, form[1] if signs <= {0, -1} else high, degree)
        case Average(body, _, _) | ViewAverage(body, _, _, _):
            return size(body)
        case CoordinateSum(body, _):
            low, high, degree = size(body)
            low, high = (None if one is None else EMBEDDING_DIMENSION * one for one in (low, high))
            return Size(low, high, degree)
    return Size()


def never_negative(form: dict[tuple[View, View], sympy.Expr]) -> bool:
    """Whether the mean of a quadratic form is known not to be negative for any W."""
    form = {pair: weight for pair, weight in form.items() if weight != 0}
    # ⟨f(x), g(y)⟩ may have either sign in the mean, and f and g are not weighed against each other.
    return -1 not in signs(sympy.cancel(in_the_mean(form))) if _of_one_kind(form) else semidefinite(matrix_of(form))


def _of_one_kind(form: Mapping[tuple[View, View], sympy.Expr]) -> bool:
    return len({view.role for pair in form for view in pair}) <= 1


def in_the_mean(form: dict[tuple[View, View], sympy.Expr]) -> sympy.Expr:
    """The mean of a quadratic form for one row with wᵀΣw = 1; its sign holds for any W, being linear in a_i and c_i."""
    total = sympy.S.Zero
    for (u, v), weight in form.items():
        if u == v:
            total += weight
        elif u.datum == v.datum and CLASSMATE not in (u.role, v.role):
            total += weight * MODE_I["A"] / MODE_I["S"]
    return total


def _of_form(form: dict[tuple[View, View], sympy.Expr], constant: sympy.Expr) -> Size:
    if not form:
        return Size(constant, constant, sympy.S.Zero)
    matrix = matrix_of(form)
    side = [constant if semidefinite(scaled * matrix) else None for scaled in (1, -1)]
    return Size(side[0], side[1], sympy.Integer(2))


def matrix_of(form: Mapping[tuple[View, View], sympy.Expr]) -> sympy.Matrix:
    """The symmetric matrix of a quadratic form in f at several views."""
    views = sorted({view for pair in form for view in pair})
    size = len(views)

    def entry(i: int, k: int) -> sympy.Expr:
        pair = (min(views[i], views[k]), max(views[i], views[k]))
        return form.get(pair, sympy.S.Zero) / (1 if i == k else 2)

    return sympy.Matrix(size, size, entry)


def semidefinite(matrix: sympy.Matrix) -> bool:
    """Whether no principal minor is negative, for all parameters."""
    return all(-1 not in signs(normal_form(minor)) for _, minor in principal_minors(matrix))


def _of_sum(terms: tuple[Expression, ...]) -> Size:
    parts = [*_off_diagonal(terms)]
    lows, highs = ([getattr(one, side) for one in parts] for side in ("low", "high"))
    degree = sympy.Max(*(one.degree for one in parts)) if parts else sympy.S.Zero
    low, high = (None if None in side else sympy.Add(*side) for side in (lows, highs))
    return Size(low, high, degree)


def _off_diagonal(terms: tuple[Expression, ...]) -> list[Size]:
    """The sizes of summands; w (Σ_i Σ_j f(i, j) − Σ_i f(i, i)) with f ≥ 0 is one, and not negative."""
    left, found = list(terms), []
    for whole in terms:
        weight, inside = unscaled(whole)
        match inside:
            case CoordinateSum(CoordinateSum(body, j), i) if size(body).low == 0:
                diagonal = CoordinateSum(with_indices(body, {j: i}), i)
            case _:
                continue
        for part in left:
            less, other = unscaled(part)
            if other == diagonal and sign(weight) == 1 and sign(weight + less) in (0, 1):
                found.append(Size(sympy.S.Zero, None, size(inside).degree))
                left.remove(whole)
                left.remove(part)
                break
    forms = [one for one in left if quadratic_form(one) is not None]
    return found + [size(one) for one in left if one not in forms] + ([size(Sum(tuple(forms)))] if forms else [])


def _of_product(factors: tuple[Expression, ...]) -> Size:
    weight, rest = split_off(factors)
    sizes = [size(one) for one in rest]
    degree = sympy.Add(*(one.degree for one in sizes))
    # Even powers of one factor are squares.
    even = all(rest.count(one) % 2 == 0 for one in rest)
    lows, highs = [one.low for one in sizes], [one.high for one in sizes]
    positive = all(low is not None and sign(low) in (0, 1) for low in lows)
    low, high = (lows[0], highs[0]) if len(rest) == 1 else (None, None)
    if len(rest) != 1 and positive:
        low, high = sympy.Mul(*lows), None if None in highs else sympy.Mul(*highs)
    elif even:
        low = sympy.S.Zero
    side = sign(weight)
    if side == 0:
        return Size(sympy.S.Zero, sympy.S.Zero, sympy.S.Zero)
    if side is None:
        return Size(degree=degree)
    low, high = (None if one is None else weight * one for one in (low, high))
    low, high = (low, high) if side == 1 else (high, low)
    return Size(low, high, degree)


def _of_power(base: Size, exponent: sympy.Expr) -> Size:
    low, high, degree = base
    side = sign(exponent)
    grows = degree * exponent if side == 1 else sympy.oo
    at_least = None if low is None else sign(low)
    if at_least == 1 and side == -1:
        return Size(sympy.S.Zero if high is None else high**exponent, low**exponent, sympy.S.Zero)
    if at_least in (0, 1) and side == 1:
        return Size(low**exponent, None if high is None else high**exponent, grows)
    if exponent.is_Integer and exponent % 2 == 0:
        return Size(sympy.S.Zero, None, grows)
    return Size(None, None, grows)


def _of_logarithm(argument: Size) -> Size:
    low, high, degree = argument
    low = None if low is None or sign(low) != 1 else sympy.log(low)
    high = None if high is None or sign(high) != 1 else sympy.log(high)
    return Size(low, high, sympy.S.Zero if low is not None and degree.is_finite else sympy.oo)
