"""Heads as people build them: which layer is the last linear one, and what happens to its output."""

import numpy as np
import pytest
import torch
from torch import nn

from verify.networks.last_layer.capture import features_of
from verify.networks.last_layer.head import head_of

FOLDED = "batch norm {} after the layer is part of W and b here"
UNIT = "the network divides its output by its length: the loss is taken of unit vectors"


def seeded(build):
    """A network with running statistics as after a training, in evaluation mode."""
    torch.manual_seed(0)
    net = build()
    for one in net.modules():
        if isinstance(one, nn.BatchNorm1d):
            one.running_mean.normal_()
            one.running_var.uniform_(0.5, 2)
            if one.affine:
                nn.init.normal_(one.weight)
                nn.init.normal_(one.bias)
    return net.eval()


def mlp(*last, bias=True):
    return nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 4, bias=bias), *last)


class Around(nn.Module):
    """A projector with something done to its output."""

    def __init__(self, done, *last):
        super().__init__()
        self.projector, self.done = mlp(*last), done

    def forward(self, x):
        return self.done(self.projector(x))


class SimSiam(nn.Module):
    """Projector and predictor, the projector's batch norm without weights; gives p and z."""

    def __init__(self, name="predictor"):
        super().__init__()
        self.encoder = mlp(nn.BatchNorm1d(4, affine=False), bias=False)
        self.add_module(name, nn.Sequential(nn.Linear(4, 2), nn.BatchNorm1d(2), nn.ReLU(), nn.Linear(2, 4)))
        self.of = name

    def forward(self, x):
        z = self.encoder(x)
        return getattr(self, self.of)(z), z.detach()


UNITS = nn.functional.normalize
# The network; the layer; whether outputs are unit vectors; what is said; the output that W φ + b has to be.
HEADS = {
    "plain": (mlp, "3", False, (), lambda net, x: net(x)),
    "identity and dropout": (lambda: mlp(nn.Identity(), nn.Dropout()), "3", False, (), lambda net, x: net(x)),
    "batch norm": (lambda: mlp(nn.BatchNorm1d(4)), "3", False, (FOLDED.format("4"),), lambda net, x: net(x)),
    "normalised": (
        lambda: Around(lambda z: UNITS(z, dim=-1)),
        "projector.3", True, (UNIT,), lambda net, x: net.projector(x),
    ),
    "batch norm and normalised": (
        lambda: Around(lambda z: UNITS(z, dim=-1), nn.BatchNorm1d(4)),
        "projector.3", True, (FOLDED.format("projector.4"), UNIT), lambda net, x: net.projector(x),
    ),
    "two outputs": (lambda: Around(lambda z: {"z": z, "more": z.sum(1)}), "projector.3", False, (),
        lambda net, x: net.projector(x)),
    "SimSiam": (
        SimSiam, "encoder.3", False,
        (
            "predictor is taken for a predictor; --layer predictor.3 looks at it instead",
            FOLDED.format("encoder.4"),
        ),
        lambda net, x: net.encoder(x),
    ),
    "lightly's SimSiam": (
        lambda: SimSiam("prediction_head"), "encoder.3", False,
        (
            "prediction_head is taken for a predictor; --layer prediction_head.3 looks at it instead",
            FOLDED.format("encoder.4"),
        ),
        lambda net, x: net.encoder(x),
    ),
    "a rectifier": (
        lambda: mlp(nn.ReLU()), "3", False,
        ("layer 4, a ReLU, follows: its output is no linear map of features; left out",), lambda net, x: net[:4](x),
    ),
    "something else": (
        lambda: Around(torch.sigmoid), "projector.3", False,
        ("the network's output is not that of layer projector.3: what follows it is left out",),
        lambda net, x: net.projector(x),
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", HEADS)
def test_the_head_is_found_with_what_follows_it(form):
    build, name, normalised, notes, output = HEADS[form]
    net, x = seeded(build), torch.randn(16, 6, generator=torch.Generator().manual_seed(1))
    found = head_of(net, x)
    assert (found.name, found.normalised, found.notes) == (name, normalised, notes)
    features = features_of(net, [(x, x + 1)])
    assert (features.layer, features.notes, features.normalised) == (name, notes, normalised)
    with torch.no_grad():
        assert features.embedded()[0] == pytest.approx(output(net, x).numpy(), abs=1e-5)


def test_a_named_predictor_is_looked_at():
    net, x = seeded(SimSiam), torch.randn(16, 6)
    assert head_of(net, x, "predictor.3").name == "predictor.3"


def test_a_layer_that_runs_before_the_one_registered_last():
    class Turned(nn.Module):
        def __init__(self):
            super().__init__()
            self.last, self.first = nn.Linear(5, 2), nn.Linear(6, 5)

        def forward(self, x):
            return self.last(self.first(x))

    assert head_of(seeded(Turned), torch.randn(3, 6)).name == "last"


def test_a_batch_norm_that_is_left_out_would_show():
    net, x = seeded(lambda: mlp(nn.BatchNorm1d(4))), torch.randn(16, 6)
    found = head_of(net, x)
    assert not np.allclose(found.W.numpy(), net[3].weight.detach().numpy())
