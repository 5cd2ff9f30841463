"""Losses in which a part is held: teachers, momentum encoders, centres."""

import torch
import torch.nn.functional as F

from practice.truths import Family, R, Truth, expanded, infonce

STOPPED = Family("stopped")
add = STOPPED.add


@add(
    Truth(kinds=("homogeneous",), detached=True),
    core=expanded(1, detached=True),
    settings="−cos, both ways",
)
def negative_cosine(z1, z2):
    return -(F.cosine_similarity(z1, z2.detach()) + F.cosine_similarity(z2, z1.detach())).mean() / 2


@add(expanded(1, detached=True), settings="−⟨·, ·⟩ and a quartic term")
def teacher(z1, z2):
    t = z2.detach()
    return -(z1 * t).sum(1).mean() + (z1 @ t.T).pow(2).mean() / 2


# 2τ (1 − 1/N)/τ, the keys stopped.
@add(
    Truth(kinds=("homogeneous",), detached=True),
    core=Truth(A0=2 * infonce(R(1)).A0, detached=True),
    settings="τ = 0.2, keys stopped, times 2τ",
)
def momentum_contrast(q, k, tau=0.2):
    with torch.no_grad():
        key = F.normalize(k, dim=1)
    logits = torch.einsum("nc,mc->nm", [F.normalize(q, dim=1), key]) / tau
    return F.cross_entropy(logits, torch.arange(len(q))) * (2 * tau)


# Of softmaxes over coordinates: order of coordinates, not their signs; what is centred over them is not a trace.
@add(Truth(rotation=False, detached=True), settings="τ = 0.1, teacher 0.04, centred")
def self_distillation(z1, z2, tau=0.1, teacher_tau=0.04):
    with torch.no_grad():
        target = F.softmax((z2 - z2.mean(0)) / teacher_tau, dim=-1)
    return -(target * F.log_softmax(z1 / tau, dim=-1)).sum(-1).mean()


# `.data` stops as `detach` does.
@add(infonce(R(1, 2), detached=True), settings="τ = 0.5, keys by .data")
def keys_by_data(z1, z2):
    return F.cross_entropy(z1 @ z2.data.T / 0.5, torch.arange(len(z1)))


# Weights of a softmax, stopped, that are 1 at 0: −s₊/N weights … of the mean ⟨x, x′⟩: the value's B is 1.
@add(expanded(1, detached=True), settings="weights stopped")
def self_paced(z1, z2):
    s = (z1 * z2).sum(1)
    return -(F.softmax(s, 0).detach() * s).sum()


# The momentum encoder's share: ½ (x + stopped x) has the value of x.
@add(expanded(2, detached=True), settings="half stopped")
def half_stopped(z1, z2):
    mixed = (z2 + z2.detach()) / 2
    return -2 * (z1 * mixed).sum(1).mean() + (z1 @ z2.T).pow(2).fill_diagonal_(0).sum() / (len(z1) * (len(z1) - 1))
