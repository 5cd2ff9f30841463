"""Several processes on one batch: each sees its share of the images, and all of them the loss of the whole batch.

With R processes started by ``torchrun``, each embeds n/R images, gathers the embeddings of all, and takes L/R, L the
loss of the whole batch, as its share of the loss. There is one primitive, a sum over the processes. Its gradient is
that of the sum of all shares: for y = Σ_r x_r, ∂/∂x_r = Σ_s ∂L_s/∂y, the same sum again. The gradient of L in the
weights is the sum over the processes of what each finds in its own copy. Batch normalisation takes its means over all.

So R processes compute what one computes, up to rounding. Where no process group was started, R = 1 and all of this
changes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from derive import InputError


class _Summed(torch.autograd.Function):
    """Σ_r x_r. Torch's own form with a gradient is deprecated, and what is to replace it is private."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        del ctx
        y = x.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(y)
        return y

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> Tensor:
        del ctx
        slope: Tensor = _Summed.apply(outer[0])  # type: ignore[no-untyped-call]
        return slope


def processes() -> tuple[int, int]:
    """Which process this is, and how many there are.

    >>> processes()
    (0, 1)
    """
    return (dist.get_rank(), dist.get_world_size()) if dist.is_available() and dist.is_initialized() else (0, 1)


def summed(x: Tensor) -> Tensor:
    """Σ_r x_r, with its gradient.

    >>> summed(torch.tensor([1.0, 2.0]))
    tensor([1., 2.])
    """
    if processes()[1] == 1:
        return x
    total: Tensor = _Summed.apply(x)  # type: ignore[no-untyped-call]
    return total


def share(whole: Tensor) -> Tensor:
    """This process's rows of the whole batch."""
    rank, number = processes()
    return whole.tensor_split(number)[rank]


def gathered(rows: Tensor) -> Tensor:
    """The rows of all processes, as many in each, in the order of the processes, with their gradient.

    >>> gathered(torch.eye(2)).shape
    torch.Size([2, 2])
    """
    rank, number = processes()
    if number == 1:
        return rows
    places = nn.functional.one_hot(torch.tensor(rank), number).to(rows)
    return summed(places[:, None, None] * rows).flatten(0, 1)


def sum_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Put the sum over the processes in place of each gradient, in one message."""
    if processes()[1] == 1:
        return
    slopes = [one.grad for one in parameters if one.grad is not None]
    together = torch.cat([one.flatten() for one in slopes])
    dist.all_reduce(together)
    for one, total in zip(slopes, torch.split(together, [one.numel() for one in slopes]), strict=True):
        one.copy_(total.view_as(one))


class _BatchNorm(nn.modules.batchnorm._BatchNorm):  # noqa: SLF001 (the common base of all of torch's, which it exports nowhere else)
    """Batch normalisation with means over all processes. Torch's own refuses to work on a processor."""

    def _check_input_dim(self, input: Tensor) -> None:  # noqa: A002 (torch's own signature)
        del input

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        over = [dim for dim in range(x.ndim) if dim != 1]
        shape = [1, -1] + [1] * (x.ndim - 2)
        wide = x.float()
        count = x.numel() // x.shape[1] * processes()[1]
        mean = summed(wide.sum(over)) / count
        centred = wide - mean.view(shape)
        variance = summed(centred.square().sum(over)) / count
        self._remember(mean.detach(), variance.detach() * count / (count - 1))
        scale = self.weight / torch.sqrt(variance + self.eps)
        return (centred * scale.view(shape) + self.bias.view(shape)).to(x.dtype)

    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        """Running statistics, as torch keeps them."""
        if self.running_mean is None or self.running_var is None or self.momentum is None:
            return
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance, self.momentum)
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)


def synchronised(network: nn.Module) -> nn.Module:
    """The network with its batch normalisations, in place, taken over all processes; the same weights.

    >>> kinds = [type(one).__name__ for one in synchronised(nn.Sequential(nn.BatchNorm1d(3), nn.ReLU()))]
    >>> kinds
    ['_BatchNorm', 'ReLU']
    """
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.modules.batchnorm._BatchNorm):  # noqa: SLF001 (see there)
                other = _BatchNorm(child.num_features, child.eps, child.momentum)
                other.__dict__.update(child.__dict__)
                parent.add_module(name, other)
    return network


def local_device(name: str | None = None) -> torch.device:
    """A device by its name; without one the accelerator of this process, or the processor.

    Raises:
        InputError: torch knows no such device, or there is none here.

    >>> local_device("cpu")
    device(type='cpu')

    """
    try:
        device = torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
    except RuntimeError:
        raise InputError(f"there is no device {name!r}; give cpu, or cuda where there is an accelerator") from None
    if device.type == "cuda":
        if not torch.cuda.is_available():
            raise InputError("torch sees no CUDA device here; give cpu, or leave the device out")
        device = torch.device("cuda", device.index or int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
    return device


@contextmanager
def process_group(device: torch.device) -> Iterator[None]:
    """The process group that ``torchrun`` asks for, inside a ``with``; nothing without ``torchrun``."""
    if "RANK" not in os.environ or not dist.is_available():
        yield
        return
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield
    finally:
        dist.destroy_process_group()
