"""A loss of the user's, given by its definition alone, as a function of features: evaluated as it stands.

Nothing is expanded: exp is exp and a mean is a mean over the data of a batch (`numeric.definition`). Each datum of a
batch is the anchor once, with the others as the sample. A mean over the population is one over the second half of the
batch, the anchors being the first, with the jackknife of `verify.last_layer.population`.
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
from derive.clusters import Sample
from derive.drawn_out import drawn_out, names_by_datum
from derive.expression import free_views
from derive.views import View
from numeric.definition import Evaluator
from verify.last_layer.objective import Objective
from verify.last_layer.population import halves
from verify.last_layer.spread import Second

Array = NDArray[np.float64]
# Anchors that are worked on together, times data, times coordinates.
_ENTRIES = 2**22


def defined(loss: Loss, given: Mapping[str, sympy.Expr], batch: int) -> Objective:
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
    unset = [name for name in known if name not in values and name != "d1"]
    if unset:
        raise InputError(f"{loss.name} has the parameter {unset[0]}; give it a value with --set {unset[0]}=VALUE")
    fixed = loss.set(values)
    anchored = bool(free_views(fixed.expression))
    if fixed.samples:
        needed = int(anchored) + sum(int(sample.count) for sample in fixed.samples)
        if needed != batch:
            raise InputError(f"{loss.name} draws {needed} data; give it batches of as many, --batch {needed}")
    decay = 0.0 if "+normalised" in loss.name else Second.of(fixed.moments(2)).decay
    evaluated = _Evaluated(fixed, anchored=anchored)

    def function(z1: Tensor, z2: Tensor) -> Tensor:
        views = torch.stack([z1, z2], 1).double().numpy()
        return torch.tensor([evaluated.value(one) for one in views], dtype=torch.float64)

    return Objective(loss.name, function, fixed, batch, decay, values, rotates=False, population=not fixed.samples)


class _Evaluated:
    """The value of a definition on one batch."""

    def __init__(self, loss: Loss, *, anchored: bool) -> None:
        self.loss = loss
        self.anchored = anchored
        self.expression = drawn_out(loss.expression)
        self.names = {datum: sorted(names) for datum, names in names_by_datum(self.expression).items()}

    def value(self, z: Array) -> float:
        """At one batch (2, n, d1)."""
        most = max(map(len, self.names.values()))
        if most > 2:
            raise InputError(f"{self.loss.name} takes {most} views of a datum; the features have two")
        n = z.shape[1]
        everything = slice(0, n)
        if self.loss.samples:
            quarters = (slice(0, n // 2), slice(n // 2, 2 * (n // 2)))
            parts = [(2.0, everything, everything), *((-0.5, everything, one) for one in quarters)]
        else:
            parts = list(halves(n))
        return float(sum(weight * self._part(z, anchors, others) for weight, anchors, others in parts))

    def _part(self, z: Array, anchors: slice, others: slice) -> float:
        step = max(1, _ENTRIES // (z.shape[1] * z.shape[2]))
        rows = np.arange(z.shape[1])[anchors] if self.anchored else np.zeros(1, dtype=int)
        values = [self._anchored(z, rows[k : k + step], z[:, others]) for k in range(0, len(rows), step)]
        return float(np.mean(np.concatenate(values)))

    def _anchored(self, z: Array, rows: NDArray[Any], others: Array) -> Array:
        """The value with each of these rows as the anchor."""
        n, start = z.shape[1], int(self.anchored)
        turned = z[:, (rows[:, None] + np.arange(n)) % n]
        anchor = {view: turned[self.names[view.datum].index(view.name), :, 0] for view in free_views(self.expression)}
        samples: dict[Sample, dict[str, Array]] = {}
        for sample in self.loss.samples:
            count = int(sample.count)
            names = self.names[sample.datum]
            samples[sample] = {name: turned[k, :, start : start + count] for k, name in enumerate(names)}
            start += count

        def population(over: tuple[View, ...]) -> tuple[dict[View, Array], Array]:
            return self._population(over, others)

        value = Evaluator(population, samples, z.shape[2]).value(self.expression, anchor)
        return np.broadcast_to(np.asarray(value, dtype=np.float64), (len(rows),))

    def _population(self, over: tuple[View, ...], others: Array) -> tuple[dict[View, Array], Array]:
        """Every datum, or every combination of different data where a mean is over several."""
        data = sorted({view.datum for view in over})
        if over[0].white:  # weight decay is no function of features; it is added apart
            return {view: np.zeros((1, others.shape[2])) for view in over}, np.ones(1)
        size = others.shape[1] // len(data)
        which = np.array(list(product(range(size), repeat=len(data))))
        points = {}
        for view in over:
            k = data.index(view.datum)
            points[view] = others[self.names[view.datum].index(view.name), k * size + which[:, k]]
        return points, np.full(len(which), 1 / len(which))
