"""WᵀW by the theory of unit vectors for given data, against a loss written by hand and against its closed form."""

import numpy as np
import pytest
import torch

from derive import catalogue
from derive.sphere.pairs import pair_form
from numeric.sphere.equal_modes import Sphere
from verify.figures.reproduce.on_sphere import gram_on_sphere

FORM = pair_form(catalogue("infonce+normalised").filled())
VARIANCES = np.array([0.1, 0.6, 0.8, 1.0, 1.2, 1.5])


def by_hand(W, mean, noise, draws):
    """InfoNCE of f/|f| on drawn views, f = Wx."""
    hat, one, two, far, its = draws
    views = [mean + hat * VARIANCES**0.5 + noise * one, mean + hat * VARIANCES**0.5 + noise * two]
    f, g, h = (torch.nn.functional.normalize(torch.from_numpy(v) @ W.T, dim=1)
               for v in (*views, mean + far * VARIANCES**0.5 + noise * its))  # fmt: skip
    return torch.log(torch.exp(f @ h.T).mean(1)).mean() - (f * g).sum(1).mean()


@pytest.mark.parametrize("length", [0.0, 1.0])
def test_a_loss_written_by_hand_is_higher_at_other_weights(length):
    """With a mode scaled up or down, with the mean kept, and with the noise forgotten."""
    mean, noise = length * np.eye(6)[2], 0.3
    draws = np.random.default_rng(0).standard_normal((5, 2000, 6))
    draws[:, 1000:] = -draws[:, :1000]

    def at(gram):
        values, vectors = np.linalg.eigh(gram)
        return torch.from_numpy((vectors * np.sqrt(np.maximum(values, 0))).T.copy())

    gram = gram_on_sphere(FORM, np.diag(VARIANCES), noise, mean)
    lowest = float(by_hand(at(gram), mean, noise, draws))
    for k in np.flatnonzero(gram.diagonal() > 1e-3):
        for factor in (0.5, 2.0):
            scaled = np.diag(np.where(np.arange(6) == k, np.sqrt(factor), 1.0))
            assert float(by_hand(at(scaled @ gram @ scaled), mean, noise, draws)) > lowest
    forgets = gram_on_sphere(FORM, np.diag(VARIANCES), 0.0, mean)
    assert float(by_hand(at(forgets), mean, noise, draws)) > lowest + 1e-3
    if length:
        assert gram[2, 2] < 1e-9
        keeps = gram_on_sphere(FORM, np.diag(VARIANCES), noise, 0 * mean)
        assert float(by_hand(at(keeps), mean, noise, draws)) > lowest + 1e-3


def test_a_mean_is_lost_near_where_the_closed_form_has_it():
    """At 0.9 of the largest mean a mode is kept, at 1.1 it is lost; eight modes of λ = 0.9 beside it."""
    noise = np.sqrt(1 / 9)
    edge = Sphere(8, 0.9).largest_mean(0.9) * np.sqrt(1 + noise**2)
    for part, kept in ((0.9, True), (1.1, False)):
        gram = gram_on_sphere(FORM, np.eye(9), noise, part * edge * np.eye(9)[4])
        assert bool(gram[4, 4] > 1e-6) == kept


def test_it_is_scaled_to_the_second_moment_of_the_views():
    mean = 0.2 * np.ones(6)
    gram = gram_on_sphere(FORM, np.diag(VARIANCES), 0.3, mean)
    seen = np.diag(VARIANCES) + 0.09 * np.eye(6) + np.outer(mean, mean)
    assert np.trace(gram @ seen) == pytest.approx(1)
