"""Weights from a checkpoint: safetensors, or torch's own format without running what is in it."""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from derive import InputError
from verify.audits.import_paths import is_there

# What people put a state dict under.
NESTED = ("state_dict", "model", "model_state_dict", "network", "net", "student", "teacher")
# How a copy of a network that is not the trained one is called.
MOMENTUM = re.compile(r"momentum|teacher|ema|target|key|_k\b|_m\b|averag")
# How many names are looked for to find what stands before them, and how many are shown.
TRIED = 3
SHOWN = 4


@dataclass(frozen=True, eq=False)
class Weights:
    """Tensors by name.

    Attributes:
        weights: name → tensor, on the processor.
        path: where they come from.
        architecture: what network they are of, where the file says so (`verify.networks.network`).

    """

    weights: Mapping[str, Tensor]
    path: Path = Path()
    architecture: Mapping[str, Any] | None = None


def load_weights(path: str | Path) -> Weights:
    """The weights in a file; nothing that is in it is run.

    Args:
        path: .safetensors, or a file of ``torch.save`` (.pt, .pth, .ckpt) that holds tensors and plain values alone,
            maybe under a key such as "state_dict".

    Raises:
        InputError: there is no such file, it cannot be read, or it holds something else than weights.

    """
    where = Path(path)
    if not is_there(where):
        raise InputError(f"there is no file {where}")
    if where.suffix == ".safetensors":
        from verify.networks.checkpoint import read_tensors

        tensors, metadata = read_tensors(where)
        said = metadata.get("architecture")
        return Weights(tensors, where, said if isinstance(said, dict) else None)
    found = _unpickled(where)
    while isinstance(found, dict) and not _is_state(found):
        inside = [found[key] for key in NESTED if isinstance(found.get(key), dict)]
        if not inside:
            break
        found = inside[0]
    if not isinstance(found, dict) or not _is_state(found):
        raise InputError(f"{where} holds a {type(found).__name__} and no state dict; save the network's state_dict()")
    return Weights({key: value for key, value in found.items() if isinstance(value, Tensor)}, where)


def load_tensors(path: Path) -> Tensor | dict[str, Tensor]:
    """What a file of tensors holds, as it stands there: one tensor, or tensors by name and nothing else.

    Raises:
        InputError: it cannot be read.

    """
    if path.suffix == ".safetensors":
        return dict(load_weights(path).weights)
    found = _unpickled(path)
    if isinstance(found, Tensor):
        return found
    named = found if isinstance(found, dict) else {}
    return {str(name): value for name, value in named.items() if isinstance(value, Tensor)}


def _unpickled(where: Path) -> Any:
    """What ``torch.save`` wrote, where that is tensors and plain values."""
    try:
        with warnings.catch_warnings():
            # On pickles that torch did not write, which are read or refused all the same.
            warnings.simplefilter("ignore")
            return torch.load(where, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        message = f"{where} holds more than weights, which would have to be run; save its state_dict() alone"
        raise InputError(message) from None
    except Exception as error:  # noqa: BLE001 (torch raises many kinds, none of them its own)
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{where} cannot be read as a checkpoint: {reason}") from None


def put_weights(module: nn.Module, found: Weights) -> str:
    """Load weights into a network, by names that may stand behind a prefix; what was taken and left, in a sentence.

    Raises:
        InputError: names or shapes that do not fit.

    """
    taken = fitting(module, found)
    module.load_state_dict(taken.weights, strict=False)
    return taken.text()


@dataclass(frozen=True, eq=False)
class Taken:
    """The weights of a network, out of those of a checkpoint.

    Attributes:
        weights: under the network's own names.
        prefix: what stood before these names in the checkpoint.
        others: further prefixes under which a whole copy of the network stands, such as a momentum encoder's.
        left: names of the checkpoint that the network does not have.

    """

    weights: Mapping[str, Tensor]
    prefix: str = ""
    others: tuple[str, ...] = ()
    left: tuple[str, ...] = ()

    def text(self) -> str:
        """What was taken and what was left; empty where the names were the network's own, all of them."""
        said = [f"taken from {self.prefix}*"] if self.prefix else []
        if self.others:
            said.append(f"other copies left: {', '.join(f'{one}*' for one in self.others)}")
        if self.left:
            more = f" and {len(self.left) - SHOWN} more" if len(self.left) > SHOWN else ""
            said.append(f"left out: {', '.join(self.left[:SHOWN])}{more}")
        return "; ".join(said)


def fitting(module: nn.Module, found: Weights) -> Taken:
    """The weights of a checkpoint that are a network's, whatever stands before their names, and whatever else it holds.

    Where several prefixes have all of them, those of a momentum copy, a teacher or a key encoder come last.

    Raises:
        InputError: names or shapes that do not fit.

    >>> layer = nn.Linear(2, 3)
    >>> of_moco = {f"module.encoder_{one}.{key}": value for one in "kq" for key, value in layer.state_dict().items()}
    >>> print(fitting(layer, Weights({**of_moco, "module.queue": torch.zeros(2)})).text())
    taken from module.encoder_q.*; other copies left: module.encoder_k.*; left out: module.queue

    """
    own = module.state_dict()
    # A counter of batches decides nothing, and older files have none.
    needed = [key for key in own if not key.endswith("num_batches_tracked")]
    prefixes = _prefixes(needed, found.weights)
    whole = [prefix for prefix in prefixes if not _problems(needed, own, found.weights, prefix)]
    if not whole:
        closest = min(prefixes, key=lambda prefix: len(_problems(needed, own, found.weights, prefix)), default="")
        raise InputError(_refusal(module, needed, own, found, closest))
    whole.sort(key=lambda prefix: (bool(MOMENTUM.search(prefix)), len(prefix), prefix))
    prefix, *others = whole
    weights = {key: found.weights[prefix + key] for key in own if prefix + key in found.weights}
    copies = tuple(one for one in others if one)
    taken = {one + key for one in whole for key in own}
    left = tuple(name for name in found.weights if name not in taken)
    return Taken(weights, prefix, copies, left)


def _prefixes(needed: list[str], weights: Mapping[str, Tensor]) -> list[str]:
    """What stands before one of the network's names in the checkpoint, at a dot."""
    if not needed:
        return [""]
    # The longest name is the least likely to be another network's too.
    seen: dict[str, None] = {}
    for key in sorted(needed, key=len, reverse=True)[:TRIED]:
        for name in weights:
            if name == key or name.endswith(f".{key}"):
                seen[name.removesuffix(key)] = None
    return list(seen)


def _problems(needed: list[str], own: Mapping[str, Tensor], weights: Mapping[str, Tensor], prefix: str) -> list[str]:
    """Names that are missing, or of another shape, behind a prefix."""
    return [key for key in needed if prefix + key not in weights or weights[prefix + key].shape != own[key].shape]


def _refusal(module: nn.Module, needed: list[str], own: Mapping[str, Tensor], found: Weights, prefix: str) -> str:
    """Why no prefix fits: what is missing, unexpected and of another shape behind the one that fits best."""
    weights = {key.removeprefix(prefix): value for key, value in found.weights.items() if key.startswith(prefix)}
    missing = [key for key in needed if key not in weights]
    unexpected = [key for key in weights if key not in own]
    wrong = [
        f"{key} is {_shape(weights[key])}, not {_shape(own[key])}"
        for key in needed
        if key in weights and weights[key].shape != own[key].shape
    ]
    problems = []
    for what, names in (("missing", missing), ("unexpected", unexpected), ("of another shape", wrong)):
        if names:
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            problems.append(f"{what}: {', '.join(names[:SHOWN])}{more}")
    behind = f", behind {prefix}" if prefix else ""
    return f"{found.path} does not fit a {type(module).__name__}{behind}; {'; '.join(problems)}"


def _is_state(found: Mapping[Any, Any]) -> bool:
    """Whether these are tensors by name, but for a few plain values such as a step count."""
    return any(isinstance(value, Tensor) for value in found.values()) and all(isinstance(key, str) for key in found)


def _shape(tensor: Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "a scalar"
