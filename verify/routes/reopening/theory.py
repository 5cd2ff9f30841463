"""What the theory says of lost modes on an audit's data: α and β as definitions, λ_c in numbers, the sign change.

Nothing here is measured on the loss: `numeric.sphere.lost_modes` puts the derived means into numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from derive.errors import InputError
from derive.sphere.transverse import transverse, written
from numeric.sphere.lost_modes import LostModes, lost_modes
from verify.routes.reopening.kept_modes import modes
from verify.routes.reopening.transition import Crossing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from derive import Loss
    from numeric.sampling import Covariances

# Batches of drawn views, where no formula or rule is known: enough for λ_c to two digits.
BATCHES = 40


@dataclass(frozen=True)
class Theory:
    """What is derived for lost modes.

    Attributes:
        alpha: α as a mean over the kept block.
        beta: β.
        kept: λ of the kept modes, by σ.
        lost: μ of the lost mode.
        at: the numbers.
        change: the σ at which α μ − β changes its sign; None where the numbers are drawn, so that there is no curve.

    """

    alpha: str
    beta: str
    kept: Mapping[float, float]
    lost: Mapping[float, float]
    at: Mapping[float, LostModes]
    change: Crossing | None

    @property
    def random(self) -> bool:
        """Whether the numbers have standard errors."""
        return any(one.random for one in self.at.values())

    def curvature(self, s: float) -> tuple[float, float]:
        """The second derivative along the lost mode, 2 (β − α μ), and its error."""
        found, correlation = self.at[s], self.lost[s]
        alpha, level, error = found.alpha, found.threshold, 0.0
        if found.random and level is None:
            error = 2 * float(np.hypot(found.beta.error, alpha.error * correlation))
        elif found.random and level is not None:
            # β − α μ = α (λ_c − μ): α and λ_c are nearly uncorrelated, which α and β are not.
            error = 2 * float(np.hypot(alpha.value * level.error, alpha.error * (level.value - correlation)))
        return found.curvature(correlation), error

    def text(self) -> str:
        """λ_c at each strength, in one line."""
        said = []
        for s, found in self.at.items():
            level = "none" if found.threshold is None else f"{float(found.threshold.value):.4g}"
            if found.random and found.threshold is not None:
                level += f" ± {float(found.threshold.error):.1g}"
            said.append(f"{level} beside modes of λ = {self.kept[s]:.3g} (σ = {s:g})")
        return "; ".join(said)


def theory(
    loss: Loss, family: Callable[[float], Covariances], rank: int, strengths: Sequence[float], *, seed: int = 0
) -> Theory:
    """Put α, β and λ_c into numbers beside equal kept modes.

    Args:
        loss: of cosines, its parameters set; written with symbols, its α and β are the same means.
        family: the data at a strength σ.
        rank: the number of kept modes, which are alike.
        strengths: σ, in order.
        seed: of draws, where they are needed.

    Raises:
        InputError: a loss that the theory does not cover.

    """
    found = transverse(loss)
    correlations = {s: modes(family(s))[1] for s in strengths}
    kept = {s: float(one[0]) for s, one in correlations.items()}
    lost = {s: float(one[rank]) for s, one in correlations.items()}
    at = {s: _at(loss, rank, kept[s], seed) for s in strengths}
    change = None
    if not any(one.random for one in at.values()):
        change = _change(loss, family, rank, (strengths[0], strengths[-1]))
    return Theory(written(found.alpha), written(found.beta), kept, lost, at, change)


def _at(loss: Loss, rank: int, kept: float, seed: int) -> LostModes:
    return lost_modes(loss, [kept] * rank, seed=seed, batches=BATCHES)


def _change(loss: Loss, family: Callable[[float], Covariances], rank: int, ends: tuple[float, float]) -> Crossing:
    """Where the curvature changes its sign between two strengths."""
    from scipy.optimize import brentq

    def curvature(s: float) -> float:
        correlations = modes(family(s))[1]
        return _at(loss, rank, float(correlations[0]), 0).curvature(float(correlations[rank]))

    low, high = (curvature(s) for s in ends)
    if low * high > 0:
        kind = "positive" if low > 0 else "negative"
        return Crossing(np.nan, np.nan, f"the curvature is {kind} at both {ends[0]:g} and {ends[1]:g}", absent=True)
    return Crossing(float(brentq(curvature, *ends, xtol=1e-9)), 0.0)


def theory_or_reason(
    loss: Loss, family: Callable[[float], Covariances], rank: int, strengths: Sequence[float], *, seed: int = 0
) -> Theory | str:
    """The theory, or in a sentence why there is none."""
    try:
        return theory(loss, family, rank, strengths, seed=seed)
    except InputError as error:
        return str(error)
