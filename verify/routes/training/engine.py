"""Gradient descent on many models at once: Adam or SGD, fresh noise each step, early stop model by model.

The models of a batch share nothing but the random numbers of their data; each has its own weights and the optimiser's
state, so that the batch does what a loop over models would do, in a fraction of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import cos, pi
from typing import Any, Literal

import torch
from torch import Tensor

from derive import InputError
from verify.routes.training.data import Data
from verify.routes.training.models import Model, Weights
from verify.running.threads import one_thread
from verify.truths.batched import BatchedLoss, batched
from verify.truths.torch_losses import norm_penalty

# Steps between checks of the losses: each check waits for the processor or the accelerator.
LOOK = 50


@dataclass(frozen=True)
class Plan:
    """How models are trained.

    Attributes:
        optimiser: "adam" (β₁ = 0.9, β₂ = 0.999, ε = 1e-8, as published) or "sgd".
        rate: the learning rate.
        steps: the largest number of steps.
        decay: "constant", or "cosine" to bring the rate to 0 over the steps.
        momentum: of SGD.
        weight_decay: γ of γ|W|² on the last layer, γ(|W|² + |V|²) with two encoders; a number, or a value per model.
        norm_penalty: κ and c of κ(E|f(x)|² − c)², numbers or values per model; None without.
        tolerance: a model stops when WᵀW, averaged over a window of `window` steps, has moved by less than this
            fraction since the previous window; None to make all steps.
        window: see ``tolerance``.
        tail: the fraction of the steps, at the end, over which WᵀW is averaged.

    """

    optimiser: Literal["adam", "sgd"] = "adam"
    rate: float = 6e-4
    steps: int = 5000
    decay: Literal["constant", "cosine"] = "constant"
    momentum: float = 0.0
    weight_decay: Any = 0.0
    norm_penalty: tuple[Any, Any] | None = None
    tolerance: float | None = None
    window: int = 250
    tail: float = 0.2

    def __post_init__(self) -> None:
        """Refuse a plan that cannot be carried out."""
        if not (self.rate > 0 and self.steps >= 1 and self.window >= 1):
            message = f"rate = {self.rate}, steps = {self.steps}, window = {self.window}: all must be positive"
            raise InputError(message)
        for name, value, known in (
            ("optimiser", self.optimiser, ("adam", "sgd")),
            ("decay", self.decay, ("constant", "cosine")),
        ):
            if value not in known:
                message = f"{name} = {value!r}: there are {' and '.join(known)}"
                raise InputError(message)

    def rate_at(self, step: int) -> float:
        """The learning rate of a step, the first being 0.

        >>> Plan(rate=1.0, steps=4, decay="cosine").rate_at(2)
        0.5
        """
        return self.rate if self.decay == "constant" else self.rate * (1 + cos(pi * step / self.steps)) / 2


@dataclass(frozen=True, eq=False)
class Trained:
    """The end of a training run.

    Attributes:
        weights: of all models, (m, …) each.
        loss: (m,), the loss at the last step that each made.
        steps: (m,), the number of steps of each.
        stopped: (m,) of bool, whether it stopped because it had converged.
        gram: (m, features, features), WᵀW at the end; with two encoders (m, d0, d0'), WᵀV.
        averaged: the same, averaged over the tail of the steps; for a model that stopped early, over its last window.

    """

    weights: Weights
    loss: Tensor
    steps: Tensor
    stopped: Tensor
    gram: Tensor
    averaged: Tensor


def train(
    model: Model,
    data: Data,
    loss: str | Callable[..., Tensor] | BatchedLoss,
    plan: Plan,
    *,
    models: int,
    generator: torch.Generator,
    parameters: Mapping[str, Any] | None = None,
    weights: Weights | None = None,
    dtype: torch.dtype = torch.float32,
    scale: float = 1.0,
    watch: Callable[[float, Tensor], None] | None = None,
) -> Trained:
    """Train a batch of models, on the device of the generator.

    Args:
        model: their shape.
        data: what they are trained on, in the same precision and on the same device.
        loss: a catalogue name, or a torch function of two views of a batch.
        plan: how to train.
        models: their number m.
        generator: of all random numbers; initial weights are drawn first.
        parameters: of the loss, numbers or tensors (m,).
        weights: to begin with; random ones unless given.
        dtype: torch.float32 or torch.float64.
        scale: of random weights, see `Model.initial`.
        watch: called after each step with the time, the sum of the learning rates so far, and WᵀW (or WᵀV).

    Raises:
        InputError: training diverges, or a loss is not a finite number.

    >>> from verify.routes.training.data import TrainingSet
    >>> generator = torch.Generator().manual_seed(0)
    >>> points = torch.randn(1, 20, 2, generator=generator)
    >>> data = TrainingSet(points, torch.tensor([0.1, 3.0])[:, None, None].expand(2, 1, 2))
    >>> end = train(Model(2, 2), data, "infonce-batch", Plan(steps=200, rate=1e-2), models=2, generator=generator)
    >>> bool(end.gram[0].trace() > 4 * end.gram[1].trace())
    True

    """
    run = _Run(
        model,
        data,
        loss if isinstance(loss, BatchedLoss) else batched(loss),
        plan,
        generator,
        dict(parameters or {}),
        watch,
    )
    begin = weights if weights is not None else model.initial(models, generator, scale=scale)
    with one_thread():
        return run.through({name: one.to(generator.device, dtype).clone() for name, one in begin.items()})


@dataclass(eq=False)
class _Run:
    model: Model
    data: Data
    loss: BatchedLoss
    plan: Plan
    generator: torch.Generator
    parameters: dict[str, Any]
    watch: Callable[[float, Tensor], None] | None = None
    first: Weights = field(default_factory=dict)
    second: Weights = field(default_factory=dict)

    def through(self, weights: Weights) -> Trained:
        plan = self.plan
        m = len(weights["W"])
        device = self.generator.device
        self.first = {name: torch.zeros_like(one) for name, one in weights.items()}
        self.second = {name: torch.zeros_like(one) for name, one in weights.items()}
        gram, total, before = (torch.zeros_like(self.model.product(weights)) for _ in range(3))
        losses = weights["W"].new_zeros(m)
        steps = torch.full((m,), plan.steps, device=device)
        going = torch.ones(m, dtype=torch.bool, device=device)
        tail, counted = plan.steps - max(1, round(plan.tail * plan.steps)), 0
        kept = {name: one.clone() for name, one in weights.items()}
        averaged = torch.zeros_like(gram)
        time = 0.0
        for step in range(plan.steps):
            value, slopes = self.slopes(weights)
            if step % LOOK == 0 or step == plan.steps - 1:
                self.check(value, step)
            self.move(weights, slopes, step)
            gram = self.model.product(weights)
            time += plan.rate_at(step)
            if self.watch is not None:
                self.watch(time, gram)
            if plan.tolerance is None:
                if step >= tail:
                    total += gram
                    counted += 1
                continue
            total += gram
            counted += 1
            if counted < plan.window and step < plan.steps - 1:
                continue
            mean = total / counted
            moved = (mean - before).flatten(1).norm(dim=1) / mean.flatten(1).norm(dim=1).clamp_min(1e-30)
            done = going & (moved < plan.tolerance) if step >= plan.window else torch.zeros_like(going)
            # A model that has converged keeps its present weights; the rest go on.
            for name, one in weights.items():
                kept[name][going] = one[going]
            losses[going], averaged[going] = value[going], mean[going]
            steps[done] = step + 1
            going = going & ~done
            before, total, counted = mean, torch.zeros_like(total), 0
            if not going.any():
                break
        if plan.tolerance is None:
            kept, losses, averaged, done = weights, value, total / counted, torch.zeros_like(going)
            return Trained(kept, losses, steps, done, gram, averaged)
        return Trained(kept, losses, steps, ~going, self.model.product(kept), averaged)

    def slopes(self, weights: Weights) -> tuple[Tensor, Weights]:
        """The loss of each model and its gradient."""
        for one in weights.values():
            one.requires_grad_()
        x = self.data.views(self.loss.views, self.generator)
        batches = self.data.batches
        each = {name: one.repeat_interleave(batches, 0) for name, one in weights.items()} if batches > 1 else weights
        z = self.model.embedded(each, x)
        value = self.loss(z, self.parameters)
        if batches > 1:
            value = value.reshape(-1, batches).mean(-1)
        if self.plan.norm_penalty is not None:
            # The mean of |f|² is over all batches of a model: its square is not a mean of squares.
            every = z[0].reshape(len(value), -1, z[0].shape[-1])
            value = value + norm_penalty(every, None, *self.plan.norm_penalty)
        decays = sum((weights[name] ** 2).sum((-2, -1)) for name in ("W", "V") if name in weights)
        value = value + self.plan.weight_decay * decays
        slopes = torch.autograd.grad(value.sum(), list(weights.values()))
        for one in weights.values():
            one.requires_grad_(False)  # noqa: FBT003 (torch's own signature)
        return value.detach(), dict(zip(weights, slopes, strict=True))

    def move(self, weights: Weights, slopes: Weights, step: int) -> None:
        """One step of the optimiser, in place."""
        rate = self.plan.rate_at(step)
        for name, one in weights.items():
            slope, first, second = slopes[name], self.first[name], self.second[name]
            if self.plan.optimiser == "sgd":
                first.mul_(self.plan.momentum).add_(slope)
                one.sub_(first, alpha=rate)
                continue
            first.mul_(0.9).add_(slope, alpha=0.1)
            second.mul_(0.999).addcmul_(slope, slope, value=0.001)
            root = (second / (1 - 0.999 ** (step + 1))).sqrt_().add_(1e-8)
            one.addcdiv_(first, root, value=-rate / (1 - 0.9 ** (step + 1)))

    def check(self, value: Tensor, step: int) -> None:
        """Refuse to go on with a loss that is not a number."""
        bad = int((~value.isfinite()).sum())
        if not bad:
            return
        if step == 0:
            message = f"the loss of {bad} of {len(value)} models is not a finite number before the first step"
            raise InputError(f"{message}; start from other weights, or check the loss")
        message = f"training diverged within {step} steps for {bad} of {len(value)} models at learning rate"
        raise InputError(f"{message} {self.plan.rate:g}; lower the rate")
