"""Views of other data of a class: both engines agree on random losses, and a class taken for a datum is found out."""

from random import Random

import pytest

from derive.algebra.graphs import CLASSMATE, PLAIN
from derive.expansion import wick
from derive.expansion.laws import classes, elliptical
from verify.assurance.oracle.comparing import compare
from verify.assurance.oracle.two_kinds import case_in


@pytest.mark.parametrize("seed", range(50))
def test_random_losses(seed):
    case = case_in(Random(seed), "classmates")
    found = compare(case)
    assert found.agree, f"{found.text()}\n{case.text()}"


def test_cases_cover_what_classes_bring():
    cases = [case_in(Random(seed), "classmates") for seed in range(300)]
    assert sum(CLASSMATE in case.loss.roles for case in cases) > 270
    assert sum(bool(case.law.classes) for case in cases) > 120
    assert sum(case.law.mean is not None for case in cases) > 30
    assert any(case.law.scale is not None for case in cases)
    assert any(case.loss.samples for case in cases)


MATE, ITSELF = (PLAIN, CLASSMATE), (CLASSMATE, PLAIN)
LETTERS = {
    "the datum itself for its class": {MATE: ("", "A"), ITSELF: ("", "A")},
    "one datum for two of its class": {(CLASSMATE, CLASSMATE): ("S", "A")},
}


@pytest.fixture
def fresh_memory():
    def clear():
        wick.contract.cache_clear()
        wick._contract.cache_clear()
        classes._expectation.cache_clear()

    clear()
    yield
    clear()


@pytest.mark.usefixtures("fresh_memory")
@pytest.mark.parametrize("name", LETTERS)
def test_a_class_taken_for_a_datum_is_found_out(name, monkeypatch):
    monkeypatch.setattr(wick, "_LETTERS", wick._LETTERS | LETTERS[name])
    cases = (case_in(Random(seed), "classmates") for seed in range(60))
    assert not all(compare(case).agree for case in cases)


@pytest.mark.usefixtures("fresh_memory")
def test_a_class_lost_is_found_out(monkeypatch):
    """Others of a class as data of a class of their own: their slot is another one."""

    def lost(v):
        return wick.one_mean(v) if v.role == CLASSMATE else own(v)

    own = classes._own_mean
    monkeypatch.setattr(classes, "_own_mean", lost)
    cases = (case_in(Random(seed), "classmates") for seed in range(60))
    assert not all(compare(case).agree for case in cases if case.law.classes)


@pytest.mark.usefixtures("fresh_memory")
def test_a_scale_shared_by_a_class_is_found_out(monkeypatch):
    monkeypatch.setattr(elliptical, "CLASSMATE", None)
    cases = [case_in(Random(seed), "classmates") for seed in range(400)]
    cases = [case for case in cases if case.law.scale is not None]
    assert not all(compare(case).agree for case in cases)
