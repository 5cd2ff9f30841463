"""The degree of homogeneity of a black box, from values along rays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from verify.truths.function import BlackBox

Array = NDArray[np.float64]


def degree_of(box: BlackBox, wide: list[Array], decades: tuple[float, ...], less: float) -> tuple[float, float]:
    """The degree of L − less, to a twelfth, and the largest relative deviation from it."""
    ones = np.array([box(u) for u in wide]) - less
    scaled = np.array([[box(t * u) for u in wide] for t in decades]) - less
    size = float(np.abs(ones).max())
    if not size or not np.isfinite(scaled).all():
        return 0.0, np.inf
    with np.errstate(divide="ignore", invalid="ignore"):
        # Directions in which it vanishes say nothing about its degree.
        live = np.abs(ones) > 1e-3 * size
        slopes = np.log(np.abs(scaled / ones)[:, live]) / np.log(np.array(decades))[:, None]
    if not np.isfinite(slopes).all():
        return 0.0, np.inf
    degree = round(float(np.median(slopes)) * 12) / 12
    expected = np.array(decades)[:, None] ** degree * ones
    return degree, float((np.abs(scaled - expected) / np.abs(np.array(decades)[:, None] ** degree * size)).max())
