r"""The shares at the minimum to the next order in the number of kept modes, by formulas.

`numeric.sphere.many_modes.lowest` minimises the leading order, which grows with that number r where k = 1/τ does,

    −a Σ p_i λ_i + w Φ,   Φ = ext over σ, ρ of −½ Σ log(1 + σp_i) + (k²/2ρ) Σ n_i² p_i/(1 + σp_i) + ½ σρ,   n_i² = p_i.

What is left of order 1, for Σ p = 1 and S = Σ p²:

- of E cos: ℓ(3S/2 + ½ Σ p²λ²) − 2 Σ p²λ, ℓ = Σ p λ (`derive.sphere.many_modes`: lengths that vary);
- of the integral over σ and ρ: −½ log 4(Φ_σρ² − Φ_σσ Φ_ρρ), Gauss's factor;
- of the mean over n: Σ g_i (E n_i² − p_i), g_i = (k²/2ρ) p_i/(1 + σp_i), with E n_i² = p_i(1 − 2p_i + 2S);
- of its variance, since σ and ρ follow n: −½ Tr[H⁻¹ M], H the Hessian of Φ and M the covariance of Σ n_i² ∂g_i/∂(σ, ρ),
  δn_i² = p_i(δξ_i² − Σ p_j δξ_j²).

The slope of this at the leading shares is what each λ_i changes by, times a; with it the leading problem is solved
again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from numeric.sphere.many_modes import Filled, lowest

if TYPE_CHECKING:
    from torch import Tensor

Array = NDArray[np.float64]

_STEPS = 200


def corrected(correlations: Array, pull: float, weight: float, rate: float) -> Filled | None:
    """The minimum of −pull E cos(x, x′) + weight E log E exp(rate · cos), to the next order in the kept modes' number.

    Args:
        correlations: λ (n,).
        pull: a.
        weight: w.
        rate: k.

    Returns:
        None where the leading order has no solution, or the correction is not small beside it.

    >>> found = corrected(np.linspace(1, 0, 64), 10.0, 1.0, 10.0)
    >>> int((found.shares > 0).sum())
    33

    """
    first = lowest(correlations, pull, weight, rate)
    if first is None:
        return None
    _, slope = beyond(first.shares, correlations, pull, weight, rate)
    # λ are from 0 to 1, and what does not depend on the mode is no change.
    small = np.isfinite(slope).all() and np.ptp(slope) < pull
    return lowest(correlations - slope / pull, pull, weight, rate) if small else None


def beyond(shares: Array, correlations: Array, pull: float, weight: float, rate: float) -> tuple[float, Array]:
    """The part of the loss that is of order 1, and its slope (n,) in the shares, which add to 1."""
    import torch

    p = torch.tensor(shares, dtype=torch.float64, requires_grad=True)
    q = p / p.sum()
    value = -pull * _lengths(q, torch.tensor(correlations)) + weight * _repulsion(q, abs(rate))
    value.backward()
    assert p.grad is not None  # noqa: S101 (backward makes it)
    return float(value.detach()), p.grad.numpy()


def leading(shares: Array, rate: float) -> float:
    """Φ at shares that add to 1."""
    import torch

    p, k = torch.tensor(shares, dtype=torch.float64), abs(rate)
    sigma, rho = _saddle(p, k)
    shrunk = 1 + sigma * p
    value = -torch.log(shrunk).sum() / 2 + k**2 / (2 * rho) * (p**2 / shrunk).sum() + sigma * rho / 2
    return float(value)


def _lengths(p: Tensor, lam: Tensor) -> Any:
    """What varying lengths add to E cos."""
    p2 = p**2
    return (p * lam).sum() * (3 * p2.sum() + (p2 * lam**2).sum()) / 2 - 2 * (p2 * lam).sum()


def _repulsion(p: Tensor, k: float) -> Any:
    """E log E exp(k cos) less Φ."""
    import torch

    at = _saddle(p.detach(), k)
    # One more step of Newton's, of which the slope in p is that of the saddle.
    slope, hessian = _slopes(p, k, *at)
    sigma, rho = (start - step for start, step in zip(at, _solved(hessian.detach(), slope), strict=True))
    _, H = _slopes(p, k, sigma, rho)
    y, S = 1 / (1 + sigma * p), (p**2).sum()
    gauss = -torch.log(-4 * (H[0, 0] * H[1, 1] - H[0, 1] ** 2)) / 2
    g = k**2 / (2 * rho) * p * y
    mean = (g * p * (2 * S - 2 * p)).sum()
    along = torch.stack([-g * p * y, -g / rho])
    along = along - (along * p).sum(1, keepdim=True)
    M = 2 * (along * p**2) @ along.T
    return gauss + mean - torch.linalg.solve(H, M).trace() / 2


def _saddle(p: Tensor, k: float) -> tuple[Tensor, Tensor]:
    """σ and ρ, by Newton's iteration from those of small k."""
    sigma, rho = k**2 * (p**2).sum(), p.sum()
    for _ in range(_STEPS):
        slope, hessian = _slopes(p, k, sigma, rho)
        step = _solved(hessian, slope)
        part = 1.0
        while sigma - part * step[0] <= 0 or rho - part * step[1] <= 0:
            part /= 2
        sigma, rho = sigma - part * step[0], rho - part * step[1]
        if abs(step[0]) < 1e-13 * sigma and abs(step[1]) < 1e-13 * rho:
            break
    return sigma, rho


def _slopes(p: Tensor, k: float, sigma: Tensor, rho: Tensor) -> tuple[Tensor, Tensor]:
    """First and second derivatives of Φ in σ and ρ at n_i² = p_i."""
    import torch

    y = 1 / (1 + sigma * p)
    py, c = p * y, k**2 / rho
    G, G1, G2 = (p * py).sum(), (p * py**2).sum(), (p * py**3).sum()
    first = torch.stack([(rho - py.sum() - c * G1) / 2, (sigma - c / rho * G) / 2])
    across = (1 + c / rho * G1) / 2
    second = torch.stack([torch.stack([(py**2).sum() / 2 + c * G2, across]), torch.stack([across, c / rho**2 * G])])
    return first, second


def _solved(hessian: Tensor, slope: Tensor) -> Any:
    import torch

    return torch.linalg.solve(hessian, slope)
