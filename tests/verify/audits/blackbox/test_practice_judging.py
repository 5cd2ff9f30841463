"""What judges the audits of practice losses accepts what is right, and sees what is not."""

from dataclasses import replace

import pytest
import sympy
from practice.everything import PRACTICE
from practice.judging import passed_without, wrong_in
from practice.truths import N, d1

from verify.audits.blackbox.auditing import audit_function
from verify.evidence.evidence import Evidence


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (Evidence("exact", "q", 1.0, 1.0, 1e-9, "tolerance", agrees=True), ""),
        (Evidence("exact", "q", 0.0, 1e-12, 1e-10, "tolerance", agrees=True), ""),
        (Evidence("exact", "q", agrees=True, ran=False), "not run"),
        (Evidence("monte-carlo", "q", 1.0, 1.2, 0.9, "standard error", agrees=True), "an error"),
        (Evidence("monte-carlo", "q", 1.0, 5.0, 0.9, "standard error", agrees=False), ""),
    ],
)
def test_a_pass_without_a_check_is_seen(one, said):
    found = passed_without(one)
    assert said in found
    assert bool(said) == bool(found)


@pytest.fixture(scope="module")
def audit():
    loss = PRACTICE["distances/spectral"]
    return audit_function(loss.code), loss


@pytest.mark.parametrize(
    ("slip", "said"),
    [
        ({}, ""),
        ({"A0": sympy.Integer(1)}, "B, A0: 2.00000000 at N = 2, d1 = 2, where it is 1.00000000"),
        ({"A0": 2 * (N - 1) / N}, "B, A0: 2.00000000 at N = 2, d1 = 2, where it is 1.00000000"),
        ({"A0": sympy.Min(2, 500 / N)}, "B, A0: 2.00000000 at N = 256, d1 = 2, where it is 1.95312500"),
        ({"A0": 4 / d1}, "B, A0: 2.00000000 at N = 2, d1 = 3, where it is 1.33333333"),
        ({"C": sympy.Integer(-1)}, "B, C: 0 at N = 2, d1 = 2, where it is -1.00000000"),
        ({"A0": None}, "traces, where its second order is none"),
        ({"times": sympy.Rational(1, 2)}, "order 4"),
        ({"like": ("infonce", {})}, "order 4"),
        ({"kinds": ("cusp",)}, "analytic, where it is cusp"),
        ({"rotation": False}, "rotation invariant: True, where it is False"),
        ({"detached": True}, "a landscape of a loss with a stopped gradient"),
        ({"A0": sympy.Integer(-2)}, "complete collapse: never, where it is always"),
    ],
)
def test_an_audit_is_held_against_the_truth(audit, slip, said):
    found, loss = audit
    wrong = list(wrong_in(found, replace(loss.truth, **slip), loss))
    assert any(one.startswith(said) for one in wrong) if said else not wrong


def test_a_refutation_of_a_right_loss_is_wrong(audit):
    found, loss = audit
    wrong = (Evidence("remainder", "slope", 6.0, 5.0, agrees=False), Evidence("trained", "W", 1.0, 2.0, agrees=False))
    contradicted = replace(found, evidence=(*found.evidence, *wrong))
    assert list(wrong_in(contradicted, loss.truth, loss)) == ["refuted, by remainder slope, trained W"]
    # One route against others refutes nothing.
    undecided = replace(found, evidence=(*found.evidence, wrong[0]))
    assert list(wrong_in(undecided, loss.truth, loss)) == []
