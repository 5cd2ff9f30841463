"""The loss over rescaled last layers: f(r) = Σ_k r_k P_k f with projections P_k on parts of the outputs.

With W = U S Vᵀ the parts are groups of columns of U, so P_k W keeps a group of singular values. L(aW) is one part; the
larger and the smaller half of the singular values are two. The network is never run again: f is linear in r. The loss
is a mean over batches of the same data, so that differences between points carry little noise, and each comparison of
two points is made batch by batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from derive import InputError
from numeric.landscape.phases import PHASES
from verify.evidence.agreement import SEEN, sign
from verify.networks.last_layer.objective import Objective
from verify.truths.grid import quadratic

if TYPE_CHECKING:
    from verify.networks.last_layer.features import Features

Array = NDArray[np.float64]

# The relative error of a mean over data in single precision, added up in double.
ROUNDING = 1e-8
POINTS = 51
# How often the reach may be doubled or halved.
REACH, DOUBLINGS = 1.6, 4
# Pairs of data, or numbers in embeddings, of grid points that are evaluated together: a few megabytes.
ENTRIES = 2**20


@dataclass(frozen=True, eq=False)
class Landscape:
    """A loss over a grid of scales.

    Attributes:
        axes: the values of r_k ≥ 0 from 0 on, one array a direction.
        values: (m, P_1, …, P_K), by batch.
    """

    axes: tuple[Array, ...]
    values: Array

    @property
    def mean(self) -> Array:
        """The loss, (P_1, …, P_K)."""
        return np.asarray(self.values.mean(0))

    @property
    def minimum(self) -> tuple[int, ...]:
        """Where on the grid it is lowest."""
        return tuple(int(k) for k in np.unravel_index(self.mean.argmin(), self.mean.shape))

    @property
    def at(self) -> tuple[float, ...]:
        """The scales there."""
        return tuple(float(axis[k]) for axis, k in zip(self.axes, self.minimum, strict=True))

    @property
    def at_the_end(self) -> bool:
        """Whether the lowest point is at the end of an axis: the minimum lies beyond, or the loss runs away."""
        return any(k == len(axis) - 1 for axis, k in zip(self.axes, self.minimum, strict=True))

    def slopes(self) -> tuple[tuple[float, float], ...]:
        """By direction: −∂L/∂(r_k²) at r_k = 0, the other scales being where the loss is lowest, and the error.

        Positive where the part opens. From the first two steps of the axis, which removes what is quadratic in r_k².
        """
        found = []
        for k, axis in enumerate(self.axes):
            off = self._lowest_without(k)
            first, second = (
                self._batches_at([*off[:k], step, *off[k + 1 :]]) - self._batches_at(off) for step in (1, 2)
            )
            s, t = axis[1] ** 2, axis[2] ** 2
            found.append(_mean_and_error((s * second / t - t * first / s) / (t - s), self._rounding / s))
        return tuple(found)

    def gains(self) -> tuple[tuple[float, float], ...]:
        """By direction: how far the loss at its lowest point lies below the lowest with r_k = 0, and the error."""
        lowest = self._batches_at(self.minimum)
        return tuple(
            _mean_and_error(self._batches_at(self._lowest_without(k)) - lowest, self._rounding)
            for k in range(len(self.axes))
        )

    def _lowest_without(self, k: int) -> list[int]:
        """The lowest point of the grid with r_k = 0."""
        without = np.take(self.mean, 0, axis=k)
        lost = np.unravel_index(without.argmin(), without.shape)
        return [int(i) for i in (*lost[:k], 0, *lost[k:])]

    @property
    def _rounding(self) -> float:
        return ROUNDING * float(np.abs(self.values).max())

    def _batches_at(self, point: Sequence[int]) -> Array:
        return np.asarray(np.moveaxis(self.values, 0, -1)[tuple(point)])

    @property
    def kept(self) -> tuple[bool | None, ...]:
        """By direction: whether it is kept at the minimum, None where noise hides it.

        It is kept where it opens, or where the minimum lies elsewhere and is lower than without it (a transition that
        jumps); it is lost where it does not open and the lowest point has r_k = 0.
        """
        found: list[bool | None] = []
        for here, (slope, slope_error), (gain, gain_error) in zip(
            self.minimum, self.slopes(), self.gains(), strict=True
        ):
            opens = sign(slope, slope_error, SEEN)
            if opens > 0 or (here and sign(gain, gain_error, SEEN) > 0):
                found.append(True)
            else:
                found.append(False if opens < 0 and not here else None)
        return tuple(found)

    @property
    def phase(self) -> str:
        """No, dimensional or complete collapse of the directions, or undecided."""
        kept = self.kept
        if all(one is True for one in kept):
            return PHASES[0]
        if all(one is False for one in kept):
            return PHASES[2]
        if any(one is None for one in kept):
            return "undecided"
        return PHASES[1]


def _mean_and_error(samples: Array, rounding: float) -> tuple[float, float]:
    """The mean over batches and its standard error, which is unknown for a single batch."""
    m = len(samples)
    return float(samples.mean()), max(rounding, float(samples.std(ddof=1) / sqrt(m))) if m > 1 else np.inf


def landscape(
    objective: Objective,
    features: Features,
    bases: Sequence[Array],
    axes: Sequence[Array] | None = None,
    *,
    tick: Callable[[], None] = lambda: None,
) -> Landscape:
    """The loss over a grid of scales of the last layer's parts.

    Args:
        objective: the loss.
        features: at one strength of augmentation.
        bases: of the parts, `verify.networks.last_layer.second_moments.orthogonal_parts`; together all outputs.
        axes: r_k ≥ 0 beginning with 0, one a part; unless given, they reach to where the minimum lies well inside.
        tick: called after each batch.

    Raises:
        InputError: axes that do not rise from 0, or fewer data than a batch has.

    """
    f = features.embedded()[:2]
    decays = [objective.decay * float(((basis.T @ features.W) ** 2).sum()) for basis in bases]
    if axes is not None:
        for axis in axes:
            if len(axis) < 3 or axis[0] != 0 or not (np.diff(axis) > 0).all():
                raise InputError("the scales of a part are to rise from 0, with three values or more")
        return _evaluated(objective, f, bases, decays, axes, tick)
    # A coarse look first, as near or as far as the minimum needs.
    reach = [REACH] * len(bases)
    for _ in range(DOUBLINGS):
        coarse = _evaluated(objective, f, bases, decays, [np.linspace(0, one, 9) for one in reach], lambda: None)
        ends = [k == 8 for k in coarse.minimum]
        if any(ends):
            reach = [2 * one if end else one for one, end in zip(reach, ends, strict=True)]
        elif max(coarse.minimum) == 1:
            reach = [one / 2 for one in reach]
        else:
            break
    points = POINTS if len(bases) <= 2 else max(5, int(POINTS ** (2 / len(bases))))
    return _evaluated(objective, f, bases, decays, [np.linspace(0, one, points) for one in reach], tick)


def loss_along(objective: Objective, features: Features, scales: Array) -> Array:
    """L(a W) at each a, by batch: (m, P)."""
    f = features.embedded()[:2]
    white = objective.decay * float((features.W**2).sum())
    squares, back = np.unique(np.asarray(scales, dtype=np.float64) ** 2, return_inverse=True)
    if objective.even:
        found = _evaluated(objective, f, [np.eye(f.shape[-1])], [white], [np.sqrt(squares)], lambda: None).values
        return np.asarray(found[:, back])
    z1, z2 = objective.batches(f)
    with torch.no_grad():
        values = [objective.function(float(a) * z1, float(a) * z2).double().numpy() + white * a**2 for a in scales]
    return np.stack(values, -1)


def _evaluated(
    objective: Objective,
    f: Array,
    bases: Sequence[Array],
    decays: Sequence[float],
    axes: Sequence[Array],
    tick: Callable[[], None],
) -> Landscape:
    batches = objective.batches(f)
    squares = [torch.from_numpy(np.asarray(axis, dtype=np.float64) ** 2) for axis in axes]
    turned = [torch.from_numpy(np.ascontiguousarray(basis)) for basis in bases]
    values = []
    with torch.no_grad():
        for z1, z2 in zip(*batches, strict=True):
            if objective.on_grid is None:
                values.append(_point_by_point(objective, z1, z2, turned, axes))
            else:
                # In single precision, which is twice as fast and enough where sums are taken with care.
                y1, y2 = ([(z @ basis).to(torch.float32) for basis in turned] for z in (z1, z2))
                values.append(objective.on_grid(y1, y2, [one.to(torch.float32) for one in squares]))
            tick()
    penalty = quadratic([torch.tensor(one, dtype=torch.float64) for one in decays], squares)
    return Landscape(tuple(np.asarray(axis) for axis in axes), (torch.stack(values) + penalty).numpy())


def _point_by_point(
    objective: Objective, z1: Tensor, z2: Tensor, bases: Sequence[Tensor], axes: Sequence[Array]
) -> Tensor:
    """Any loss, some points of the grid together as batches: (P_1, …, P_K)."""
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(axes))
    # In the basis of the parts a point is a scale for each coordinate.
    basis = torch.cat(list(bases), 1)
    y1, y2 = (z1 @ basis, z2 @ basis)
    widths = [one.shape[1] for one in bases]
    some = max(1, ENTRIES // (len(y1) * max(y1.shape)))
    values = []
    for start in range(0, len(grid), some):
        r = torch.from_numpy(grid[start : start + some]).to(y1.dtype)
        scales = torch.cat([r[:, k : k + 1].expand(-1, width) for k, width in enumerate(widths)], 1)[:, None, :]
        embedded = [(one * scales) if objective.rotates else (one * scales) @ basis.T for one in (y1, y2)]
        values.append(objective.function(embedded[0], embedded[1]).double())
    return torch.cat(values).reshape(tuple(len(axis) for axis in axes))
