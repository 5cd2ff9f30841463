"""Verdicts: what holds, what is refuted, what needs a condition, and when nothing can be said."""

import pytest
import sympy

from derive import InputError
from verify.papers.claims import Ledger, Measured, Point, Reading, judge, misprints, repaired

x = sympy.Symbol("x")
EXACT = Measured("L", "exact", "by hand", [Point({"x": 2.0}, 6.0, 1e-9), Point({"x": 3.0}, 9.0, 1e-9)])
DIFFERENTIATED = Measured("L", "autodiff", "differentiated", [Point({"x": 1.0}, 3.0, 1e-9)])


def ledger(*readings, recorded="holds", **printed):
    made = Ledger("p", "A paper")
    says = " ".join(f"{{{slot}}}" for slot in printed)
    made.claim("p:one", where="Eq. 1", says=says, recorded=recorded, **printed)(lambda: readings)
    return made["p:one"]


def test_two_routes_make_it_hold():
    assert judge(ledger(Reading({"L": 3 * x}, [EXACT]), L=3 * x)).verdict == "holds"
    assert judge(ledger(Reading({}, [EXACT, DIFFERENTIATED]), L=3 * x)).verdict == "holds"


def test_one_route_alone_does_not():
    assert judge(ledger(Reading({"L": 3 * x}, []), L=3 * x)).verdict == "undecided"
    assert judge(ledger(Reading({}, [EXACT, EXACT]), L=3 * x)).verdict == "undecided"
    assert judge(ledger(Reading({}, [EXACT]), L=4 * x)).verdict == "undecided"


def test_two_routes_refute_and_the_derivation_corrects():
    found = judge(ledger(Reading({"L": 3 * x}, [EXACT]), recorded="refuted", L=4 * x))
    assert found.verdict == "refuted"
    assert found.corrected == {"L": 3 * x}
    assert [one.verdict for one in repaired(found.claim)] == ["holds"]


def test_routes_that_contradict_one_another_decide_nothing():
    found = judge(ledger(Reading({"L": 4 * x}, [EXACT, DIFFERENTIATED]), L=4 * x))
    assert found.verdict == "undecided"
    assert not found.readings[0].consistent


def test_a_claim_that_is_true_under_one_reading_is_conditional_on_it():
    other = Measured("L", "exact", "another way", [Point({"x": 1.0}, 5.0, 1e-9)])
    claim = ledger(
        Reading({"L": 3 * x}, [EXACT], name="the first way"),
        Reading({"L": 5 * x}, [other], name="the second way"),
        L=3 * x,
    )
    found = judge(claim)
    assert (found.verdict, found.condition) == ("conditional", "the first way")
    assert found.corrected == {"L": 5 * x}
    assert [one.verdict for one in repaired(claim)] == ["holds", "holds"]


def test_noise_larger_than_the_effect_decides_nothing():
    rough = Measured("L", "monte-carlo", "draws", [Point({"x": 2.0}, 6.1, 2.0)], noisy=True, seed=1)
    fine = Measured("L", "monte-carlo", "draws", [Point({"x": 2.0}, 6.001, 0.01)], noisy=True, seed=1)
    assert judge(ledger(Reading({"L": 3 * x}, [rough]), L=3 * x)).verdict == "undecided"
    assert judge(ledger(Reading({"L": 3 * x}, [fine]), L=3 * x)).verdict == "holds"
    # Four and a half standard errors neither agree nor contradict.
    near = Measured("L", "monte-carlo", "draws", [Point({"x": 2.0}, 6.045, 0.01)], noisy=True, seed=1)
    assert judge(ledger(Reading({"L": 3 * x}, [near]), L=3 * x)).verdict == "undecided"


def test_every_slot_has_to_hold():
    yes = Measured("can", "exact", "tried", [Point({}, found=True)])
    claim = ledger(Reading({"L": 3 * x, "can": True}, [EXACT, yes]), L=3 * x, can=False)
    found = judge(claim)
    assert found.verdict == "refuted"
    assert found.readings[0].wrong == ("can",)
    assert found.corrected == {"L": 3 * x, "can": True}


def test_every_misprint_of_what_holds_turns_the_verdict():
    claim = ledger(
        Reading({"L": 3 * x**2}, [Measured("L", "exact", "by hand", [Point({"x": 2.0}, 12.0, 1e-9)])]), L=3 * x**2
    )
    slips = list(misprints(claim.printed))
    assert len(slips) == 6
    assert {judge(claim, slipped).verdict for _, slipped in slips} == {"refuted"}


def test_symbols_that_were_measured_beside_are_taken_as_measured():
    V = sympy.Symbol("V")
    measured = Measured("L", "exact", "by hand", [Point({"V": 8.0}, 1.0, 1e-9)])
    # The definition would give 2: it is for the symbolic comparison alone.
    claim = ledger(Reading({"L": sympy.S.One}, [measured], definitions={V: sympy.Integer(8)}), L=V / 8)
    assert judge(claim).verdict == "holds"


def test_what_was_not_investigated_is_not_run():
    made = Ledger("p", "A paper")
    made.not_run("p:figure", where="Fig. 1", says="a figure", waits_for="training")
    found = judge(made["p:figure"])
    assert found.verdict == "not-run"
    assert found.to_json()["waits_for"] == "training"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda made: made.not_run("q:one", where="", says="", waits_for=""),
         "claim 'q:one': an id of this ledger reads 'p', a colon and a name"),
        (lambda made: [made.not_run("p:one", where="", says="", waits_for="") for _ in range(2)],
         "claim 'p:one' occurs twice in the ledger of 'p'"),
        (lambda made: made.claim("p:one", where="", says="no place", recorded="holds", L=x)(lambda: ()),
         "claim 'p:one': its statement has no place {L} for the slot 'L'"),
        (lambda made: [made.not_run("p:eq12", where="", says="", waits_for=""), made["p:eq21"]],
         "the ledger of 'p' has no claim 'p:eq21'; did you mean p:eq12?"),
        (lambda made: [made.claim("p:one", where="", says="{L}", recorded="holds", L=x)(lambda: [Reading({}, [])]),
                       judge(made["p:one"])],
         "claim p:one: reading '' says nothing about the slot 'L'"),
        (lambda made: [made.claim("p:one", where="", says="{L}", recorded="holds", L=x)(lambda: [Reading({}, [])]),
                       judge(made["p:one"], {"K": x})],
         "claim p:one: there is no slot 'K'; it has: L"),
    ],
)  # fmt: skip
def test_unusable_claims_are_refused_in_a_sentence(make, message):
    with pytest.raises(InputError) as error:
        make(Ledger("p", "A paper"))
    assert str(error.value) == message
