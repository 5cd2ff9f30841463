"""SimSiam and BYOL as published through the command and the audit; each wrong derivation is killed."""

import json
from dataclasses import replace

import numpy as np
import pytest

from derive import InputError, Loss, cosine, half_sq, inner, stop, views
from derive.definition.expression import as_expression
from derive.fields import FIELDS
from derive.fields.cosine import LostMode, lost_mode
from derive.fields.training import Linear, Training
from derive.fields.unit import OfCosines, cosine_field, of_its_kind
from derive.sphere.transverse import transverse
from verify import audit
from verify.audits import cosine_evidence
from verify.audits.cosine_evidence import by_means, by_scaling, by_steps, by_values, of_lengths, predicted, simulated
from verify.audits.field_evidence import with_values
from verify.truths import torch_steps

x, x_pos = views("x, x_pos")
NAMES = ("simsiam+normalised", "byol+normalised")
PLACES = {name: with_values(FIELDS[name]) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_the_flow_and_the_means_are_those_of_a_hand_written_step(name):
    here = PLACES[name]
    routes = [by_scaling(here, 0), by_values(here, 0), of_lengths(here, 0), by_steps(here, 0)]
    assert all(one.agrees for one in [*routes, *by_means(here, lost_mode(here.loss), 0)])


def whole_gradient(here):
    """The stop left out: dW/dt with what a view that is not stopped adds, V := W before differentiating."""
    swapped = cosine_evidence.CosineFlow(cosine_evidence.LAM)
    w, p, v = (cosine_evidence.WEIGHTS[one] for one in ("W", "P", "W_m"))
    held = v if here.momentum else w
    # −cos(q, v) is symmetric: its gradient in V is that in U with the two exchanged.
    other = float(here.scale) * swapped.pull(held, np.ones_like(w), p * w)
    right = predicted(here)
    return {**right, "W": right["W"] + other}


def momentum_forgotten(here):
    return predicted(replace(here, momentum=False))


def scale_forgotten(here):
    """−cos for 2 − 2 cos."""
    return {name: value / 2 for name, value in predicted(here).items()}


def decay_forgotten(here):
    return predicted(replace(here, given={**here.given, "eta": 0}))


@pytest.mark.parametrize(
    ("name", "mutant"),
    [
        *((name, whole_gradient) for name in NAMES),
        *((name, decay_forgotten) for name in NAMES),
        ("byol+normalised", momentum_forgotten),
        ("byol+normalised", scale_forgotten),
    ],
)
def test_a_wrong_flow_is_killed_by_the_hand_written_step(name, mutant, monkeypatch):
    wrong = mutant(PLACES[name])
    monkeypatch.setattr(cosine_evidence, "predicted", lambda _: wrong)
    assert by_steps(PLACES[name], 0).agrees is False


def test_a_step_that_moves_lengths_is_killed(monkeypatch):
    def unnormalised(weights, views_, given):
        return torch_steps.simsiam(weights, views_, given)

    monkeypatch.setitem(torch_steps.STEPS, "simsiam+normalised", unnormalised)
    assert of_lengths(PLACES["simsiam+normalised"], 0).agrees is False
    assert by_steps(PLACES["simsiam+normalised"], 0).agrees is False


def test_wrong_means_are_killed():
    here = PLACES["simsiam+normalised"]
    right = lost_mode(here.loss)
    live = transverse(Loss(-cosine(x, x_pos)))
    wrong = [
        LostMode(live.alpha * as_expression(2), right.beta),
        LostMode(right.alpha, right.beta * as_expression(2)),
        LostMode(right.beta, right.alpha),
    ]
    for mode in wrong:
        assert any(one.agrees is False for one in by_means(here, mode, 0))


def test_training_goes_where_the_flow_does(monkeypatch):
    here = PLACES["byol+normalised"]
    monkeypatch.setattr(cosine_evidence, "MODELS", 6)
    assert simulated(here, 1).agrees

    def live(weights, views_, _):
        """The stop left out: the target is W's own, and moves it."""
        prediction, target = views_.x @ weights["W"].T @ weights["P"].T, views_.x_pos @ weights["W"].T
        products = (prediction * target).sum(-1) / prediction.norm(dim=-1) / target.norm(dim=-1)
        return 2 - 2 * (views_.p * products).sum()

    monkeypatch.setitem(torch_steps.STEPS, "byol+normalised", live)
    assert simulated(here, 1).agrees is False


def test_the_command_says_what_cannot_be_expanded(run):
    status, out, _ = run("derive", "simsiam+normalised")
    assert status == 0
    assert out.startswith("no expansion: homogeneous of degree 0 in W, constant along W → tW; ")
    assert "α = E_x,x′[|f(x)|⁻¹ |g(x′)|⁻¹]" in out
    status, out, _ = run("derive", "byol+normalised", "--json")
    found = json.loads(out)
    assert (status, found["terms"], found["degree"]) == (0, None, 0)
    assert found["lost_mode"]["h"] == "a_i*alpha*v - beta*p*s_i*w"
    status, out, _ = run("latex", "byol+normalised")
    assert status == 0
    assert r"\operatorname{sg} f_m(x')" in out
    assert "There is no expansion at $W = 0$" in out
    status, out, _ = run("audit", "simsiam+normalised", "--quiet", "--no-train", "--json")
    found = json.loads(out)
    assert (status, found["verdict"], found["regularity"], found["expansion"]) == (0, "holds", "homogeneous", None)


def test_the_modes_are_shares_that_no_decay_moves(run):
    given = ["modes", "simsiam+normalised", "--correlations", "0.9,0.5,0.1,0", "--json"]
    _, out, _ = run(*given)
    found = json.loads(out)
    _, decaying, _ = run(*given, "--set", "eta=1/2")
    powers = [one["power"] for one in found["modes"]]
    assert [one["power"] for one in json.loads(decaying)["modes"]] == powers
    assert [one["kept"] for one in found["modes"]] == [True, True, True, False]
    assert sum(powers) == pytest.approx(1)
    # A flow from equal weights ends there, with a momentum copy too.
    _, out, _ = run(*given[:3], "0.9,0.5,0.1,0", "--json", "--set", "eta=0", "--times", "0,300")
    assert json.loads(out)["in_time"]["powers"][-1][:3] == pytest.approx(powers[:3], abs=1e-3)
    given[1] = "byol+normalised"
    _, out, _ = run(*given, "--set", "eta=0", "--set", "mu=1/3", "--times", "0,150")
    assert json.loads(out)["in_time"]["powers"][-1][:3] == pytest.approx(powers[:3], abs=1e-3)
    _, out, _ = run("modes", "simsiam+normalised", "--correlations", "0.9,0.5")
    assert "share of the eigenvalue" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("simsiam+normalised",), "no correlations are given"),
        (("simsiam+normalised", "--correlations", "0.5"), "a cosine of one mode is ±1"),
        (("simsiam+normalised", "--correlations", "0.5,0.2", "--set", "rho=2"), "derived for rho = 1"),
        (("byol+normalised", "--correlations", "0.5,0.2", "--set", "eta=0", "--times", "1"), "give --set mu=…"),
    ],
)
def test_unusable_input_gets_one_sentence(run, arguments, said):
    status, out, err = run("modes", *arguments)
    assert (status, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_a_loss_of_ones_own_is_known_for_what_it_is():
    mine = of_its_kind(Training(Loss(3 - 2 * cosine(x, stop(x_pos)), name="mine"), Linear()))
    assert isinstance(mine, OfCosines)
    assert mine.scale == 2
    squared = FIELDS["simsiam"]
    assert of_its_kind(squared) is squared
    found = audit(mine, train=False)
    assert found.verdict == "holds"
    # Of another form the lost mode is derived, and nothing more.
    bare = of_its_kind(Training(Loss(cosine(x, stop(x_pos)) ** 2, name="bare"), decay=False))
    assert bare.scale is None
    assert cosine_field(bare).lines()["dw/dt"] == "h"
    with pytest.raises(InputError, match="those of one pair are"):
        audit(bare)
    with pytest.raises(InputError, match="no loss of cosines"):
        OfCosines(Loss(half_sq(x, stop(x_pos)) + inner(x, x), name="mine"))
