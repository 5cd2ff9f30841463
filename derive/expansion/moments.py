"""The series in W as a sum of moments of inner products, with no assumption on the data.

This is what real features are checked against. `laws` contracts the moments for data of a given law.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import sympy
from sympy import QQ

from derive.algebra.alphabet import END, HELD
from derive.algebra.effort import spend
from derive.algebra.graphs import (
    CONSTANT,
    VIEW,
    Graph,
    Vertex,
    canonical,
    components,
    legs,
    relabelled,
    splice,
)
from derive.algebra.monomials import ONE
from derive.algebra.scalars import size
from derive.definition.contents import check_closed
from derive.definition.regularity import homogeneity
from derive.errors import InputError, NotAnalyticError
from derive.expansion.draws import Draws, Edges, Flat, coincidences, flatten
from derive.expansion.series import Expander, check_order

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from derive.algebra.scalars import Coefficient, Scalars
    from derive.definition.expression import Expression
    from derive.definition.views import Index, View
    from derive.expansion.series import Series

# A product of expectations, one for each connected graph.
Moment = tuple[Graph, ...]


class MomentSeries:
    """A loss as a sum of moments, through a given order in W.

    Attributes:
        order: the order in W through which the series is complete.
        constant: the loss at W = 0.
        raw: moments and their coefficients in ``scalars``, as derived: equal moments may still occur under several
            labellings, and coefficients are not in normal form. `terms` merges and normalises.

    """

    def __init__(self, raw: dict[Moment, Coefficient], scalars: Scalars, constant: sympy.Expr, order: int) -> None:
        """Keep the parts; `moment_series` makes them."""
        self.raw = raw
        self.scalars = scalars
        self.constant = constant
        self.order = order

    @cached_property
    def terms(self) -> tuple[tuple[Moment, sympy.Expr], ...]:
        """Pairs of a moment and its exact coefficient, by order."""
        merged: dict[Moment, Coefficient] = {}
        for moment, value in self.raw.items():
            one = tuple(sorted(map(canonical, moment)))
            merged[one] = merged.get(one, 0) + value
        normal = ((moment, self.scalars.to_sympy(value)) for moment, value in merged.items())
        kept = ((moment, value) for moment, value in normal if value != 0)
        return tuple(sorted(kept, key=lambda term: (moment_order(term[0]), term[0])))

    @property
    def odd_orders_vanish(self) -> bool:
        """Whether no term of odd order in W is left, whatever the data."""
        return all(moment_order(moment) % 2 == 0 for moment in self.raw)

    def __eq__(self, other: object) -> bool:
        """Equality of content."""
        if not isinstance(other, MomentSeries):
            return NotImplemented
        return (self.terms, self.constant, self.order) == (other.terms, other.constant, other.order)

    def __hash__(self) -> int:
        """Hash of content."""
        return hash((self.terms, self.constant, self.order))


def moment_order(moment: Moment) -> int:
    """The order in W of a moment."""
    return sum(map(legs, moment))


def moment_series(
    expression: Expression, order: int, *, fixed: bool = False, fixed_set: sympy.Expr | None = None, bias: bool = False
) -> MomentSeries:
    """The moment series of a definition; its free views, all of one datum, are averaged over.

    Args:
        expression: the definition.
        order: even order in W through which to expand.
        fixed: whether the batch is a fixed training set rather than independent draws. Second order only.
        fixed_set: the size n of that set, which is centred; None where the loss has no batch. Its data sum to zero, so
            two different ones have E f(u) f(v)ᵀ = −(W A0 Wᵀ)/(n − 1).
        bias: whether f has a mean, as f(x) = W x + b has; it matters only for a fixed set.

    Raises:
        InputError: views of two data are left free, or a coordinate is, or the order is not even and positive.
        NotAnalyticError: a logarithm or a power of something that vanishes at W = 0.

    """
    check_order(order)
    check_closed(expression)
    if fixed and order > 2:
        message = (
            f"order {order} of a fixed training set depends on its fourth and higher moments,"
            " which A0 and C do not determine; only order 2 is exact there (use --order 2, or --sampling iid)"
        )
        raise InputError(message)
    expander = Expander(order)
    try:
        series = expander.expand(expression)
    except NotAnalyticError as error:
        # The degree that matters is that of the whole loss, not of the part that failed.
        raise NotAnalyticError(error.reason, homogeneity(expression)) from None
    total = _collected(expander, series, fixed_set=fixed_set, bias=bias)
    constant = expander.scalars.to_sympy(expander.constant_term(series))
    return MomentSeries(total, expander.scalars, constant, order)


def held_series(expression: Expression, held: Sequence[View | Index], order: int) -> MomentSeries:
    """The moment series of a polynomial in which some views and coordinates are held and not averaged over.

    Their vertices are constants, numbered from HELD on down in the order given. A product of entries of the identity at
    coordinates that are held is a moment of order 0.
    """
    expander = Expander(order)
    series = expander.expand(expression)
    total = _collected(expander, series, held=held)
    constant = expander.scalars.to_sympy(series[0].get((), QQ(0)))
    return MomentSeries(total, expander.scalars, constant, order)


def _collected(
    expander: Expander,
    series: Series,
    *,
    fixed_set: sympy.Expr | None = None,
    bias: bool = False,
    held: Sequence[View | Index] = (),
) -> dict[Moment, Coefficient]:
    """The expectation of a series but for its constant."""
    total: dict[Moment, Coefficient] = {}
    for monomial, value in ((monomial, value) for terms in series for monomial, value in terms.items() if monomial):
        flat = flatten(expander.clusters, monomial)
        put = {
            flat.names[label]: Vertex(CONSTANT, END - HELD + k, 0)
            for k, label in enumerate(held)
            if label in flat.names
        }
        for found, weight in _expectation(expander.scalars, flat, fixed_set, bias=bias):
            edges = [(put.get(u, u), put.get(v, v)) for u, v in found] if put else found
            spend(2 * len(edges) + size((value,)) * size((weight,)))
            moment = tuple(sorted(relabelled(piece) for piece in components(splice(edges))))
            total[moment] = total.get(moment, 0) + (value if weight is ONE else value * weight)
    return total


def _expectation(
    scalars: Scalars, flat: Flat, fixed_set: sympy.Expr | None, *, bias: bool
) -> Iterator[tuple[Edges, Coefficient]]:
    """The expectation of a monomial as graphs with weights, draws of one sample coinciding or not."""
    graphs: list[tuple[Edges, dict[int, int], Coefficient]] = [(flat.edges, {}, ONE)]
    for sample, draws in flat.samples.items():
        graphs = [
            ([(_moved(u, target), _moved(v, target)) for u, v in some], data | target, weight * chance)
            for some, data, weight in graphs
            for target, chance in coincidences(scalars, sample.count, draws)
        ]
    found = [pair for some, data, weight in graphs for pair in _with_views(scalars, flat, some, data, weight)]
    if fixed_set is not None:
        batch = flat.anchor.union(*(draws.all for draws in flat.samples.values()))
        ratio = scalars.from_sympy(-1 / (fixed_set - 1))
        found = [pair for some, weight in found for pair in _anticorrelated(some, weight, batch, ratio, bias=bias)]
    return iter(found)


def _with_views(
    scalars: Scalars, flat: Flat, edges: Edges, data: dict[int, int], weight: Coefficient
) -> list[tuple[Edges, Coefficient]]:
    """The graphs in which further views of one datum coincide or not, once it is known which data do."""
    samples: dict[tuple[int, sympy.Expr, int], Draws] = {}
    for (group, number, role), draws in flat.views.items():
        samples.setdefault((data.get(group, group), number, role), Draws()).extend(draws)
    graphs = [(edges, weight)]
    for (group, number, _), draws in samples.items():
        graphs = [
            ([(_seen(u, group, target), _seen(v, group, target)) for u, v in some], value * chance)
            for some, value in graphs
            for target, chance in coincidences(scalars, number, draws)
        ]
    return graphs


def _anticorrelated(
    edges: Edges, weight: Coefficient, batch: set[int], ratio: Coefficient, *, bias: bool
) -> list[tuple[Edges, Coefficient]]:
    """Two legs at different data of one centred set: as two views of one datum, times −1/(n − 1).

    That is their covariance. With r = −1/(n − 1) and a mean m of f, m mᵀ + r Cov is r times the moment of two views,
    m mᵀ + Cov, and 1 − r times that of independent data, m mᵀ.
    """
    groups = sorted({v.group for edge in edges for v in edge if v.kind == VIEW} & batch)
    if len(groups) < 2:
        return [(edges, weight)]
    first, second = groups
    other_view = max(v.view for edge in edges for v in edge) + 1

    def joined(v: Vertex) -> Vertex:
        return v._replace(group=first, view=other_view) if v.kind == VIEW and v.group == second else v

    together = ([(joined(u), joined(v)) for u, v in edges], weight * ratio)
    return [together, (edges, weight * (ratio * QQ(-1) + QQ(1)))] if bias else [together]


def _moved(vertex: Vertex, target: dict[int, int]) -> Vertex:
    return vertex._replace(group=target.get(vertex.group, vertex.group))


def _seen(vertex: Vertex, group: int, target: dict[int, int]) -> Vertex:
    return vertex._replace(view=target.get(vertex.view, vertex.view)) if vertex.group == group else vertex
