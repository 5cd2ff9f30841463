"""Verdicts: one rule for all, two routes for and two against, and what was not run never passes."""

from itertools import permutations

import numpy as np
import pytest

from verify.evidence.evidence import FAR, INDEPENDENT, OF_A_PRINT, Evidence, far, sides, verdict

AUTODIFF = Evidence("autodiff", "c", agrees=True)
REMAINDER = Evidence("remainder", "slope", agrees=True)
UNDECIDED = Evidence("monte-carlo", "c", agrees=None)
WRONG = Evidence("exact", "c", agrees=False)
NOISY = Evidence("monte-carlo", "c", agrees=False)
OFF = Evidence("autodiff", "d", agrees=False)
PROVED = Evidence("exact", "closed form", agrees=False, exact=True)
SYMBOLIC = Evidence("symbolic", "odd orders", agrees=True)
NOT_RUN = Evidence("trained", "minima", ran=False)


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        ([], "not-run"),
        ([NOT_RUN], "not-run"),
        ([SYMBOLIC, NOT_RUN], "not-run"),
        ([AUTODIFF], "undecided"),
        ([AUTODIFF, AUTODIFF], "undecided"),
        ([AUTODIFF, SYMBOLIC], "undecided"),
        ([AUTODIFF, NOT_RUN], "undecided"),
        ([AUTODIFF, UNDECIDED], "undecided"),
        ([UNDECIDED], "undecided"),
        ([AUTODIFF, REMAINDER], "holds"),
        ([AUTODIFF, REMAINDER, NOT_RUN, UNDECIDED], "holds"),
        # One route against others, or alone.
        ([AUTODIFF, REMAINDER, UNDECIDED, WRONG], "undecided"),
        ([WRONG], "undecided"),
        ([WRONG, WRONG, NOT_RUN], "undecided"),
        # A route of which one comparison agrees and one does not is against.
        ([AUTODIFF, OFF, REMAINDER], "undecided"),
        ([AUTODIFF, OFF, NOISY], "refuted"),
        # Two routes against, whatever agrees.
        ([WRONG, NOISY], "refuted"),
        ([AUTODIFF, REMAINDER, WRONG, NOISY], "refuted"),
        # One that is exact.
        ([PROVED], "refuted"),
        ([AUTODIFF, REMAINDER, PROVED, NOT_RUN], "refuted"),
        # What is not an independent route does not refute with one that is, but no loss holds against it.
        ([Evidence("symbolic", "c", agrees=False), NOISY], "undecided"),
        ([Evidence("symbolic", "c", agrees=False), AUTODIFF, REMAINDER], "undecided"),
        ([Evidence("symbolic", "c", agrees=False)], "undecided"),
        ([Evidence("symbolic", "c", agrees=False, exact=True), AUTODIFF], "refuted"),
    ],
)
def test_a_verdict_needs_two_routes_or_one_that_is_exact(evidence, expected):
    assert {verdict(order) for order in permutations(evidence)} == {expected}


def test_what_was_not_run_counts_for_nothing_whatever_it_says():
    claimed = [Evidence(route, "c", agrees=True, ran=False) for route in INDEPENDENT]
    assert verdict(claimed) == "not-run"
    assert verdict([Evidence("exact", "c", agrees=False, ran=False), AUTODIFF, REMAINDER]) == "holds"


def test_a_symbolic_fact_is_no_independent_route():
    assert "symbolic" not in INDEPENDENT
    assert verdict([SYMBOLIC, SYMBOLIC, AUTODIFF]) == "undecided"


def test_of_a_print_the_derivation_is_a_route():
    derived, wrong = (Evidence("symbolic", "printed − derived", agrees=agrees) for agrees in (True, False))
    assert verdict([derived, AUTODIFF], OF_A_PRINT) == "holds"
    assert verdict([wrong, OFF], OF_A_PRINT) == "refuted"
    assert {verdict([wrong], OF_A_PRINT), verdict([wrong, AUTODIFF], OF_A_PRINT)} == {"undecided"}


def test_each_route_is_on_one_side():
    assert sides([AUTODIFF, REMAINDER, NOISY, UNDECIDED, NOT_RUN, SYMBOLIC]) == (
        ("autodiff", "remainder"),
        ("monte-carlo",),
    )
    assert sides([AUTODIFF, OFF]) == ((), ("autodiff",))


@pytest.mark.parametrize("agrees", [True, False])
def test_nan_agrees_with_nothing_and_contradicts_nothing(agrees):
    nan = float("nan")
    for values in (
        (1.0, nan, 1e-9),
        (nan, 1.0, 1e-9),
        (nan, nan, 1e-9),
        (1.0, 1.0, nan),
        (np.float64("nan"), 1.0, 0.1),
    ):
        one = Evidence("autodiff", "c", *values, "tolerance", agrees=agrees, note="at W", exact=True)
        assert (one.agrees, one.mark) == (None, "undecided")
        assert one.note == "nan agrees with nothing and contradicts nothing; at W"
        assert verdict([one, REMAINDER]) == "undecided"


def test_truth_values_of_numpy_count():
    assert Evidence("exact", "c", agrees=np.False_).agrees is False
    assert verdict([Evidence("exact", "c", agrees=np.False_), NOISY]) == "refuted"


def test_far_is_orders_of_magnitude_beyond_a_tolerance():
    assert far(2 * FAR * 1e-9, 1e-9)
    assert not far(10e-9, 1e-9)
    assert not far(float("nan"), 1e-9)


def test_z_is_the_distance_in_standard_errors():
    one = Evidence("monte-carlo", "c", 1.0, 1.5, error=0.25, error_kind="standard error")
    assert one.z == 2.0
    assert Evidence("monte-carlo", "c", 0.0, 0.5, error=0.25, error_kind="standard error").z == 2.0


@pytest.mark.parametrize(
    "one",
    [
        Evidence("autodiff", "c", 1.0, 1.5, error=0.25, error_kind="tolerance"),
        Evidence("monte-carlo", "c", 1.0, 1.5, error=0.0, error_kind="standard error"),
        Evidence("monte-carlo", "c", 1.0, 1.5),
        Evidence("monte-carlo", "c", "infinite", "finite", error=0.25, error_kind="standard error"),
    ],
)
def test_there_is_no_z_without_a_standard_error(one):
    assert one.z is None


def test_marks():
    assert [one.mark for one in (AUTODIFF, WRONG, UNDECIDED, NOT_RUN)] == ["✓", "✗", "undecided", "not run"]


def test_json_tells_a_standard_error_from_a_tolerance():
    sampled = Evidence("monte-carlo", "c", 1.0, 1.5, 0.25, "standard error", agrees=True, seed=3, note="z").to_json()
    assert sampled == {
        "route": "monte-carlo",
        "quantity": "c",
        "predicted": 1.0,
        "measured": 1.5,
        "standard_error": 0.25,
        "tolerance": None,
        "seed": 3,
        "agrees": True,
        "note": "z",
    }
    exact = Evidence("autodiff", "c", 1.0, 1.5, 0.25, "tolerance", agrees=False).to_json()
    assert (exact["standard_error"], exact["tolerance"], exact["agrees"]) == (None, 0.25, False)


def test_json_shows_what_was_not_run_as_such():
    assert NOT_RUN.to_json()["agrees"] == "not-run"
    assert UNDECIDED.to_json()["agrees"] is None
