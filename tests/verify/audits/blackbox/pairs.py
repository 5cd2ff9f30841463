"""Pairs of implementations: the same loss written twice, and losses that differ as public bug reports say they do."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F

TAU = 0.5


def unit(z):
    return F.normalize(z, dim=1)


def eye(n):
    return torch.eye(n, dtype=torch.bool)


def off_diagonal(matrix):
    return matrix[~eye(len(matrix))]


# NT-Xent


def ntxent_masked(z1, z2, tau=TAU):
    z, n = unit(torch.cat([z1, z2])), len(z1)
    s = (z @ z.T / tau).masked_fill(eye(2 * n), float("-inf"))
    return F.cross_entropy(s, torch.cat([torch.arange(n) + n, torch.arange(n)]))


def ntxent_logsumexp(z1, z2):
    a, b = unit(z1), unit(z2)
    z, n = torch.cat([a, b]), len(z1)
    rows = (z @ z.T / TAU)[~eye(2 * n)].reshape(2 * n, 2 * n - 1)
    return (torch.logsumexp(rows, 1) - (a * b).sum(1).repeat(2) / TAU).mean()


def ntxent_diagonal_subtracted(z1, z2):
    a, b = unit(z1), unit(z2)
    z = torch.cat([a, b])
    below = torch.exp(z @ z.T / TAU).sum(1) - math.exp(1 / TAU)
    return -torch.log(torch.exp((a * b).sum(1) / TAU).repeat(2) / below).mean()


def ntxent_pairs_loop(z1, z2):
    z, n, total = unit(torch.cat([z1, z2])), len(z1), 0.0
    for i in range(2 * n):
        s = z @ z[i] / TAU
        others = torch.cat([s[:i], s[i + 1 :]])
        total = total - s[(i + n) % (2 * n)] + torch.log(torch.exp(others).sum())
    return total / (2 * n)


def ntxent_in_blocks(z1, z2):
    a, b, n = unit(z1), unit(z2), len(z1)
    big = torch.eye(n, dtype=z1.dtype) * 1e9
    one = torch.cat([a @ b.T / TAU, a @ a.T / TAU - big], 1)
    two = torch.cat([b @ a.T / TAU, b @ b.T / TAU - big], 1)
    return (F.cross_entropy(one, torch.arange(n)) + F.cross_entropy(two, torch.arange(n))) / 2


def ntxent_single(z1, z2):
    return ntxent_masked(z1.float(), z2.float())


def ntxent_written_norm(z1, z2):
    return ntxent_masked(z1 / (z1.norm(dim=1, keepdim=True) + 1e-8), z2 / (z2.norm(dim=1, keepdim=True) + 1e-8))


def ntxent_summed(z1, z2):
    return ntxent_masked(z1, z2) * 2 * len(z1)


def ntxent_mean_over_n(z1, z2):
    return ntxent_masked(z1, z2) * 2


def ntxent_temperature_twice(z1, z2):
    return ntxent_masked(z1, z2, TAU * TAU)


def ntxent_no_temperature(z1, z2):
    return ntxent_masked(z1, z2, 1.0)


def ntxent_self_kept(z1, z2):
    z, n = unit(torch.cat([z1, z2])), len(z1)
    return F.cross_entropy(z @ z.T / TAU, torch.cat([torch.arange(n) + n, torch.arange(n)]))


def ntxent_self_zeroed(z1, z2):
    z, n = unit(torch.cat([z1, z2])), len(z1)
    s = (z @ z.T / TAU).masked_fill(eye(2 * n), 0.0)
    return F.cross_entropy(s, torch.cat([torch.arange(n) + n, torch.arange(n)]))


def ntxent_labels_off_by_one(z1, z2):
    z, n = unit(torch.cat([z1, z2])), len(z1)
    s = (z @ z.T / TAU).masked_fill(eye(2 * n), float("-inf"))
    return F.cross_entropy(s, torch.cat([(torch.arange(n) + 1) % n + n, (torch.arange(n) + 1) % n]))


def ntxent_positive_left_out(z1, z2):
    a, b, n = unit(z1), unit(z2), len(z1)
    z = torch.cat([a, b])
    mask = ~eye(2 * n) & ~eye(2 * n).roll(n, 1)
    below = (torch.exp(z @ z.T / TAU) * mask).sum(1)
    return (torch.log(below) - (a * b).sum(1).repeat(2) / TAU).mean()


def ntxent_normalised_over_batch(z1, z2):
    z, n = F.normalize(torch.cat([z1, z2]), dim=0), len(z1)
    s = (z @ z.T / TAU).masked_fill(eye(2 * n), float("-inf"))
    return F.cross_entropy(s, torch.cat([torch.arange(n) + n, torch.arange(n)]))


# InfoNCE between two sets


def infonce(z1, z2):
    return F.cross_entropy(unit(z1) @ unit(z2).T / TAU, torch.arange(len(z1)))


def infonce_by_hand(z1, z2):
    s = unit(z1) @ unit(z2).T / TAU
    return -torch.log(s.exp().diagonal() / s.exp().sum(1)).mean()


def infonce_wrong_dim(z1, z2):
    s = unit(z1) @ unit(z2).T / TAU
    return -F.log_softmax(s, dim=0).diagonal().mean()


def infonce_log_mean(z1, z2):
    s = unit(z1) @ unit(z2).T / TAU
    return (torch.log(s.exp().mean(1)) - s.diagonal()).mean()


def infonce_log_two_more(z1, z2):
    return infonce(z1, z2) + math.log(2)


def infonce_broadcast(z1, z2):
    a, b = unit(z1), unit(z2)
    positive = torch.exp((a * b).sum(1, keepdim=True) / TAU)
    return -torch.log(positive / (positive + (torch.exp(a @ b.T / TAU) * ~eye(len(a))).sum(1))).mean()


def infonce_clipped(z1, z2):
    """At most ten negatives: larger batches have another loss."""
    s = unit(z1) @ unit(z2).T / TAU
    near = (torch.arange(len(s))[:, None] - torch.arange(len(s))).remainder(len(s)) <= 10
    return F.cross_entropy(s.masked_fill(~near, float("-inf")), torch.arange(len(s)))


def clip(z1, z2):
    s, y = unit(z1) @ unit(z2).T / TAU, torch.arange(len(z1))
    return (F.cross_entropy(s, y) + F.cross_entropy(s.T, y)) / 2


# BYOL, SimSiam


def byol_cosine(z1, z2):
    return (2 - 2 * (unit(z1) * unit(z2)).sum(1)).mean()


def byol_distance(z1, z2):
    return (unit(z1) - unit(z2)).pow(2).sum(1).mean()


def byol_square_root(z1, z2):
    return (unit(z1) - unit(z2)).pow(2).sum(1).sqrt().mean()


def byol_mse(z1, z2):
    return F.mse_loss(unit(z1), unit(z2))


def byol_detached(z1, z2):
    return (2 - 2 * (unit(z1) * unit(z2).detach()).sum(1)).mean()


def byol_both_detached(z1, z2):
    return (byol_detached(z1, z2) + byol_detached(z2, z1)) / 2


def negative_cosine(z1, z2):
    return -F.cosine_similarity(z1, z2).mean()


# SigLIP


def siglip(z1, z2, t=2.0, b=-1.0):
    s = t * unit(z1) @ unit(z2).T + b
    return -F.logsigmoid((2 * torch.eye(len(s), dtype=s.dtype) - 1) * s).sum() / len(s)


def siglip_softplus(z1, z2):
    s = 2 * unit(z1) @ unit(z2).T - 1
    return (F.softplus(-s.diagonal()).sum() + F.softplus(off_diagonal(s)).sum()) / len(s)


def siglip_bce(z1, z2):
    s = 2 * unit(z1) @ unit(z2).T - 1
    return F.binary_cross_entropy_with_logits(s, torch.eye(len(s), dtype=s.dtype), reduction="sum") / len(s)


def siglip_bias_sign(z1, z2):
    return siglip(z1, z2, b=1.0)


def siglip_mean(z1, z2):
    return siglip(z1, z2) / len(z1)


# VICReg


def covariance(z):
    z = z - z.mean(0)
    return z.T @ z / (len(z) - 1)


def vicreg(z1, z2):
    spread = sum(F.relu(1 - torch.sqrt(z.var(0) + 1e-4)).mean() for z in (z1, z2)) / 2
    apart = sum(off_diagonal(covariance(z)).pow(2).sum() / z.shape[1] for z in (z1, z2))
    return 25 * F.mse_loss(z1, z2) + 25 * spread + apart


def vicreg_by_loops(z1, z2):
    n, d, total = *z1.shape, 25 * ((z1 - z2) ** 2).sum() / z1.numel()
    for z in (z1, z2):
        c = (z - z.mean(0)).T @ (z - z.mean(0)) / (n - 1)
        for i in range(d):
            total = total + 25 * torch.clamp(1 - (c[i, i] + 1e-4) ** 0.5, min=0) / d / 2
            for j in range(d):
                total = total + (c[i, j] ** 2 / d if i != j else 0)
    return total


def vicreg_biased(z1, z2):
    spread = sum(F.relu(1 - torch.sqrt(z.var(0, unbiased=False) + 1e-4)).mean() for z in (z1, z2)) / 2
    apart = sum(off_diagonal(covariance(z)).pow(2).sum() / z.shape[1] for z in (z1, z2))
    return 25 * F.mse_loss(z1, z2) + 25 * spread + apart


def vicreg_with_diagonal(z1, z2):
    return vicreg(z1, z2) + sum(covariance(z).diagonal().pow(2).sum() / z.shape[1] for z in (z1, z2))


def vicreg_no_root(z1, z2):
    spread = sum(F.relu(1 - z.var(0) - 1e-4).mean() for z in (z1, z2)) / 2
    apart = sum(off_diagonal(covariance(z)).pow(2).sum() / z.shape[1] for z in (z1, z2))
    return 25 * F.mse_loss(z1, z2) + 25 * spread + apart


def vicreg_other_margin(z1, z2):
    spread = sum(F.relu(2 - torch.sqrt(z.var(0) + 1e-4)).mean() for z in (z1, z2)) / 2
    apart = sum(off_diagonal(covariance(z)).pow(2).sum() / z.shape[1] for z in (z1, z2))
    return 25 * F.mse_loss(z1, z2) + 25 * spread + apart


def covariance_penalty(z1, z2):
    return (covariance(z1) ** 2).sum() + (covariance(z2) ** 2).sum()


def covariance_over_n(z1, z2):
    return covariance_penalty(z1, z2) * ((len(z1) - 1) / len(z1)) ** 2


# Barlow Twins


def barlow(z1, z2, over=None):
    a, b = ((z - z.mean(0)) / z.std(0) for z in (z1, z2))
    c = a.T @ b / (len(a) if over is None else over)
    return (c.diagonal() - 1).pow(2).sum() + 5e-3 * off_diagonal(c).pow(2).sum()


def barlow_batch_norm(z1, z2):
    """BatchNorm1d(affine=False) divides by the standard deviation over N, and adds an epsilon."""
    n = len(z1)
    a, b = (F.batch_norm(z, None, None, training=True, eps=1e-5) * math.sqrt((n - 1) / n) for z in (z1, z2))
    c = torch.einsum("ni,nj->ij", a, b).div(n)
    return (c.diagonal() - 1).square().sum() + 5e-3 * (c.square().sum() - c.diagonal().square().sum())


def barlow_over_n_less_one(z1, z2):
    return barlow(z1, z2, len(z1) - 1)


def barlow_diagonal_in_both(z1, z2):
    a, b = ((z - z.mean(0)) / z.std(0) for z in (z1, z2))
    c = a.T @ b / len(a)
    return (c.diagonal() - 1).pow(2).sum() + 5e-3 * c.pow(2).sum()


# Plain products


class _Halved(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):  # noqa: ARG004
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):  # noqa: ARG004
        return gradient / 2


def cross(z1, z2):
    c = z1.T @ z2 / len(z1)
    return (c - torch.eye(len(c), dtype=c.dtype)).pow(2).sum()


def cross_mean(z1, z2):
    c = z1.T @ z2 / len(z1)
    return (c - torch.eye(len(c), dtype=c.dtype)).pow(2).mean()


def cross_half_gradient(z1, z2):
    c = _Halved.apply(z1.T @ z2 / len(z1))
    return (c - torch.eye(len(c), dtype=c.dtype)).pow(2).sum()


def cross_by_trace(z1, z2):
    c = torch.stack([torch.outer(a, b) for a, b in zip(z1, z2, strict=True)]).mean(0)
    return (c**2).sum() - 2 * c.trace() + len(c)


def log_with_epsilon(z1, z2):
    s = unit(z1) @ unit(z2).T / TAU
    return -torch.log(F.softmax(s, 1).diagonal() + 1e-8).mean()


@dataclass(frozen=True)
class Wrong:
    """A pair that differs, and how: the relation of the values, or of the gradients where the values are equal."""

    code: object
    other: object
    values: str
    factor: str = ""
    offset: str = ""
    ratio: tuple = ()


RIGHT = {
    "NT-Xent, masked and logsumexp": (ntxent_masked, ntxent_logsumexp),
    "NT-Xent, masked and diagonal subtracted": (ntxent_masked, ntxent_diagonal_subtracted),
    "NT-Xent, masked and a loop": (ntxent_masked, ntxent_pairs_loop),
    "NT-Xent, masked and blocks": (ntxent_masked, ntxent_in_blocks),
    "NT-Xent, double and single": (ntxent_masked, ntxent_single),
    "NT-Xent, single and logsumexp": (ntxent_single, ntxent_logsumexp),
    "NT-Xent, normalize and a norm with an epsilon": (ntxent_masked, ntxent_written_norm),
    "BYOL, cosine and distance": (byol_cosine, byol_distance),
    "InfoNCE, cross entropy and by hand": (infonce, infonce_by_hand),
    "InfoNCE, an epsilon in the logarithm": (infonce, log_with_epsilon),
    "InfoNCE, up to log N": (infonce, infonce_log_mean),
    "SigLIP, logsigmoid and softplus": (siglip, siglip_softplus),
    "SigLIP, logsigmoid and binary cross entropy": (siglip, siglip_bce),
    "VICReg, vectors and loops": (vicreg, vicreg_by_loops),
    "Barlow Twins, std and batch norm": (barlow, barlow_batch_norm),
    "products, square and trace": (cross, cross_by_trace),
}

WRONG = {
    "sum over 2N in place of the mean": Wrong(ntxent_summed, ntxent_masked, "factor", factor="2 N"),
    "mean over N of 2N anchors": Wrong(ntxent_mean_over_n, ntxent_masked, "factor", factor="2"),
    "temperature applied twice": Wrong(ntxent_temperature_twice, ntxent_masked, "different"),
    "temperature missing": Wrong(ntxent_no_temperature, ntxent_masked, "different"),
    "self-similarity not masked": Wrong(ntxent_self_kept, ntxent_masked, "different"),
    "self-similarity set to 0": Wrong(ntxent_self_zeroed, ntxent_masked, "different"),
    "labels off by one": Wrong(ntxent_labels_off_by_one, ntxent_masked, "different"),
    "positive not in the denominator": Wrong(ntxent_positive_left_out, ntxent_masked, "different"),
    "normalised along the batch": Wrong(ntxent_normalised_over_batch, ntxent_masked, "different"),
    "softmax along the other dimension": Wrong(infonce_wrong_dim, infonce, "different"),
    "symmetrisation missing": Wrong(infonce, clip, "different"),
    "broadcast": Wrong(infonce_broadcast, infonce, "different"),
    "at most ten negatives": Wrong(infonce_clipped, infonce, "different"),
    "square root forgotten": Wrong(byol_distance, byol_square_root, "different"),
    "mean over coordinates too": Wrong(byol_mse, byol_distance, "factor", factor="1/d"),
    "detached on one side": Wrong(byol_detached, byol_cosine, "equal", ratio=("1", "0")),
    "detached on both": Wrong(byol_both_detached, byol_cosine, "equal", ratio=("½",)),
    "negative cosine for a distance": Wrong(byol_cosine, negative_cosine, "affine", factor="2", offset="2"),
    "sign of the bias": Wrong(siglip_bias_sign, siglip, "different"),
    "mean over pairs": Wrong(siglip_mean, siglip, "factor", factor="1/N"),
    "variance over N": Wrong(vicreg_biased, vicreg, "different"),
    "diagonal among the off-diagonal": Wrong(vicreg_with_diagonal, vicreg, "different"),
    "variance for standard deviation": Wrong(vicreg_no_root, vicreg, "different"),
    "margin of the hinge": Wrong(vicreg_other_margin, vicreg, "different"),
    "covariance over N": Wrong(covariance_over_n, covariance_penalty, "factor", factor="(N - 1)^2/N^2"),
    "cross-correlation over N − 1": Wrong(barlow_over_n_less_one, barlow, "different"),
    "diagonal in both sums": Wrong(barlow_diagonal_in_both, barlow, "different"),
    "mean over the entries": Wrong(cross_mean, cross, "factor", factor="d^(-2)"),
    "half the gradient": Wrong(cross_half_gradient, cross, "equal", ratio=("½",)),
}
