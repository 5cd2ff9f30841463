"""The measures of the field on features whose values are known, and beside definitions written by hand."""

import numpy as np
import pytest
import torch

from derive import InputError
from verify.networks.last_layer.diagnostics import decay, diagnostics, effective_rank, lidar

RNG = np.random.default_rng(0)


def gaussian(n, scales, noise=0.0):
    x = RNG.standard_normal((n, len(scales))) * scales
    return x + noise * RNG.standard_normal(x.shape), x + noise * RNG.standard_normal(x.shape)


def test_features_that_fill_the_space():
    found = diagnostics(*gaussian(20_000, np.ones(16), 0.1))
    for value in (found.rankme, found.participation, found.lidar):
        assert value == pytest.approx(16, rel=0.01)
    assert found.cosine == pytest.approx(0, abs=2e-3)
    assert found.deviation == pytest.approx(1, rel=0.02)
    assert found.alpha == pytest.approx(0, abs=0.05)


def test_features_that_have_collapsed_to_a_plane():
    scales = np.array([1.0, 1.0, *[1e-6] * 14])
    found = diagnostics(*gaussian(4_000, scales))
    assert found.rankme == pytest.approx(2, rel=0.01)
    assert found.participation == pytest.approx(2, rel=0.01)
    assert found.alignment == 0
    # Of a circle: log of the mean of exp(−4 (1 − cos)), I_0(4) e^−4.
    assert found.uniformity == pytest.approx(np.log(np.i0(4.0)) - 4, abs=0.01)


def test_features_that_have_collapsed_completely():
    one = np.ones((100, 8)) + 1e-9 * RNG.standard_normal((100, 8))
    found = diagnostics(one, one)
    assert found.rankme == pytest.approx(1, abs=1e-4)
    assert (found.cosine, found.uniformity) == (pytest.approx(1), pytest.approx(0, abs=1e-9))
    assert found.deviation == pytest.approx(0, abs=1e-6)


def test_entropy_of_known_shares():
    assert effective_rank(np.array([4.0, 2.0, 1.0, 1.0])) == pytest.approx(2**1.75, rel=1e-4)
    assert effective_rank(np.zeros(3)) == pytest.approx(1)


def test_a_power_law_has_its_power():
    assert decay(np.arange(1, 100.0) ** -0.7) == pytest.approx(0.7)
    assert np.isnan(decay(np.array([1.0, 0.0])))


def test_noise_that_drowns_a_direction_lowers_lidar_alone():
    scales = np.array([1.0] * 8)
    x = RNG.standard_normal((20_000, 8)) * scales
    noise = np.array([0.01] * 4 + [10.0] * 4)
    first, second = (x + noise * RNG.standard_normal(x.shape) for _ in range(2))
    assert diagnostics(first, second).rankme > 5
    assert lidar(first, second) == pytest.approx(4, rel=0.02)


def test_by_hand_in_torch():
    first, second = gaussian(50, np.array([1.0, 0.5, 0.2]), 0.3)
    found = diagnostics(first, second)
    u, v = (torch.nn.functional.normalize(torch.from_numpy(one), dim=1) for one in (first, second))
    assert found.alignment == pytest.approx(float((u - v).norm(dim=1).pow(2).mean()))
    assert found.uniformity == pytest.approx(float(torch.pdist(u).pow(2).mul(-2).exp().mean().log()))
    singular = torch.linalg.svdvals(torch.from_numpy(first))
    p = singular / singular.sum() + 1e-7
    assert found.rankme == pytest.approx(float(torch.exp(-(p * p.log()).sum())))
    # A classifier's scatter, the two views of a datum as its class.
    classes = np.stack([first, second], 1)
    within = sum(np.cov(pair, rowvar=False, bias=True) for pair in classes) / len(classes) + 1e-4 * np.eye(3)
    between = np.cov(classes.mean(1), rowvar=False, bias=True)
    values = np.linalg.eigvals(np.linalg.solve(within, between)).real
    assert found.lidar == pytest.approx(effective_rank(values))


def test_unusable_features_are_refused():
    with pytest.raises(InputError, match="two views of the same data are needed"):
        diagnostics(np.ones((3, 2)), np.ones((2, 2)))
    with pytest.raises(InputError, match="has length 0"):
        diagnostics(np.zeros((3, 2)), np.ones((3, 2)))
