"""Masks of labels, hard negatives, queues."""

import math

import sympy
import torch
import torch.nn.functional as F

from practice.truths import BROKEN, UNIT, Family, N, R, Truth, d1, expanded, ntxent

MASKS = Family("masks")
add = MASKS.add


def others(n, copies=2):
    """Which of the embeddings are of other data, (copies · n, copies · n)."""
    return ~torch.eye(n, dtype=torch.bool).repeat(copies, copies)


# Without labels it is NT-Xent times τ over the base temperature; taking off the largest logit changes nothing.
@add(
    Truth(A0=R(10, 7) * ntxent(R(1, 10)).A0, like=("ntxent", {"tau": R(1, 10)}), times=R(10, 7)),
    settings="τ = 0.1, base 0.07, largest logit stopped",
    adapter="pairs",
)
class SupervisedWithoutLabels(torch.nn.Module):
    def __init__(self, tau=0.1, base=0.07):
        super().__init__()
        self.tau, self.base = tau, base

    def forward(self, features):
        n = len(features)
        z = torch.cat(features.unbind(1))
        s = z @ z.T / self.tau
        s = s - s.max(1, keepdim=True).values.detach()
        kept = 1 - torch.eye(2 * n, dtype=s.dtype)
        positives = torch.eye(n, dtype=s.dtype).repeat(2, 2) * kept
        log_p = s - torch.log((torch.exp(s) * kept).sum(1, keepdim=True))
        return -(self.tau / self.base) * ((positives * log_p).sum(1) / positives.sum(1)).mean()


# Data 2k and 2k + 1 share a label: an anchor has 3 positives of which one is its own datum; for odd N the last one
# has that alone. Mean weight w of the own positive, less 1/(2N − 1).
PAIRED = (sympy.floor(N / 2) * 2 * R(1, 3) + sympy.Mod(N, 2)) / N - 1 / (2 * N - 1)


@add(expanded(2 * PAIRED), settings="τ = 0.5, labels of pairs")
def supervised_by_pairs(z1, z2, tau=0.5):
    n, z = len(z1), torch.cat([z1, z2])
    labels = (torch.arange(n) // 2).repeat(2)
    self_mask = torch.eye(2 * n, dtype=torch.bool)
    positive = (labels[:, None] == labels[None]) & ~self_mask
    s = (z @ z.T / tau).masked_fill(self_mask, -1e9)
    log_p = s - s.logsumexp(1, keepdim=True)
    return -((log_p * positive).sum(1) / positive.sum(1)).mean()


# The same labels mask false negatives: an anchor's row keeps its positive and the data of other labels, K = N − 1 of
# them, or N for the odd one: −(1 − 1/K) s₊.
UNMASKED = 1 - (sympy.floor(N / 2) * 2 / (N - 1) + sympy.Mod(N, 2) / N) / N


@add(expanded(UNMASKED), settings="τ = 1, false negatives masked")
def false_negatives_masked(z1, z2):
    labels, eye = torch.arange(len(z1)) // 2, torch.eye(len(z1), dtype=torch.bool)
    s = (z1 @ z2.T).masked_fill((labels[:, None] == labels) & ~eye, -torch.inf)
    return F.cross_entropy(s, torch.arange(len(z1)))


# M = 2N − 2 negatives less τ⁺ M e^s₊, over 1 − τ⁺: M at 0, with slope −τ⁺ M s₊/(1 − τ⁺). Weighted by e^(βs) over its
# mean, the same at this order. −s₊ + (s₊ − τ⁺ M s₊/(1 − τ⁺))/(1 + M) is −M/((1 + M)(1 − τ⁺)) s₊.
def debiased_slope(count, prior, tau):
    return count / ((1 + count) * (1 - prior) * tau)


@add(UNIT, core=expanded(debiased_slope(2 * N - 2, R(1, 10), R(1, 2))), settings="τ = 0.5, β = 1, τ⁺ = 0.1")
def hard_negatives_weighted(z1, z2, tau=0.5, beta=1.0, prior=0.1):
    n, z = len(z1), F.normalize(torch.cat([z1, z2]))
    e = torch.exp(z @ z.T / tau)
    negative = e[others(n)].view(2 * n, -1)
    positive = torch.cat([e.diagonal(n), e.diagonal(-n)])
    weight = (beta * negative.log()).exp()
    weighted = (weight * negative).sum(1) / weight.mean(1)
    count = 2 * n - 2
    rest = (weighted - prior * count * positive) / (1 - prior)
    rest = torch.clamp(rest, min=count * math.exp(-1 / tau))
    return -torch.log(positive / (positive + rest)).mean()


@add(UNIT, core=expanded(debiased_slope(N - 1, R(1, 5), 1)), settings="τ = 1, τ⁺ = 0.2, one direction")
def debiased(z1, z2, prior=0.2):
    e = torch.exp(F.normalize(z1) @ F.normalize(z2).T)
    count, positive = len(e) - 1, e.diagonal()
    rest = ((e * others(len(e), 1)).sum(1) - prior * count * positive) / (1 - prior)
    return (torch.log(positive + rest.clamp(min=count / math.e)) - positive.log()).mean()


# The largest three of a row are kept: their sum, at second order, is not a polynomial.
@add(BROKEN, settings="τ = 0.5, the three hardest of a row", least=5)
def three_hardest(z1, z2, tau=0.5):
    s = z1 @ z2.T / tau
    hardest = s.masked_fill(torch.eye(len(s), dtype=torch.bool), -torch.inf).topk(3, dim=1).values
    return F.cross_entropy(torch.cat([s.diagonal()[:, None], hardest], 1), torch.zeros(len(s), dtype=torch.long))


# The neighbour of largest similarity: quadratic along every ray, no polynomial between rays.
@add(BROKEN, settings="τ = 1, nearest neighbour as the positive")
def nearest_neighbour(z1, z2):
    s = (z1 @ z1.T).masked_fill(torch.eye(len(z1), dtype=torch.bool), -torch.inf)
    return F.cross_entropy(z1[s.argmax(1)] @ z2.T, torch.arange(len(z1)))


# K = 2d negatives ±e_j at τ = 1: Σ_k s_k = 0, ½ Σ_k s_k²/(K + 1) = |z|²/(2d + 1), so Σ enters, and d1.
@add(
    expanded(1 - 2 / (2 * d1 + 1), -1 / (2 * d1 + 1), rotation=False),
    settings="τ = 1, queue ±e_j",
)
def queue_of_axes(z1, z2):
    queue = torch.cat([torch.eye(z1.shape[1]), -torch.eye(z1.shape[1])]).to(z1)
    logits = torch.cat([(z1 * z2).sum(1, keepdim=True), z1 @ queue.T], 1)
    return F.cross_entropy(logits, torch.zeros(len(z1), dtype=torch.long))


# Random negatives of a memory: directions are singled out, so that the second order is not a trace. Keys are stopped.
@add(Truth(rotation=False, detached=True), settings="τ = 0.2, queue of 32 in a buffer, keys stopped")
class Queue(torch.nn.Module):
    def __init__(self, size=32):
        super().__init__()
        drawn = torch.randn(16, size, generator=torch.Generator().manual_seed(3))
        self.register_buffer("queue", drawn)

    def forward(self, q, k):
        k = k.detach()
        positive = torch.einsum("nc,nc->n", q, k).unsqueeze(-1)
        negative = q @ F.normalize(self.queue[: q.shape[1]].clone().detach(), dim=0)
        logits = torch.cat([positive, negative], 1) / 0.2
        return F.cross_entropy(logits, torch.zeros(len(q), dtype=torch.long))


# N = 64 in all: a memory of zeros fills the batch up. −(1 − 1/64) s₊, and a constant.
@add(expanded(R(63, 64)), settings="τ = 1, padded to 64 logits")
def padded_to_64(z1, z2):
    s = F.pad(z1 @ z2.T, (0, 64 - len(z1)))
    return F.cross_entropy(s, torch.arange(len(z1)))


# The first 24 of the other data, or all there are: −(1 − 1/(K + 1)) s₊. A formula in N holds up to N = 25 alone.
@add(expanded(1 - 1 / (sympy.Min(N - 1, 24) + 1)), settings="τ = 1, at most 24 negatives")
def at_most_24_negatives(z1, z2):
    s, n = z1 @ z2.T, len(z1)
    negatives = s[others(n, 1)].view(n, n - 1)[:, :24]
    return F.cross_entropy(torch.cat([s.diagonal()[:, None], negatives], 1), torch.zeros(n, dtype=torch.long))
