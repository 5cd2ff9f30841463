"""The head of a network: its last linear layer, and what happens to that layer's output before it leaves the network.

A batch norm in evaluation mode is an affine map, so that it and the linear layer before it are one, with W′ = D W and
b′ = D (b − m) + β, D = diag(γ/√(v + ε)). A normalisation f/|f| belongs to the loss. A predictor, the part of BYOL and
SimSiam that training alone uses, is not the projector: its layers are passed over. All of it is read off one run of the
network, from which tensor each module was given, whatever modules are called.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from derive import InputError
from derive.errors import did_you_mean, nearest
from verify.networks.last_layer.running import output_of, tensors_in

# A predictor in the names that people give it: predictor, online_predictor, prediction_head, prediction_mlp.
PREDICTOR = re.compile(r"(^|[._])pred")
# Passed through unchanged in evaluation mode.
_SAME = (nn.Identity, nn.Dropout, nn.Flatten, nn.AlphaDropout)
# Two tensors in single precision are the same.
_EQUAL = 1e-4


@dataclass(frozen=True, eq=False)
class Head:
    """The last linear layer of a network, with what follows it.

    Attributes:
        name: of the layer, as in ``module.named_modules()``.
        layer: itself.
        W: (d1, d0), with a batch norm after it folded in.
        b: (d1,); None without one.
        normalised: whether the network divides the output by its length.
        notes: what was found, a sentence each.

    """

    name: str
    layer: nn.Linear
    W: Tensor
    b: Tensor | None
    normalised: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _Call:
    """A module without parts of its own, what it was given and what it gave."""

    name: str
    module: nn.Module
    given: Tensor
    gave: Tensor


def last_linear(module: nn.Module, name: str | None = None) -> tuple[str, nn.Linear]:
    """A linear layer of a module by its name, or the last that is registered outside a predictor.

    Args:
        module: the network.
        name: as in ``module.named_modules()``; the last linear layer unless given.

    Raises:
        InputError: no such layer, or one that is not linear.

    >>> last_linear(nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)))
    ('2', Linear(in_features=4, out_features=2, bias=True))

    """
    linear = {key: one for key, one in module.named_modules() if isinstance(one, nn.Linear)}
    if name is None:
        if not linear:
            raise InputError(
                f"the network, a {type(module).__name__}, has no linear layer; its last layer is to be one"
            )
        own = [key for key in linear if not PREDICTOR.search(key)] or list(linear)
        return own[-1], linear[own[-1]]
    known = dict(module.named_modules())
    if name not in known:
        listed = f"its last linear layers: {', '.join(list(linear)[-6:]) or 'none'}"
        raise InputError(did_you_mean(f"the network has no layer {name!r}", nearest(name, linear), listed))
    found = known[name]
    if not isinstance(found, nn.Linear):
        raise InputError(f"layer {name!r} is a {type(found).__name__}, not linear; f = W φ + b needs torch.nn.Linear")
    return name, found


def head_of(module: nn.Module, x: Tensor, name: str | None = None) -> Head:
    """The head of a network, from one run over some data.

    Args:
        module: the network, in evaluation mode.
        x: some data, as the network takes them.
        name: of the layer; unless given, the last linear one that runs outside a predictor.

    Raises:
        InputError: no such layer, or a network that fails on these data.

    >>> net = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).eval()
    >>> found = head_of(net, torch.ones(4, 3))
    >>> found.name, found.notes
    ('0', ('batch norm 1 after the layer is part of W and b here',))

    """
    named, layer = last_linear(module, name)
    calls, outputs = _run(module, x)
    ran = [one for one in calls if isinstance(one.module, nn.Linear)]
    own = [one for one in ran if not PREDICTOR.search(one.name)]
    notes = []
    if name is None:
        # Layers that ran, in the order of the run; the last registered one may not be the last that runs.
        for one in (own or ran)[-1:]:
            named, layer = one.name, one.module  # type: ignore[assignment]
        predicted = [one.name for one in ran if PREDICTOR.search(one.name)]
        if predicted and own:
            notes.append(f"{_group(predicted)} is taken for a predictor; --layer {predicted[-1]} looks at it instead")
    times = [one for one in ran if one.module is layer]
    W = layer.weight.detach()
    bias: Tensor | None = layer.bias
    b = None if bias is None else bias.detach()
    if len(times) != 1:
        return Head(named, layer, W, b, notes=tuple(notes))
    W, b, end, said, whole = _folded(times[0], calls, W, b)
    notes += said
    given = list(tensors_in(outputs))
    normalised = whole and not _among(end, given) and _among(nn.functional.normalize(end, dim=-1), given)
    if normalised:
        notes.append("the network divides its output by its length: the loss is taken of unit vectors")
    elif whole and not _among(end, given) and not _fed(end, calls):
        notes.append(f"the network's output is not that of layer {named}: what follows it is left out")
    return Head(named, layer, W, b, normalised, tuple(notes))


def _folded(
    first: _Call, calls: Sequence[_Call], W: Tensor, b: Tensor | None
) -> tuple[Tensor, Tensor | None, Tensor, list[str], bool]:
    """W and b with the batch norms that follow, the last tensor, what is said, and whether nothing else follows."""
    end = first.gave
    said: list[str] = []
    place = next(k for k, one in enumerate(calls) if one is first)
    while True:
        # An identity gives the tensor that it is given: only what runs later is looked at.
        later = (k for k in range(place + 1, len(calls)) if calls[k].given is end)
        place = next(later, len(calls))
        after = calls[place] if place < len(calls) else None
        if after is None or PREDICTOR.search(after.name) or isinstance(after.module, nn.Linear):
            return W, b, end, said, True
        if isinstance(after.module, nn.BatchNorm1d | nn.SyncBatchNorm) and after.module.running_mean is not None:
            W, b = _with_batch_norm(after.module, W, b)
            said.append(f"batch norm {after.name} after the layer is part of W and b here")
        elif not isinstance(after.module, _SAME):
            kind = type(after.module).__name__
            said.append(f"layer {after.name}, a {kind}, follows: its output is no linear map of features; left out")
            return W, b, end, said, False
        end = after.gave


def _with_batch_norm(norm: Any, W: Tensor, b: Tensor | None) -> tuple[Tensor, Tensor]:
    """A linear map and the batch norm after it as one, in evaluation mode."""
    scale = (norm.running_var + norm.eps).rsqrt()
    if norm.weight is not None:
        scale = scale * norm.weight.detach()
    shift = -norm.running_mean if b is None else b - norm.running_mean
    shift = shift * scale
    return W * scale[:, None], shift if norm.bias is None else shift + norm.bias.detach()


def _run(module: nn.Module, x: Tensor) -> tuple[list[_Call], Any]:
    """What each module without parts was given and gave, in the order of the run, and the network's output."""
    calls: list[_Call] = []

    def keep(name: str) -> Any:
        def hook(one: nn.Module, given: tuple[Any, ...], gave: Any) -> None:
            if given and isinstance(given[0], Tensor) and isinstance(gave, Tensor):
                calls.append(_Call(name, one, given[0], gave))

        return hook

    handles = [
        one.register_forward_hook(keep(name)) for name, one in module.named_modules() if not list(one.children())
    ]
    try:
        with torch.no_grad():
            return calls, output_of(module, x)
    finally:
        for handle in handles:
            handle.remove()


def _among(value: Tensor, given: Sequence[Tensor]) -> bool:
    """Whether a tensor is one of these, to rounding."""
    size = float(value.abs().max())
    return any(
        one.shape == value.shape and float((one - value).abs().max()) <= _EQUAL * max(size, 1e-30) for one in given
    )


def _fed(end: Tensor, calls: Sequence[_Call]) -> bool:
    """Whether a predictor or another layer was given this tensor."""
    return any(one.given is end for one in calls)


def _group(names: Sequence[str]) -> str:
    """What several names have in common at a dot, or the last of them."""
    parts = [name.split(".") for name in names]
    common = []
    for same in zip(*parts, strict=False):
        if len(set(same)) > 1:
            break
        common.append(same[0])
    return ".".join(common) or names[-1]
