"""What the mean of the data does to a lost mode: it stands there as a bias does, and costs what a bias costs.

Along a row u that W does not use, view a of a batch has the embedding h_a, which is 0 at W. For given draws

    L″ = Σ_ab M_ab h_a h_b,   M_ab = ∂²L/∂h_a∂h_b at h = 0,  over all views a, b of a batch,

and M depends on the kept embeddings alone. Along W + s u wᵀ it is h = wᵀx. Two answers follow, neither of which asks
what the loss is as long as it is even in h.

*A law* (`weights`). Where wᵀx is independent of the kept embeddings, of variance σ², covariance a between two views of
a datum and mean ν,

    E L″ = own σ² + pair a + common ν²,
    own = E Σ_a M_aa,   pair = E Σ_(a≠b of one datum) M_ab,   common = E Σ_ab M_ab.

The last is the second derivative in one number added to every embedding along u, a bias; the first two are measured
with signs in place of h, drawn for each datum: equal in its two views, then opposite.

*Given data* (`on_data`). L″ is a quadratic form in (w, b), h = wᵀx + b, whatever is independent of what. A loss that
rotations of f do not change is a function of G = WᵀW, and the form's part in w is 2 ∂L/∂G: W is stationary where that
vanishes on the kept modes, so that a W of rank d0 − 1 leaves it one direction, the mode that is lost. With
b = −wᵀ(mean) it is the form for data without a mean in that direction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from derive import InputError
from verify.routes.reopening.directions import FLAT, Opening
from verify.routes.reopening.second_order import autodiff, curvatures

if TYPE_CHECKING:
    from verify.truths.two_views import TwoViews

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Weights:
    """The weights of a lost mode's variance, covariance and squared mean.

    Attributes:
        samples: (batches, 3): own, pair and common of each batch.

    """

    samples: Array

    @property
    def means(self) -> Array:
        """own, pair, common."""
        return np.asarray(self.samples.mean(0))

    @property
    def errors(self) -> Array:
        """Their standard errors."""
        return np.asarray(self.samples.std(0, ddof=1) / np.sqrt(len(self.samples)))

    def curvature(self, variance: float, covariance: float, mean: float = 0.0) -> tuple[float, float]:
        """L″ along a mode, and its standard error."""
        each = self.samples @ [variance, covariance, mean**2]
        return float(each.mean()), float(each.std(ddof=1) / np.sqrt(len(each)))

    def largest_mean(self, variance: float, covariance: float) -> tuple[float, float]:
        """|ν| up to which the mode reopens, and its standard error; (0, 0) where it stays lost without a mean.

        Raises:
            InputError: a mean does not keep it lost, or the noise hides whether it does.

        """
        own, pair, common = self.means
        without = own * variance + pair * covariance
        if without >= 0:
            return 0.0, 0.0
        if common <= 4 * self.errors[2]:
            raise InputError(f"the weight of a mean, {common:.2g} ± {self.errors[2]:.1g}, is not positive beyond noise")
        edge = float(np.sqrt(-without / common))
        return edge, self.curvature(variance, covariance, edge)[1] / (2 * common * edge)


def weights(loss: TwoViews, views: Array, W: Array, *, seed: int = 0) -> Weights:
    """The weights at a W that has a row to spare.

    Args:
        loss: of two views (B, N, d1), one value per batch.
        views: (2, B, N, d0), of what W keeps; coordinates that it does not see play no part.
        W: (d1, d0), of a rank below d1.
        seed: of the signs.

    Raises:
        InputError: W has no row to spare, or the loss has no finite second derivative.

    >>> generator = np.random.default_rng(0)
    >>> views = generator.standard_normal((2, 40, 8, 3))
    >>> found = weights(lambda z1, z2: ((z1 - z2) ** 2).sum((-2, -1)), views, np.eye(4, 3))
    >>> found.means.tolist()  # |h − h′|² over eight data
    [32.0, -32.0, 0.0]

    """
    _, batches, size, d0 = views.shape
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], (batches, size))
    one = np.ones((batches, size))
    extra = np.stack([np.stack([signs, signs, one], -1), np.stack([signs, -signs, one], -1)])
    opening = _opening(W, d0, np.eye(d0 + 3)[:, d0:], 3)
    found = curvatures(loss, np.concatenate([views, extra], -1), opening).hessian
    if not np.isfinite(found).all():
        raise InputError("the loss has no finite second derivative at this W; does it divide by a row that is zero?")
    equal, opposite, common = np.diagonal(found, axis1=1, axis2=2).T
    return Weights(np.stack([(equal + opposite) / 2, (equal - opposite) / 2, common], 1))


@dataclass(frozen=True, eq=False)
class OnData:
    """L″ as a quadratic form in (w, b), for given data.

    Attributes:
        samples: (draws, d0 + 1, d0 + 1), of each draw of the views.
        mean: (d0,), of the views over the data and the draws.

    """

    samples: Array
    mean: Array

    def along(self, w: Array, bias: float = 0.0) -> tuple[float, float]:
        """L″ along w and a bias, and its standard error over the draws."""
        step = np.append(w, bias)
        each = step @ self.samples @ step
        return float(each.mean()), float(each.std(ddof=1) / np.sqrt(len(each)))

    def without_mean(self, w: Array) -> tuple[float, float]:
        """The same for data whose mean along w is taken away."""
        return self.along(w, -float(w @ self.mean))

    @property
    def direction(self) -> Array:
        """(d0,), the unit vector w along which L″ is largest: the one that a stationary W of rank d0 − 1 has lost."""
        return np.asarray(np.linalg.eigh(self.samples.mean(0)[:-1, :-1])[1][:, -1])


def on_data(loss: TwoViews, views: Array, W: Array) -> OnData:
    """The form at a W that has a row to spare.

    Args:
        loss: of two views (B, N, d1), one value per batch.
        views: (2, draws, N, d0), of the same data in each draw.
        W: (d1, d0), of a rank below d1.

    Raises:
        InputError: W has no row to spare, or the loss has no finite second derivative.

    >>> views = np.random.default_rng(0).standard_normal((2, 6, 4, 2)) + [0.0, 3.0]
    >>> found = on_data(lambda z1, z2: (z1**2).sum((-2, -1)), views, np.array([[1.0, 0.0], [0.0, 0.0]]))
    >>> mode = np.array([0.0, 1.0])
    >>> found.along(mode)[0] > 5 * found.without_mean(mode)[0] > 0
    True

    """
    d0 = views.shape[-1]
    extended = np.concatenate([views, np.ones((*views.shape[:-1], 1))], -1)
    found, _ = autodiff(loss, extended, _opening(W, d0, np.eye(d0 + 1), 1))
    if not np.isfinite(found).all():
        raise InputError("the loss has no finite second derivative at this W; does it divide by a row that is zero?")
    return OnData(found, views.mean((0, 1, 2)))


def _opening(W: Array, d0: int, modes: Array, added: int) -> Opening:
    """One unused row of W times some modes, of inputs with added coordinates that W does not see."""
    weight = np.asarray(W, dtype=np.float64)
    if weight.ndim != 2 or weight.shape[1] != d0:
        raise InputError(f"W has shape {weight.shape}; (d1, {d0}) is needed for these data")
    left, singular, _ = np.linalg.svd(weight)
    rank = int((singular > FLAT * singular[0]).sum())
    if rank == len(weight):
        raise InputError(f"W has {rank} rows and rank {rank}: no row is left for another mode; give it a row of zeros")
    seen = np.hstack([weight, np.zeros((len(weight), added))])
    return Opening(seen, left[:, -1:], modes, np.full(modes.shape[1], np.nan), rank, np.nan)
