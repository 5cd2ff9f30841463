"""The landscape over shares on drawn batches: of two encoders, against the loss written by hand and its large batch."""

import numpy as np
import pytest
import torch
from sympy import Rational

from derive import catalogue
from derive.losses.limit import population
from derive.sphere.pairs import pair_form
from numeric.sphere.batches import drawn
from numeric.sphere.shares import landscape
from verify.truths import torch_losses

LAM = np.array([0.9, 0.7, 0.5, 0.3, 0.2, 0.0])
SHARES = np.array([0.3, 0.25, 0.2, 0.15, 0.1, 0.0])


def clip(N):
    return catalogue("clip+normalised").set({"tau": Rational(1, 2), "N": N})


def test_pairs_of_two_encoders_have_the_loss_written_by_hand():
    one = drawn(clip(8), LAM, 8, batches=5)
    f, g = (torch.nn.functional.normalize(torch.from_numpy(u * SHARES**0.5), dim=-1) for u in (one.first, one.second))
    assert one.value(SHARES)[0] == pytest.approx(float(torch_losses.clip(f, g, tau=0.5).mean()))


def test_a_lost_pair_comes_back_where_the_limit_of_a_large_batch_says():
    loss = population(catalogue("clip+normalised")).set({"tau": Rational(1, 2)})
    lam, equal = np.full(12, 0.9), np.full(12, 1 / 12)
    limit = landscape(pair_form(loss), lam).threshold(equal)
    found = np.array([drawn(clip(128), lam, 128, batches=16, seed=k).threshold(equal) for k in range(4)])
    assert abs(found.mean() - limit) < 0.02
    # One encoder's weights alone would give half of β.
    assert abs(found.mean() / 2 - limit) > 0.1
