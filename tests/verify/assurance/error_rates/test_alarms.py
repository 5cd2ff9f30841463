"""False alarms: each check on a few seeds, and one that takes a fixed number of standard errors found out."""

import numpy as np
import pytest

pytest.importorskip("torch")

from verify.assurance.error_rates import alarms
from verify.assurance.error_rates.alarms import CHECKS
from verify.assurance.error_rates.tally import Tally
from verify.evidence.evidence import Evidence


def test_forty_batches_contradict_nothing_though_their_means_lie_far_off():
    few = alarms.monte_carlo_coefficients(0, 400, name="infonce-batch", rows=40, dimension=3)
    assert few.fixed > 5
    assert few.alarms == 0


@pytest.mark.parametrize("name", CHECKS)
def test_every_check_runs_and_says_the_same_for_a_seed(name):
    found = [CHECKS[name].run(seed, 3) for seed in (5, 5)]
    assert found[0] == found[1]
    assert found[0].runs == 3
    assert found[0].alarms + found[0].undecided <= 3


def test_three_standard_errors_of_six_seeds_are_too_few():
    """What the check was before: one in thirty right predictions would be called wrong."""
    found = alarms.few_seeds(0, 4000, seeds=6, skewed=False)
    assert found.fixed / found.runs > 0.02
    assert found.alarms <= 2


def test_a_wrong_prediction_is_no_false_alarm_but_is_found():
    """The counter counts contradictions: with a derivation that is wrong nearly all runs are."""
    right = alarms.compared

    def wrong(predicted, samples, **options):
        return right(1.5 * predicted, samples, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alarms, "compared", wrong)
        found = alarms.few_seeds(0, 500, seeds=10, skewed=False)
    assert found.alarms > 490


def test_tallies_add_up():
    one = Evidence("trained", "c", 1.0, 1.5, 0.1, "standard error", agrees=False)
    other = Evidence("trained", "c", 1.0, 1.1, 0.1, "standard error", agrees=None)
    found = Tally.of([[one], [other], [one, other]], sigmas=3.0)
    assert found == Tally(3, 2, 1, 2)
    assert found + found == Tally(6, 4, 2, 4)


def test_the_level_is_that_of_all_comparisons():
    one = CHECKS["sign change, 100 curves about 0"]
    assert one.level == pytest.approx(2 * 2 * 3.167e-5, rel=1e-3)


def test_the_curvature_is_zero_where_it_is_said_to_be():
    s = alarms._critical()
    assert abs(alarms._curvature(s)) < 1e-9
    assert np.sign(alarms._curvature(0.5 * s)) == -np.sign(alarms._curvature(2 * s))
