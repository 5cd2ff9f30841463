"""The published losses written by hand in torch, without normalisation: the check the derivation never sees.

Nothing here comes from an expansion or from the symbolic definitions. Two kinds of function:

- batch: `loss(z1, z2, **parameters)`, two views (..., N, d) of the same N data, gives (...);
- population: `loss(x, x_pos, p, chi, q, **parameters)`: x, x_pos (..., m, d) are pairs of views of one datum
  with weights p (m,), chi (..., k, d) are independent draws with weights q (k,); gives (...). A population
  mean is the weighted sum. The weights sum to one and may be negative (a cubature).

Every step is analytic (sums, products, exp, log, sqrt), so float64, complex128 and nested torch.func.jvp all
work. Hence no abs, norm, cdist, logsumexp or logsigmoid: log of a sum of exp is written out, which near the
origin, where these functions are used, cannot overflow.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import signature
from typing import Literal

import torch
from torch import Tensor

Parameter = float | Tensor  # a tensor parameter has no dimensions


def _square_distances(u: Tensor, v: Tensor) -> Tensor:
    """|u_i - v_j|^2: (..., n, d) and (..., k, d) give (..., n, k)."""
    return ((u[..., :, None, :] - v[..., None, :, :]) ** 2).sum(-1)


def _inner_products(u: Tensor, v: Tensor) -> Tensor:
    """<u_i, v_j>: (..., n, d) and (..., k, d) give (..., n, k). No complex conjugate."""
    return u @ v.transpose(-1, -2)


def _eye(n: int, like: Tensor) -> Tensor:
    """The identity (n, n) in the type and on the device of `like`."""
    return torch.eye(n, dtype=like.dtype, device=like.device)


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    """Population mean: (..., m) and (m,) give (...)."""
    return (weights * values).sum(-1)


# Batch losses.


def infonce_batch(z1: Tensor, z2: Tensor) -> Tensor:
    """InfoNCE, Eq. (1) of Ziyin, Lubana, Ueda and Tanaka (ICLR 2023); a mean over i where they print a sum.

    The negatives of z1_i are the second views z2_j of the other data; the positive stands in the denominator.
    """
    return weighted_infonce(z1, z2, alpha=1.0)


def weighted_infonce(z1: Tensor, z2: Tensor, *, alpha: Parameter) -> Tensor:
    """Weighted InfoNCE, Eq. (7) of Ziyin et al. (ICLR 2023): alpha times the positive in the denominator."""
    n = z1.shape[-2]
    others = 1 - _eye(n, z1)
    positive = ((z1 - z2) ** 2).sum(-1)
    negatives = (torch.exp(-_square_distances(z1, z2) / 2) * others).sum(-1)
    return (positive / 2 + torch.log(negatives + alpha * torch.exp(-positive / 2))).mean(-1)


def dcl(z1: Tensor, z2: Tensor, *, tau: Parameter) -> Tensor:
    """Decoupled contrastive loss (Yeh et al., ECCV 2022, arXiv:2110.06848).

    NT-Xent without the positive in the denominator. A mean over the 2N anchors; each has 2N - 2 negatives,
    both views of the other data.
    """
    n = z1.shape[-2]
    z = torch.cat([z1, z2], -2)
    others = 1 - _eye(n, z1).repeat(2, 2)  # drops the anchor and its positive
    positive = (z1 * z2).sum(-1) / tau
    denominator = (torch.exp(_inner_products(z, z) / tau) * others).sum(-1)
    return torch.log(denominator).mean(-1) - positive.mean(-1)


def ntxent(z1: Tensor, z2: Tensor, *, tau: Parameter) -> Tensor:
    """NT-Xent of SimCLR, Eq. (1) of Chen et al. (ICML 2020, arXiv:2002.05709), with the plain inner product.

    A mean over the 2N anchors; the denominator holds the positive and the 2N - 2 negatives.
    """
    n = z1.shape[-2]
    z = torch.cat([z1, z2], -2)
    others = 1 - _eye(2 * n, z1)  # drops the anchor alone
    positive = (z1 * z2).sum(-1) / tau
    denominator = (torch.exp(_inner_products(z, z) / tau) * others).sum(-1)
    return torch.log(denominator).mean(-1) - positive.mean(-1)


def siglip(z1: Tensor, z2: Tensor, *, t: Parameter, b: Parameter) -> Tensor:
    """Sigmoid loss of Zhai et al. (ICCV 2023, arXiv:2303.15343): the sum over all pairs (i, j), divided by N.

    The signs are those of the printed equation, log 1/(1 + exp(y_ij (-t <z1_i, z2_j> + b))). The paper's own
    pseudocode has t <z1_i, z2_j> + b as the logit, so the b = -10 of its experiments is b = +10 here.
    """
    n = z1.shape[-2]
    sign = 2 * _eye(n, z1) - 1  # +1 for a pair, -1 for all others
    exponent = sign * (b - t * _inner_products(z1, z2))
    return torch.log(1 + torch.exp(exponent)).sum((-2, -1)) / n


# Population losses.


def infonce(x: Tensor, x_pos: Tensor, p: Tensor, chi: Tensor, q: Tensor) -> Tensor:
    """InfoNCE, Eq. (2) of Ziyin et al. (ICLR 2023): E_x[|x-x'|^2/2 + log E_chi exp(-|x-chi|^2/2)]."""
    return beta_infonce(x, x_pos, p, chi, q, beta=1.0)


def beta_infonce(x: Tensor, x_pos: Tensor, p: Tensor, chi: Tensor, q: Tensor, *, beta: Parameter) -> Tensor:
    """beta-InfoNCE of Ziyin et al. (ICLR 2023, Sec. 4): the second term of InfoNCE times beta."""
    alignment = ((x - x_pos) ** 2).sum(-1) / 2
    spread = torch.log(_mean(torch.exp(-_square_distances(x, chi) / 2), q))
    return _mean(alignment + beta * spread, p)


def spectral(x: Tensor, x_pos: Tensor, p: Tensor, chi: Tensor, q: Tensor) -> Tensor:
    """Spectral contrastive loss (HaoChen et al., NeurIPS 2021, arXiv:2106.04156): -2 E<x,x'> + E<x,chi>^2."""
    return _mean(_mean(_inner_products(x, chi) ** 2, q) - 2 * (x * x_pos).sum(-1), p)


def barlow_twins(x: Tensor, x_pos: Tensor, p: Tensor, chi: Tensor, q: Tensor, *, lam: Parameter) -> Tensor:
    """Barlow Twins, Eq. (1) of Zbontar et al. (ICML 2021, arXiv:2103.03230), on M = E[x x'^T].

    The published M is a correlation matrix: batch normalisation centres and divides. Neither is done here.
    """
    del chi, q  # there are no negatives
    eye = _eye(x.shape[-1], x)
    moment = (x * p[..., None]).transpose(-1, -2) @ x_pos
    return (((1 - moment) ** 2) * eye + lam * moment**2 * (1 - eye)).sum((-2, -1))


def vicreg(
    x: Tensor,
    x_pos: Tensor,
    p: Tensor,
    chi: Tensor,
    q: Tensor,
    *,
    lam: Parameter,
    mu: Parameter,
    nu: Parameter,
    gamma_std: Parameter,
    epsilon: Parameter,
) -> Tensor:
    """VICReg, Eqs. (1)-(6) of Bardes et al. (ICLR 2022, arXiv:2105.04906), where every hinge is active.

    The hinge max(0, gamma_std - S) of the standard deviation S is written as its inner branch, the one that
    holds near the origin. Variance and covariance are the population's (the paper divides by n - 1).
    """
    del chi, q  # there are no negatives
    variance = mu * (_standard_gap(x, p, gamma_std, epsilon) + _standard_gap(x_pos, p, gamma_std, epsilon))
    return _alignment(x, x_pos, p, lam) + variance + nu * (_off_diagonal(x, p) + _off_diagonal(x_pos, p))


def vicreg_soft(
    x: Tensor,
    x_pos: Tensor,
    p: Tensor,
    chi: Tensor,
    q: Tensor,
    *,
    lam: Parameter,
    nu: Parameter,
    kappa: Parameter,
    c: Parameter,
) -> Tensor:
    """VICReg with the norm penalty of Ziyin et al. (ICLR 2023, Eq. 10) in place of its variance term."""
    del chi, q  # there are no negatives
    covariance = nu * (_off_diagonal(x, p) + _off_diagonal(x_pos, p))
    return _alignment(x, x_pos, p, lam) + norm_penalty(x, p, kappa, c) + covariance


def alignment_uniformity(
    x: Tensor, x_pos: Tensor, p: Tensor, chi: Tensor, q: Tensor, *, lam: Parameter, t: Parameter
) -> Tensor:
    """Alignment and uniformity (Wang and Isola, ICML 2020, arXiv:2005.10242), not on the sphere."""
    kernel = torch.exp(-t * _square_distances(x, chi))
    return _alignment(x, x_pos, p, 1.0) + lam * torch.log(_mean(_mean(kernel, q), p))


def _alignment(x: Tensor, x_pos: Tensor, p: Tensor, weight: Parameter) -> Tensor:
    """weight E|x - x'|^2."""
    return weight * _mean(((x - x_pos) ** 2).sum(-1), p)


def _covariance(x: Tensor, p: Tensor) -> Tensor:
    """Covariance (..., d, d) of x (..., m, d) under weights p (m,)."""
    weights = p[..., None]
    centred = x - (weights * x).sum(-2, keepdim=True)
    return (weights * centred).transpose(-1, -2) @ centred


def _standard_gap(x: Tensor, p: Tensor, gamma_std: Parameter, epsilon: Parameter) -> Tensor:
    """VICReg's v: the mean over coordinates of gamma_std - sqrt(Var + epsilon)."""
    variance = (_covariance(x, p) * _eye(x.shape[-1], x)).sum(-1)
    return (gamma_std - torch.sqrt(variance + epsilon)).mean(-1)


def _off_diagonal(x: Tensor, p: Tensor) -> Tensor:
    """VICReg's c: the squares of the covariance off its diagonal, summed, over d."""
    d = x.shape[-1]
    return (_covariance(x, p) ** 2 * (1 - _eye(d, x))).sum((-2, -1)) / d


# Modifiers, added to a loss.


def weight_decay(W: Tensor, gamma: Parameter) -> Tensor:
    """gamma |W|^2 for W (..., d1, d0)."""
    return gamma * (W**2).sum((-2, -1))


def norm_penalty(x: Tensor, p: Tensor, kappa: Parameter, c: Parameter) -> Tensor:
    """kappa (E|x|^2 - c)^2, the model of normalisation in Eq. (10) of Ziyin et al. (ICLR 2023)."""
    return kappa * (_mean((x**2).sum(-1), p) - c) ** 2


@dataclass(frozen=True)
class Definition:
    """A hand-written loss: the kind of its tensors, and the function."""

    kind: Literal["batch", "population"]
    function: Callable[..., Tensor]

    def evaluate(self, *tensors: Tensor, parameters: Mapping[str, Parameter]) -> Tensor:
        """The loss at the tensors of its kind, with the parameters under their catalogue names.

        `lambda` is a keyword of Python and becomes `lam`. Parameters that are not the function's own are left out:
        the shapes give N and d1, and a modifier's belong to the modifier.
        """
        wanted = signature(self.function).parameters
        renamed = {{"lambda": "lam"}.get(name, name): value for name, value in parameters.items()}
        return self.function(*tensors, **{name: value for name, value in renamed.items() if name in wanted})


DEFINITIONS: dict[str, Definition] = {
    "infonce": Definition("population", infonce),
    "infonce-batch": Definition("batch", infonce_batch),
    "weighted-infonce": Definition("batch", weighted_infonce),
    "dcl": Definition("batch", dcl),
    "ntxent": Definition("batch", ntxent),
    "beta-infonce": Definition("population", beta_infonce),
    "spectral": Definition("population", spectral),
    "barlow-twins": Definition("population", barlow_twins),
    "vicreg": Definition("population", vicreg),
    "vicreg-soft": Definition("population", vicreg_soft),
    "alignment-uniformity": Definition("population", alignment_uniformity),
    "siglip": Definition("batch", siglip),
}
