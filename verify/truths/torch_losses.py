"""The published losses written by hand in torch, without normalisation: the check the derivation never sees.

Nothing here comes from an expansion or from the symbolic definitions. Two kinds of function:

- batch: `loss(z1, z2, **parameters)`, two views (..., N, d) of the same N data, gives (...);
- population: `loss(x, x_pos, p, chi, q, **parameters)`: x, x_pos (..., m, d) are pairs of views of one datum
  with weights p (m,), chi (..., k, d) are independent draws with weights q (k,); gives (...). A population
  mean is the weighted sum. The weights sum to one and may be negative (a cubature); None for equal ones.

Every step is analytic (sums, products, exp, log, sqrt), so float64, complex128 and nested derivatives all
work. Hence no abs, norm, cdist, logsumexp or logsigmoid: log of a sum of exp is written out, which near the
origin cannot overflow. Far from it, and for many models at once, `verify.truths.fast_losses` has other forms of some.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from inspect import signature

import torch
from torch import Tensor

from derive import CATALOGUE

Parameter = float | Tensor  # a tensor parameter has no dimensions
Weights = Tensor | None


def _square_distances(u: Tensor, v: Tensor) -> Tensor:
    """|u_i - v_j|^2: (..., n, d) and (..., k, d) give (..., n, k)."""
    sizes = (u * u).sum(-1)[..., :, None] + (v * v).sum(-1)[..., None, :]
    return sizes - 2 * _inner_products(u, v)


def _inner_products(u: Tensor, v: Tensor) -> Tensor:
    """<u_i, v_j>: (..., n, d) and (..., k, d) give (..., n, k). No complex conjugate."""
    return u @ v.transpose(-1, -2)


def _eye(n: int, like: Tensor) -> Tensor:
    """The identity (n, n) in the type and on the device of `like`."""
    return torch.eye(n, dtype=like.dtype, device=like.device)


def _mean(values: Tensor, weights: Weights) -> Tensor:
    """Population mean: (..., m) and (m,) give (...)."""
    return values.mean(-1) if weights is None else (weights * values).sum(-1)


def _mean_vector(x: Tensor, weights: Weights) -> Tensor:
    """Population mean of vectors: (..., m, d) and (m,) give (..., 1, d)."""
    return x.mean(-2, keepdim=True) if weights is None else (weights[..., None] * x).sum(-2, keepdim=True)


def _second_moment(x: Tensor, y: Tensor, weights: Weights) -> Tensor:
    """E[x y^T]: (..., m, d) twice and (m,) give (..., d, d)."""
    if weights is None:
        return x.transpose(-1, -2) @ y / x.shape[-2]
    return (x * weights[..., None]).transpose(-1, -2) @ y


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


def clip(z1: Tensor, z2: Tensor, *, tau: Parameter) -> Tensor:
    """CLIP's symmetric cross-entropy, Fig. 3 of Radford et al. (ICML 2021, arXiv:2103.00020), with the inner product.

    Images z1_i and texts z2_i; the mean of the cross-entropies along the rows and along the columns of
    the logits <z1_i, z2_j>/tau.
    """
    logits = _inner_products(z1, z2) / tau
    positive = (z1 * z2).sum(-1) / tau
    rows = torch.log(torch.exp(logits).sum(-1)) - positive
    columns = torch.log(torch.exp(logits).sum(-2)) - positive
    return (rows.mean(-1) + columns.mean(-1)) / 2


# Population losses.


def infonce(x: Tensor, x_pos: Tensor, p: Weights, chi: Tensor, q: Weights) -> Tensor:
    """InfoNCE, Eq. (2) of Ziyin et al. (ICLR 2023): E_x[|x-x'|^2/2 + log E_chi exp(-|x-chi|^2/2)]."""
    return beta_infonce(x, x_pos, p, chi, q, beta=1.0)


def beta_infonce(x: Tensor, x_pos: Tensor, p: Weights, chi: Tensor, q: Weights, *, beta: Parameter) -> Tensor:
    """beta-InfoNCE of Ziyin et al. (ICLR 2023, Sec. 4): the second term of InfoNCE times beta."""
    alignment = ((x - x_pos) ** 2).sum(-1) / 2
    spread = torch.log(_mean(torch.exp(-_square_distances(x, chi) / 2), q))
    return _mean(alignment + beta * spread, p)


def supcon(x: Tensor, x_same: Tensor, p: Weights, chi: Tensor, q: Weights, *, tau: Parameter) -> Tensor:
    """SupCon, L_out in Eq. (2) of Khosla et al. (NeurIPS 2020, arXiv:2004.11362), over infinitely many data.

    x_same is another datum of the class of x. The log stands outside the mean over positives.
    """
    spread = torch.log(_mean(torch.exp(_inner_products(x, chi) / tau), q))
    return _mean(spread - (x * x_same).sum(-1) / tau, p)


def spectral(x: Tensor, x_pos: Tensor, p: Weights, chi: Tensor, q: Weights) -> Tensor:
    """Spectral contrastive loss (HaoChen et al., NeurIPS 2021, arXiv:2106.04156): -2 E<x,x'> + E<x,chi>^2."""
    return _mean(_mean(_inner_products(x, chi) ** 2, q) - 2 * (x * x_pos).sum(-1), p)


def barlow_twins(x: Tensor, x_pos: Tensor, p: Weights, chi: Tensor, q: Weights, *, lam: Parameter) -> Tensor:
    """Barlow Twins, Eq. (1) of Zbontar et al. (ICML 2021, arXiv:2103.03230), on M = E[x x'^T].

    The published M is a correlation matrix: batch normalisation centres and divides. Neither is done here.
    """
    del chi, q  # there are no negatives
    eye = _eye(x.shape[-1], x)
    moment = _second_moment(x, x_pos, p)
    return (((1 - moment) ** 2) * eye + lam * moment**2 * (1 - eye)).sum((-2, -1))


def vicreg(
    x: Tensor,
    x_pos: Tensor,
    p: Weights,
    chi: Tensor,
    q: Weights,
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
    invariance = _alignment(x, x_pos, p, lam)
    (gap, off), (gap_pos, off_pos) = (
        (_standard_gap(view, p, gamma_std, epsilon), _off_diagonal(view, p)) for view in (x, x_pos)
    )
    return invariance + mu * (gap + gap_pos) + nu * (off + off_pos)


def vicreg_soft(
    x: Tensor,
    x_pos: Tensor,
    p: Weights,
    chi: Tensor,
    q: Weights,
    *,
    lam: Parameter,
    nu: Parameter,
    kappa: Parameter,
    c: Parameter,
) -> Tensor:
    """VICReg with the norm penalty of Ziyin et al. (ICLR 2023, Eq. 10) in place of its variance term."""
    del chi, q  # there are no negatives
    invariance, penalty = _alignment(x, x_pos, p, lam), norm_penalty(x, p, kappa, c)
    return invariance + penalty + nu * (_off_diagonal(x, p) + _off_diagonal(x_pos, p))


def alignment_uniformity(
    x: Tensor, x_pos: Tensor, p: Weights, chi: Tensor, q: Weights, *, lam: Parameter, t: Parameter
) -> Tensor:
    """Alignment and uniformity (Wang and Isola, ICML 2020, arXiv:2005.10242), not on the sphere."""
    kernel = torch.exp(-t * _square_distances(x, chi))
    return _alignment(x, x_pos, p, 1.0) + lam * torch.log(_mean(_mean(kernel, q), p))


def _alignment(x: Tensor, x_pos: Tensor, p: Weights, weight: Parameter) -> Tensor:
    """weight E|x - x'|^2."""
    return weight * _mean(((x - x_pos) ** 2).sum(-1), p)


def _covariance(x: Tensor, p: Weights) -> Tensor:
    """Covariance (..., d, d) of x (..., m, d) under weights p (m,)."""
    centred = x - _mean_vector(x, p)
    return _second_moment(centred, centred, p)


def _standard_gap(x: Tensor, p: Weights, gamma_std: Parameter, epsilon: Parameter) -> Tensor:
    """VICReg's v: the mean over coordinates of gamma_std - sqrt(Var + epsilon)."""
    variance = (_covariance(x, p) * _eye(x.shape[-1], x)).sum(-1)
    return (gamma_std - torch.sqrt(variance + epsilon)).mean(-1)


def _off_diagonal(x: Tensor, p: Weights) -> Tensor:
    """VICReg's c: the squares of the covariance off its diagonal, summed, over d."""
    d = x.shape[-1]
    return (_covariance(x, p) ** 2 * (1 - _eye(d, x))).sum((-2, -1)) / d


# Modifiers, added to a loss.


def weight_decay(W: Tensor, gamma: Parameter) -> Tensor:
    """gamma |W|^2 for W (..., d1, d0)."""
    return gamma * (W**2).sum((-2, -1))


def norm_penalty(x: Tensor, p: Weights, kappa: Parameter, c: Parameter) -> Tensor:
    """kappa (E|x|^2 - c)^2, the model of normalisation in Eq. (10) of Ziyin et al. (ICLR 2023)."""
    return kappa * (_mean((x**2).sum(-1), p) - c) ** 2


@dataclass(frozen=True)
class TorchLoss:
    """A loss written by hand.

    Attributes:
        name: that of the catalogue.
        function: the loss, of batches or of populations.

    """

    name: str
    function: Callable[..., Tensor]

    @cached_property
    def over_batch(self) -> bool:
        """Whether it is a function of batches, as the catalogue's definition is."""
        return CATALOGUE[self.name].batch_size is not None

    @cached_property
    def has_temperature(self) -> bool:
        """Whether it has a temperature of its own, so that a normalisation brings in none."""
        return not {"tau", "t"}.isdisjoint(signature(self.function).parameters)

    @cached_property
    def odd(self) -> bool:
        """Whether f → −f may change it on one batch."""
        return not CATALOGUE[self.name].even

    def evaluate(self, *tensors: Tensor | None, parameters: Mapping[str, Parameter]) -> Tensor:
        """The loss of the tensors that its kind takes, with the parameters under their catalogue names.

        `lambda` is a keyword of Python and becomes `lam`. Parameters that are not the function's own are left out:
        the shapes give N and d1, and a modifier's belong to the modifier.
        """
        wanted = signature(self.function).parameters
        own = {name: value for name, value in keywords(parameters).items() if name in wanted}
        return self.function(*tensors, **own)


def keywords(parameters: Mapping[str, Parameter]) -> dict[str, Parameter]:
    """Parameters under the names that a function has for them.

    >>> keywords({"lambda": 0.5, "t": 1.0})
    {'lam': 0.5, 't': 1.0}
    """
    return {{"lambda": "lam"}.get(name, name): value for name, value in parameters.items()}


_FUNCTIONS: dict[str, Callable[..., Tensor]] = {
    "infonce": infonce,
    "infonce-batch": infonce_batch,
    "weighted-infonce": weighted_infonce,
    "dcl": dcl,
    "ntxent": ntxent,
    "beta-infonce": beta_infonce,
    "spectral": spectral,
    "barlow-twins": barlow_twins,
    "vicreg": vicreg,
    "vicreg-soft": vicreg_soft,
    "alignment-uniformity": alignment_uniformity,
    "siglip": siglip,
    "clip": clip,
    "supcon": supcon,
}
TORCH_LOSSES = {name: TorchLoss(name, function) for name, function in _FUNCTIONS.items()}
