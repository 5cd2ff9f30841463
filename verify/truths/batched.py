"""Losses of many models at once: those of the catalogue, and torch functions of one batch.

Views are (m, n, d), m models at a time, and a loss gives (m,). Parameters are numbers, or tensors (m,) with a value for
each model. A loss of batches takes two views of the same n data. A population loss takes a third, of any k data, for χ;
means over the population are then means over what is given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from derive import InputError
from verify.truths.fast_losses import FAST_LOSSES
from verify.truths.torch_losses import TORCH_LOSSES, Parameter, TorchLoss, keywords

Parameters = Mapping[str, Parameter]
Function = Callable[..., Tensor]


@dataclass(frozen=True)
class BatchedLoss:
    """A loss of many models at once.

    Attributes:
        views: 2 for a loss of batches, 3 for one of populations.
        function: (views…, parameters by keyword) → (m,).

    """

    views: int
    function: Function

    def __call__(self, views: tuple[Tensor, ...], parameters: Parameters) -> Tensor:
        """The loss of each model; parameters under their catalogue names."""
        return self.function(*views, **keywords(parameters))


def batched(loss: str | Function) -> BatchedLoss:
    """A catalogue loss by name, or a torch function ``loss(z1, z2)`` of two views of one batch, (n, d) each.

    A catalogue loss has a fast form, or else is the definition itself. A function is mapped over the models by
    `torch.func.vmap` where that works, and called once per model elsewhere.

    >>> z = torch.eye(2).repeat(3, 1, 1)
    >>> batched(lambda z1, z2: (z1 - z2).abs().sum())((z, 2 * z), {})
    tensor([2., 2., 2.])

    Raises:
        InputError: a name that is not in the catalogue.

    """
    if isinstance(loss, str):
        if loss not in TORCH_LOSSES:
            message = f"there is no loss {loss!r} to train; there are: {', '.join(TORCH_LOSSES)}"
            raise InputError(message)
        by_hand = TORCH_LOSSES[loss]
        return BatchedLoss(2 if by_hand.over_batch else 3, FAST_LOSSES.get(loss) or _plain(by_hand))
    function = loss

    def one_by_one(z1: Tensor, z2: Tensor) -> Tensor:
        return torch.stack([torch.as_tensor(function(a, b)) for a, b in zip(z1, z2, strict=True)])

    mapped: list[Function] = []

    def mapped_or_looped(z1: Tensor, z2: Tensor) -> Tensor:
        if not mapped:
            mapped.append(_if_equal(torch.func.vmap(function), one_by_one, (z1, z2)))
        return mapped[0](z1, z2)

    return BatchedLoss(2, mapped_or_looped)


def _plain(loss: TorchLoss) -> Function:
    """The definition, called on all models at once where they share their parameters, else mapped over them."""

    def of_all(*views: Tensor, **parameters: Parameter) -> Tensor:
        each = {name: value for name, value in parameters.items() if torch.is_tensor(value) and value.ndim}
        shared = {name: value for name, value in parameters.items() if name not in each}

        def of(views: tuple[Tensor, ...], own: Parameters) -> Tensor:
            if loss.over_batch:
                return loss.function(*views, **shared, **own)
            x, x_pos, chi = views
            return loss.function(x, x_pos, None, chi, None, **shared, **own)

        return torch.func.vmap(of)(views, each) if each else of(views, {})

    return of_all


def _if_equal(fast: Function, plain: Function, views: tuple[Tensor, Tensor]) -> Function:
    """The fast way, where it runs and gives the same numbers."""
    with torch.no_grad():
        expected = plain(*views)
        try:
            same = torch.allclose(fast(*views), expected, rtol=1e-4, atol=1e-6)
        except Exception:  # noqa: BLE001 (whatever vmap does not support)
            return plain
    return fast if same else plain
