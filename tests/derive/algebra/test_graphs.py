"""Canonical graphs against isomorphism by trying every relabelling."""

import random
import time
from itertools import combinations, pairwise, permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.algebra.graphs import (
    COORDINATE,
    PLAIN,
    VIEW,
    WHITE,
    Vertex,
    canonical,
    components,
    legs,
    relabelled,
    splice,
)

# Both views of datum 0 are plain; others are also seen under another augmentation or through another encoder.
views = st.builds(lambda group, view: Vertex(VIEW, group, view, group * view), st.integers(0, 2), st.integers(0, 1))
noise = st.just(Vertex(WHITE, 5, 0))
coordinates = st.builds(Vertex, st.just(COORDINATE), st.integers(7, 8), st.just(0), st.just(PLAIN))
edges = st.one_of(
    st.tuples(views, views), st.tuples(views, views), st.tuples(views, noise), st.tuples(views, coordinates)
)
graphs = st.lists(edges, min_size=1, max_size=5).map(tuple)


def connected(graph):
    return len(components(graph)) == 1


def mapped(graph, of):
    """The graph with vertices renamed, as sorted edges."""
    return tuple(sorted(tuple(sorted((of[u], of[v]))) for u, v in graph))


def relabellings(graph):
    """Every renaming of groups within their kind and of views within their datum, from 0 on."""
    vertices = sorted({v for edge in graph for v in edge})
    groups = sorted({(v.kind, v.group) for v in vertices})
    mates = {group: [v.view for v in vertices if (v.kind, v.group) == group] for group in groups}
    for numbers in permutations(range(len(groups))):
        number = dict(zip(groups, numbers, strict=True))
        for orders in product(*(permutations(range(len(mates[group]))) for group in groups)):
            within = {
                (group, view): new
                for group, order in zip(groups, orders, strict=True)
                for view, new in zip(mates[group], order, strict=True)
            }
            yield {
                v: v._replace(group=number[v.kind, v.group], view=within[(v.kind, v.group), v.view]) for v in vertices
            }


def class_of(graph):
    """The set of all relabelled graphs: the same for isomorphic graphs, and disjoint otherwise."""
    return {mapped(graph, of) for of in relabellings(graph)}


@settings(max_examples=150)
@given(graph=graphs.filter(connected), data=st.data())
def test_the_canonical_form_forgets_names_and_order(graph, data):
    of = data.draw(st.sampled_from(list(relabellings(graph))))
    turned = [edge[::-1] if data.draw(st.booleans()) else edge for edge in graph]
    renamed = tuple(data.draw(st.permutations([(of[u], of[v]) for u, v in turned])))
    assert canonical(relabelled(renamed)) == canonical(relabelled(graph)) == canonical(graph)


@settings(max_examples=150)
@given(graph=graphs.filter(connected))
def test_the_canonical_form_is_one_of_the_relabellings(graph):
    assert canonical(graph) in class_of(graph)
    assert canonical(canonical(graph)) == canonical(graph)


@settings(max_examples=150)
@given(one=graphs.filter(connected), data=st.data())
def test_graphs_that_differ_stay_different(one, data):
    """A neighbour with one end of one edge moved: equal forms exactly when some relabelling makes them equal."""
    number = data.draw(st.integers(0, len(one) - 1))
    end = data.draw(st.sampled_from(sorted({v for edge in one for v in edge if v.kind == VIEW})))
    other = (*one[:number], (end, one[number][1]), *one[number + 1 :])
    if connected(other):
        same = class_of(one) == class_of(other)
        assert (canonical(relabelled(one)) == canonical(relabelled(other))) == same


def test_every_graph_of_three_edges_over_two_data_has_its_own_value():
    """Moments over a random discrete population, no law assumed: as many values as there are forms."""
    generator = np.random.default_rng(0)
    f = generator.standard_normal((3, 2, 2, 2))  # data, noises, views (drawn independently), coordinates
    weights = generator.dirichlet(np.ones(3))
    ends = [Vertex(VIEW, group, view) for group in range(2) for view in range(2)]
    pairs = [(u, v) for u in ends for v in ends if u <= v]
    values = {}
    for graph in product(pairs, repeat=3):
        if list(graph) == sorted(graph) and connected(graph):
            values.setdefault(canonical(relabelled(graph)), set()).add(round(moment(graph, f, weights), 9))
    assert all(len(found) == 1 for found in values.values())
    assert len(set.union(*values.values())) == len(values) > 15


def moment(graph, f, weights):
    total = 0.0
    for data in product(range(3), repeat=2):
        for noises in product(range(2), repeat=4):
            z = {Vertex(VIEW, g, v): f[data[g], noises[2 * g + v], 0] for g in range(2) for v in range(2)}
            total += weights[list(data)].prod() / 16 * np.prod([z[u] @ z[v] for u, v in graph])
    return float(total)


def least(graph):
    """The least of all relabellings: a canonical form by force."""
    return min(mapped(graph, of) for of in relabellings(graph))


def regular(edges):
    return tuple((Vertex(VIEW, u, 0), Vertex(VIEW, v, 0)) for u, v in edges)


def cycle(n):
    return regular((i, (i + 1) % n) for i in range(n))


def shuffled(graph, seed):
    """The same graph with data renamed and edges turned and in another order."""
    draw = random.Random(seed)
    groups = sorted({v.group for edge in graph for v in edge})
    new = dict(zip(groups, draw.sample(range(100), len(groups)), strict=True))
    edges = [tuple(v._replace(group=new[v.group]) for v in edge) for edge in graph]
    return tuple(draw.sample([edge[::-1] if draw.random() < 0.5 else edge for edge in edges], len(edges)))


def test_alike_vertices_are_told_apart_as_by_trying_all_relabellings():
    """All cubic graphs on six vertices: colour refinement alone tells no vertex from another there."""
    pairs = list(combinations(range(6), 2))
    degrees = lambda edges: [sum(v in edge for edge in edges) for v in range(6)]  # noqa: E731
    cubic = [regular(edges) for edges in combinations(pairs, 9) if degrees(edges) == [3] * 6]
    sample = random.Random(0).sample(cubic, 30)
    assert len({canonical(one) for one in sample}) == len({least(one) for one in sample}) == 2  # the prism and K₃,₃
    for one, other in pairwise(sample):
        assert (canonical(one) == canonical(other)) == (least(one) == least(other))


def test_every_multigraph_of_four_edges_over_four_data_is_told_apart():
    pairs = [(u, v) for v in range(4) for u in range(v + 1)]
    graphs = [regular(edges) for edges in random.Random(1).sample(list(product(pairs, repeat=4)), 300)]
    graphs = [one for one in graphs if connected(one)]
    by_form, by_force = {}, {}
    for one in graphs:
        by_form.setdefault(canonical(relabelled(one)), set()).add(one)
        by_force.setdefault(least(one), set()).add(one)
    assert sorted(map(sorted, by_form.values())) == sorted(map(sorted, by_force.values()))


@pytest.mark.parametrize(
    "graph",
    [
        cycle(30),
        tuple((Vertex(VIEW, i, 1), Vertex(VIEW, (i + 1) % 20, 0)) for i in range(20)),
        regular((u, v) for v in range(16) for u in range(v) if (u ^ v).bit_count() == 1),
        regular((u, v) for v in range(12) for u in range(v)),
        regular((u, 9 + v) for u in range(9) for v in range(9)),
    ],
    ids=["cycle", "cycle of pairs", "hypercube", "complete", "bipartite"],
)
def test_symmetric_graphs_take_no_factorial_time(graph):
    started = time.process_time()
    forms = {canonical(shuffled(graph, seed)) for seed in range(3)}
    assert len(forms) == 1
    assert time.process_time() - started < 20  # 30! relabellings would take for ever


def test_components_split_where_nothing_is_shared():
    x, pos, chi, i = Vertex(VIEW, 0, 0), Vertex(VIEW, 0, 1), Vertex(VIEW, 1, 0), Vertex(COORDINATE, 2, 0)
    assert len(components([(x, x), (chi, chi)])) == 2
    assert len(components([(x, x), (pos, pos)])) == 1
    assert len(components([(x, x), (chi, chi), (x, chi)])) == 1
    assert len(components([(x, i), (x, i), (chi, i), (chi, i)])) == 1


def test_a_coordinate_with_two_edges_is_an_inner_product():
    x, chi, i, j = Vertex(VIEW, 0, 0), Vertex(VIEW, 1, 0), Vertex(COORDINATE, 2, 0), Vertex(COORDINATE, 3, 0)
    assert splice([(x, i), (chi, i)]) == [(x, chi)]
    kept = [(x, j), (x, j), (chi, j)]
    assert sorted(splice([*kept, (x, i), (x, i)])) == sorted([*kept, (x, x)])


def test_the_order_counts_ends_that_are_views():
    x, g, i = Vertex(VIEW, 0, 0), Vertex(WHITE, 1, 0), Vertex(COORDINATE, 2, 0)
    assert legs(((x, x),)) == legs(((x, g),)) == legs(((x, i), (g, i))) == 2
