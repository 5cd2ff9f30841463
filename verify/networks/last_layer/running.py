"""A user's network while it runs, and the tensors in what it is given or gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from derive import InputError
from verify.running.limits import said_by


def output_of(module: nn.Module, x: Tensor) -> Any:
    """What a network gives for data.

    Raises:
        InputError: it fails, whatever it raises.

    >>> output_of(nn.Linear(2, 1), torch.zeros(3, 5))
    Traceback (most recent call last):
        ...
    derive.errors.InputError: the network failed on data of shape (3, 5): RuntimeError: mat1 and mat2 shapes cannot be \
multiplied (3x5 and 2x1)

    """
    try:
        return module(x)
    except InputError:
        raise
    except (Exception, SystemExit) as error:
        message = f"the network failed on data of shape {tuple(x.shape)}: {type(error).__name__}: {said_by(error)}"
        raise InputError(message) from error


def tensors_in(found: Any) -> Iterator[Tensor]:
    """All tensors, and arrays as tensors, in a tuple, a list, a dictionary, or any of these in each other.

    >>> [len(one) for one in tensors_in({"views": [torch.zeros(2), np.zeros(3)], "label": 1})]
    [2, 3]
    """
    if isinstance(found, Tensor):
        yield found
    elif isinstance(found, np.ndarray) and found.dtype != object:
        yield torch.from_numpy(found)
    elif isinstance(found, Mapping):
        for one in found.values():
            yield from tensors_in(one)
    elif isinstance(found, tuple | list):
        for one in found:
            yield from tensors_in(one)
