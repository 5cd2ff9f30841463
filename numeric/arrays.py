"""Code that takes arrays of NumPy or torch: what the two libraries do not have under one name is here.

What they share is called on the library itself, with positional arguments where the names differ: amax(x, 0),
argsort(x, 0), diagonal(x, 0, -2, -1), eye(n, dtype=…, device=…).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from derive import InputError


def arrays(**given: Any) -> tuple[Any, list[Any]]:
    """The library (torch where a value is a tensor, else NumPy) and the values as its arrays.

    Args:
        given: values by the names that messages call them; None stays None.

    Raises:
        InputError: tensors on several devices, or not of floating point numbers; entries that are not finite.

    >>> lib, (b, c) = arrays(b=[1.0, -1.0], c=None)
    >>> lib.clip(b, 0.0, None), c
    (array([1., 0.]), None)

    """
    tensors = [one for one in given.values() if type(one).__module__.partition(".")[0] == "torch"]
    lib: Any = np
    make: Any = np.asarray
    kind: dict[str, Any] = {"dtype": np.float64}
    if tensors:
        import torch

        if len({one.device for one in tensors}) > 1:
            message = "the tensors are on several devices; move them to one"
            raise InputError(message)
        if not all(one.is_floating_point() for one in tensors):
            message = "the tensors must hold floating point numbers"
            raise InputError(message)
        lib, make, kind = torch, torch.as_tensor, {"dtype": tensors[0].dtype, "device": tensors[0].device}
    found = [None if one is None else make(one, **kind) for one in given.values()]
    for name, one in zip(given, found, strict=True):
        if one is not None and not lib.isfinite(one).all():
            message = f"{name} has entries that are not finite numbers"
            raise InputError(message)
    return lib, found


def contiguous(x: Any) -> Any:
    """The array, contiguous in memory in the order of its axes."""
    return np.ascontiguousarray(x) if isinstance(x, np.ndarray) else x.contiguous()


def taken(x: Any, order: Any) -> Any:
    """The array reordered along its first axis, with an order for each position along the other axes."""
    return np.take_along_axis(x, order, 0) if isinstance(x, np.ndarray) else x.gather(0, order)


def put_back(x: Any, order: Any) -> Any:
    """The inverse of `taken`: the array in its original order."""
    if not isinstance(x, np.ndarray):
        return x.new_empty(x.shape).scatter_(0, order, x)
    found = np.empty_like(x)
    np.put_along_axis(found, order, x, 0)
    return found
