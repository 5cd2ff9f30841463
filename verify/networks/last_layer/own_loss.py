"""A user's loss, given by its definition alone, evaluated directly as a function of features.

Nothing is expanded: exp is exp and a mean is a mean over the data of a batch (`verify.truths.at_points`). Each datum of
a batch is the anchor once, with the others as the sample. A mean over the population is one over the second half of the
batch, the anchors being the first, or the other way round, with a jackknife (`verify.truths.jackknife`).
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np
import sympy
import torch
from numpy.typing import NDArray
from torch import Tensor

from derive import InputError, Loss
from derive.definition.regularity import homogeneity
from derive.definition.views import View
from verify.networks.last_layer.objective import Objective
from verify.networks.last_layer.second_moments import Second
from verify.truths.at_points import AtPoints
from verify.truths.jackknife import both_ways, jackknife

Array = NDArray[np.float64]
# Anchors that are worked on together, times data, times coordinates.
_ENTRIES = 2**22


def own_loss(loss: Loss, given: Mapping[str, sympy.Expr], batch: int) -> Objective:
    """The objective of a definition.

    Args:
        loss: the definition; N, if it has it, is the number of data in a batch.
        given: values of all other parameters.
        batch: the number of data in a batch.

    Raises:
        InputError: a parameter without a value, or a sample that does not fit the batch.

    """
    known = loss.parameters
    values = dict(given)
    if "N" in known and "N" not in values:
        values["N"] = sympy.Integer(batch)
    values = dict(loss.defaults) | dict(values)
    unset = [name for name in known if name not in values and name != "d1"]
    if unset:
        raise InputError(f"{loss.name} has the parameter {unset[0]}; give it a value with --set {unset[0]}=VALUE")
    fixed = loss.set(values)
    evaluated = _Evaluated(AtPoints(fixed))
    needed = evaluated.of.data
    if fixed.samples and needed != batch:
        raise InputError(f"{loss.name} draws {needed} data; give it batches of as many, --batch {needed}")
    # A loss of unit vectors has no expansion at W = 0, and no weight decay.
    decay = 0.0 if homogeneity(fixed.expression) == 0 else Second.of(fixed.moments(2)).decay

    def function(z1: Tensor, z2: Tensor) -> Tensor:
        views = torch.stack([z1, z2], 1).double().numpy()
        return torch.tensor([evaluated.value(one) for one in views], dtype=torch.float64)

    rotates, population = fixed.rotation_invariant, not fixed.samples
    return Objective(
        loss.name, function, fixed, batch, decay, values, rotates, fixed.even, population=population, family=loss
    )


class _Evaluated:
    """The value of a definition on one batch."""

    def __init__(self, of: AtPoints) -> None:
        self.of = of

    def value(self, z: Array) -> float:
        """At one batch (2, n, d1)."""
        if not isinstance(self.of.seen, int):
            raise InputError(f"{self.of.loss.name} has views of two kinds; the features are of one encoder")
        most = max(map(len, self.of.shown.values()))
        if most > 2:
            raise InputError(f"{self.of.loss.name} takes {most} views of a datum; the features have two")
        n = z.shape[1]
        if not self.of.loss.samples:
            return both_ways(lambda anchors, others: self._part(z, anchors, others), n)
        return jackknife(lambda others: self._part(z, slice(0, n), others), n)

    def _part(self, z: Array, anchors: slice, others: slice) -> float:
        """The mean over anchors, by their rows, where means over the population are over the others."""
        step = max(1, _ENTRIES // (z.shape[1] * z.shape[2]))
        rows = np.arange(z.shape[1])[anchors] if self.of.anchors else np.zeros(1, dtype=int)

        def population(over: tuple[View, ...]) -> tuple[dict[View, Array], Array]:
            return self._population(over, z[:, others])

        def value(first: NDArray[Any]) -> Array:
            # The batch, with each of these data first.
            turned = z[:, (first[:, None] + np.arange(z.shape[1])) % z.shape[1]]
            return np.asarray(self.of.value(list(turned), z.shape[2], population), dtype=np.float64)

        return float(np.mean(np.concatenate([value(rows[k : k + step]) for k in range(0, len(rows), step)])))

    def _population(self, over: tuple[View, ...], others: Array) -> tuple[dict[View, Array], Array]:
        """Every datum, or every combination of different data where a mean is over several."""
        data = sorted({view.datum for view in over})
        if over[0].white:  # weight decay is not a function of features; it is added apart
            return {view: np.zeros((1, others.shape[2])) for view in over}, np.ones(1)
        size = others.shape[1] // len(data)
        which = np.array(list(product(range(size), repeat=len(data))))
        points = {}
        for view in over:
            k = data.index(view.datum)
            points[view] = others[self.of.shown[view.datum].index(view), k * size + which[:, k]]
        return points, np.full(len(which), 1 / len(which))
