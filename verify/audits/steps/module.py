"""A training module: its weights found among its parameters, its loss, its gradient and its step at given weights."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from derive import InputError
from derive.errors import quoted

Array = NDArray[np.float64]
# Methods by which modules update their target after a step, by the names that they have in public repositories.
AFTER = ("update_moving_average", "update_target", "update_momentum", "momentum_update")
# The size of a step whose displacement is a rate.
STEP = 1e-6


@dataclass(frozen=True)
class Module:
    """A module whose training is audited.

    Attributes:
        module: called with two views (N, d0) each, it returns its loss.
        name: in reports.
        online: the name of the parameter W, (d1, d0).
        predictor: that of P, (d1, d1), trained; "" where there is none.
        copy: that of Wₘ, (d1, d0), not trained; "" where there is none.

    """

    module: nn.Module
    name: str
    online: str
    predictor: str = ""
    copy: str = ""

    @property
    def shape(self) -> tuple[int, int]:
        """(d1, d0)."""
        d1, d0 = dict(self.module.named_parameters())[self.online].shape
        return int(d1), int(d0)

    @property
    def named(self) -> dict[str, str]:
        """The parameters by what they are: "W", "P", "W_m"."""
        found = {"W": self.online, "P": self.predictor, "W_m": self.copy}
        return {name: one for name, one in found.items() if one}

    def at(self, weights: Mapping[str, Array]) -> nn.Module:
        """A fresh copy of the module with weights put in; nothing that a call changes is kept."""
        fresh = copy.deepcopy(self.module)
        there = {**dict(fresh.named_parameters()), **dict(fresh.named_buffers())}
        with torch.no_grad():
            for name, value in weights.items():
                there[self.named[name]].copy_(torch.from_numpy(np.ascontiguousarray(value)))
        return fresh

    def loss(self, weights: Mapping[str, Array], views: tuple[Array, Array], held: Held | None = None) -> float:
        """The value of the loss; with what is detached as it was when it was first called with ``held``."""
        fresh = self.at(weights)
        with torch.no_grad(), held or nullcontext():
            return float(self._called(fresh, views, 0))

    def copied_inside(self, weights: Mapping[str, Array], views: tuple[Array, Array]) -> bool:
        """Whether the copy moves while the loss is computed, rather than after a step."""
        if not self.copy:
            return False
        fresh = self.at(weights)
        self._called(fresh, views, 0)
        now = {**dict(fresh.named_parameters()), **dict(fresh.named_buffers())}[self.copy].detach().numpy()
        return bool(np.abs(now - weights["W_m"]).max() > 0)

    def gradient(self, weights: Mapping[str, Array], views: tuple[Array, Array], seed: int = 0) -> dict[str, Array]:
        """Autograd's gradient in W and P, as the module detaches; 0 where none reaches them."""
        fresh = self.at(weights)
        value = self._called(fresh, views, seed)
        trained = {name: dict(fresh.named_parameters())[one] for name, one in self.named.items() if name != "W_m"}
        slopes: tuple[Tensor | None, ...] = torch.autograd.grad(value, list(trained.values()), allow_unused=True)
        return {
            name: (torch.zeros_like(one) if slope is None else slope).detach().numpy().astype(float)
            for (name, one), slope in zip(trained.items(), slopes, strict=True)
        }

    def step(self, weights: Mapping[str, Array], views: tuple[Array, Array], seed: int = 0) -> dict[str, Array]:
        """What a step of plain SGD does, by its size; Wₘ moves as the module has it, however small the step."""
        fresh = self.at(weights)
        there = {**dict(fresh.named_parameters()), **dict(fresh.named_buffers())}
        before = {name: there[one].detach().clone() for name, one in self.named.items()}
        trained = [one for one in fresh.parameters() if one.requires_grad]
        optimiser = torch.optim.SGD(trained, lr=STEP)
        optimiser.zero_grad()
        torch.autograd.backward(self._called(fresh, views, seed))
        optimiser.step()
        for name in AFTER:
            if callable(method := getattr(fresh, name, None)) and not needs_arguments(method):
                method()
                break
        moved = {name: (there[one].detach() - before[name]).numpy().astype(float) for name, one in self.named.items()}
        return {name: one if name == "W_m" else one / STEP for name, one in moved.items()}

    def _called(self, fresh: nn.Module, views: tuple[Array, Array], seed: int) -> Tensor:
        torch.manual_seed(seed)
        try:
            found = fresh(*(torch.from_numpy(np.ascontiguousarray(one)) for one in views))
        except Exception as error:
            message = f"{self.name} raised {type(error).__name__} when called with two views of data: {error}"
            raise InputError(message.splitlines()[0]) from error
        found = found[0] if isinstance(found, tuple) and len(found) else found
        if not isinstance(found, Tensor) or found.numel() != 1 or not bool(torch.isfinite(found).all()):
            raise InputError(f"{self.name} returns no finite number when called with two views of data")
        return found.reshape(())


class Held:
    """What a module detaches, kept from its first call and put back in the later ones: the field by values.

    ``with held: …``. What is stopped in another way, under ``no_grad`` or by ``.data``, is not seen.
    """

    def __init__(self) -> None:
        """Nothing is kept yet."""
        self._kept: list[Tensor] = []
        self._calls = 0

    def __enter__(self) -> None:
        """Take the place of ``Tensor.detach``."""
        self._plain = torch.Tensor.detach
        replayed = iter(self._kept) if self._calls else None
        self._calls += 1

        def detach(tensor: Tensor) -> Tensor:
            found = self._plain(tensor)
            if replayed is None:
                self._kept.append(found.clone())
                return found
            kept = next(replayed, found)
            return kept if kept.shape == found.shape else found

        setattr(torch.Tensor, "detach", detach)  # noqa: B010 (a type checker would not have it assigned)

    def __exit__(self, *_: object) -> None:
        """Give it back."""
        setattr(torch.Tensor, "detach", self._plain)  # noqa: B010


def needs_arguments(function: Callable[..., Any]) -> bool:
    """Whether it cannot be called without arguments."""
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.POSITIONAL_ONLY)
    taken = inspect.signature(function).parameters.values()
    return any(one.kind in kinds and one.default is inspect.Parameter.empty for one in taken)


class _WithPredictor(nn.Module):
    """A loss of predictions and embeddings with its predictor, behind a linear encoder: what a tuple stands for."""

    def __init__(self, loss: Callable[..., Any], predictor: nn.Module, d0: int, *, of_four: bool) -> None:
        super().__init__()
        size = next(one for one in predictor.parameters() if one.ndim == 2).shape[1]
        self.encoder = nn.Linear(d0, int(size), bias=False, dtype=torch.float64)
        self.predictor = predictor
        self._loss, self._of_four = loss, of_four

    def forward(self, x1: Tensor, x2: Tensor) -> Any:
        z1, z2 = self.encoder(x1), self.encoder(x2)
        p1, p2 = self.predictor(z1), self.predictor(z2)
        return self._loss(p1, p2, z1, z2) if self._of_four else (self._loss(p1, z2) + self._loss(p2, z1)) / 2


def is_pair(target: object) -> bool:
    """Whether a target is (loss, predictor): a function D(p, z), or of (p1, p2, z1, z2), and a module of z."""
    return isinstance(target, tuple) and len(target) == 2 and callable(target[0]) and isinstance(target[1], nn.Module)


def trains(target: object) -> bool:
    """Whether a target is a module that embeds its views itself, rather than a loss of features with weights in it.

    A loss takes features of any dimension; a trained matrix that is not square does not, and of square ones there are
    several, W and P, or one with a copy that is not trained.

    >>> trains(nn.Linear(3, 2)), trains(nn.Linear(2, 2)), trains(nn.MSELoss())
    (True, False, False)
    """
    if not isinstance(target, nn.Module):
        return False
    matrices = [one for one in target.parameters() if one.ndim == 2]
    trained = [one for one in matrices if one.requires_grad]
    return any(one.shape[0] != one.shape[1] for one in trained) or (bool(trained) and len(matrices) > 1)


def training_module(target: Any) -> Any:
    """The training module or (loss, predictor) that a target is, a class made without arguments; None for a loss."""
    if is_pair(target) or trains(target):
        return target
    if inspect.isclass(target) and issubclass(target, nn.Module) and not needs_arguments(target):
        try:
            made = target()
        except Exception:  # noqa: BLE001 (it is code of the user, and is refused where losses are made)
            return None
        return made if trains(made) else None
    return None


def as_module(target: Any, name: str) -> Module:
    """The module that a target is or stands for, in double precision.

    Args:
        target: a module called with two views that returns its loss, or (loss, predictor).
        name: in messages.

    Raises:
        InputError: its weights are not those of a linear encoder, or a predictor has no matrix.

    """
    if is_pair(target):
        loss, predictor = target
        takes = [one for one in inspect.signature(loss).parameters.values() if one.default is inspect.Parameter.empty]
        if len(takes) not in (2, 4):
            raise InputError(f"{name}: the loss takes (p, z), or (p1, p2, z1, z2), not {len(takes)} arguments")
        if not any(one.ndim == 2 for one in predictor.parameters()):
            raise InputError(f"{name}: the predictor has no matrix; give a module with a linear layer")
        size = next(one for one in predictor.parameters() if one.ndim == 2).shape[1]
        target = _WithPredictor(loss, copy.deepcopy(predictor).double(), int(size) + 1, of_four=len(takes) == 4)
    module = copy.deepcopy(target).double()
    matrices = {key: one for key, one in module.named_parameters() if one.ndim == 2}
    trained = {key: one for key, one in matrices.items() if one.requires_grad}
    encoders = {key: one for key, one in trained.items() if one.shape[0] != one.shape[1]} or trained
    if not encoders:
        raise InputError(f"{name} has no trained matrix to take for a linear encoder")
    online, W = next(iter(encoders.items()))
    square = (W.shape[0], W.shape[0])
    predictors = [key for key, one in trained.items() if tuple(one.shape) == square and key != online]
    held = {**{key: one for key, one in matrices.items() if not one.requires_grad}, **dict(module.named_buffers())}
    copies = [key for key, one in held.items() if one.shape == W.shape]
    if len(encoders) > 1 or len(predictors) > 1:
        extra = list(encoders)[1] if len(encoders) > 1 else predictors[1]
        message = f"{name} has further matrices, as {quoted(extra)}: its encoder or predictor is not linear"
        raise InputError(f"{message}; give them one layer each, without activation")
    return Module(module, name, online, *(next(iter(one), "") for one in (predictors, copies)))
