"""Distances: alignment, uniformity, margins, kernels."""

import torch
import torch.nn.functional as F

from practice.truths import BROKEN, CLOSED, UNIT, Family, N, R, Truth, d1, expanded

DISTANCES = Family("distances")
add = DISTANCES.add


# ½|x − x′|² → C; the mean over N logits takes ((N − 1) Σ + C)/N off: −(N − 1)/N A0, as for inner products.
@add(expanded((N - 1) / N, like=("infonce-batch", {}), dimensional="not always"), settings="half squared distances")
def by_squared_distances(z1, z2):
    s = -(z1[:, None] - z2[None]).square().sum(-1) / 2
    return F.cross_entropy(s, torch.arange(len(z1)))


@add(expanded((N - 1) / (N * R(1, 5)), dimensional="not always"), settings="τ = 0.2, cdist squared")
def by_cdist(z1, z2, tau=0.2):
    s = -torch.cdist(z1, z2, compute_mode="donot_use_mm_for_euclid_dist").pow(2) / (2 * tau)
    return (torch.logsumexp(s, 1) - s.diagonal()).mean()


# −log of a Student kernel: log(1 + |x − x′|²) + log Σ 1/(1 + |…|²) over the 2N − 1 others: 2C less the mean of the
# distances, (2(2N − 2) Σ + 2C)/(2N − 1).
@add(expanded(2 * (2 * N - 2) / (2 * N - 1)), settings="heavy tails, 2N anchors")
def student_kernel(z1, z2):
    n, z = len(z1), torch.cat([z1, z2])
    kernel = 1 / (1 + (z[:, None] - z[None]).pow(2).sum(-1))
    kernel = kernel * (1 - torch.eye(2 * n).to(z))
    positive = torch.cat([kernel.diagonal(n), kernel.diagonal(-n)])
    return -torch.log(positive / kernel.sum(1)).mean()


# A distance that is not squared has a cusp where points meet.
@add(BROKEN, settings="τ = 0.5, distances not squared")
def by_distances(z1, z2, tau=0.5):
    s = -(z1[:, None] - z2[None]).norm(dim=-1) / tau
    return F.cross_entropy(s, torch.arange(len(z1)))


# 2C + λ log E exp(−t|x − χ|²), t = 2, λ = 1: 2C − 4Σ.
@add(UNIT, core=expanded(4, 2), settings="t = 2, λ = 1")
def alignment_uniformity(z1, z2, t=2.0):
    a, b = F.normalize(z1), F.normalize(z2)

    def uniformity(z):
        return torch.pdist(z).pow(2).mul(-t).exp().mean().log()

    return (a - b).norm(dim=1).pow(2).mean() + (uniformity(a) + uniformity(b)) / 2


# The mean over N d numbers: 2C/d.
@add(expanded(0, -2 / d1), settings="mean over coordinates")
def mean_squared_error(z1, z2):
    return F.mse_loss(z1, z2)


# |x − x′|² − |x − χ|² while the hinge is on: 2C − 2Σ, with the next datum as χ. Nothing follows before it is off.
@add(expanded(2), settings="margin 1, squared")
def triplet_of_squares(z1, z2, margin=1.0):
    positive, negative = ((z1 - other).pow(2).sum(1) for other in (z2, z2.roll(1, 0)))
    return F.relu(positive - negative + margin).mean()


@add(BROKEN, settings="margin 1, torch's own")
def triplet(z1, z2):
    return F.triplet_margin_loss(z1, z2, z2.roll(1, 0), margin=1.0)


# (m − |x − χ|)² is m² − 2m|x − χ| + …: a cusp.
@add(BROKEN, settings="margin 1, pairs")
def contrastive_pairs(z1, z2, margin=1.0):
    distance, off = torch.cdist(z1, z2), ~torch.eye(len(z1), dtype=torch.bool)
    return distance.diagonal().pow(2).mean() + F.relu(margin - distance[off]).pow(2).mean()


# relu(m − s₊ + s₋), inner products, hinge on near 0: −s₊ averaged over N − 1, and no more before it is off.
@add(UNIT, core=expanded(1), settings="margin 0.2, all negatives")
def hinge_of_all(z1, z2, margin=0.2):
    s = F.normalize(z1) @ F.normalize(z2).T
    cost = (margin + s - s.diagonal().view(-1, 1)).clamp(min=0)
    return cost.masked_fill(torch.eye(len(s)) > 0.5, 0).sum() / (len(s) * (len(s) - 1))


# 2 − 2cos falls where views align: every lost mode, which aligns less, stays lost.
@add(CLOSED, core=expanded(2), settings="2 − 2 cos")
def by_cosine(z1, z2):
    return 2 - 2 * F.cosine_similarity(z1, z2, dim=-1).mean()


# |a − b|² of unit vectors is the same function; without normalisation it is 2C.
@add(CLOSED, core=expanded(0, -2), settings="|a − b|²")
def by_unit_distance(z1, z2):
    return (F.normalize(z1, dim=1) - F.normalize(z2, dim=1)).pow(2).sum(1).mean()


# −2⟨x, x′⟩ + mean ⟨x, χ⟩² over other data.
@add(expanded(2, like=("spectral", {}), dimensional="never"), settings="off-diagonal")
def spectral(z1, z2):
    s, n = z1 @ z2.T, len(z1)
    return -2 * s.diagonal().mean() + s.pow(2).masked_fill(torch.eye(n, dtype=torch.bool), 0).sum() / (n * (n - 1))


# The mean over all N² pairs takes the diagonal in; the second order is the same.
@add(expanded(2), settings="all pairs")
def spectral_with_its_diagonal(z1, z2):
    return -2 * (z1 * z2).sum(1).mean() + ((z1 @ z2.T) ** 2).mean()


# −log of the distance to the nearest other point: −log t along a ray, without a limit at 0.
@add(BROKEN, settings="nearest neighbours")
def differential_entropy(z1, z2):
    z = torch.cat([z1, z2])
    return -torch.log(torch.cdist(z, z).masked_fill(torch.eye(len(z)) > 0, torch.inf).min(1).values).mean()


# Of unit vectors it is homogeneous of degree 0; `normalize` is replaced and the core is the loss above.
@add(UNIT, core=Truth(kinds=BROKEN.kinds), settings="nearest neighbours, unit vectors")
def differential_entropy_of_unit_vectors(z1, z2):
    return differential_entropy(F.normalize(z1), F.normalize(z2))
