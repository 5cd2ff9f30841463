"""The catalogue in plain torch, a batch at a time, and the same in the project's own language.

Where the catalogue has a population mean, a batch has the mean over its other data, or over all its data: the
definition beside it says which.
"""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from sympy import Rational, Symbol

from derive import Loss, Mean, SecondMoment, catalogue, diagonal_sum, exp, half_sq, inner, log, off_diagonal_sum, sqrt
from derive import views as make
from derive.definition.language import EMBEDDING_DIMENSION

N = Symbol("N")
x, x_pos, chi = make("x, x_pos, chi")


def squares(a, b):
    return ((a[:, None] - b[None]) ** 2).sum(-1)


def others(n):
    return ~torch.eye(n, dtype=torch.bool)


def positive(z1, z2):
    return ((z1 - z2) ** 2).sum(-1) / 2


def negatives(z, scale=0.5):
    return (torch.exp(-scale * squares(z, z)) * others(len(z))).sum(1)


def infonce(z1, z2):
    return (positive(z1, z2) + torch.log(negatives(z1) / (len(z1) - 1))).mean()


def infonce_batch(z1, z2):
    pull = positive(z1, z2)
    return (pull + torch.log(negatives(z1) + torch.exp(-pull))).mean()


def weighted_infonce(z1, z2, alpha=0.5):
    pull = positive(z1, z2)
    return (pull + torch.log(negatives(z1) + alpha * torch.exp(-pull))).mean()


def beta_infonce(z1, z2, beta=0.5):
    return (positive(z1, z2) + beta * torch.log(negatives(z1) / (len(z1) - 1))).mean()


def dcl(z1, z2, tau=0.5):
    mask = others(len(z1))

    def one(a, b):
        inside = (torch.exp(a @ a.T / tau) * mask).sum(1) + (torch.exp(a @ b.T / tau) * mask).sum(1)
        return -(a * b).sum(-1) / tau + torch.log(inside)

    return (one(z1, z2) + one(z2, z1)).mean() / 2


def ntxent(z1, z2, tau=0.5):
    z = torch.cat([z1, z2])
    pairs = torch.cat([(z1 * z2).sum(-1)] * 2) / tau
    return (-pairs + torch.log((torch.exp(z @ z.T / tau) * others(len(z))).sum(1))).mean()


def spectral(z1, z2):
    n = len(z1)
    return -2 * (z1 * z2).sum(-1).mean() + ((z1 @ z2.T) ** 2 * others(n)).sum() / (n * (n - 1))


def barlow_twins(z1, z2, weight=0.25):
    correlation = z1.T @ z2 / len(z1)
    diagonal = torch.diagonal(correlation)
    return ((1 - diagonal) ** 2).sum() + weight * ((correlation**2).sum() - (diagonal**2).sum())


def covariance(z):
    return (z - z.mean(0)).T @ (z - z.mean(0)) / len(z)


def decorrelation(z):
    C = covariance(z)
    return ((C**2).sum() - (torch.diagonal(C) ** 2).sum()) / z.shape[1]


def vicreg(z1, z2):
    spread = sum(torch.relu(1 - torch.sqrt(torch.diagonal(covariance(z)) + 0.25)).mean() for z in (z1, z2))
    return ((z1 - z2) ** 2).sum(-1).mean() + 2 * spread + 0.5 * (decorrelation(z1) + decorrelation(z2))


def vicreg_soft(z1, z2):
    size = ((z1**2).sum(-1).mean() - 2) ** 2
    return ((z1 - z2) ** 2).sum(-1).mean() + 3 * size + 0.5 * (decorrelation(z1) + decorrelation(z2))


def alignment_uniformity(z1, z2, t=2.0):
    return (2 * positive(z1, z2) + torch.log(negatives(z1, t) / (len(z1) - 1))).mean()


def siglip(z1, z2, t=1.5, b=0.0):
    labels = 2 * torch.eye(len(z1), dtype=z1.dtype) - 1
    return -F.logsigmoid(labels * (t * z1 @ z2.T - b)).sum() / len(z1)


@dataclass(frozen=True)
class Plain:
    """A loss twice, and the values at which its limit N → ∞ is the catalogue's (None where that is not compared)."""

    code: Any
    definition: Loss
    at: dict | None = None


def _decorrelated(view):
    C = SecondMoment(view, view, count=N, centred=True)
    return off_diagonal_sum(lambda i, j: C[i, j] ** 2) / EMBEDDING_DIMENSION


def _spread(view):
    C = SecondMoment(view, view, count=N, centred=True)
    return diagonal_sum(lambda i: 1 - sqrt(C[i, i] + Rational(1, 4))) / EMBEDDING_DIMENSION


M = SecondMoment(x, x_pos, count=N)
_pull, _push = half_sq(x, x_pos), Mean(exp(-half_sq(x, chi)), over=chi, count=N - 1)
_decorrelation = Rational(1, 2) * (_decorrelated(x) + _decorrelated(x_pos))
half = Rational(1, 2)

PLAIN = {
    "infonce": Plain(infonce, Loss(_pull + log(_push)), {}),
    "infonce-batch": Plain(infonce_batch, catalogue("infonce-batch")),
    "weighted-infonce": Plain(weighted_infonce, catalogue("weighted-infonce").set({"alpha": half})),
    "beta-infonce": Plain(beta_infonce, Loss(_pull + half * log(_push)), {"beta": half}),
    "dcl": Plain(dcl, catalogue("dcl").set({"tau": half})),
    "ntxent": Plain(ntxent, catalogue("ntxent").set({"tau": half})),
    "spectral": Plain(spectral, catalogue("spectral"), {}),
    "barlow-twins": Plain(
        barlow_twins,
        Loss(
            diagonal_sum(lambda i: (1 - M[i, i]) ** 2) + Rational(1, 4) * off_diagonal_sum(lambda i, j: M[i, j] ** 2),
            batch=N,
        ),
        {"lambda": Rational(1, 4)},
    ),
    "vicreg": Plain(
        vicreg,
        Loss(2 * half_sq(x, x_pos) + 2 * (_spread(x) + _spread(x_pos)) + _decorrelation, batch=N),
        {"lambda": 1, "mu": 2, "nu": half, "epsilon": Rational(1, 4), "gamma_std": 1},
    ),
    "vicreg-soft": Plain(
        vicreg_soft,
        Loss(2 * half_sq(x, x_pos) + 3 * (Mean(inner(x, x), over=x, count=N) - 2) ** 2 + _decorrelation, batch=N),
        {"lambda": 1, "kappa": 3, "c": 2, "nu": half},
    ),
    "alignment-uniformity": Plain(
        alignment_uniformity,
        # The logarithm of each datum's own mean: the catalogue's is of the mean over pairs.
        Loss(2 * _pull + log(Mean(exp(-4 * half_sq(x, chi)), over=chi, count=N - 1))),
    ),
    "siglip": Plain(siglip, catalogue("siglip").set({"t": Rational(3, 2), "b": 0})),
}
