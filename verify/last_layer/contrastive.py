"""The contrastive losses of the catalogue as sums of log-sums, for `grid`: f(r) = Σ_k r_k f_k at all r at once.

Written from the losses' definitions, as `verify.training.losses` is; the tests hold one against the other at single
points. A population loss is the same combination of halves as in `verify.last_layer.objective`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import log

import torch
from torch import Tensor

from verify.last_layer.grid import log_sums
from verify.last_layer.population import halves

# z₁ and z₂ of each direction, (n, m) each, and the values of r_k² on each axis → (P_1, …, P_K).
OnGrid = Callable[[Sequence[Tensor], Sequence[Tensor], Sequence[Tensor]], Tensor]
Parameters = Mapping[str, float]


def on_grid(name: str, parameters: Parameters) -> OnGrid | None:
    """A catalogue loss, without modifiers, on grids; None where it is no sum of log-sums.

    >>> loss = on_grid("infonce-batch", {})
    >>> z = torch.eye(3)
    >>> loss([z], [z], [torch.zeros(1)])  # log 3
    tensor([1.0986], dtype=torch.float64)

    """
    form = _FORMS.get(name)
    return None if form is None else partial(form, dict(parameters))


def quadratic(each: Sequence[Tensor], axes: Sequence[Tensor]) -> Tensor:
    """Σ_k r_k² e_k over the grid."""
    total = torch.zeros((), dtype=torch.float64)
    for one, squares in zip(each, axes, strict=True):
        total = total[..., None] + one.double() * squares
    return total


def _weighted(parameters: Parameters, z1: Sequence[Tensor], z2: Sequence[Tensor], axes: Sequence[Tensor]) -> Tensor:
    """½|z1 − z2|² + log(Σ_{j≠i} exp(−½|z1_i − z2_j|²) + α exp(−½|z1_i − z2_i|²)); α is 1 unless given."""
    pull = [((a - b) ** 2).sum(-1).mean() / 2 for a, b in zip(z1, z2, strict=True)]
    push = log_sums(list(zip(z1, z2, strict=True)), axes, {0: parameters.get("alpha", 1.0)}, distances=True)
    return quadratic(pull, axes) + push


def _beta(parameters: Parameters, z1: Sequence[Tensor], z2: Sequence[Tensor], axes: Sequence[Tensor]) -> Tensor:
    """½|x − x′|² + β log E_χ exp(−½|x − χ|²); β is 1 unless given."""
    beta = parameters.get("beta", 1.0)
    total = quadratic([0 * one.sum() for one in z1], axes)
    for weight, anchors, others in halves(len(z1[0])):
        pull = [((a[anchors] - b[anchors]) ** 2).sum(-1).mean() / 2 for a, b in zip(z1, z2, strict=True)]
        pairs = [(a[anchors], torch.cat([a[others], b[others]])) for a, b in zip(z1, z2, strict=True)]
        push = log_sums(pairs, axes, distances=True) - log(len(pairs[0][1]))
        total = total + weight * (quadratic(pull, axes) + beta * push)
    return total


def _two_sided(
    positive: float, parameters: Parameters, z1: Sequence[Tensor], z2: Sequence[Tensor], axes: Sequence[Tensor]
) -> Tensor:
    """Over both views as anchors: −⟨z, z⁺⟩/τ + log Σ exp⟨z, ·⟩/τ, the anchor left out and the positive weighted."""
    tau, n = parameters["tau"], len(z1[0])
    both = [torch.cat([a, b]) for a, b in zip(z1, z2, strict=True)]
    pull = [-(a * b).sum(-1).mean() / tau for a, b in zip(z1, z2, strict=True)]
    weights = {0: 0.0} | ({} if positive == 1 else {n: positive, -n: positive})
    return quadratic(pull, axes) + log_sums([(one / tau, one) for one in both], axes, weights)


_FORMS: dict[str, Callable[[Parameters, Sequence[Tensor], Sequence[Tensor], Sequence[Tensor]], Tensor]] = {
    "infonce-batch": _weighted,
    "weighted-infonce": _weighted,
    "infonce": _beta,
    "beta-infonce": _beta,
    "ntxent": partial(_two_sided, 1.0),
    "dcl": partial(_two_sided, 0.0),
}
