"""Every route runs on data of many dimensions, and what is not finite decides nothing."""

from dataclasses import replace
from math import inf, nan

import numpy as np
import pytest
import sympy

from derive import InputError, Loss, Mean, catalogue, exp, inner, log, symbols, views
from derive.landscape.landscape import landscapes
from numeric.sampling import random_covariances
from verify.assurance.mutants import mutants
from verify.evidence.significance import within
from verify.networks.last_layer.prediction import Order
from verify.papers.claims.claim import Measured, Point
from verify.routes import autodiff, monte_carlo, parity, remainder, symmetry
from verify.routes.minima import case_at, held_against, lowest
from verify.routes.reopening.transition import crossing
from verify.routes.subject import Subject
from verify.truths.settings import case
from verify.truths.taylor import safe_radius

x, x_pos, chi = views("x, x_pos, chi")
N, rho, tau = symbols("N rho tau")


MEASURED = (parity.ROUTE, symmetry.ROUTE, remainder.ROUTE, autodiff.ROUTE, monte_carlo.ROUTE)


def of(loss, *, given=None, d0=None, draws=500, order=4, seed=0):
    data = None if d0 is None else random_covariances(np.random.default_rng(d0), d0)
    given = {name: sympy.sympify(value) for name, value in (given or {}).items()}
    return Subject(loss, given, order, covariances=data, seed=seed, draws=draws)


def all_of(subject, *routes):
    return [one for route in routes or MEASURED for one in route.evidence(subject, subject.expansion)]


def of_route(evidence, route):
    return [one for one in evidence if one.route == route]


@pytest.mark.parametrize("d0", [5, 17])
@pytest.mark.parametrize(
    "name", ["infonce", "ntxent", "barlow-twins", "vicreg", "vicreg-soft", "spectral", "infonce+bias"]
)
def test_every_route_runs_on_given_data_of_many_dimensions(name, d0):
    evidence = all_of(of(catalogue(name), d0=d0))
    assert [one.note for one in evidence if not one.ran] == []
    assert not any(one.agrees is False for one in evidence)
    assert all(one.agrees for route in ("remainder", "autodiff") for one in of_route(evidence, route))


def test_a_wrong_term_is_found_on_data_of_many_dimensions():
    loss = catalogue("infonce")
    right = of(loss, d0=9)
    for route in (remainder.ROUTE, autodiff.ROUTE):
        measured = route.measured(right)
        for label, wrong in mutants(right.expansion):
            assert [one.agrees for one in route.compare(measured, wrong)] == [False], label


@pytest.mark.parametrize("d0", [None, 6])
def test_a_batch_that_is_given_is_run_where_it_can_be(d0):
    (found,) = all_of(of(catalogue("ntxent"), given={"N": 6}, d0=d0), remainder.ROUTE)
    assert (found.ran, found.agrees) == (True, True)
    for one in all_of(of(catalogue("ntxent"), given={"N": 12}, d0=d0), autodiff.ROUTE):
        assert (one.ran, one.agrees) == (True, True)


def test_a_batch_that_is_too_large_is_said_to_be():
    (found,) = all_of(of(catalogue("ntxent"), given={"N": 300}, d0=6), remainder.ROUTE)
    assert not found.ran
    assert found.note == "a batch of 300 needs too many cubature nodes at order 4; leave N open"


# What is not finite.


@pytest.fixture(scope="module")
def debiased():
    """The logarithm of a difference: of a negative number where W is large."""
    s, p = inner(x, chi) / tau, inner(x, x_pos) / tau
    return Loss(-p + log(exp(p) + (N - 1) * (Mean(exp(s), over=chi, count=N - 1) - rho * exp(p)) / (1 - rho)))


@pytest.mark.parametrize("seed", range(4))
def test_a_logarithm_of_a_negative_number_refutes_nothing(debiased, seed):
    found = all_of(of(debiased, draws=20_000, seed=seed))
    assert not any(one.agrees is False for one in found)
    assert [one.agrees for one in of_route(found, "exact")] == [True, True]
    assert not any(isinstance(one.measured, float) and not np.isfinite(one.measured) for one in found)


def test_a_loss_that_is_finite_nowhere_decides_nothing(monkeypatch):
    monkeypatch.setattr(symmetry, "drawn", lambda *_: np.full((4, 3), nan))
    (found,) = all_of(of(catalogue("infonce")), symmetry.ROUTE)
    assert found.agrees is None
    assert "no finite values" in found.note


def test_a_loss_that_does_not_move_passes_no_symmetry(monkeypatch):
    """At so small a t that values are those at 0, L(−W) = L(W) says nothing."""
    monkeypatch.setattr(symmetry, "drawn", lambda *_: np.full((4, 3), 0.7))
    assert [one.agrees for one in all_of(of(catalogue("infonce")), symmetry.ROUTE)] == [None, None]


@pytest.mark.parametrize("route", [symmetry.ROUTE, remainder.ROUTE, autodiff.ROUTE, monte_carlo.ROUTE])
def test_a_route_that_cannot_measure_says_so_in_a_line(route):
    """A route never leaves an audit without a word."""

    def refuse(_):
        message = "nothing can be drawn"
        raise InputError(message)

    subject = of(catalogue("infonce"))
    (line,) = replace(route, measure=refuse).evidence(subject, subject.expansion)
    assert (line.route, line.mark, line.note) == (route.name, "not run", "nothing can be drawn")


@pytest.mark.parametrize("bad", [nan, inf, -inf])
def test_nothing_that_is_not_finite_is_compared(bad):
    assert within(bad, 1.0) is None
    assert within(0.0, nan) is None
    assert (within(0.5, 1.0), within(2.0, 1.0)) == (True, False)


@pytest.mark.parametrize("order", [1, 2, 4])
@pytest.mark.parametrize("bad", [nan, inf])
def test_derivatives_that_are_not_finite_decide_nothing(bad, order):
    loss = catalogue("infonce")
    measured = autodiff.measure(case(loss, {}, seed=0), 4)
    broken = replace(measured, coefficients=measured.coefficients | {order: bad})
    assert autodiff.compare(broken, loss.expand(4)).agrees is None
    every = replace(measured, coefficients=dict.fromkeys(measured.coefficients, bad))
    assert autodiff.compare(every, loss.expand(4)).agrees is None


@pytest.mark.parametrize("bad", [nan, inf])
def test_averages_that_are_not_finite_decide_nothing(bad):
    loss = catalogue("infonce")
    at = [case(loss, {}, seed=k, dimension=3) for k in range(2)]
    values = np.ones((20_000, 2)) * [-1.0, bad] + 0.1 * np.random.default_rng(0).standard_normal((20_000, 2))
    found = monte_carlo.compare([monte_carlo.averages(one, (2, 4), values) for one in at], loss.expand(4))
    fourth = [one for one in found if "order 4" in one.quantity]
    assert len(fourth) == 2
    assert [one.agrees for one in fourth] == [None, None]


def test_a_draw_without_a_value_makes_the_circle_smaller():
    """The fiftieth draw is where the loss is not finite on the first circle."""
    loss = catalogue("infonce")
    at = case(loss, {}, seed=0, dimension=3)

    class Partly:
        setting, how, odd = at.truth.setting, at.truth.how, False

        def rows(self, draws):
            return at.truth.rows(draws)

        def drawn(self, ts, degree, generator, draws):
            values = at.truth.drawn(ts, degree, generator, draws)
            if draws != monte_carlo.PROBED_BLOCKS or abs(ts[0]) > 0.04:
                values[-1] = np.where(abs(ts) > 0.04, nan, values[-1])
            return values

    (found,) = monte_carlo.measure([replace(at, truth=Partly())], 4, 100_000)
    assert np.isfinite([*found.mean.values(), *found.error.values()]).all()
    assert not any(one.agrees is False for one in monte_carlo.compare([found], loss.expand(4)))


def test_the_radius_of_a_function_without_values_is_no_error():
    assert 0 < safe_radius(lambda ts: np.full(len(ts), nan), 1.0) < 1e-10
    assert safe_radius(lambda ts: np.where(abs(ts) > 0.3, nan, 1 + ts**2), 1.0) == pytest.approx(0.125)


@pytest.mark.parametrize("noisy", [False, True])
@pytest.mark.parametrize("bad", [nan, inf])
def test_a_measurement_of_a_claim_that_is_not_finite_decides_nothing(bad, noisy):
    measured = Measured("slot", "exact", "a number", [Point({}, bad, 0.1)], noisy=noisy)
    assert measured.against(sympy.Integer(1)).agrees is None
    said = Measured("slot", "exact", "a number", [Point({}, 1.0, 0.1)], noisy=noisy)
    assert said.against(sympy.nan).agrees is None
    assert said.against(sympy.oo).agrees is False


@pytest.mark.parametrize("bad", [nan, inf])
@pytest.mark.parametrize("field", ["measured", "predicted", "difference_error"])
def test_an_order_of_the_last_layer_that_is_not_finite_decides_nothing(field, bad):
    fine = Order(4, 1.0, 0.01, 1.0, 0.01, 0.01, nan, blocks=64)
    assert (fine.agrees, fine.sign) == (True, 1)
    assert replace(fine, **{field: bad}).agrees is None
    assert replace(fine, measured=nan).sign == 0


def test_a_curvature_that_is_not_finite_changes_no_sign():
    for value in (nan, inf):
        found = crossing(lambda s, value=value: np.full(8, value if s > 0.5 else -1.0) + 1e-3 * np.arange(8), 0.0, 1.0)
        assert not found.found
        assert not found.absent


def test_a_minimum_that_is_not_finite_decides_nothing():
    expansion = catalogue("infonce").expand(4)
    found, landscape = lowest(expansion, {}, 0), case_at(landscapes(expansion), {"d1": 2})
    assert held_against(found, landscape).agrees is True
    assert held_against(replace(found, ends=found.ends + 1), landscape).agrees is False
    assert held_against(replace(found, ends=found.ends * nan), landscape).agrees is None
