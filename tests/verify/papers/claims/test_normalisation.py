"""What the claims on normalisation, bias and their conditions measure with."""

from math import inf

import numpy as np
import pytest
import sympy

from derive.landscape.landscape import a_i, s_i
from numeric.landscape.landscape import quartic_landscape
from verify.papers.claims.claim import Point
from verify.papers.claims.iclr.conditions import AtMost, sides
from verify.papers.claims.iclr.penalised import B, Landscape, Sigma, d_M, degenerate, ends, on_modes
from verify.papers.claims.values import evaluate

b, s = [0.5, 1.1, -0.3], [0.6, 1.0, 1.5]


@pytest.mark.parametrize("kappa", [0.7, inf])
def test_derivatives_are_those_of_the_value(kappa):
    rng = np.random.default_rng(0)
    landscape = Landscape(np.diag([0.5, -0.2]), np.diag([1.0, 0.6]), np.eye(2), kappa, 0.8, 0)
    z, step = rng.standard_normal((3, 6)), 1e-5 * rng.standard_normal(6)
    rise = (landscape.value(z + step) - landscape.value(z - step)) / 2
    assert rise == pytest.approx(landscape.gradient(z) @ step, rel=1e-7)
    turn = (landscape.gradient(z + step) - landscape.gradient(z - step)) / 2
    assert turn == pytest.approx(landscape.hessian(z) @ step, rel=1e-6)


def test_a_fixed_norm_does_not_see_the_length_but_for_its_own_penalty():
    landscape = Landscape(np.diag([0.5, -0.2]), np.eye(2), np.eye(2), inf, 0.8, 0)
    z = np.random.default_rng(1).standard_normal(6)
    length = (z**2).sum()
    difference = landscape.value(2 * z) - landscape.value(z)
    assert difference == pytest.approx((4 * length - 0.8) ** 2 - (length - 0.8) ** 2)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("kappa", [0.7, inf])
def test_ends_are_the_stationary_points_that_the_theory_lists(kappa, bias):
    reached = ends(b, s, kappa=kappa, bias=bias)
    landscape = reached[0].problem
    listed = quartic_landscape(landscape.B, landscape.Sigma, kappa=kappa, c=0.8, bias=bias)
    grams = [listed.gram(point) for point in listed.stationary_points()]
    assert all(min(np.abs(end.gram - gram).max() for gram in grams) < 1e-8 for end in reached)
    assert len(reached) > len(grams) / 2


def test_starts_within_some_modes_end_there():
    reached = ends(b, s, within=[0, 2])
    assert reached
    assert not any(end.kept[1] for end in reached)


def test_mixed_modes_count_as_one():
    assert {int(end.kept.sum()) for end in degenerate()} == {1, 2}
    assert max(np.abs(end.projection - end.letters["M"]).max() for end in degenerate()) > 0.1


def test_a_value_on_modes_is_a_masked_matrix():
    letters = {"B": np.diag([2.0, 3.0]), "Sigma": np.diag([0.5, 4.0]), "M": np.diag([0.0, 1.0])}
    found = evaluate(on_modes(a_i / s_i**2 + 2), letters)
    assert found == pytest.approx(np.diag([0.0, 3 / 16 + 2]))
    assert on_modes(a_i).free_symbols >= {B} - {Sigma}


def test_the_sides_add_up_to_the_power():
    left, right = sides(sympy.Symbol("u"), sympy.Symbol("v")).values()
    assert evaluate(left - right, {"u": 0.3, "v": 1.2, "d_M": 3.0}) == pytest.approx(0.3 + 2 / 3 - 1.5 / 3)
    assert d_M in right.free_symbols


def test_a_bound_is_met_from_below():
    bound = AtMost("threshold", "exact", "a bound", [Point({}, 1.0, 1e-9), Point({}, 2.0, 1e-9)])
    assert bound.against(sympy.Rational(1, 2)).agrees
    assert bound.against(sympy.Integer(1)).agrees
    assert bound.against(sympy.Rational(3, 2)).agrees is False
