"""`quartic audit dino`: each wrong derivation is killed by the hand-written step and by the values of the loss."""

import json
from dataclasses import replace

import pytest
import sympy

from derive import Elliptical, InputError
from derive.fields import FIELDS, centring
from derive.fields.dino import DINO, tau_s, tau_t
from verify import audit
from verify.audits import logit_evidence
from verify.audits.logit_evidence import by_draws, by_hand, by_values, of_the_mean, place, simulated
from verify.truths import torch_steps

# Orders 1 to 5 in the weights.
HERE = place(DINO, 5, seed=3)


@pytest.mark.parametrize("route", [by_hand, by_values, by_draws, of_the_mean])
def test_the_field_is_the_step_of_a_hand_written_loss(route):
    found = route(HERE)
    assert (found.agrees, found.ran) == (True, True)


def mutated(change, orders):
    terms = [t._replace(coefficient=change(t)) if t.order in orders else t for t in HERE.field.terms]
    return replace(HERE, field=replace(HERE.field, terms=tuple(terms)))


def exchanged(term):
    """The teacher's temperature where the student's belongs, and the reverse."""
    s, t = (HERE.dino.given[one.name] for one in (tau_s, tau_t))
    return term.coefficient * ((t / s) ** (term.order - 1) if term.letter == "A0" else (s / t) ** (term.order + 1))


def one_temperature(term):
    """The student's temperature for the teacher, too."""
    s, t = (HERE.dino.given[one.name] for one in (tau_s, tau_t))
    return term.coefficient * ((t / s) ** term.order if term.letter == "A0" else 1)


def stop_left_out(term):
    """Near 0 the stopped half of the gradient is W A0 once more."""
    return term.coefficient * (2 if (term.order, term.letter) == (1, "A0") else 1)


def sign_lost(term):
    """What is taken away, added."""
    return abs(term.coefficient) if term.letter == "Sigma" else term.coefficient


@pytest.mark.parametrize("order", [1, 3, 5])
@pytest.mark.parametrize("mutant", [exchanged, one_temperature, sign_lost])
def test_a_wrong_order_is_killed_by_two_routes(mutant, order):
    here = mutated(mutant, {order})
    assert by_hand(here).agrees is False
    assert by_values(here).agrees is False


def test_a_stop_left_out_is_killed_in_the_derivation_and_in_the_code(monkeypatch):
    here = mutated(stop_left_out, {1})
    assert (by_hand(here).agrees, by_values(here).agrees, by_draws(here).agrees) == (False, False, False)

    def live(weights, views, given):
        student, teacher = views.x @ weights["W"].T, views.x_pos @ weights["W"].T
        target = (teacher / given["tau_t"]).softmax(-1)
        return -(views.p * (target * (student / given["tau_s"]).log_softmax(-1)).sum(-1)).sum()

    monkeypatch.setitem(torch_steps.STEPS, "dino", live)
    assert by_hand(HERE).agrees is False


def test_centring_forgotten_or_put_in_is_killed(monkeypatch):
    for one, other in (("centred", centring.uncentred), ("uncentred", centring.centred)):
        with monkeypatch.context() as patched:
            patched.setattr(logit_evidence, one, other)
            assert of_the_mean(HERE).agrees is False


def test_training_goes_where_the_flow_does_and_not_where_another_temperature_leads(monkeypatch):
    monkeypatch.setattr(logit_evidence, "_STEPS", 300)
    assert simulated(HERE).agrees
    right = torch_steps.dino

    def warmer(weights, views, given):
        return right(weights, views, {**given, "tau_t": 1.1 * given["tau_t"]})

    monkeypatch.setitem(torch_steps.STEPS, "dino", warmer)
    assert simulated(HERE).agrees is False


def test_a_teacher_too_sharp_for_the_rule_decides_nothing(monkeypatch):
    monkeypatch.setattr(logit_evidence, "_STEPS", 300)
    sharp = DINO.set({"tau_s": sympy.Rational(1, 10), "tau_t": sympy.Rational(1, 100), "K": 4})
    found = simulated(place(sharp, 1, 0))
    assert found.agrees is None
    assert "not resolved" in found.note


def test_the_command_and_its_answers(run):
    given = ["audit", "dino", "--set", "tau_s=1/10", "--set", "tau_t=1/25", "--no-train", "--quiet"]
    status, out, err = run(*given)
    assert (status, err) == (0, "")
    said = " ".join(out.split())
    assert "grows where λ_i > ⅖" in said
    assert "conserved 1ᵀ W" in said
    assert "oscillates unless" in said
    assert "verdict holds (the field)" in said
    status, out, _ = run(*given, "--json")
    found = json.loads(out)
    assert (found["threshold"], found["verdict"], found["B"]) == ("2/5", "holds", None)
    assert {one["route"] for one in found["evidence"]} == {"autodiff", "exact", "monte-carlo"}


def test_a_warm_teacher_loses_every_mode_and_that_is_the_answer():
    found = audit(FIELDS["dino"], given={"tau_s": 1, "tau_t": 2, "K": 2}, train=False)
    assert found.answer.text == "Loses every mode with λ_i < 1, from any weights: τ_t/τ_s = 2."
    none = audit(DINO, given={"K": 4}, train=False)
    assert "there is no hysteresis" in none.answer.text
    # Where a field is of more logits than are measured, a few are.
    assert len(place(DINO.set({"K": sympy.Integer(65536)}), 3, 0).W) == 4


def test_other_laws_are_refused_in_a_sentence():
    with pytest.raises(InputError, match="Gaussian data of mean zero"):
        audit(DINO, law=Elliptical())
