"""A loss over all points of a grid of scales, without running the network and with few exponentials.

The embedding is f = Σ_k r_k f_k with the f_k in orthogonal subspaces, so that inner products are Σ_k r_k² ⟨f_k, f_k′⟩.
A contrastive loss is a sum of terms

    1/n Σ_i log Σ_j w_ij exp(Σ_k r_k² s_k(i, j)),      s_k = ⟨Z_k,i, Y_k,j⟩/τ or −½|Z_k,i − Y_k,j|²,

and the exponential of a sum is a product: over a grid (r₁, r₂) of P × Q points, P + Q exponentials of each pair do,
and the sums over j are products of a P × k matrix with a k × Q matrix, one for each i. A sum that leaves the range of
single precision is computed again in double precision, with the largest exponent taken out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log

import torch
from torch import Tensor

# Exponentials computed at a time, so that they stay in a cache.
BLOCK = 2**19
LOWEST, HIGHEST = 1e-30, 1e30


def log_sums(
    similarities: Sequence[tuple[Tensor, Tensor]],
    axes: Sequence[Tensor],
    weights: Mapping[int, float] | None = None,
    *,
    distances: bool = False,
) -> Tensor:
    """1/n Σ_i log Σ_j w_ij exp(Σ_k a_k s_k(i, j)) for all combinations of a_k.

    Args:
        similarities: for each direction k the pair Z_k (n, m), Y_k (l, m).
        axes: for each direction the values of a_k = r_k², (P_k,), non-negative.
        weights: w_ij where it is not 1: a diagonal, j = i + its key, takes the value.
        distances: whether s is −½|Z − Y|² rather than ⟨Z, Y⟩.

    Returns:
        (P_1, …, P_K), in double precision.

    >>> z = torch.tensor([[0.0], [2.0]])
    >>> log_sums([(z, z)], [torch.tensor([0.0, 1.0])], distances=True)  # log 2, log(1 + e⁻²)
    tensor([0.6931, 0.1269], dtype=torch.float64)

    """
    half = (len(axes) + 1) // 2
    left, right = (_combined(axes[:half]), _combined(axes[half:]))
    n, others = similarities[0][0].shape[0], similarities[0][1].shape[0]
    total = torch.zeros(len(left), len(right), dtype=torch.float64)
    rows = max(1, BLOCK // (others * max(len(left), len(right))))
    weights = dict(weights or {})
    for top in range(0, n, rows):
        # (k, rows, others): one small product per direction.
        s = torch.stack([_similarity(Z[top : top + rows], Y, distances=distances) for Z, Y in similarities])
        here = {offset + top: weight for offset, weight in weights.items() if -s.shape[1] < offset + top < others}
        total += _row_sums(s, left, right, here)
    return (total / n).reshape(tuple(len(axis) for axis in axes))


def quadratic(each: Sequence[Tensor], axes: Sequence[Tensor]) -> Tensor:
    """Σ_k r_k² e_k over the grid."""
    total = torch.zeros((), dtype=torch.float64)
    for one, squares in zip(each, axes, strict=True):
        total = total[..., None] + one.double() * squares
    return total


def _row_sums(s: Tensor, left: Tensor, right: Tensor, weights: Mapping[int, float]) -> Tensor:
    """Σ_i log Σ_j … over these rows, (P, Q)."""
    for offset, weight in weights.items():
        if weight == 0:  # what is left out must not be the largest
            lowest = s.amin(-1)
            s.diagonal(offset, 1, 2).copy_(_on_diagonal(lowest, offset, s.shape[2]))
    shift = s.amax(-1)  # (k, rows)
    s = (s - shift[..., None]).movedim(0, 1)  # (rows, k, others), none above 0
    half = left.shape[1]
    E = (left @ s[:, :half]).exp_()
    for offset, weight in weights.items():
        E.diagonal(offset, 0, 2).mul_(weight)
    sums = E.sum(-1, keepdim=True) if not right.shape[1] else E @ (right @ s[:, half:]).exp_().mT  # (rows, P, Q)
    # Neighbouring points of the grid differ little: the logarithms are added in double precision.
    logs = sums.double().log()
    if float(sums.min()) < LOWEST or float(sums.max()) > HIGHEST:
        bad = (sums < LOWEST) | (sums > HIGHEST)
        logs[bad] = _carefully(s, left, right, weights, bad)
    at_most = shift.double().sum(1)  # (k,)
    return logs.sum(0) + (left.double() @ at_most[:half])[:, None] + (right.double() @ at_most[half:])[None, :]


def _carefully(s: Tensor, left: Tensor, right: Tensor, weights: Mapping[int, float], bad: Tensor) -> Tensor:
    """The logarithms at these (row, P, Q), in double precision, with the largest exponent taken out."""
    half = left.shape[1]
    found = torch.zeros(bad.shape, dtype=torch.float64)
    s, left, right = s.double(), left.double(), right.double()
    for p, q in bad.any(0).nonzero().tolist():
        exponents = left[p] @ s[:, :half] + right[q] @ s[:, half:]  # (rows, others)
        for offset, weight in weights.items():
            exponents.diagonal(offset).add_(log(weight) if weight > 0 else -torch.inf)
        found[:, p, q] = exponents.logsumexp(-1)
    return found[bad]


def _similarity(Z: Tensor, Y: Tensor, *, distances: bool) -> Tensor:
    if not distances:
        return Z @ Y.mT
    # Relative to their mean, since small differences of large vectors are lost; a distance may still round below 0.
    middle = Y.mean(0)
    Z, Y = Z - middle, Y - middle
    return (Z @ Y.mT - Z.square().sum(-1)[:, None] / 2 - Y.square().sum(-1) / 2).clamp_(max=0.0)


def _on_diagonal(values: Tensor, offset: int, columns: int) -> Tensor:
    """The rows of (k, rows) that the diagonal at an offset meets."""
    rows = values.shape[1]
    return values[:, max(0, -offset) : min(rows, columns - offset)]


def _combined(axes: Sequence[Tensor]) -> Tensor:
    """All combinations, (P, K); without axes a single empty one."""
    if not axes:
        return torch.zeros(1, 0)
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(axes))
