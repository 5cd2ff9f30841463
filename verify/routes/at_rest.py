"""Where a loss is at rest its orders balance: 2 L₂(W) + 4 L₄(W) + 6 L₆(W) + … = 0, the slope along W → s W.

Held against trained models, this tests an expansion at the W that they have, and not at a minimum of its own: a wrong
one may have that where its order 4 says nothing any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from numeric.kernels import kernel
from verify.evidence.agreement import Compared, compared

if TYPE_CHECKING:
    from derive import Expansion
    from numeric.laws import Views

Array = NDArray[np.float64]

QUANTITY = "−(4 L₄ + 6 L₆)/2 L₂ where models are at rest"
# Orders 8 and beyond, estimated from the ratio of order 6 to order 4; twice that, as ratios of coefficients grow. Where
# order 6 happens to vanish, the 2 % that any comparison grants are left.
FURTHER = 2.0


def weighed(
    expansion: Expansion, beyond: Expansion, grams: Array, data: Views, values: Mapping[str, float]
) -> tuple[Compared, float]:
    """−(4 L₄ + 6 L₆)/2 L₂ at trained models, beside 1, and an estimate of what further orders add to it.

    Args:
        expansion: through order 4.
        beyond: the terms of order 6 are its own.
        grams: (S, d0, d0), WᵀW of models of S seeds.
        data: on which they were trained.
        values: of the parameters.

    >>> from derive import Gaussian, catalogue
    >>> from numeric.laws import in_numbers
    >>> from numeric.sampling import Covariances
    >>> spectral = catalogue("spectral").expand(6)
    >>> drawn = in_numbers(Gaussian(), Covariances(np.eye(1), np.eye(1)))
    >>> found, further = weighed(spectral.truncate(4), spectral, np.full((3, 1, 1), 0.25), drawn, {})
    >>> round(found.measured, 9), found.agrees, further  # −2 p + 4 p² has its minimum at p = 1/4
    (1.0, True, 0.0)

    """
    second, fourth = (_of_order(order, expansion, grams, data, values) for order in (2, 4))
    sixth = _of_order(6, beyond, grams, data, values)
    with np.errstate(divide="ignore", invalid="ignore"):
        found, ratio = -(2 * fourth + 3 * sixth) / second, 3 * sixth / second
        further = FURTHER * float(np.mean(ratio**2))
    return compared(1.0, found.tolist(), truncation=further), further


def _of_order(order: int, expansion: Expansion, grams: Array, data: Views, values: Mapping[str, float]) -> Array:
    """The terms of one order, of each model."""
    only = expansion.only(order)
    if not only.terms:
        return np.zeros(len(grams))
    emitted = kernel(only)
    W = np.linalg.cholesky(grams + 1e-12 * np.eye(grams.shape[-1])).swapaxes(-1, -2)
    parameters = [values.get(name, 2.0) for name in emitted.parameters]
    return np.array([float(emitted.value(one, *data.arguments(only.basis), *parameters)) for one in W])
