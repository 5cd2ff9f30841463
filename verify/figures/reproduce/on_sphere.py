"""WᵀW at the minimum of a loss of f/|f|, by the theory of unit vectors, for data that may have a mean.

Two views of a datum agree along the mean μ of the data as they do along a mode that no augmentation touches; but so do
two data, which costs as much as the agreement gains. To leading order in the number of kept modes the loss is

    L = const − k Tr[W A0 Wᵀ] + ½ k² Tr[(W (Σ + μμᵀ) Wᵀ)²]   at Tr[W (Σ + μμᵀ) Wᵀ] = 1,  k = 1/τ,

A0 and Σ taken about the mean: the mean counts as noise. View correlations are then the eigenvalues of A0 relative to
Σ + μμᵀ, and a mode whose mean is ν standard deviations has λ/(1 + ν²) in place of λ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from numeric.sphere.minimum import minimum
from numeric.sphere.shares import landscape, many_modes, starts

if TYPE_CHECKING:
    from derive.sphere.pairs import PairForm

Array = NDArray[np.float64]


def gram_on_sphere(form: PairForm, covariance: Array, noise: float, mean: Array) -> Array:
    """WᵀW (d0, d0) at the minimum, scaled to E|Wx|² = 1, of views of given data with noise of N(0, σ²I).

    Args:
        form: the loss by its means over pairs, without symbols.
        covariance: A0 (d0, d0), of the data about their mean.
        noise: σ.
        mean: μ (d0,).

    >>> from derive import catalogue
    >>> from derive.sphere.pairs import pair_form
    >>> form = pair_form(catalogue("infonce+normalised").filled())
    >>> bool(abs(gram_on_sphere(form, np.eye(8), 0.0, np.zeros(8)).diagonal() - 1 / 8).max() < 0.002)
    True
    >>> bool(abs(gram_on_sphere(form, np.eye(8), 0.0, np.eye(8)[0])[0, 0]) < 1e-12)  # the mean of the data is lost
    True

    """
    seen = covariance + noise**2 * np.eye(len(mean)) + np.outer(mean, mean)
    values, vectors = np.linalg.eigh(seen)
    whitening = vectors / np.sqrt(values)
    correlations, modes = np.linalg.eigh(whitening.T @ covariance @ whitening)
    lam = np.clip(correlations, 0.0, 1.0)
    guess = many_modes(form, lam)
    shares, _ = minimum(landscape(form, lam), starts(lam, None if guess is None else guess.shares))
    rows = np.sqrt(shares)[:, None] * (whitening @ modes).T
    return np.asarray(rows.T @ rows)
