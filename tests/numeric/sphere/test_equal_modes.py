"""InfoNCE of unit vectors by quadrature: against thirty digits, sampling and differences, and wrong ones found out."""

import math

import mpmath
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import hyp0f1

from derive import InputError
from numeric.sphere import equal_modes as module
from numeric.sphere.equal_modes import Sphere

CASES = [(3, 0.9, 0.7), (4, 0.3, 0.1), (12, 0.9, 0.85), (9, 0.95, 0.2), (150, 0.5, 0.45)]


def differences(sphere, opened, h=0.005):
    """L″(0) from values at h and 2h, the next term being s^r or s⁴, and how far that is from the plain difference."""
    zero = sphere.value(0.0, opened)
    near, far = (2 * (sphere.value(step, opened) - zero) / step**2 for step in (h, 2 * h))
    growth = 2 ** min(sphere.r - 2, 2)
    best = (growth * near - far) / (growth - 1)
    return best, abs(best - near)


def means(r, kept, digits):
    """E[n·n′/R²] and E[1/(R R′)] from the joint law of R, R′ and the angle between z and z′.

    The radius is integrated in closed form: Γ(r − k/2) (2 (1 − λ²)/(1 − λ sin 2ω cos φ))^(r − k/2)/2 for the integral
    of ρ^(2r−1−k) exp(…).
    """
    with mpmath.workdps(digits):
        kept, r = mpmath.mpf(str(kept)), mpmath.mpf(r)

        def integral(power, weight):
            def inner(w):
                base = (mpmath.cos(w) * mpmath.sin(w)) ** (r - 1)
                scale = [2 * (1 - kept**2), kept * mpmath.sin(2 * w)]

                def at(p):
                    radial = (scale[0] / (1 - scale[1] * mpmath.cos(p))) ** (r - mpmath.mpf(power) / 2)
                    return weight(w, p) * mpmath.sin(p) ** (r - 2) * base * radial

                return mpmath.quad(at, [0, mpmath.pi / 2, mpmath.pi])

            return mpmath.gamma(r - mpmath.mpf(power) / 2) * mpmath.quad(inner, [0, mpmath.pi / 4, mpmath.pi / 2])

        whole = integral(0, lambda *_: 1)
        aligned = integral(2, lambda w, p: mpmath.cos(p) / mpmath.cos(w) ** 2) / whole
        both = integral(2, lambda w, _: 1 / (mpmath.cos(w) * mpmath.sin(w))) / whole
        return aligned, both


# Each takes seconds; in the closed form, which it agrees with, all sizes are held below.
JOINT = [(3, 0.9, 0.5), *(pytest.param(*one, marks=pytest.mark.slow) for one in ((5, 0.6, 0.01), (12, 0.9, 30.0)))]


@pytest.mark.parametrize(("r", "kept", "temperature"), JOINT)
def test_the_parts_by_the_joint_law_of_both_lengths(r, kept, temperature):
    aligned, both = means(r, kept, 15)
    half, k = mpmath.mpf(r) / 2, 1 / mpmath.mpf(temperature)
    with mpmath.workdps(30):
        cosine = mpmath.besseli(half, k) / mpmath.besseli(half - 1, k)
        expected = 2 * k * (aligned - cosine / (r - 2)), -2 * k * both
    found = Sphere(r, kept, temperature).parts()
    assert found == pytest.approx([float(one) for one in expected], rel=1e-11, abs=1e-13)


def closed(r, kept, temperature):
    """The parts by hypergeometric functions to thirty digits."""
    with mpmath.workdps(30):
        half, k, x = mpmath.mpf(r) / 2, 1 / mpmath.mpf(temperature), mpmath.mpf(kept) ** 2
        aligned = mpmath.sqrt(x) / 2 * mpmath.gammaprod([half + 0.5, half - 0.5], [half + 1, half])
        aligned *= mpmath.hyp2f1(0.5, 1.5, half + 1, x)
        both = mpmath.gammaprod([half - 0.5] * 2, [half] * 2) / 2 * mpmath.hyp2f1(0.5, 0.5, half, x)
        cosine = mpmath.besseli(half, k) / mpmath.besseli(half - 1, k)
        return float(2 * k * (aligned - cosine / (r - 2))), float(-2 * k * both)


@pytest.mark.parametrize("r", [*range(3, 13), 50, 199, 200])
@pytest.mark.parametrize("kept", [1e-9, 0.3, 0.9, 0.999, 1 - 1e-9])
def test_the_parts_at_every_size(r, kept):
    for temperature in (0.01, 0.1, 1.0, 1e3, 1e8):
        found, expected = Sphere(r, kept, temperature).parts(), closed(r, kept, temperature)
        # P is a difference of two means, each at most 1/(r − 2).
        assert abs(found[0] - expected[0]) < 2e-11 / temperature / (r - 2)
        assert found[1] == pytest.approx(expected[1], rel=1e-11)


def value(r, kept, temperature, s, opened):
    """L(s) by adaptive quadrature nested in itself, over t and t′ and over y/R as they stand."""

    def integral(function):
        return quad(function, 0, np.inf, epsabs=1e-12, epsrel=1e-12, limit=400)[0]

    def agreed(t, u):
        h = (1 + 2 * t**2) * (1 + 2 * u**2) - 4 * t**2 * u**2 * kept**2
        g = (1 + 2 * (s * t) ** 2) * (1 + 2 * (s * u) ** 2) - 4 * s**4 * t**2 * u**2 * opened**2
        return r * kept / math.sqrt(g) / h ** (r / 2 + 1) + s**2 * opened / g**1.5 / h ** (r / 2)

    def density(v):
        return (1 + v * v) ** (-(r + 1) / 2)

    def similar(v, w):
        length = math.sqrt((1 + (s * v) ** 2) * (1 + (s * w) ** 2)) * temperature
        return hyp0f1(r / 2, length**-2 / 4) * math.cosh(s * v * s * w / length)

    whole = integral(density)
    repelled = integral(lambda v: density(v) * math.log(integral(lambda w: density(w) * similar(v, w)) / whole)) / whole
    return repelled - 4 / math.pi * integral(lambda t: integral(lambda u: agreed(t, u))) / temperature


@pytest.mark.parametrize(
    ("r", "kept", "temperature", "s", "opened"),
    [(1, 0.5, 1.0, 0.5, 0.3), (2, 0.9, 0.5, 1.0, -0.5), (3, 0.9, 0.2, 0.1, 0.7), (8, 0.3, 1.0, 2.0, 0.0)],
)
def test_values_by_nested_quadrature(r, kept, temperature, s, opened):
    expected = value(r, kept, temperature, s, opened)
    assert Sphere(r, kept, temperature).value(s, opened) == pytest.approx(expected, abs=1e-10 / temperature)


def test_a_value_by_sampling():
    r, kept, opened, s, tau = 3, 0.8, 0.5, 0.6, 0.5
    rng = np.random.default_rng(0)
    n = 4000
    z, w, other = rng.standard_normal((3, n, r + 1))
    scale, correlation = np.array([1.0] * r + [s]), np.array([kept] * r + [opened])
    views = (z * scale, (correlation * z + np.sqrt(1 - correlation**2) * w) * scale, other * scale)
    units = [one / np.linalg.norm(one, axis=1, keepdims=True) for one in views]
    terms = np.exp(units[0] @ units[2].T / tau)
    rows, columns = terms.mean(1), terms.mean(0)
    # To first order in both: each f counts as a row and as a column.
    influence = -(units[0] * units[1]).sum(1) / tau + np.log(rows)
    beside = columns / columns.mean()
    error = np.sqrt(influence.var() + beside.var()) / np.sqrt(n)
    assert error < 0.04
    assert abs(Sphere(r, kept, tau).value(s, opened) - influence.mean()) < 4 * error


def test_a_value_that_two_rules_do_not_agree_on_is_refused(monkeypatch):
    monkeypatch.setattr(module, "NODES", (2, 3))
    with pytest.raises(InputError, match="two rules give"):
        Sphere(3, 0.9).value(0.1, 0.2)


BETWEEN = [pytest.param(s, marks=pytest.mark.slow) for s in (1e-3, 1.0, 50.0)]


@pytest.mark.parametrize("s", [0.0, 0.1, 1e4, *BETWEEN])
@pytest.mark.parametrize("r", [1, 3, 12, 200])
def test_values_are_given_for_small_and_large_arguments(r, s):
    for kept, temperature in ((0.0, 0.01), (0.999, 1.0), (0.5, 0.05)):
        found = Sphere(r, kept, temperature).value(s, 0.5)
        assert -1 / temperature < found < 1 / temperature
        assert found == Sphere(r, kept, temperature).value(-s, 0.5)


@pytest.mark.parametrize(("r", "kept", "opened"), CASES)
@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_the_curvature_is_that_of_the_values(r, kept, opened, temperature):
    sphere = Sphere(r, kept, temperature)
    by_values, allowed = differences(sphere, opened)
    assert sphere.curvature(opened) == pytest.approx(by_values, abs=allowed / 2 + 1e-6)


@pytest.fixture(scope="module")
def at_twelve():
    return differences(Sphere(12, 0.9), 0.5)


@pytest.mark.parametrize("mutant", ["P", "Q", "2P", "2Q"])
def test_a_wrong_part_is_found_out(mutant, at_twelve):
    P, Q = Sphere(12, 0.9).parts()
    wrong = {"P": (-P, Q), "Q": (P, -Q), "2P": (2 * P, Q), "2Q": (P, 2 * Q)}[mutant]
    by_values, allowed = at_twelve
    assert abs(wrong[0] + 0.5 * wrong[1] - by_values) > 10 * (allowed + 1e-6)


@pytest.mark.parametrize("kept", [0.001, 0.999])
def test_with_many_modes_the_threshold_is_one_over_r_below_the_kept_modes_at_both_ends(kept):
    assert 100 * (kept - Sphere(100, kept).threshold()) == pytest.approx(1, abs=0.02)


def test_at_the_threshold_the_curvature_is_zero():
    sphere = Sphere(12, 0.9)
    assert sphere.curvature(sphere.threshold()) == pytest.approx(0, abs=1e-14)


def test_the_mean_of_one_over_both_lengths_by_sampling():
    _, Q = Sphere(7, 0.6).parts()
    rng = np.random.default_rng(0)
    z, w = rng.standard_normal((2, 400_000, 7))
    second = 0.6 * z + 0.8 * w
    sampled = 1 / np.linalg.norm(z, axis=1) / np.linalg.norm(second, axis=1)
    assert abs(-Q / 2 - sampled.mean()) < 4 * sampled.std() / np.sqrt(len(sampled))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 0.5), "r = 0: the quadrature holds for 1 to 200 kept modes"),
        ((201, 0.5), "r = 201: the quadrature holds for 1 to 200 kept modes"),
        ((5, 1.0), "kept = 1.0: the correlation of two views is at least 0 and below 1"),
        ((5, 0.5, 0.0), "temperature = 0.0: the quadrature holds from 0.01 on"),
        ((5, 0.5, float("nan")), "temperature = nan: the quadrature holds from 0.01 on"),
    ],
)
def test_what_it_refuses(arguments, message):
    with pytest.raises(InputError) as error:
        Sphere(*arguments)
    assert str(error.value) == message


def test_with_two_modes_there_are_values_and_no_second_derivative():
    assert Sphere(2, 0.5).value(0.1, 0.2) > Sphere(2, 0.5).value(0.1, 0.9)
    with pytest.raises(InputError, match="r = 2: with fewer than 3 kept modes the loss has no second derivative"):
        Sphere(2, 0.5).curvature(0.2)
    with pytest.raises(InputError, match=r"opened = 1\.5: the correlation of two views is from -1 to 1"):
        Sphere(2, 0.5).value(0.1, 1.5)


@pytest.mark.parametrize(("r", "kept", "temperature"), [(3, 0.9, 0.7), (12, 0.9, 1.0), (31, 0.99, 0.1)])
def test_the_weight_of_a_mean_is_that_of_a_bias(r, kept, temperature):
    """The parts and E[1/R]², a quotient of two integrals over the length, to thirty digits."""
    here = Sphere(r, kept, temperature)
    with mpmath.workdps(30):
        inverse = mpmath.quad(lambda x: x ** (r - 2) * mpmath.exp(-(x**2) / 2), [0, 3, 8, 40])
        inverse /= mpmath.quad(lambda x: x ** (r - 1) * mpmath.exp(-(x**2) / 2), [0, 3, 8, 40])
        expected = sum(closed(r, kept, temperature)) + float(2 * inverse**2 / mpmath.mpf(temperature))
    assert here.common() == pytest.approx(expected, rel=1e-9)
    assert here.curvature(0.4, 1.5) == pytest.approx(here.curvature(0.4) + 1.5**2 * expected, rel=1e-9)


def test_the_largest_mean_that_a_mode_survives():
    here = Sphere(12, 0.9)
    assert here.curvature(0.9, 0.99 * here.largest_mean(0.9)) < 0 < here.curvature(0.9, 1.01 * here.largest_mean(0.9))
    assert here.largest_mean(0.1) == 0.0
    assert Sphere(8, 0.3, 0.05).largest_mean(0.9) == math.inf
    with pytest.raises(InputError, match="fewer than 3"):
        Sphere(2, 0.9).largest_mean(0.5)
