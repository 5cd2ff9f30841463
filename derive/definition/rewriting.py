"""Substitution in a definition: of its parameters, its views, its coordinates, or f."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING

import sympy

from derive.definition.expression import (
    Average,
    Coordinate,
    CoordinateSum,
    Delta,
    Expression,
    HalfSquare,
    Inner,
    InverseEntry,
    LogDet,
    Power,
    Product,
    Scalar,
    Statistic,
    Sum,
    ViewAverage,
    children,
    rebuilt,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from derive.definition.views import Index, View


def substitute(node: Expression, values: Mapping[sympy.Symbol, sympy.Expr]) -> Expression:
    """The definition with values put for parameters."""
    match node:
        case Scalar(value):
            return Scalar(value.xreplace(values))
        case Power(_, exponent):
            node = replace(node, exponent=exponent.xreplace(values))
        case Average(_, _, count) | ViewAverage(_, _, _, count) if count is not None:
            node = replace(node, count=count.xreplace(values))
    return rebuilt(node, [substitute(part, values) for part in children(node)])


def with_views(node: Expression, put: Mapping[View, View]) -> Expression:
    """The definition with other views for its free ones."""
    match node:
        case Inner(u, v) | HalfSquare(u, v):
            return type(node)(put.get(u, u), put.get(v, v))
        case Coordinate(u, index):
            return Coordinate(put.get(u, u), index)
        case Average(_, over, _):
            # A view that is bound again below is a different one.
            put = {u: v for u, v in put.items() if u not in over}
        case ViewAverage(_, over, of, _):
            new = put.get(of, of)
            put = {u: v for u, v in put.items() if u not in over}
            if new.datum != of.datum:
                put |= {u: u._replace(name=u.name_at(new.datum), datum=new.datum) for u in over}
            node = replace(node, of=new, over=tuple(put.get(u, u) for u in over))
        case Statistic(_, _, given):
            put = {u: v for u, v in put.items() if u in given}
            node = replace(node, given=tuple(put.get(u, u) for u in given))
    return rebuilt(node, [with_views(part, put) for part in children(node)])


def relabelled(node: Expression, put: Mapping[View, View]) -> Expression:
    """The definition with other views for all, free or bound."""
    match node:
        case Average(_, over, _) | ViewAverage(_, over, _, _):
            node = replace(node, over=tuple(put.get(u, u) for u in over))
            if isinstance(node, ViewAverage):
                node = replace(node, of=put.get(node.of, node.of))
            return rebuilt(node, [relabelled(part, put) for part in children(node)])
        case Inner() | HalfSquare() | Coordinate():
            return with_views(node, put)
        case Statistic(_, _, given):
            node = replace(node, given=tuple(put.get(u, u) for u in given))
    return rebuilt(node, [relabelled(part, put) for part in children(node)])


def with_indices(node: Expression, put: Mapping[Index, Index]) -> Expression:
    """The definition with other coordinates for its free ones."""
    match node:
        case Coordinate(view, index):
            return Coordinate(view, put.get(index, index))
        case CoordinateSum(_, index):
            put = {i: j for i, j in put.items() if i != index}
        case Delta(left, right):
            return Delta(put.get(left, left), put.get(right, right))
        case LogDet(_, row, column):
            put = {i: j for i, j in put.items() if i not in (row, column)}
        case InverseEntry(_, row, column, (i, j)):
            node = replace(node, at=(put.get(i, i), put.get(j, j)))
            put = {i: j for i, j in put.items() if i not in (row, column)}
    return rebuilt(node, [with_indices(part, put) for part in children(node)])


def normalised(node: Expression, temperature: sympy.Expr = sympy.S.One) -> Expression:
    """Every f(u) replaced by f(u)/(|f(u)| √τ), so that ⟨f(u), f(v)⟩ becomes the cosine over the temperature τ."""
    match node:
        case Inner(u, v):
            return over(cosine_of(u, v), temperature)
        case HalfSquare(u, v):
            # ½|u/|u| − v/|v||² = 1 − cos(u, v)
            return over(1 - cosine_of(u, v), temperature)
        case Coordinate(u, _):
            return over(Product((node, _norm_inverse(u))), sympy.sqrt(temperature))
        case Average(_, bound, _) if bound[0].white:
            # Weight decay is about W, not about features.
            return node
    parts = [normalised(part, temperature) for part in children(node)]
    if isinstance(node, Sum | Product):
        # Sums in sums and products in products are taken apart.
        return sum(parts, Scalar(sympy.S.Zero)) if isinstance(node, Sum) else prod(parts, start=Scalar(sympy.S.One))
    return rebuilt(node, parts)


def cosine_of(u: View, v: View) -> Expression:
    """⟨f(u), f(v)⟩/(|f(u)| |f(v)|), written with inner products; 1 where the two are one view."""
    return Scalar(sympy.S.One) if u == v else Product((Inner(u, v), _norm_inverse(u), _norm_inverse(v)))


def over(node: Expression, number: sympy.Expr) -> Expression:
    """An expression divided by a number, written once where that is 1."""
    return node if number == 1 else node / number


def _norm_inverse(view: View) -> Expression:
    return Power(Inner(view, view), sympy.Rational(-1, 2))
