"""Substitution in a definition: of its parameters, its views, its coordinates, or f."""

from __future__ import annotations

from dataclasses import replace
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


def normalised(node: Expression) -> Expression:
    """Every f(u) replaced by f(u)/|f(u)|."""
    match node:
        case Inner(u, v):
            return Product((node, _norm_inverse(u), _norm_inverse(v)))
        case HalfSquare(u, v):
            # ½|u/|u| − v/|v||² = 1 − ⟨u, v⟩/(|u||v|)
            return 1 - normalised(Inner(u, v))
        case Coordinate(u, _):
            return Product((node, _norm_inverse(u)))
        case Average(_, over, _) if over[0].white:
            # Weight decay is about W, not about features.
            return node
    return rebuilt(node, [normalised(part) for part in children(node)])


def _norm_inverse(view: View) -> Expression:
    return Power(Inner(view, view), sympy.Rational(-1, 2))
