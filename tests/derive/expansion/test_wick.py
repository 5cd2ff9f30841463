"""Wick contraction against the sum over all pairings, written out with indices."""

from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.algebra.graphs import COORDINATE, PLAIN, VIEW, WHITE, Vertex
from derive.algebra.words import trace
from derive.expansion.wick import contract
from numeric.invariants import product_value


def matrices(d, seed):
    """W X Wᵀ for A0, Σ and the identity: symmetric, d1×d1, of no special relation."""
    roots = np.random.default_rng(seed).standard_normal((3, d, d))
    return dict(zip("ASI", roots + roots.transpose(0, 2, 1), strict=True))


def pairings(items):
    if not items:
        yield []
        return
    first, *rest = items
    for k, partner in enumerate(rest):
        for others in pairings(rest[:k] + rest[k + 1 :]):
            yield [(first, partner), *others]


def covariance(u, v):
    """The letter between two legs, None where they are independent."""
    if (u.kind, u.group) != (v.kind, v.group):
        return None
    return "I" if u.kind == WHITE else "S" if u.view == v.view else "A"


def by_pairings(graph, of_letter):
    """E∏: each edge sums one coordinate, each coordinate vertex too; every pairing of legs is one product."""
    legs = []  # (vertex, the name of the coordinate that it carries)
    for number, (u, v) in enumerate(graph):
        name = next((("node", w.group) for w in (u, v) if w.kind == COORDINATE), ("edge", number))
        legs += [(w, name) for w in (u, v) if w.kind != COORDINATE]
    names = sorted({name for _, name in legs})
    if len(legs) % 2:
        return 0.0
    total = 0.0
    for pairing in pairings(legs):
        joined = [(covariance(u, v), names.index(i), names.index(j)) for (u, i), (v, j) in pairing]
        if all(letter for letter, _, _ in joined):
            operands = [part for letter, i, j in joined for part in (of_letter[letter], [i, j])]
            total += np.einsum(*operands, [])
    return float(total)


def contracted(graph, of_letter):
    return sum(weight * product_value(factors, of_letter) for factors, weight in contract(graph).items())


views = st.builds(Vertex, st.just(VIEW), st.integers(0, 2), st.integers(0, 1), st.just(PLAIN))
noise = st.just(Vertex(WHITE, 5, 0))
ends = st.one_of(views, views, views, noise)
coordinates = st.builds(Vertex, st.just(COORDINATE), st.integers(8, 9), st.just(0), st.just(PLAIN))


@settings(max_examples=150)
@given(
    pairs=st.lists(st.tuples(ends, ends), max_size=3),
    entries=st.lists(st.tuples(ends, coordinates), max_size=3),
    d=st.integers(2, 3),
    seed=st.integers(0, 1000),
)
def test_contraction_is_the_sum_over_pairings(pairs, entries, d, seed):
    graph = (*pairs, *entries)
    of_letter = matrices(d, seed)
    if graph:
        expected = by_pairings(graph, of_letter)
        assert contracted(graph, of_letter) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize(
    "graph",
    [
        "00 00 00 00",
        "01 01 01 01",
        "01 12 20 00",
        "0a 0a 01 01",
        "0a 1a 01 10",
        "0a aa 11 1a",
        "01 ab 01 ab",
        "02 2a 02 2a",
    ],
)
def test_eight_legs(graph, d):
    """Two views of the datum 0 are written 0 and a, those of 1 as 1 and b."""
    of = {"0": (0, 0), "a": (0, 1), "1": (1, 0), "b": (1, 1), "2": (2, 0)}
    edges = tuple((Vertex(VIEW, *of[u]), Vertex(VIEW, *of[v])) for u, v in graph.split())
    of_letter = matrices(d, 0)
    assert contracted(edges, of_letter) == pytest.approx(by_pairings(edges, of_letter), rel=1e-10)


def test_sums_over_the_diagonal():
    """Σ_i (E f_i f_i)² and friends keep their coordinate."""
    x, pos, i = Vertex(VIEW, 0, 0), Vertex(VIEW, 0, 1), Vertex(COORDINATE, 1, 0)
    graph = ((x, i), (pos, i), (x, i), (pos, i))
    of_letter = matrices(3, 4)
    a, s = np.diag(of_letter["A"]), np.diag(of_letter["S"])
    assert contracted(graph, of_letter) == pytest.approx((2 * a * a + s * s).sum())


def test_the_weights_count_the_pairings():
    for legs in (2, 4, 6, 8, 10, 12):
        x = Vertex(VIEW, 0, 0)
        assert sum(contract(((x, x),) * (legs // 2)).values()) == prod(range(1, legs, 2))


def test_an_odd_number_of_legs_of_a_datum_vanishes():
    x, chi = Vertex(VIEW, 0, 0), Vertex(VIEW, 1, 0)
    assert contract(((x, chi),)) == {}
    assert contract(((x, x), (x, chi))) == {}


def test_white_noise_meets_itself_alone():
    x, g = Vertex(VIEW, 0, 0), Vertex(WHITE, 1, 0)
    assert contract(((g, g),)) == {(trace("I"),): 1}
    assert contract(((x, g), (x, g))) == {(trace("IS"),): 1}
