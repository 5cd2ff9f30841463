"""The claim on class imbalance, on a mixture: misprints of it turn the verdict, and so does a lost weight."""

import sympy

from verify.papers.claims.iclr import mixtures
from verify.papers.claims.iclr.ledger import ICLR
from verify.papers.claims.judging import judge
from verify.papers.claims.slips import misprints

CLAIM = ICLR["iclr:imbalance-mixture"]
AROUND, ANYWHERE = CLAIM.readings


def test_a_misprint_turns_the_verdict():
    assert judge(CLAIM).verdict == "conditional"
    for name, printed in misprints(dict(CLAIM.printed)):
        assert judge(CLAIM, printed).verdict == "refuted", name


def test_slips_in_what_is_derived_are_contradicted_by_each_route():
    for name, slipped in misprints(dict(ANYWHERE.derived)):
        slot = name.partition(":")[0]
        for one in ANYWHERE.measured:
            if one.of == slot:
                assert one.against(slipped[slot]).agrees is False, (name, one.route)


def test_the_correction_is_the_change_of_two_second_moments():
    p, mu_1, mu_2 = mixtures.p, mixtures.mu_1, mixtures.mu_2
    assert sympy.expand(ANYWHERE.derived["spectral"] - (p - sympy.Rational(1, 2)) * (mu_1**2 - mu_2**2)) == 0
    at = {p: 0.9, mu_1: 1.2, mu_2: -1.0}
    assert ANYWHERE.derived["more"].subs(at) == sympy.true
    assert ANYWHERE.derived["more"].subs({**at, mu_2: 1.0}) == sympy.false
    assert AROUND.derived == {"spectral": 0, "more": True}


def test_a_weight_that_is_lost_is_contradicted_by_the_measurement(monkeypatch):
    """A mixture of equal weights in place of the given ones: nothing moves."""
    own = mixtures._mixture
    monkeypatch.setattr(mixtures, "_mixture", lambda _, *means: own(0.5, *means))
    for one in mixtures._measured(mixtures.FAR):
        if one.of == "spectral":
            assert one.against(ANYWHERE.derived["spectral"]).agrees is False
