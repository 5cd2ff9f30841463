"""Training goes on after a kill to the same bits, learns, divides its steps as said, and refuses what it cannot do."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from derive import InputError
from verify.command.pretrain import pretrained
from verify.networks.checkpoint import load_network, read_tensors
from verify.networks.images.augment import gaussian
from verify.networks.images.synthetic import synthetic_images
from verify.networks.network import build
from verify.networks.objective import Objective
from verify.networks.pretrain import Schedule, _Run, pretrain

ROOT = Path(__file__).parents[3]
SMALL = {"name": "resnet12", "width": 2, "d1": 4}
IMAGES = synthetic_images(40, 0)
INFONCE = Objective("infonce-batch")


def train(schedule, path=None, *, network=None, augmentation=None, every=3, images=IMAGES, tick=lambda _: None):
    network = network or build(SMALL, seed=0)
    losses = pretrain(
        network, images, augmentation or gaussian(0.3), INFONCE, schedule, path=path, every=every, tick=tick
    )
    return network, losses


def same(one, other):
    a, b = one.state_dict(), other.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


class StoppedError(Exception):
    """As good as a kill: nothing is written after it."""


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_a_run_that_was_stopped_goes_on_to_the_same_bits(tmp_path, optimiser):
    schedule = Schedule(steps=8, batch=16, optimiser=optimiser, rate=0.01, seed=5)
    whole, losses = train(schedule)
    place = tmp_path / "run.safetensors"

    def stop(_, left=[5]):  # noqa: B006 (it counts)
        left[0] -= 1
        if not left[0]:
            raise StoppedError

    with pytest.raises(StoppedError):
        train(schedule, place, tick=stop)
    assert read_tensors(place)[1]["progress"]["step"] == 3
    ticks = []
    again, rest = train(schedule, place, network=build(SMALL, seed=9), tick=ticks.append)
    assert same(whole, again)
    assert losses == rest
    assert ticks == [3, 1, 1, 1, 1, 1]
    ticks.clear()
    assert same(whole, train(schedule, place, network=build(SMALL, seed=9), tick=ticks.append)[0])
    assert ticks == [8]


def test_what_a_checkpoint_leaves_out_would_be_seen(tmp_path):
    schedule = Schedule(steps=8, batch=16, rate=0.01, seed=5)
    whole, _ = train(schedule)
    place = tmp_path / "run.safetensors"
    train(replace(schedule, steps=3), place)
    run = _Run(build(SMALL), IMAGES, gaussian(0.3), INFONCE, replace(schedule, steps=3), torch.device("cpu"))
    run.resume(place)
    run.schedule = schedule
    run.optimiser.state.clear()  # the momentum
    while run.step < 8:
        run.advance()
    assert not same(whole, run.network)


COMMAND = (
    *(sys.executable, "-m", "verify.command.pretrain", "--network", "resnet12", "--width", "2", "--images", "32"),
    *("--sigma", "0.3", "--rate", "0.01", "--seed", "5", "--device", "cpu", "--batch"),
)


def command(steps, out):
    return [*COMMAND, "16", "--steps", str(steps), "--out", str(out)]


def test_the_command_trains_a_network_and_keeps_it(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("QUARTIC_CIFAR10", raising=False)
    out = tmp_path / "net.safetensors"
    pretrained.main([*COMMAND[3:], "16", "--steps", "2", "--out", str(out)], standalone_mode=False)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "infonce-batch, Gaussian noise of standard deviation 0.3 on standardised pixels"
    assert said[1].startswith("synthetic: 32 gratings")
    assert said[-1] == f"→ {out}"
    network, notes = load_network(out)
    assert network.architecture["width"] == 2
    assert (notes["steps"], notes["images"]) == (2, said[1])
    typo = ["--network", "resnet81", "--images", "32", "--out", str(out)]
    assert refused(lambda: pretrained.main(typo, standalone_mode=False)).endswith(
        "did you mean resnet18? There are resnet18, resnet12, vit"
    )


@pytest.mark.slow
def test_a_killed_command_goes_on_to_the_same_bits(tmp_path):
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
        out = tmp_path / name / "net.safetensors"
        training = out.with_suffix(".training.safetensors")
        if name == "killed":
            started = subprocess.Popen(command(260, out), cwd=ROOT, env=environment)
            while not training.exists() and started.poll() is None:
                time.sleep(0.01)
            started.send_signal(signal.SIGKILL)
            assert started.wait() == -signal.SIGKILL
            assert [one.name for one in out.parent.iterdir()] == [training.name]
        ran = subprocess.run(command(260, out), cwd=ROOT, env=environment, check=False, capture_output=True, text=True)
        assert (ran.returncode, ran.stderr) == (0, "")
        assert "loss" in ran.stdout
    whole, killed = (load_network(tmp_path / name / "net.safetensors") for name in ("whole", "killed"))
    assert same(whole[0], killed[0])
    assert whole[1] == killed[1]


@pytest.mark.slow
def test_torchrun_trains_the_network_that_one_process_trains(tmp_path):
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    one, two = tmp_path / "one.safetensors", tmp_path / "two.safetensors"
    torchrun = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    for start in (command(3, one), [*torchrun, *command(3, two)[1:]]):
        ran = subprocess.run(start, cwd=ROOT, env=environment, check=False, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        assert ran.stdout.count("→ ") == 2
    weights = [load_network(place)[0].last.weight for place in (one, two)]
    assert torch.allclose(*weights, rtol=1e-3, atol=1e-5)


def test_training_lowers_the_loss():
    network = build({"name": "vit", "width": 12, "depth": 1, "patch": 16, "d1": 4})
    _, losses = train(Schedule(steps=61, batch=40, optimiser="adam", rate=0.01), network=network)
    assert len(losses) == 4
    assert losses[-1] < losses[0] - 0.3


def test_a_last_layer_decays_as_the_weight_decay_says():
    # Without a loss, w falls by the factor 1 − 2γη each step.
    network = build(SMALL)
    before = network.last.weight.detach().clone()
    schedule = Schedule(steps=2, batch=8, rate=0.1, last_rate=0.1, momentum=0.0, weight_decay=0.25)
    pretrain(network, IMAGES, gaussian(0.0), lambda z1, z2: 0 * (z1.sum() + z2.sum()), schedule)
    assert torch.allclose(network.last.weight, 0.95**2 * before)


def test_an_epoch_sees_every_image_once_in_an_order_of_its_own():
    run = _Run(build(SMALL), IMAGES, gaussian(0.0), INFONCE, Schedule(steps=9, batch=16), torch.device("cpu"))
    seen = []
    for step in range(6):
        run.step = step
        seen.append(run.views()[0].flatten(1).sum(1))
    epochs = [torch.cat(seen[k : k + 2]) for k in (0, 2, 4)]
    assert all(len(epoch.unique()) == 32 for epoch in epochs)
    assert not torch.equal(epochs[0], epochs[1])


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_is_close_to_single(precision):
    whole, _ = train(Schedule(steps=3, batch=16, rate=0.01))
    half, _ = train(Schedule(steps=3, batch=16, rate=0.01, precision=precision))
    assert half.last.weight.dtype == torch.float32
    assert not same(whole, half)
    assert torch.allclose(whole.last.weight, half.last.weight, atol=0.02)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device, and there is none")
def test_an_accelerator_trains_the_network_that_a_processor_trains():
    schedule = Schedule(steps=3, batch=16, rate=0.01)
    networks = [build(SMALL, seed=0), build(SMALL, seed=0)]
    for network, device in zip(networks, ("cpu", "cuda"), strict=True):
        pretrain(network, IMAGES, gaussian(0.0), INFONCE, schedule, device=device)
    assert torch.allclose(networks[0].last.weight, networks[1].last.weight.cpu(), rtol=1e-2, atol=1e-4)


def refused(call):
    with pytest.raises(InputError) as error:
        call()
    return str(error.value)


def test_training_that_diverges_stops_with_a_sentence():
    said = refused(lambda: train(Schedule(steps=50, batch=16, rate=1e9)))
    assert said == "training diverged within 21 steps at learning rate 6.54508e+08; lower the rate"


def test_a_checkpoint_of_another_run_is_refused_and_kept(tmp_path):
    place = tmp_path / "run.safetensors"
    train(Schedule(steps=1, batch=16), place)
    before = place.read_bytes()
    for other in (
        lambda: train(Schedule(steps=1, batch=16, seed=1), place),
        lambda: train(Schedule(steps=1, batch=16), place, augmentation=gaussian(0.4)),
        lambda: train(Schedule(steps=1, batch=16), place, images=synthetic_images(41, 0)),
        lambda: train(Schedule(steps=1, batch=16), place, network=build({**SMALL, "d1": 5})),
    ):
        assert refused(other) == (f"{place} holds no training with these settings; move it away, or write elsewhere")
    assert place.read_bytes() == before


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: Schedule(steps=0),
            "steps = 0, batch = 256, rate = 0.03: at least one step, two images and a positive rate are needed",
        ),
        (lambda: Schedule(steps=1, optimiser="lars"), "optimiser = 'lars': there are sgd, adam"),
        (lambda: Schedule(steps=1, precision="half"), "precision = 'half': there are float32, bfloat16, float16"),
        (
            lambda: train(Schedule(steps=1, batch=64)),
            "40 images are fewer than a batch of 64; give more, or a smaller batch",
        ),
    ],
)
def test_what_cannot_be_done_is_refused(call, said):
    assert refused(call) == said
