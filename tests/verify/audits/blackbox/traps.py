"""Losses as people write them, each with something that misleads whoever measures it; in plain torch."""

import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


def others(n):
    return ~torch.eye(n, dtype=torch.bool)


def positive(z1, z2):
    return ((z1 - z2) ** 2).sum(-1).mean() / 2


def similarity(z1, z2, tau):
    """NT-Xent's logarithm over the other view, of inner products."""
    logits = z1 @ z2.T / tau
    return F.cross_entropy(logits, torch.arange(len(z1)))


# Analytic, and hard on automatic differentiation.


def cdist_infonce(z1, z2):
    """torch.cdist has a subgradient of zero where points coincide, at 0 everywhere."""
    squares = torch.cdist(z1, z1) ** 2
    return positive(z1, z2) + torch.log((torch.exp(-squares / 2) * others(len(z1))).sum(1)).mean()


def cdist_by_products(z1, z2):
    """The way torch.cdist takes for larger batches: differentiable as often as one likes, and wrongly."""
    squares = torch.cdist(z1, z1, compute_mode="use_mm_for_euclid_dist") ** 2
    return positive(z1, z2) + torch.log((torch.exp(-squares / 2) * others(len(z1))).sum(1)).mean()


def clamped_distance(z1, z2):
    """A distance kept from 0 for the sake of its gradient, and squared."""
    distance = ((z1[:, None] - z1[None]) ** 2).sum(-1).clamp(min=1e-30).sqrt()
    return positive(z1, z2) + torch.log((torch.exp(-(distance**2) / 2) * others(len(z1))).sum(1)).mean()


def squared_infonce(z1, z2):
    """The same with squares written out: what cdist_infonce means."""
    squares = ((z1[:, None] - z1[None]) ** 2).sum(-1)
    return positive(z1, z2) + torch.log((torch.exp(-squares / 2) * others(len(z1))).sum(1)).mean()


def pdist_uniformity(z1, z2):
    """torch.pdist cannot be differentiated twice."""
    return positive(z1, z2) + torch.pdist(z1).pow(2).mul(-2).exp().mean().log()


def detached(z1, z2):
    """SimSiam's branch without a gradient, unnormalised: a value and a gradient that do not belong together."""
    return -(z1 * z2.detach()).sum(-1).mean() + ((z1**2).sum(-1) ** 2).mean()


def python_float(z1, z2):
    return squared_infonce(z1, z2).item()


def through_numpy(z1, z2):
    return float(np.square(z1.detach().numpy() - z2.detach().numpy()).sum())


def returns_tuple(z1, z2):
    loss = squared_infonce(z1, z2)
    return loss, {"positive": positive(z1, z2)}


def single_precision(z1, z2):
    return squared_infonce(z1.float(), z2.float())


def secretly_single(z1, z2):
    """Computes in single precision and returns double."""
    return squared_infonce(z1.float(), z2.float()).double()


class SingleWeights(nn.Module):
    """Refuses double precision: its own weights are float32."""

    def __init__(self):
        super().__init__()
        self.matrix = nn.Parameter(torch.tensor([[1.0, 0.5], [-0.25, 2.0]]))

    def forward(self, z1, z2):
        return squared_infonce(z1 @ self.matrix, z2 @ self.matrix)


def needs_three(z1, z2):
    """Negatives of a negative: undefined for two data."""
    if len(z1) < 3:
        message = f"at least 3 samples are needed, not {len(z1)}"
        raise ValueError(message)
    return squared_infonce(z1, z2)


def chatty_and_mutating(z1, z2):
    print("loss:", len(z1))  # noqa: T201 - what it is here for
    z1 -= z2
    return (z1**2).sum(-1).mean()


def quadratic(z1, z2):
    return ((z1 - z2) ** 2).sum(-1).mean()


def constant(z1, z2):
    return 0 * z1.sum() + 0 * z2.sum() + 3.0


def centred_logits(z1, z2):
    return similarity(z1, z2, 0.07)


class Dropout(nn.Module):
    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout(0.5)

    def forward(self, z1, z2):
        return squared_infonce(self.drop(z1), self.drop(z2))


def numpy_noise(z1, z2):
    weights = torch.from_numpy(np.random.rand(len(z1)))  # noqa: NPY002 - as it is still written
    return (weights * ((z1 - z2) ** 2).sum(-1)).mean()


# No expansion at 0.


def normalised(z1, z2):
    return similarity(F.normalize(z1, dim=-1), F.normalize(z2, dim=-1), 0.5)


def normalised_by_hand(z1, z2):
    """NaN at 0, and wherever a row is 0."""
    return similarity(z1 / z1.norm(dim=-1, keepdim=True), z2 / z2.norm(dim=-1, keepdim=True), 0.5)


def normalised_with_decay(z1, z2):
    """Smooth along every ray, with another limit on each."""
    return normalised(z1, z2) + 0.1 * (z1**2).sum(-1).mean()


class BatchNormalised(nn.Module):
    """Barlow Twins with nn.BatchNorm1d, eps 1e-5, in training mode (running statistics that change no value)."""

    def __init__(self, d=2):
        super().__init__()
        self.norm = nn.BatchNorm1d(d, affine=False, dtype=torch.float64)

    def forward(self, z1, z2):
        correlation = self.norm(z1).T @ self.norm(z2) / len(z1)
        off = correlation - torch.diag(torch.diagonal(correlation))
        return ((1 - torch.diagonal(correlation)) ** 2).sum() + 0.005 * (off**2).sum()


def batch_normalised_by_hand(z1, z2, eps=1e-5):
    a, b = ((z - z.mean(0)) / torch.sqrt(z.var(0, unbiased=False) + eps) for z in (z1, z2))
    correlation = a.T @ b / len(z1)
    return ((1 - torch.diagonal(correlation)) ** 2).sum()


def standardised_by_hand(z1, z2):
    """Divides by std + 1e-12, and so by 1e-12 alone where all data coincide."""
    a, b = ((z - z.mean(0)) / torch.sqrt(z.var(0, unbiased=False) + 1e-12) for z in (z1, z2))
    return ((1 - torch.diagonal(a.T @ b / len(z1))) ** 2).sum()


def vicreg(z1, z2, eps=1e-4):
    spread = sum(torch.relu(1 - torch.sqrt(z.var(0) + eps)).mean() for z in (z1, z2))
    return 25 * F.mse_loss(z1, z2) + 25 * spread


def vicreg_without_eps(z1, z2):
    return vicreg(z1, z2, 0.0)


def hinge(z1, z2):
    """A margin of 0: |t| from both sides."""
    return torch.relu((z1 - z2).sum(-1)).mean() + (z1**2).sum()


def absolute(z1, z2):
    return (z1 - z2).abs().mean() + torch.exp((z1 * z2).sum(-1)).mean()


def nuclear(z1, z2):
    """MMCR: minus the nuclear norm of the centroids."""
    return -torch.linalg.svdvals((z1 + z2) / 2).sum()


def positive_products(z1, z2):
    """Homogeneous of degree 2 and no quadratic form."""
    return torch.relu((z1 * z2).sum(-1)).mean()


def rough_products(z1, z2):
    """The same beside something analytic: smooth along every ray, not twice differentiable."""
    return positive_products(z1, z2) + torch.exp(-(z1**2).sum(-1)).mean()


def rough_cube(z1, z2):
    """Twice differentiable and no more."""
    return torch.relu(z1.sum(-1)).pow(3).mean() + ((z1 - z2) ** 2).sum() + torch.exp(z2.sum() / 4)


def logarithm(z1, z2):
    """Of what vanishes at 0."""
    return positive(z1, z2) - torch.log((z1**2).sum())


def log_determinant(z1, z2):
    return positive(z1, z2) - torch.logdet((z1 - z1.mean(0)).T @ (z1 - z1.mean(0)))


# Not functions.


class Momentum(nn.Module):
    """Keeps a running mean of what it has seen."""

    def __init__(self):
        super().__init__()
        self.mean = None

    def forward(self, z1, z2):
        now = z1.mean(0).detach()
        self.mean = now if self.mean is None else 0.9 * self.mean + 0.1 * now
        return ((z1 - self.mean) ** 2).sum(-1).mean() + positive(z1, z2)


class Queue(nn.Module):
    """Sees the negatives of earlier calls: the same input twice running gives the same value only at first."""

    def __init__(self):
        super().__init__()
        self.queue = None

    def forward(self, z1, z2):
        keys = z2 if self.queue is None else self.queue
        self.queue = z2.detach().clone()
        return positive(z1, z2) + torch.logsumexp(z1 @ keys.T, 1).mean()


class OwnNoise(nn.Module):
    """Random numbers that no seed fixes."""

    def forward(self, z1, z2):
        weights = torch.from_numpy(np.random.default_rng().random(len(z1)))
        return (weights * ((z1 - z2) ** 2).sum(-1)).mean()


# Unusable.


def raises(z1, z2):  # noqa: ARG001
    message = "the projector is missing"
    raise KeyError(message)


def returns_vector(z1, z2):
    return ((z1 - z2) ** 2).sum(-1)


def returns_nothing(z1, z2):  # noqa: ARG001
    return None


def returns_nan(z1, z2):
    return (z1 - z2).sum() * float("nan")


def takes_a_minute(z1, z2):
    time.sleep(60)
    return quadratic(z1, z2)


ANALYTIC = (
    cdist_infonce,
    cdist_by_products,
    clamped_distance,
    squared_infonce,
    pdist_uniformity,
    detached,
    python_float,
    through_numpy,
    returns_tuple,
    single_precision,
    secretly_single,
    SingleWeights(),
    needs_three,
    chatty_and_mutating,
    quadratic,
    constant,
    centred_logits,
    Dropout(),
    numpy_noise,
)
