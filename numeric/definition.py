"""The value of a definition, evaluated directly on points with weights.

No series, no contraction: exp is exp and a mean is a weighted sum. It shares only the expression
tree with the derivation. Complex points are allowed (every operation is analytic): that is how Taylor coefficients
along a ray are read off a circle.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import permutations
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from derive.algebra.graphs import PLAIN
from derive.definition.clusters import Sample
from derive.definition.expression import (
    Average,
    Coordinate,
    CoordinateSum,
    Delta,
    Exp,
    Expression,
    HalfSquare,
    Inner,
    InverseEntry,
    Log,
    LogDet,
    Power,
    Product,
    Scalar,
    Sum,
    ViewAverage,
    free_indices,
)
from derive.definition.language import EMBEDDING_DIMENSION
from derive.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from derive.definition.views import Index, View

# Embeddings (points, d1) of a group of views that are drawn together, and the points' weights.
Population = tuple[dict["View", Any], Any]
# The relative error of one operation in floats.
EPSILON = 2.0**-53


def drawn_as(view: View, datum: str) -> str:
    """The name of a view among the draws of a sample: its name as a view of the sample's datum.

    One of another datum that is seen in another way, the w of ⟨f(u), g(w)⟩ over pairs of different draws, is no view
    that u is.

    >>> from derive import views
    >>> (w_pos,), (w,) = views("w_pos"), views("w", encoder="g")
    >>> drawn_as(w_pos, "u"), drawn_as(w, "u")
    ('u_pos', 'u, role 1')
    """
    return view.name_at(datum) if view.role == PLAIN else f"{view.name_at(datum)}, role {view.role}"


class Evaluator:
    """Evaluates definitions on embeddings.

    Each mean adds an axis to every array, the last before the coordinates, so arrays of different depth broadcast.

    Args:
        population: gives, for the views that a population mean is over, their embeddings (points, d1) and weights.
        samples: for each finite sample, the embeddings of its draws, of shape (…, n, d1), by `drawn_as` of the view.
        d1: the embedding's dimension.
        noise: gives, for a number of views, what the augmentation adds to f of a datum in each, (points, d1), and
            weights; only a mean over further views in the population asks for it. (A mean over a number of them is
            written out before, see `derive.definition.drawn_out`.)
        shaken: draws a relative error of the size of rounding for every intermediate result; None for no errors.
            How far the value moves is its rounding error, whatever cancels (Parker, Monte Carlo Arithmetic, 1997).

    """

    def __init__(
        self,
        population: Callable[[tuple[View, ...]], Population],
        samples: Mapping[Sample, Mapping[str, Any]],
        d1: int,
        noise: Callable[[int], tuple[tuple[Any, ...], Any]] | None = None,
        shaken: np.random.Generator | None = None,
    ) -> None:
        """Keep the points."""
        self.shaken = shaken
        self.noise = noise
        self._drawn = population
        self._populations: dict[tuple[View, ...], Population] = {}
        self.samples = samples
        self.d1 = d1

    def value(self, node: Expression, views: Mapping[View, Any]) -> Any:
        """The value at each point: shape (…) for embeddings of shape (…, d1)."""
        self._matrices: dict[tuple[object, ...], tuple[object, Any]] = {}
        return self._value(node, _Scope(dict(views), {}, 0))

    def _value(self, node: Expression, scope: _Scope) -> Any:
        value = self._rounded(node, scope)
        if self.shaken is None:
            return value
        return value * (1.0 + EPSILON * self.shaken.choice((-1.0, 1.0), np.shape(value)))

    def _rounded(self, node: Expression, scope: _Scope) -> Any:
        match node:
            case Scalar(value):
                return _number(value, self.d1)
            case Inner(u, v):
                return (scope.views[u] * scope.views[v]).sum(-1)
            case HalfSquare(u, v):
                return ((scope.views[u] - scope.views[v]) ** 2).sum(-1) / 2
            case Coordinate(u, i):
                return scope.views[u][..., scope.indices[i]]
            case Sum(terms):
                return sum(self._value(term, scope) for term in terms)
            case Product(factors):
                return prod(self._value(factor, scope) for factor in factors)
            case Power(base, exponent):
                power = int(exponent) if exponent.is_Integer else float(exponent)
                return self._value(base, scope) ** power
            case Exp(argument):
                return np.exp(self._value(argument, scope))
            case Log(argument):
                return np.log(self._value(argument, scope))
            case CoordinateSum(body, index):
                return sum(self._value(body, scope.at(index, i)) for i in range(self.d1))
            case Average(body, over, count):
                return self._mean(body, over, count, scope)
            case ViewAverage(body, over, of, None):
                return self._over_noise(body, over, of, scope)
            case Delta(i, j):
                return float(scope.indices[i] == scope.indices[j])
            case LogDet(entry, i, j):
                return _log_det(self._matrix(entry, i, j, scope))
            case InverseEntry(_, _, _, (row, column)):
                inverse = self._inverse(node, scope)
                return inverse[..., scope.indices[row], scope.indices[column]]
        message = f"no value is known for {type(node).__name__}; was a new node added to derive.definition.expression?"
        raise TypeError(message)

    def _mean(self, body: Expression, over: tuple[View, ...], count: object, scope: _Scope) -> Any:
        if count is None:
            if over not in self._populations:
                self._populations[over] = self._drawn(over)
            points, weights = self._populations[over]
            value = self._value(body, scope.deeper(points))
            return (value * weights).sum(-1) if np.ndim(value) else value
        drawn = self.samples[Sample(over[0].datum, count)]
        # Different draws of one sample, one for each datum.
        data = list(dict.fromkeys(view.datum for view in over))
        n = next(iter(drawn.values())).shape[-2]
        which = np.array(list(permutations(range(n), len(data))))
        between = (1,) * scope.level
        bound = {}
        for view in over:
            name = drawn_as(view, data[0])
            if name in drawn:
                points = drawn[name][..., which[:, data.index(view.datum)], :]
                bound[view] = points.reshape(points.shape[:-2] + between + points.shape[-2:])
        value = self._value(body, scope.deeper(bound))
        return value.mean(-1) if np.ndim(value) else value

    def _over_noise(self, body: Expression, over: tuple[View, ...], of: View, scope: _Scope) -> Any:
        if self.noise is None:
            message = f"the mean over all further views of {of.datum} has no value on points; give a count of them"
            raise InputError(message)
        noise, weights = self.noise(len(over))
        datum = scope.views[of][..., None, :]
        bound = {view: datum + one for view, one in zip(over, noise, strict=True)}
        value = self._value(body, scope.deeper(bound))
        return (value * weights).sum(-1) if np.ndim(value) else value

    def _inverse(self, node: InverseEntry, scope: _Scope) -> Any:
        """The inverse, computed once for all of its entries."""
        inside = tuple(sorted((index, value) for index, value in scope.indices.items()))
        key = (node.entry, node.row, node.column, id(scope.views), *(inside if _looks_out(node) else ()))
        if key not in self._matrices:
            inverse = np.linalg.inv(self._matrix(node.entry, node.row, node.column, scope))
            # The views are kept, so that no other dictionary gets their id.
            self._matrices[key] = scope.views, inverse
        return self._matrices[key][1]

    def _matrix(self, entry: Expression, i: Index, j: Index, scope: _Scope) -> Any:
        """The matrix (…, d1, d1) by its entries."""
        every = range(self.d1)
        entries = [self._value(entry, scope.at(i, row).at(j, column)) for row in every for column in every]
        stacked = np.stack(np.broadcast_arrays(*entries), axis=-1)
        return stacked.reshape(*stacked.shape[:-1], self.d1, self.d1)


@lru_cache(maxsize=4096)
def _number(value: Any, d1: int) -> float:
    """A coefficient in numbers; SymPy's substitution takes longer than most of an evaluation."""
    return float(value.subs(EMBEDDING_DIMENSION, d1))


def _looks_out(node: InverseEntry) -> bool:
    """Whether the matrix depends on coordinates other than its row and column."""
    return bool(free_indices(node.entry) - {node.row, node.column})


def _log_det(matrix: Any) -> Any:
    """log det; for complex matrices, the branch that is analytic near positive definite ones."""
    if np.iscomplexobj(matrix):
        return np.log(np.linalg.eigvals(matrix)).sum(-1)
    sign, size = np.linalg.slogdet(matrix)
    return np.where(sign > 0, size, np.nan)


@dataclass(frozen=True)
class _Scope:
    """The points that names stand for, and the depth of nested means."""

    views: dict[View, Any]
    indices: dict[Index, int]
    level: int

    def at(self, index: Index, value: int) -> _Scope:
        return replace(self, indices={**self.indices, index: value})

    def deeper(self, bound: Mapping[View, Any]) -> _Scope:
        outer = {view: points[..., None, :] for view, points in self.views.items()}
        return replace(self, views={**outer, **bound}, level=self.level + 1)
