"""Statistics of a batch: covariances, ranks, characteristic functions."""

import sympy
import torch
import torch.nn.functional as F

from practice.truths import NEARLY_UNIT, UNIT, Family, N, R, Truth, d1, expanded

MOMENTS = Family("moments")
add = MOMENTS.add
HOMOGENEOUS = Truth(kinds=("homogeneous",))


# (1 − M_ii)² + λ M_ij², M = z1ᵀ z2/N: −2 Tr M.
@add(expanded(2, rotation=False), settings="λ = 0.005, no normalisation")
def cross_correlation(z1, z2, lamda=0.005):
    m = z1.T @ z2 / len(z1)
    on = (m.diagonal() - 1).pow(2).sum()
    return on + lamda * (m.pow(2).sum() - m.diagonal().pow(2).sum())


# The ε beside the variance, 1e-5, is the scale within which it is smooth.
@add(NEARLY_UNIT, core=expanded(2, rotation=False), settings="λ = 0.005, batch-normalised")
class BatchNormalised(torch.nn.Module):
    def forward(self, z1, z2):
        a, b = (F.batch_norm(z, None, None, training=True) for z in (z1, z2))
        return cross_correlation(a, b)


# Standardised by hand: no call is replaced.
@add(HOMOGENEOUS, core=HOMOGENEOUS, settings="λ = 0.005, standardised by hand", least=3)
def standardised(z1, z2):
    a, b = ((z - z.mean(0)) / z.std(0) for z in (z1, z2))
    return cross_correlation(a, b)


# ε = 1e-4 under the root of a variance: smooth within a hundredth only.
@add(Truth(kinds=("epsilon",), rotation=False), settings="ε = 1e-4, 25, 25, 1")
def vicreg(z1, z2, eps=1e-4):
    return vicreg_terms(z1, z2, 25.0, 25.0, 1.0, 1.0, eps)


def vicreg_terms(z1, z2, align, spread, cross, gamma, eps):
    n, d = z1.shape
    loss = align * F.mse_loss(z1, z2)
    for z in (z1, z2):
        c = z - z.mean(dim=0)
        loss = loss + spread * F.relu(gamma - torch.sqrt(z.var(dim=0) + eps)).mean() / 2
        cov = c.T @ c / (n - 1)
        loss = loss + cross * (cov.pow(2).sum() - cov.diagonal().pow(2).sum()) / d
    return loss


# With ε = 1 and γ = 2 the hinge is on: 5 · 2C/d − 4 · ½ Σ/d, each view half.
@add(expanded(2 / d1, 2 / d1 - 10 / d1, rotation=False), settings="ε = 1, γ = 2, 5, 4, 1")
def vicreg_smooth(z1, z2):
    return vicreg_terms(z1, z2, 5.0, 4.0, 1.0, 2.0, 1.0)


# 2C + κ (mean |z1|² − c)², κ = 1, c = 2: 2C − 4Σ.
@add(expanded(4, 2), settings="κ = 1, c = 2")
def soft_variance(z1, z2, kappa=1.0, c=2.0):
    return (z1 - z2).pow(2).sum(1).mean() + kappa * (z1.pow(2).sum(1).mean() - c) ** 2


# 1 − ⟨x, x′⟩ + ρ mean xᵀ M x, M = Σ x xᵀ/N.
@add(expanded(1), settings="ρ = 2, first step")
def transformation_invariance(z1, z2, rho=2.0):
    M = z1.T @ z1 / len(z1)
    return 1 - (z1 * z2).sum(1).mean() + rho * ((z1 @ M) * z1).sum(1).mean()


# The moving average changes with every call.
@add(Truth(kinds=("stateful",)), settings="ρ = 2, moving average")
class MovingCovariance(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.M = None

    def forward(self, z1, z2):
        now = (z1.T @ z1 / len(z1)).detach()
        self.M = now if self.M is None or self.M.shape != now.shape else 0.9 * self.M + 0.1 * now
        return 1 - (z1 * z2).sum(1).mean() + 2 * ((z1 @ self.M) * z1).sum(1).mean()


# The nuclear norm of the matrix of centroids: of degree 1.
@add(HOMOGENEOUS, settings="nuclear norm")
def manifold_capacity(z1, z2):
    return -torch.linalg.svdvals((z1 + z2) / 2).sum()


@add(UNIT, core=HOMOGENEOUS, settings="nuclear norm, unit vectors")
def manifold_capacity_of_unit_vectors(z1, z2):
    return -torch.linalg.matrix_norm((F.normalize(z1) + F.normalize(z2)) / 2, "nuc")


# −log det(R + ε) of each view, ε = ½, R centred and over N: −2 · 2 (N − 1)/N Σ, and ½ · 2C.
@add(expanded(4 * (N - 1) / N, 4 * (N - 1) / N - 1), settings="ε = 0.5, α = 0.5")
def log_determinants(z1, z2, eps=0.5, alpha=0.5):
    loss = alpha * (z1 - z2).pow(2).sum() / len(z1)
    for z in (z1, z2):
        c = z - z.mean(0)
        R_ = c.T @ c / len(z) + eps * torch.eye(z.shape[1]).to(z)
        loss = loss - torch.logdet(R_)
    return loss


# −½ log det(I + d/(N ε²) zᵀz), ε² = ½: −½ · 2d Σ, and 2C.
@add(expanded(d1, d1 - 2), settings="ε² = 0.5")
def coding_rate(z1, z2, eps2=0.5):
    n, d = z1.shape
    rate = torch.logdet(torch.eye(d).to(z1) + d / (n * eps2) * z1.T @ z1) / 2
    return (z1 - z2).pow(2).sum(1).mean() - rate


# |φ(t) − e^(−t²/2)|² of each coordinate, φ the mean of e^(itz): Re φ = 1 − t² m/2, so (1 − g)² − (1 − g) t² m + t² z̄²,
# and E z̄² = E m/N: t² (1/N − 1 + g) Σ/d, at t = 1 and, with weight ½, at t = 2; and 2C/d.
GAUSSIAN = (1 / N - 1 + sympy.exp(R(-1, 2))) + 2 * (1 / N - 1 + sympy.exp(-2))


@add(expanded(-GAUSSIAN / d1, -GAUSSIAN / d1 - 2 / d1, rotation=False), settings="Epps–Pulley at t = 1, 2")
def characteristic_function(z1, z2):
    t = torch.tensor([1.0, 2.0]).to(z1)
    weights, loss = torch.tensor([1.0, 0.5]).to(z1), F.mse_loss(z1, z2)
    for z in (z1, z2):
        x = z.unsqueeze(-1) * t
        apart = (x.cos().mean(0) - torch.exp(-(t**2) / 2)).square() + x.sin().mean(0).square()
        loss = loss + (apart @ weights).mean() / 2
    return loss


# Random directions at each call, so no second order is the loss's own.
@add(Truth(kinds=("analytic", "random"), rotation=False), settings="Epps–Pulley along 16 random directions")
def sliced_characteristic_function(z1, z2):
    directions = F.normalize(torch.randn(z1.shape[1], 16), dim=0).to(z1)
    return characteristic_function(z1 @ directions, z2 @ directions)


# Whitened by the inverse root of its covariance: constant along rays.
@add(HOMOGENEOUS, core=HOMOGENEOUS, settings="whitened", least=4)
def whitened(z1, z2):
    def white(z):
        c = z - z.mean(0)
        values, vectors = torch.linalg.eigh(c.T @ c / (len(z) - 1))
        return c @ vectors @ torch.diag(values.rsqrt()) @ vectors.T

    return F.mse_loss(white(z1), white(z2))
