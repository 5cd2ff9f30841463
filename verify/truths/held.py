"""A field by values alone: the loss L(U, V) evaluated from its definition, and differenced along U with V held.

No gradient, no `detach`, no word of a derivation: the definition is evaluated with weights U for live views and V for
stopped ones, as one of two encoders whose data are of one kind, along t (U + s D, V). Of t^k it is a polynomial of
degree k in s, so that a few values of s give its slope but for rounding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from derive.fields.field import held_apart
from numeric.kinds import of_pairs
from verify.truths.evaluated_truth import EvaluatedTruth
from verify.truths.taylor import cauchy, circle, safe_radius
from verify.truths.truth import Setting

if TYPE_CHECKING:
    from derive import Loss
    from numeric.sampling import Covariances

Array = NDArray[np.float64]
# Values of s, and the weights of the slope at 0, by the highest degree of the polynomial in s.
_SLOPES = {4: ((1.0, 2 / 3), (2.0, -1 / 12)), 6: ((1.0, 3 / 4), (2.0, -3 / 20), (3.0, 1 / 60))}
# Points of a circle, of nodes and of draws.
_POINTS, _OF_DRAWS = 16, 8
RADIUS = 0.2


@dataclass(frozen=True, eq=False)
class Held:
    """A loss with stopped views, its parameters set, in numbers.

    Attributes:
        loss: with no parameter left but counts that are numbers.
        data: the covariances.
        values: numbers of parameters, by name.

    """

    loss: Loss
    data: Covariances
    values: Mapping[str, float]

    def slope(self, U: Array, V: Array, direction: Array, orders: range) -> dict[int, float]:
        """−∂L/∂U along a direction, the coefficients of t^k of the loss at t (U, V), k the orders, over nodes."""
        ts = self._circle(U, V, max(orders), _POINTS)
        values = np.stack([one.averaged(ts, max(orders)) for one in self._beside(U, V, direction, orders)])
        return dict(zip(orders, map(float, self._of(values, ts, orders)), strict=True))

    def drawn(
        self, U: Array, V: Array, direction: Array, orders: range, seed: int, draws: int
    ) -> tuple[dict[int, float], dict[int, float], int]:
        """The same over random draws: means, standard errors, and the number of draws."""
        ts = self._circle(U, V, max(orders), _OF_DRAWS)
        truths = self._beside(U, V, direction, orders)
        rows = truths[0].rows(draws)
        # The same draws on both sides.
        values = np.stack([truth.drawn(ts, max(orders), np.random.default_rng(seed), rows) for truth in truths])
        found = self._of(values, ts, orders)
        mean, error = found.mean(0), found.std(0, ddof=1) / np.sqrt(len(found))
        return dict(zip(orders, mean, strict=True)), dict(zip(orders, error, strict=True)), len(found)

    def scaled(self, U: Array, V: Array, seed: int, draws: int) -> float:
        """The most that a draw of the loss changes as U grows fourfold and V shrinks as much, and the reverse."""
        return float(np.abs(self._value(4 * U, V / 4, seed, draws) - self._value(U / 4, 4 * V, seed, draws)).max())

    def slopes(self, U: Array, V: Array, direction: Array, seed: int, draws: int, step: float = 1e-5) -> Array:
        """−∂L/∂U along a direction at U itself, on each of some draws: differences of the values."""
        ahead, behind = (self._value(U + sign * step * direction, V, seed, draws) for sign in (1, -1))
        return (behind - ahead) / (2 * step)

    def _value(self, U: Array, V: Array, seed: int, draws: int) -> Array:
        return np.asarray(self._truth(U, V).drawn(np.array([1.0]), 7, np.random.default_rng(seed), draws)[:, 0].real)

    def _beside(self, U: Array, V: Array, direction: Array, orders: range) -> list[EvaluatedTruth]:
        """The loss at U + s D and at U − s D for each s."""
        return [self._truth(U + sign * s * direction, V) for s, _ in _slope(orders) for sign in (1, -1)]

    def _of(self, values: NDArray[np.complex128], ts: NDArray[np.complex128], orders: range) -> Array:
        """Slopes in s of the coefficients, (…, orders), from values at each s and −s, (…, T)."""
        at = cauchy(values, ts, orders)
        return np.asarray(-sum(weight * (at[2 * k] - at[2 * k + 1]) for k, (_, weight) in enumerate(_slope(orders))))

    def _circle(self, U: Array, V: Array, degree: int, points: int) -> NDArray[np.complex128]:
        # Of the largest of the weights that occur.
        return circle(safe_radius(lambda ts: self._truth(3 * U, 3 * V).averaged(ts, degree), RADIUS), points)

    def _truth(self, U: Array, V: Array) -> EvaluatedTruth:
        A0, Sigma = self.data.A0, self.data.Sigma
        kinds = of_pairs(Sigma, A0, Sigma, A0=A0, A2=A0)
        held = held_apart(self.loss)
        batch = held.batch_size
        W = np.concatenate([U, V], axis=1)
        setting = Setting(kinds, W, dict(self.values), None if batch is None else int(batch))
        return EvaluatedTruth(replace(held, name="held"), setting)


def _slope(orders: range) -> tuple[tuple[float, float], ...]:
    return _SLOPES[4 if max(orders) <= 4 else 6]
