r"""The shares at the global minimum in the limit of many kept modes, by formulas.

*At moderate temperatures* (k = 1/τ small beside the number of kept modes) lengths hardly fluctuate and cosines of
independent data are normal with variance Σ p_i². With the pull a E cos(x, x′) and a push of strength b,

    L = const − a Σ p_i λ_i + ½ b Σ p_i²   on the simplex,   p_i = (a/b)(λ_i − λ_c)₊,   Σ (λ_i − λ_c)₊ = b/a:

a convex problem, solved by filling the spectrum from the top (`filled`). For InfoNCE a = 1/τ and b = 1/τ², so that
p_i = τ(λ_i − λ_c)₊ and the correlations of the kept modes exceed λ_c by 1/τ in all.

*At any ratio of k to the number of kept modes* (`lowest`), to leading order in that number,

    log E_m exp(k n·m) = ext over σ, ρ of −½ Σ log(1 + σp_i) + (k²/2ρ) Σ n_i² p_i/(1 + σp_i) + ½ σρ

by steepest descent with ρ = |u|², and n_i² may be replaced by p_i. With y_i = 1/(1 + σp_i) the minimum solves a
quadratic equation for each mode, λ_c being the one unknown besides σ and ρ:

    (a/w)(λ_i − λ_c) = ½σ(1 − y_i) + (k²/2ρσ)(1 − y_i²),   p_i = (1/y_i − 1)/σ.

For k small beside the number of modes, σ is small and this is the filling above.
"""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Steps in which k grows from a value at which the filling is right.
_STEP, _SMALLEST = 1.5, 0.25
# The residual up to which the equations count as solved.
_SOLVED = 1e-7


class Filled(NamedTuple):
    """Shares (n,) and λ_c."""

    shares: Array
    threshold: float


def filled(correlations: Array, slope: float) -> Filled:
    """p_i = slope · (λ_i − λ_c)₊, with λ_c such that the shares add to 1.

    >>> found = filled(np.array([0.9, 0.8, 0.1]), 1.0)
    >>> found.shares.round(6).tolist(), round(found.threshold, 6)
    ([0.55, 0.45, 0.0], 0.35)
    """
    ordered = np.sort(correlations)[::-1]
    levels = (np.cumsum(ordered) - 1 / slope) / np.arange(1, len(ordered) + 1)
    # The last mode that lies above the level it makes.
    kept = int(np.flatnonzero(ordered > levels)[-1])
    level = float(levels[kept])
    return Filled(slope * np.maximum(correlations - level, 0.0), level)


def lowest(correlations: Array, pull: float, weight: float, rate: float) -> Filled | None:
    """The minimum of −pull Σ p_i λ_i + weight E log E exp(rate · cos) to leading order in the number of kept modes.

    Args:
        correlations: λ (n,).
        pull: a.
        weight: w.
        rate: k.

    Returns:
        None where the equations have no solution that was found: too few modes for so low a temperature.

    >>> found = lowest(np.linspace(1, 0, 64), 10.0, 1.0, 10.0)
    >>> int((found.shares > 0).sum()), round(found.threshold, 3)
    (33, 0.487)

    """
    rate, ratio = abs(rate), pull / weight
    straight = _solved(None, correlations, ratio, rate)
    at = straight
    if at is None and rate > _SMALLEST:
        steps = int(np.ceil(np.log(rate / _SMALLEST) / np.log(_STEP)))
        # a/k is held while k grows, so that the threshold moves little.
        for k in rate * _STEP ** -np.arange(steps, -1, -1.0):
            at = _solved(at, correlations, ratio * k / rate, k)
    if at is None:
        return None
    shares = _shares(at, correlations, ratio, rate)
    return Filled(shares / shares.sum(), float(at[2]))


def _solved(start: Array | None, correlations: Array, ratio: float, k: float) -> Array | None:
    """log σ, log ρ and λ_c, from a start or from the filling; None where no solution is found."""
    from scipy.optimize import root

    if start is None:
        shares, level = filled(correlations, ratio / k**2)
        start = np.array([np.log(k**2 * (shares**2).sum()), 0.0, level])
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        found = root(_equations, start, args=(correlations, ratio, k), tol=1e-12)
    left = np.abs(found.fun).max()
    return np.asarray(found.x) if np.isfinite(left) and left < _SOLVED else None


def _shares(at: Array, correlations: Array, ratio: float, k: float) -> Array:
    sigma, rho = np.exp(at[:2])
    b = k**2 / (2 * rho * sigma)
    above = np.maximum(ratio * (correlations - at[2]), 0.0)
    y = (-sigma / 2 + np.sqrt(np.maximum(sigma**2 / 4 + 4 * b * (sigma / 2 + b - above), 0.0))) / (2 * b)
    return np.where(above > 0, (1 / np.maximum(y, 1e-6) - 1) / sigma, 0.0)


def _equations(at: Array, correlations: Array, ratio: float, k: float) -> list[float]:
    """Σ p = 1, and the conditions of σ and ρ."""
    p = _shares(at, correlations, ratio, k)
    sigma, rho = np.exp(at[:2])
    shrunk = 1 + sigma * p
    return [
        p.sum() - 1,
        at[0] - np.log(k**2 / rho**2 * (p**2 / shrunk).sum()),
        at[1] - np.log((p / shrunk).sum() + k**2 / rho * (p**3 / shrunk**2).sum()),
    ]
