"""The same command and seed print the same JSON to the byte, in any process and whatever order sets are walked in."""

import os
import subprocess
import sys

import numpy as np
import pytest

LOSS = """
import torch


def mine(z1, z2):
    squares = ((z1[:, None] - z1[None]) ** 2).sum(-1)
    others = ~torch.eye(len(z1), dtype=torch.bool)
    return ((z1 - z2) ** 2).sum(-1).mean() / 2 + torch.log((torch.exp(-squares / 2) * others).sum(1)).mean()
"""
RANDOM_LOSSES = """
import json
from random import Random
from derive import InputError
from verify.assurance.oracle.random_losses import random_case

for seed in range(40):
    case = random_case(Random(seed))
    try:
        expansion = case.loss.expand(min(case.order, 4), basis=case.basis)
    except InputError as refused:
        print(refused)
        continue
    print(case.loss.text(), case.loss.latex(), json.dumps(expansion.to_json()), expansion.text(), expansion.latex())
"""


def printed(hash_seed, *arguments):
    environment = os.environ | {"PYTHONHASHSEED": hash_seed, "OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"}
    ran = subprocess.run([sys.executable, *arguments], capture_output=True, check=False, env=environment)
    assert ran.returncode in (0, 1), ran.stderr.decode()
    assert ran.stdout
    return ran.stdout


def same(*arguments, seeds=("0", "1")):
    one, *others = (printed(seed, *arguments) for seed in seeds)
    return all(other == one for other in others)


@pytest.mark.parametrize(
    "arguments",
    [
        ("derive", "weighted-infonce", "--order", "6", "--json"),
        ("derive", "vicreg", "--basis", "A0,C", "--json"),
        pytest.param(("claims", "--id", "iclr:eq8", "--json"), marks=pytest.mark.slow),
    ],
    ids=" ".join,
)
def test_the_same_json(arguments):
    assert same("-m", "verify.command.cli", *arguments)


@pytest.mark.slow
def test_random_losses_are_derived_and_written_alike():
    assert same("-c", RANDOM_LOSSES, seeds=("0", "1", "random"))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["infonce", "weighted-infonce", "barlow-twins", "infonce+normalised", "siglip"])
def test_the_same_audit(name):
    assert same("-m", "verify.command.cli", "audit", name, "--json", seeds=("1", "random"))


@pytest.mark.slow
def test_the_same_audit_of_a_torch_function(tmp_path):
    (tmp_path / "mine.py").write_text(LOSS, "utf-8")
    assert same("-m", "verify.command.cli", "audit", f"{tmp_path / 'mine.py'}:mine", "--json", seeds=("1", "random"))


@pytest.mark.slow
def test_the_same_landscape(tmp_path):
    generator = np.random.default_rng(0)
    x = generator.standard_normal((256, 6))
    x_pos = x + 0.5 * generator.standard_normal((256, 6))
    np.savez(tmp_path / "features.npz", x=x, x_pos=x_pos, W=generator.standard_normal((3, 6)) / 3)
    arguments = ("landscape", str(tmp_path / "features.npz"), "--batch", "16", "--out", str(tmp_path), "--json")
    assert same("-m", "verify.command.cli", *arguments, seeds=("1", "random"))


def test_what_depends_on_the_order_of_a_set_is_seen():
    assert not same("-c", "print({'one', 'two', 'three', 'four', 'five'})")
