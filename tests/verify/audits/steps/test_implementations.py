"""SimSiam, BYOL and MoCo as their repositories describe them are audited as they are; a forgotten stop is seen."""

from pathlib import Path

import implementations
import numpy as np
import pytest
import torch
from torch import nn

from derive import InputError
from derive.fields import FIELDS
from derive.fields.field import field
from verify import audit
from verify.audits.steps.audit import audit_step
from verify.audits.steps.measured import place, values
from verify.audits.steps.module import as_module, training_module
from verify.command.cli import main

HERE = Path(__file__).parent / "implementations.py"


@pytest.fixture(scope="module")
def found():
    torch.manual_seed(0)
    targets = {name: getattr(implementations, name) for name in ("SIMSIAM", "SQUARED", "LIVE")}
    targets |= {
        one.__name__: one() for one in (implementations.BYOL, implementations.SquaredBYOL, implementations.MoCo)
    }
    return {name: audit_step(one, name=name) for name, one in targets.items()}


@pytest.mark.parametrize("name", ["SIMSIAM", "BYOL", "MoCo"])
def test_published_losses_are_fields_that_only_turn_weights(found, name):
    here = found[name]
    assert here.verdict == "holds"
    assert "Training follows a field" in here.answer.text
    assert [one.name for one in here.missing] == ["W"]
    assert here.scale_free
    assert "no expansion at W = 0" in here.text(None)
    assert not any(word in here.text() for word in ("minima  ", "stationary", "B ="))


def test_the_predictor_form_is_conserved_where_the_target_is_stopped(found):
    assert {name: bool(one.form < 1e-8) for name, one in found.items() if one.form is not None} == {
        "SIMSIAM": True, "SQUARED": True, "BYOL": True, "SquaredBYOL": True, "LIVE": False,
    }  # fmt: skip


@pytest.mark.parametrize(("name", "share"), [("BYOL", 0.01), ("SquaredBYOL", 0.004), ("MoCo", 0.001)])
def test_the_copy_moves_as_it_is_told(found, name, share):
    moved, deviation = found[name].copy
    assert moved == pytest.approx(share, rel=1e-3)
    assert deviation < 1e-6


@pytest.mark.parametrize(("name", "derived", "times"), [("SQUARED", "simsiam", 1), ("SquaredBYOL", "byol", 2)])
def test_coefficients_are_recognised_and_are_those_of_the_catalogue(found, name, derived, times):
    training = FIELDS[derived].set({"eta": 0, "rho": 1})
    for weights, terms in field(training).flow.items():
        if weights in "WP":
            assert found[name].linear[weights].fits
            assert found[name].linear[weights].coefficients == {one.word: times * one.coefficient for one in terms}


def test_a_forgotten_stop_has_further_terms_and_nothing_stopped(found):
    live = found["LIVE"]
    assert not live.missing
    assert live.answer.text.startswith("Training follows the gradient of this loss")
    simsiam = field(FIELDS["simsiam"].set({"eta": 0, "rho": 1}))
    whole = {one.word: one.coefficient for one in (*simsiam.terms, *simsiam.stopped)}
    assert live.linear["W"].coefficients == whole


def test_a_forgotten_momentum_is_said():
    class Never(implementations.SquaredBYOL):
        update_moving_average = None

    here = audit_step(Never(), name="never")
    assert "it does not move towards W in a step" in here.text(None)
    assert not any(line.label == "momentum" for line in here.description().lines)


def test_what_is_held_by_values_is_what_is_detached():
    module = as_module(implementations.SQUARED, "squared")
    here = place(module, 5)
    slope = module.gradient(here.weights, here.views)["W"]
    held, plain = (values(module, here, "W", held=one) for one in (True, False))
    assert held == pytest.approx(slope, abs=1e-6)
    assert np.abs(plain - slope).max() > 0.1
    # The module is given back its own detach.
    assert torch.ones(1, requires_grad=True).detach().requires_grad is False


def test_a_stop_under_no_grad_is_found_but_not_called_held():
    class Quiet(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.Linear(4, 3, bias=False)

        def forward(self, x1, x2):
            with torch.no_grad():
                target = self.encoder(x2)
            return ((self.encoder(x1) - target) ** 2).sum(1).mean()

    here = audit(Quiet())
    assert [one.name for one in here.missing] == ["W"]
    assert here.linear["W"].coefficients == {"WA": 2, "WS": -2}
    assert next(one for one in here.evidence if one.route == "exact").agrees is None


def test_a_loss_of_features_with_weights_of_its_own_is_no_training_module():
    class Metric(nn.Module):
        def __init__(self):
            super().__init__()
            self.matrix = nn.Parameter(torch.tensor([[1.0, 0.5], [-0.25, 2.0]]))

        def forward(self, z1, z2):
            return ((z1 - z2) @ self.matrix).pow(2).sum(1).mean()

    assert training_module(Metric()) is None
    assert training_module(implementations.BYOL()) is not None


class Deep(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))

    def forward(self, x1, x2):
        return (self.encoder(x1) - self.encoder(x2)).pow(2).mean()


class Rows(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(4, 3)

    def forward(self, x1, x2):
        return (self.encoder(x1) - self.encoder(x2)).pow(2).sum(1)


class Raising(Rows):
    def forward(self, *views):
        del views
        raise ValueError("not today")


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (Deep(), "its encoder or predictor is not linear"),
        (Rows(), "returns no finite number"),
        (Raising(), "raised ValueError when called with two views of data: not today"),
        ((implementations.D, nn.ReLU()), "the predictor has no matrix"),
        ((lambda p: p, nn.Linear(2, 2)), "takes (p, z), or (p1, p2, z1, z2), not 1 arguments"),
        ((1, 2), "a tuple is a loss with its predictor"),
    ],
)
def test_unusable_modules_get_one_sentence(target, said):
    with pytest.raises(InputError) as error:
        audit(target)
    assert said in str(error.value)


def test_the_command_takes_them(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["quartic", "audit", f"{HERE}:SQUARED", "--quiet"])
    main()
    out = capsys.readouterr().out
    assert "dW/dt         Pᵀ W A0 − Pᵀ P W Σ + O(W³), without decay" in out
    monkeypatch.setattr("sys.argv", ["quartic", "audit", f"{HERE}:SQUARED", "--core"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "--core does not go with a training module" in capsys.readouterr().err
