"""Means over pairs and further views, log det and inverses, evaluated: against the same in plain NumPy."""

from itertools import permutations

import numpy as np
import pytest
import sympy

from derive import (
    InputError,
    Mean,
    SecondMoment,
    diagonal_sum,
    distinct,
    embedding,
    exp,
    half_sq,
    identity,
    inner,
    inverse,
    log,
    log_det,
    off_diagonal_sum,
    trace,
    views,
)
from derive.definition.clusters import Sample
from derive.definition.drawn_out import centre, drawn_out, views_by_datum
from numeric.definition import Evaluator
from numeric.sampling import random_covariances

x, x_pos, x_v, x_w, u, u_pos, w, w_pos, z = views("x, x_pos, x_v, x_w, u, u_pos, w, w_pos, z")
GENERATOR = np.random.default_rng(7)
BATCH, N, D1 = 3, 4, 2
U, U_POS = GENERATOR.standard_normal((2, BATCH, N, D1))
X = GENERATOR.standard_normal((BATCH, D1))
DRAWS = GENERATOR.standard_normal((3, BATCH, D1))
NOISE, WEIGHTS = GENERATOR.standard_normal((5, D1)) / 3, np.array([0.1, 0.2, 0.3, 0.25, 0.15])
SAMPLES = {Sample("u", sympy.Integer(N)): {"u": U, "u_pos": U_POS}}


def evaluate(expression):
    node = drawn_out(expression)
    at = {x: X, centre(x): DRAWS[0]}
    at |= dict(zip(views("x_1of3, x_2of3, x_3of3"), DRAWS, strict=True))

    def noise(number):
        which = np.array(np.meshgrid(*[range(5)] * number, indexing="ij")).reshape(number, -1)
        return tuple(NOISE[k] for k in which), WEIGHTS[which].prod(0)

    def population(over):
        raise AssertionError(over)

    return Evaluator(population, SAMPLES, D1, noise).value(node, at)


def pairs_of(function):
    return np.array([np.mean([function(b, i, j) for i, j in permutations(range(N), 2)]) for b in range(BATCH)])


CASES = {
    "pairs": (
        log(Mean(exp(-half_sq(u, w)), over=distinct(u, w), count=N)),
        np.log(pairs_of(lambda b, i, j: np.exp(-((U[b, i] - U[b, j]) ** 2).sum() / 2))),
    ),
    "pairs of views": (
        Mean(inner(u, w_pos) * inner(u_pos, u), over=distinct(u, u_pos, w_pos), count=N),
        pairs_of(lambda b, i, j: (U[b, i] @ U_POS[b, j]) * (U_POS[b, i] @ U[b, i])),
    ),
    "triples": (
        Mean(inner(u, w) * inner(w, z), over=distinct(u, w, z), count=N),
        np.array(
            [
                np.mean([(U[b, i] @ U[b, j]) * (U[b, j] @ U[b, k]) for i, j, k in permutations(range(N), 3)])
                for b in range(BATCH)
            ]
        ),
    ),
    "an anchor beside pairs": (
        Mean(inner(x, u) * inner(u, w), over=distinct(u, w), count=N),
        pairs_of(lambda b, i, j: (X[b] @ U[b, i]) * (U[b, i] @ U[b, j])),
    ),
    "three further views": (
        log(Mean(exp(inner(x, x_v)), over=x_v, of=x, count=3)),
        np.log(np.mean([np.exp((X * one).sum(-1)) for one in DRAWS], axis=0)),
    ),
    "a centroid": (
        exp(-half_sq(x, Mean(embedding(x_v), over=x_v, of=x, count=3))),
        np.exp(-((X - DRAWS.mean(0)) ** 2).sum(-1) / 2),
    ),
    "pairs of further views": (
        Mean(inner(x_v, x_w) ** 2, over=distinct(x_v, x_w), of=x, count=3),
        np.mean([(DRAWS[i] * DRAWS[j]).sum(-1) ** 2 for i, j in permutations(range(3), 2)], axis=0),
    ),
    "all further views": (
        Mean(exp(inner(x, x_v)), over=x_v, of=x),
        (np.exp(np.einsum("bi,bki->bk", X, DRAWS[0][:, None] + NOISE)) * WEIGHTS).sum(-1),
    ),
    "the centroid of all": (
        inner(x, Mean(embedding(x_v), over=x_v, of=x)),
        (X * DRAWS[0]).sum(-1),
    ),
    "log det": (
        log_det(SecondMoment(u, u, count=N) + sympy.Rational(1, 2) * identity),
        np.linalg.slogdet(np.einsum("bni,bnj->bij", U, U) / N + np.eye(D1) / 2)[1],
    ),
    "whitened": (
        trace(inverse(SecondMoment(u, u, count=N) + identity) @ SecondMoment(u, u_pos, count=N, centred=True)),
        np.einsum(
            "bij,bji->b",
            np.linalg.inv(np.einsum("bni,bnj->bij", U, U) / N + np.eye(D1)),
            np.einsum("bni,bnj->bij", U - U.mean(1, keepdims=True), U_POS) / N,
        ),
    ),
    "entries": (
        off_diagonal_sum(lambda i, j: (SecondMoment(u, u, count=N)[i, j] - identity[i, j]) ** 2)
        + diagonal_sum(lambda i: (SecondMoment(u, u, count=N)[i, i] - identity[i, i]) ** 2),
        ((np.einsum("bni,bnj->bij", U, U) / N - np.eye(D1)) ** 2).sum((1, 2)),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_as_in_numpy(name):
    expression, expected = CASES[name]
    assert evaluate(expression) == pytest.approx(expected, rel=1e-12)


def test_a_log_det_of_complex_numbers_is_analytic():
    """Its mean on a circle around a real point is its value there."""
    expression = log_det(SecondMoment(u, u, count=N) + identity)
    phases = 0.2 * np.exp(2j * np.pi * np.arange(16) / 16)
    samples = {sample: {name: one[None] for name, one in points.items()} for sample, points in SAMPLES.items()}

    def at(t):
        scaled = {sample: {name: t * one for name, one in points.items()} for sample, points in samples.items()}
        return Evaluator(None, scaled, D1).value(expression, {})

    assert np.mean([at(0.6 + phase) for phase in phases], axis=0) == pytest.approx(at(0.6), rel=1e-10)


def test_a_negative_determinant_has_no_logarithm():
    moment = np.einsum("bni,bnj->bij", U, U) / N
    middle = float(np.sort(np.linalg.eigvalsh(moment)[:, 0])[:2].mean())
    signs = np.linalg.slogdet(moment - middle * np.eye(D1))[0]
    assert {*signs} == {-1.0, 1.0}
    found = evaluate(log_det(SecondMoment(u, u, count=N) - sympy.Rational(middle) * identity))
    assert (np.isnan(found) == (signs < 0)).all()


def test_without_the_noise_a_mean_over_all_views_has_no_value():
    node = drawn_out(Mean(exp(inner(x, x_v)), over=x_v, of=x))
    with pytest.raises(InputError, match="the mean over all further views of x has no value on points"):
        Evaluator(None, {}, D1).value(node, {x: X, centre(x): X})


def names(node):
    return {datum: {view.name for view in found} for datum, found in views_by_datum(node).items()}


def test_the_views_that_are_drawn():
    node = drawn_out(Mean(Mean(inner(w, u_pos) * inner(u, x), over=distinct(u, u_pos, w), count=N), over=x))
    assert names(node) == {"x": {"x"}, "u": {"u", "u_pos"}}
    further = drawn_out(Mean(Mean(exp(inner(u_pos, u)), over=u_pos, of=u, count=2), over=u, count=N))
    assert names(further) == {"u": {"u", "u_1of2", "u_2of2"}}


def test_a_datum_is_drawn_with_its_views():
    """Covariances from nodes: A0 between the datum and all views and of itself, Σ of a view."""
    data = random_covariances(np.random.default_rng(2), 2)
    (first, second, datum), weights = data.nodes(3, views=2, datum=True)
    first, second, datum = (one[:, 0] for one in (first, second, datum))

    def covariance(one, other):
        return np.einsum("ki,kj,k->ij", one, other, weights)

    for one, other, expected in (
        (first, first, data.Sigma),
        (first, second, data.A0),
        (first, datum, data.A0),
        (datum, datum, data.A0),
    ):
        assert covariance(one, other) == pytest.approx(expected, abs=1e-12)
