"""Run as one of two processes: gradients and a whole training, written to a file for the test beside this."""

import sys
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import patch

import torch
from safetensors.torch import save_file

from verify.networks import gathered, pretrain
from verify.networks.images.augment import gaussian
from verify.networks.images.synthetic import synthetic_images
from verify.networks.network import build
from verify.networks.objective import Objective
from verify.networks.pretrain import Schedule

ARCHITECTURES = {
    "resnet": {"name": "resnet12", "width": 2, "d1": 4, "projector": 6},
    "vit": {"name": "vit", "width": 12, "depth": 1, "patch": 16, "d1": 4},
}
OBJECTIVES = {
    "infonce": Objective("infonce-batch"),
    "ntxent": Objective("ntxent", {"tau": 0.5}, normalised=True),
    "spectral": Objective("spectral"),
}
SCHEDULE = Schedule(steps=4, batch=12, rate=0.02, seed=1)
MUTANTS = {
    "not gathered": ("verify.networks.pretrain.gathered", lambda rows: rows),
    "not summed": ("verify.networks.pretrain.sum_gradients", lambda _: None),
    "not synchronised": ("verify.networks.pretrain.synchronised", lambda network: network),
    "no gradient to the others": ("verify.networks.gathered._Summed.backward", staticmethod(lambda _, outer: outer)),
}


def slopes(architecture, objective):
    """The loss of one batch and its gradient, all weights in one row."""
    network = build(ARCHITECTURES[architecture], seed=2)
    run = pretrain._Run(
        network, synthetic_images(24, 0), gaussian(0.3), OBJECTIVES[objective], SCHEDULE, torch.device("cpu")
    )
    loss = pretrain.batch_loss(network, run.views(), run.objective, "float32")
    loss.backward()
    pretrain.sum_gradients(network.parameters())
    row = torch.cat([one.grad.flatten() for one in network.parameters()])
    return torch.cat([gathered.summed(loss.detach())[None], row])


def all_slopes():
    return {f"{a} {o}": slopes(a, o) for a in ARCHITECTURES for o in OBJECTIVES}


def trained():
    """The weights and running statistics after a few steps, by name."""
    network = build(ARCHITECTURES["resnet"], seed=2)
    pretrain.pretrain(network, synthetic_images(24, 0), gaussian(0.3), OBJECTIVES["infonce"], SCHEDULE)
    return {f"trained {name}": one for name, one in network.state_dict().items()}


def main(out):
    torch.set_num_threads(1)
    with gathered.process_group(torch.device("cpu")):
        found = all_slopes() | trained()
        for name, mutant in MUTANTS.items():
            with ExitStack() as stack:
                stack.enter_context(patch(*mutant))
                found[name] = slopes("resnet", "infonce")
                if name == "not gathered":
                    found |= {f"mutant {key}": value for key, value in trained().items()}
        if gathered.processes() == (0, 2):
            save_file({name: one.contiguous().clone() for name, one in found.items()}, Path(out))


if __name__ == "__main__":
    main(sys.argv[1])
