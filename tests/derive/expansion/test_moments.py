"""Moment series on small discrete populations: nothing Gaussian, nothing centred, every mean an enumeration."""

from collections import Counter
from itertools import product

import numpy as np
import pytest
import sympy
from sympy import Rational, Symbol

from derive import CATALOGUE, Loss, Mean, catalogue, exp, half_sq, inner, log, views
from derive.algebra.graphs import COORDINATE, VIEW, Vertex
from derive.definition.expression import Coordinate, CoordinateSum
from derive.definition.views import Index
from derive.expansion.draws import partitions
from verify.truths.taylor import cauchy, circle

DATA, NOISES, WIDTH = 3, 2, 2
generator = np.random.default_rng(5)
F = generator.standard_normal((DATA, NOISES, WIDTH)) + 0.3  # f at each atom; the mean is not zero
P = generator.dirichlet(np.ones(DATA))  # of the data
Q = generator.dirichlet(np.ones(NOISES))  # of the noise, the same for all data and independent between views
ONE = (P[:, None] * Q).ravel()  # weights of a single view
ATOMS = F.reshape(-1, WIDTH)
PAIRS = [(d, i, j) for d in range(DATA) for i in range(NOISES) for j in range(NOISES)]
X = np.array([F[d, i] for d, i, _ in PAIRS])
X_POS = np.array([F[d, j] for d, _, j in PAIRS])
PAIR = np.array([P[d] * Q[i] * Q[j] for d, i, j in PAIRS])


def graph_mean(graph):
    """E of one connected moment: all data, all noises, all coordinates."""
    vertices = sorted({v for edge in graph for v in edge})
    seen = [v for v in vertices if v.kind == VIEW]
    coordinates = [v for v in vertices if v.kind == COORDINATE]
    groups = sorted({v.group for v in seen})
    total = 0.0
    for data in product(range(DATA), repeat=len(groups)):
        datum = dict(zip(groups, data, strict=True))
        for noises in product(range(NOISES), repeat=len(seen)):
            z = {v: F[datum[v.group], k] for v, k in zip(seen, noises, strict=True)}
            weight = P[list(data)].prod() * Q[list(noises)].prod()
            for at in product(range(WIDTH), repeat=len(coordinates)):
                z |= {c: np.eye(WIDTH)[k] for c, k in zip(coordinates, at, strict=True)}
                total += weight * np.prod([z[u] @ z[v] for u, v in graph])
    return total


def by_order(series, values):
    """The series evaluated on the population."""
    result = dict.fromkeys(range(2, series.order + 1, 2), 0.0)
    for moment, coefficient in series.terms:
        order = sum(v.kind == VIEW for graph in moment for edge in graph for v in edge)
        result[order] += float(coefficient.subs(values)) * np.prod([graph_mean(graph) for graph in moment])
    return result


def taylor(loss, order):
    """Taylor coefficients in t of a loss at f → t·f, even orders."""
    ts = circle(0.2, 32)
    orders = range(2, order + 1, 2)
    return dict(zip(orders, cauchy(np.array([loss(t) for t in ts]), ts, orders), strict=True))


def squares(u, v):
    return ((u[:, None] - v[None]) ** 2).sum(-1)


def infonce(t):
    x, pos, chi = t * X, t * X_POS, t * ATOMS
    return PAIR @ (((x - pos) ** 2).sum(-1) / 2 + np.log(np.exp(-squares(x, chi) / 2) @ ONE))


def spectral(t):
    x, pos, chi = t * X, t * X_POS, t * ATOMS
    return PAIR @ (-2 * (x * pos).sum(-1) + (x @ chi.T) ** 2 @ ONE)


def alignment_uniformity(t):
    x, pos, y = t * X, t * X_POS, t * ATOMS
    spread = np.log(ONE @ np.exp(-0.8 * squares(y, y)) @ ONE)
    return PAIR @ ((x - pos) ** 2).sum(-1) + 0.7 * spread


def barlow_twins(t):
    M = (t * X * PAIR[:, None]).T @ (t * X_POS)
    off = (M**2).sum() - (np.diag(M) ** 2).sum()
    return ((1 - np.diag(M)) ** 2).sum() + 0.7 * off


VALUES = {Symbol("lambda"): Rational(7, 10), Symbol("t"): Rational(4, 5), Symbol("d1"): WIDTH}


@pytest.mark.parametrize(
    ("name", "truth", "order"),
    [
        ("infonce", infonce, 8),
        ("spectral", spectral, 6),
        ("alignment-uniformity", alignment_uniformity, 6),
        ("barlow-twins", barlow_twins, 6),
    ],
)
def test_a_discrete_population(name, truth, order):
    series = catalogue(name).moments(order)
    assert by_order(series, VALUES) == pytest.approx(taylor(truth, order), rel=1e-8, abs=1e-8)


x, x_pos, chi, chi_pos = views("x, x_pos, chi, chi_pos")
n = Symbol("n")


def sample_mean(body):
    return Mean(body, over=chi, count=n)


def over_all_samples(value, size):
    """E over the anchor's pair of views and all samples of that size."""
    total = 0.0
    for rows in product(range(len(ATOMS)), repeat=size):
        total += ONE[list(rows)].prod() * (PAIR @ value(X, X_POS, ATOMS[list(rows)]))
    return total


def squared_mean_times_logarithm(t):
    def value(a, b, c):
        a, b, c = t * a, t * b, t * c
        spread = np.log(1 + np.exp(-squares(a, c) / 2).mean(1))
        return (a @ c.T).mean(1) ** 2 * spread + (a * b).sum(-1) * ((b @ c.T) ** 2).mean(1)

    return value


COUNTED = Loss(
    sample_mean(inner(x, chi)) ** 2 * log(1 + sample_mean(exp(-half_sq(x, chi))))
    + inner(x, x_pos) * sample_mean(inner(x_pos, chi) ** 2)
)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_draws_of_a_finite_sample_may_coincide(size):
    series = COUNTED.moments(6)
    expected = taylor(lambda t: over_all_samples(squared_mean_times_logarithm(t), size), 6)
    assert by_order(series, {n: size}) == pytest.approx(expected, rel=1e-8, abs=1e-8)


def test_the_weights_of_coinciding_draws():
    """A product of p means over n draws: b different ones with weight n(n−1)…(n−b+1)/nᵖ."""
    edge = (Vertex(VIEW, 0, 0), Vertex(VIEW, 1, 0))
    third = dict(Loss(sample_mean(inner(x, chi)) ** 3).moments(6).terms)
    by_draws = {}
    for moment, coefficient in third.items():
        (graph,) = moment
        by_draws[len({v.group for e in graph for v in e}) - 1] = coefficient
    # Three ways to let two of three coincide.
    expected = {1: 1 / n**2, 2: 3 * (n - 1) / n**2, 3: (n - 1) * (n - 2) / n**2}
    assert {b: sympy.simplify(value - expected[b]) for b, value in by_draws.items()} == {1: 0, 2: 0, 3: 0}
    assert dict(Loss(sample_mean(inner(x, chi))).moments(2).terms) == {((edge,),): 1}


def test_two_means_over_one_sample_share_its_draws_and_two_population_means_do_not():
    shared = Loss(Mean(inner(x, chi), over=chi, count=1) * Mean(inner(x, chi), over=chi, count=1))
    apart = Loss(Mean(inner(x, chi), over=chi) * Mean(inner(x, chi), over=chi))
    assert shared.moments(4) == Loss(Mean(inner(x, chi) ** 2, over=chi)).moments(4)
    assert apart.moments(4) != shared.moments(4)


@pytest.mark.parametrize("name", CATALOGUE)
def test_odd_orders_vanish_whatever_the_data(name):
    assert catalogue(name).moments(6).odd_orders_vanish


def test_an_odd_order_is_seen_where_there_is_one():
    i = Index("i")
    odd = Loss(CoordinateSum(Coordinate(x, i) ** 3, i))
    assert not odd.moments(4).odd_orders_vanish


def test_moment_series_are_values():
    one, two = catalogue("infonce").moments(6), catalogue("infonce").moments(6)
    assert one == two
    assert hash(one) == hash(two)
    assert one != catalogue("infonce").moments(4)
    assert one != "infonce"


@pytest.mark.parametrize("sizes", [(1,), (4,), (2, 2), (3, 1, 1), (1, 1, 1, 1), (2, 3)])
def test_coincidences_of_draws_that_are_alike_are_counted_as_if_each_were_listed(sizes):
    """Every partition of the set, blocks told by how many members they have of each class."""
    members = [(of, k) for of, size in enumerate(sizes) for k in range(size)]
    counted = Counter()
    for labels in product(range(len(members)), repeat=len(members)):
        # One labelling a partition: labels appear in order.
        if all(label <= max(labels[:k], default=-1) + 1 for k, label in enumerate(labels)):
            blocks = [[of for (of, _), at in zip(members, labels, strict=True) if at == one] for one in set(labels)]
            counted[tuple(sorted(tuple(block.count(of) for of in range(len(sizes))) for block in blocks))] += 1
    assert partitions(sizes) == counted
