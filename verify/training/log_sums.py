"""The sum at the heart of contrastive losses, with its gradient, for many models at once.

    f(Z, Y) = 1/n Σ_i log Σ_j w_ij exp⟨Z_i, Y_j⟩

Squared distances are inner products of longer vectors, −½|z − y|² = ⟨(z, 1, −½|z|²), (y, −½|y|², 1)⟩, so that one
matrix product gives all exponents of a model. With the softmax P_ij = w_ij exp⟨Z_i, Y_j⟩/Σ_k … the gradients are two
more: ∂f/∂Z = P Y/n and ∂f/∂Y = Pᵀ Z/n. They are taken on the way, in blocks that fit a processor's cache, so that the
n × k matrices are never stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

# Exponents that are worked on together: a megabyte in single precision on a processor, much on an accelerator.
BLOCK = {"cpu": 2**18, "cuda": 2**28}


def distances_to(z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Z and Y, (m, n, d + 2) and (m, k, d + 2), with ⟨Z_i, Y_j⟩ = −½|z_i − y_j|².

    >>> z = torch.tensor([[[1.0], [3.0]]])
    >>> Z, Y = distances_to(z, z)
    >>> (Z @ Y.mT)[0]
    tensor([[ 0., -2.],
            [-2.,  0.]])
    """
    return (
        torch.cat([z, torch.ones_like(z[..., :1]), -(z * z).sum(-1, keepdim=True) / 2], -1),
        torch.cat([y, -(y * y).sum(-1, keepdim=True) / 2, torch.ones_like(y[..., :1])], -1),
    )


def mean_log_sum(Z: Tensor, Y: Tensor, weights: Mapping[int, Tensor] | None = None) -> Tensor:
    """f(Z, Y) of each model, (m,).

    Args:
        Z: (m, n, d).
        Y: (m, k, d).
        weights: w_ij where it is not 1: a diagonal, j = i + its key, takes the value, a tensor (m,) or (); no gradient
            goes to it.

    >>> Z = torch.zeros(1, 2, 3)
    >>> mean_log_sum(Z, Z, {0: torch.tensor(3.0)}).exp()
    tensor([4.])

    """
    value: Tensor = _MeanLogSum.apply(Z, Y, dict(weights or {}))  # type: ignore[no-untyped-call]
    return value


class _MeanLogSum(torch.autograd.Function):
    """The value with both gradients, block by block."""

    @staticmethod
    def forward(ctx: Any, Z: Tensor, Y: Tensor, weights: dict[int, Tensor]) -> Tensor:
        m, n, _ = Z.shape
        k = Y.shape[1]
        block = BLOCK.get(Z.device.type, BLOCK["cuda"])
        models = max(1, min(m, block // (n * k)))
        rows = max(1, min(n, block // k))
        spread = {offset: weight.expand(m) for offset, weight in weights.items()}
        value = Z.new_zeros(m)
        # Transposed: a product with a tall thin matrix is many times faster from this side.
        to_Z, to_Y = torch.empty_like(Z.mT), torch.zeros_like(Y.mT)
        for first in range(0, m, models):
            some = slice(first, first + models)
            beside = Y[some]
            for top in range(0, n, rows):
                here = Z[some, top : top + rows]
                diagonals = {offset + top: weight[some, None] for offset, weight in spread.items()}
                terms, logs, total = _terms(here, beside, diagonals)
                value[some] += logs.sum((1, 2))
                scale = total.reciprocal() / n
                to_Z[some, :, top : top + rows] = (beside.mT @ terms.mT).mul_(scale.mT)
                to_Y[some] += (here * scale).mT @ terms
        ctx.save_for_backward(to_Z.mT, to_Y.mT)
        return value / n

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor, Tensor, None]:
        to_Z, to_Y = ctx.saved_tensors
        scale = outer[0][:, None, None]
        return scale * to_Z, scale * to_Y, None


def _terms(Z: Tensor, Y: Tensor, diagonals: Mapping[int, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """The terms of each sum up to a factor of its row, the sums' logarithms and the sums of the terms."""
    terms = (Z @ Y.mT).exp_()
    total = _weighted(terms, diagonals).sum(-1, keepdim=True)
    lowest, highest = total.aminmax()
    if lowest > 1e-30 and highest < 1e30:
        return terms, total.log(), total
    # Out of the range of single precision, or nearly so: the largest exponent of each row is taken out first.
    exponents = Z @ Y.mT
    for offset, weight in diagonals.items():
        exponents.diagonal(offset, 1, 2).add_(weight.log())
    top = exponents.amax(-1, keepdim=True)
    terms = exponents.sub_(top).exp_()
    total = terms.sum(-1, keepdim=True)
    return terms, total.log() + top, total


def _weighted(terms: Tensor, diagonals: Mapping[int, Tensor]) -> Tensor:
    for offset, weight in diagonals.items():
        terms.diagonal(offset, 1, 2).mul_(weight)
    return terms
