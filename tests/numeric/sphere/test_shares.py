"""The landscape over shares, against closed forms for equal modes, random draws, and differences of values."""

import numpy as np
import pytest
from sympy import Rational

from derive import InputError, Loss, Mean, catalogue, cosine, exp, log, views
from derive.losses.limit import population
from derive.sphere.pairs import pair_form
from numeric.sphere.alignment import mean_cosine, slopes_of_lost
from numeric.sphere.equal_modes import Sphere
from numeric.sphere.many_modes import filled, lowest
from numeric.sphere.repulsion import log_mean_exp, powers, squares
from numeric.sphere.shares import landscape, shares

x, x_pos, chi = views("x, x_pos, chi")
LAM = np.array([0.95, 0.9, 0.8, 0.6, 0.4, 0.2])


def infonce(tau):
    return pair_form(catalogue("infonce+normalised").set({"tau": tau}))


def drawn(shares_, correlations, size, seed):
    """Unit vectors of two views of data, (2, size, n)."""
    generator = np.random.default_rng(seed)
    one, noise = generator.standard_normal((2, size, len(shares_)))
    pair = np.stack([one, correlations * one + np.sqrt(1 - correlations**2) * noise]) * np.sqrt(shares_)
    return pair / np.linalg.norm(pair, axis=-1, keepdims=True)


@pytest.mark.parametrize(("r", "kept", "tau"), [(6, 0.3, 1.0), (12, 0.9, 0.2), (40, 0.99, 0.05)])
def test_equal_modes_have_the_closed_forms(r, kept, tau):
    sphere = Sphere(r, kept, tau)
    here = landscape(infonce(Rational(str(tau))), np.full(r, kept))
    value, slope = here.value(np.full(r, 1 / r))
    assert value == pytest.approx(sphere.value(0.0, 0.0), abs=1e-9 / tau)
    # By symmetry; the points are not symmetric.
    assert np.ptp(slope) < 0.2 * abs(value)
    assert here.threshold(np.full(r, 1 / r)) == pytest.approx(sphere.threshold(), abs=3e-3)


def test_one_length_squared_for_two_lengths_would_be_seen_in_the_threshold():
    """1/|u|² has the mean r/(r − 2) where Σ p = 1, and 1/(|u||v|) has the slope of a lost mode."""
    along, _ = slopes_of_lost(np.full(12, 1 / 12), np.full(12, 0.3))
    assert along < 12 / 10 - 0.05
    assert abs(Sphere(12, 0.3).threshold() * (along / 1.2 - 1)) > 3e-3


def test_the_mean_cosine_is_that_of_draws():
    p = np.array([0.4, 0.3, 0.15, 0.1, 0.05, 0.0])
    views_ = drawn(p, LAM, 200_000, 0)
    cosines = (views_[0] * views_[1]).sum(-1)
    value, _ = mean_cosine(p, LAM)
    assert abs(cosines.mean() - value) < 4 * cosines.std() / np.sqrt(len(cosines))


@pytest.mark.parametrize("rate", [0.5, 5.0, 20.0, -5.0])
def test_the_mean_exponential_at_a_direction_is_that_of_draws(rate):
    p = np.array([0.4, 0.3, 0.15, 0.1, 0.05])
    xi2 = squares(5, 128, 0)[:3]
    values, _ = log_mean_exp(p, rate, xi2)
    other = drawn(p, np.zeros(5), 400_000, 1)[0]
    for value, square in zip(values, xi2, strict=True):
        n = np.sqrt(square * p / (square @ p))
        terms = np.exp(rate * other @ n)
        assert abs(terms.mean() - np.exp(value)) < 4.5 * terms.std() / np.sqrt(len(terms))


@pytest.mark.parametrize("power", [2, 4])
def test_the_mean_power_at_a_direction_is_that_of_draws(power):
    p = np.array([0.4, 0.3, 0.15, 0.1, 0.05])
    xi2 = squares(5, 128, 0)[:3]
    other = drawn(p, np.zeros(5), 400_000, 2)[0]
    for value, square in zip(powers(p, power, xi2)[0], xi2, strict=True):
        terms = (other @ np.sqrt(square * p / (square @ p))) ** power
        assert abs(terms.mean() - value) < 4.5 * terms.std() / np.sqrt(len(terms))


@pytest.mark.parametrize("name", ["infonce", "spectral", "alignment-uniformity", "beta-infonce"])
def test_the_gradient_is_that_of_the_value(name):
    loss = catalogue(name).normalised()
    given = {"tau": Rational(1, 5), "t": 2, "lambda": Rational(1, 2), "beta": Rational(2, 3)}
    here = landscape(pair_form(loss.set({key: one for key, one in given.items() if key in loss.parameters})), LAM)
    p = np.array([0.3, 0.25, 0.2, 0.15, 0.05, 0.05])
    _, slope = here.value(p)
    for i, step in enumerate(1e-6 * np.eye(6)):
        difference = (here.value(p + step)[0] - here.value(p - step)[0]) / 2e-6
        assert slope[i] == pytest.approx(difference, rel=1e-5, abs=1e-6)
    assert slope @ p == pytest.approx(0, abs=1e-10)


def test_the_minimum_is_stationary_and_lost_modes_lie_below_the_threshold():
    found = shares(infonce(Rational(1, 5)), LAM)
    here = landscape(infonce(Rational(1, 5)), LAM, seed=99)
    _, slope = here.value(found.shares)
    kept = np.array([bool(one) for one in found.kept])
    assert found.shares.sum() == pytest.approx(1)
    assert np.abs(slope[kept]).max() < 0.05
    assert (found.threshold > LAM[~kept]).all()
    assert (found.threshold < LAM[kept]).all()


def test_modes_far_below_the_threshold_change_nothing():
    lam = np.concatenate([np.linspace(0.95, 0.5, 12), np.linspace(0.2, 0.0, 60)])
    few, many = (shares(infonce(Rational(1, 2)), one) for one in (lam[:12], lam))
    assert not any(many.kept[12:])
    assert many.shares[:12] == pytest.approx(few.shares, abs=5 * (few.errors.max() + many.errors.max()))


def test_an_order_of_the_modes_does_not_matter():
    turned = np.array([3, 0, 5, 1, 4, 2])
    one, other = shares(infonce(Rational(1, 2)), LAM), shares(infonce(Rational(1, 2)), LAM[turned])
    assert other.shares == pytest.approx(one.shares[turned], abs=5 * one.errors.max())


def test_filling_and_the_leading_order_agree_at_high_temperature():
    lam = np.linspace(0.99, 0.5, 200)
    found = lowest(lam, 0.5, 1.0, 0.5)
    assert found.threshold == pytest.approx(filled(lam, 2.0).threshold, abs=1e-3)


@pytest.mark.parametrize("tau", [1, Rational(1, 5), Rational(1, 20)])
def test_the_leading_order_is_near_the_shares_for_many_modes(tau):
    lam = np.linspace(0.99, 0.6, 128)
    found, exact = lowest(lam, float(1 / tau), 1.0, float(1 / tau)), shares(infonce(tau), lam)
    assert abs(found.shares - exact.shares).sum() / 2 < 0.03
    # The paper's model of a fixed norm, 2/3 of the slope, is further away.
    assert abs(filled(lam, 2 / 3 * float(tau)).shares - exact.shares).sum() / 2 > 0.1


def test_limits_of_batch_losses_have_the_landscape_of_infonce():
    for name in ("ntxent", "dcl", "infonce-batch", "weighted-infonce"):
        loss = population(catalogue(name).normalised(), "N").set({"tau": 1})
        assert pair_form(loss).repulsions == infonce(1).repulsions


def test_losses_of_another_kind_have_no_pair_form():
    assert pair_form(catalogue("siglip+normalised")) is None
    assert pair_form(catalogue("ntxent+normalised")) is None
    assert pair_form(Loss(cosine(x, x_pos) ** 2)) is None
    own = Loss(-2 * cosine(x, x_pos) + log(Mean(exp(cosine(x, chi) ** 2), over=chi)))
    assert pair_form(own) is None


def test_a_symbol_without_a_value_and_a_loss_that_pushes_pairs_apart_are_refused():
    with pytest.raises(InputError, match="--set tau="):
        shares(pair_form(catalogue("infonce+normalised")), LAM)
    with pytest.raises(InputError, match="does not pull"):
        shares(pair_form(Loss(cosine(x, x_pos))), LAM)


@pytest.mark.parametrize(("r", "power"), [(3, 1), (4, 2), (5, 2), (6, 2)])
def test_small_lengths_add_a_power_r_of_the_weight_of_a_lost_mode(r, power):
    """L(s) − L(0) − ½L″s² falls like s³ with three kept modes, like s⁴ with five and more, with a log for four."""
    sphere = Sphere(r, 0.9, 0.5)
    here, half = sphere.value(0.0, 0.3), sphere.curvature(0.3) / 2
    rest = [(sphere.value(s, 0.3) - here) / s**2 - half for s in (0.02, 0.04)]
    assert min(rest) > 0
    assert np.log2(rest[1] / rest[0]) == pytest.approx(power, abs=0.1 if r != 4 else 0.4)


def test_two_kept_modes_are_never_stable():
    """The loss falls like s² log s along a lost mode, whatever its view correlation."""
    sphere = Sphere(2, 0.9, 0.5)
    falls = [(sphere.value(s, 0.0) - sphere.value(0.0, 0.0)) / s**2 / np.log(s) for s in (0.02, 0.04)]
    assert min(falls) > 0.5
    assert abs(falls[1] / falls[0] - 1) < 0.3
