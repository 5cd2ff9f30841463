"""Losses of pairs seen through two encoders, in plain torch and in the project's own language."""

import torch
import torch.nn.functional as F
from plain import PLAIN, barlow_twins, others, spectral, squares
from sympy import Rational, Symbol

from derive import Loss, Mean, catalogue, exp, inner, log, views

N = Symbol("N")
x, chi = views("x, chi")
x_text, chi_text = views("x_text, chi_text", encoder="g")


def clip(z1, z2, tau=0.5):
    logits, target = z1 @ z2.T / tau, torch.arange(len(z1))
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


def one_way(z1, z2, tau=0.5):
    return F.cross_entropy(z1 @ z2.T / tau, torch.arange(len(z1)))


def one_way_squares(z1, z2):
    return F.cross_entropy(-squares(z1, z2) / 2, torch.arange(len(z1)))


def siglip(z1, z2, t=1.5, b=-1.0):
    signs = 2 * torch.eye(len(z1), dtype=z1.dtype) - 1
    return -F.logsigmoid(signs * (t * z1 @ z2.T + b)).sum() / len(z1)


def uneven(z1, z2):
    """It tells Σ from Σ₂ and A from Aᵀ: squares of one view alone, and products of cross-correlations."""
    cross = z1.T @ z2 / len(z1)
    return (
        (z1**2).sum(1).mean()
        - 3 * torch.trace(cross)
        + (cross @ cross).trace()
        + 2 * ((z2 @ z2.T) ** 2 * others(len(z1))).mean()
    )


_pull = -2 * inner(x, x_text)
_negatives = (N - 1) * Mean(exp(2 * inner(x, chi_text)), over=chi_text, count=N - 1)
_others = (N - 1) * Mean(exp(2 * inner(chi, x_text)), over=chi, count=N - 1)
_own = exp(2 * inner(x, x_text))
PAIRS = {
    "clip": (clip, Loss(_pull + (log(_own + _negatives) + log(_own + _others)) / 2)),
    "one-way": (one_way, Loss(_pull + log(_own + _negatives))),
    "one-way-squares": (one_way_squares, catalogue("infonce-batch").with_two_encoders()),
    "siglip": (siglip, catalogue("siglip").set({"t": Rational(3, 2), "b": 1}).with_two_encoders()),
    "barlow-twins": (barlow_twins, PLAIN["barlow-twins"].definition.with_two_encoders()),
    "spectral": (spectral, PLAIN["spectral"].definition.with_two_encoders()),
}
