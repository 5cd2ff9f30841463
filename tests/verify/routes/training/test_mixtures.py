"""Losses on a mixture of classes: predictions beside the torch losses, and models beside the predictions."""

import numpy as np
import pytest
import torch

from derive.algebra.graphs import CLASSMATE, PLAIN
from verify.routes.training.mixture_minima import Moments, modes_of
from verify.routes.training.mixtures import LOSSES, TAU, ClassSet, growth, mixture
from verify.truths.torch_losses import TORCH_LOSSES

RARE = mixture((3, 1))
W = torch.tensor([[0.6, -0.2, 0.1], [0.1, 0.5, -0.4]], dtype=torch.float64)


def seeded(seed):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("name", LOSSES)
def test_the_loss_in_closed_form_is_that_of_random_data(name):
    """The torch loss on draws of the mixture, its inner mean over 1500 others."""
    known, generator = Moments.of_population(RARE, 2**12), np.random.default_rng(0)
    seen = (PLAIN, CLASSMATE if name == "supcon" else PLAIN)
    values = []
    for _ in range(30):
        x, second = (torch.from_numpy(one) @ W.T for one in RARE.draw(generator, (400,), seen))
        (chi,) = (torch.from_numpy(one) @ W.T for one in RARE.draw(generator, (1500,), 1))
        values.append(float(TORCH_LOSSES[name].evaluate(x, second, None, chi, None, parameters={"tau": TAU})))
    error = np.std(values) / np.sqrt(len(values))
    assert abs(np.mean(values) - float(known.loss(name, W))) < 4 * error


@pytest.mark.parametrize("name", ["supcon", "infonce"])
def test_the_same_of_a_set_with_fresh_noise(name):
    given = ClassSet.drawn(RARE, 60, CLASSMATE if name == "supcon" else PLAIN, seeded(0))
    known, values = Moments.of_set(given, 64), []
    generator = seeded(1)
    for _ in range(400):
        x, second, chi = (one[0] @ W.T for one in given.views(3, generator))
        values.append(float(TORCH_LOSSES[name].evaluate(x, second, None, chi, None, parameters={"tau": TAU})))
    # Two draws of noise for each other datum bias the logarithm by a half of its variance, of order 1/120.
    assert abs(np.mean(values) - float(known.loss(name, W))) < 4 * np.std(values) / np.sqrt(len(values)) + 0.002


def test_the_minimum_of_the_spectral_loss_is_known():
    known = Moments.of_population(RARE, 16)
    inverse = np.linalg.inv(known.second)
    assert known.minimum("spectral", 3) == pytest.approx(inverse @ (known.within + known.M2) @ inverse, abs=1e-5)


def test_the_classes_have_their_weights_and_supcon_keeps_their_means_alone():
    known = Moments.of_population(RARE, 2**10)
    difference = RARE.means[0] - RARE.means[1]
    assert known.B("supcon") == pytest.approx(3 / 16 * np.outer(difference, difference))
    assert known.B("infonce") == pytest.approx(known.within + known.B("supcon"))
    found, _ = modes_of(known.minimum("supcon", 3), known.second)
    assert found[0] > 0.5
    assert found[2] < 1e-3


def agrees(found, expected):
    """Entry by entry, within 5 standard errors of the mean or 3 % of the largest."""
    error = found.std(0, ddof=1) / np.sqrt(len(found))
    return bool((abs(found.mean(0) - expected) < np.maximum(5 * error, 0.03 * np.abs(expected).max())).all())


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("sample", ["fresh", "full"])
def test_models_grow_as_B_says_and_not_as_its_mutants(name, sample):
    given = RARE
    known = Moments.of_population(RARE, 16)
    if sample == "full":
        given = ClassSet.drawn(RARE, 150, CLASSMATE if name == "supcon" else PLAIN, seeded(2))
        known = Moments.of_set(given, 1)
    B = known.B(name)
    found = growth(name, given, float(np.linalg.eigvalsh(known.second)[-1]), 3, models=8, n=250, steps=10)
    assert agrees(found, B)
    # The classes' weights lost; and, for SupCon, a datum taken for its class.
    equal = Moments.of_population(mixture((1, 1)), 16).B(name)
    assert not agrees(found, equal)
    if name == "supcon":
        assert not agrees(found, B + known.within / TAU)


def test_a_set_shows_data_of_the_same_class():
    given = ClassSet.drawn(RARE, 40, CLASSMATE, seeded(0))
    assert torch.bincount(given.labels).tolist() == [30, 10]
    still = ClassSet(given.points, given.labels, 0 * given.noise, CLASSMATE)
    x, same, chi = (one[0] for one in still.views(3, seeded(1)))
    assert torch.equal(torch.cat([x, x]), chi)
    place = {tuple(one): k for k, one in enumerate(given.points.tolist())}
    shown = given.labels[torch.tensor([place[tuple(one)] for one in same.tolist()])]
    assert torch.equal(shown, given.labels)
    assert not torch.equal(x, same)
