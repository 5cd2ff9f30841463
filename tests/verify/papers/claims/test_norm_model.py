"""What is said of f/‖f‖ beside the model of a fixed norm: repaired statements, and misprints of them."""

from dataclasses import replace

import pytest

from verify.papers.claims import judge, misprints
from verify.papers.claims.iclr.ledger import ICLR
from verify.papers.claims.iclr.unit_minima import Minimum, rows
from verify.papers.claims.ledgers import published

published()


def test_a_misprint_of_the_corrected_shift_does_not_hold():
    claim = ICLR["iclr:norm-model"]
    right = judge(claim).corrected
    first = judge(claim, right).readings[0]
    assert first.verdict == "holds"
    slips = list(misprints(right))
    assert len(slips) > 8
    assert [name for name, slip in slips if judge(claim, slip).readings[0].verdict != "refuted"] == []


@pytest.mark.parametrize(("name", "reading"), [("iclr:eq13", 1), ("iclr:eq13", 2), ("iclr:eq19", 1)])
def test_what_unit_vectors_have_in_the_place_of_equations_13_and_19_holds_and_no_misprint_of_it(name, reading):
    claim = ICLR[name]
    assert judge(claim).verdict == "conditional"
    right = dict(claim.readings[reading].derived)
    assert judge(claim, right).readings[reading].verdict == "holds"
    slips = list(misprints(right))
    assert len(slips) > 5
    assert [name for name, slip in slips if judge(claim, slip).readings[reading].verdict != "refuted"] == []


def test_neither_the_fixed_norm_s_factor_nor_the_leading_term_alone_is_right():
    claim = ICLR["iclr:norm-model"]
    shift = claim.readings[0].derived["shift"]
    letters = {one.name: one for one in shift.free_symbols}
    for factor in (1, 1.5, 2):
        found = judge(claim, {"shift": factor * letters["c"] / letters["d_M"]})
        assert found.readings[0].verdict == "refuted"


def test_the_opposite_of_what_is_seen_under_unit_vectors_is_refuted():
    claim = replace(ICLR["iclr:table1-bias"], investigate=lambda: [rows("spectral", bias=True)])
    right = {"dimensional": True, "complete": False}
    assert judge(claim, right).verdict == "holds"
    for slot, value in right.items():
        assert judge(claim, {**right, slot: not value}).verdict == "refuted"


def test_a_bias_takes_none_of_the_norm_from_infonce_and_some_from_the_spectral_loss():
    """At c = 1 neither collapses completely."""
    lam = (0.99, 0.99, 0.99, 0.05)
    for name, part in (("infonce", 1.0), ("spectral", 0.9)):
        total = Minimum(name, lam, bias=True).powers.sum()
        assert total == pytest.approx(1.0, abs=1e-6) if part == 1.0 else 0.5 < total < part
