"""SimCLR's loss and its relatives on unit vectors, in the ways in which masks and denominators are written."""

import math

import sympy
import torch
import torch.nn.functional as F

from practice.truths import NEARLY_UNIT, UNIT, Family, N, R, expanded, infonce, ntxent

UNIT_VECTORS = Family("unit vectors")
add = UNIT_VECTORS.add


@add(UNIT, core=ntxent(R(1, 2)), settings="τ = 0.5")
def simclr_masked_with_infinity(z1, z2, tau=0.5):
    z = F.normalize(torch.cat([z1, z2], 0), dim=1)
    n = len(z1)
    s = (z @ z.T / tau).masked_fill(torch.eye(2 * n, dtype=torch.bool), -torch.inf)
    return F.cross_entropy(s, torch.arange(2 * n).roll(n))


@add(UNIT, core=ntxent(R(7, 100)), settings="τ = 0.07")
def simclr_minus_a_large_number(z1, z2, tau=0.07):
    n = len(z1)
    z = torch.cat([F.normalize(z1), F.normalize(z2)])
    s = torch.einsum("id,jd->ij", z, z) / tau - 1e9 * torch.eye(2 * n)
    return F.cross_entropy(s, torch.cat([torch.arange(n, 2 * n), torch.arange(n)]))


@add(UNIT, core=ntxent(R(1, 5)), settings="τ = 0.2")
def simclr_multiplied_by_zero(z1, z2, tau=0.2):
    a, b = F.normalize(z1, dim=-1), F.normalize(z2, dim=-1)
    z = torch.cat([a, b])
    e = torch.exp(z @ z.T / tau)
    below = (e * (1 - torch.eye(len(z), dtype=e.dtype))).sum(dim=1)
    above = torch.exp((a * b).sum(dim=-1) / tau).repeat(2)
    return torch.mean(-torch.log(above / below))


@add(UNIT, core=ntxent(R(1, 10)), settings="τ = 0.1, positive first")
def simclr_positive_in_the_first_column(z1, z2, tau=0.1):
    n, z = len(z1), F.normalize(torch.cat([z1, z2]), p=2, dim=1)
    s = z @ z.T
    positive = torch.cat([s.diagonal(n), s.diagonal(-n)]).unsqueeze(1)
    same = torch.eye(n, dtype=torch.bool).repeat(2, 2)
    logits = torch.cat([positive, s[~same].view(2 * n, -1)], 1) / tau
    return nn_cross_entropy(logits, torch.zeros(2 * n, dtype=torch.long))


nn_cross_entropy = torch.nn.CrossEntropyLoss()


# Σ_k exp s_k over all 2N less e^(1/τ): for other vectors than unit ones −s₊ + (s₊ + |x|²)/(2N − e), both over τ.
@add(UNIT, core=expanded(1 - 2 / (2 * N - sympy.E), -1 / (2 * N - sympy.E)), settings="τ = 1, eye subtracted")
def simclr_self_similarity_subtracted(z1, z2, tau=1.0):
    a, b = F.normalize(z1), F.normalize(z2)
    z = torch.cat([a, b])
    below = torch.exp(z @ z.T / tau).sum(1) - math.exp(1 / tau)
    return (-(a * b).sum(1).repeat(2) / tau + below.log()).mean()


# −log(p + ε) with p = 1/(2N − 1) at 0: ε = 1e-8 changes the slope by ε (2N − 1).
@add(
    UNIT,
    core=expanded(4 * (N - 1) / (2 * N - 1) / (1 + (2 * N - 1) * R(1, 10**8)), hidden=True, dimensional="not always"),
    settings="τ = 0.5, ε = 1e-8 in the logarithm",
)
def simclr_epsilon_in_the_logarithm(z1, z2, tau=0.5, eps=1e-8):
    z = F.normalize(torch.cat([z1, z2]))
    n, e = len(z1), torch.exp(z @ z.T / tau)
    e = e * ~torch.eye(2 * n, dtype=torch.bool)
    p = torch.cat([e.diagonal(n), e.diagonal(-n)]) / e.sum(1)
    return -torch.log(p + eps).mean()


# The self-similarity stays among 2N logits: −s₊ + (s₊ + |x|²)/(2N), so C has a coefficient too.
@add(UNIT, core=expanded(5 * (N - 1) / N, R(-5, 2) / N), settings="τ = 0.2, nothing masked")
def simclr_nothing_masked(z1, z2, tau=0.2):
    z = F.normalize(torch.cat([z1, z2]))
    return F.cross_entropy(z @ z.T / tau, torch.arange(len(z)).roll(len(z1)))


@add(UNIT, core=ntxent(R(1, 10), single=True), settings="τ = 0.1, single precision")
def simclr_in_single_precision(z1, z2):
    return simclr_positive_in_the_first_column(z1.float(), z2.float())


@add(UNIT, core=infonce(R(1, 10)), settings="τ = 0.1, one direction")
def one_direction(query, key, temperature=0.1):
    logits = F.normalize(query, dim=-1) @ F.normalize(key, dim=-1).transpose(-2, -1)
    return F.cross_entropy(logits / temperature, torch.arange(len(query)), reduction="mean")


@add(UNIT, core=infonce(R(1, 20)), settings="scale 20, one direction")
class RankingOfCosines(torch.nn.Module):
    def __init__(self, scale=20.0):
        super().__init__()
        self.scale, self.cross_entropy = scale, torch.nn.CrossEntropyLoss()

    def forward(self, z1, z2):
        scores = F.cosine_similarity(z1[:, None], z2[None], dim=-1) * self.scale
        return self.cross_entropy(scores, torch.arange(len(scores)))


# Twice τ times both directions' mean is 2τ (1 − 1/N)/τ.
@add(UNIT, core=infonce(R(1, 2)), settings="τ = 0.05, times 2τ, a tuple returned")
def both_directions_and_accuracy(z1, z2, tau=0.05):
    a, b, y = F.normalize(z1), F.normalize(z2), torch.arange(len(z1))
    s = a @ b.t() / tau
    loss = tau * (F.cross_entropy(s, y) + F.cross_entropy(s.t(), y))
    return loss, (s.argmax(1) == y).double().mean()


# 2N anchors, the 2(N − 1) views of other data in the denominator: −⟨x, x′⟩/τ alone.
@add(UNIT, core=expanded(10, like=("dcl", {"tau": R(1, 10)}), dimensional="not always"), settings="τ = 0.1")
def decoupled(z1, z2, tau=0.1):
    a, b = F.normalize(z1), F.normalize(z2)
    across, own = a @ b.T / tau, torch.eye(len(a), dtype=a.dtype) * torch.finfo(torch.float32).min

    def one(within, across):
        return torch.logsumexp(torch.cat([within + own, across + own], 1), 1) - across.diagonal()

    return (one(a @ a.T / tau, across) + one(b @ b.T / tau, across.T)).mean() / 2


# The weight 2 − N softmax_i(s₊/σ) is 1 at 0.
@add(UNIT, core=expanded(10), settings="τ = 0.1, σ = 0.5, weighted")
def decoupled_weighted(z1, z2, tau=0.1, sigma=0.5):
    a, b = F.normalize(z1), F.normalize(z2)
    s, n = a @ b.T, len(a)
    weight = 2 - n * F.softmax(s.diagonal() / sigma, 0)
    negatives = torch.cat([s, a @ a.T], 1) / tau
    own = torch.eye(n, dtype=torch.bool).repeat(1, 2)
    return (-weight * s.diagonal() / tau + torch.logsumexp(negatives.masked_fill(own, -torch.inf), 1)).mean()


# The norm written out, with an epsilon beside it: no call is replaced, so the core is the loss.
@add(NEARLY_UNIT, core=NEARLY_UNIT, settings="τ = 0.5, norm + 1e-8")
def norm_and_epsilon(z1, z2, tau=0.5):
    a, b = (z / (z.norm(dim=1, keepdim=True) + 1e-8) for z in (z1, z2))
    return F.cross_entropy(a @ b.T / tau, torch.arange(len(a)))
