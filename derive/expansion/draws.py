"""Which draws of a sample coincide, and with what probability.

A mean over a sample of n averages over one of its draws, picked at random. Several picks in a product coincide in some
pattern, each with its probability; picks that stand for the same factor are interchangeable, and patterns equal up to
such exchanges are counted together. The further views of a datum are a sample too, from which all means with the same
datum and number pick.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING

from sympy import QQ

from derive.algebra.effort import spend
from derive.algebra.graphs import COORDINATE, VIEW, WHITE, Vertex
from derive.algebra.monomials import Monomial
from derive.definition.clusters import Bound, Clusters, Edge, Sample, ViewSample
from derive.definition.views import Index, View

if TYPE_CHECKING:
    from collections.abc import Iterator

    import sympy

    from derive.algebra.scalars import Coefficient, Scalars

Edges = list[tuple[Vertex, Vertex]]
# Beyond this many partitions, counting them is work that counts.
_MANY = 1000


@dataclass
class Draws:
    """Picks of one sample.

    Attributes:
        alike: lists of picks that may be exchanged.
        apart: the picks that one mean makes together, which are never the same.

    """

    alike: dict[object, list[int]] = field(default_factory=dict)
    apart: list[tuple[int, ...]] = field(default_factory=list)

    @property
    def all(self) -> set[int]:
        """All picks."""
        return {draw for draws in self.alike.values() for draw in draws}

    def add(self, picked: tuple[int, ...], alike: object) -> None:
        """Add what one mean picks; ``alike`` is equal for picks that may be exchanged, None for those that may not."""
        for draw in picked:
            self.alike.setdefault(draw if alike is None or len(picked) > 1 else alike, []).append(draw)
        if len(picked) > 1:
            self.apart.append(picked)

    def extend(self, more: Draws) -> None:
        """Add the picks of another datum, which has turned out to be the same one."""
        self.alike |= more.alike
        self.apart += more.apart


@dataclass
class Flat:
    """A monomial with a vertex for each view, before draws coincide.

    Attributes:
        edges: pairs of vertices.
        samples: the picks of each sample of data.
        views: the picks of further views, by their datum's number, how many there are and how they are seen.
        anchor: the data that stay free.
        names: the vertices of views and coordinates that stay free.

    """

    edges: Edges = field(default_factory=list)
    samples: dict[Sample, Draws] = field(default_factory=dict)
    views: dict[tuple[int, sympy.Expr, int], Draws] = field(default_factory=dict)
    anchor: set[int] = field(default_factory=set)
    names: dict[View | Index, Vertex] = field(default_factory=dict)


def flatten(clusters: Clusters, monomial: Monomial) -> Flat:
    """A monomial's edges and picks."""
    numbers = count()
    views: dict[object, int] = {}
    flat = Flat()

    def vertices(bound: tuple[View | Index, ...], sample: Sample | None, alike: object) -> dict[View | Index, Vertex]:
        groups: dict[str, int] = {}
        result: dict[View | Index, Vertex] = {}
        for label in bound:
            if isinstance(label, Index):
                result[label] = Vertex(COORDINATE, next(numbers), 0)
                continue
            if label.datum not in groups:
                groups[label.datum] = next(numbers)
            kind = WHITE if label.white else VIEW
            # Different draws of one sample show it in the same views; what is seen in two ways is two views.
            name = label.name if sample is None else label.name_at(sample.datum)
            number = views.setdefault((name, label.role), len(views))
            result[label] = Vertex(kind, groups[label.datum], number, label.role)
        if sample is not None:
            flat.samples.setdefault(sample, Draws()).add(tuple(groups.values()), alike)
        return result

    def further(
        bound: tuple[View | Index, ...], sample: ViewSample, of: Vertex, alike: object
    ) -> dict[View | Index, Vertex]:
        new: dict[View | Index, Vertex] = {}
        for label in bound:
            role = label.role if isinstance(label, View) else of.role
            new[label] = of._replace(view=views.setdefault((next(numbers),), len(views)), role=role)
        if sample.number is not None:
            picked = tuple(vertex.view for vertex in new.values())
            role = next(iter(new.values())).role
            flat.views.setdefault((of.group, sample.number, role), Draws()).add(picked, alike)
        return new

    def place(body: Monomial, names: dict[View | Index, Vertex]) -> None:
        # A cluster that occurs several times in one product stands for replicas that may be exchanged.
        here = object()
        for number in body:
            cluster = clusters[number]
            if isinstance(cluster, Edge):
                flat.edges.append((names[cluster.left], names[cluster.right]))
                continue
            alike = None if _picks_within(clusters, cluster.body) else (here, number)
            if isinstance(cluster.sample, ViewSample):
                new = further(cluster.bound, cluster.sample, names[cluster.sample.of], alike)
            else:
                new = vertices(cluster.bound, cluster.sample, alike)
            place(cluster.body, names | new)

    free = frozenset().union(*(clusters.free(cluster) for cluster in monomial))
    flat.names = vertices(tuple(sorted(free)), None, None)
    place(monomial, flat.names)
    flat.anchor.update(vertex.group for vertex in flat.names.values())
    return flat


def _picks_within(clusters: Clusters, body: Monomial) -> bool:
    """Whether a product has picks of a sample in it."""
    inside = (clusters[number] for number in body)
    return any(
        isinstance(one, Bound) and (one.sample is not None or _picks_within(clusters, one.body)) for one in inside
    )


def coincidences(scalars: Scalars, n: sympy.Expr, draws: Draws) -> Iterator[tuple[dict[int, int], Coefficient]]:
    """Which picks out of n coincide, with n(n−1)…(n−b+1)/∏ n(n−1)…(n−k+1) for each way to form b blocks.

    The product is over means, each of which picks k at a time, k = 1 for all but those without a diagonal. Equivalent
    ways are given once, times their number.
    """
    classes = list(draws.alike.values())
    p = sum(map(len, classes))
    means = p - sum(len(picked) - 1 for picked in draws.apart)
    chances: list[Coefficient] = [QQ(1) if means < 2 else scalars.from_sympy(n ** (1 - means))]
    for picked in draws.apart:
        for k in range(1, len(picked)):
            chances[0] = chances[0] * scalars.inverse(scalars.from_sympy(n - k))
    for k in range(1, p):
        chances.append(chances[-1] * scalars.from_sympy(n - k))
    for blocks, number in partitions(tuple(map(len, classes))).items():
        if chance := chances[len(blocks) - 1]:
            left = [list(some) for some in classes]
            members = [[left[of].pop() for of, size in enumerate(block) for _ in range(size)] for block in blocks]
            if not any(len({*picked} & {*block}) > 1 for picked in draws.apart for block in members):
                yield {draw: min(block) for block in members for draw in block}, chance * QQ(number)


@lru_cache(maxsize=1000)
def partitions(sizes: tuple[int, ...]) -> dict[tuple[tuple[int, ...], ...], int]:
    """The partitions of a multiset with classes of equal members of the given sizes, each with its multiplicity.

    A block is given by the number of its members in each class.

    >>> partitions((3,)) == {((1,), (1,), (1,)): 1, ((1,), (2,)): 3, ((3,),): 1}
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
            if len(found) > _MANY:
                # Thirteen picks that are not alike have 27 million.
                spend(10 * len(found))
    return found
