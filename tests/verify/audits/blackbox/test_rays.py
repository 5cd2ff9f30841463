import numpy as np
import pytest

from verify.audits.blackbox import rays

ONE = np.array(1.0)
KNOWN = {
    "exp": (np.exp, [1, 1, 1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720]),
    "log": (np.log1p, [0, 1, -1 / 2, 1 / 3, -1 / 4, 1 / 5, -1 / 6]),
    "cosh": (np.cosh, [1, 0, 1 / 2, 0, 1 / 24, 0, 1 / 720]),
    "root": (lambda t: np.sqrt(1 + t), [1, 1 / 2, -1 / 8, 1 / 16, -5 / 128, 7 / 256, -21 / 1024]),
}


@pytest.mark.parametrize("radius", [0.125, 1.0, 4.0])
def test_polynomials_are_exact(radius):
    wanted = np.random.default_rng(0).standard_normal(7)
    ray = rays.along(lambda t: np.polynomial.polynomial.polyval(t, wanted), ONE, radius)
    assert ray.settled
    assert (np.abs(ray.coefficients - wanted) <= ray.errors + 1e-15).all()


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize("radius", [0.0625, 0.125, 0.25])
def test_errors_are_as_stated(name, radius):
    function, wanted = KNOWN[name]
    ray = rays.along(function, ONE, radius)
    assert ray.settled
    assert (np.abs(ray.coefficients - wanted) <= ray.errors).all()


@pytest.mark.parametrize("share", [0.3, 0.01, 1e-3, 1e-4])
@pytest.mark.parametrize("rate", [0.5, 1.0, 3.0])
def test_what_is_left_of_larger_numbers_has_their_rounding(share, rate):
    # The log of a mean near 1, as of many pairs of which few are away from 0: a value of 1e-4 with a rounding of 1e-16.
    wanted = {2: -share * rate, 4: (share - share**2) * rate**2 / 2}
    for radius in (0.0625, 0.125, 0.25, 0.5):
        ray = rays.along(lambda t: np.log(1 - share + share * np.exp(-rate * t * t)), ONE, radius, order=4)
        assert all(abs(ray.coefficients[k] - value) <= ray.errors[k] for k, value in wanted.items())


def test_errors_are_not_beyond_all_measure():
    function, wanted = KNOWN["exp"]
    ray = rays.along(function, ONE, rays.radii(function, ONE, order=4)[0])
    assert ray.errors[4] < 1e-10
    assert abs(ray.coefficients[4] - wanted[4]) < 1e-11


def test_a_wrong_table_is_rejected(monkeypatch):
    table = rays._powers().copy()
    table[4, 4] *= 1.001
    monkeypatch.setattr(rays, "_powers", lambda: table)
    function, wanted = KNOWN["cosh"]
    ray = rays.along(function, ONE, 0.25)
    assert abs(ray.coefficients[4] - wanted[4]) > ray.errors[4]


@pytest.mark.parametrize("function", [abs, lambda t: abs(t) ** 3, lambda t: max(t, 0.0) * t, np.sign])
def test_what_is_not_smooth_does_not_settle(function):
    found = rays.radii(lambda t: float(function(t)) + np.exp(t), ONE, order=4)
    # A cube is lost beside a slope where t is small: a radius that no smooth function needs.
    assert found is None or found[0] < 0.01


def test_a_singularity_near_by_takes_a_smaller_radius():
    assert rays.radii(lambda t: np.log(1 + t * t / 0.01), ONE, order=4)[0] <= 0.1


def test_along_a_ray_of_zeros_the_widest_radius_is_taken():
    assert rays.radii(lambda t: 0.0 * t, ONE, order=4) == (max(rays.RADII), max(rays.RADII))


def test_not_a_number_settles_nowhere():
    ray = rays.along(lambda t: np.nan * t, ONE, 1.0)
    assert not ray.settled
    assert np.isnan(ray.coefficients).all()
