"""The constants of finite samples: known values, Monte Carlo, and thresholds of runaways."""

import mpmath
import numpy as np
import pytest

from derive import InputError, catalogue
from derive.landscape.recession import recession
from numeric.landscape.recession import largest_normal, nearest_square, recession_rate, runaway_threshold


def test_known_values():
    """To sixteen digits."""
    with mpmath.workdps(25):
        assert abs(nearest_square(1) - 2) < 1e-16
        assert abs(nearest_square(2) - 2 * (1 - mpmath.sqrt(3) / mpmath.pi)) < 1e-16
        assert abs(largest_normal(1)) < 1e-16
        assert abs(largest_normal(2) - 1 / mpmath.sqrt(mpmath.pi)) < 1e-16
        assert abs(largest_normal(3) - 3 / (2 * mpmath.sqrt(mpmath.pi))) < 1e-16
        assert abs(largest_normal(1, 2, 0.5) - mpmath.sqrt(0.5 / mpmath.pi)) < 1e-16
        # Views that do not correlate are data of their own; views that are equal are one.
        assert abs(largest_normal(2, 2, 0) - largest_normal(4)) < 1e-16
        assert abs(largest_normal(3, 2, 1) - largest_normal(3)) < 1e-16


def test_monte_carlo():
    generator = np.random.default_rng(2)
    number, n = 400_000, 7
    values = (generator.standard_normal((number, 1)) - generator.standard_normal((number, n))).__abs__().min(1) ** 2
    error = values.std() / np.sqrt(number)
    assert abs(values.mean() - float(nearest_square(n, 15))) < 4 * error < 0.02 * values.mean()
    common = generator.standard_normal((number, n, 1))
    pairs = np.sqrt(0.3) * common + np.sqrt(0.7) * generator.standard_normal((number, n, 2))
    largest = pairs.max((1, 2))
    error = largest.std() / np.sqrt(number)
    assert abs(largest.mean() - float(largest_normal(n, 2, 0.3, 15))) < 4 * error < 0.02 * largest.mean()


def test_thresholds():
    without_positive = recession(catalogue("weighted-infonce").set({"alpha": 0}))
    assert runaway_threshold(without_positive, {"N": 2}) is None
    three = runaway_threshold(without_positive, {"N": 3})
    assert float(three) == pytest.approx(float(1 - mpmath.sqrt(3) / mpmath.pi), abs=1e-14)
    # For N = 2 the condition ρ = √(2(1 − ρ))/π is a quadratic equation.
    dcl = runaway_threshold(recession(catalogue("dcl").set({"N": 2})), {"tau": 1})
    assert float(1 - dcl) == pytest.approx((-1 + np.sqrt(1 + 2 * np.pi**2)) / np.pi**2, abs=1e-14)
    assert float(recession_rate(without_positive, 1, 1, {"N": 2})) == pytest.approx(-0.5)


def test_unusable_input():
    with pytest.raises(InputError) as error:
        nearest_square(0)
    assert str(error.value) == "n = 0: a sample has one draw or more"
    with pytest.raises(InputError) as error:
        largest_normal(2, 3)
    assert str(error.value) == "views = 3, correlation = 0: one or two views, of a correlation between 0 and 1"
    with pytest.raises(InputError) as error:
        recession_rate(recession(catalogue("infonce")), 1, 1)
    assert str(error.value) == (
        "no rate is known along one direction: in closed form each mode grows like (1 - λ_i) h; where that"
        " vanishes like (-½) log h"
    )
