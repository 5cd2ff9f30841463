"""Moments of zero-mean Gaussian data by Wick contraction (Isserlis' theorem).

A moment's graph is contracted leg by leg. Joining two legs of one datum makes one longer edge out of two, with the
views' covariance as the letter between: Σ for one view met twice, A0 for two views of the datum. An edge whose own
ends are joined closes into a trace word. Equal edges are taken together, so the number of steps grows with the
number of distinct words and not with the (2k−1)!! pairings.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache

from derive.graphs import COORDINATE, WHITE, Graph, Vertex, components
from derive.words import Invariants, invariant, trace

OpenWord = tuple[Vertex, str, Vertex]


@lru_cache(maxsize=100_000)
def contract(graph: Graph) -> dict[Invariants, int]:
    """E∏⟨f(v_i), f(v_j)⟩ over Gaussian data, as a polynomial in invariants with integer coefficients.

    >>> x = Vertex(0, 0, 0)
    >>> contract(((x, x), (x, x))) == {(trace("S"), trace("S")): 1, (trace("SS"),): 2}
    True
    """
    degree = Counter(v.group for edge in graph for v in edge if v.kind != COORDINATE)
    if any(number % 2 for number in degree.values()):
        return {}
    return _contract(tuple(sorted(_oriented(u, "", v) for u, v in graph)))


@lru_cache(maxsize=100_000)
def _contract(edges: tuple[OpenWord, ...]) -> dict[Invariants, int]:
    legs = Counter(v.group for u, _, v in edges for v in (u, v) if v.kind != COORDINATE)
    if not legs:
        return {_closed(edges): 1}
    # The datum with the fewest legs first: its edges vanish soonest.
    datum = min(legs, key=lambda group: (legs[group], group))
    u, word, v = next(edge for edge in edges if _touches(edge, datum))
    if v.kind == COORDINATE or v.group != datum:
        u, word, v = v, word[::-1], u
    others = Counter(edges)
    others[_oriented(u, word, v)] -= 1
    result: Counter[Invariants] = Counter()
    if u.kind != COORDINATE and u.group == datum:
        closed = trace(word + _letter(u, v))
        for factors, weight in _contract(_sorted(others)).items():
            result[tuple(sorted((*factors, closed)))] += weight
    for other, number in list(others.items()):
        if not number:
            continue
        p, more, q = other
        rest = others.copy()
        rest[other] -= 1
        for near, spelled, far in ((p, more, q), (q, more[::-1], p)):
            if near.kind != COORDINATE and near.group == datum:
                joined = rest.copy()
                joined[_oriented(u, word + _letter(v, near) + spelled, far)] += 1
                for factors, weight in _contract(_sorted(joined)).items():
                    result[factors] += number * weight
    return dict(result)


def _letter(u: Vertex, v: Vertex) -> str:
    if u.kind == WHITE:
        return "I"
    return "S" if u.view == v.view else "A"


def _touches(edge: OpenWord, datum: int) -> bool:
    return any(v.kind != COORDINATE and v.group == datum for v in (edge[0], edge[2]))


def _oriented(u: Vertex, word: str, v: Vertex) -> OpenWord:
    return min((u, word, v), (v, word[::-1], u))


def _sorted(edges: Counter[OpenWord]) -> tuple[OpenWord, ...]:
    return tuple(sorted(edges.elements()))


def _closed(edges: tuple[OpenWord, ...]) -> Invariants:
    # What is left joins coordinates to coordinates.
    words = {(u, v): [w for a, w, b in edges if (a, b) == (u, v)] for u, _, v in edges}
    pieces = components(words)
    return tuple(
        sorted(
            invariant(
                tuple((u.group, word, v.group) for u, v in piece for word in words[u, v]),
            )
            for piece in pieces
        )
    )
