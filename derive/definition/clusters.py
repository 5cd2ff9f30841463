"""The factors of a series' monomials, numbered in a table.

A monomial is a sorted tuple of numbers of *clusters*:

    an edge      ⟨f(u), f(v)⟩, f(u)_i as an edge from the view u to the coordinate i, or δ_ij from i to j;
    a mean       E over some views of a product of clusters;
    a pick       one of the draws of a sample, the summand of a mean over a finite count; a further view of a datum;
    a sum        Σ_i of a product of clusters.

Clusters never share a bound view, so a product of two means is a product over independent replicas without
anything being renamed: multiplying monomials merges two sorted tuples.
"""

from __future__ import annotations

from typing import NamedTuple

import sympy

from derive.algebra.graphs import connected
from derive.algebra.monomials import Monomial
from derive.definition.views import Index, View


class Sample(NamedTuple):
    """A finite sample: the datum that is drawn, and how many times."""

    datum: str
    count: sympy.Expr


class ViewSample(NamedTuple):
    """Further views of a datum that some view shows, and how many there are; None in the population."""

    of: View
    number: sympy.Expr | None


class Edge(NamedTuple):
    """⟨f(u), f(v)⟩ for two views, f(u)_i for a view and a coordinate, δ_ij for two coordinates."""

    left: View | Index
    right: View | Index


class Bound(NamedTuple):
    """A product of clusters under a mean, a pick or a sum."""

    bound: tuple[View | Index, ...]
    body: Monomial
    sample: Sample | ViewSample | None


class Clusters:
    """A table of clusters, each with its number."""

    def __init__(self) -> None:
        """Start with an empty table."""
        self._clusters: list[Edge | Bound] = []
        self._free: list[frozenset[View | Index]] = []
        self._numbers: dict[Edge | Bound, int] = {}

    def __getitem__(self, number: int) -> Edge | Bound:
        """The cluster of a number."""
        return self._clusters[number]

    def free(self, cluster: int) -> frozenset[View | Index]:
        """The views and coordinates that a cluster leaves free."""
        return self._free[cluster]

    def edge(self, left: View | Index, right: View | Index) -> int:
        """The number of an edge."""
        if type(left) is type(right) and right < left:
            left, right = right, left
        return self._number(Edge(left, right), frozenset((left, right)))

    def averaged(
        self, monomial: Monomial, over: tuple[View, ...], sample: Sample | ViewSample | None
    ) -> Monomial | None:
        """The mean of a product over views, a product itself; None where they do not occur in it."""
        touched = tuple(c for c in monomial if not self._free[c].isdisjoint(over))
        if not touched:
            return None
        rest = [c for c in monomial if self._free[c].isdisjoint(over)]
        # Data that share no cluster are independent: their mean is a product of means. Different draws of a sample
        # are not, drawn without repetition.
        groups = [list(touched)]
        if sample is None:
            groups = connected(touched, lambda c: {view.datum for view in over if view in self._free[c]})
        return tuple(sorted([*rest, *(self._bound(tuple(sorted(group)), over, sample) for group in groups)]))

    def summed(self, monomial: Monomial, index: Index) -> Monomial | None:
        """The sum of a product over a coordinate, a product itself; None where it does not occur in it."""
        touched = tuple(c for c in monomial if index in self._free[c])
        if not touched:
            return None
        rest = [c for c in monomial if index not in self._free[c]]
        # Σ_i δ_ij p_i = p_j.
        same = next((one for c in touched if isinstance(one := self._clusters[c], Edge) and _of_coordinates(one)), None)
        if same is None:
            return tuple(sorted([*rest, self._bound(touched, (index,), None)]))
        other = same.right if same.left == index else same.left
        put = self._product(touched, index, other)
        return tuple(sorted([*rest, *put]))

    def _product(self, monomial: Monomial, old: View | Index, new: View | Index) -> Monomial:
        """A product at another coordinate; δ_jj = 1."""
        found = (self._at(cluster, old, new) for cluster in monomial)
        return tuple(sorted(cluster for cluster in found if not self._is_one(cluster)))

    def _at(self, cluster: int, old: View | Index, new: View | Index) -> int:
        if old not in self._free[cluster]:
            return cluster
        one = self._clusters[cluster]
        if isinstance(one, Edge):
            return self.edge(new if one.left == old else one.left, new if one.right == old else one.right)
        body, bound = one.body, one.bound
        if new in bound:
            # The same name stands for another coordinate there, which is given a name of its own.
            apart = Index(f"{new.name} {len(self._clusters)}")
            body = self._product(body, new, apart)
            bound = tuple(apart if label == new else label for label in bound)
        return self._number(
            Bound(bound, self._product(body, old, new), one.sample), self._free[cluster] - {old} | {new}
        )

    def _is_one(self, cluster: int) -> bool:
        one = self._clusters[cluster]
        return isinstance(one, Edge) and one.left == one.right and _of_coordinates(one)

    def _bound(self, group: Monomial, bound: tuple[View | Index, ...], sample: Sample | ViewSample | None) -> int:
        free = frozenset().union(*(self._free[cluster] for cluster in group))
        used = tuple(view for view in bound if view in free)
        held = {sample.of} if isinstance(sample, ViewSample) else set()
        return self._number(Bound(used, group, sample), free - set(used) | held)

    def _number(self, cluster: Edge | Bound, free: frozenset[View | Index]) -> int:
        number = self._numbers.setdefault(cluster, len(self._clusters))
        if number == len(self._clusters):
            self._clusters.append(cluster)
            self._free.append(free)
        return number


def _of_coordinates(edge: Edge) -> bool:
    return isinstance(edge.left, Index) and isinstance(edge.right, Index)
