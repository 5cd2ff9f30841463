"""Means over a population from the data of one batch: anchors, and other data, in halves that take a bias out.

A function of means over n data has a bias of order 1/n; twice the function less its mean over two halves has none of
that order. Through order 4 in f that is exact for InfoNCE, and for polynomials of degree 2 in means.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def halves(n: int) -> tuple[tuple[float, slice, slice], ...]:
    """Weights, and the rows of anchors and of other data, of a jackknife over a batch of n; each half is both in turn.

    >>> for weight, anchors, others in halves(8):
    ...     print(weight, (anchors.start, anchors.stop), (others.start, others.stop))
    1.0 (0, 4) (4, 8)
    1.0 (4, 8) (0, 4)
    -0.25 (0, 2) (4, 6)
    -0.25 (4, 6) (0, 2)
    -0.25 (2, 4) (6, 8)
    -0.25 (6, 8) (2, 4)
    """
    quarter = n // 4
    first, second, third, fourth = (slice(k * quarter, (k + 1) * quarter) for k in range(4))
    pairs = (
        (1.0, slice(0, 2 * quarter), slice(2 * quarter, 4 * quarter)),
        (-0.25, first, third),
        (-0.25, second, fourth),
    )
    return tuple(part for weight, a, b in pairs for part in ((weight, a, b), (weight, b, a)))


def jackknife(loss: Callable[[Tensor, Tensor, Tensor], Tensor], z1: Tensor, z2: Tensor) -> Tensor:
    """A population loss of (x, x′, χ) on batches (…, n, d1), χ being all views of the other half: (…)."""
    total = 0 * z1[..., 0, 0]
    for weight, anchors, others in halves(z1.shape[-2]):
        chi = torch.cat([z1[..., others, :], z2[..., others, :]], -2)
        total = total + weight * loss(z1[..., anchors, :], z2[..., anchors, :], chi)
    return total
