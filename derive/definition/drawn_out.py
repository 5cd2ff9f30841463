"""A definition whose means over a number of further views of a datum are written out, with a name for each view.

An evaluation on points needs this: ordinary views, drawn with their datum. A population mean over further views becomes
a mean over the noise of a view alone: its `of` becomes the datum itself, without noise. Where the body is linear in f
at such a view, its mean is its value at the datum.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import TYPE_CHECKING

import sympy

from derive.definition.expression import (
    Average,
    Coordinate,
    CoordinateSum,
    Expression,
    Inner,
    Product,
    Scalar,
    Sum,
    ViewAverage,
    as_expression,
    children,
    free_views,
    rebuilt,
    walk,
)
from derive.definition.rewriting import with_views
from derive.definition.views import View

if TYPE_CHECKING:
    from collections.abc import Iterator

CENTRE = "without_noise"


def drawn_out(node: Expression) -> Expression:
    """The definition with numbers for all counts, its means over further views written out.

    >>> from derive import Mean, embedding, inner, views
    >>> from derive.definition.written import definition
    >>> from derive.definition.notation import TEXT
    >>> x, x_v = views("x, x_v")
    >>> definition(drawn_out(Mean(inner(x, x_v) ** 2, over=x_v, of=x, count=2)), TEXT)
    '½ (⟨f(x), f(x_1of2)⟩² + ⟨f(x), f(x_2of2)⟩²)'
    """
    node = rebuilt(node, [drawn_out(part) for part in children(node)])
    match node:
        case ViewAverage(body, over, of, None):
            left = tuple(view for view in over if not _linear(body, view))
            body = with_views(body, {view: centre(of) for view in over if view not in left})
            return ViewAverage(body, left, centre(of), None) if left else body
        case ViewAverage(body, over, of, number) if number is not None:
            role = over[0].role
            draws = [of._replace(name=f"{of.datum}_{k}of{number}", role=role) for k in range(1, int(number) + 1)]
            chosen = list(permutations(draws, len(over)))
            total = as_expression(0)
            for some in chosen:
                total = total + with_views(body, dict(zip(over, some, strict=True)))
            return Scalar(sympy.Rational(1, len(chosen))) * total
        case Average(body, over, count):
            data = list(dict.fromkeys(view.datum for view in over))
            more = {view for view in free_views(body) if view.datum in data}
            # The first datum still names the sample.
            key = (lambda view: (data.index(view.datum), view)) if count is not None else None
            return replace(node, over=tuple(sorted({*over, *more}, key=key)))
    return node


def _linear(node: Expression, view: View) -> bool:
    """Whether a node is linear in f at a view, whatever else it depends on."""
    match node:
        case Inner(u, v):
            return (u, v).count(view) == 1
        case Coordinate(u, _):
            return u == view
        case Sum(terms):
            return all(_linear(term, view) for term in terms)
        case Product(factors):
            inside = [factor for factor in factors if view in free_views(factor)]
            return len(inside) == 1 and _linear(inside[0], view)
        case Average(body, _, _) | ViewAverage(body, _, _, _) | CoordinateSum(body, _):
            return view in free_views(node) and _linear(body, view)
    return False


def centre(view: View) -> View:
    """The datum that a view shows, as a view without noise."""
    return view._replace(name=f"{view.datum}_{CENTRE}")


def is_centre(view: View) -> bool:
    """Whether a view is the datum itself."""
    return view.name == f"{view.datum}_{CENTRE}"


def views_by_datum(node: Expression) -> dict[str, set[View]]:
    """The views that each datum is shown in; draws of one sample are of the sample's datum."""
    found: dict[str, set[View]] = {}
    for view, datum in _views(node):
        found.setdefault(datum, set()).add(view._replace(name=view.name_at(datum), datum=datum))
    return found


def _views(node: Expression) -> Iterator[tuple[View, str]]:
    for part in walk(node):
        if isinstance(part, Average):
            for view in part.over:
                yield view, view.datum if part.count is None else part.over[0].datum
    for view in free_views(node):
        yield view, view.datum
