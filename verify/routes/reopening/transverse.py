"""Does a collapsed mode stay collapsed? The Hessian of an expected loss in the directions that would reopen it.

A loss of normalised features has no expansion at W = 0, but at a W of rank r it is as smooth as anywhere. With rows u
that W does not use and input modes v that it does not see (`verify.routes.reopening.directions`),

    W(S) = W + Σ_kl S_kl u_k v_lᵀ,   H = ∂²E[L(x W(S)ᵀ, x′ W(S)ᵀ)]/∂S² at S = 0.

The mean is over Gaussian batches, drawn once from a seed and kept for every W and strength of the augmentation (common
random numbers); H of each batch comes from differentiating twice, or from second differences of values where these
refute automatic differentiation. Standard errors are those of the mean over batches.

The verdict compares the lowest eigenvalue of H with the noise: by Weyl's inequality it moves by no more than ‖δH‖,
whose root mean square is ‖standard errors‖_F. Four times that, or more for the mean of few batches
(`verify.evidence.significance`), must not change its sign.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from derive import InputError
from verify.evidence.agreement import SIGN, sign
from verify.routes.reopening.directions import Opening
from verify.routes.reopening.second_order import Curved, curvatures

if TYPE_CHECKING:
    from numeric.sampling import Covariances
    from verify.truths.two_views import TwoViews

Array = NDArray[np.float64]
Stability = Literal["stays collapsed", "reopens", "undecided"]
# By the sign of the curvature.
STABILITY: dict[int, Stability] = {1: "stays collapsed", -1: "reopens", 0: "undecided"}

# Where one batch makes up more than this fraction of the variance, the variance is not known.
LARGEST_SHARE = 0.25
# A unit vector along a feature has a second derivative like 1/|f|², whose mean needs r > 2 and whose variance r > 4.
RANK_OF_MEAN, RANK_OF_VARIANCE = 2, 4


@dataclass(frozen=True, eq=False)
class Transverse:
    """The Hessian measured at one W.

    Attributes:
        opening: W and the directions.
        hessian: (n, n), the mean over batches; n = p q directions u_k v_lᵀ, with l running fastest.
        errors: (n, n), its standard errors.
        slopes: (n,), the mean of the first derivatives, which vanish where modes are independent.
        slope_errors: (n,).
        samples: (batches, n, n), H of each batch.
        derivatives: "autodiff", or "values" where automatic differentiation failed or was refuted by values.
        difference: the largest |autodiff − second differences| of the batches that were compared, with what rounding
            and the steps explain as the unit; None where nothing was compared.
        batch: N.
        seed: of the draws.
        reason: why there is no verdict though there are numbers; "" where there is one.

    """

    opening: Opening
    hessian: Array
    errors: Array
    slopes: Array
    slope_errors: Array
    samples: Array
    derivatives: Literal["autodiff", "values"]
    difference: float | None
    batch: int
    seed: int
    reason: str = ""

    @property
    def value(self) -> float:
        """The lowest eigenvalue of H."""
        return float(np.linalg.eigvalsh(self.hessian)[0])

    @property
    def error(self) -> float:
        """How far noise moves it: ‖standard errors‖_F, a bound in root mean square."""
        return float(np.linalg.norm(self.errors))

    @property
    def stationary(self) -> bool:
        """Whether all slopes are zero within their errors, so that the curvature decides."""
        return bool((np.abs(self.slopes) <= SIGN * self.slope_errors + 1e-12).all())

    @property
    def verdict(self) -> Stability:
        """`stays collapsed` where the loss rises along every direction, `reopens` where it falls along one."""
        seen = 0 if self.why_not else sign(self.value, self.error, samples=len(self.samples))
        return STABILITY[seen]

    @property
    def why_not(self) -> str:
        """Why the numbers are not to be trusted; "" where they are."""
        if self.reason:
            return self.reason
        if not self.stationary:
            worst = int(np.abs(self.slopes / self.slope_errors).argmax())
            slope, error = self.slopes[worst], self.slope_errors[worst]
            return f"the loss has a slope of {slope:.2g} ± {error:.1g} along a direction: W is not a stationary point"
        share = _largest_share(self.samples)
        if share > LARGEST_SHARE:
            return f"one of {len(self.samples)} batches makes up {share:.0%} of the variance: the error is unknown"
        return ""

    def text(self) -> str:
        """In a few words."""
        said = f"{plus_minus(self.value, self.error)}: {self.verdict}"
        return f"{said} ({self.why_not})" if self.why_not else said

    def to_json(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "rank": self.opening.rank,
            "hessian": self.hessian.tolist(),
            "standard_errors": self.errors.tolist(),
            "lowest": self.value,
            "standard_error": self.error,
            "slopes": self.slopes.tolist(),
            "slope_standard_errors": self.slope_errors.tolist(),
            "derivatives": self.derivatives,
            "batch": self.batch,
            "batches": len(self.samples),
            "seed": self.seed,
            "verdict": self.verdict,
            "note": self.why_not or None,
        }


def transverse(
    loss: TwoViews,
    covariances: Covariances,
    opening: Opening,
    *,
    batch: int = 32,
    batches: int = 200,
    seed: int = 0,
    scale_free: bool | None = None,
) -> Transverse:
    """The Hessian of the expected loss along the directions of an opening.

    Args:
        loss: of two views (B, N, d1) each, one value per batch; see `verify.truths.two_views.one_by_one`.
        covariances: of the Gaussian data.
        opening: W and the directions, from `verify.routes.reopening.directions.opening`.
        batch: N.
        batches: the number drawn, at least 50 for a reliable standard error.
        seed: of the draws; the same seed draws the same normal numbers for all covariances.
        scale_free: whether only the direction of each feature counts; measured unless given.

    Raises:
        InputError: too few batches, or a loss without finite values.

    >>> from numeric.sampling import Covariances
    >>> from verify.routes.reopening.directions import opening
    >>> from verify.truths.two_views import two_views
    >>> data = Covariances(np.diag([0.9] * 8 + [0.4]), np.diag([0.1] * 8 + [0.6]))
    >>> found = transverse(two_views("infonce+normalised"), data, opening(np.eye(9) * (np.arange(9) < 8), data))
    >>> found.verdict
    'stays collapsed'

    """
    if batches < 50:
        raise InputError(f"{batches} batches give no standard error to be trusted; draw 50 or more")
    views = draw(covariances, batch, batches, seed)
    found = curvatures(loss, views, opening)
    if not np.isfinite(found.hessian).all():
        raise InputError("the loss has no finite second derivative at this W; does it divide by a row that is zero?")
    free = is_scale_free(loss, opening.W.shape[0], batch, seed) if scale_free is None else scale_free
    return averaged(found, opening, batch, seed, _why_heavy(opening.rank) if free else "")


def draw(covariances: Covariances, batch: int, batches: int, seed: int) -> Array:
    """Two views of batches of data, (2, batches, N, d0), from normal numbers that depend only on the seed."""
    generator = np.random.default_rng(seed)
    return np.stack(covariances.draw(generator, (batches, batch), 2))


def is_scale_free(loss: TwoViews, width: int, batch: int, seed: int, *, together: bool = False) -> bool:
    """Whether the loss is unchanged when each feature vector is multiplied by a positive number of its own.

    With ``together`` all are multiplied by one number, which a loss that normalises over the batch does not see either.

    >>> from verify.truths.two_views import two_views
    >>> [is_scale_free(two_views(name), 3, 8, 0) for name in ("infonce+normalised", "infonce")]
    [True, False]
    """
    generator = np.random.default_rng(seed)
    z = torch.from_numpy(generator.standard_normal((2, 1, batch, width)))
    scales = torch.from_numpy(generator.uniform(0.5, 2.0, (1, 1, 1, 1) if together else (2, 1, batch, 1)))
    with torch.no_grad():
        plain, scaled = loss(z[0], z[1]), loss(*(z * scales))
    return bool(torch.allclose(plain, scaled, rtol=1e-5, atol=1e-7))


def plus_minus(value: float, error: float) -> str:
    """A number with its error, to two digits of the latter.

    >>> plus_minus(-0.28360, 0.01584)
    '-0.284 ± 0.016'
    """
    digits = max(0, 1 - int(np.floor(np.log10(error)))) if error > 0 else 6
    return f"{value:.{digits}f} ± {error:.{digits}f}"


def averaged(found: Curved, opening: Opening, batch: int, seed: int, reason: str = "") -> Transverse:
    """The Hessian as the mean over batches."""
    root = np.sqrt(len(found.hessian))
    return Transverse(
        opening,
        found.hessian.mean(0),
        found.hessian.std(0, ddof=1) / root,
        found.slopes.mean(0),
        found.slopes.std(0, ddof=1) / root,
        found.hessian,
        found.derivatives,
        found.difference,
        batch,
        seed,
        reason,
    )


def _why_heavy(rank: int) -> str:
    """Why the second derivative of a loss of unit vectors has heavy tails at a rank; "" where it does not."""
    if rank <= RANK_OF_MEAN:
        return f"at rank {rank} a loss of unit vectors has no second derivative: the mean of 1/|f|² is infinite"
    if rank <= RANK_OF_VARIANCE:
        return f"at rank {rank} the second derivative of a loss of unit vectors has an infinite variance"
    return ""


def _largest_share(samples: Array) -> float:
    """The largest fraction that one batch makes up of the variance of an entry on the diagonal."""
    deviations = np.diagonal(samples - samples.mean(0), axis1=1, axis2=2) ** 2
    total = deviations.sum(0)
    return float((deviations.max(0)[total > 0] / total[total > 0]).max(initial=0.0))
