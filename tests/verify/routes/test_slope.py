"""The judgement of a slope calls no right expansion wrong, and finds wrong coefficients where float64 shows them."""

import mpmath
import numpy as np
import pytest

from verify.assurance.error_rates.slopes import judged
from verify.routes.slope import slope, ts_within

ROUNDING = 1e-15


@pytest.mark.parametrize("misjudged", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_right_series_are_never_wrong_and_wrong_ones_are_found(seed, misjudged):
    right, wrong = judged(seed, 100, misjudged=misjudged)
    assert right[False] == 0
    assert right[True] > (60 if misjudged else 70)
    assert wrong[False] > (0.9 if misjudged else 0.97) * wrong.total()
    assert wrong[True] <= 0.002 * wrong.total()


FUNCTIONS = {
    "log": lambda u: mpmath.log(1 + u),
    "root": lambda u: mpmath.sqrt(1 + u),
    "pole": lambda u: 1 / (1 + u),
    "softplus": lambda u: mpmath.log(1 + mpmath.exp(12 * u - 10)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_beyond_the_radius_nothing_is_wrong(name):
    """There the last term of the truncation takes over, and its power is the order: the likeness of a wrong term."""
    f = FUNCTIONS[name]
    coefficients = mpmath.taylor(f, 0, 6)
    for reach in (1, 3, 10, 30, 100):
        for depth in (4, 40, 400):
            for n in (1, 2, 3):
                ts = ts_within(2.0 * reach, depth, 24)
                truth = np.array([float(f(mpmath.mpf(t) ** 2)) for t in ts])
                truncation = sum(float(coefficients[k]) * ts ** (2 * k) for k in range(n + 1))
                noise = ROUNDING * float(max(1, np.abs(truth).max(), np.abs(truncation).max()))
                assert slope(ts, truth - truncation, noise, 2 * n).agrees is not False, (reach, depth, n)


def test_a_remainder_that_changes_sign_decides_nothing():
    ts = ts_within(1.0, 10)
    found = slope(ts, ts**6 * (ts**2 - (2 * ts[0]) ** 2), 1e-16, 4)
    assert (found.agrees, found.settled) == (None, False)
    assert "changes sign" in found.reason


def test_a_slope_on_its_way_from_eight_to_six_decides_nothing_until_smaller_t_are_seen():
    def of(depth):
        ts = ts_within(1.0, depth)
        return slope(ts, ts**8 + 1e-3 * ts**6, 1e-30, 4)

    assert of(5).agrees is None
    assert "smaller t" in of(5).reason
    assert (of(1e4).agrees, round(of(1e4).value, 2)) == (True, 6.0)


def test_too_few_points_decide_nothing():
    ts = ts_within(1.0, 10, 9)
    found = slope(ts, ts**4, ts[2] ** 4 / 300, 4)
    assert (found.value, found.agrees) == (None, None)
    assert found.reason == "too few points above rounding"


def test_nothing_left_passes_only_where_the_terms_would_show():
    ts = ts_within(1.0)
    assert slope(ts, 1e-16 * ts, 1e-15, 4, term=0.1).agrees is True
    assert slope(ts, 1e-16 * ts, 1e-15, 4, term=1e-12).agrees is None


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_are_left_out_and_decide_nothing(bad):
    ts = ts_within(1.0)
    right, wrong = ts**6, ts**4
    for differences in (right, wrong):
        assert slope(ts, np.where(ts > 0, bad, differences), 1e-16, 4, term=1.0).agrees is None
        assert slope(ts, np.where(ts > ts[4], bad, differences), 1e-16, 4, term=1.0).agrees is None
    beyond = np.where(ts > 0.3, bad, right)
    assert slope(ts, beyond, 1e-16, 4).agrees is True
    assert slope(ts, np.where(ts > 0.3, bad, wrong), 1e-16, 4).agrees is False


def test_numbers_with_more_digits_than_floats_have():
    with mpmath.workdps(80):
        ts = [mpmath.mpf(float(t)) for t in ts_within(1.0, 1e6)]
        rest = [mpmath.cos(t) - 1 + t**2 / 2 for t in ts]
        assert slope(ts, [one - t**4 / 24 for t, one in zip(ts, rest, strict=True)], 1e-78, 4).agrees is True
        # One part in 10¹², which float64 does not show.
        wrong = [one - t**4 / 24 * (1 + mpmath.mpf(10) ** -9) for t, one in zip(ts, rest, strict=True)]
        assert slope(ts, wrong, 1e-78, 4).agrees is False


def test_each_point_may_have_its_own_noise():
    ts = ts_within(1.0)
    noise = 1e-16 * np.where(ts < 0.02, 1e6, 1.0)
    assert slope(ts, ts**6, noise, 4).agrees is True
    assert slope(ts, ts**4, noise, 4).agrees is False
