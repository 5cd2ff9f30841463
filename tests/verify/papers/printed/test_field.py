"""Printed fields against definitions and code that trains; each slip is refuted, on two routes."""

import json

import pytest
import torch
from torch import nn

from derive import InputError, Loss, half_sq, stop, views
from derive.definition.notation import LATEX
from derive.fields import FIELDS
from derive.fields.field import field
from derive.fields.training import Training
from verify.papers.printed import ContradictedError, check_field
from verify.papers.printed.flow import read_flow
from verify.pytest.fixtures import CHECKS

x, x_pos = views("x, x_pos")
SIMSIAM = "dW/dt = P^T W A0 - P^T P W Sigma - eta W\ndP/dt = rho W A0 W^T - rho P W Sigma W^T - eta rho P"


def held(p, z):
    return ((p - z.detach()) ** 2).sum(1).mean() / 2


def live(p, z):
    return ((p - z) ** 2).sum(1).mean() / 2


def predictor():
    torch.manual_seed(0)
    return nn.Linear(2, 2, bias=False)


@pytest.mark.parametrize("name", ["simsiam", "byol", "moco"])
def test_what_is_written_is_read_back_and_holds(name):
    found = field(FIELDS[name], 4)
    lines = found.latex()
    assert check_field(name, lines).verdict == "holds"
    flows = read_flow(lines, FIELDS[name].parameters)
    for weight, terms in found.flow.items():
        assert {(one.traces, one.word): one.coefficient for one in terms} == flows[weight].terms


def test_a_print_through_a_lower_order_and_with_values():
    assert check_field("moco", r"\dot W = \frac{K}{\tau (K + 1)} W_m A_0 - \eta W + O(W^3)").verdict == "holds"
    assert check_field("moco", "dW/dt = 4/5 Wₘ A0 + O(W³)", given={"K": 4, "tau": 1, "eta": 0}).verdict == "holds"
    mine = Loss(half_sq(x, stop(x_pos)), name="mine")
    assert check_field(mine, "dW/dt = W A0 − W Σ").verdict == "holds"
    assert check_field(Training(mine, decay=False), r"\dot W = W A_0 - W\Sigma").verdict == "holds"


@pytest.mark.parametrize(
    ("right", "wrong", "first"),
    [
        ("P^T P W Sigma", "P P W Sigma", "P P W Σ in dW/dt"),
        ("P^T W A0", "2 P^T W A0", "Pᵀ W A0 in dW/dt"),
        (" - eta W\n", "\n", "W in dW/dt"),
        ("rho W A0 W^T", "W A0 W^T", "W A0 Wᵀ in dP/dt"),
        ("P^T W A0 - ", "P^T W A0 - W A0 + W Sigma - ", "W A0 in dW/dt"),
    ],
)
def test_a_slip_is_refuted_where_it_stands(right, wrong, first):
    assert SIMSIAM.count(right) == 1
    with pytest.raises(ContradictedError) as caught:
        check_field("simsiam", SIMSIAM.replace(right, wrong))
    assert caught.value.check.verdict == "refuted"
    assert first in [one.of for one in caught.value.check.differences]


def test_momentum_and_stop_left_out_are_refuted():
    for wrong in ("P^T W A0 - P^T P W Sigma - eta W", "P^T W_m A0 - P^T P W Sigma - eta W + P W A0 - W Sigma"):
        with pytest.raises(ContradictedError, match="the printed field is refuted"):
            check_field("byol", f"dW/dt = {wrong}")


def test_code_that_trains_is_held_against_a_name_and_a_print():
    assert check_field((held, predictor()), "simsiam").verdict == "holds"
    assert check_field((live, predictor()), "dW/dt = P^T W A0 - P^T P W Sigma + P W A0 - W Sigma").verdict == "holds"
    for code, printed in (((live, predictor()), "simsiam"), ((held, predictor()), SIMSIAM.splitlines()[0])):
        # A stop that was forgotten, and a decay that the code does not have.
        with pytest.raises((ContradictedError, InputError), match=r"refuted|eta is unknown"):
            check_field(code, printed)
    with pytest.raises(ContradictedError, match="Pᵀ P W Σ in dW/dt"):
        check_field((held, predictor()), "dW/dt = P^T W A0 - 2 P^T P W Sigma")


@pytest.mark.parametrize(
    ("subject", "printed", "said"),
    [
        ("simsiam", "W = 3", "no line of a field"),
        ("simsiam", "dP/dt = W A0 W^T", "says what W does"),
        ("simsiam", "dW/dt = P^T W A0\ndW/dt = W A0", "printed twice"),
        ("simsiam", "dW/dt = 3", "ends in no product"),
        ("simsiam", "dW/dt = W A0 - foo W", "foo is unknown here"),
        ("simsiam", "dW/dt = W A0\ndW_m/dt = W", "does not move here"),
        ("simsiam+normalised", "dW/dt = W A0", "no expansion at W = 0"),
        (live, "dW/dt = W A0", "a module or"),
        ((held, predictor()), "dino", "no field of words"),
    ],
)
def test_unusable_input_gets_one_sentence(subject, printed, said):
    with pytest.raises(InputError, match=said):
        check_field(subject, printed)


def test_the_fixture_leaves_its_check_with_the_test(check_field, request):
    check_field("simsiam", SIMSIAM)
    left = json.loads(request.node.stash[CHECKS][-1])
    assert (left["kind"], left["verdict"]) == ("field", "holds")
    assert left["latex"]["printed"] == left["latex"]["derived"] != ""
    assert LATEX.scalar(FIELDS["simsiam"].parameters["eta"]) in left["latex"]["printed"]
    assert request.node.get_closest_marker("derivation") is not None
