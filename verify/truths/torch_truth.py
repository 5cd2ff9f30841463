"""A catalogue loss by its hand-written torch function: a truth that shares no code with the derivation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from derive.algebra.graphs import ENCODER, PLAIN
from verify.running.threads import one_thread
from verify.truths.jackknife import jackknife
from verify.truths.torch_losses import TorchLoss, norm_penalty, weight_decay
from verify.truths.truth import BLOCK, Setting, batches, blocks
from verify.truths.two_views import on_sphere

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from numeric.sampling import Seen


@dataclass(frozen=True, eq=False)
class TorchTruth:
    """A catalogue loss by its hand-written torch function.

    Attributes:
        loss: the function.
        modifiers: what is added to it, or done to f.
        setting: where it is evaluated.
        second: the role of what an anchor is compared with, second views and other data; see `derive.definition.kinds`.
        how: a description of the evaluation in words.

    """

    loss: TorchLoss
    modifiers: tuple[str, ...]
    setting: Setting
    second: int = PLAIN
    how: str = "hand-written torch loss"

    @property
    def odd(self) -> bool:
        """Whether it may have terms of odd order on one batch."""
        return self.loss.odd

    def function(self, degree: int) -> Callable[[Any], Any]:
        """t ↦ the loss over cubature nodes at t·W (and t·b), in torch, for a t that is a 0-d tensor."""
        if self.loss.over_batch:
            views, weights = self.setting.points(degree, self._batch, self._pair)
            return self._of(views, None, weights)
        pairs, p = self.setting.population(degree, self._pair)
        return self._of(pairs, p, None, degree)

    def averaged(self, ts: NDArray[Any], degree: int) -> NDArray[Any]:
        """The loss over cubature nodes."""
        return _at(self.function(degree), ts)

    def drawn(self, ts: NDArray[Any], degree: int, generator: np.random.Generator, draws: int) -> NDArray[Any]:
        """The loss on random batches; for a population loss on blocks of `BLOCK` random pairs."""
        if self.loss.over_batch:
            views = self.setting.draw(generator, draws, self._batch, self._pair)
            return _at(self._of(views, None, None), ts).T

        pairs = self.setting.covariances.draw(generator, (draws, BLOCK), self._pair)

        def block(rows: slice) -> NDArray[Any]:
            x, x_pos = (one[..., rows, :] for one in pairs)
            return _at(self._of((x, x_pos), np.full(x.shape[-2], 1 / x.shape[-2]), None, degree), ts).T

        return jackknife(block, BLOCK)

    def rows(self, draws: int) -> int:
        """How many batches, or blocks with a fifth as many pairs in all."""
        return batches(draws, self._batch) if self.loss.over_batch else blocks(draws)

    def size(self, degree: int) -> int:
        """Cubature nodes, times an inner product for each pair of a batch's views, or of views and population."""
        if self.loss.over_batch:
            return self.setting.nodes(degree, self._batch, self._pair) * (2 * self._batch) ** 2
        return self.setting.nodes(degree, 1, self._pair) * self.setting.nodes(degree, 1, self._one)

    @property
    def _pair(self) -> Seen:
        return (PLAIN, self.second) if self.second else 2

    @property
    def _one(self) -> Seen:
        return (self.second,) if self.second else 1

    @property
    def _batch(self) -> int:
        return int(self.setting.batch or 0)

    def _embedded(self, x: NDArray[Any]) -> torch.Tensor:
        z = torch.from_numpy(np.ascontiguousarray(x)) @ torch.from_numpy(self.setting.W).T
        return z if self.setting.bias is None else z + torch.from_numpy(self.setting.bias)

    def _of(self, views: tuple[Any, ...], p: Any, weights: Any, degree: int = 9) -> Callable[[Any], Any]:
        W = torch.from_numpy(self.setting.W)
        z = [self._embedded(one) for one in views]
        arguments: list[torch.Tensor] = []
        if p is not None:
            (chi,), q = self.setting.population(degree, self._one)
            arguments = [
                torch.from_numpy(np.array(p)),
                self._embedded(chi),
                torch.from_numpy(np.array(q)),
            ]
        mean = None if weights is None else torch.from_numpy(np.array(weights))
        extra = self._modified(W)
        embed = self._normalised if "normalised" in self.modifiers else _as_it_is

        def loss(t: torch.Tensor) -> torch.Tensor:
            dtype = torch.complex128 if t.is_complex() else torch.float64
            embedded = [embed(t * one.to(dtype)) for one in z]
            rest = [embed(t * one.to(dtype)) if one.ndim > 1 else one.to(dtype) for one in arguments]
            ordered = [*embedded, *rest]
            value: torch.Tensor = self.loss.evaluate(*ordered, parameters=self.setting.parameters)
            total: torch.Tensor = value if mean is None else (value * mean).sum(-1)
            return total + extra(t)

        return loss

    def _normalised(self, z: torch.Tensor) -> torch.Tensor:
        return on_sphere(z, 1.0 if self.loss.has_temperature else self.setting.parameters["tau"])

    def _modified(self, W: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
        of = self.setting.parameters
        # A penalty that was added before the second encoder is of the first alone.
        added = [name for name in self.modifiers if name in ("norm-penalty", "two-encoders")]
        both = self.second == ENCODER and added != ["norm-penalty", "two-encoders"]
        populations: list[tuple[torch.Tensor, torch.Tensor]] = []
        for seen in (1, self._one)[: 1 + both]:
            (x,), p = self.setting.population(5, seen)
            populations.append((self._embedded(x), torch.from_numpy(np.array(p))))

        def extra(t: torch.Tensor) -> torch.Tensor:
            total = 0 * t
            if "weight-decay" in self.modifiers:
                total = total + weight_decay(t * W, of["gamma"])
            if "norm-penalty" in self.modifiers:
                for z, weights in populations:
                    total = total + norm_penalty(t * z, weights.to(t.dtype), kappa=of["kappa"], c=of["c"])
            return total

        return extra


def _at(function: Callable[[Any], Any], ts: NDArray[Any]) -> NDArray[Any]:
    with torch.no_grad(), one_thread():
        return np.stack([function(torch.tensor(t)).numpy() for t in ts])


def _as_it_is(z: torch.Tensor) -> torch.Tensor:
    return z
