"""What a loss of unit vectors does at one and two kept modes, against its value by quadrature."""

import numpy as np
import pytest

from derive import InputError, Rational, catalogue
from derive.sphere.pairs import pair_form
from numeric.sphere.equal_modes import Sphere
from numeric.sphere.low_ranks import slope_at_low_rank


def form(name, **values):
    return pair_form(catalogue(f"{name}+normalised").set(values))


@pytest.mark.parametrize("tau", [Rational(1), Rational(1, 5)])
@pytest.mark.parametrize("correlation", [0.0, 0.9])
def test_infonce_falls_along_each_lost_mode(tau, correlation):
    C = [slope_at_low_rank(form("infonce", tau=tau), rank) for rank in (1, 2)]
    one, two = (Sphere(rank, 0.5, float(tau)) for rank in (1, 2))
    s = 1e-4
    assert (one.value(0, correlation) - one.value(s, correlation)) / s == pytest.approx(C[0], rel=0.01)
    # |z|² has the mean 2 there: f is longer by √2, and s shorter.
    falls = [(two.value(0, correlation) - two.value(step, correlation)) / (step**2 / 2) for step in (1e-3, 1e-4)]
    assert (falls[1] - falls[0]) / np.log(10) == pytest.approx(C[1], rel=0.005)


def test_spectral_with_one_mode():
    """E c² = a² + (1 − a)² with a = 1/(1 + s) for f = (u, s y)."""
    assert slope_at_low_rank(form("spectral", tau=1), 1) == pytest.approx(2)
    # E c² = ½ on the circle, and two ends.
    assert slope_at_low_rank(form("spectral", tau=1), 2) == pytest.approx(2)


def test_the_log_of_a_mean_of_all_pairs():
    """At a small rate it is a mean of k c + k² c²/2."""
    k, found = Rational(1, 100), {}
    for rank in (1, 2):
        found[rank] = slope_at_low_rank(form("alignment-uniformity", t=k / 2, **{"lambda": 1}), rank)
        assert found[rank] == pytest.approx(1e-4 * slope_at_low_rank(form("spectral", tau=1), rank) / 2, rel=1e-3)


def test_other_ranks_are_refused():
    with pytest.raises(InputError, match="rank 3: losses of unit vectors have a second derivative at rank 3"):
        slope_at_low_rank(form("infonce", tau=1), 3)
