"""Cross-entropy of inner products as they are: scales, targets, margins, powers."""

import math

import sympy
import torch
import torch.nn.functional as F

from practice.truths import UNIT, UNUSABLE, Family, N, R, d1, expanded, infonce

LOGITS = Family("logits")
add = LOGITS.add


def own(z):
    return torch.arange(len(z))


# CLIP's initial scale: exp of log(1/0.07) rounded to single precision, 14.2857 to seven digits.
@add(infonce(R(7, 100), hidden=True), settings="learned scale 1/0.07 in float32")
class LearnedScale(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.logit_scale = torch.nn.Parameter(torch.ones([]) * math.log(1 / 0.07))

    def forward(self, z1, z2):
        s = self.logit_scale.exp() * z1 @ z2.T
        return 0.5 * (F.cross_entropy(s, own(z1)) + F.cross_entropy(s.T, own(z1)))


@add(UNIT, core=infonce(R(1, 100)), settings="scale clamped to 100, in float64")
class ClampedScale(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.logit_scale = torch.nn.Parameter(torch.tensor(5.0, dtype=torch.float64))

    def forward(self, z1, z2):
        s = self.logit_scale.exp().clamp(max=100) * F.normalize(z1) @ F.normalize(z2).T
        return (F.cross_entropy(s, own(z1)) + F.cross_entropy(s.T, own(z1))) / 2


@add(infonce(R(1, 4)), settings="τ = 0.25, a buffer")
class TemperatureInABuffer(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("temperature", torch.tensor(0.25))

    def forward(self, z1, z2):
        s = z1 @ z2.T / self.temperature
        return torch.logsumexp(s, 1).sub(s.diagonal()).mean()


@add(expanded((N - 1) / (N * sympy.sqrt(d1)), dimensional="not always"), settings="1/√d")
def scaled_dot_product(z1, z2):
    s = z1 @ z2.T / math.sqrt(z1.shape[-1])
    return F.cross_entropy(s, own(z1))


# A sum over the batch is N times its mean.
@add(expanded(2 * (N - 1), dimensional="not always"), settings="τ = 0.5, summed")
def summed_over_the_batch(z1, z2):
    return F.cross_entropy(z1 @ z2.T / 0.5, own(z1), reduction="sum")


# Targets 1 − ε + ε/N and ε/N: −(1 − ε + ε/N) s₊ + s₊/N.
@add(expanded(R(9, 10) * (N - 1) / (N * R(1, 2)), dimensional="not always"), settings="τ = 0.5, smoothing 0.1")
def label_smoothing(z1, z2):
    return F.cross_entropy(z1 @ z2.T / 0.5, own(z1), label_smoothing=0.1)


# Half of each target goes to the next datum, ⟨x, χ⟩ → 0: −s₊/2 + s₊/N. At N = 2 nothing is left.
@add(expanded((N - 2) / (2 * N)), settings="τ = 1, targets shared by neighbours")
def soft_targets_of_neighbours(z1, z2):
    eye = torch.eye(len(z1), dtype=z1.dtype)
    return F.cross_entropy(z1 @ z2.T, (eye + eye.roll(1, 1)) / 2)


# Targets are a softmax themselves, uniform at 0, so Σ_k s_k/K cancels: the second order is empty.
@add(expanded(0, detached=True), settings="τ = 0.5, targets τ = 0.1, stopped")
def relational_targets(z1, z2):
    mask = torch.eye(len(z1), dtype=torch.bool)
    targets = F.softmax((z2 @ z2.T / 0.1).masked_fill(mask, -1e9), 1).detach()
    return -(targets * F.log_softmax((z1 @ z2.T / 0.5).masked_fill(mask, -1e9), 1)).sum(1).mean()


# f(ℓ) = (1 − e^−ℓ)² ℓ at ℓ = log N: f′ = (1 − 1/N)² + 2 (1 − 1/N) log N/N times that of cross-entropy.
FOCUSED = ((N - 1) / N) ** 2 + 2 * (N - 1) / N**2 * sympy.log(N)


@add(expanded(FOCUSED * (N - 1) / N), settings="τ = 1, γ = 2")
def focal(z1, z2, gamma=2):
    loss = F.cross_entropy(z1 @ z2.T, own(z1), reduction="none")
    return ((1 - torch.exp(-loss)) ** gamma * loss).mean()


# The positive's probability at 0 is e^−1/(e^−1 + N − 1), m/τ = 1.
@add(
    UNIT,
    core=expanded(5 * (N - 1) / (sympy.exp(-1) + N - 1)),
    settings="τ = 0.2, margin 0.2",
)
def additive_margin(z1, z2, tau=0.2, margin=0.2):
    s = F.normalize(z1) @ F.normalize(z2).T - margin * torch.eye(len(z1), dtype=z1.dtype)
    return F.cross_entropy(s / tau, own(z1))


# −e^(q s)/q + (λ Σ e^s)^q/q, q = ½, λ = 1/40: −s₊ + (λN)^½ s₊/N.
@add(expanded(1 - sympy.sqrt(N / 40) / N), settings="q = 0.5, λ = 0.025")
def robust_power(z1, z2, q=0.5, lamda=0.025):
    e = torch.exp(z1 @ z2.T)
    return (-(e.diagonal() ** q) / q + (lamda * e.sum(1)) ** q / q).mean()


# q = 1: −e^s₊ + λ Σ e^s is −(1 − λ) s₊.
@add(expanded(R(3, 4)), settings="q = 1, λ = 0.25")
def robust_linear(z1, z2, lamda=0.25):
    e = (z1 @ z2.T).exp()
    return (lamda * e.sum(1) - e.diagonal()).mean()


# The positive is left out of the denominator: −s₊/τ alone.
@add(expanded(5), settings="1/τ = 5, the positive left out, both directions")
def leave_one_out(z1, z2, inverse_tau=5.0):
    s = inverse_tau * z1 @ z2.T
    rest = s.masked_fill(torch.eye(len(s), dtype=torch.bool), -torch.inf)
    return (rest.logsumexp(0) + rest.logsumexp(1)).mean() / 2 - s.diagonal().mean()


# Cross-entropy and 0.02 (|z1|² + |z2|²)/2, which is 0.02 Σ.
@add(expanded((N - 1) / N - R(1, 50), R(-1, 50)), settings="L2 0.02")
def n_pairs(z1, z2, l2=0.02):
    return F.cross_entropy(z1 @ z2.T, own(z1)) + l2 * (z1.pow(2).sum(1) + z2.pow(2).sum(1)).mean() / 2


# Clamped where |s| > 1 only: near 0 nothing is.
@add(infonce(R(1, 2)), settings="τ = 0.5, clamped to ±1")
def clamped_similarities(z1, z2):
    return F.cross_entropy((z1 @ z2.T).clamp(-1, 1) / 0.5, own(z1))


@add(infonce(R(1, 2), single=True), settings="τ = 0.5, single precision")
def in_single_precision(z1, z2):
    s = z1.float() @ z2.float().T / 0.5
    return (F.cross_entropy(s, own(z1)) + F.cross_entropy(s.T, own(z1))) / 2


@add(UNUSABLE, settings="a dictionary returned")
def as_a_dictionary(z1, z2):
    return {"loss": F.cross_entropy(z1 @ z2.T, own(z1))}


@add(UNUSABLE, settings="N = 256 written into it")
def batch_of_256(z1, z2, tau=0.5):
    off = ~torch.eye(256, dtype=torch.bool)
    s = F.normalize(z1) @ F.normalize(z2).T / tau
    return (torch.logsumexp(s[off].view(256, 255), 1) - s.diagonal()).mean()
