"""Modes of torch functions of unit vectors, beside those of their definitions."""

import numpy as np
import pytest
import sympy
import torch
from torch.nn import functional

from derive import InputError, catalogue
from numeric.landscape.spectrum import whitened
from numeric.sphere.batches import batch_shares
from verify.audits.function_shares import FunctionLandscape, function_modes
from verify.truths.function import BlackBox

LAM = [sympy.Rational(k, 20) for k in (19, 18, 17, 15, 12, 1)]


def simclr(z1, z2, temperature=0.5):
    z = functional.normalize(torch.cat([z1, z2]), dim=1)
    logits = (z @ z.T / temperature).fill_diagonal_(-1e9)
    n = len(z1)
    return functional.cross_entropy(logits, torch.cat([torch.arange(n) + n, torch.arange(n)]))


def simsiam(z1, z2):
    return -functional.cosine_similarity(z1, z2.detach()).mean()


def in_place(z1, z2):
    z1 /= z1.norm(dim=1, keepdim=True)
    return -(z1 * functional.normalize(z2, dim=1)).sum(1).mean()


def test_single_precision_is_no_other_gradient():
    double, single = (
        function_modes(BlackBox(loss, "mine"), whitened(LAM[:3]), batch=128)
        for loss in (simclr, lambda z1, z2: simclr(z1.float(), z2.float()))
    )
    assert single.kept == double.kept
    assert np.abs(single.found.powers - double.found.powers).max() < 1e-3


def test_a_function_has_the_modes_of_its_definition():
    found = function_modes(BlackBox(simclr, "simclr"), whitened(LAM), batch=64)
    loss = catalogue("ntxent+normalised").set({"N": 64, "tau": sympy.Rational(1, 2)})
    beside = batch_shares(loss, [float(one) for one in LAM], 64, seed=7)
    assert found.kept == beside.kept == (True, True, True, True, True, False)
    error = np.hypot(beside.errors.max(), found.found.precision)
    assert np.abs(found.found.powers - beside.shares).max() < 5 * error
    (level,) = [note for note in found.notes if "λ_c" in note]
    value, sigma = (float(one) for one in level.split("= ")[1].split(" ± "))
    assert abs(value - beside.threshold) < 4 * np.hypot(sigma, beside.threshold_error) + 0.02
    assert any("4.8442 at complete collapse" in note for note in found.notes)  # log(2·64 − 1)
    # At another temperature another mode is kept.
    cold = batch_shares(loss_at(sympy.Rational(1, 10)), [float(one) for one in LAM], 64)
    assert cold.kept != found.kept


def loss_at(tau):
    return catalogue("ntxent+normalised").set({"N": 64, "tau": tau})


def test_slopes_are_those_of_values():
    generator = np.random.default_rng(0)
    first, second, extra = generator.standard_normal((3, 2, 16, 3))
    here = FunctionLandscape(BlackBox(simclr, "simclr"), first, second, np.stack([extra[..., :1]] * 2))
    at, step = np.array([0.5, 0.3, 0.2]), np.array([1e-5, 0, 0])
    _, slope = here.value(at)
    assert slope[0] == pytest.approx((here.value(at + step)[0] - here.value(at - step)[0]) / 2e-5, rel=1e-4)


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        (simsiam, "not that of its values"),
        (lambda z1, z2: ((z1 - z2) ** 2).mean(), "depends on the lengths"),
        (lambda z1, z2: simclr(z1, z2) + torch.rand(()), "other values for the same features"),
        (lambda z1, _: 0 * z1.sum() + 1, "the same for all features"),
        (in_place, "has no gradient here: one of the variables needed .* modified by an inplace operation"),
    ],
)
def test_fields_and_losses_of_lengths_are_refused(loss, said):
    with pytest.raises(InputError, match=said):
        function_modes(BlackBox(loss, "mine"), whitened(LAM[:3]), batch=32)
