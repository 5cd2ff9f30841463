"""The few array operations that NumPy and torch spell differently, for code that takes either.

The first axis runs over modes in what is sorted, taken and compared; a batch lies behind it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from derive import InputError


class _NumPy:
    broadcast_to = staticmethod(np.broadcast_to)
    einsum = staticmethod(np.einsum)
    empty_like = staticmethod(np.empty_like)
    stack = staticmethod(np.stack)
    where = staticmethod(np.where)
    contiguous = staticmethod(np.ascontiguousarray)

    def array(self, name: str, value: Any) -> Any:
        found = np.asarray(value, dtype=np.float64)
        _finite(name, bool(np.isfinite(found).all()))
        return found

    def on_cpu(self, _: Any) -> bool:
        return True

    def clip(self, x: Any, low: float) -> Any:
        return np.maximum(x, low)

    def modes_first(self, x: Any) -> Any:
        return np.ascontiguousarray(np.moveaxis(x, -1, 0))

    def modes_last(self, x: Any) -> Any:
        return np.moveaxis(x, 0, -1)

    def largest(self, x: Any) -> Any:
        return x.max(0)

    def descending(self, x: Any) -> Any:
        return np.argsort(-x, axis=0)

    def take(self, x: Any, order: Any) -> Any:
        return np.take_along_axis(x, order, 0)

    def unsorted(self, x: Any, order: Any) -> Any:
        found = np.empty_like(x)
        np.put_along_axis(found, order, x, 0)
        return found

    def like(self, x: Any, other: Any) -> Any:
        return x.astype(other.dtype)

    def ones_like(self, x: Any, dtype: Any) -> Any:
        return np.ones(x.shape, dtype)

    def eye(self, n: int, _: Any) -> Any:
        return np.eye(n)

    def diagonal(self, x: Any) -> Any:
        return np.diagonal(x, axis1=-2, axis2=-1)

    def arange(self, n: int, _: Any) -> Any:
        return np.arange(n)

    def column(self, choice: tuple[bool, ...], _: Any) -> Any:
        return np.array(choice)[:, None]


class _Torch:
    def __init__(self, torch: Any, like: Any) -> None:
        self.torch, self.kind = torch, {"dtype": like.dtype, "device": like.device}
        self.broadcast_to, self.einsum = torch.broadcast_to, torch.einsum
        self.empty_like, self.stack, self.where = torch.empty_like, torch.stack, torch.where

    def array(self, name: str, value: Any) -> Any:
        found = self.torch.as_tensor(value, **self.kind)
        _finite(name, bool(self.torch.isfinite(found).all()))
        return found

    def on_cpu(self, x: Any) -> bool:
        return bool(x.device.type == "cpu")

    def contiguous(self, x: Any) -> Any:
        return x.contiguous()

    def modes_first(self, x: Any) -> Any:
        return x.movedim(-1, 0).contiguous()

    def modes_last(self, x: Any) -> Any:
        return x.movedim(0, -1)

    def clip(self, x: Any, low: float) -> Any:
        return x.clamp(min=low)

    def largest(self, x: Any) -> Any:
        return x.amax(0)

    def descending(self, x: Any) -> Any:
        return x.argsort(0, descending=True)

    def take(self, x: Any, order: Any) -> Any:
        return x.gather(0, order)

    def unsorted(self, x: Any, order: Any) -> Any:
        return self.torch.empty_like(x).scatter_(0, order, x)

    def like(self, x: Any, other: Any) -> Any:
        return x.to(other.dtype)

    def ones_like(self, x: Any, dtype: Any) -> Any:
        return self.torch.ones(x.shape, dtype={bool: self.torch.bool}.get(dtype, dtype), device=x.device)

    def eye(self, n: int, _: Any) -> Any:
        return self.torch.eye(n, **self.kind)

    def diagonal(self, x: Any) -> Any:
        return x.diagonal(dim1=-2, dim2=-1)

    def arange(self, n: int, x: Any) -> Any:
        return self.torch.arange(n, device=x.device)

    def column(self, choice: tuple[bool, ...], x: Any) -> Any:
        return self.torch.tensor(choice, device=x.device)[:, None]


def library_of(*values: Any) -> Any:
    """The library that the arrays belong to: torch where one of them is a tensor, NumPy otherwise.

    Raises:
        InputError: tensors on several devices, or not of floating point numbers.

    >>> library_of([1.0], np.ones(2)).clip(np.array([-1.0, 2.0]), 0.0)
    array([0., 2.])

    """
    tensors = [one for one in values if type(one).__module__.partition(".")[0] == "torch"]
    if not tensors:
        return _NumPy()
    import torch

    if len({one.device for one in tensors}) > 1:
        message = "the tensors are on several devices; move them to one"
        raise InputError(message)
    if not all(one.is_floating_point() for one in tensors):
        message = "the tensors must hold floating point numbers"
        raise InputError(message)
    return _Torch(torch, tensors[0])


def _finite(name: str, finite: bool) -> None:  # noqa: FBT001 (private, and read at a glance)
    if not finite:
        message = f"{name} has entries that are not finite numbers"
        raise InputError(message)
