"""Weights from a checkpoint: safetensors, or torch's own format without running what is in it."""

from __future__ import annotations

import pickle
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
NESTED = ("state_dict", "model", "model_state_dict", "network")
# What wrappers put before each name.
PREFIXES = ("module.", "_orig_mod.", "model.", "network.")
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
    try:
        with warnings.catch_warnings():
            # On pickles that torch did not write, which are read or refused all the same.
            warnings.simplefilter("ignore")
            found = torch.load(where, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        message = f"{where} holds more than weights, which would have to be run; save its state_dict() alone"
        raise InputError(message) from None
    except Exception as error:  # noqa: BLE001 (torch raises many kinds, none of them its own)
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{where} cannot be read as a checkpoint: {reason}") from None
    while isinstance(found, dict) and not _is_state(found):
        inside = [found[key] for key in NESTED if isinstance(found.get(key), dict)]
        if not inside:
            break
        found = inside[0]
    if not isinstance(found, dict) or not _is_state(found):
        raise InputError(f"{where} holds a {type(found).__name__} and no state dict; save the network's state_dict()")
    return Weights({key: value for key, value in found.items() if isinstance(value, Tensor)}, where)


def put_weights(module: nn.Module, found: Weights) -> None:
    """Load weights into a network, by names that may have a wrapper's prefix.

    Raises:
        InputError: names or shapes that do not fit.

    """
    module.load_state_dict(fitting(module, found))


def fitting(module: nn.Module, found: Weights) -> dict[str, Tensor]:
    """The weights under the names of a network.

    Raises:
        InputError: names or shapes that do not fit.

    """
    weights = dict(found.weights)
    own = module.state_dict()
    for prefix in PREFIXES:
        if not set(weights) & set(own) and all(key.startswith(prefix) for key in weights):
            weights = {key.removeprefix(prefix): value for key, value in weights.items()}
    missing = [key for key in own if key not in weights]
    unexpected = [key for key in weights if key not in own]
    wrong = [
        f"{key} is {_shape(weights[key])}, not {_shape(own[key])}"
        for key in own
        if key in weights and weights[key].shape != own[key].shape
    ]
    problems = []
    for what, names in (("missing", missing), ("unexpected", unexpected), ("of another shape", wrong)):
        if names:
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            problems.append(f"{what}: {', '.join(names[:SHOWN])}{more}")
    if problems:
        raise InputError(f"{found.path} does not fit a {type(module).__name__}; {'; '.join(problems)}")
    return weights


def _is_state(found: Mapping[Any, Any]) -> bool:
    """Whether these are tensors by name, but for a few plain values such as a step count."""
    return any(isinstance(value, Tensor) for value in found.values()) and all(isinstance(key, str) for key in found)


def _shape(tensor: Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "a scalar"
