"""Pairs classified one by one: sigmoids, with and without bias."""

import math

import sympy
import torch
import torch.nn.functional as F

from practice.truths import UNIT, Family, N, R, expanded

SIGMOIDS = Family("sigmoids")
add = SIGMOIDS.add


def signs(n, like):
    return 2 * torch.eye(n).to(like) - 1


# log(1 + exp −(t s₊ + b)) has slope −t/(1 + e^b); other pairs average to 0. The printed formula's bias is −b.
def slope(t, b):
    return t / (1 + sympy.exp(b))


@add(
    UNIT,
    core=expanded(slope(10, -10), like=("siglip", {"t": sympy.S(10), "b": sympy.S(10)}), dimensional="not always"),
    settings="t = 10, b = −10",
)
def siglip(z1, z2, t=10.0, b=-10.0):
    s = t * F.normalize(z1, dim=-1) @ F.normalize(z2, dim=-1).T + b
    return -F.logsigmoid(signs(len(s), s) * s).sum() / len(s)


@add(expanded(slope(10, -10), hidden=True, dimensional="not always"), settings="log t and b in float32")
class Siglip(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.logit_scale = torch.nn.Parameter(torch.tensor(math.log(10)))
        self.logit_bias = torch.nn.Parameter(torch.tensor(-10.0))

    def forward(self, z1, z2):
        s = z1 @ z2.T * self.logit_scale.exp() + self.logit_bias
        return -F.logsigmoid(signs(len(s), s) * s).sum(1).mean()


# A mean over N² pairs.
@add(expanded(R(1, 2) / N), settings="t = 1, b = 0, mean over pairs")
def binary_cross_entropy(z1, z2):
    s = z1 @ z2.T
    return F.binary_cross_entropy_with_logits(s, torch.eye(len(s)).to(s))


# The weight of a positive, 3, multiplies its slope −3 σ(−b)/N.
@add(expanded(3 * slope(2, 1) / N), settings="t = 2, b = 1, positives weighted 3")
class Weighted(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.criterion = torch.nn.BCEWithLogitsLoss(pos_weight=torch.tensor(3.0))

    def forward(self, z1, z2):
        s = 2 * z1 @ z2.T + 1
        return self.criterion(s, torch.eye(len(s)).to(s))


# Negatives of the same label count nothing; they average to 0 in any case.
@add(expanded(slope(1, -1)), settings="t = 1, b = −1, labels masked by 0")
def masked_negatives(z1, z2):
    s, eye = z1 @ z2.T - 1, torch.eye(len(z1)).to(z1)
    labels = torch.arange(len(z1)) // 2
    kept = (labels[:, None] != labels).to(z1) + eye
    return (F.softplus(-signs(len(s), s) * s) * kept).sum() / len(s)


# Jensen–Shannon: the bound of mutual information, softplus(−s₊) and the mean of softplus(s₋).
@add(expanded(R(1, 2), dimensional="not always"), settings="all pairs")
def jensen_shannon(z1, z2):
    s, n = z1 @ z2.T, len(z1)
    off = ~torch.eye(n, dtype=torch.bool)
    return F.softplus(-s.diagonal()).mean() + F.softplus(s[off]).sum() / (n * (n - 1))


# softplus((s₋ − s₊)/τ), its mean over N − 1: −½ s₊/τ.
@add(expanded(5), settings="τ = 0.1, pairwise")
def pairwise_logistic(z1, z2, tau=0.1):
    s, n = z1 @ z2.T / tau, len(z1)
    apart = F.softplus(s - s.diagonal()[:, None])
    return (apart.sum() - apart.diagonal().sum()) / (n * (n - 1))


# log(1 + e^(−α(s₊ − λ)))/α has slope −1/(1 + e^(−αλ)), α = 2, λ = ½.
@add(UNIT, core=expanded(1 / (1 + sympy.exp(-1))), settings="α = 2, β = 10, λ = 0.5")
def multi_similarity(z1, z2, alpha=2.0, beta=10.0, base=0.5):
    s = F.normalize(z1) @ F.normalize(z2).T
    off = ~torch.eye(len(s), dtype=torch.bool)
    pull = torch.log1p(torch.exp(-alpha * (s.diagonal() - base))) / alpha
    push = torch.log1p((torch.exp(beta * (s - base)) * off).sum(1)) / beta
    return (pull + push).mean()


# arccos(s)² is π²/4 − π s + s² + …; below the margin ½ no negative counts near 0.
@add(UNIT, core=expanded(sympy.pi), settings="angles, margin 0.5")
def angular_margin(z1, z2, margin=0.5):
    angle = torch.acos((F.normalize(z1) @ F.normalize(z2).T).clamp(-1 + 1e-7, 1 - 1e-7))
    off = ~torch.eye(len(angle), dtype=torch.bool)
    return angle.diagonal().pow(2).mean() + F.relu(margin - angle[off]).pow(2).mean()
