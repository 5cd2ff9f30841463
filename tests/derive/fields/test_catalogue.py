"""Each field of the catalogue against a hand-written torch step over Gaussian nodes; wrong derivations are killed."""

from dataclasses import replace

import numpy as np
import pytest
import sympy

from derive import InputError, Loss, half_sq, inner, stop, views
from derive.fields import FIELDS
from derive.fields.field import field
from derive.fields.training import Linear, OfMoments, Training, sigma
from numeric.fields.words import rates, rates_by_order
from verify.audits.field_evidence import TOLERANCE, by_hand, by_values, place

x, x_pos = views("x, x_pos")
NAMES = ("simsiam", "byol", "moco", "directpred")
# Orders 1 to 5 in the weights.
PLACES = {name: place(FIELDS[name], 6, seed=2) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_a_field_is_the_step_of_a_hand_written_loss(name):
    assert PLACES[name].field.order == 5
    assert by_hand(PLACES[name]).agrees
    assert by_values(PLACES[name], range(2, 7, 2)).agrees


def stop_left_out(here):
    """The gradient through what is stopped, too."""
    return here.field.terms + here.field.stopped


def identified_first(here):
    """V := W before differentiating: the gradient of a loss of W alone, P held."""
    found = field(replace(here.training, momentum=False), 6)
    return found.terms + found.stopped


def forgotten_momentum(here):
    """W in place of its copy."""
    return field(replace(here.training, momentum=False), 6).terms


def transposed(here):
    """P in place of Pᵀ, or the copy in place of W."""
    return tuple(term._replace(word=_turned(term.word)) for term in here.field.terms)


def _turned(word: str) -> str:
    return "P" + word[1:] if word[0] == "p" else word.replace("MSm", "WSm")


MUTANTS = [
    *((name, mutant) for name in NAMES for mutant in (stop_left_out, identified_first)),
    ("byol", forgotten_momentum),
    ("moco", forgotten_momentum),
    *((name, transposed) for name in ("simsiam", "byol", "moco")),
]


@pytest.mark.parametrize(("name", "mutant"), MUTANTS, ids=lambda one: getattr(one, "__name__", one))
def test_a_wrong_derivation_is_killed_by_both_routes(name, mutant):
    here = PLACES[name]
    changed = replace(here, field=replace(here.field, flow={**here.field.flow, "W": mutant(here)}))
    assert by_hand(changed).agrees is False
    # At every order that the field has, 1 to 5, not in their sum alone; what is transposed is not in each of them.
    right, wrong = (rates_by_order(one.field, one.at)["W"] for one in (here, changed))
    changes = [np.abs(wrong.get(k, 0.0) - right[k]).max() > 1e3 * TOLERANCE for k in right]
    assert any(changes) if mutant is transposed else all(changes)
    assert by_values(changed, range(2, 7, 2)).agrees is False


def test_the_weights_identified_before_differentiating_are_another_field():
    # Live without a predictor, the target is W too: the field would be minus the gradient of the loss without the stop.
    right = field(Training(FIELDS["simsiam"].loss, decay=False))
    whole = field(Loss(half_sq(x, x_pos), name="live"))
    assert {t.word: t.coefficient for t in right.terms} == {"WA": 1, "WS": -1}
    assert {t.word: t.coefficient for t in whole.terms} == {"WA": 2, "WS": -2}
    products = Training(Loss(-inner(x, stop(x_pos)), name="products"), decay=False)
    assert field(products).terms == field(products).stopped


def test_a_predictor_that_is_a_polynomial_is_put_into_the_words():
    # P = W Σ Wᵀ + ½: dW/dt = Pᵀ (W A0 − P W Σ), multiplied out.
    set_ = Training(FIELDS["simsiam"].loss, OfMoments(sigma + sympy.Rational(1, 2)), decay=False)
    here = place(set_, 2, seed=5)
    assert "P" not in {one.upper() for term in here.field.terms for one in term.word}
    W, S, A = (here.at[one] for one in "WSA")
    P = W @ S @ W.T + np.eye(2) / 2
    by_matrices = P.T @ (W @ A - P @ W @ S)
    assert rates(here.field, here.at)["W"] == pytest.approx(by_matrices, abs=1e-12)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: Training(Loss(half_sq(x, x_pos))), "stops no view"),
        (lambda: FIELDS["simsiam"].set({"mu": 1}), "no parameter 'mu'; it has: eta, rho"),
        (lambda: FIELDS["byol"].set({"mu": 0}), "mu = 0: the rate of the momentum copy is positive and finite"),
        (lambda: FIELDS["byol"].set({"eta": -1}), "eta = -1: the weight decay of W and P is not negative"),
        (lambda: Training(Loss(sympy.Symbol("eta") * half_sq(x, stop(x_pos)), name="mine"), Linear()), "rename it"),
        (lambda: Loss(half_sq(x, stop(x_pos)) + inner(x_pos, x)), "x_pos is stopped in one place and not in another"),
        (lambda: Loss(half_sq(x, stop(x_pos)), name="mine").expand(), "mine stops gradients"),
        (lambda: stop(views("y", encoder="g")[0]), "seen in another way"),
    ],
)
def test_unusable_definitions_get_one_sentence(wrong, said):
    with pytest.raises(InputError, match=said):
        wrong()
