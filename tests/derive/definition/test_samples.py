"""Samples are one where their sizes are one function of the parameters, and stay so when values are put in."""

from fractions import Fraction
from random import Random

import numpy as np
import pytest
import sympy

from derive import CATALOGUE, InputError, Loss, Mean, catalogue, exp, half_sq, inner, log, symbols, views
from derive.definition.views import View
from derive.expansion.series import Sample
from numeric.definition import Evaluator
from verify.assurance.oracle.evaluating import expanded
from verify.assurance.oracle.law import Law
from verify.assurance.oracle.random_losses import random_case
from verify.assurance.oracle.words import values

N, M = symbols("N M")
x, x_pos, chi, chi_pos, chi2, phi = views("x, x_pos, chi, chi_pos, chi2, phi")
LAW = Law(
    [[Fraction(1), Fraction(-2)], [Fraction(1, 2), Fraction(3)]],
    [[Fraction(2), Fraction(1)], [Fraction(1), Fraction(1)]],
    [[Fraction(3), Fraction(1, 2)], [Fraction(1, 2), Fraction(4)]],
)


def squared(count, other, view=chi):
    """A product of two means whose fourth order tells one sample from two."""
    left, right = (exp(inner(x, chi)), chi, count), (exp(inner(x, view)), view, other)
    return Loss(half_sq(x, x_pos) + log(Mean(left[0], over=left[1], count=left[2]) + 1)
                * Mean(right[0], over=right[1], count=right[2]))  # fmt: skip


PAIR = Mean(inner(chi, chi_pos), over=(chi, chi_pos), count=N), Mean(inner(chi, chi_pos), over=(chi, chi_pos), count=2)
NESTED = Mean(inner(x, chi) * Mean(inner(x, chi) ** 3, over=chi, count=2), over=chi, count=N)
MERGING = {
    "N − 1 and 1 at 2": (squared(N - 1, 1), {"N": 2}),
    "N and N − 1 and 2, at 3": (
        Loss(squared(N, N - 1).expression + squared(2, N - 1).expression * Mean(inner(chi, chi), over=chi, count=2)),
        {"N": 3},
    ),
    "N and M, equal": (squared(N, M), {"N": 3, "M": 3}),
    "N and M, one put for the other": (squared(N, M), {"M": N}),
    "a name that is taken": (Loss(squared(N, 2).expression + Mean(inner(chi2, x), over=chi2, count=2) ** 2), {"N": 2}),
    "two views of a draw": (Loss(PAIR[0] * PAIR[1]), {"N": 2}),
    "one within the other": (Loss(NESTED), {"N": 2}),
}


@pytest.mark.parametrize("name", MERGING)
def test_put_in_before_or_after_samples_are_the_same(name):
    loss, put = MERGING[name]
    before, after = loss.set(put), loss.expand(4).set(put)
    assert before.expand(4).terms == after.terms
    assert len(before.samples) == len(loss.samples)


@pytest.mark.parametrize("name", MERGING)
def test_the_oracle_says_the_same(name):
    loss, put = MERGING[name]
    if put.get("M") is N:
        put = {"M": 2, "N": 2}
    numbers = {one: Fraction(value) for one, value in put.items()}
    assert values(loss.set(put).expand(4), LAW, {}) == expanded(loss.expression, LAW, numbers, 4)


def test_one_sample_and_two_differ():
    """Otherwise nothing above shows anything; equal numbers in a definition are one sample."""
    loss = squared(N - 1, 1)
    assert len(squared(1, 1).samples) == 1
    assert squared(1, 1).expand(4).terms != loss.set({"N": 2}).expand(4).terms
    assert loss.set({"N": 2}).expand(4).terms == squared(1, 1, chi2).expand(4).terms


def test_sizes_are_compared_as_functions():
    assert squared((N**2 - 1) / (N + 1), N - 1).samples == (Sample("chi", N - 1),)
    assert len(squared(2 * N, N).samples) == 2


def test_a_sample_set_apart_is_shown_and_evaluated_as_one_of_its_own():
    loss = squared(N - 1, 1).set({"N": 2})
    assert loss.samples == (Sample("chi", sympy.S.One), Sample("chi2", sympy.S.One))
    assert "f(χ2)" in loss.text()
    assert r"f(\chi_{2})" in loss.latex()
    assert loss.set({}) == loss
    points = {"x": [1.0, 2.0], "x_pos": [0.5, -1.0], "chi": [1.0, 0.25], "chi2": [-1.0, 0.5]}
    at = {name: np.array(value) for name, value in points.items()}
    drawn = {one: {one.datum: at[one.datum][None]} for one in loss.samples}
    evaluator = Evaluator(lambda over: pytest.fail(f"no population mean over {over}"), drawn, 2)
    found = evaluator.value(loss.expression, {x: at["x"], x_pos: at["x_pos"]})
    a, b = (np.exp(at["x"] @ at[name]) for name in ("chi2", "chi"))
    expected = ((at["x"] - at["x_pos"]) ** 2).sum() / 2 + np.log(a + 1) * b
    assert found == pytest.approx(expected) or found == pytest.approx(
        ((at["x"] - at["x_pos"]) ** 2).sum() / 2 + np.log(b + 1) * a
    )


def test_views_of_a_name_by_hand_are_set_apart_too():
    view = View("other", "chi")
    loss = Loss(Mean(inner(x, view), over=view, count=N) * Mean(inner(x, view), over=view, count=2))
    assert loss.set({"N": 2}).expand(4).terms == loss.expand(4).set({"N": 2}).terms


@pytest.mark.parametrize("name", CATALOGUE)
@pytest.mark.parametrize("number", [2, 3])
def test_the_catalogue_put_in_before_or_after(name, number):
    loss = catalogue(name)
    if "N" not in loss.parameters:
        return
    try:
        after = loss.expand(4).set({"N": number})
    except InputError:
        with pytest.raises(InputError):
            loss.set({"N": number}).expand(4)
        return
    before = loss.set({"N": number}).expand(4)
    assert (before.terms, before.constant) == (after.terms, after.constant)


@pytest.mark.parametrize("seed", range(60))
def test_random_losses_put_in_before_or_after(seed):
    case = random_case(Random(1000 + seed))
    order = min(case.order, 4)
    put = {name: sympy.Rational(value.numerator, value.denominator) for name, value in case.values.items()}
    try:
        before = case.loss.set(put).expand(order)
    except InputError as error:
        assert any(said in str(error) for said in ("odd order", "an entry of the identity"))  # noqa: PT017
        return
    try:
        after = case.loss.expand(order).set(put)
    except InputError as error:
        # A batch of one datum.
        assert "or more" in str(error)  # noqa: PT017
        return
    assert (before.terms, before.constant) == (after.terms, after.constant)
