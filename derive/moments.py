"""The series in W as a sum of moments of inner products, with no assumption on the data.

This is what real features are checked against. `gaussian` contracts the moments for Gaussian data.
"""

from __future__ import annotations

from collections import Counter
from functools import cached_property, lru_cache
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

import sympy
from sympy import QQ

from derive.clusters import Edge, Sample, ViewSample
from derive.errors import InputError, NotAnalyticError
from derive.expression import free_indices, free_views
from derive.graphs import (
    COORDINATE,
    VIEW,
    WHITE,
    Graph,
    Vertex,
    canonical,
    components,
    legs,
    relabelled,
    splice,
)
from derive.monomials import ONE, Monomial
from derive.regularity import homogeneity
from derive.series import Expander, check_order
from derive.views import Index, View

if TYPE_CHECKING:
    from collections.abc import Iterator

    from derive.expression import Expression
    from derive.scalars import Coefficient, Scalars

# A product of expectations, one for each connected graph.
Moment = tuple[Graph, ...]
Edges = list[tuple[Vertex, Vertex]]


class MomentSeries:
    """A loss as a sum of moments, through a given order in W.

    Attributes:
        order: the order in W through which the series is complete.
        constant: the loss at W = 0.
        raw: moments and their coefficients in ``scalars``, as they came: equal moments may still stand under several
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
        bias: whether f has a mean beside, as f(x) = W x + b has; only a fixed set needs to know.

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
    total: dict[Moment, Coefficient] = {}
    for terms in series[1:]:
        for monomial, value in terms.items():
            for edges, weight in _expectation(expander, monomial, fixed_set, bias=bias):
                moment = tuple(sorted(relabelled(piece) for piece in components(splice(edges))))
                total[moment] = total.get(moment, 0) + (value if weight is ONE else value * weight)
    constant = expander.scalars.to_sympy(expander.constant_term(series))
    return MomentSeries(total, expander.scalars, constant, order)


def check_closed(expression: Expression) -> None:
    """Refuse a definition that leaves views of two data, or a coordinate, unbound."""
    loose = sorted(index.name for index in free_indices(expression))
    if loose:
        message = f"coordinate {loose[0]} is free; sum over it with diagonal_sum or off_diagonal_sum"
        raise InputError(message)
    data: dict[str, list[str]] = {}
    for view in sorted(free_views(expression)):
        data.setdefault(view.datum, []).append(view.name)
    if len(data) > 1:
        listed = "; ".join(", ".join(names) for names in data.values())
        message = (
            f"views of {len(data)} data are free ({listed}); the loss is averaged over one datum and its views,"
            f" so bind the others with Mean(…, over=…){_pairing(list(data.values()))}"
        )
        raise InputError(message)


def _pairing(data: list[list[str]]) -> str:
    """How views pair, where no datum has two of them: names may have been meant to pair."""
    if any(len(names) > 1 for names in data):
        return ""
    first, second = sorted((names[0] for names in data), key=lambda name: (len(name), name))[:2]
    end = second.removeprefix(first).strip("_") or "pos"
    meant = f"{first}_{end if len(end) < len(second) else 'pos'}"
    return (
        ". Views pair by what stands before the first underscore, as x and x_pos do: if"
        f" {second} is a second view of {first}, call it {meant}"
    )


class _Flat(NamedTuple):
    """A monomial with a vertex for each view, before draws coincide.

    Attributes:
        edges: pairs of vertices.
        samples: the draws of each sample, those together that one mean takes without repetition.
        views: further views of a datum: its number, how many there are, and those that one mean takes.
        anchor: the data that the loss is averaged over.

    """

    edges: Edges
    samples: dict[Sample, list[tuple[int, ...]]]
    views: list[tuple[int, sympy.Expr, tuple[int, ...]]]
    anchor: set[int]


def _expectation(
    expander: Expander, monomial: Monomial, fixed_set: sympy.Expr | None, *, bias: bool
) -> Iterator[tuple[Edges, Coefficient]]:
    """The expectation of a monomial as graphs with weights, draws of one sample coinciding or not."""
    flat = _flatten(expander, monomial)
    scalars = expander.scalars
    graphs: list[tuple[Edges, dict[int, int], Coefficient]] = [(flat.edges, {}, ONE)]
    for sample, draws in flat.samples.items():
        graphs = [
            ([(_moved(u, target), _moved(v, target)) for u, v in some], data | target, weight * chance)
            for some, data, weight in graphs
            for target, chance in _coincidences(scalars, sample.count, draws)
        ]
    found = [pair for some, data, weight in graphs for pair in _with_views(scalars, flat, some, data, weight)]
    if fixed_set is not None:
        batch = flat.anchor.union(*(draw for draws in flat.samples.values() for draw in draws))
        ratio = scalars.from_sympy(-1 / (fixed_set - 1))
        found = [pair for some, weight in found for pair in _anticorrelated(some, weight, batch, ratio, bias=bias)]
    return iter(found)


def _with_views(
    scalars: Scalars, flat: _Flat, edges: Edges, data: dict[int, int], weight: Coefficient
) -> list[tuple[Edges, Coefficient]]:
    """The graphs in which further views of one datum coincide or not, once it is known which data do."""
    samples: dict[tuple[int, sympy.Expr], list[tuple[int, ...]]] = {}
    for group, number, drawn in flat.views:
        samples.setdefault((data.get(group, group), number), []).append(drawn)
    graphs = [(edges, weight)]
    for (group, number), draws in samples.items():
        graphs = [
            ([(_seen(u, group, target), _seen(v, group, target)) for u, v in some], value * chance)
            for some, value in graphs
            for target, chance in _coincidences(scalars, number, draws)
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
        return Vertex(v.kind, first, other_view) if v.kind == VIEW and v.group == second else v

    together = ([(joined(u), joined(v)) for u, v in edges], weight * ratio)
    return [together, (edges, weight * (ratio * QQ(-1) + QQ(1)))] if bias else [together]


def _flatten(
    expander: Expander, monomial: Monomial
) -> tuple[list[tuple[Vertex, Vertex]], dict[Sample, list[list[int]]], set[int]]:
    """A monomial's edges, the draws of each sample, those together that are alike, and the data that stay free."""
    numbers = count()
    views: dict[str, int] = {}
    edges: list[tuple[Vertex, Vertex]] = []
    draws: dict[Sample, dict[object, list[int]]] = {}

    def vertices(bound: tuple[View | Index, ...], sample: Sample | None, alike: object) -> dict[View | Index, Vertex]:
        groups: dict[str, int] = {}
        result: dict[View | Index, Vertex] = {}
        for label in bound:
            if isinstance(label, Index):
                result[label] = Vertex(COORDINATE, next(numbers), 0)
                continue
            if label.datum not in groups:
                number = groups[label.datum] = next(numbers)
                if sample is not None:
                    draws.setdefault(sample, {}).setdefault(number if alike is None else alike, []).append(number)
            kind = WHITE if label.white else VIEW
            # Different draws of one sample show it in the same views.
            name = label.name if sample is None else label.name_at(sample.datum)
            result[label] = Vertex(kind, groups[label.datum], views.setdefault(name, len(views)))
        if sample is not None:
            flat.samples.setdefault(sample, []).append(tuple(groups.values()))
        return result

    def further(bound: tuple[View, ...], sample: ViewSample, of: Vertex) -> dict[View | Index, Vertex]:
        new: dict[View | Index, Vertex] = {
            label: of._replace(view=views.setdefault((next(numbers),), len(views))) for label in bound
        }
        if sample.number is not None:
            flat.views.append((of.group, sample.number, tuple(vertex.view for vertex in new.values())))
        return new

    def place(body: Monomial, names: dict[View | Index, Vertex]) -> None:
        # A cluster that stands several times in one product is as many replicas, and they may be exchanged.
        here = object()
        for number in body:
            cluster = expander.clusters[number]
            if isinstance(cluster, Edge):
                flat.edges.append((names[cluster.left], names[cluster.right]))
            elif isinstance(cluster.sample, ViewSample):
                bound = tuple(label for label in cluster.bound if isinstance(label, View))
                place(cluster.body, names | further(bound, cluster.sample, names[cluster.sample.of]))
            else:
                alike = None if _draws_within(expander, cluster.body) else (here, number)
                place(cluster.body, names | vertices(cluster.bound, cluster.sample, alike))

    free = frozenset().union(*(expander.clusters.free(cluster) for cluster in monomial))
    anchor = vertices(tuple(sorted(free)), None)
    place(monomial, anchor)
    samples = {sample: list(classes.values()) for sample, classes in draws.items()}
    return edges, samples, {vertex.group for vertex in anchor.values()}


def _draws_within(expander: Expander, body: Monomial) -> bool:
    """Whether a product has draws of a sample in it."""
    inside = (expander.clusters[number] for number in body)
    return any(
        isinstance(one, Bound) and (one.sample is not None or _draws_within(expander, one.body)) for one in inside
    )


def _coincidences(
    scalars: Scalars, sample: Sample, draws: list[list[int]]
) -> Iterator[tuple[dict[int, int], Coefficient]]:
    """Which of p summation indices over n draws coincide: n(n−1)…(n−b+1)/nᵖ for each way to form b blocks.

    Args:
        scalars: of the coefficients.
        sample: that is drawn from.
        draws: the indices; those in one list may be exchanged, and of ways alike up to that one is given, times their
            number.

    """
    n, p = sample.count, sum(map(len, draws))
    chances: list[Coefficient] = [QQ(1) if p < 2 else scalars.from_sympy(n ** (1 - p))]
    for k in range(1, p):
        chances.append(chances[-1] * scalars.from_sympy(n - k))
    for blocks, number in _partitions(tuple(map(len, draws))).items():
        if chance := chances[len(blocks) - 1]:
            left = [list(some) for some in draws]
            members = [[left[of].pop() for of, size in enumerate(block) for _ in range(size)] for block in blocks]
            yield {draw: min(block) for block in members for draw in block}, chance * QQ(number)


@lru_cache(maxsize=1000)
def _partitions(sizes: tuple[int, ...]) -> dict[tuple[tuple[int, ...], ...], int]:
    """The partitions of a set whose members are alike within classes of given sizes, each with how many are like it.

    A block is how many members it has of each class.

    >>> _partitions((3,)) == {((1,), (1,), (1,)): 1, ((1,), (2,)): 3, ((3,),): 1}
    True
    """
    found: dict[tuple[tuple[int, ...], ...], int] = {(): 1}
    for number, members in enumerate(sizes):
        for _ in range(members):
            longer: Counter[tuple[tuple[int, ...], ...]] = Counter()
            for blocks, ways in found.items():
                alone = tuple(int(k == number) for k in range(len(sizes)))
                longer[tuple(sorted((*blocks, alone)))] += ways
                for block, times in Counter(blocks).items():
                    rest = list(blocks)
                    rest.remove(block)
                    joined = tuple(one + (k == number) for k, one in enumerate(block))
                    longer[tuple(sorted((*rest, joined)))] += ways * times
            found = dict(longer)
    return found


def _moved(vertex: Vertex, target: dict[int, int]) -> Vertex:
    return vertex._replace(group=target.get(vertex.group, vertex.group))


def _seen(vertex: Vertex, group: int, target: dict[int, int]) -> Vertex:
    return vertex._replace(view=target.get(vertex.view, vertex.view)) if vertex.group == group else vertex
