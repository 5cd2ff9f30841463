"""Moments on data: against plain loops over all tuples of different data, and without a bias."""

from itertools import permutations, product

import numpy as np
import pytest

from derive import CATALOGUE, InputError, Loss, Mean, catalogue, inner, views
from derive.algebra.graphs import COORDINATE, VIEW, WHITE, Vertex
from verify.networks.last_layer.moments import DataMoments, order_values


def by_loops(moment, f):
    """The average over ordered tuples of different rows, views in turn: nothing but loops."""
    number, _, width = f.shape
    data, coordinates = {}, {}
    for which, graph in enumerate(moment):
        for edge in graph:
            for vertex in edge:
                names = data if vertex.kind == VIEW else coordinates
                names.setdefault((which, vertex.group), len(names))
    total, count = 0.0, 0
    for rows in permutations(range(f.shape[1]), len(data)):
        for shift in range(number):
            count += 1
            for at in product(range(width), repeat=len(coordinates)):
                value = 1.0
                for which, graph in enumerate(moment):
                    for edge in graph:
                        u, v = sorted(edge)
                        left = f[(u.view + shift) % number, rows[data[which, u.group]]]
                        if v.kind == COORDINATE:
                            value *= left[at[coordinates[which, v.group]]]
                        else:
                            value *= left @ f[(v.view + shift) % number, rows[data[which, v.group]]]
                total += value
    return total / count


@pytest.mark.parametrize("name", ["infonce-batch", "ntxent", "vicreg", "barlow-twins", "alignment-uniformity"])
def test_all_moments_of_a_loss_are_those_of_plain_loops(name):
    f = np.random.default_rng(0).normal(size=(2, 4, 2)) + 0.7
    found = DataMoments(f)
    for moment, _ in catalogue(name).moments(4).terms:
        assert found.value(moment) == pytest.approx(by_loops(moment, f), rel=1e-12, abs=1e-13)


def test_order_six_too():
    f = np.random.default_rng(1).normal(size=(2, 5, 1)) + 0.3
    found = DataMoments(f)
    for moment, _ in catalogue("spectral").moments(4).terms + catalogue("infonce").moments(6).terms[-3:]:
        assert found.value(moment) == pytest.approx(by_loops(moment, f), rel=1e-11)


def test_three_views_are_used_in_turn():
    x, x_pos, chi = Vertex(VIEW, 0, 0), Vertex(VIEW, 0, 1), Vertex(VIEW, 1, 1)
    moment = (((x, x_pos), (x, chi)),)
    f = np.random.default_rng(2).normal(size=(3, 4, 2))
    assert DataMoments(f).value(moment) == pytest.approx(by_loops(moment, f), rel=1e-12)


def test_there_is_no_bias_where_the_plain_average_has_one():
    # ⟨E x, E x⟩ of standard normal data is 0; the average over all pairs, equal ones included, is d/n.
    x, chi = Vertex(VIEW, 0, 0), Vertex(VIEW, 1, 0)
    moment = (((x, chi),),)
    draws = np.random.default_rng(3).normal(size=(2000, 1, 5, 2))
    values = np.array([DataMoments(f).value(moment) for f in draws])
    plain = np.array([float(f[0].mean(0) @ f[0].mean(0)) for f in draws])
    error = values.std() / np.sqrt(len(values))
    assert abs(values.mean()) < 3 * error
    assert plain.mean() > 10 * error


def test_weight_decay_is_the_size_of_W():
    g = Vertex(WHITE, 0, 0)
    assert DataMoments(np.zeros((1, 2, 1)), white=2.5).value((((g, g),),)) == 2.5
    with pytest.raises(
        InputError, match=r"^white noise stands in a loss as weight decay, a multiple of \|f\(g\)\|², alone"
    ):
        DataMoments(np.zeros((1, 2, 1))).value((((g, g), (g, g)),))


def test_what_cannot_be_estimated_is_said():
    x, x_pos, chi = Vertex(VIEW, 0, 0), Vertex(VIEW, 0, 1), Vertex(VIEW, 1, 0)
    with pytest.raises(InputError) as one_view:
        DataMoments(np.zeros((1, 4, 1))).value((((x, x_pos),),))
    assert str(one_view.value) == "the loss takes 2 views of a datum and the features have 1; give 2"
    with pytest.raises(InputError) as one_datum:
        DataMoments(np.zeros((1, 1, 1))).value((((x, chi),),))
    assert str(one_datum.value) == "a moment of 2 independent data cannot be estimated from 1; give more"
    with pytest.raises(InputError) as unset:
        order_values(catalogue("ntxent").moments(2), DataMoments(np.zeros((2, 4, 1))))
    assert str(unset.value) == "the loss still has the parameters N, tau; give each a value"


def test_a_loss_of_ones_own_has_the_orders_that_its_definition_gives():
    x, x_pos, chi = views("x, x_pos, chi")
    loss = Loss(inner(x, x_pos) ** 2 - 3 * Mean(inner(x, chi), over=chi))
    f = np.random.default_rng(4).normal(size=(2, 6, 2))
    found = order_values(loss.moments(4), DataMoments(f))
    pairs = np.array([[f[v, i] @ f[v, j] for j in range(6) for i in range(6) if i != j] for v in range(2)])
    assert found[2] == pytest.approx(-3 * pairs.mean())
    assert found[4] == pytest.approx(np.mean((f[0] * f[1]).sum(-1) ** 2))


def test_the_catalogue_is_covered():
    f = np.random.default_rng(5).normal(size=(2, 6, 2))
    for name in CATALOGUE:
        values = {key: 1 for key in catalogue(name).parameters if key not in ("N", "d1")}
        loss = catalogue(name).set(values | ({"N": 4} if "N" in catalogue(name).parameters else {}))
        assert all(np.isfinite(v) for v in order_values(loss.moments(4), DataMoments(f)).values())
