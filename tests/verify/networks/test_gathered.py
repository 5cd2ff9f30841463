"""Two processes compute what one computes; what would make them differ is found out."""

import importlib.util
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from derive import InputError
from verify.networks.gathered import local_device, synchronised

SCRIPT = Path(__file__).with_name("shared.py")
SPEC = importlib.util.spec_from_file_location("shared", SCRIPT)
shared = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(shared)
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """What two processes found, started with the environment that torchrun gives them."""
    out = tmp_path_factory.mktemp("two") / "found.safetensors"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2", "PYTHONPATH": str(ROOT)}
    ran = [
        subprocess.Popen(
            [sys.executable, SCRIPT, out],
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=os.environ | common | {"RANK": rank, "LOCAL_RANK": rank},
        )
        for rank in "01"
    ]
    said = [one.communicate(timeout=300)[1] for one in ran]
    assert [one.returncode for one in ran] == [0, 0], "\n".join(said)
    return load_file(out)


@pytest.fixture(scope="module")
def one():
    """What this process finds alone."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield shared.all_slopes() | shared.trained()
    torch.set_num_threads(threads)


def off(found, expected):
    return float((found - expected).norm() / expected.norm())


def weights(found, kind="trained"):
    """All weights and running statistics of a training in one row."""
    names = sorted(name for name in found if name.startswith(kind))
    assert len(names) > 20
    return torch.cat([found[name].double().flatten() for name in names])


def test_two_processes_have_the_loss_and_the_gradient_of_one(one, two):
    for name in (f"{a} {o}" for a in shared.ARCHITECTURES for o in shared.OBJECTIVES):
        assert float(two[name][0]) == pytest.approx(float(one[name][0]), rel=1e-6)
        assert off(two[name][1:], one[name][1:]) < 1e-5, name


def test_two_processes_train_the_network_that_one_trains(one, two):
    # Of all weights together: the loss does not depend on some alone, whose gradient is rounding, and Adam gives
    # rounding steps of full length. It was 3.5e-4 on one processor; the mutant that differs least is off by 8e-3.
    assert off(weights(two), weights(one)) < 2e-3
    assert off(weights(two, "mutant trained"), weights(one)) > 4e-3


@pytest.mark.parametrize("mutant", shared.MUTANTS)
def test_what_two_processes_leave_out_is_seen(one, two, mutant):
    assert off(two[mutant], one["resnet infonce"]) > 0.01


def test_a_synchronised_normalisation_is_torchs():
    layer = torch.nn.BatchNorm2d(3)
    torch.nn.init.normal_(layer.weight)
    other = synchronised(torch.nn.Sequential(torch.nn.BatchNorm2d(3)))
    other[0].load_state_dict(layer.state_dict())
    x = torch.randn(5, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    for _ in range(2):
        assert torch.allclose(layer(x), other(x), atol=1e-6)
    for name, value in layer.state_dict().items():
        assert torch.allclose(value, other[0].state_dict()[name], atol=1e-6), name
    layer.eval()
    other.eval()
    assert torch.allclose(layer(x), other(x), atol=1e-6)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gpu", "there is no device 'gpu'; give cpu, or cuda where there is an accelerator"),
        ("cuda", "torch sees no CUDA device here; give cpu, or leave the device out"),
    ],
)
def test_a_device_that_is_not_there_is_refused(monkeypatch, name, said):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError) as error:
        local_device(name)
    assert str(error.value) == said
