"""α and β of lost modes, measured: the second derivative along a lost mode is 2 (β − α μ), linear in its correlation.

So two correlations give both, and λ_c = β/α: the two views of the lost mode are independent in one measurement and
equal in the other, and everything else is the same, draws included.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from numeric.sampling import Covariances
from verify.evidence.agreement import sign
from verify.routes.reopening.directions import opening
from verify.routes.reopening.kept_modes import alike
from verify.routes.reopening.second_order import curvatures
from verify.routes.reopening.transverse import draw, plus_minus

if TYPE_CHECKING:
    from verify.truths.two_views import TwoViews

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Slopes:
    """α and β beside equal modes, E|f|² = 1.

    Attributes:
        values: α and β of each batch, (batches, 2).
        kept: λ of the kept modes.
        seed: of the draws.

    """

    values: Array
    kept: float
    seed: int

    @property
    def alpha(self) -> tuple[float, float]:
        """α and its standard error."""
        return _mean(self.values[:, 0])

    @property
    def beta(self) -> tuple[float, float]:
        """β and its standard error."""
        return _mean(self.values[:, 1])

    @property
    def threshold(self) -> tuple[float, float] | None:
        """λ_c and its standard error; None where α is not positive beyond its noise."""
        alpha, error = self.alpha
        if sign(alpha, error, samples=len(self.values)) != 1:
            return None
        level = self.beta[0] / alpha
        # To first order, λ_c of the means is off by the mean of what a batch's β exceeds λ_c α by.
        return level, _mean((self.values[:, 1] - level * self.values[:, 0]) / alpha)[1]

    def text(self) -> str:
        """λ_c in a few words.

        >>> Slopes(np.array([[2.0, 1.0], [2.1, 1.1], [1.9, 1.0], [2.0, 1.1]]), 0.9, 0).text()
        '0.525 ± 0.010'
        """
        return "undecided: α is noise, or not positive" if self.threshold is None else plus_minus(*self.threshold)

    def to_json(self) -> dict[str, object]:
        """Plain JSON values."""
        level = self.threshold or (None, None)
        names = ("alpha", "alpha_error", "beta", "beta_error", "threshold", "threshold_error")
        return dict(zip(names, (*self.alpha, *self.beta, *level), strict=True)) | {"seed": self.seed}


def slopes(loss: TwoViews, rank: int, kept: float, *, batch: int, batches: int, seed: int) -> Slopes:
    """α and β beside equal kept modes.

    Args:
        loss: of two views (B, N, d1), one value per batch.
        rank: the number of kept modes.
        kept: λ, of two views of each.
        batch: N.
        batches: their number.
        seed: of the draws, the same in both measurements.

    >>> from verify.truths.two_views import two_views
    >>> found = slopes(two_views("spectral+normalised"), 12, 0.9, batch=64, batches=100, seed=0)
    >>> found.text()
    '0.7928 ± 0.0087'

    """

    def curvature(correlation: float) -> Array:
        own = np.array([kept] * rank + [correlation])
        data = Covariances(np.diag(own), np.diag(1 - own))
        # All modes look alike to W: which are kept is told, not found.
        here = opening(alike(_apart(rank, kept), rank), data)
        return curvatures(loss, draw(data, batch, batches, seed), here).hessian[:, 0, 0]

    apart, equal = curvature(0.0), curvature(1.0)
    return Slopes(np.stack([(apart - equal) / 2, apart / 2], 1), kept, seed)


def _apart(rank: int, kept: float) -> Covariances:
    """Data whose last mode is the weakest, at which W keeps the others."""
    own = np.array([kept] * rank + [0.0])
    return Covariances(np.diag(own), np.diag(1 - own))


def _mean(values: Array) -> tuple[float, float]:
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))
