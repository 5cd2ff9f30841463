"""Verdicts: what contradicts wins, what was not run never passes, and two routes are needed."""

from itertools import permutations

import pytest

from verify.evidence import INDEPENDENT, Evidence, verdict

AUTODIFF = Evidence("autodiff", "c", agrees=True)
REMAINDER = Evidence("remainder", "slope", agrees=True)
UNDECIDED = Evidence("monte-carlo", "c", agrees=None)
WRONG = Evidence("exact", "c", agrees=False)
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
        ([AUTODIFF, REMAINDER, UNDECIDED, WRONG], "refuted"),
        ([WRONG], "refuted"),
        ([WRONG, NOT_RUN], "refuted"),
    ],
)
def test_a_verdict_needs_two_routes_and_no_contradiction(evidence, expected):
    assert {verdict(order) for order in permutations(evidence)} == {expected}


def test_what_was_not_run_counts_for_nothing_whatever_it_says():
    claimed = [Evidence(route, "c", agrees=True, ran=False) for route in INDEPENDENT]
    assert verdict(claimed) == "not-run"
    assert verdict([Evidence("exact", "c", agrees=False, ran=False), AUTODIFF, REMAINDER]) == "holds"


def test_a_symbolic_fact_is_no_independent_route():
    assert "symbolic" not in INDEPENDENT
    assert verdict([SYMBOLIC, SYMBOLIC, AUTODIFF]) == "undecided"


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
