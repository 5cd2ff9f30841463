"""Objectives against their definitions written as loops over pairs; and with a mean over a batch free of bias."""

import math

import pytest
import torch

from derive import InputError
from verify.networks.objective import Objective


def embeddings(n=7, d=3):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2, n, d, generator=generator, dtype=torch.float64)


def spectral_by_loops(z1, z2):
    n = len(z1)
    others = sum(float(z1[i] @ z2[j]) ** 2 for i in range(n) for j in range(n) if i != j)
    return others / (n * (n - 1)) - 2 * sum(float(z1[i] @ z2[i]) for i in range(n)) / n


def ntxent_by_loops(z1, z2, tau):
    z = torch.cat([z1, z2])
    n, total = len(z1), 0.0
    for i in range(2 * n):
        negatives = sum(math.exp(float(z[i] @ z[j]) / tau) for j in range(2 * n) if j != i)
        total += math.log(negatives) - float(z[i] @ z[(i + n) % (2 * n)]) / tau
    return total / (2 * n)


def infonce_by_loops(z1, z2):
    def kernel(i, j):
        return math.exp(-float((z1[i] - z2[j]).square().sum()) / 2)

    n = len(z1)
    return sum(math.log(sum(kernel(i, j) for j in range(n))) - math.log(kernel(i, i)) for i in range(n)) / n


@pytest.mark.parametrize(
    ("objective", "written"),
    [
        (Objective("spectral"), spectral_by_loops),
        (Objective("infonce-batch"), infonce_by_loops),
        (Objective("ntxent", {"tau": 0.5}), lambda z1, z2: ntxent_by_loops(z1, z2, 0.5)),
    ],
)
def test_an_objective_is_its_definition(objective, written):
    z1, z2 = embeddings()
    assert float(objective(z1, z2)) == pytest.approx(written(z1, z2), rel=1e-12)
    normalised = Objective(objective.loss, objective.parameters, normalised=True)
    lengths = [z.norm(dim=-1, keepdim=True) for z in (z1, z2)]
    assert float(normalised(z1, z2)) == pytest.approx(written(z1 / lengths[0], z2 / lengths[1]), rel=1e-12)
    assert float(normalised(3 * z1, 5 * z2)) == pytest.approx(float(normalised(z1, z2)), rel=1e-12)


def test_the_mean_over_other_data_is_free_of_bias():
    # E⟨z, χ⟩² = d for standard normal z and χ, and E⟨z, z⟩² = d(d + 2): pairs of the same datum would be seen.
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(4000, 6, 3, generator=generator, dtype=torch.float64)
    found = torch.stack([Objective("spectral")(one, one) + 2 * one.square().sum(-1).mean() for one in z])
    error = float(found.std() / len(z) ** 0.5)
    assert float(found.mean()) == pytest.approx(3, abs=3 * error)
    biased = (5 * 3 + 15) / 6
    assert abs(float(found.mean()) - biased) > 10 * error


LOSSES = "infonce-batch, weighted-infonce, dcl, ntxent, siglip, clip, spectral"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("infonce",), f"there is no loss 'infonce' of one batch; there are {LOSSES}"),
        (("ntxent",), "ntxent needs values for tau, and was given some for nothing"),
        (("spectral", {"tau": 1.0}), "spectral needs values for nothing, and was given some for tau"),
    ],
)
def test_what_is_no_objective_is_refused(given, said):
    with pytest.raises(InputError) as error:
        Objective(*given)
    assert str(error.value) == said
