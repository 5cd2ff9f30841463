"""The modes of features: directions in which two views of a datum have the correlations λ_i, with errors.

After whitening, a loss of W φ depends on Gaussian features through the eigenvalues λ_i of Σ^(−½) A0 Σ^(−½) alone. Those
of estimated matrices are spread out by noise, the outer ones most. With directions from one half of the data and values
from the other they are spread too little, and the truth lies between: the middle of both is given, and half of their
difference is part of the error.

Features may fill a part of their space; directions in which they do not vary are left out. Where f has no bias, Wμ = 0
takes a direction from W for a mean μ of the features, which a loss that pushes data apart does not leave in f; λ_i
are then those of the directions across from it. A mean that these data cannot tell from 0 takes none: its direction is
noise, which would mix the modes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from derive import InputError
from verify.networks.last_layer.second_moments import NOTHING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from verify.networks.last_layer.features import Features
    from verify.networks.last_layer.second_moments import Spread, Sums

Array = NDArray[np.float64]

# So often do features of mean 0 count as features with a mean.
_FALSE_ALARM = 1e-4


@dataclass(frozen=True, eq=False)
class ViewModes:
    """The modes of features.

    Attributes:
        correlations: λ (n,), the largest first.
        errors: (n,), see the module.
        directions: (d0, n), V with VᵀΣV = I and VᵀA0V diagonal: a mode is v_iᵀφ, of variance 1.
        mean: (d0,), μ.
        flat: the number of directions that are left out, as features do not vary along them.
        across: whether directions across from the mean alone are looked at: f has no bias and features have a mean.

    """

    correlations: Array
    errors: Array
    directions: Array
    mean: Array
    flat: int
    across: bool

    def of(self, views: Array) -> Array:
        """The modes of features (…, d0), (…, n)."""
        return np.asarray((views - self.mean) @ self.directions)


def view_modes(found: Spread, *, bias: bool) -> ViewModes:
    """The modes of features.

    Args:
        found: their second moments.
        bias: whether the layer that sees them has a bias, which takes care of their mean.

    Raises:
        InputError: features that do not vary.

    >>> from verify.networks.last_layer.features import Features
    >>> from verify.networks.last_layer.second_moments import spread
    >>> g = np.random.default_rng(0)
    >>> datum = g.standard_normal((4000, 2)) * [3.0, 1.0]
    >>> views = tuple(datum + g.standard_normal(datum.shape) for _ in range(2))
    >>> modes = view_modes(spread(Features(views, W=np.eye(2))), bias=True)
    >>> modes.correlations.round(1).tolist(), bool((modes.errors < 0.05).all())
    ([0.9, 0.5], True)

    """
    sums = found.sums
    mean = found.mean
    across = not bias and _has_a_mean(sums)
    lam, directions = _modes(sums, mean if across else None)
    n = len(lam)
    sides = []
    for half in range(2):
        own, other = found.halves[half], found.halves[1 - half]
        _, along = _modes(own, own.mean if across else None)
        sides.append(_measured(found.features, other, along[:, :n], 1 - half))
    width = min(len(value) for value, _ in sides)
    held, noise = np.full(n, np.nan), np.full(n, np.nan)
    held[:width] = np.mean([value[:width] for value, _ in sides], axis=0)
    noise[:width] = np.sqrt(np.sum([error[:width] ** 2 for _, error in sides], axis=0)) / 2
    middle, gap = (lam + held) / 2, np.abs(lam - held) / 2
    known = np.isfinite(held)
    values = np.where(known, middle, lam)
    errors = np.where(known, np.hypot(noise, gap), np.inf)
    return ViewModes(np.clip(values, 0.0, 1.0), errors, directions, mean, len(mean) - n - across, across)


def _has_a_mean(sums: Sums) -> bool:
    """Whether the mean of the features is told from 0: Hotelling's T², N μᵀ S⁻¹μ with S that of a datum's mean view."""
    from scipy.stats import f

    mean = sums.mean
    of_datum = sums.whole / (sums.N * sums.views**2) - np.outer(mean, mean)
    sizes, vectors = np.linalg.eigh(of_datum)
    used = sizes > NOTHING * max(float(sizes[-1]), 0.0)
    d, free = int(used.sum()), sums.N - int(used.sum())
    if free < 1:
        # With fewer data than directions the mean cannot be told from anything.
        return bool(np.abs(mean).max() > 0)
    square = (sums.N - 1) * float(((vectors[:, used].T @ mean) ** 2 / sizes[used]).sum())
    return bool(square * free / (d * (sums.N - 1)) > f.isf(_FALSE_ALARM, d, free))


def _modes(sums: Sums, across: Array | None) -> tuple[Array, Array]:
    """λ and directions by the moments of some data; across a vector where one is given."""
    Sigma, A0 = sums.second - sums.mean_square, sums.cross - sums.mean_square
    sizes, vectors = np.linalg.eigh(Sigma)
    used = sizes > NOTHING * max(float(sizes[-1]), 0.0)
    if not used.any():
        raise InputError("the features do not vary: they have no modes")
    white = vectors[:, used] / np.sqrt(sizes[used])
    if across is not None:
        # An orthonormal basis of what is across from the mean, in whitened directions.
        turned = white.T @ across
        white = white @ np.linalg.svd(turned[None])[2][1:].T
    lam, turn = np.linalg.eigh(white.T @ A0 @ white)
    return lam[::-1], white @ turn[:, ::-1]


def _measured(features: Features, sums: Sums, directions: Array, half: int) -> tuple[Array, Array]:
    """vᵀA0v/vᵀΣv along given directions on a half of the data, and its standard error."""
    A0, Sigma = sums.cross - sums.mean_square, sums.second - sums.mean_square
    along, own = (np.einsum("ik,ik->k", directions, matrix @ directions) for matrix in (A0, Sigma))
    ratio = along / own
    mean = sums.mean @ directions
    square = np.zeros(len(ratio))
    for x in _halves(features, half):
        y = x @ directions - mean
        size, whole = (y**2).sum(0), y.sum(0)
        cross = (whole**2 - size) / (sums.views * (sums.views - 1))
        # One datum's share in the ratio, to first order.
        square += ((cross - ratio * size / sums.views) ** 2).sum(0)
    return ratio, np.sqrt(square / sums.N / (sums.N - 1)) / own


def _halves(features: Features, half: int) -> Iterator[Array]:
    """A half of the data, every second datum, as `second_moments.spread` parts them."""
    for start, x in features.chunks():
        yield x[:, (half - start) % 2 :: 2]
