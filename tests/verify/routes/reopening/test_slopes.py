"""α and β measured at two correlations of the lost mode, against the derived means."""

import numpy as np
import pytest

from derive import Rational, catalogue
from numeric.sphere.lost_modes import lost_modes
from verify.routes.reopening.slopes import Slopes, slopes
from verify.truths.two_views import two_views


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("infonce", {"tau": Rational(1, 2)}),
        ("alignment-uniformity", {"lambda": 1, "t": 1}),
        ("siglip", {"N": 32, "t": 8, "b": 4}),
    ],
)
@pytest.mark.parametrize("kept", [0.3, 0.9])
def test_hand_written_losses_have_the_derived_means(name, values, kept):
    exact = lost_modes(catalogue(f"{name}+normalised").set(values), [kept] * 12)
    given = {key: float(value) for key, value in values.items()}
    found = slopes(two_views(f"{name}+normalised", given), 12, kept, batch=32, batches=100, seed=0)
    for own, (value, error) in ((exact.alpha, found.alpha), (exact.beta, found.beta)):
        assert abs(own.value - value) < 4 * error
    if name != "siglip":
        # α is large against its noise, so that a lost ½ would be seen.
        assert found.alpha[1] < exact.alpha.value / 8


def test_two_modes_fewer_are_another_threshold():
    """r − 2 in place of r."""
    right, wrong = (lost_modes(catalogue("spectral+normalised").set({"tau": 1}), [0.3] * r) for r in (7, 5))
    found = slopes(two_views("spectral+normalised"), 7, 0.3, batch=64, batches=300, seed=0)
    level, error = found.threshold
    assert abs(level - right.threshold.value) < 4 * error
    assert abs(level - wrong.threshold.value) > 6 * error


def test_a_loss_that_pushes_views_apart_has_no_threshold():
    plain = two_views("infonce+normalised")
    found = slopes(lambda z1, z2: -plain(z1, z2), 12, 0.9, batch=32, batches=50, seed=0)
    assert found.threshold is None
    assert found.text() == "undecided: α is noise, or not positive"
    assert found.to_json()["threshold"] is None


def test_the_error_of_the_threshold_is_that_of_its_spread():
    """Over many sets of batches λ_c varies as its error says."""
    generator = np.random.default_rng(0)
    sets = [Slopes(np.array([2.0, 1.0]) + generator.standard_normal((100, 2)) * 0.3, 0.9, 0) for _ in range(400)]
    levels = np.array([one.threshold for one in sets])
    assert levels[:, 1].mean() == pytest.approx(levels[:, 0].std(), rel=0.1)
