"""Moments of Gaussian data by Wick contraction (Isserlis' theorem).

A moment's graph is contracted leg by leg. Joining two legs of one datum makes one longer edge out of two, with the
views' covariance as the letter between: Σ for one view met twice, A0 for two views of the datum. An edge whose own
ends are joined closes into a trace word. Where the data have a mean, a leg may also become that constant. Equal edges
are taken together, so the number of steps grows with the number of distinct words and not with the (2k−1)!! pairings.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING

from derive.algebra.alphabet import END, OF_MEAN
from derive.algebra.effort import spend
from derive.algebra.graphs import (
    AUGMENTATION,
    CLASSMATE,
    CONSTANT,
    COORDINATE,
    ENCODER,
    PLAIN,
    VIEW,
    WHITE,
    Graph,
    Vertex,
)
from derive.algebra.words import Invariants, connected, invariant, oriented, trace, transpose

if TYPE_CHECKING:
    from collections.abc import Callable

    Between = Callable[[Vertex, Vertex], str]
    MeanOf = Callable[[Vertex], Vertex | None]

OpenWord = tuple[Vertex, str, Vertex]
BIAS = Vertex(CONSTANT, 0, 0)
MEAN = Vertex(CONSTANT, END - OF_MEAN, 0)


def constant_legs(graph: Graph) -> dict[Graph, int]:
    """The same moment of f(v) = W v + b: each leg at a view is W v or the constant b, multiplied out.

    White noise is noise of the input, ‖W‖² its mean: no bias is added to it.

    >>> x, chi = Vertex(VIEW, 0, 0), Vertex(VIEW, 1, 0)
    >>> constant_legs(((x, x),)) == {((x, x),): 1, ((x, BIAS),): 2, ((BIAS, BIAS),): 1}
    True
    """
    result: dict[Graph, int] = {(): 1}
    for u, v in graph:
        longer: Counter[Graph] = Counter()
        chosen = Counter(
            (min(pair), max(pair)) for pair in product(*((end, BIAS) if end.kind == VIEW else (end,) for end in (u, v)))
        )
        for edges, weight in result.items():
            for edge, number in chosen.items():
                longer[tuple(sorted((*edges, edge)))] += weight * number
        result = dict(longer)
    return result


# By the roles of two views of a datum: the letter where they are one view, and where they are two; "" where that cannot
# be, and for two data of a class, which are independent given the class.
_LETTERS = {
    (PLAIN, PLAIN): ("S", "A"),
    (AUGMENTATION, AUGMENTATION): ("U", "R"),
    (PLAIN, AUGMENTATION): ("", "P"),
    (AUGMENTATION, PLAIN): ("", "Q"),
    (ENCODER, ENCODER): ("T", "Z"),
    (PLAIN, ENCODER): ("", "X"),
    (ENCODER, PLAIN): ("", "Y"),
    (CLASSMATE, CLASSMATE): ("S", ""),
    (PLAIN, CLASSMATE): ("", ""),
    (CLASSMATE, PLAIN): ("", ""),
}
# The letters of covariances between two views of a datum.
OF_TWO_VIEWS = frozenset(two for _, two in _LETTERS.values() if two)


def covariance(u: Vertex, v: Vertex) -> str:
    """The letter of Cov(f(u), f(v)), two views of a datum: Σ where they are one view, A0 where they are two.

    Views under a second augmentation have Σ₂ and A₂, views through a second encoder too; of one of the first kind and
    one of the second it is A, or its transpose. Data of one class have none, "".

    >>> x, x_pos = Vertex(VIEW, 0, 0), Vertex(VIEW, 0, 1)
    >>> covariance(x, x), covariance(x, x_pos)
    ('S', 'A')
    >>> y = Vertex(VIEW, 0, 2, ENCODER)
    >>> covariance(y, y), covariance(x, y), covariance(y, x)
    ('T', 'X', 'Y')
    """
    if u.kind == WHITE:
        return "J" if u.role == ENCODER else "I"
    if u.role == v.role == PLAIN:
        # By far the most common, and called for each pair of legs.
        return "S" if u.view == v.view else "A"
    one, two = _LETTERS[u.role, v.role]
    return one if u.view == v.view else two


def one_mean(v: Vertex) -> Vertex | None:
    """W μ for a view, the same for all; noise has no mean."""
    return None if v.kind == WHITE else MEAN


@lru_cache(maxsize=100_000)
def contract(graph: Graph, between: Between = covariance, mean_of: MeanOf | None = None) -> dict[Invariants, int]:
    """E∏⟨f(v_i), f(v_j)⟩ over Gaussian data, as a polynomial in invariants with integer coefficients.

    Legs that are constant are left as they are; sums over coordinates then have words that end in b.

    Args:
        graph: of one moment.
        between: the letter of Cov(f(u), f(v)) for two views of a datum, that of (v, u) being its transpose; "" for 0.
        mean_of: the constant E f(v) of a view, None where it is zero; the function is None where all are.

    >>> x = Vertex(0, 0, 0)
    >>> contract(((x, x), (x, x))) == {(trace("S"), trace("S")): 1, (trace("SS"),): 2}
    True

    """
    centred = Counter(v.group for edge in graph for v in edge if _random(v) and (not mean_of or mean_of(v) is None))
    if any(number % 2 for number in centred.values()):
        return {}
    return _contract(tuple(sorted(oriented(u, "", v) for u, v in graph)), between, mean_of)


@lru_cache(maxsize=100_000)
def _contract(edges: tuple[OpenWord, ...], between: Between, mean_of: MeanOf | None) -> dict[Invariants, int]:
    legs = Counter(v.group for u, _, v in edges for v in (u, v) if _random(v))
    if not legs:
        return {_closed(edges): 1}
    # The datum with the fewest legs first: its edges vanish soonest.
    datum = min(legs, key=lambda group: (legs[group], group))
    u, word, v = next(edge for edge in edges if _touches(edge, datum))
    if not _random(v) or v.group != datum:
        u, word, v = v, transpose(word), u
    others = Counter(edges)
    others[oriented(u, word, v)] -= 1
    result: Counter[Invariants] = Counter()
    mean = None if mean_of is None else mean_of(v)
    if mean is not None:
        constant = others.copy()
        constant[oriented(u, word, mean)] += 1
        result.update(_contract(_sorted(constant), between, mean_of))
    if _random(u) and u.group == datum and (letter := between(v, u)):
        # E[f(u)ᵀ P f(v)] = Tr[P Cov(f(v), f(u))]
        closed = trace(word + letter)
        for factors, weight in _contract(_sorted(others), between, mean_of).items():
            result[tuple(sorted((*factors, closed)))] += weight
    for other, number in list(others.items()):
        if not number:
            continue
        p, more, q = other
        rest = others.copy()
        rest[other] -= 1
        for near, spelled, far in ((p, more, q), (q, transpose(more), p)):
            if _random(near) and near.group == datum and (letter := between(v, near)):
                joined = rest.copy()
                joined[oriented(u, word + letter + spelled, far)] += 1
                contracted = _contract(_sorted(joined), between, mean_of)
                spend(len(contracted))
                for factors, weight in contracted.items():
                    result[factors] += number * weight
    return dict(result)


def _random(v: Vertex) -> bool:
    return v.kind < COORDINATE


def _touches(edge: OpenWord, datum: int) -> bool:
    return any(_random(v) and v.group == datum for v in (edge[0], edge[2]))


def _sorted(edges: Counter[OpenWord]) -> tuple[OpenWord, ...]:
    return tuple(sorted(edges.elements()))


def _closed(edges: tuple[OpenWord, ...]) -> Invariants:
    # What is left joins coordinates and vectors, b the first of them.
    links = [(_number(u), word, _number(v)) for u, word, v in edges]
    return tuple(sorted(map(invariant, connected(links))))


def _number(v: Vertex) -> int:
    return END - v.group if v.kind == CONSTANT else v.group
