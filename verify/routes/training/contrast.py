"""CLIP's loss of two linear encoders at a finite N, exactly: by quadrature over the law of one row of logits.

For whitened pairs with canonical correlations λ_k and WᵀV diagonal in the canonical pairs, M = Σ₁^½ WᵀV Σ₂^½ = diag(m),
the logits are s_ij = Σ_k m_k u_ik y_jk/τ. Given u = u_1, those of the other data are independent N(0, v) with
v = Σ_k (m_k u_k/τ)², and that of the pair is N(μ, w) with μ = Σ_k m_k λ_k u_k²/τ and w = Σ_k (1 − λ_k²)(m_k u_k/τ)². So

    L = E_u E log(e^{s_11} + Σ_{j=2}^N e^{s_1j}) − Σ_k λ_k m_k/τ,      E log X = ∫_0^∞ (e^{-t} − E e^{-tX}) dt/t,

where E e^{-tX} is a product of N one-dimensional means. Rows and columns have the same law, and both halves of the loss
this value. It is the mean of convex functions of M, and does not change when an x_k and its y_k change sign together:
its minimum over all M is diagonal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import log, pi, sqrt

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from derive import InputError
from verify.running.threads import one_thread

Array = NDArray[np.float64]

# Trapezoidal rules in log t and in a normal variable; they converge like exp(−c/step).
_LOG_T = 0.4
_NORMAL, _REACH = 0.12, 8.4
# Rows of logits at a time.
_CHUNK = 128


@dataclass(frozen=True, eq=False)
class Lowest:
    """The minimum of CLIP's loss over diagonal M of a given rank.

    Attributes:
        powers: m_k/τ of each pair, 0 for one that is lost; in the order given.
        loss: L there, less log N, which it is at W = V = 0.

    """

    powers: Array
    loss: float


def loss_of_powers(powers: Tensor, correlations: Tensor, N: int, *, nodes: int = 8) -> Tensor:
    """L − log N at powers m_k/τ, (k,).

    Args:
        powers: m_k/τ.
        correlations: λ_k.
        N: the number of pairs in a batch.
        nodes: an even number, of Gauss–Hermite nodes for each u_k; by symmetry half of them are used.

    >>> powers, correlations = torch.tensor([0.01], dtype=torch.float64), torch.tensor([0.8], dtype=torch.float64)
    >>> 1e4 * float(loss_of_powers(powers, correlations, 4)) / 0.75  # −λ m + ½ m² (1 + 2 λ²/N) + …, times (N − 1)/N
    -79.3...

    """
    points, weights = np.polynomial.hermite_e.hermegauss(nodes)
    half = points > 0
    squares = torch.cartesian_prod(*[torch.tensor(points[half] ** 2)] * len(powers)).reshape(-1, len(powers))
    each = torch.cartesian_prod(*[torch.tensor(2 * weights[half] / sqrt(2 * pi))] * len(powers))
    weight = each.reshape(-1, len(powers)).prod(-1)
    spread = (squares * powers**2).sum(-1)
    mean = (squares * powers * correlations).sum(-1)
    own = (squares * powers**2 * (1 - correlations**2)).sum(-1)
    parts = [
        (
            weight[k : k + _CHUNK] * _log_of_row(spread[k : k + _CHUNK], mean[k : k + _CHUNK], own[k : k + _CHUNK], N)
        ).sum()
        for k in range(0, len(weight), _CHUNK)
    ]
    return torch.stack(parts).sum() - (powers * correlations).sum() - log(N)


def lowest_powers(correlations: Sequence[float], N: int, rank: int, *, nodes: int = 8) -> Lowest:
    """The lowest point over all masks of at most `rank` pairs.

    Args:
        correlations: λ_k, in [0, 1].
        N: the number of pairs in a batch.
        rank: d1, or less where fewer pairs are to be kept.
        nodes: see `loss_of_powers`.

    Raises:
        InputError: the minimum is not found.

    >>> float(lowest_powers([0.5], 8, 1).powers[0].round(3))
    0.526

    """
    positive = [k for k, one in enumerate(correlations) if one > 0]
    found = [_lowest_of_mask(correlations, mask, N, nodes) for mask in combinations(positive, min(rank, len(positive)))]
    return min(found, key=lambda one: one.loss)


def _lowest_of_mask(correlations: Sequence[float], mask: tuple[int, ...], N: int, nodes: int) -> Lowest:
    kept = torch.tensor([correlations[k] for k in mask], dtype=torch.float64)
    powers = kept.clone().requires_grad_()
    with one_thread():
        optimiser = torch.optim.LBFGS(
            [powers], max_iter=60, tolerance_grad=1e-9, tolerance_change=0.0, line_search_fn="strong_wolfe"
        )

        def closure() -> Tensor:
            optimiser.zero_grad()
            here = loss_of_powers(powers, kept, N, nodes=nodes)
            here.backward()  # type: ignore[no-untyped-call]
            return here

        optimiser.step(closure)  # type: ignore[no-untyped-call]
        at_end = loss_of_powers(powers, kept, N, nodes=nodes)
        (slope,) = torch.autograd.grad(at_end, powers)
    if not float(slope.abs().max()) < 1e-6:
        message = (
            f"the minimum of CLIP's loss at N = {N} is not found: the slope there is {float(slope.abs().max()):.1e}"
        )
        raise InputError(message)
    whole = np.zeros(len(correlations))
    whole[list(mask)] = powers.detach().numpy()
    return Lowest(whole, float(at_end.detach()))


def _log_of_row(spread: Tensor, mean: Tensor, own: Tensor, N: int) -> Tensor:
    """E log(e^p + Σ of N − 1 e^z), z ~ N(0, spread) and p ~ N(mean, own), (k,)."""
    # Beyond these ends X is below e^−low or above e^high in no case of weight.
    low, high = -(log(N) + 26.0), 14.0
    t = torch.exp(torch.arange(low, high, _LOG_T, dtype=torch.float64))
    others = _laplace(t, torch.zeros_like(mean), spread)
    pair = _laplace(t, mean, own)
    return ((torch.exp(-t) - others ** (N - 1) * pair) * _LOG_T).sum(-1)


def _laplace(t: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
    """E exp(−t e^z), z ~ N(mean, variance), (k, t)."""
    z = torch.arange(-_REACH, _REACH + _NORMAL / 2, _NORMAL, dtype=torch.float64)
    weight = torch.exp(-(z**2) / 2) * _NORMAL / sqrt(2 * pi)
    # Where the variance is 0 its root has no derivative.
    values = torch.exp(mean[:, None] + (variance + 1e-300).sqrt()[:, None] * z)
    return torch.exp(-t[:, None] * values[:, None, :]) @ weight
