"""A definition with something else put for its views."""

from __future__ import annotations

from typing import TYPE_CHECKING

from derive.expression import Average, Coordinate, Expression, HalfSquare, Inner, children, rebuilt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from derive.views import View


def with_views(node: Expression, put: Mapping[View, View]) -> Expression:
    """The definition with other views for its free ones."""
    match node:
        case Inner(u, v):
            return Inner(put.get(u, u), put.get(v, v))
        case HalfSquare(u, v):
            return HalfSquare(put.get(u, u), put.get(v, v))
        case Coordinate(u, index):
            return Coordinate(put.get(u, u), index)
        case Average(_, over, _):
            # A view that is bound again below is another one.
            put = {u: v for u, v in put.items() if u not in over}
    return rebuilt(node, [with_views(part, put) for part in children(node)])
