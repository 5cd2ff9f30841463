"""Adding a loss takes what CONTRIBUTING says and no more: with one more, everything that walks the catalogue passes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import sympy
import torch

sys.path.insert(0, str(Path(__file__).parent))
from one_more_loss import LOSS, NAME, by_hand

from derive import CATALOGUE
from verify import audit
from verify.networks.last_layer.objective import objective
from verify.truths.batched import batched
from verify.truths.torch_losses import TORCH_LOSSES, TorchLoss

TESTS = Path(__file__).parents[1]


@pytest.fixture
def added(monkeypatch):
    monkeypatch.setitem(CATALOGUE, NAME, LOSS)
    monkeypatch.setitem(TORCH_LOSSES, NAME, TorchLoss(NAME, by_hand))


@pytest.mark.slow
@pytest.mark.usefixtures("added")
def test_its_audit_holds_by_every_route():
    found = audit(LOSS)
    routes = {one.route for one in found.evidence if one.agrees}
    assert {"autodiff", "remainder", "monte-carlo", "trained"} <= routes
    assert found.verdict == "holds"


@pytest.mark.usefixtures("added")
def test_what_it_is_is_read_off_its_definition():
    assert not TORCH_LOSSES[NAME].over_batch
    assert batched(NAME).views == 3
    one = objective(NAME, {"t": sympy.Rational(1, 2)}, batch=8)
    assert (one.population, one.rotates, one.even) == (True, True, True)
    assert one.function(*torch.ones(2, 3, 8, 2, dtype=torch.float64)).shape == (3,)
    assert not LOSS.depends_on_moments


@pytest.mark.slow
def test_the_tests_that_walk_the_catalogue_pass():
    files = [str(file) for file in sorted(TESTS.rglob("test_*.py")) if file.parent.name not in ("contracts", "docs")]
    walkers = [
        file for file in files if any(word in Path(file).read_text("utf-8") for word in ("CATALOGUE", "TORCH_LOSSES"))
    ]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS / "contracts")])}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "one_more_loss", "-p", "no:cacheprovider", *walkers]
    ran = subprocess.run(command, cwd=TESTS.parent, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-4000:]
    assert " passed" in ran.stdout


def test_the_catalogue_is_as_it_was():
    assert NAME not in CATALOGUE
    assert NAME not in TORCH_LOSSES
