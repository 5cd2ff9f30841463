"""What models are trained on: a training set with fresh noise at each step, or fresh data from the population.

Unless told otherwise all models of a batch see the same standard normal numbers, each through its own covariance: their
differences then come from their settings, and n·d0 numbers per step are enough. Repetitions whose spread is to count as
an error need their own numbers: separate batches, or data that are `independent`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

from derive.algebra.graphs import CLASSMATE, PLAIN

if TYPE_CHECKING:
    from numeric.laws import Views
    from numeric.sampling import Seen


class Data(Protocol):
    """A source of views."""

    @property
    def batches(self) -> int:
        """The number of batches over which a model's loss is averaged at each step."""

    def views(self, number: int, generator: torch.Generator) -> tuple[Tensor, ...]:
        """Views (m · batches, n, d0), for m models or shared by all: two of the same data, and a third for χ."""


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """A fixed training set x̂; each step sees x̂ + noise, full batch. The third view is of the same data.

    Attributes:
        points: (1, n, d0), or (m, n, d0) where each model has its own.
        noise: (m, 1, d0), the noise's standard deviations; or (m, d0, d0), a symmetric root of its covariance C.
        independent: whether each model has its own random numbers.

    >>> data = TrainingSet(torch.zeros(1, 4, 2), torch.tensor([[[1.0, 2.0]], [[0.0, 0.0]]]))
    >>> x, x_pos = data.views(2, torch.Generator().manual_seed(0))
    >>> x.shape, bool((x[1] == 0).all()), bool((x == x_pos).all())
    (torch.Size([2, 4, 2]), True, False)

    """

    points: Tensor
    noise: Tensor
    independent: bool = False
    batches: int = 1

    def views(self, number: int, generator: torch.Generator) -> tuple[Tensor, ...]:
        """Views with independent noise."""
        _, n, d0 = self.points.shape
        drawn = _normals((number, len(self.noise) if self.independent else 1, n, d0), generator, self.points)
        return tuple(_along(self.points) + _through(one, self.noise) for one in drawn)


@dataclass(frozen=True, eq=False)
class Population:
    """Fresh data of a law at each step. The third view is of independent data.

    Attributes:
        n: the number of data per batch.
        data: (m, 1, d0) standard deviations, or (m, d0, d0) a symmetric root of A0, of Gaussian views.
        noise: the same for C.
        independent: whether each model has its own random numbers.
        batches: the number of batches over which the loss is averaged at each step; views are (m · batches, n, d0).
        law: makes views of those Gaussian ones; None where they are Gaussian.
        second: the role of the second view: PLAIN of the same datum, CLASSMATE of another of its class.

    """

    n: int
    data: Tensor
    noise: Tensor
    independent: bool = False
    batches: int = 1
    law: Views | None = None
    second: int = PLAIN

    def views(self, number: int, generator: torch.Generator) -> tuple[Tensor, ...]:
        """Views: two of the same data, or classes, then one of independent data."""
        models = len(self.data) if self.independent else 1
        # Which datum each view shows.
        shown = [0, int(self.second == CLASSMATE), 1 + (self.second == CLASSMATE)][:number]
        shape = (number + 1 + shown[-1], models, self.batches * self.n, self.data.shape[-1])
        drawn = _normals(shape, generator, self.data)
        centres = [_through(one, self.data) for one in drawn[number:]]
        views = tuple(centres[datum] + _through(drawn[k], self.noise) for k, datum in enumerate(shown))
        if self.law is not None:
            pair = (PLAIN, self.second)[:number]
            views = (*self._made(views[:2], pair, generator), *self._made(views[2:], (PLAIN,), generator))
        return tuple(one.reshape(-1, self.n, one.shape[-1]) for one in views)

    def _made(self, gaussian: tuple[Tensor, ...], seen: Seen, generator: torch.Generator) -> tuple[Tensor, ...]:
        """Views of the law from Gaussian views of the same data."""
        if not gaussian:
            return ()
        assert self.law is not None  # noqa: S101 (asked before)
        numbers = self.law.latent(seen)
        models, n, _ = gaussian[0].shape
        latent = _normals((models if self.independent else 1, n, numbers), generator, self.data)
        return self.law.made(gaussian, latent, seen)


@dataclass(frozen=True, eq=False)
class Whitened:
    """Fresh Gaussian data of variance 1 in each mode: x = s, x′ = λ s + √(1−λ²) e with s and e from N(0, I).

    The pair has the law of x = √λ s + √(1−λ) e, x′ = √λ s + √(1−λ) e′, of fewer random numbers. λ < 0 makes a mode
    whose views disagree, which a loss that pulls views together must lose.

    Attributes:
        n: the number of pairs per batch.
        correlations: λ, (m, 1, d0), in [-1, 1].
        others: the number of the third view's data, which are independent of the pairs; n where it is None.
        batches: as in `Population`.

    >>> data = Whitened(4, torch.tensor([[[1.0, -1.0]]]), others=3)
    >>> x, x_pos, chi = data.views(3, torch.Generator().manual_seed(0))
    >>> bool((x * torch.tensor([1.0, -1.0]) == x_pos).all()), chi.shape
    (True, torch.Size([1, 3, 2]))

    """

    n: int
    correlations: Tensor
    others: int | None = None
    batches: int = 1

    def views(self, number: int, generator: torch.Generator) -> tuple[Tensor, ...]:
        """Two views, and a third where it is asked for: (m · batches, n, d0), shared by all models but for x′."""
        models, _, d0 = self.correlations.shape
        first, noise = _normals((2, self.batches, self.n, d0), generator, self.correlations)
        each = self.correlations.repeat_interleave(self.batches, 0)
        rest = (1 - each**2).sqrt()
        other = each * first.repeat(models, 1, 1) + rest * noise.repeat(models, 1, 1)
        # One copy of x serves all models where each has one batch.
        views: tuple[Tensor, ...] = (first if self.batches == 1 else first.repeat(models, 1, 1), other)
        if number > 2:
            size = self.n if self.others is None else self.others
            chi = _normals((self.batches, size, d0), generator, self.correlations)
            views = (*views, chi if self.batches == 1 else chi.repeat(models, 1, 1))
        return tuple(_along(one) for one in views)


@dataclass(frozen=True, eq=False)
class Halves:
    """Pairs (x, y) of two kinds of data, for two encoders: both are parts of one datum (x, y) of dimension d0 + d0'.

    Attributes:
        whole: where views of (x, y) come from. The anchor is the x of its view, the others are the y of theirs: the
            covariance of x with y is the part of A0 that joins the two, noise being independent.
        d0: the dimension of x.

    >>> data = Halves(TrainingSet(torch.arange(6.0).reshape(1, 2, 3), torch.zeros(1, 1, 3)), 1)
    >>> [one.tolist() for one in data.views(2, torch.Generator())]
    [[[[0.0], [3.0]]], [[[1.0, 2.0], [4.0, 5.0]]]]

    """

    whole: Data
    d0: int

    @property
    def batches(self) -> int:
        """Those of the whole."""
        return self.whole.batches

    def views(self, number: int, generator: torch.Generator) -> tuple[Tensor, ...]:
        """Views (m · batches, n, d0) of x, then of y, (m · batches, n, d0')."""
        first, *others = self.whole.views(number, generator)
        return first[..., : self.d0], *(one[..., self.d0 :] for one in others)


def _normals(shape: tuple[int, ...], generator: torch.Generator, like: Tensor) -> Tensor:
    return torch.randn(shape, generator=generator, dtype=like.dtype, device=like.device)


def _through(normals: Tensor, root: Tensor) -> Tensor:
    """Normal numbers (1 or m, n, d0) with a covariance: (m, n, d0)."""
    return _along(normals) * root if root.shape[1] == 1 else (root.mT @ normals.mT).mT


def _along(x: Tensor) -> Tensor:
    """The same numbers with the data, not the few dimensions, running fastest in memory: sums over them are faster."""
    return x.mT.contiguous().mT
