"""Taylor coefficients against known series."""

from math import factorial

import numpy as np
import pytest
import torch

from verify.truths.taylor import cauchy, circle, nested_derivatives

ORDER = 6
SERIES = {
    "exp": (torch.exp, [1 / factorial(k) for k in range(1, ORDER + 1)]),
    "log(1 + t)": (lambda t: torch.log(1 + t), [(-1) ** (k + 1) / k for k in range(1, ORDER + 1)]),
    "sin": (torch.sin, [0 if k % 2 == 0 else (-1) ** (k // 2) / factorial(k) for k in range(1, ORDER + 1)]),
    "1/(1 - t/2)": (lambda t: 1 / (1 - t / 2), [2.0**-k for k in range(1, ORDER + 1)]),
    "polynomial": (lambda t: 5 - 2 * t**2 + 7 * t**4, [0, -2, 0, 7, 0, 0]),
}


@pytest.mark.parametrize("name", SERIES)
def test_nested_derivatives_are_the_series(name):
    function, expected = SERIES[name]
    found = nested_derivatives(function, ORDER)
    assert found == pytest.approx(dict(enumerate(map(float, expected), start=1)), rel=1e-13, abs=1e-15)


def test_a_lower_order_is_the_beginning():
    assert nested_derivatives(torch.exp, 2) == pytest.approx({1: 1.0, 2: 0.5})


def test_derivatives_of_a_constant_are_zero():
    assert nested_derivatives(lambda _: torch.tensor(3.0), 2) == {1: 0.0, 2: 0.0}
    assert nested_derivatives(lambda t: 3 + 0 * t, 3) == {1: 0.0, 2: 0.0, 3: 0.0}


def test_derivatives_about_another_point():
    assert nested_derivatives(lambda t: t**3, 3, at=2.0) == pytest.approx({1: 12.0, 2: 6.0, 3: 1.0})


@pytest.mark.parametrize(("radius", "points"), [(0.1, 8), (0.25, 16)])
def test_cauchy_reads_an_even_function_to_rounding(radius, points):
    ts = circle(radius, points)
    found = cauchy(np.cosh(ts), ts, range(2, 9, 2))
    for value, order in zip(found, range(2, 9, 2), strict=True):
        # Rounding of 1e-16 over radius^order.
        assert abs(value - 1 / factorial(order)) < 1e-15 / radius**order


def test_the_squares_lie_evenly_on_a_circle():
    squares = circle(0.3, 8) ** 2
    assert np.allclose(np.abs(squares), 0.09)
    assert np.allclose(np.sort(np.angle(squares) % (2 * np.pi)), 2 * np.pi * np.arange(8) / 8, atol=1e-12)


def test_cauchy_is_wrong_by_the_coefficient_one_turn_further_up():
    """With T points, t^(k + 2T) looks like t^k, times radius^(2T)."""
    ts = circle(0.5, 4)
    assert cauchy(3 * ts**2 + 7 * ts**10, ts, range(2, 3, 2))[0] == pytest.approx(3 + 7 * 0.5**8)


def test_each_row_has_its_coefficients():
    ts = circle(0.2)
    values = np.stack([a * ts**2 + b * ts**4 for a, b in ((1, 2), (3, -4))])
    assert cauchy(values, ts, range(2, 5, 2)) == pytest.approx(np.array([[1, 2], [3, -4]]), rel=1e-10)
