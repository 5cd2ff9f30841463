"""The sum at the heart of contrastive losses, with its gradient, for many models at once.

    f(Z, Y) = 1/n Σ_i log Σ_j w_ij exp⟨Z_i, Y_j⟩

Squared distances are inner products of longer vectors, −½|z − y|² = ⟨(z, 1, −½|z|²), (y, −½|y|², 1)⟩, so that one
matrix product gives all exponents of a model. With the softmax P_ij = w_ij exp⟨Z_i, Y_j⟩/Σ_k … the gradients are two
more: ∂f/∂Z = P Y/n and ∂f/∂Y = Pᵀ Z/n. They are computed with the value, in blocks that fit a processor's cache, so
that the n × k matrices are never stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

# Exponents computed at a time: a megabyte in single precision on a processor, more on an accelerator.
BLOCK = {"cpu": 2**18, "cuda": 2**28}


def distances_to(z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Z and Y, (m, n, d + 2) and (m, k, d + 2), with ⟨Z_i, Y_j⟩ = −½|z_i − y_j|².

    >>> z = torch.tensor([[[1.0], [3.0]]])
    >>> Z, Y = distances_to(z, z)
    >>> (Z @ Y.mT)[0]
    tensor([[ 0., -2.],
            [-2.,  0.]])
    """
    return _joined(z, torch.ones_like(z[..., 0]), _half_square(z)), _joined(
        y, _half_square(y), torch.ones_like(y[..., 0])
    )


def _half_square(z: Tensor) -> Tensor:
    return (z * z).sum(-1) / -2


def _joined(z: Tensor, *more: Tensor) -> Tensor:
    return torch.cat([z.mT, *(one[..., None, :] for one in more)], -2).mT


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
        m, n, d = Z.shape
        k = Y.shape[1]
        block = BLOCK.get(Z.device.type, BLOCK["cuda"])
        models = max(1, min(m, block // (n * k)))
        rows = max(1, min(n, block // k))
        spread = {offset: weight.expand(m) for offset, weight in weights.items()}
        value = Z.new_zeros(m)
        # Transposed: a product with a tall thin matrix is many times faster from this side. A row of ones under Yᵀ
        # gives the sums of the terms in the product that gives the gradient.
        across, to_Z, to_Y = _with_ones(Y), Z.new_empty(m, d, n), Z.new_zeros(m, d, k)
        # One block of memory for all terms: allocating costs more than computing the exponentials.
        room = Z.new_empty(models * rows * k)
        for first in range(0, m, models):
            some = slice(first, min(m, first + models))
            for top in range(0, n, rows):
                here = Z[some, top : top + rows]
                diagonals = {offset + top: weight[some, None] for offset, weight in spread.items()}
                terms = room[: here.shape[0] * here.shape[1] * k].view(*here.shape[:2], k)
                logs, sums = _terms(here, Y[some], across[some], diagonals, out=terms)
                value[some] += logs.sum((1, 2))
                scale = sums[:, -1:].reciprocal() / n
                torch.mul(sums[:, :-1], scale, out=to_Z[some, :, top : top + rows])
                to_Y[some].baddbmm_(here.mT * scale, terms)
        ctx.save_for_backward(to_Z.mT, to_Y.mT)
        return value / n

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor, Tensor, None]:
        to_Z, to_Y = ctx.saved_tensors
        scale = outer[0][:, None, None]
        return scale * to_Z, scale * to_Y, None


def _with_ones(Y: Tensor) -> Tensor:
    """(Y, 1)ᵀ, (m, d + 1, k)."""
    return torch.cat([Y.mT, torch.ones_like(Y.mT[:, :1])], 1)


def _terms(
    Z: Tensor, Y: Tensor, across: Tensor, diagonals: Mapping[int, Tensor], *, out: Tensor
) -> tuple[Tensor, Tensor]:
    """The terms, up to a factor of their row, in `out`; the logarithms of their sums; (Y, 1)ᵀ times the terms."""
    torch.bmm(Z, Y.mT, out=out).exp_()
    for offset, weight in diagonals.items():
        out.diagonal(offset, 1, 2).mul_(weight)
    sums = across @ out.mT
    total = sums[:, -1:]
    lowest, highest = total.aminmax()
    if lowest > 1e-30 and highest < 1e30:
        return total.log(), sums
    # Outside or near the end of the range of single precision: the largest exponent of each row is taken out first.
    torch.bmm(Z, Y.mT, out=out)
    for offset, weight in diagonals.items():
        out.diagonal(offset, 1, 2).add_(weight.log())
    top = out.amax(-1, keepdim=True)
    sums = across @ out.sub_(top).exp_().mT
    return sums[:, -1:].log() + top.mT, sums
