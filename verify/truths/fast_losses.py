"""Fast forms of torch losses: where `verify.truths.torch_losses` would hold all n × k pairs of a sum, or overflow.

The contrastive losses are sums of a pull and of 1/n Σ_i log Σ_j w_ij exp s_ij. Each is written once, in terms of
`Sums`, and is evaluated on many models at once (`OfModels`: with gradients, for training) or at once on a grid of
scales (`OnGrid`: f = Σ_k r_k f_k, for landscapes of a last layer). Those without a logarithm of a sum over pairs
are only for many models.

Nothing comes from an expansion; the tests compare each form with the definition. Embeddings are (m, n, d), m models at
a time, and a form gives (m,). Parameters are numbers, or tensors (m,) with a value for each model. A form of a
population takes x, x′ and χ of any k data; means over the population are means over what is given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import log
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from verify.truths.grid import log_sums, quadratic
from verify.truths.jackknife import both_ways
from verify.truths.log_sums import distances_to, mean_log_sum
from verify.truths.torch_losses import TORCH_LOSSES, keywords

Value = float | Tensor  # of a parameter


class Sums(Protocol):
    """What a contrastive loss is made of; u and v are embeddings of n and k data."""

    def half_distance(self, u: Any, v: Any) -> Tensor:
        """E ½|u − v|²."""

    def similarity(self, u: Any, v: Any, tau: Any) -> Tensor:
        """E⟨u, v⟩/τ."""

    def log_sum(self, u: Any, v: Any, weights: Mapping[int, Any], tau: Any = None) -> Tensor:
        """1/n Σ_i log Σ_j w_ij exp s_ij; s is −½|u_i − v_j|², or ⟨u_i, v_j⟩/τ where τ is given.

        The weight is 1 except on diagonals: where j = i + a key it is that key's value.
        """

    def size(self, u: Any) -> int:
        """The number of data."""

    def both(self, u: Any, v: Any) -> Any:
        """The data of u, and those of v."""


def weighted_infonce(sums: Sums, z1: Any, z2: Any, *, alpha: Any) -> Tensor:
    """E ½|z1 − z2|² + E_i log(Σ_{j≠i} exp(−½|z1_i − z2_j|²) + α exp(−½|z1_i − z2_i|²))."""
    return sums.half_distance(z1, z2) + sums.log_sum(z1, z2, {0: alpha})


def beta_infonce(sums: Sums, x: Any, x_pos: Any, chi: Any, *, beta: Any) -> Tensor:
    """E ½|x − x′|² + β E_x log E_χ exp(−½|x − χ|²)."""
    spread: Tensor = beta * (sums.log_sum(x, chi, {}) - log(sums.size(chi)))
    return sums.half_distance(x, x_pos) + spread


def ntxent(sums: Sums, z1: Any, z2: Any, *, tau: Any, positive: float = 1.0) -> Tensor:
    """A mean over 2n anchors of −⟨z, z⁺⟩/τ + log Σ exp⟨z, ·⟩/τ over all but the anchor, z⁺ with a weight."""
    n, z = sums.size(z1), sums.both(z1, z2)
    weights = {0: 0.0} if positive == 1 else {0: 0.0, n: positive, -n: positive}
    return sums.log_sum(z, z, weights, tau) - sums.similarity(z1, z2, tau)


def clip(sums: Sums, z1: Any, z2: Any, *, tau: Any) -> Tensor:
    """−E⟨z1, z2⟩/τ + ½ (E_i log Σ_j exp⟨z1_i, z2_j⟩/τ + E_j log Σ_i exp⟨z1_i, z2_j⟩/τ)."""
    both = sums.log_sum(z1, z2, {}, tau) + sums.log_sum(z2, z1, {}, tau)
    return both / 2 - sums.similarity(z1, z2, tau)


_LOG_SUMS: dict[str, Callable[..., Tensor]] = {
    "infonce": partial(beta_infonce, beta=1.0),
    "infonce-batch": partial(weighted_infonce, alpha=1.0),
    "weighted-infonce": weighted_infonce,
    "beta-infonce": beta_infonce,
    "ntxent": ntxent,
    "dcl": partial(ntxent, positive=0.0),
    "clip": clip,
}


class OfModels:
    """The sums of many models at once: embeddings (m, n, d) give (m,)."""

    def half_distance(self, u: Tensor, v: Tensor) -> Tensor:
        """E ½|u − v|² of each model."""
        return ((u - v) ** 2).sum(-1).mean(-1) / 2

    def similarity(self, u: Tensor, v: Tensor, tau: Value) -> Tensor:
        """E⟨u, v⟩/τ of each model."""
        return (u * v).sum(-1).mean(-1) / _against(tau, u, 0)

    def log_sum(self, u: Tensor, v: Tensor, weights: Mapping[int, Value], tau: Value | None = None) -> Tensor:
        """The mean of the logarithms, of each model."""
        pair = distances_to(u, v) if tau is None else (u / _against(tau, u, 2), v)
        # A factor of 1 is left out, which saves a pass.
        needed = {offset: one for offset, one in weights.items() if torch.is_tensor(one) or one != 1}
        return mean_log_sum(*pair, {offset: _against(weight, u, 0) for offset, weight in needed.items()})

    def size(self, u: Tensor) -> int:
        """n."""
        return u.shape[-2]

    def both(self, u: Tensor, v: Tensor) -> Tensor:
        """(m, 2n, d)."""
        return torch.cat([u, v], -2)


@dataclass(frozen=True)
class OnGrid:
    """The sums of f = Σ_k r_k f_k on a grid: the f_k of one batch, (n, d_k) each, give (P_1, …, P_K).

    Attributes:
        axes: the values of r_k², (P_k,) each.

    """

    axes: Sequence[Tensor]

    def half_distance(self, u: Sequence[Tensor], v: Sequence[Tensor]) -> Tensor:
        """E ½|u − v|² at each point."""
        return quadratic([((a - b) ** 2).sum(-1).mean() / 2 for a, b in zip(u, v, strict=True)], self.axes)

    def similarity(self, u: Sequence[Tensor], v: Sequence[Tensor], tau: float) -> Tensor:
        """E⟨u, v⟩/τ at each point."""
        return quadratic([(a * b).sum(-1).mean() / tau for a, b in zip(u, v, strict=True)], self.axes)

    def log_sum(
        self, u: Sequence[Tensor], v: Sequence[Tensor], weights: Mapping[int, float], tau: float | None = None
    ) -> Tensor:
        """The mean of the logarithms, at each point."""
        pairs = [(a if tau is None else a / tau, b) for a, b in zip(u, v, strict=True)]
        return log_sums(pairs, self.axes, weights, distances=tau is None)

    def size(self, u: Sequence[Tensor]) -> int:
        """n."""
        return len(u[0])

    def both(self, u: Sequence[Tensor], v: Sequence[Tensor]) -> list[Tensor]:
        """(2n, d_k) each."""
        return [torch.cat(pair) for pair in zip(u, v, strict=True)]


# z₁ and z₂ of each direction, (n, d_k) each, and the values of r_k² on each axis → (P_1, …, P_K).
Gridded = Callable[[Sequence[Tensor], Sequence[Tensor], Sequence[Tensor]], Tensor]


def on_grid(name: str, parameters: Mapping[str, float]) -> Gridded | None:
    """A catalogue loss, without modifiers, on grids; None where it is not a sum of log-sums.

    For a population the batch is split as in `verify.truths.jackknife.both_ways`.

    >>> loss = on_grid("infonce-batch", {})
    >>> z = torch.eye(3)
    >>> loss([z], [z], [torch.zeros(1)])  # log 3
    tensor([1.0986], dtype=torch.float64)

    """
    if name not in _LOG_SUMS:
        return None
    form = partial(_LOG_SUMS[name], **keywords(parameters))

    def loss(z1: Sequence[Tensor], z2: Sequence[Tensor], axes: Sequence[Tensor]) -> Tensor:
        sums = OnGrid(axes)
        if TORCH_LOSSES[name].over_batch:
            return form(sums, z1, z2)

        def split(anchors: slice, others: slice) -> Tensor:
            (x, chi), (x_pos, chi_pos) = ([[one[rows] for one in z] for rows in (anchors, others)] for z in (z1, z2))
            return form(sums, x, x_pos, sums.both(chi, chi_pos))

        return both_ways(split, len(z1[0]))

    return loss


# Without a logarithm for each anchor.


def siglip(z1: Tensor, z2: Tensor, *, t: Value, b: Value) -> Tensor:
    """Σ_ij log(1 + exp(±(b − t⟨z1_i, z2_j⟩)))/n, with + for a pair and − for all other terms."""
    n = z1.shape[-2]
    exponents = _against(b, z1, 2) - _against(t, z1, 2) * (z1 @ z2.mT)
    pairs = exponents.diagonal(dim1=-2, dim2=-1)
    return (F.softplus(-exponents).sum((-2, -1)) + (F.softplus(pairs) - F.softplus(-pairs)).sum(-1)) / n


def spectral(x: Tensor, x_pos: Tensor, chi: Tensor) -> Tensor:
    """−2 E⟨x, x′⟩ + E⟨x, χ⟩², the latter as Tr E[x xᵀ] E[χ χᵀ], without a matrix of pairs."""
    x_moment, chi_moment = (one.mT @ one / one.shape[-2] for one in (x, chi))
    return (x_moment * chi_moment).sum((-2, -1)) - 2 * (x * x_pos).sum(-1).mean(-1)


def alignment_uniformity(x: Tensor, x_pos: Tensor, chi: Tensor, *, lam: Value, t: Value) -> Tensor:
    """E|x − x′|² + λ log E exp(−t|x − χ|²)."""
    Z, Y = distances_to(x, chi)
    logs = torch.logsumexp((2 * _against(t, x, 2) * Z @ Y.mT).flatten(-2), -1)
    return ((x - x_pos) ** 2).sum(-1).mean(-1) + lam * (logs - log(x.shape[-2] * chi.shape[-2]))


def _against(value: Value, like: Tensor, dimensions: int) -> Tensor:
    """A parameter in the precision of a tensor, with a number of dimensions after that of the models."""
    scalar = torch.as_tensor(value, dtype=like.dtype, device=like.device)
    return scalar.reshape(*scalar.shape, *(1,) * dimensions) if scalar.ndim else scalar


FAST_LOSSES: dict[str, Callable[..., Tensor]] = {
    **{name: partial(form, OfModels()) for name, form in _LOG_SUMS.items()},
    "siglip": siglip,
    "spectral": spectral,
    "alignment-uniformity": alignment_uniformity,
}
