"""The value of a moment straight from its definition: weighted sums over nodes, and sums over random draws.

No words, no contraction. On nodes a variance is the weighted mean of (P − mean)² and a cumulant comes from the subsets
of its arguments; nothing is written out as products of means, as the derivation does. One draw of each view is an
unbiased estimate of each mean, and a product of estimates from independent draws one of a product of means.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import reduce
from itertools import combinations, permutations
from math import prod
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from derive import InputError
from derive.algebra.graphs import PLAIN
from derive.definition.expression import (
    Average,
    Coordinate,
    CoordinateSum,
    Delta,
    Expression,
    HalfSquare,
    Inner,
    Power,
    Product,
    Scalar,
    Statistic,
    Sum,
    children,
    free_views,
    walk,
)
from derive.definition.language import EMBEDDING_DIMENSION
from derive.definition.statistics import degree
from derive.definition.views import View

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import sympy

    from derive.definition.views import Index
    from numeric.laws import Views
    from numeric.sampling import Seen

# A sample by its datum and size, and one of its views by name and role.
_Sample = tuple[str, Any]
_Name = tuple[str, int]
# More numbers than this are not held at a time.
LARGEST = 20_000_000


@dataclass(frozen=True)
class Held:
    """What is held while a moment is evaluated.

    Attributes:
        vectors: f of each view that is given, (d1,).
        places: the value of each free coordinate, from 0 on.
        values: of the parameters.

    """

    vectors: Mapping[View, Any] = field(default_factory=dict)
    places: Mapping[Index, int] = field(default_factory=dict)
    values: Mapping[sympy.Symbol, Any] = field(default_factory=dict)


class Drawing(Protocol):
    """A way to average: over all nodes at once, or over one draw in each of many rows."""

    def statistic(self, node: Statistic, scope: _Scope) -> Any:
        """The value of a statistic."""

    def average(self, node: Average, scope: _Scope) -> Any:
        """The value of a population mean."""


@dataclass(frozen=True)
class _Scope:
    """What names stand for: embeddings (…, d1), coordinates, samples (…, n, d1) by the view's name."""

    views: Mapping[View, Any]
    places: Mapping[Index, int]
    samples: Mapping[_Sample, Mapping[_Name, Any]] = field(default_factory=dict)

    def at(self, index: Index, value: int) -> _Scope:
        return replace(self, places={**self.places, index: value})

    def among(self, bound: Mapping[View, Any]) -> _Scope:
        return replace(self, views={**self.views, **bound})

    def deeper(self, bound: Mapping[View, Any], drawn: Mapping[_Sample, Mapping[_Name, Any]]) -> _Scope:
        """With one more axis in front of the coordinates, over which the new embeddings run."""
        views = {view: points[..., None, :] for view, points in self.views.items()}
        samples = {one: {name: points[..., None, :, :] for name, points in of.items()}
                   for one, of in self.samples.items()}  # fmt: skip
        return _Scope({**views, **bound}, self.places, {**samples, **drawn})


@dataclass(frozen=True, eq=False)
class _Evaluation:
    """Evaluates a polynomial; its means are taken by a drawing."""

    d1: int
    values: Mapping[sympy.Symbol, Any]
    drawing: Drawing

    def of(self, node: Expression, scope: _Scope) -> Any:
        match node:
            case Scalar(value):
                return float(self.number(value))
            case Inner(u, v):
                return (scope.views[u] * scope.views[v]).sum(-1)
            case HalfSquare(u, v):
                return ((scope.views[u] - scope.views[v]) ** 2).sum(-1) / 2
            case Coordinate(u, i):
                return scope.views[u][..., scope.places[i]]
            case Delta(i, j):
                return float(scope.places[i] == scope.places[j])
            case Sum(terms):
                return sum(self.of(term, scope) for term in terms)
            case Product(factors):
                return prod(self.of(factor, scope) for factor in factors)
            case Power(base, exponent) if isinstance(base, Scalar):
                return float(self.number(base.value**exponent))
            case Power(base, exponent):
                # Each factor has draws of its own, where it is drawn.
                return reduce(lambda one, _: one * self.of(base, scope), range(1, int(exponent)), self.of(base, scope))
            case CoordinateSum(body, index):
                return sum(self.of(body, scope.at(index, i)) for i in range(self.d1))
            case Average(_, _, None):
                return self.drawing.average(node, scope)
            case Average(body, over, number):
                draws = scope.samples[over[0].datum, number]
                return self.over_draws(body, over, draws, scope)
            case Statistic():
                return self.drawing.statistic(node, scope)
        message = f"the mean of {type(node).__name__.lower()} is not evaluated on points"
        raise InputError(message)

    def number(self, value: sympy.Expr) -> sympy.Expr:
        return value.subs(dict(self.values) | {EMBEDDING_DIMENSION: self.d1})

    def over_draws(self, body: Expression, over: tuple[View, ...], draws: Mapping[_Name, Any], scope: _Scope) -> Any:
        """The arithmetic mean over the draws of a sample; of several at a time, over different ones."""
        data = list(dict.fromkeys(view.datum for view in over))
        count = next(iter(draws.values())).shape[-2]
        chosen = list(permutations(range(count), len(data)))
        if not chosen:
            message = f"a mean over {len(data)} different draws of {count} is not defined"
            raise InputError(message)
        total: Any = 0.0
        for one in chosen:
            bound = {
                view: draws[view.name_at(data[0]), view.role][..., one[data.index(view.datum)], :] for view in over
            }
            total = total + self.of(body, scope.among(bound))
        return total / len(chosen)


def on_nodes(node: Expression, data: Views, W: Any, held: Held) -> float:
    """A moment on nodes that have the moments of the data: exact but for rounding.

    Raises:
        InputError: it takes too many nodes, or the data are not drawn.

    """
    drawing = _Nodes(data, W)
    evaluation = _Evaluation(W.shape[0], held.values, drawing)
    drawing.evaluation = evaluation
    return float(evaluation.of(node, _Scope(held.vectors, held.places)))


class _Nodes:
    """Means over nodes, each adding an axis."""

    evaluation: _Evaluation

    def __init__(self, data: Views, W: Any) -> None:
        self.data, self.W, self.size = data, W, 1

    def average(self, node: Average, scope: _Scope) -> Any:
        return self.statistic(Statistic((node.body,), "E", _given(node)), scope)

    def statistic(self, node: Statistic, scope: _Scope) -> Any:
        inside, weights = self.within(node, scope)
        before, self.size = self.size, self.size * len(weights)
        if self.size > LARGEST:
            message = f"its means take {self.size:.0e} numbers, which is too many"
            raise InputError(message)
        values = [np.asarray(self.evaluation.of(one, inside)) for one in node.arguments]
        self.size = before
        shape = np.broadcast_shapes(*(value.shape for value in values), (len(weights),))
        values = [np.broadcast_to(value, shape) for value in values]
        if node.kind == "E":
            return values[0] @ weights
        centred = [value - (value @ weights)[..., None] for value in values]
        if len(values) == 1:
            return values[0] @ weights
        return _joint_cumulant(centred, weights)

    def within(self, node: Statistic, scope: _Scope) -> tuple[_Scope, Any]:
        """The scope inside of a statistic, and the weights of the axis that it adds."""
        power = degree(node)
        parts: list[tuple[dict[Any, Any], Any]] = []
        bound = frozenset().union(*map(free_views, node.arguments)) - set(node.given)
        if bound:
            parts.append(self.population(bound, power))
        for sample, names in _samples(node.arguments):
            number = int(self.evaluation.number(sample[1]))
            points, weights = self.points(power, number, tuple(role for _, role in names))
            parts.append(({(sample, name): one for name, one in zip(names, points, strict=True)}, weights))
        sizes = [len(weights) for _, weights in parts]
        grid = np.indices(sizes).reshape(len(sizes), -1) if parts else np.zeros((0, 1), dtype=int)
        weights = reduce(np.multiply.outer, (weights for _, weights in parts), np.ones(())).ravel()
        views: dict[View, Any] = {}
        drawn: dict[_Sample, dict[_Name, Any]] = {}
        for (found, _), rows in zip(parts, grid, strict=True):
            for label, points in found.items():
                if isinstance(label, View):
                    views[label] = points[rows]
                else:
                    drawn.setdefault(label[0], {})[label[1]] = points[rows]
        return scope.deeper(views, drawn), weights

    def population(self, bound: Iterable[View], power: int) -> tuple[dict[Any, Any], Any]:
        """The embeddings of views at joint nodes, and the nodes' weights."""
        by_datum = _by_datum(bound)
        # As many views of each role as the datum with the most has.
        roles = Counter[int]()
        for of in by_datum.values():
            roles |= Counter(view.role for view in of)
        seen = tuple(sorted(roles.elements()))
        points, weights = self.points(power, len(by_datum), seen)
        found = {}
        for row, of in enumerate(by_datum.values()):
            left = list(enumerate(seen))
            for view in of:
                place = next(one for one in left if one[1] == view.role)
                left.remove(place)
                found[view] = points[place[0]][:, row]
        return found, weights

    def points(self, power: int, data: int, roles: tuple[int, ...]) -> tuple[list[Any], Any]:
        views = _seen(roles)
        if self.data.size(power, data, views) * data > LARGEST // 10:
            message = f"degree {power} for {data} data in {len(roles)} views takes too many nodes"
            raise InputError(message)
        found, weights = self.data.nodes(power, data, views)
        return [one @ self.W.T for one in found], weights


def _joint_cumulant(centred: Sequence[Any], weights: Any) -> Any:
    """κ of all arguments: κ_S = E ∏_S − Σ κ_T E ∏_(S∖T) over the parts T of S with its first member (Smith, 1995)."""
    every = tuple(range(len(centred)))

    def mean(of: tuple[int, ...]) -> Any:
        return prod((centred[k] for k in of), start=np.ones_like(centred[0])) @ weights

    found: dict[tuple[int, ...], Any] = {}
    for size in range(1, len(every) + 1):
        for first in every:
            for rest in combinations(every[first + 1 :], size - 1):
                of = (first, *rest)
                found[of] = mean(of)
                for smaller in range(size - 1):
                    for part in combinations(rest, smaller):
                        left = tuple(k for k in rest if k not in part)
                        found[of] = found[of] - found[first, *part] * mean(left)
    return found[every]


def by_draws(node: Expression, data: Views, W: Any, held: Held, generator: np.random.Generator, rows: int) -> Any:
    """Unbiased estimates of a moment, (rows,), one from independent draws of all views and samples in each row.

    Args:
        node: of means alone, see `derive.definition.statistics.lowered`.
        data: what is drawn from.
        W: (d1, d0).
        held: what is given.
        generator: of the draws.
        rows: how many.

    """
    drawing = _Draws(data, W, generator, rows)
    evaluation = _Evaluation(W.shape[0], held.values, drawing)
    drawing.evaluation = evaluation
    samples = {}
    for sample, names in _samples((node,)):
        number = int(evaluation.number(sample[1]))
        points = data.draw(generator, (rows, number), _seen(tuple(role for _, role in names)))
        samples[sample] = {name: one @ W.T for name, one in zip(names, points, strict=True)}
    found = evaluation.of(node, _Scope(held.vectors, held.places, samples))
    return np.broadcast_to(found, (rows,))


class _Draws:
    """Means over one draw in each row."""

    evaluation: _Evaluation

    def __init__(self, data: Views, W: Any, generator: np.random.Generator, rows: int) -> None:
        self.data, self.W, self.generator, self.rows = data, W, generator, rows

    def statistic(self, node: Statistic, scope: _Scope) -> Any:  # noqa: ARG002 (the interface)
        message = f"{node.kind} is to be written out as means first"
        raise TypeError(message)

    def average(self, node: Average, scope: _Scope) -> Any:
        bound: dict[View, Any] = {}
        for of in _by_datum(node.over).values():
            points = self.data.draw(self.generator, (self.rows,), _seen(tuple(view.role for view in of)))
            bound |= {view: one @ self.W.T for view, one in zip(of, points, strict=True)}
        value = self.evaluation.of(node.body, scope.among(bound))
        # Where nothing around it is drawn, all rows estimate one number: their mean has less noise, and no bias.
        outside = any(np.ndim(scope.views[view]) > 1 for view in free_views(node))
        return value if outside or _samples((node.body,)) else np.mean(value)


def _given(node: Average) -> tuple[View, ...]:
    return tuple(sorted(free_views(node.body) - set(node.over)))


def _by_datum(bound: Iterable[View]) -> dict[str, list[View]]:
    found: dict[str, list[View]] = {}
    for view in sorted(bound):
        found.setdefault(view.datum, []).append(view)
    return found


def _seen(roles: tuple[int, ...]) -> Seen:
    """Views as they are drawn: how many, or the role of each where there are two kinds."""
    return len(roles) if set(roles) <= {PLAIN} else roles


def _samples(nodes: Iterable[Expression]) -> list[tuple[_Sample, list[_Name]]]:
    """The samples that definitions draw outside of statistics within, and the views of each."""
    found: dict[_Sample, set[_Name]] = {}

    def collect(one: Expression) -> None:
        if isinstance(one, Average) and one.count is not None:
            datum = one.over[0].datum
            found.setdefault((datum, one.count), set()).update((view.name_at(datum), view.role) for view in one.over)
        if not isinstance(one, Statistic):
            for part in children(one):
                collect(part)

    for node in nodes:
        collect(node)
    return [(sample, sorted(names)) for sample, names in sorted(found.items(), key=str)]


def counts(node: Expression) -> list[sympy.Expr]:
    """The numbers of draws in a moment."""
    return [one.count for one in walk(node) if isinstance(one, Average) and one.count is not None]
