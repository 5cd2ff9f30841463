"""Losses as libraries ship them, and each one's formula written out by hand, datum by datum.

The formulas come from the definitions, on plain numbers: they share nothing with the libraries' code. lightly's DCLLoss
is rewritten from its description: up to 1.5.20 it added two logsumexps, one over the negatives within a view and one
over those across views, where the paper has a single one over both.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, log, sqrt

import torch
import torch.nn.functional as F
from info_nce import InfoNCE
from pytorch_metric_learning.distances import DotProductSimilarity
from pytorch_metric_learning.losses import NTXentLoss, SelfSupervisedLoss, VICRegLoss

TAU = 0.5


def dot_product_ntxent():
    return NTXentLoss(temperature=TAU, distance=DotProductSimilarity(normalize_embeddings=False))


def vicreg_of_two_views(z1, z2, loss=VICRegLoss()):  # noqa: B008 (one instance, which keeps no state)
    return loss(z1, ref_emb=z2)


def _similarities(z1, z2):
    """Within the first view without the diagonal (N, N - 1), across views the same, and the diagonal across (N,)."""
    z1, z2 = F.normalize(z1, dim=1), F.normalize(z2, dim=1)
    other = ~torch.eye(len(z1), dtype=torch.bool)
    within, across = z1 @ z1.T / TAU, z1 @ z2.T / TAU
    return *(one[other].reshape(len(z1), -1) for one in (within, across)), across.diagonal()


def dcl(z1, z2):
    """lightly's DCLLoss since 1.5.21."""

    def one(a, b):
        within, across, positive = _similarities(a, b)
        return (torch.logsumexp(torch.cat([within, across], 1), 1) - positive).mean()

    return (one(z1, z2) + one(z2, z1)) / 2


def dcl_of_two_logsumexps(z1, z2):
    """lightly's DCLLoss up to 1.5.20."""

    def one(a, b):
        within, across, positive = _similarities(a, b)
        return (torch.logsumexp(within, 1) + torch.logsumexp(across, 1) - positive).mean()

    return (one(z1, z2) + one(z2, z1)) / 2


def inner(u, v):
    return sum(p * q for p, q in zip(u, v, strict=True))


def unit(u):
    return [p / sqrt(inner(u, u)) for p in u]


def mean(numbers):
    numbers = list(numbers)
    return sum(numbers) / len(numbers)


def ntxent_by_hand(z1, z2):
    """Mean over all 2N embeddings: the positive is the other view, the denominator has all others and the positive."""
    z, n = [*z1, *z2], len(z1)
    return mean(
        -inner(z[i], z[(i + n) % (2 * n)]) / TAU
        + log(sum(exp(inner(z[i], z[k]) / TAU) for k in range(2 * n) if k != i))
        for i in range(2 * n)
    )


def normalised(formula):
    return lambda z1, z2: formula([unit(u) for u in z1], [unit(u) for u in z2])


def infonce_by_hand(z1, z2):
    """One direction, the first view against the second: the denominator has all second views, the positive included."""
    return mean(-inner(u, z2[i]) / TAU + log(sum(exp(inner(u, v) / TAU) for v in z2)) for i, u in enumerate(z1))


def _dcl_by_hand(z1, z2, added):
    def one(a, b):
        total = 0.0
        for i, u in enumerate(a):
            within = sum(exp(inner(u, v) / TAU) for j, v in enumerate(a) if j != i)
            across = sum(exp(inner(u, v) / TAU) for j, v in enumerate(b) if j != i)
            total += -inner(u, b[i]) / TAU + added(within, across)
        return total / len(a)

    return (one(z1, z2) + one(z2, z1)) / 2


def dcl_by_hand(z1, z2):
    return _dcl_by_hand(z1, z2, lambda within, across: log(within + across))


def dcl_of_two_by_hand(z1, z2):
    return _dcl_by_hand(z1, z2, lambda within, across: log(within) + log(across))


def vicreg_by_hand(z1, z2):
    """25/d · mean |z1 - z2|² + 25/2 · Σ_views mean_j relu(1 - sqrt(var_j + 1e-4)) + 1/d · Σ_views Σ_i≠j C_ij²."""
    n, d = len(z1), len(z1[0])
    invariance = mean(sum((p - q) ** 2 for p, q in zip(u, v, strict=True)) for u, v in zip(z1, z2, strict=True))
    variance = covariance = 0.0
    for z in (z1, z2):
        middle = [mean(u[j] for u in z) for j in range(d)]
        C = [[sum((u[i] - middle[i]) * (u[j] - middle[j]) for u in z) / (n - 1) for j in range(d)] for i in range(d)]
        variance += mean(max(0.0, 1 - sqrt(C[j][j] + 1e-4)) for j in range(d))
        covariance += sum(C[i][j] ** 2 for i in range(d) for j in range(d) if i != j) / d
    return 25 * invariance / d + 25 / 2 * variance + covariance


@dataclass(frozen=True)
class Shipped:
    """A loss of a library.

    Attributes:
        code: what a user would name.
        by_hand: its formula, of two lists of lists.
        adapter: how it takes embeddings.
        core: the formula without its normalisation, None where it has none.

    """

    code: Callable
    by_hand: Callable
    adapter: str = "two-views"
    core: Callable | None = None


SHIPPED = {
    "pytorch-metric-learning NTXentLoss, dot product": Shipped(dot_product_ntxent(), ntxent_by_hand, "labels"),
    "pytorch-metric-learning NTXentLoss": Shipped(
        NTXentLoss(temperature=TAU), normalised(ntxent_by_hand), "labels", ntxent_by_hand
    ),
    "pytorch-metric-learning SelfSupervisedLoss": Shipped(SelfSupervisedLoss(dot_product_ntxent()), ntxent_by_hand),
    "pytorch-metric-learning VICRegLoss": Shipped(vicreg_of_two_views, vicreg_by_hand),
    "info-nce-pytorch InfoNCE": Shipped(InfoNCE(temperature=TAU), normalised(infonce_by_hand), core=infonce_by_hand),
    "lightly DCLLoss since 1.5.21": Shipped(dcl, normalised(dcl_by_hand), core=dcl_by_hand),
    "lightly DCLLoss up to 1.5.20": Shipped(
        dcl_of_two_logsumexps, normalised(dcl_of_two_by_hand), core=dcl_of_two_by_hand
    ),
}
