"""The minimum of a given training set's loss."""

import pytest
import torch

from derive import InputError
from verify.routes.training.data import TrainingSet
from verify.routes.training.engine import Plan, train
from verify.routes.training.finite import lowest
from verify.routes.training.models import Model


def seeded(seed):
    return torch.Generator().manual_seed(seed)


POINTS = torch.randn(60, 2, generator=seeded(1), dtype=torch.float64)
SIGMA = torch.full((1, 2), 1.5, dtype=torch.float64)


def found(seed, draws=64, loss="infonce-batch"):
    return lowest(POINTS, SIGMA, loss, draws=draws, generator=seeded(seed), start=0.3 * torch.eye(2))


def test_independent_draws_and_training_reach_the_same_minimum():
    grams = torch.stack([found(seed).gram for seed in range(4)])
    error = grams.std(0) / 2
    data = TrainingSet(POINTS[None].repeat(8, 1, 1), SIGMA[None].expand(8, 1, 2))
    plan = Plan(rate=2e-2, steps=3000, decay="cosine")
    end = train(Model(2, 2), data, "infonce-batch", plan, models=1, generator=seeded(2), dtype=torch.float64)
    assert float(error.max()) < 0.005
    assert float((end.averaged[0] - grams.mean(0)).abs().max()) < 0.02


def test_signs_make_the_second_order_exact():
    # At small W the loss is −Tr[W B Wᵀ]; for a fixed training set B = n/n A0, A0 centred, whatever the noise.
    centred = POINTS - POINTS.mean(0)
    A0 = centred.T @ centred / len(POINTS)
    W = 1e-3 * torch.tensor([[1.0, 0.4], [-0.2, 0.7]], dtype=torch.float64)
    one = lowest(POINTS, SIGMA, "infonce-batch", draws=1, generator=seeded(0), start=W, steps=1, tolerance=1e9)
    assert torch.equal(one.W, W)
    expected = float(torch.log(torch.tensor(60.0, dtype=torch.float64)) - (W @ A0 @ W.T).trace())
    assert one.loss == pytest.approx(expected, abs=1e-9)


def test_a_loss_that_is_no_number_is_one_sentence():
    with pytest.raises(InputError) as error:
        found(0, loss=lambda z1, _: z1.sum() * float("nan"))
    expected = "the loss is not a finite number on the way to its minimum; start from smaller weights"
    assert str(error.value) == expected
