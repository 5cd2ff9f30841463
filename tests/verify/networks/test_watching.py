"""What a training keeps while it runs: outputs with known answers, and the diagnostics of a last layer."""

import sys
import types

import numpy as np
import pytest
import torch
from torch import nn

from derive import InputError
from verify.networks.last_layer.diagnostics import diagnostics
from verify.networks.watching import Watch, lightning_callback, seen


def views(n=400, d=6, kept=4, noise=0.3, seed=0):
    g = torch.Generator().manual_seed(seed)
    datum = torch.randn(n, d, generator=g) * (torch.arange(d) < kept)
    return tuple(datum + noise * torch.randn(n, d, generator=g) * (torch.arange(d) < kept) for _ in range(2))


def test_it_sees_what_the_published_measures_see():
    z, z_pos = views()
    found, measures = seen(z, z_pos), diagnostics(z.numpy(), z_pos.numpy())
    assert (found.kept, found.width) == (4, 6)
    assert found.alignment == pytest.approx(measures.alignment, rel=1e-4)
    assert found.uniformity == pytest.approx(measures.uniformity, rel=1e-4)
    both = np.linalg.eigvalsh(np.cov(((z + z_pos) / 2).numpy(), rowvar=False))
    assert found.effective_rank == pytest.approx(both.sum() ** 2 / (both**2).sum(), rel=1e-2)
    assert found.correlation == pytest.approx(1 / 1.09, abs=0.02)
    assert found.mean < 0.01


def test_complete_collapse_and_more_coordinates_than_data():
    one = torch.ones(10, 3)
    found = seen(one, one)
    assert found.kept == 0
    assert found.uniformity == pytest.approx(0, abs=1e-5)
    noisy = seen(one + 1e-7 * torch.randn(10, 3), one)
    assert (noisy.kept, noisy.effective_rank) == (0, 0)
    assert found.mean == pytest.approx(1)
    few = seen(*views(n=8, d=40, kept=40))
    assert few.kept <= 8


def test_a_training_that_collapses_is_seen_to():
    """Alignment alone: all outputs become equal beside their mean."""
    torch.manual_seed(0)
    net = nn.Linear(5, 4)
    rate, told = torch.optim.SGD(net.parameters(), lr=0.1), []
    watch = Watch(every=20, log=lambda numbers, step: told.append((step, numbers)))
    x, x_pos = views(d=5, kept=5, noise=1.0)
    for _ in range(101):
        z, z_pos = net(x), net(x_pos)
        loss = (z - z_pos).pow(2).sum(1).mean()
        rate.zero_grad()
        loss.backward()
        rate.step()
        watch(z, z_pos, loss=loss.item())
    assert [one.step for one in watch.history] == [0, 20, 40, 60, 80, 100]
    assert watch.history[-1].mean > 0.99 > watch.history[0].mean
    assert told[-1][1]["quartic/mean"] == watch.history[-1].mean
    assert "step 100: " in watch.history[-1].text()


def test_unusable_input_is_a_sentence():
    with pytest.raises(InputError, match="two views of the same data are needed"):
        seen(torch.zeros(3, 2), torch.zeros(4, 2))
    with pytest.raises(InputError, match="every = 0"):
        Watch(every=0)


def test_lightning_is_given_the_numbers(monkeypatch):
    module = types.ModuleType("pytorch_lightning")
    module.__spec__ = types.SimpleNamespace()
    module.Callback = object
    monkeypatch.setitem(sys.modules, "pytorch_lightning", module)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: module if name == "pytorch_lightning" else None)
    logged = []

    class Module:
        def log_dict(self, numbers):
            logged.append(numbers)

    z, z_pos = views()
    callback = lightning_callback(every=2)
    for _ in range(3):
        callback.on_train_batch_end(None, Module(), {"loss": 0, "z": z, "z_pos": z_pos}, None, 0)
    assert [one["quartic/kept"] for one in logged] == [4.0, 4.0]
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(InputError, match="Lightning is not installed"):
        lightning_callback()
