"""Moments as graphs: their connected pieces and a canonical form for each.

Replicas carry no names, so a moment is a multigraph up to relabelling: vertices are views, grouped into the data
they show, and coordinates that are summed over; edges are inner products. The canonical form is the least labelling
of the orders that `derive.algebra.labelling` leaves.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from derive.algebra.labelling import orders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_Item = TypeVar("_Item")

# The kinds of vertex, in the order of canonical labels.
VIEW, WHITE, COORDINATE, CONSTANT = range(4)
# The roles of a view: through W; through the second encoder V; through W, but under a second augmentation; through W,
# but of another datum of the same class; through weights that are held while the loss is differentiated.
PLAIN, ENCODER, AUGMENTATION, CLASSMATE, STOPPED = range(5)
# The roles of views of one kind, whose covariances are Σ and A0.
OF_ONE_KIND = frozenset((PLAIN, CLASSMATE))


class Vertex(NamedTuple):
    """One end of an edge.

    Attributes:
        kind: VIEW, WHITE (a view of standard Gaussian noise), COORDINATE (summed over 1…d1), or CONSTANT (a vector
            that is not averaged over: the bias b in place of f(v) while a moment is contracted, f(x) of a view that is
            given, the unit vector of a coordinate that is free).
        group: the number of the datum, which its classmates share, of the coordinate, or of the constant vector.
        view: which view of the datum; 0 for a coordinate.
        role: how the view is seen, PLAIN unless the definition says otherwise; no relabelling changes it.

    """

    kind: int
    group: int
    view: int
    role: int = PLAIN


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
    """The connected pieces; two views of one datum are connected, since they are correlated. Constants connect none."""
    return connected(
        edges,
        lambda edge: {(vertex.kind == COORDINATE, vertex.group) for vertex in edge if vertex.kind != CONSTANT},
    )


def connected(items: Iterable[_Item], ties: Callable[[_Item], set[Any]]) -> list[list[_Item]]:
    """Items in groups: two are together where they share a tie, or are linked through others that do.

    SymPy's connected components are forty times as slow on small graphs, of which there are many here.

    >>> connected(["ab", "cd", "be"], set)
    [['cd'], ['be', 'ab']]
    """
    groups: list[tuple[set[Any], list[_Item]]] = []
    for item in items:
        held, members, apart = ties(item), [item], []
        for group in groups:
            if held.isdisjoint(group[0]):
                apart.append(group)
            else:
                held, members = held | group[0], members + group[1]
        groups = [*apart, (held, members)]
    return [members for _, members in groups]


def relabelled(edges: Iterable[tuple[Vertex, Vertex]]) -> Graph:
    """The edges with groups numbered as they appear: cheap, and already equal for most equal graphs.

    Constants keep their numbers.
    """
    numbers: dict[tuple[int, int], int] = {}
    seen: dict[tuple[int, int], dict[int, int]] = defaultdict(dict)
    result = []
    for edge in sorted(edges):
        new = []
        for kind, group, view, role in edge:
            if kind == CONSTANT:
                new.append((kind, group, view, role))
                continue
            number = numbers.setdefault((kind, group), len(numbers))
            in_group = seen[kind, group]
            new.append((kind, number, in_group.setdefault(view, len(in_group)), role))
        result.append(_edge(*new) if new[0] <= new[1] else _edge(new[1], new[0]))
    return tuple(sorted(result))


@lru_cache(maxsize=100_000)
def _edge(u: tuple[int, int, int, int], v: tuple[int, int, int, int]) -> tuple[Vertex, Vertex]:
    # One object for all graphs that have this edge: there may be millions of them.
    return Vertex(*u), Vertex(*v)


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
    around = _Around(graph, vertices)
    return min(_label(graph, order) for order in orders(around.first, around.colours, around.twins))


class _Around:
    """The surroundings of each vertex of a graph.

    Attributes:
        neighbours: the other ends of its edges, one for each edge.
        mates: the vertices of its datum or coordinate, itself among them.
        first: the initial colours, which no relabelling changes.

    """

    def __init__(self, graph: Graph, vertices: list[Vertex]) -> None:
        self.neighbours: dict[Vertex, list[Vertex]] = {vertex: [] for vertex in vertices}
        for u, v in graph:
            self.neighbours[u].append(v)
            if v != u:
                self.neighbours[v].append(u)
        of_group: dict[tuple[int, int], list[Vertex]] = defaultdict(list)
        for vertex in vertices:
            of_group[vertex.kind, vertex.group].append(vertex)
        self.mates = {vertex: of_group[vertex.kind, vertex.group] for vertex in vertices}
        self.first = {
            v: (v.kind, v.role, len(near), near.count(v), len(self.mates[v])) for v, near in self.neighbours.items()
        }

    def colours(self, vertex: Vertex, of: Mapping[Vertex, int]) -> tuple[list[int], list[int]]:
        """The colours of neighbours and of mates."""
        return sorted(of[v] for v in self.neighbours[vertex]), sorted(of[v] for v in self.mates[vertex])

    def twins(self, u: Vertex, v: Vertex) -> bool:
        """Whether exchanging u and v leaves the edges as they are, and neither is tied to another view by its datum."""
        mates = self.mates[u]
        if v not in mates and (len(mates) > 1 or len(self.mates[v]) > 1):
            return False
        swap = {u: v, v: u}
        return sorted(swap.get(w, w) for w in self.neighbours[u]) == sorted(self.neighbours[v])


def _label(graph: Graph, order: list[Vertex]) -> Graph:
    groups: dict[tuple[int, int], int] = {}
    in_group: Counter[tuple[int, int]] = Counter()
    new = {}
    for vertex in order:
        key = (vertex.kind, vertex.group)
        number = groups.setdefault(key, len(groups))
        new[vertex] = Vertex(vertex.kind, number, in_group[key], vertex.role)
        in_group[key] += 1
    edges = []
    for u, v in graph:
        a, b = new[u], new[v]
        edges.append((a, b) if a <= b else (b, a))
    return tuple(sorted(edges))
