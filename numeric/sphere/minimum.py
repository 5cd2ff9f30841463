"""The global minimum of a landscape over shares that was drawn several times, with its errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# A share below this is that of a lost mode; a sum of shares below this is zero, where L stands as this number.
LOST, TINY, FAR = 1e-9, 1e-100, 1e10
# Standard errors that a share has to exceed to count as kept.
SIGNIFICANT = 3.0


class OverShares(Protocol):
    """A loss of unit vectors over the shares of its modes, on some draws that stay the same."""

    def value(self, shares: Array) -> tuple[float, Array]:
        """L and its gradient (n,) at shares, not negative, of any sum."""

    def threshold(self, shares: Array) -> float:
        """λ_c: the view correlation from which on a lost mode comes back, with the others at given shares."""


@dataclass(frozen=True, eq=False)
class Shares:
    """The shares at the global minimum.

    Attributes:
        shares: p (n,), the mean over sets of points; they add to 1.
        errors: (n,), standard errors, of the points and the rule.
        value: L there.
        value_error: its standard error.
        kept: whether each mode is kept; None where errors hide it.
        threshold: λ_c, the view correlation below which a lost mode stays lost, with the kept ones as they are.
        threshold_error: its standard error.

    """

    shares: Array
    errors: Array
    value: float
    value_error: float
    kept: tuple[bool | None, ...]
    threshold: float
    threshold_error: float

    @property
    def effective_rank(self) -> float:
        """1/Σ p_i²."""
        return 1 / float((self.shares**2).sum())

    @property
    def reopens(self) -> float | None:
        """The view correlation from which on a lost mode comes back; None where none from 0 to 1 is."""
        return self.threshold if 0 < self.threshold <= 1 else None


def solved(
    landscapes: Sequence[OverShares],
    correlations: Array,
    starts: Sequence[Array],
    finer: OverShares | None = None,
    precision: float = 1e-7,
    *,
    roots: bool = False,
    noise: float = 0.0,
) -> Shares:
    """The minimum on each of several independent draws; their spread is the error.

    A mode is kept where its share exceeds its error, or its correlation the threshold by its error; lost where it has
    no share, or its correlation lies below the threshold.

    Args:
        correlations: λ (n,).
        landscapes: two or more, alike but for their draws.
        starts: shares (n,) at which descents on the first begin; on the others they begin where that ended.
        finer: the first with a finer rule, whose difference is part of the error.
        precision: slopes, as parts of the largest, at which a descent ends.
        roots: whether descent is over the roots of the shares, where slopes at a share of 0 are not known.
        noise: shares up to this are noise.

    """
    first, _ = minimum(landscapes[0], starts, precision, roots=roots)
    again = [0.999 * first + 0.001 / len(first)]
    minima = [minimum(one, again, precision, roots=roots) for one in landscapes]
    table = np.array([point for point, _ in minima])
    values = np.array([value for _, value in minima])
    levels = np.array([one.threshold(point) for one, (point, _) in zip(landscapes, minima, strict=True)])
    rule: tuple[Array, float, float] = (np.zeros(len(first)), 0.0, 0.0)
    if finer is not None:
        point, value = minimum(finer, again, precision, roots=roots)
        rule = abs(point - table[0]), abs(value - values[0]), abs(finer.threshold(point) - levels[0])
    root = np.sqrt(len(landscapes))
    mean, errors = table.mean(0), np.hypot(table.std(0, ddof=1) / root, rule[0])
    level, level_error = float(levels.mean()), float(np.hypot(levels.std(ddof=1) / root, rule[2]))
    kept: list[bool | None] = []
    for share, error, correlation in zip(mean, errors, correlations, strict=True):
        away = (correlation - level) / level_error if level_error > 0 else np.inf * np.sign(correlation - level)
        if share > max(SIGNIFICANT * error, noise) or (share > max(LOST, noise) and away > SIGNIFICANT):
            kept.append(True)
        else:
            kept.append(False if share <= 0 or away < -SIGNIFICANT else None)
    mean = np.where([one is False for one in kept], 0.0, mean)
    value_error = float(np.hypot(values.std(ddof=1) / root, rule[1]))
    return Shares(mean / mean.sum(), errors, float(values.mean()), value_error, tuple(kept), level, level_error)


def minimum(
    landscape: OverShares, starts: Sequence[Array], precision: float = 1e-7, *, roots: bool = False
) -> tuple[Array, float]:
    """The shares (n,) at the lowest minimum that descents from some starts reach, and L there.

    Descent keeps shares at or above 0, so that a lost mode's is exactly 0; over the roots of shares it only tends to 0.
    """
    from scipy.optimize import minimize

    # Differences of L are of the size of its slopes.
    scale = float(np.ptp(landscape.value(starts[0])[1])) or 1.0
    flat = max(1e-13, 0.1 * precision**2)

    def scaled(x: Array) -> tuple[float, Array]:
        powers = x**2 if roots else x
        total = float(powers.sum())
        if total < TINY:
            # Without any share there is no direction: a line search turns back.
            return FAR, np.zeros(len(x))
        value, slope = landscape.value(powers / total)
        along = (slope - slope @ powers / total) / total / scale
        return value / scale, 2 * x * along if roots else along

    best: tuple[float, Array] | None = None
    for one in starts:
        found = minimize(
            scaled, np.sqrt(one) if roots else one, jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(one),
            options={"maxiter": 500, "maxfun": 1000, "maxcor": 20, "ftol": flat, "gtol": precision},
        )  # fmt: skip
        powers = found.x**2 if roots else found.x
        if best is None or found.fun < best[0]:
            best = float(found.fun), powers / powers.sum()
    assert best is not None  # noqa: S101 (there is one start or more)
    value, shares = best
    return np.where(shares > LOST, shares, 0.0), value * scale
