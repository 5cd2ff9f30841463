"""The minimiser of losses written by hand, against minima that are known in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from verify.papers.claims.iclr.landau import height, slope
from verify.papers.claims.iclr.table1_minima import GONE, Trained

A, C = (1.0, 0.5), (2.0, 0.3)


def test_spectral_loss_has_its_known_minimum() -> None:
    # −2 a u + (a + c)² u² is lowest at u = a/(a + c)².
    expected = [a / (a + c) ** 2 for a, c in zip(A, C, strict=True)]
    assert np.diag(Trained("spectral", A, C).gram) == pytest.approx(expected, abs=1e-6)


def test_weight_decay_above_the_curvature_collapses_completely() -> None:
    assert Trained("spectral", A, C, gamma=2.5).complete
    assert not Trained("spectral", A, C, gamma=1.5).complete
    assert Trained("spectral", A, C, gamma=1.5).dimensional


@pytest.mark.parametrize("bias", [False, True])
def test_fixed_norm_is_kept(bias: bool) -> None:
    found = Trained("spectral", A, C, norm=0.3, bias=bias)
    square = float(np.trace(found.gram @ np.diag(np.add(A, C))))
    assert square < 0.3 + 1e-9
    assert bias or square == pytest.approx(0.3)


@pytest.mark.parametrize("fixed", [False, True])
def test_sampled_batches_have_the_covariances_asked_for(fixed: bool) -> None:
    from numeric.sampling import Covariances

    data = Covariances(np.diag(A), np.diag(C))
    x, x_pos = Trained("infonce-batch", A, C, fixed=fixed)._batches(data, np.random.default_rng(0))
    n = x.shape[0] * x.shape[1]
    assert np.einsum("mia,mib->ab", x, x) / n == pytest.approx(data.Sigma, abs=1e-12)
    assert np.einsum("mia,mib->ab", x, x_pos) / n == pytest.approx(data.A0, abs=1e-12)
    if not fixed:
        assert np.abs(np.einsum("mia,mjb->ijab", x, x_pos)[~np.eye(4, dtype=bool)]).max() < 1e-10


def test_slope_is_that_of_the_closed_form() -> None:
    # L = c u − β (log(1 + s u)/2 + s u/(2 (1 + s u))) for Gaussian x and χ of variance s.
    u, a, c, beta = 0.1, 1.0, 0.7, 0.8
    s = a + c
    closed = c - beta * (s / (1 + s * u) + s / (1 + s * u) ** 2) / 2
    assert slope(u, a, c, beta) == pytest.approx(closed, abs=1e-9)


def test_height_vanishes_at_the_transition() -> None:
    assert height(1.0, 1.01, 0.5) == 0.0
    assert GONE < height(1.0, 0.99, 0.5) < 0.1
