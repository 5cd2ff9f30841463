"""Losses as the repositories of their papers ship them, written anew from the published definitions."""

import torch
import torch.nn.functional as F
from torch import nn


class VICReg(nn.Module):
    """25 mean |z1 − z2|² + 25 Σ mean relu(1 − std)/2 + Σ off-diagonal covariances squared over d."""

    def __init__(self, sim=25.0, std=25.0, cov=1.0, epsilon=1e-4):
        super().__init__()
        self.sim, self.std, self.cov, self.epsilon = sim, std, cov, epsilon

    def forward(self, x, y):
        total = self.sim * F.mse_loss(x, y)
        for z in (x - x.mean(0), y - y.mean(0)):
            total = total + self.std * F.relu(1 - (z.var(0) + self.epsilon).sqrt()).mean() / 2
            covariance = z.T @ z / (len(z) - 1)
            total = total + self.cov * (covariance**2).fill_diagonal_(0).sum() / z.shape[1]
        return total


class BarlowTwins(nn.Module):
    """Batch normalisation without weights, then the cross-correlation against 1."""

    def __init__(self, width, weight=0.0051):
        super().__init__()
        self.bn, self.weight = nn.BatchNorm1d(width, affine=False), weight

    def forward(self, z1, z2):
        c = self.bn(z1).T @ self.bn(z2) / len(z1)
        on = (c.diagonal() - 1).square().sum()
        return on + self.weight * (c.square().sum() - c.diagonal().square().sum())


def simsiam(z1, z2):
    """The projector's part, both directions, targets held."""
    return -(F.cosine_similarity(z1, z2.detach()).mean() + F.cosine_similarity(z2, z1.detach()).mean()) / 2


def byol(online, target):
    online, target = F.normalize(online, dim=1), F.normalize(target.detach(), dim=1)
    return (2 - 2 * (online * target).sum(1)).mean()


class DINO(nn.Module):
    """Cross entropy of a sharpened, centred teacher with the student, over pairs of different views."""

    def __init__(self, out_dim, teacher_temp=0.04, student_temp=0.1, momentum=0.9):
        super().__init__()
        self.teacher_temp, self.student_temp, self.momentum = teacher_temp, student_temp, momentum
        self.register_buffer("center", torch.zeros(1, out_dim))

    def forward(self, student_output, teacher_output):
        student = (student_output / self.student_temp).chunk(2)
        teacher = ((teacher_output.detach() - self.center) / self.teacher_temp).softmax(1).chunk(2)
        other = student[::-1]
        terms = [-(t * s.log_softmax(1)).sum(1).mean() for t, s in zip(teacher, other, strict=True)]
        mean = teacher_output.detach().mean(0, keepdim=True)
        self.center = self.center * self.momentum + mean * (1 - self.momentum)
        return sum(terms) / len(terms)


class SigLIP(nn.Module):
    """Each pair of the batch a binary question; scale and bias are learned."""

    def __init__(self):
        super().__init__()
        self.t_prime = nn.Parameter(torch.tensor(10.0).log())
        self.b = nn.Parameter(torch.tensor(-10.0))

    def forward(self, image, text):
        logits = F.normalize(image, dim=1) @ F.normalize(text, dim=1).T * self.t_prime.exp() + self.b
        return -F.logsigmoid((2 * torch.eye(len(image)) - 1) * logits).sum() / len(image)


def wmse(z1, z2, eps=1e-3):
    """Both views whitened together by a Cholesky factor, then 2 − 2 cos."""
    z = torch.cat([z1, z2])
    centred = z - z.mean(0)
    covariance = centred.T @ centred / (len(z) - 1)
    root = torch.linalg.cholesky((1 - eps) * covariance + eps * torch.eye(z.shape[1]))
    white = torch.linalg.solve_triangular(root, centred.T, upper=False).T
    w1, w2 = white.chunk(2)
    return (2 - 2 * F.cosine_similarity(w1, w2)).mean()


class TiCo(nn.Module):
    """Alignment, and the norm of each datum in a covariance that is kept as a running mean."""

    def __init__(self, beta=0.9, rho=8.0):
        super().__init__()
        self.beta, self.rho, self.C = beta, rho, None

    def forward(self, z1, z2):
        z1, z2 = F.normalize(z1, dim=1), F.normalize(z2, dim=1)
        B = z1.T @ z1 / len(z1)
        C = self.beta * (torch.zeros_like(B) if self.C is None else self.C) + (1 - self.beta) * B
        self.C = C.detach()
        return 1 - (z1 * z2).sum(1).mean() + self.rho * ((z1 @ C) * z1).sum(1).mean()


def mmcr(views, lmda=0.0):
    """Minus the nuclear norm of the centroids of the views on the sphere, plus that of each datum's views."""
    z = torch.stack([F.normalize(view, dim=1) for view in views], 1)
    total = -torch.linalg.matrix_norm(z.mean(1), "nuc")
    return total + lmda * torch.linalg.matrix_norm(z, "nuc").mean() if lmda else total


class CorInfoMax(nn.Module):
    """Log determinants of running covariances of both views, and their squared distance."""

    def __init__(self, dim, la_R=0.01, eps=1e-8, weight=2000.0):
        super().__init__()
        self.la, self.eps, self.weight = la_R, eps, weight
        self.register_buffer("R1", torch.eye(dim))
        self.register_buffer("R2", torch.eye(dim))

    def forward(self, z1, z2):
        z1, z2 = F.normalize(z1, dim=1), F.normalize(z2, dim=1)
        total = self.weight * F.mse_loss(z1, z2)
        for name, z in (("R1", z1 - z1.mean(0)), ("R2", z2 - z2.mean(0))):
            R = (1 - self.la) * getattr(self, name) + self.la * z.T @ z / len(z)
            setattr(self, name, R.detach())
            total = total - torch.logdet(R + self.eps * torch.eye(z.shape[1])) / z.shape[1]
        return total


class SwAV(nn.Module):
    """Each view predicts the other's assignment to prototypes, balanced over the batch by three Sinkhorn steps."""

    def __init__(self, dim, prototypes=16, temperature=0.1, epsilon=0.05):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        drawn = torch.randn(prototypes, dim, generator=generator, dtype=torch.float64)
        self.prototypes = nn.Parameter(F.normalize(drawn, dim=1))
        self.temperature, self.epsilon = temperature, epsilon

    @torch.no_grad()
    def assigned(self, scores):
        Q = (scores / self.epsilon).exp().T
        for _ in range(3):
            Q = Q / Q.sum(1, keepdim=True) / Q.shape[0]
            Q = Q / Q.sum(0, keepdim=True) / Q.shape[1]
        return (Q * Q.shape[1]).T

    def forward(self, z1, z2):
        s1, s2 = (F.normalize(z, dim=1) @ self.prototypes.T for z in (z1, z2))
        pairs = ((self.assigned(s1), s2), (self.assigned(s2), s1))
        return -sum((q * (s / self.temperature).log_softmax(1)).sum(1).mean() for q, s in pairs) / 2


def _negatives(z1, z2, temperature):
    z = F.normalize(torch.cat([z1, z2]), dim=1)
    n = len(z1)
    scores = (z @ z.T / temperature).exp()
    mask = ~torch.eye(n, dtype=torch.bool).repeat(2, 2)
    return scores.diagonal(n).repeat(2), scores[mask].reshape(2 * n, -1), 2 * n - 2


def debiased(out_1, out_2, tau_plus=0.1, temperature=0.5):
    positive, negatives, count = _negatives(out_1, out_2, temperature)
    corrected = (negatives.sum(1) - tau_plus * count * positive) / (1 - tau_plus)
    corrected = corrected.clamp(min=count * torch.exp(torch.tensor(-1 / temperature)).item())
    return -(positive / (positive + corrected)).log().mean()


def hard_negatives(out_1, out_2, beta=1.0, tau_plus=0.1, temperature=0.5):
    positive, negatives, count = _negatives(out_1, out_2, temperature)
    weights = negatives.log().mul(beta).exp()
    weighed = (weights * negatives).sum(1) / weights.mean(1)
    corrected = (weighed - tau_plus * count * positive) / (1 - tau_plus)
    corrected = corrected.clamp(min=count * torch.exp(torch.tensor(-1 / temperature)).item())
    return -(positive / (positive + corrected)).log().mean()


class SupCon(nn.Module):
    """L_out over features (N, views, d), which its caller normalises, times τ/τ_base."""

    def __init__(self, temperature=0.07, base_temperature=0.07):
        super().__init__()
        self.temperature, self.base = temperature, base_temperature

    def forward(self, features, labels=None):
        if features.dim() < 3:
            raise ValueError("`features` needs to be [bsz, n_views, ...]")
        n, views = features.shape[:2]
        labels = torch.arange(n) if labels is None else labels
        z = torch.cat(features.unbind(1))
        same = (labels[:, None] == labels).repeat(views, views) & ~torch.eye(n * views, dtype=torch.bool)
        logits = (z @ z.T / self.temperature).masked_fill(torch.eye(n * views, dtype=torch.bool), -torch.inf)
        chosen = (logits - logits.logsumexp(1, keepdim=True)).masked_fill(~same, 0).sum(1) / same.sum(1)
        return -(self.temperature / self.base) * chosen.mean()


class LeJEPA(nn.Module):
    """Invariance, and the distance of random projections' characteristic functions from a Gaussian's."""

    def __init__(self, weight=0.05, slices=64, knots=17):
        super().__init__()
        self.weight, self.slices = weight, slices
        self.t = torch.linspace(0, 3, knots, dtype=torch.float64)

    def forward(self, z1, z2):
        directions = F.normalize(torch.randn(self.slices, z1.shape[1], dtype=z1.dtype), dim=1)
        target = torch.exp(-(self.t.to(z1.dtype) ** 2) / 2)
        total = (1 - self.weight) * (z1 - z2).square().mean() / 2
        for z in (z1, z2):
            x = (z @ directions.T)[..., None] * self.t.to(z.dtype)
            error = ((x.cos().mean(0) - target).square() + x.sin().mean(0).square()) * target
            total = total + self.weight * torch.trapezoid(error, self.t.to(z.dtype)).mean() * len(z) / 2
        return total
