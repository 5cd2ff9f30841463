"""The features of a torch module: the input of its last linear layer, seen by a hook while the module runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from derive import InputError
from verify.networks.last_layer.features import Features
from verify.networks.last_layer.head import Head, head_of
from verify.networks.last_layer.running import output_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

Augmentation = Callable[[Tensor, torch.Generator], Tensor]


def features_of(
    module: nn.Module,
    batches: Iterable[Sequence[Tensor]],
    *,
    layer: str | None = None,
    source: str = "",
    device: str | torch.device = "cpu",
    out: Sequence[NDArray[Any]] | None = None,
) -> Features:
    """Run a network once over views of data and keep what its last linear layer is given.

    The module runs in evaluation mode and without gradients, and is put back as it was.

    Args:
        module: the network; called with one view of a batch at a time.
        batches: of the data in turn; each a sequence of views (n, …) of the same data, as `augmented` gives.
        layer: the name of the last linear layer; found unless given.
        source: of the data, for reports.
        device: where the module runs.
        out: arrays (N, d0), one a view, to be filled, such as memory maps; made unless given.

    Returns:
        Features in single precision, with the layer's weights; a batch norm after it is folded in, and what else
        follows is named (`verify.networks.last_layer.head`). Where the layer takes more than one vector a datum (the
        tokens of a transformer), that is refused.

    Raises:
        InputError: no such layer, a layer that did not run or is not given one vector a datum, features not finite.

    >>> net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    >>> features = features_of(net, [(torch.ones(5, 3), torch.zeros(5, 3))])
    >>> features.N, features.d0, features.layer
    (5, 4, '2')

    """
    head: Head | None = None
    kept: list[list[NDArray[Any]]] = []
    filled = 0
    with _evaluating(module, device), torch.no_grad():
        for batch in batches:
            seen = [view.to(device) for view in batch]
            head = head or head_of(module, seen[0], layer)
            phis = [_input_of(head.layer, head.name, module, view) for view in seen]
            n = len(phis[0])
            if out is None:
                kept.append(phis)
            else:
                for target, phi in zip(out, phis, strict=True):
                    target[filled : filled + n] = phi
            filled += n
    if not filled or head is None:
        raise InputError("there are no data to run the network on")
    views: list[NDArray[Any]] = [np.concatenate(one) for one in zip(*kept, strict=True)]
    if out is not None:
        views = [one[:filled] for one in out]
    W, b = head.W.double().cpu().numpy(), None if head.b is None else head.b.double().cpu().numpy()
    told = source or f"{type(module).__name__}, layer {head.name}"
    return Features(tuple(views), W, b, told, head.name, head.notes, head.normalised)


def augmented(
    images: Tensor, augmentation: Augmentation, generator: torch.Generator, *, views: int = 2, batch: int = 256
) -> Iterator[tuple[Tensor, ...]]:
    """Independent views of data, a batch at a time.

    Args:
        images: (N, …).
        augmentation: ``(x, generator) → x``, one random view of each datum.
        generator: of all random numbers.
        views: how many of each datum.
        batch: data in a batch.

    >>> noise = lambda x, g: x + torch.randn(x.shape, generator=g)
    >>> [len(one) for one in augmented(torch.zeros(3, 2), noise, torch.Generator().manual_seed(0), batch=2)]
    [2, 2]

    """
    for start in range(0, len(images), batch):
        x = images[start : start + batch]
        yield tuple(augmentation(x, generator) for _ in range(views))


def _input_of(last: nn.Linear, name: str, module: nn.Module, x: Tensor) -> NDArray[Any]:
    """The input of the layer when the module runs on x, (n, d0)."""
    seen: list[Tensor] = []
    handle = last.register_forward_pre_hook(lambda _, given: seen.append(given[0].detach()))
    try:
        output_of(module, x)
    finally:
        handle.remove()
    if len(seen) != 1:
        times = "did not run" if not seen else f"ran {len(seen)} times"
        raise InputError(f"layer {name!r} {times} when the network ran; name the layer that gives its output")
    phi = seen[0]
    if phi.shape != (len(x), last.in_features):
        shape = tuple(phi.shape)
        raise InputError(f"layer {name!r} is given {shape}, not one vector a datum ({len(x)}, {last.in_features})")
    found: NDArray[Any] = phi.float().cpu().numpy()
    return found


@contextmanager
def _evaluating(module: nn.Module, device: str | torch.device) -> Iterator[None]:
    training = {one: one.training for one in module.modules()}
    module.eval().to(device)
    try:
        yield
    finally:
        for one, before in training.items():
            one.training = before
