"""Moments of inner products on data, without a bias: averages over tuples of different data.

A moment of `derive.expansion.moments` is a multigraph. Its groups are independent data, so E[∏ edges] over g groups is
estimated by the average over all ordered g-tuples of *different* rows, a U-statistic, which is unbiased whatever the
law of the data, their mean included. The sum over different rows is an alternating sum over the ways to let groups
coincide,

    Σ_{all different} F = Σ_π ∏_{blocks B of π} (−1)^(|B|−1) (|B|−1)! · Σ_{rows of blocks} F,

(the Möbius function of the lattice of partitions), and a sum over all rows is a contraction of the arrays f[row,
coordinate], one index a datum and one an inner product. No n × n matrix of inner products is made where a d1 × d1
matrix does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from math import factorial, perm, prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from derive import InputError
from derive.algebra.graphs import COORDINATE, VIEW, WHITE, Vertex, connected

if TYPE_CHECKING:
    from derive.expansion.moments import Moment, MomentSeries

Array = NDArray[np.float64]
# An edge's ends with all data numbered through the moment: (datum, view), or a coordinate.
End = tuple[str, int, int]
Edges = tuple[tuple[End, End], ...]


class DataMoments:
    """The moments of one set of embeddings; what moments share is computed once.

    Args:
        f: (V, n, d1), V views of n independent data.
        white: ‖W‖², the value of |f|² on white noise, which is how weight decay is written.

    >>> x, x_pos, chi = Vertex(VIEW, 0, 0), Vertex(VIEW, 0, 1), Vertex(VIEW, 1, 0)
    >>> f = np.array([[[1.0], [2.0], [4.0]], [[1.0], [3.0], [4.0]]])
    >>> DataMoments(f).value((((x, x_pos),),))  # E⟨x, x′⟩: (1 + 6 + 16)/3
    7.666666666666667
    >>> DataMoments(f[:1]).value((((x, chi),),))  # E⟨x, χ⟩: (2 + 4 + 8)/3
    4.666666666666667

    """

    def __init__(self, f: Array, white: float = 0.0) -> None:
        """Keep the embeddings."""
        self.f = f
        self.white = white
        self._sums: dict[Edges, float] = {}

    def value(self, moment: Moment) -> float:
        """The estimate of a product of expectations, one for each connected graph.

        Raises:
            InputError: more views of a datum than there are, fewer data than groups, or white noise beside data.

        """
        scale = 1.0
        edges: list[Any] = []
        for graph in moment:
            if any(vertex.kind == WHITE for edge in graph for vertex in edge):
                u, v = graph[0]
                if len(graph) > 1 or u != v:
                    raise InputError("white noise stands in a loss as weight decay, a multiple of |f(g)|², alone here")
                scale *= self.white
            else:
                edges.append(graph)
        if not edges:
            return scale
        views, n, _ = self.f.shape
        labelled, groups, wanted = _numbered(edges)
        if wanted > views:
            raise InputError(f"the loss takes {wanted} views of a datum and the features have {views}; give {wanted}")
        if groups > n:
            raise InputError(f"a moment of {groups} independent data cannot be estimated from {n}; give more")
        # All views are equivalent: average over which of them comes first.
        total = sum(self._different(labelled, groups, shift) for shift in range(views)) / views
        return float(scale * total / perm(n, groups))

    def _different(self, edges: Edges, groups: int, shift: int) -> float:
        """The sum over tuples of different rows, view k being view k + shift."""
        total = 0.0
        for blocks in _partitions(groups):
            block_of = {group: k for k, block in enumerate(blocks) for group in block}
            sign = prod((-1) ** (len(block) - 1) * factorial(len(block) - 1) for block in blocks)
            merged = [tuple(self._moved(end, block_of, shift) for end in edge) for edge in edges]
            total += sign * float(prod(self._sum(piece) for piece in _pieces(merged)))
        return total

    def _moved(self, end: End, block_of: dict[int, int], shift: int) -> End:
        kind, number, view = end
        return end if kind == "c" else ("d", block_of[number], (view + shift) % len(self.f))

    def _sum(self, piece: Edges) -> float:
        """The sum over all rows of a connected piece."""
        if piece not in self._sums:
            self._sums[piece] = self._contracted(piece)
        return self._sums[piece]

    def _contracted(self, piece: Edges) -> float:
        # Letters of data first, then of coordinates; each end at a datum brings an array f[datum, coordinate].
        operands: list[Array] = []
        letters: list[tuple[int, int]] = []
        data = 1 + max(end[1] for edge in piece for end in edge if end[0] == "d")
        inner = 0
        of_coordinate: dict[int, int] = {}
        for edge in piece:
            fixed = [end for end in edge if end[0] == "c"]
            if fixed:
                letter = of_coordinate.setdefault(fixed[0][1], data + len(piece) + len(of_coordinate))
            else:
                letter, inner = data + inner, inner + 1
            for kind, number, view in edge:
                if kind == "d":
                    operands.append(self.f[view])
                    letters.append((number, letter))
        seen = Counter(number for number, _ in letters)
        arguments: list[Any] = []
        for operand, (number, letter) in zip(operands, letters, strict=True):
            # A datum with one leg is summed beforehand: contractions go by pairs and would carry it along.
            alone = seen[number] == 1
            arguments += [operand.sum(0) if alone else operand, [letter] if alone else [number, letter]]
        return float(np.einsum(*arguments, [], optimize="optimal"))


def order_values(series: MomentSeries, moments: DataMoments) -> dict[int, float]:
    """The value of each even order of a loss whose parameters are all set, on data.

    Args:
        series: of the loss, `derive.Loss.moments`.
        moments: of f on the data.

    Raises:
        InputError: a parameter is not set, or a moment cannot be estimated (see `DataMoments.value`).

    """
    from derive.definition.language import EMBEDDING_DIMENSION
    from derive.expansion.moments import moment_order

    values = dict.fromkeys(range(2, series.order + 1, 2), 0.0)
    for moment, coefficient in series.terms:
        number = coefficient.subs(EMBEDDING_DIMENSION, moments.f.shape[-1])
        if not number.is_number:
            loose = ", ".join(sorted(map(str, number.free_symbols)))
            raise InputError(f"the loss still has the parameters {loose}; give each a value")
        values[moment_order(moment)] = values.get(moment_order(moment), 0.0) + float(number) * moments.value(moment)
    return values


def _numbered(graphs: Sequence[Sequence[tuple[Vertex, Vertex]]]) -> tuple[Edges, int, int]:
    """The edges of all graphs with data and coordinates numbered through; the numbers of data, and of views of one."""
    numbers: dict[tuple[int, int, int], int] = {}
    counts: Counter[str] = Counter()
    views = 0
    edges: list[tuple[End, End]] = []
    for which, graph in enumerate(graphs):
        for edge in graph:
            ends: list[End] = []
            for kind, group, view, _ in edge:
                letter = "c" if kind == COORDINATE else "d"
                key = (which, kind, group)
                if key not in numbers:
                    numbers[key] = counts[letter]
                    counts[letter] += 1
                ends.append((letter, numbers[key], 0 if kind == COORDINATE else view))
                views = max(views, view + 1) if kind == VIEW else views
            edges.append((ends[0], ends[1]))
    return tuple(edges), counts["d"], views


@cache
def _partitions(size: int) -> tuple[tuple[tuple[int, ...], ...], ...]:
    """All partitions of 0…size−1 into blocks."""
    if size == 0:
        return ((),)
    found = []
    last = size - 1
    for smaller in _partitions(last):
        found.append((*smaller, (last,)))
        found += [(*smaller[:k], (*block, last), *smaller[k + 1 :]) for k, block in enumerate(smaller)]
    return tuple(found)


def _pieces(edges: Sequence[tuple[End, ...]]) -> Iterator[Edges]:
    """Connected pieces, two ends being connected where they share a datum or a coordinate; renumbered, sorted."""
    for members in sorted(connected(range(len(edges)), lambda k: {end[:2] for end in edges[k]}), key=min):
        numbers: dict[tuple[str, int], int] = {}
        counts: Counter[str] = Counter()
        renamed = []
        for edge in sorted(tuple(sorted(edges[k])) for k in members):
            ends = []
            for kind, number, view in edge:
                if (kind, number) not in numbers:
                    numbers[kind, number] = counts[kind]
                    counts[kind] += 1
                ends.append((kind, numbers[kind, number], view))
            renamed.append((ends[0], ends[1]))
        yield tuple(sorted(renamed))
