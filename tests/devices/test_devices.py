"""What runs on an accelerator keeps to its device: shown on a pretended one, where each planted slip raises."""

import importlib
import inspect
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
from pretended import MixedDevicesError, accelerator, there

from derive import CATALOGUE
from numeric.landscape.powers import kept_modes
from verify.figures.reproduce import fig2, fig4
from verify.networks.images.augment import gaussian
from verify.networks.images.synthetic import synthetic_images
from verify.networks.last_layer.capture import augmented, features_of
from verify.networks.network import build
from verify.networks.objective import Objective
from verify.networks.pretrain import Schedule, pretrain
from verify.routes.training import shares
from verify.routes.training.data import Population, TrainingSet
from verify.routes.training.engine import Plan, train
from verify.routes.training.models import Model

SMALL = {"name": "resnet12", "width": 2, "d1": 4}
# Losses of two views of a batch with parameters that a model is trained at.
PARAMETERS = {"tau": 0.5, "alpha": 0.5, "beta": 0.7, "t": 2.0, "b": -1.0, "lambda": 0.5, "mu": 1.0, "nu": 1.0}


@pytest.fixture(autouse=True)
def pretended(monkeypatch):
    with accelerator(monkeypatch):
        yield


def some_training(loss="infonce-batch", parameters=None):
    g = torch.Generator("cuda").manual_seed(0)
    data = TrainingSet(
        torch.randn(1, 12, 2, generator=g, device="cuda"),
        torch.tensor([0.3, 1.0, 3.0], device="cuda")[:, None, None].expand(3, 1, 2),
    )
    return train(Model(2, 2), data, loss, Plan(steps=3), models=3, generator=g, parameters=parameters)


# What runs there.


@pytest.mark.parametrize("loss", ["infonce-batch", "weighted-infonce", "ntxent", "spectral", "siglip", "barlow-twins"])
def test_models_train(loss):
    assert there(some_training(loss, {one: PARAMETERS[one] for one in CATALOGUE[loss].parameters if one in PARAMETERS})
                 .weights["W"])  # fmt: skip


def test_models_train_on_a_population():
    g = torch.Generator("cuda").manual_seed(0)
    spread = torch.ones(3, 1, 2, device="cuda")
    data = Population(16, spread, 0.5 * spread, independent=True)
    assert there(train(Model(2, 2), data, "infonce", Plan(steps=3), models=3, generator=g).gram)


def test_losses_of_unit_vectors_train():
    plan = Plan(rate=0.1, steps=4, decay="cosine")
    found = shares.trained_shares([0.9, 0.6], batch=16, seeds=(0,), plan=plan, evaluations=2, device="cuda")
    assert np.isfinite(found.shares).all()


def test_networks_train_and_their_features_are_captured():
    network = build(SMALL, seed=0)
    images = synthetic_images(40, 0)
    pretrain(network, images, gaussian(0.3), Objective("infonce-batch"), Schedule(steps=2, batch=16), device="cuda")
    assert there(network.last.weight)
    seen = augmented(images.floats(), gaussian(0.3), torch.Generator().manual_seed(0))
    assert features_of(network, seen, layer="last", device="cuda").N == 40


@pytest.mark.parametrize(
    ("unit", "sweep"), [(fig2.unit, fig2.RESNET.sweep), (fig2.unit, fig2.VIT.sweep), (fig4.unit, fig4.sweep)]
)
def test_a_unit_of_a_figure_runs(unit, sweep):
    settings = sweep(quick=True, seed=0, data=None).units[0]
    assert unit(**{**settings, "device": "cuda"})["source"]


def test_modes_are_kept_in_numbers():
    b = torch.from_numpy(np.linspace(-0.5, 1.0, 12).reshape(3, 4)).to("cuda", torch.float64)
    assert there(kept_modes(b, (torch.eye(4, dtype=torch.float64, device="cuda") + 0.1).expand(3, 4, 4)))


# That it would be noticed.


def planted(monkeypatch, module, right, wrong):
    """The module with a slip in its text, in place of itself."""
    text = inspect.getsource(module)
    assert text.count(right) == 1
    copy = importlib.util.module_from_spec(module.__spec__)
    monkeypatch.setitem(sys.modules, module.__name__, copy)
    exec(compile(text.replace(right, wrong), module.__file__, "exec"), copy.__dict__)  # noqa: S102 (our own text)
    return copy


PLAN = Plan(rate=0.1, steps=2, decay="cosine")


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ('weights={"W": random * size}', 'weights={"W": random.cpu() * size}', "on the same device"),
        ("torch.Generator(device)", "torch.Generator()", "'cuda' generator but found 'cpu'"),
        ("torch.tensor(taus[:, 0].copy(), dtype=torch.float32, device=device)",
         "torch.tensor(taus[:, 0].copy(), device=device)", "makes torch.float64 on the device"),
        ("generator=generator, device=device)", "generator=generator)", "'cpu' generator but found 'cuda'"),
    ],
)  # fmt: skip
def test_a_slip_is_noticed(monkeypatch, right, wrong, said):
    slipped = planted(monkeypatch, shares, right, wrong)
    with pytest.raises(MixedDevicesError, match=said):
        slipped.trained_shares([0.9, 0.6], batch=8, seeds=(0,), plan=PLAN, evaluations=1, device="cuda")


def test_a_loss_that_leaves_the_device_is_noticed():
    def leaves(z1, z2):
        return (z1.cpu() - z2).square().sum()

    with pytest.raises(MixedDevicesError, match="on the same device"):
        some_training(leaves)


def test_a_constant_of_a_loss_in_double_precision_is_noticed():
    def double(z1, z2):
        return (torch.full((2,), 0.5, dtype=torch.float64, device=z1.device) * (z1 - z2)).square().sum()

    with pytest.raises(MixedDevicesError, match=r"makes torch\.float64"):
        some_training(double)


def test_numbers_and_indices_may_come_from_the_processor():
    x = torch.ones(3, 2, device="cuda")
    assert there(x * torch.tensor(2.0))
    assert there(x[torch.tensor([0, 2])])
    with pytest.raises(MixedDevicesError, match="numpy"):
        x.numpy()
    assert x.cpu().numpy().shape == (3, 2)
