"""The precision in which a black box computes, from the smallest change of its input that changes its value."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from verify.audits.blackbox.rays import DOUBLE, SINGLE
from verify.truths.function import BlackBox

Array = NDArray[np.float64]
# The relative error of one value in half precision.
HALF = 4e-3


def rounding_of(box: BlackBox, z: Array, seed: int) -> float:
    """The relative error of one value, judged by a change that a better precision would show."""
    step = np.random.default_rng(seed + 1).standard_normal(z.shape)
    here = box(z)
    moves = any(box(z + k * step) != here for k in (0.05, 0.1))
    blind_to = [size for size in (1e-10, 1e-5) if all(box(z + k * size * step) == here for k in (1, 2, 3))]
    if moves and 1e-5 in blind_to:
        return HALF
    single = box.seen.single or box.dtype is torch.float32 or (moves and bool(blind_to))
    return SINGLE if single else DOUBLE
