"""The order of 1 in the number of kept modes, beside the exact landscape of the shares."""

import numpy as np
import pytest
import torch

from derive import Rational, catalogue
from derive.sphere.pairs import pair_form
from numeric.sphere import next_order
from numeric.sphere.next_order import beyond, corrected, leading
from numeric.sphere.shares import landscape, many_modes, shares


def settings(n, rate):
    p = np.linspace(1, 0.3, n)
    return p / p.sum(), np.linspace(0.95, 0.3, n), float(rate)


def exact(p, lam, rate):
    """The loss by quadrature and quasi-random directions."""
    form = pair_form(catalogue("infonce+normalised").set({"tau": Rational(1, round(rate))}))
    return landscape(form, lam, points=4096).value(p)[0]


def off(n, rate, known):
    """What the leading order, and that with the next, leave of the loss."""
    p, lam, k = settings(n, rate)
    left = known - leading(p, k) + k * float(p @ lam)
    return left, left - beyond(p, lam, k, 1.0, k)[0]


@pytest.fixture(scope="module")
def known():
    return {n: exact(*settings(n, n)) for n in (8, 32)}


def test_what_is_left_falls_with_the_number_of_modes(known):
    """At k = r the leading order is off by a number that stays, the next one by 1/r."""
    (first, after), (later, last) = (off(n, n, known[n]) for n in (8, 32))
    assert first == pytest.approx(later, rel=0.05)
    assert abs(first) > 0.3
    assert abs(after) < 5e-3
    assert abs(last) < abs(after) / 2


@pytest.mark.parametrize("slip", ["gauss", "mean", "variance", "lengths"])
def test_no_part_of_it_can_be_left_out(slip, known, monkeypatch):
    if slip == "lengths":
        monkeypatch.setattr(next_order, "_lengths", lambda p, _: 0 * p.sum())
    else:
        whole = next_order._repulsion
        lost = {"gauss": lambda p, k: -torch.log(-4 * torch.linalg.det(hessian(p, k))) / 2,
                "mean": mean, "variance": variance}[slip]  # fmt: skip
        monkeypatch.setattr(next_order, "_repulsion", lambda p, k: whole(p, k) - lost(p, k))
    _, left = off(32, 32, known[32])
    assert abs(left) > 1.5e-3


def hessian(p, k):
    return next_order._slopes(p, k, *next_order._saddle(p, k))[1]


def mean(p, k):
    sigma, rho = next_order._saddle(p, k)
    return (k**2 / (2 * rho) * p**2 / (1 + sigma * p) * (2 * (p**2).sum() - 2 * p)).sum()


def variance(p, k):
    sigma, rho = next_order._saddle(p, k)
    g = k**2 / (2 * rho) * p / (1 + sigma * p)
    along = torch.stack([-g * p / (1 + sigma * p), -g / rho])
    along = along - (along * p).sum(1, keepdim=True)
    return -torch.linalg.solve(hessian(p, k), 2 * (along * p**2) @ along.T).trace() / 2


def test_its_slope_is_that_of_its_values():
    p, lam, k = settings(12, 5)
    _, slope = beyond(p, lam, k, 1.0, k)
    step = np.eye(12)[3] * 1e-5
    values = [beyond(p + sign * step, lam, k, 1.0, k)[0] for sign in (1, -1)]
    assert slope[3] == pytest.approx((values[0] - values[1]) / 2e-5, rel=1e-6)


@pytest.mark.parametrize("tau", [Rational(1), Rational(1, 5)])
def test_shares_come_closer_to_those_of_the_exact_landscape(tau):
    form = pair_form(catalogue("infonce+normalised").set({"tau": tau}))
    lam = np.linspace(0.95, 0.05, 24)
    known, first, k = shares(form, lam).shares, many_modes(form, lam).shares, float(1 / tau)
    after = corrected(lam, k, 1.0, k).shares
    assert np.abs(after - known).max() < np.abs(first - known).max() / 2


def test_a_correction_that_is_not_small_gives_nothing():
    assert corrected(np.array([0.9, 0.1]), 100.0, 1.0, 100.0) is None
