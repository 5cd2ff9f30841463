"""Moments as graphs: their connected pieces and a canonical form for each.

Replicas carry no names, so a moment is a multigraph up to relabelling: vertices are views, grouped into the data
they show, and coordinates that are summed over; edges are inner products. The canonical form is the least
labelling among those that respect vertex invariants (as in colour refinement); interchangeable vertices, the
common case of identical replicas, are not permuted.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import lru_cache
from itertools import permutations, product
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# The kinds of vertex, in the order of canonical labels.
VIEW, WHITE, COORDINATE, CONSTANT = range(4)


class Vertex(NamedTuple):
    """One end of an edge.

    Attributes:
        kind: VIEW, WHITE (a view of standard Gaussian noise), COORDINATE (summed over 1…d1), or CONSTANT (the bias b
            in place of f(v), only while a moment is contracted).
        group: the number of the datum, or of the coordinate.
        view: which view of the datum; 0 for a coordinate.

    """

    kind: int
    group: int
    view: int


Graph = tuple[tuple[Vertex, Vertex], ...]


def legs(graph: Graph) -> int:
    """The order in W: how many ends of edges are views."""
    return sum(vertex.kind != COORDINATE for edge in graph for vertex in edge)


def splice(edges: Iterable[tuple[Vertex, Vertex]]) -> list[tuple[Vertex, Vertex]]:
    """Write Σ_i f(u)_i f(v)_i, a coordinate with two edges, as the inner product ⟨f(u), f(v)⟩."""
    kept: list[tuple[Vertex, Vertex]] = []
    at: dict[Vertex, list[Vertex]] = defaultdict(list)
    for u, v in edges:
        if v.kind == COORDINATE:
            at[v].append(u)
        else:
            kept.append((u, v))
    for coordinate, ends in at.items():
        if len(ends) == 2:
            kept.append((ends[0], ends[1]))
        else:
            kept.extend((end, coordinate) for end in ends)
    return kept


def components(edges: Iterable[tuple[Vertex, Vertex]]) -> list[list[tuple[Vertex, Vertex]]]:
    """The connected pieces; two views of one datum are connected, since they are correlated."""
    pieces: list[tuple[set[tuple[bool, int]], list[tuple[Vertex, Vertex]]]] = []
    for edge in edges:
        groups = {(vertex.kind == COORDINATE, vertex.group) for vertex in edge}
        members = [edge]
        apart = []
        for piece in pieces:
            if groups.isdisjoint(piece[0]):
                apart.append(piece)
            else:
                groups |= piece[0]
                members += piece[1]
        pieces = [*apart, (groups, members)]
    return [members for _, members in pieces]


def relabelled(edges: Iterable[tuple[Vertex, Vertex]]) -> Graph:
    """The edges with groups numbered as they appear: cheap, and already equal for most equal graphs."""
    numbers: dict[tuple[int, int], int] = {}
    seen: dict[tuple[int, int], dict[int, int]] = defaultdict(dict)
    result = []
    for edge in sorted(edges):
        new = []
        for kind, group, view in edge:
            number = numbers.setdefault((kind, group), len(numbers))
            in_group = seen[kind, group]
            new.append(Vertex(kind, number, in_group.setdefault(view, len(in_group))))
        result.append((new[0], new[1]) if new[0] <= new[1] else (new[1], new[0]))
    return tuple(sorted(result))


@lru_cache(maxsize=100_000)
def canonical(graph: Graph) -> Graph:
    """The representative of all relabellings of a connected graph.

    >>> x, chi = Vertex(VIEW, 0, 0), Vertex(VIEW, 1, 0)
    >>> canonical(((x, x), (x, chi))) == canonical(((x, chi), (chi, chi)))
    True
    """
    vertices = sorted({vertex for edge in graph for vertex in edge})
    if len(vertices) == 1:
        return _label(graph, vertices)
    cells = _cells(graph, vertices)
    orders = (_orders(graph, cell) for cell in cells)
    return min(_label(graph, [v for cell in choice for v in cell]) for choice in product(*orders))


def _cells(graph: Graph, vertices: list[Vertex]) -> list[list[Vertex]]:
    neighbours: dict[Vertex, list[Vertex]] = {vertex: [] for vertex in vertices}
    for u, v in graph:
        neighbours[u].append(v)
        if v != u:
            neighbours[v].append(u)
    mates = defaultdict(list)
    for vertex in vertices:
        mates[vertex.kind, vertex.group].append(vertex)
    colour: dict[Vertex, int] = {}
    signatures: dict[Vertex, tuple[object, ...]] = {
        v: (v.kind, len(neighbours[v]), neighbours[v].count(v), len(mates[v.kind, v.group])) for v in vertices
    }
    while True:
        ranks = {signature: rank for rank, signature in enumerate(sorted(set(signatures.values())))}
        refined = {v: ranks[signatures[v]] for v in vertices}
        if len(ranks) == len(set(colour.values())) or len(ranks) == len(vertices):
            break
        colour = refined
        signatures = {
            v: (
                colour[v],
                tuple(sorted(colour[w] for w in neighbours[v])),
                tuple(sorted(colour[w] for w in mates[v.kind, v.group])),
            )
            for v in vertices
        }
    cells: list[list[Vertex]] = [[] for _ in ranks]
    for vertex in vertices:
        cells[refined[vertex]].append(vertex)
    return cells


def _orders(graph: Graph, cell: list[Vertex]) -> Iterator[tuple[Vertex, ...]]:
    if len(cell) == 1 or all(_twins(graph, cell[0], other) for other in cell[1:]):
        return iter((tuple(cell),))
    return permutations(cell)


def _twins(graph: Graph, u: Vertex, v: Vertex) -> bool:
    # Exchanging u and v leaves the edges as they are, and neither has another view of its datum beside it.
    together = (u.kind, u.group) == (v.kind, v.group)
    if not together:
        groups = Counter((w.kind, w.group) for w in {w for edge in graph for w in edge})
        if groups[u.kind, u.group] > 1 or groups[v.kind, v.group] > 1:
            return False
    swap = {u: v, v: u}
    swapped = [tuple(sorted((swap.get(a, a), swap.get(b, b)))) for a, b in graph]
    return sorted(swapped) == sorted(tuple(sorted(edge)) for edge in graph)


def _label(graph: Graph, order: list[Vertex]) -> Graph:
    groups: dict[tuple[int, int], int] = {}
    in_group: Counter[tuple[int, int]] = Counter()
    new = {}
    for vertex in order:
        key = (vertex.kind, vertex.group)
        number = groups.setdefault(key, len(groups))
        new[vertex] = Vertex(vertex.kind, number, in_group[key])
        in_group[key] += 1
    edges = []
    for u, v in graph:
        a, b = new[u], new[v]
        edges.append((a, b) if a <= b else (b, a))
    return tuple(sorted(edges))
