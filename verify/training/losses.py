"""The published losses in a form that trains many models at once.

Each is written from its definition (`verify.definitions` has the plain form, with the sources), with sums over pairs by
matrix products; nothing comes from an expansion. Views are (m, n, d), m models at a time, and a loss gives (m,).
Parameters are numbers, or tensors (m,) with a value for each model.

A loss of batches takes two views of the same n data. A population loss takes a third, of any k data, for χ; means over
the population are then means over what is given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from derive import InputError
from verify.training.log_sums import distances_to, mean_log_sum

Value = float | Tensor  # of a parameter
Parameters = Mapping[str, Value]
Function = Callable[..., Tensor]


@dataclass(frozen=True)
class BatchedLoss:
    """A loss of many models at once.

    Attributes:
        views: 2 for a loss of batches, 3 for one of populations.
        function: (views…, parameters by keyword) → (m,).

    """

    views: int
    function: Function

    def __call__(self, views: tuple[Tensor, ...], parameters: Parameters) -> Tensor:
        """The loss of each model; parameters under their catalogue names."""
        renamed = {{"lambda": "lam"}.get(name, name): value for name, value in parameters.items()}
        return self.function(*views, **renamed)


def weighted_infonce(z1: Tensor, z2: Tensor, *, alpha: Value) -> Tensor:
    """E[½|z1 − z2|²] + E_i log(Σ_{j≠i} exp(−½|z1_i − z2_j|²) + α exp(−½|z1_i − z2_i|²))."""
    return _half_distance(z1, z2) + mean_log_sum(*distances_to(z1, z2), {0: _number(alpha, z1)})


def infonce_batch(z1: Tensor, z2: Tensor) -> Tensor:
    """The same with the positive weighed like a negative."""
    return _half_distance(z1, z2) + mean_log_sum(*distances_to(z1, z2))


def beta_infonce(x: Tensor, x_pos: Tensor, chi: Tensor, *, beta: Value) -> Tensor:
    """E[½|x − x′|²] + β E_x log E_χ exp(−½|x − χ|²)."""
    spread = mean_log_sum(*distances_to(x, chi)) - _log(chi.shape[-2])
    return _half_distance(x, x_pos) + beta * spread


def infonce(x: Tensor, x_pos: Tensor, chi: Tensor) -> Tensor:
    """The same at β = 1."""
    return beta_infonce(x, x_pos, chi, beta=1.0)


def ntxent(z1: Tensor, z2: Tensor, *, tau: Value) -> Tensor:
    """A mean over 2n anchors of −⟨z, z⁺⟩/τ + log Σ exp⟨z, ·⟩/τ over all but the anchor."""
    return _two_sided(z1, z2, tau, (0,))


def dcl(z1: Tensor, z2: Tensor, *, tau: Value) -> Tensor:
    """The same without the positive among the terms."""
    n = z1.shape[-2]
    return _two_sided(z1, z2, tau, (0, n, -n))


def _two_sided(z1: Tensor, z2: Tensor, tau: Value, left_out: tuple[int, ...]) -> Tensor:
    z = torch.cat([z1, z2], -2)
    scale = _number(tau, z)
    nothing = z.new_zeros(())
    logs = mean_log_sum(z / (scale[:, None, None] if scale.ndim else scale), z, dict.fromkeys(left_out, nothing))
    return logs - (z1 * z2).sum(-1).mean(-1) / scale


def siglip(z1: Tensor, z2: Tensor, *, t: Value, b: Value) -> Tensor:
    """Σ_ij log(1 + exp(±(b − t⟨z1_i, z2_j⟩)))/n, with + for a pair and − for all others."""
    n = z1.shape[-2]
    exponents = _each(b, z1) - _each(t, z1) * (z1 @ z2.mT)
    pairs = exponents.diagonal(dim1=-2, dim2=-1)
    return (F.softplus(-exponents).sum((-2, -1)) + (F.softplus(pairs) - F.softplus(-pairs)).sum(-1)) / n


def spectral(x: Tensor, x_pos: Tensor, chi: Tensor) -> Tensor:
    """−2 E⟨x, x′⟩ + E⟨x, χ⟩², the latter as Tr E[x xᵀ] E[χ χᵀ]."""
    return (_second(x, x) * _second(chi, chi)).sum((-2, -1)) - 2 * (x * x_pos).sum(-1).mean(-1)


def barlow_twins(x: Tensor, x_pos: Tensor, chi: Tensor, *, lam: Value) -> Tensor:
    """Σ_i (1 − M_ii)² + λ Σ_{i≠j} M_ij² with M = E[x x′ᵀ]."""
    del chi
    moment = _second(x, x_pos)
    own = moment.diagonal(dim1=-2, dim2=-1)
    return ((1 - own) ** 2).sum(-1) + lam * ((moment**2).sum((-2, -1)) - (own**2).sum(-1))


def vicreg(
    x: Tensor, x_pos: Tensor, chi: Tensor, *, lam: Value, mu: Value, nu: Value, gamma_std: Value, epsilon: Value
) -> Tensor:
    """VICReg with its hinges at work: λ E|x − x′|² + μ Σ v + ν Σ c."""
    del chi
    total = 2 * lam * _half_distance(x, x_pos)
    for one in (x, x_pos):
        variance = _centred(one).diagonal(dim1=-2, dim2=-1)
        total = total + mu * (gamma_std - torch.sqrt(variance + _column(epsilon, x)).mean(-1)) + nu * _off(one)
    return total


def vicreg_soft(x: Tensor, x_pos: Tensor, chi: Tensor, *, lam: Value, nu: Value, kappa: Value, c: Value) -> Tensor:
    """VICReg with κ(E|x|² − c)² in place of its variance term."""
    del chi
    return 2 * lam * _half_distance(x, x_pos) + norm_penalty(x, kappa, c) + nu * (_off(x) + _off(x_pos))


def alignment_uniformity(x: Tensor, x_pos: Tensor, chi: Tensor, *, lam: Value, t: Value) -> Tensor:
    """E|x − x′|² + λ log E exp(−t|x − χ|²)."""
    Z, Y = distances_to(x, chi)
    logs = torch.logsumexp((2 * _each(t, x) * Z @ Y.mT).flatten(-2), -1)
    return 2 * _half_distance(x, x_pos) + lam * (logs - _log(x.shape[-2] * chi.shape[-2]))


def norm_penalty(x: Tensor, kappa: Value, c: Value) -> Tensor:
    """κ (E|x|² − c)²."""
    return kappa * ((x * x).sum(-1).mean(-1) - c) ** 2


def _half_distance(u: Tensor, v: Tensor) -> Tensor:
    return ((u - v) ** 2).sum(-1).mean(-1) / 2


def _second(u: Tensor, v: Tensor) -> Tensor:
    """E[u vᵀ], (m, d, d)."""
    return u.mT @ v / u.shape[-2]


def _centred(x: Tensor) -> Tensor:
    centred = x - x.mean(-2, keepdim=True)
    return _second(centred, centred)


def _off(x: Tensor) -> Tensor:
    """The squares of the covariance off its diagonal, summed, over d."""
    matrix = _centred(x)
    return ((matrix**2).sum((-2, -1)) - (matrix.diagonal(dim1=-2, dim2=-1) ** 2).sum(-1)) / x.shape[-1]


def _log(number: int) -> float:
    return float(torch.tensor(float(number), dtype=torch.float64).log())


def _number(value: Value, like: Tensor) -> Tensor:
    """A parameter in the precision of what it meets."""
    return torch.as_tensor(value, dtype=like.dtype, device=like.device)


def _each(value: Value, like: Tensor) -> Tensor:
    """A parameter against (m, n, k)."""
    scalar = _number(value, like)
    return scalar[:, None, None] if scalar.ndim else scalar


def _column(value: Value, like: Tensor) -> Tensor:
    """A parameter against (m, d)."""
    scalar = _number(value, like)
    return scalar[:, None] if scalar.ndim else scalar


BATCHED: dict[str, BatchedLoss] = {
    "infonce": BatchedLoss(3, infonce),
    "infonce-batch": BatchedLoss(2, infonce_batch),
    "weighted-infonce": BatchedLoss(2, weighted_infonce),
    "dcl": BatchedLoss(2, dcl),
    "ntxent": BatchedLoss(2, ntxent),
    "beta-infonce": BatchedLoss(3, beta_infonce),
    "spectral": BatchedLoss(3, spectral),
    "barlow-twins": BatchedLoss(3, barlow_twins),
    "vicreg": BatchedLoss(3, vicreg),
    "vicreg-soft": BatchedLoss(3, vicreg_soft),
    "alignment-uniformity": BatchedLoss(3, alignment_uniformity),
    "siglip": BatchedLoss(2, siglip),
}


def batched(loss: str | Function) -> BatchedLoss:
    """A catalogue loss by name, or a torch function ``loss(z1, z2)`` of two views of one batch, (n, d) each.

    A function is mapped over the models by `torch.func.vmap` where that works, and called once a model where not.

    >>> z = torch.eye(2).repeat(3, 1, 1)
    >>> batched(lambda z1, z2: (z1 - z2).abs().sum())((z, 2 * z), {})
    tensor([2., 2., 2.])

    Raises:
        InputError: a name that is not in the catalogue.

    """
    if isinstance(loss, str):
        if loss not in BATCHED:
            message = f"there is no loss {loss!r} to train; there are: {', '.join(BATCHED)}"
            raise InputError(message)
        return BATCHED[loss]
    function = loss

    def one_by_one(z1: Tensor, z2: Tensor) -> Tensor:
        return torch.stack([torch.as_tensor(function(a, b)) for a, b in zip(z1, z2, strict=True)])

    mapped: list[Function] = []

    def mapped_or_looped(z1: Tensor, z2: Tensor) -> Tensor:
        if not mapped:
            mapped.append(_if_equal(torch.func.vmap(function), one_by_one, (z1, z2)))
        return mapped[0](z1, z2)

    return BatchedLoss(2, mapped_or_looped)


def _if_equal(fast: Function, plain: Function, views: tuple[Tensor, Tensor]) -> Function:
    """The fast way where it runs and gives the same numbers here."""
    with torch.no_grad():
        expected = plain(*views)
        try:
            same = torch.allclose(fast(*views), expected, rtol=1e-4, atol=1e-6)
        except Exception:  # noqa: BLE001 (whatever vmap does not support)
            return plain
    return fast if same else plain
