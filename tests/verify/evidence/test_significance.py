"""Student's t: against SciPy's own, and against what means of few samples really do."""

import numpy as np
import pytest
from scipy import stats

from verify.evidence.significance import limit


@pytest.mark.parametrize("samples", [2, 3, 6, 16, 40, 1000])
@pytest.mark.parametrize("sigmas", [3.0, 4.0, 5.0])
def test_the_chance_is_that_of_the_normal_law(samples, sigmas):
    assert stats.t.sf(limit(sigmas, samples), samples - 1) == pytest.approx(stats.norm.sf(sigmas), rel=1e-6)


def test_means_of_few_samples_keep_the_chance_and_a_fixed_number_of_errors_does_not():
    draws = np.random.default_rng(0).standard_normal((100_000, 6))
    z = np.abs(draws.mean(1)) / (draws.std(1, ddof=1) / np.sqrt(6))
    level = 2 * stats.norm.sf(3.0)
    assert (z > limit(3.0, 6)).mean() == pytest.approx(level, rel=0.2)
    assert (z > 3.0).mean() > 8 * level


def test_one_sample_says_nothing():
    assert limit(3.0, 1) == float("inf")
