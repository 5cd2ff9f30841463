"""Coefficients of a landscape's orders 2 and 4, predicted from moments of the features and measured on the curve.

L(t) = L(0) + c₂ t² + c₄ t⁴ + … along a ray t·W. Three numbers for each order:

- *by moments*: the expansion in moments of inner products, which assumes nothing of the data, each moment estimated
  without bias from tuples of different data (`moments`);
- *measured*: read off the values of the loss in batches (`curve`), which knows nothing of expansions;
- *Gaussian*: the trace formula with A0, Σ and the mean of the features, as if they were Gaussian.

The data are cut into blocks of whole batches. In each block the first two have the same expectation, exactly where
draws are independent, so their difference has mean zero if the derivation is right. Its spread over blocks gives the
standard error of the comparison, in which what the data happened to be cancels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import inf, sqrt
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from derive import InputError
from numeric.invariants import order_values as gaussian_values
from verify.evidence.agreement import SEEDS, SEEN, sign
from verify.networks.last_layer.curve import even_coefficients
from verify.networks.last_layer.moments import DataMoments, order_values
from verify.networks.last_layer.second_order import second_of

if TYPE_CHECKING:
    from verify.networks.last_layer.objective import Objective

Array = NDArray[np.float64]

BLOCKS = 16
# Blocks without which a spread is not a standard error.
FEWEST = 4
# The two estimates take different views for the same one. What is left of their difference is small, but its law over
# few blocks is skewed: its error is not taken below this share of that of the measurement.
SMALLEST = 0.1
# Two exact evaluations of the same number differ by their rounding.
ROUNDING = 1e-7


@dataclass(frozen=True)
class Order:
    """One order of a curve.

    Attributes:
        order: 2 or 4.
        predicted: by moments, the mean over blocks; NaN where the loss has no definition.
        predicted_error: its standard error.
        measured: on the curve.
        measured_error: its standard error.
        difference_error: of measured − predicted, block by block.
        gaussian: of Gaussian features with the same mean and covariances; NaN where not known.
        blocks: how many there are.
    """

    order: int
    predicted: float
    predicted_error: float
    measured: float
    measured_error: float
    difference_error: float
    gaussian: float
    blocks: int

    @property
    def z(self) -> float:
        """(measured − predicted) in standard errors of the difference."""
        return (self.measured - self.predicted) / self.difference_error if self.difference_error else inf

    @property
    def agrees(self) -> bool | None:
        """Within three standard errors; False far beyond; None between, and where noise hides the sign."""
        if self.blocks < FEWEST or not np.isfinite([self.predicted, self.measured, self.difference_error]).all():
            return None
        return SEEDS.decide(self.z, samples=self.blocks, sees=SEEN * self.difference_error < abs(self.measured))

    @property
    def sign(self) -> int:
        """The sign of the measured coefficient: 1, −1, or 0 where it is within three standard errors of 0."""
        return sign(self.measured, self.measured_error if self.blocks >= FEWEST else inf, SEEN)

    @property
    def predicted_sign(self) -> int:
        """The same for the prediction: at order 2, that of −Tr[W B Wᵀ]."""
        return sign(self.predicted, self.predicted_error if self.blocks >= FEWEST else inf, SEEN)


def along_ray(objective: Objective, f: Array, white: float = 0.0, *, gaussian: bool = True) -> tuple[Order, Order]:
    """Orders 2 and 4 of the loss along t·f.

    Args:
        objective: the loss.
        f: (V, N, d1), the embeddings at t = 1.
        white: ‖W‖², for weight decay.
        gaussian: whether the Gaussian prediction is wanted.

    Raises:
        InputError: fewer data than a batch has; a loss that has no coefficients at W = 0.

    >>> from verify.networks.last_layer.objective import objective
    >>> g = np.random.default_rng(0)
    >>> datum = g.exponential(size=(4096, 2)) - 1
    >>> f = np.stack([datum + 0.5 * g.standard_normal(datum.shape) for _ in range(2)])
    >>> second, fourth = along_ray(objective("infonce-batch", batch=64), f)
    >>> second.agrees, fourth.agrees, second.sign
    (True, True, -1)

    """
    predicted, measured = by_block(objective, f, white, blocks_of(objective, f))
    assumed = _gaussian(objective, f, white) if gaussian else {2: np.nan, 4: np.nan}
    second, fourth = (compared(k, predicted[k], measured[k], assumed[k]) for k in (2, 4))
    return second, fourth


def by_block(
    objective: Objective, f: Array, white: float, blocks: Sequence[slice]
) -> tuple[dict[int, Array], dict[int, Array]]:
    """Orders 2 and 4 as predicted and as measured, each by block."""
    measured = _measured(objective, f, white, blocks)
    return _predicted(objective, f, white, blocks), measured


def blocks_of(objective: Objective, f: Array) -> list[slice]:
    """Blocks of whole batches, of equal size, as many as `BLOCKS` or as there are batches."""
    batches = f.shape[1] // objective.batch
    if not batches:
        raise InputError(
            f"{f.shape[1]} data are fewer than a batch of {objective.batch}; give more data or smaller batches"
        )
    count = min(BLOCKS, batches)
    size = batches // count * objective.batch
    return [slice(k * size, (k + 1) * size) for k in range(count)]


def over_plane(objective: Objective, parts: Array, white: Array) -> dict[tuple[int, ...], Order]:
    """The coefficients of the monomials ∏ r_k^p_k of orders 2 and 4 along f = Σ_k r_k f_k.

    Both the prediction and the measurement are polynomials in r; as many rays as there are monomials determine them.

    Args:
        objective: the loss.
        parts: f_k, (K, V, N, d1): of a plane K = 2.
        white: Tr[W_k W_lᵀ], (K, K), for weight decay.

    Returns:
        Powers (p₁, …, p_K) → the coefficient. No Gaussian prediction is made.

    >>> from verify.networks.last_layer.objective import objective
    >>> f = np.random.default_rng(0).standard_normal((2, 256, 2))
    >>> parts = f[None] * np.eye(2)[:, None, None, :]
    >>> found = over_plane(objective("spectral", batch=16), parts, np.eye(2))
    >>> sorted(found)
    [(0, 2), (0, 4), (1, 1), (1, 3), (2, 0), (2, 2), (3, 1), (4, 0)]

    """
    blocks = blocks_of(objective, parts[0])
    powers = {k: _monomials(len(parts), k) for k in (2, 4)}
    rays = _directions(len(parts), len(powers[4]))
    on_rays = []
    for r in rays:
        f, size = np.tensordot(r, parts, 1), float(r @ white @ r)
        on_rays.append((_predicted(objective, f, size, blocks), _measured(objective, f, size, blocks)))
    found: dict[tuple[int, ...], Order] = {}
    for k, monomials in powers.items():
        solve = np.linalg.pinv(np.array([[np.prod(r**power) for power in monomials] for r in rays]))
        predicted, measured = (solve @ np.array([side[which][k] for side in on_rays]) for which in (0, 1))
        scale = float(np.abs(measured).mean(1).max())
        for row, power in enumerate(monomials):
            found[power] = compared(k, predicted[row], measured[row], np.nan, scale=scale)
    return found


def _monomials(variables: int, degree: int) -> list[tuple[int, ...]]:
    return [power for power in product(range(degree + 1), repeat=variables) if sum(power) == degree]


def _directions(variables: int, number: int) -> Array:
    """Directions along which the monomials are linearly independent: (number, variables)."""
    if variables == 2:
        angles = np.pi * (np.arange(number) + 0.25) / number
        return np.stack([np.cos(angles), np.sin(angles)], -1)
    rays = np.random.default_rng(0).standard_normal((2 * number, variables))
    return np.asarray(rays / np.linalg.norm(rays, axis=1, keepdims=True))


def compared(k: int, predicted: Array, measured: Array, gaussian: float = np.nan, scale: float = 0.0) -> Order:
    """One order from its values by block."""
    n = len(measured)

    def error(samples: Array) -> float:
        return float(samples.std(ddof=1) / sqrt(n)) if n > 1 else inf

    floor = ROUNDING * max(scale, float(np.abs(measured).mean()))
    difference = max(error(measured - predicted), SMALLEST * error(measured), floor)
    return Order(
        k,
        float(predicted.mean()),
        error(predicted),
        float(measured.mean()),
        error(measured),
        difference,
        gaussian,
        n,
    )


def _measured(objective: Objective, f: Array, white: float, blocks: Sequence[slice]) -> dict[int, Array]:
    """By block, from the curve."""
    used = f[:2, : blocks[-1].stop]
    z1, z2 = objective.batches(used)

    def curve(t: float) -> Array:
        with torch.no_grad():
            value = objective.function(t * z1, t * z2).double().numpy()
        return np.asarray(value.reshape(len(blocks), -1).mean(1))

    # Exponents of order one at the start.
    size = float(np.sqrt(np.square(used).sum(-1).max()))
    found = even_coefficients(curve, 1.0 / size if size else 1.0)
    return {2: found.second + objective.decay * white, 4: found.fourth}


def _predicted(objective: Objective, f: Array, white: float, blocks: Sequence[slice]) -> dict[int, Array]:
    if objective.definition is None:
        # The second order of a torch function is found by calling it; its fourth is not.
        nothing = np.full(len(blocks), np.nan)
        second = second_of(objective, f.shape[-1])
        if second is None:
            return {2: nothing, 4: nothing}
        return {2: np.array([second.value(DataMoments(f[:, block], white)) for block in blocks]), 4: nothing}
    series = objective.definition.moments(4)
    values = [order_values(series, DataMoments(f[:, block], white)) for block in blocks]
    return {k: np.array([one[k] for one in values]) for k in (2, 4)}


def _gaussian(objective: Objective, f: Array, white: float) -> dict[int, float]:
    """The trace formula at the covariances of f, W standing for the identity and b for the mean."""
    loss = objective.definition
    if loss is None:
        return {2: np.nan, 4: np.nan}
    from verify.networks.last_layer.features import Features
    from verify.networks.last_layer.second_moments import spread

    identity = np.eye(f.shape[-1])
    found = spread(Features(tuple(f), identity))
    model = loss if loss.bias else loss.with_bias()
    values = gaussian_values(model.expand(4).set({"d1": f.shape[-1]}), identity, found.A0, found.Sigma, found.mean)
    # The identity stands for W, whose own size is what weight decay sees.
    return {2: values[2] + objective.decay * (white - f.shape[-1]), 4: values[4]}
