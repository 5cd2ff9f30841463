"""The evaluator of definitions against the same definitions in plain NumPy."""

import numpy as np
import pytest
import sympy

from derive import (
    Mean,
    SecondMoment,
    diagonal_sum,
    exp,
    half_sq,
    inner,
    log,
    off_diagonal_sum,
    sqrt,
    variance,
    views,
    white_noise,
)
from derive.definition.clusters import Sample
from derive.definition.expression import Expression
from derive.definition.language import EMBEDDING_DIMENSION
from numeric.definition import Evaluator

x, x_pos, chi, chi_pos, y = views("x, x_pos, chi, chi_pos, y")
g = white_noise("g")
GENERATOR = np.random.default_rng(0)
D1, POINTS = 2, 4
X, X_POS = GENERATOR.standard_normal((2, POINTS, D1))
P = np.array([0.4, 0.5, -0.2, 0.3])
POPULATIONS = {name: GENERATOR.standard_normal((POINTS, D1)) for name in ("x", "x_pos", "chi", "chi_pos", "y", "g")}
DRAWN = {name: GENERATOR.standard_normal((POINTS, 3, D1)) for name in ("chi", "chi_pos")}
SAMPLE = Sample("chi", sympy.Integer(3))


def evaluate(expression, *, at=(X, X_POS), population=None, samples=None, d1=D1):
    given = population or (lambda over: ({view: POPULATIONS[view.name] for view in over}, P))
    evaluator = Evaluator(given, samples if samples is not None else {SAMPLE: DRAWN}, d1)
    return evaluator.value(expression, dict(zip((x, x_pos), at, strict=True)))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (inner(x, x_pos), (X * X_POS).sum(1)),
        (half_sq(x, x_pos), ((X - X_POS) ** 2).sum(1) / 2),
        (exp(-inner(x, x)), np.exp(-(X**2).sum(1))),
        (log(1 + inner(x, x)), np.log(1 + (X**2).sum(1))),
        (sqrt(1 + inner(x, x)), np.sqrt(1 + (X**2).sum(1))),
        ((2 + inner(x, x)) ** -3, (2 + (X**2).sum(1)) ** -3.0),
        (3 * inner(x, x_pos) * inner(x, x) - half_sq(x, x_pos) / 2, None),
    ],
)
def test_plain_functions_of_inner_products(expression, expected):
    if expected is None:
        expected = 3 * (X * X_POS).sum(1) * (X**2).sum(1) - ((X - X_POS) ** 2).sum(1) / 4
    assert evaluate(expression) == pytest.approx(expected, rel=1e-14)


def test_a_population_mean_is_a_weighted_sum_at_each_point():
    found = evaluate(log(2 + Mean(inner(x, chi) ** 2, over=chi)))
    expected = [np.log(2 + sum(p * (u @ v) ** 2 for p, v in zip(P, POPULATIONS["chi"], strict=True))) for u in X]
    assert found == pytest.approx(np.array(expected), rel=1e-13)


def test_nested_means_keep_their_places():
    """E_χ (E_y ⟨x, χ⟩⟨χ, y⟩ + |x|²)²."""
    found = evaluate(Mean((Mean(inner(x, chi) * inner(chi, y), over=y) + inner(x, x)) ** 2, over=chi))
    expected = [
        sum(
            p * (sum(q * (u @ v) * (v @ w) for q, w in zip(P, POPULATIONS["y"], strict=True)) + u @ u) ** 2
            for p, v in zip(P, POPULATIONS["chi"], strict=True)
        )
        for u in X
    ]
    assert found == pytest.approx(np.array(expected), rel=1e-13)


def test_two_views_of_a_datum_are_averaged_together():
    seen = []

    def population(over):
        seen.append(over)
        return {view: POPULATIONS[view.name] for view in over}, P

    found = evaluate(Mean(inner(chi, chi_pos) * inner(x, chi), over=(chi, chi_pos)), population=population)
    pairs = list(zip(P, POPULATIONS["chi"], POPULATIONS["chi_pos"], strict=True))
    assert found == pytest.approx(np.array([sum(p * (v @ w) * (u @ v) for p, v, w in pairs) for u in X]), rel=1e-13)
    assert seen == [(chi, chi_pos)]


def test_a_sample_is_each_points_own():
    found = evaluate(log(Mean(exp(-half_sq(x, chi)), over=chi, count=3)))
    expected = [np.log(np.mean([np.exp(-((u - v) ** 2).sum() / 2) for v in DRAWN["chi"][i]])) for i, u in enumerate(X)]
    assert found == pytest.approx(np.array(expected), rel=1e-13)


def test_a_sample_inside_of_a_population_mean_and_the_other_way_round():
    inside = evaluate(Mean(Mean(inner(y, chi) ** 2, over=chi, count=3) * inner(x, y), over=y))
    outside = evaluate(Mean(Mean(inner(y, chi) ** 2 * inner(x, y), over=y), over=chi, count=3))
    expected = [
        sum(
            p * np.mean([(w @ v) ** 2 for v in DRAWN["chi"][i]]) * (u @ w)
            for p, w in zip(P, POPULATIONS["y"], strict=True)
        )
        for i, u in enumerate(X)
    ]
    assert inside == pytest.approx(np.array(expected), rel=1e-13)
    assert outside == pytest.approx(np.array(expected), rel=1e-13)


def test_two_views_of_a_sample_stay_in_step():
    found = evaluate(Mean(inner(chi, chi_pos), over=(chi, chi_pos), count=3) + inner(x, x))
    expected = (DRAWN["chi"] * DRAWN["chi_pos"]).sum(-1).mean(-1) + (X**2).sum(1)
    assert found == pytest.approx(expected, rel=1e-13)


def moment(first, second, *, centred=False):
    u, v = POPULATIONS[first], POPULATIONS[second]
    return (u.T * P) @ v - (np.outer(P @ u, P @ v) if centred else 0)


def test_sums_over_coordinates_are_those_of_the_matrix():
    M = SecondMoment(x, x_pos)
    matrix = moment("x", "x_pos")
    assert evaluate(diagonal_sum(lambda i: (1 - M[i, i]) ** 2)) == pytest.approx(((1 - np.diag(matrix)) ** 2).sum())
    off = (matrix**2).sum() - (np.diag(matrix) ** 2).sum()
    assert evaluate(off_diagonal_sum(lambda i, j: M[i, j] ** 2)) == pytest.approx(off)


def test_a_centred_moment_subtracts_the_means():
    M = SecondMoment(x, x, centred=True)
    found = evaluate(diagonal_sum(lambda i: sqrt(M[i, i] + 2)))
    assert found == pytest.approx(np.sqrt(np.diag(moment("x", "x", centred=True)) + 2).sum())


def test_d1_is_the_embeddings_dimension():
    scaled: Expression = inner(x, x) / EMBEDDING_DIMENSION
    assert evaluate(scaled) == pytest.approx((X**2).sum(1) / 2)


def test_a_variance_is_the_mean_square_less_the_squared_mean():
    found = evaluate(variance(half_sq(x, chi), over=chi))
    halves = ((X[:, None] - POPULATIONS["chi"]) ** 2).sum(-1) / 2
    assert found == pytest.approx((halves**2) @ P - (halves @ P) ** 2, rel=1e-12)


def test_complex_points_are_not_conjugated():
    found = evaluate(inner(x, x_pos), at=(1j * X, X_POS))
    assert found == pytest.approx(1j * (X * X_POS).sum(1))


def test_a_mean_of_a_number_is_that_number():
    assert evaluate(Mean(3 + 0 * inner(y, y), over=y)) == 3.0


def test_a_node_without_a_value_is_an_error():
    class Strange(Expression):
        pass

    with pytest.raises(TypeError, match=r"^no value is known for Strange; was a new node added"):
        evaluate(Strange())
