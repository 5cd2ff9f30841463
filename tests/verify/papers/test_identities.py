"""Identities of the literature: each holds as printed, and is refuted with its slip."""

import pytest

from derive import moment
from verify.papers.identities.sources import SOURCES
from verify.papers.identities.table import IDENTITIES
from verify.papers.printed.check import ContradictedError
from verify.papers.printed.moment import check_moment
from verify.routes import moment as routes

NAMES = [one.name for one in IDENTITIES]
SLIPS = [one for one in IDENTITIES if one.wrong]


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    """What decides here is exact; a few draws may contradict it, and do not have to bear it out."""
    for name, value in (("ROWS", 1000), ("FEWEST", 8), ("MOST", 8)):
        monkeypatch.setattr(routes, name, value)


def test_there_are_many_from_several_sources():
    assert len(NAMES) == len(set(NAMES)) >= 30
    assert len(SLIPS) >= 6
    assert {one.key for one in IDENTITIES} == set(SOURCES)
    assert all(one.where for one in IDENTITIES)


@pytest.mark.parametrize("identity", IDENTITIES, ids=NAMES)
def test_an_identity_holds_as_printed(identity):
    found = check_moment(identity.moment, identity.printed, law=identity.law)
    assert found.verdict == "holds"
    assert found.evidence[0].route == "exact"


@pytest.mark.parametrize("identity", SLIPS, ids=[one.name for one in SLIPS])
def test_a_slip_is_refuted_with_the_right_formula(identity):
    with pytest.raises(ContradictedError) as raised:
        check_moment(identity.moment, identity.wrong, law=identity.law)
    check = raised.value.check
    assert check.verdict == "refuted"
    assert check.derived == moment(identity.moment, law=identity.law).text()
    said, right = (float(part.split()[0]) for part in check.counterexample.split(", ")[:2])
    assert said != right
