"""What floats cannot resolve is undecided: terms that cancel, and constants beside which all else is rounding."""

from dataclasses import replace

import numpy as np
import pytest

from derive import Loss, Mean, diagonal_sum, exp, half_sq, inner, log, variance, views
from derive.definition.expression import Coordinate
from verify.audits.definition import audit
from verify.routes import autodiff, monte_carlo, remainder, symmetry
from verify.routes.subject import Subject
from verify.truths.settings import case

x, x_pos, chi = views("x, x_pos, chi")
BIG = 10**30 + 7
SQUARE = Mean(inner(x, chi) ** 2, over=chi)
BASE = -inner(x, x_pos) + SQUARE
HIDDEN = {
    "a constant": BIG + BASE - BIG,
    "terms of order 2": BASE + BIG * Mean(half_sq(x, chi), over=chi) - BIG * Mean(half_sq(x_pos, chi), over=chi),
    "squares": (BIG + SQUARE) ** 2 - BIG**2 - 2 * BIG * SQUARE - inner(x, x_pos),
    "moments": BASE + BIG * (variance(inner(x, chi), over=chi) - SQUARE + Mean(inner(x, chi), over=chi) ** 2),
    "a logarithm": -inner(x, x_pos) + BIG * log(BIG + Mean(exp(inner(x, chi)), over=chi)),
}


@pytest.mark.parametrize("what", HIDDEN)
def test_what_rounding_hides_contradicts_nothing_and_supports_nothing(what):
    found = audit(Loss(HIDDEN[what]), train=False, draws=2000)
    assert found.verdict != "refuted"
    assert not any(one.agrees is False for one in found.evidence)
    assert not any(one.agrees for one in found.evidence if one.route == "monte-carlo")


def _run(loss, expansion):
    subject = Subject(loss, draws=20_000)
    measured = (symmetry.ROUTE, remainder.ROUTE, autodiff.ROUTE, monte_carlo.ROUTE)
    return [one for route in measured for one in route.evidence(subject, expansion)]


@pytest.mark.parametrize("size", [1, 10**6])
def test_an_error_that_rounding_does_not_hide_is_seen(size):
    """A mutant: the expansion of another loss."""
    loss = Loss(BASE + size - size)
    wrong = Loss(BASE + inner(x, x_pos) / 10 + SQUARE / 10).expand(4)
    measured = monte_carlo.measure([case(loss, {}, seed=s) for s in range(2)], 4, 20_000)
    assert max(one.rounding[4] for one in measured) < 1e-2
    assert all(one.agrees is not False for one in monte_carlo.compare(measured, loss.expand(4)))
    assert any(one.agrees is False for one in monte_carlo.compare(measured, wrong))


def test_terms_of_odd_order_on_a_batch_average_to_zero():
    """exp(−f_i) is even in the mean alone: neither is L(−W) = L(W) asked of a batch, nor a circle of even functions."""
    loss = Loss(diagonal_sum(lambda i: exp(-Coordinate(x_pos, i)) - 1) - inner(x, x_pos))
    evidence = _run(loss, loss.expand(4))
    assert not any(one.agrees is False for one in evidence)
    agreed = [one for one in evidence if one.route == "monte-carlo" and one.agrees]
    assert len(agreed) > 2
    expansion = loss.expand(4)
    doubled = replace(expansion, terms=tuple(one._replace(coefficient=2 * one.coefficient) for one in expansion.terms))
    evidence = _run(loss, doubled)
    assert any(one.agrees is False for one in evidence if one.route == "monte-carlo")


def test_the_shaken_value_is_near_the_value():
    loss = Loss(BASE)
    truth = case(loss, {}, seed=0).truth
    plain = truth.averaged(np.ones(1), 4)
    moved = replace(truth, shaken=np.random.default_rng(0)).averaged(np.ones(1), 4)
    assert 0 < abs(moved - plain).max() < 1e-13
