"""Models that are trained on a mixture of classes, on fresh batches of it or on a fixed set of data with labels.

`verify.routes.training.mixture_minima` has the predictions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy
import torch
from numpy.typing import NDArray
from torch import Tensor

from derive import Classes, catalogue
from derive.algebra.graphs import CLASSMATE
from numeric.laws.classes import Mixture
from numeric.sampling import Covariances, root
from verify.routes.training.data import Population
from verify.routes.training.engine import Plan, Trained, train
from verify.routes.training.models import Model
from verify.truths.batched import BatchedLoss, batched
from verify.truths.jackknife import jackknife

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Array = NDArray[np.float64]
LOSSES = ("supcon", "infonce", "spectral")
# τ of SupCon.
TAU = 1.0
# Variances within classes: of the data along the class means and along one more direction, and of the noise.
WITHIN, BESIDE, NOISE = 0.2, 0.5, 0.3


def mixture(weights: Sequence[int]) -> Mixture:
    """Classes with means of equal length along their own axes, and one axis more, along which they do not differ.

    The means' squared length is 0.8 K, so that classes of equal weight have as much variance between them as within.

    >>> data = mixture((3, 1))
    >>> data.d0, data.means.round(2).tolist()
    (3, [[1.26, 0.0, 0.0], [0.0, 1.26, 0.0]])
    """
    count = len(weights)
    own = Covariances(np.diag([WITHIN] * count + [BESIDE]), NOISE * np.eye(count + 1))
    means = np.sqrt(0.8 * count) * np.eye(count + 1)[:count]
    law = Classes(weights=tuple(map(sympy.Integer, weights)), covariances="shared", count=count)
    return Mixture.of(law, means, [own] * count)


@dataclass(frozen=True, eq=False)
class ClassSet:
    """A fixed set of data with labels; each step sees all of it with fresh noise, and a random other of each class.

    Attributes:
        points: (n, d0), the data without noise.
        labels: (n,), the class of each, from 0 on.
        noise: (d0, d0), a root of the noise's covariance.
        second: the role of the second view, of the same datum or of one of its class, itself included.
        models: how many see it, each with its own noise.

    """

    points: Tensor
    labels: Tensor
    noise: Tensor
    second: int
    models: int = 1
    batches: int = 1

    @classmethod
    def drawn(cls, data: Mixture, n: int, second: int, generator: torch.Generator) -> ClassSet:
        """A set whose classes have their exact shares, rounded, two at least."""
        numbers = np.maximum(2, np.round(n * data.chances)).astype(int)
        labels = torch.repeat_interleave(torch.arange(len(numbers)), torch.from_numpy(numbers))
        normals = torch.randn(len(labels), data.d0, generator=generator, dtype=torch.float64)
        points = torch.from_numpy(data.means)[labels] + normals @ torch.from_numpy(root(data.A0))
        return cls(points, labels, torch.from_numpy(root(data.C)), second)

    def views(self, number: int, generator: torch.Generator) -> tuple[Tensor, ...]:
        """Views (m, n, d0): of the data, and of themselves or of others of their classes; then of all data twice.

        The last are (m, 2n, d0), each half the whole set with noise of its own.
        """
        n, d0 = self.points.shape
        shape = (number + (number > 2), self.models, n, d0)
        noise = torch.randn(shape, generator=generator, dtype=self.points.dtype) @ self.noise
        first = torch.searchsorted(self.labels, self.labels)
        sizes = torch.bincount(self.labels)[self.labels]
        chosen = first + (torch.rand(self.models, n, generator=generator) * sizes).long()
        shown = [
            self.points,
            self.points[chosen] if self.second == CLASSMATE else self.points,
            self.points,
            self.points,
        ]
        views = [one + more for one, more in zip(shown, noise, strict=False)]
        return (*views[:2], torch.cat(views[2:], 1)) if number > 2 else tuple(views)


def trained(name: str, data: Mixture | ClassSet, begin: Array, plan: Plan, *, n: int = 400, seed: int = 0) -> Trained:
    """Models that are trained from given weights.

    Args:
        name: of the loss.
        data: a mixture, of which every step draws n data afresh and as many others for the inner mean, or a set.
        begin: (m, d1, d0).
        plan: how to train.
        n: the number of data per step; a set has its own.
        seed: of the random numbers.

    """
    source: Any
    if isinstance(data, ClassSet):
        source = replace(data, models=len(begin))
    else:
        hidden, noise = (torch.from_numpy(root(one)).expand(len(begin), -1, -1) for one in (data.core.A0, data.core.C))
        second = max(catalogue(name).roles)
        source = Population(n, hidden, noise, independent=True, law=data, second=second)
    loss = BatchedLoss(3, _without_bias(batched(name).function))
    return train(
        Model(begin.shape[2], begin.shape[1]), source, loss, plan, models=len(begin),
        generator=torch.Generator().manual_seed(seed), weights={"W": torch.from_numpy(begin)},
        parameters={"tau": TAU} if "tau" in catalogue(name).parameters else {}, dtype=torch.float64,
    )  # fmt: skip


def _without_bias(loss: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The same without the bias of order 1/n that a logarithm of a mean over n draws has: of a rare class few are."""

    def of(x: Tensor, second: Tensor, chi: Tensor, **parameters: Any) -> Tensor:
        return torch.as_tensor(jackknife(lambda rows: loss(x, second, chi[..., rows, :], **parameters), chi.shape[-2]))

    return of


def orthonormal(models: int, d1: int, d0: int, seed: int) -> Array:
    """Random matrices with orthonormal rows, (models, d1, d0)."""
    drawn = np.random.default_rng(seed).standard_normal((models, d0, d0))
    return np.linalg.qr(drawn).Q[:, :d1]


def growth(
    name: str,
    data: Mixture | ClassSet,
    size: float,
    d0: int,
    *,
    models: int = 8,
    n: int = 600,
    steps: int = 20,
    seed: int = 0,
) -> Array:
    """B as models grow from small weights, (models, d0, d0): each step multiplies W by I + 2ηB.

    Args:
        name: of the loss.
        data: see `trained`.
        size: of the data, the largest eigenvalue of E x xᵀ: the steps are so small that B's fluctuations add up.
        d0: the dimension of the data.
        models: how many.
        n: data per step.
        steps: of gradient descent.
        seed: of the random numbers.

    """
    rate, begin = 0.25 / (size * steps), 1e-4 * orthonormal(models, d0, d0, seed)
    end = trained(name, data, begin, Plan("sgd", rate, steps), n=n, seed=seed).weights["W"].numpy()
    factors = np.linalg.solve(begin, end)
    values, vectors = np.linalg.eigh((factors + factors.transpose(0, 2, 1)) / 2)
    per_step = (values ** (1 / steps) - 1) / (2 * rate)
    return np.asarray(np.einsum("sik,sk,sjk->sij", vectors, per_step, vectors))
