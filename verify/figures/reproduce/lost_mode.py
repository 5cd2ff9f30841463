"""The mode of the smallest eigenvalue of a trained WᵀW: what it overlaps with, and whether it stays lost."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from verify.figures.reproduce.linear import seeded
from verify.routes.reopening.means import on_data
from verify.truths.two_views import two_views

Array = NDArray[np.float64]

# A mode with an eigenvalue below this fraction of the mean is lost.
LOST = 0.01
# Draws of the noise for a second derivative.
DRAWS = 8


def lost_modes(values: Array) -> int:
    """How many eigenvalues of WᵀW are those of lost modes.

    >>> lost_modes(np.array([0.0, 1.0, 2.0]))
    1
    """
    return int((values < LOST * values.mean()).sum())


def smallest_mode(
    points: Tensor, mean: Array, sigma: float, values: Array, vectors: Array, seed: int
) -> dict[str, float]:
    """The mode of the smallest eigenvalue where no other is lost: what it overlaps with, and L″ along it at W without.

    Args:
        points: the training set.
        mean: of the training set before it was centred, if it was.
        sigma: of the noise.
        values: of WᵀW at E|Wx|² = 1, increasing.
        vectors: in columns.
        seed: of the noise.

    Returns:
        "overlap_mean", "overlap_scaled_mean" and "overlap_form", cosines with the mean, with the mean of x/|Wx| and
        with the direction along which L″ is largest; "curvature" and its "error"; "curvature_without_mean" and its
        error: L″ on data whose mean along the mode is taken away. NaN where two modes are lost.

    """
    n, d0 = points.shape
    names = (
        "overlap_mean", "overlap_scaled_mean", "overlap_form", "curvature", "error", "curvature_without_mean",
        "error_without_mean",
    )  # fmt: skip
    if lost_modes(values) > 1:
        return dict.fromkeys(names, float("nan"))
    W = np.vstack([np.sqrt(values[1:])[:, None] * vectors[:, 1:].T, np.zeros(d0)])
    noise = torch.randn(2, DRAWS, n, d0, generator=seeded("curvature", n, d0, seed), dtype=torch.float64)
    views = (points + sigma * noise).numpy()
    loss = two_views("infonce-batch+normalised", {"N": float(n)})
    form = on_data(loss, views, W / np.sqrt(np.sum((views @ W.T) ** 2) / views[..., 0].size))
    mode = vectors[:, 0]
    scaled = (views / np.linalg.norm(views @ W.T, axis=-1, keepdims=True)).mean((0, 1, 2))
    overlaps = [abs(float(mode @ one)) / float(np.linalg.norm(one)) for one in (mean, scaled, form.direction)]
    return dict(zip(names, (*overlaps, *form.along(mode), *form.without_mean(mode)), strict=True))
