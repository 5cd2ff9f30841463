"""A user's loss as a function of numbers, called with care: inputs copied, output checked, time limited.

The code is the user's own and is run as it is; nothing here makes it safe.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from derive import InputError
from verify.running.limits import TimeUpError, out_of_memory, said_by, time_limit
from verify.truths.surroundings import KeptSettings, seed_generators

Array = NDArray[np.float64]


class TooSlowError(InputError):
    """One call took longer than its limit; further calls would too."""


# Turns two batches of embeddings (N, d) into the call that the user's loss expects; see
# `verify.audits.blackbox.adapters`.
Adapter = Callable[[Callable[..., Any], torch.Tensor, torch.Tensor], Any]


def two_views(loss: Callable[..., Any], z1: torch.Tensor, z2: torch.Tensor) -> Any:
    """The plain convention: ``loss(z1, z2)``."""
    return loss(z1, z2)


@dataclass
class Seen:
    """What was noticed while the loss ran.

    Attributes:
        calls: how many values it gave.
        seconds: how long the calls took in all.
        printed: whether it wrote to standard output or error.
        mutated: whether it changed its inputs.
        first_of: the length of the tuple that it returns, 0 where it returns the loss itself.
        single: whether it computes in single precision whatever its input.

    """

    calls: int = 0
    seconds: float = 0.0
    printed: bool = False
    mutated: bool = False
    first_of: int = 0
    single: bool = False


@dataclass
class BlackBox:
    """A loss of two views of a batch.

    Args:
        loss: the user's callable.
        name: its name in reports.
        adapter: the convention in which it takes its embeddings.
        seed: of torch, NumPy and random before each call, None to leave the generators alone.
        limit: seconds that one call may take.
        least: the fewest data that it is given.

    """

    loss: Callable[..., Any]
    name: str = "loss"
    adapter: Adapter = two_views
    seed: int | None = None
    limit: float = 60.0
    least: int = 2
    seen: Seen = field(default_factory=Seen)
    # Single precision after the loss has refused double because its own weights are float32.
    dtype: torch.dtype = field(default=torch.float64, init=False)
    # Of `verify.truths.many`: whether several embeddings are never given at once; the size of values, by shape.
    one_by_one: bool = field(default=False, init=False)
    sizes: dict[tuple[int, ...], float] = field(default_factory=dict, init=False)

    def __call__(self, z: Array) -> float:
        """The loss at embeddings z of shape (2, N, d): two views, N data, d coordinates.

        Raises:
            InputError: it raises, takes too long, or returns no scalar; NaN and infinities are returned as they are.

        """
        value = self.tensor(torch.from_numpy(np.ascontiguousarray(z)))
        try:
            return float(value.detach())
        except Exception as error:
            raise self._unreadable(value, error) from error

    def tensor(self, z: torch.Tensor) -> torch.Tensor:
        """The same in torch, for derivatives: z (2, N, d) may require gradients."""
        try:
            return self._called(z if z.dtype is self.dtype else z.to(self.dtype))
        except _PrecisionError as refused:
            if self.dtype is torch.float32:
                raise self._raised(refused.error, z) from refused.error
        try:
            found = self._called(z.to(torch.float32))
        except _PrecisionError as refused:
            raise self._raised(refused.error, z) from refused.error
        self.dtype = torch.float32
        return found

    def gradient(self, value: torch.Tensor, at: torch.Tensor, *, create_graph: bool = False) -> torch.Tensor:
        """The derivative of a value in what it was computed from, under the same limits: it may run the user's code.

        Raises:
            RuntimeError: torch cannot differentiate it.
            InputError: the loss's own derivative raises something else, or takes too long.

        """
        try:
            with KeptSettings(), time_limit(self.limit, self.too_long):
                (slope,) = torch.autograd.grad(
                    value, at, create_graph=create_graph, allow_unused=True, materialize_grads=True
                )
        except TimeUpError:
            raise TooSlowError(self.too_long) from None
        except (RuntimeError, InputError, KeyboardInterrupt):
            raise
        except BaseException as error:
            message = f"{self.name} raised {type(error).__name__} when it was differentiated: {said_by(error)}"
            raise InputError(message) from error
        return slope

    @property
    def too_long(self) -> str:
        """What is said where a call exceeds its limit."""
        return f"{self.name} did not return within {self.limit:g} seconds; give it more with --limit SECONDS"

    def _called(self, z: torch.Tensor) -> torch.Tensor:
        before = z.unbind()
        z1, z2 = before[0].clone(), before[1].clone()
        if self.seed is not None:
            seed_generators(self.seed)
        process, started = os.getpid(), time.perf_counter()
        try:
            with KeptSettings() as kept, time_limit(self.limit, self.too_long):
                # What the loss makes itself, a mask or a temperature, is to be as precise as what it is given.
                torch.set_default_dtype(self.dtype)
                found = self.adapter(self.loss, z1, z2)
        except TimeUpError:
            raise TooSlowError(self.too_long) from None
        except (InputError, KeyboardInterrupt):
            raise
        except BaseException as error:
            if isinstance(error, RuntimeError) and all(word in said_by(error).lower() for word in ("float", "double")):
                raise _PrecisionError(error) from error
            raise self._raised(error, z) from error
        finally:
            if os.getpid() != process:
                os._exit(0)  # the loss forked, and this is the copy
        self.seen.calls += 1
        self.seen.seconds += time.perf_counter() - started
        self.seen.printed |= bool(kept.written.getvalue())
        self.seen.mutated = self.seen.mutated or not (torch.equal(z1, before[0]) and torch.equal(z2, before[1]))
        try:
            return self.scalar(found)
        except InputError:
            raise
        except Exception as error:
            raise self._unreadable(found, error) from error

    def _raised(self, error: BaseException, z: torch.Tensor) -> InputError:
        shape = f"two batches of shape {tuple(z.shape[1:])}"
        if out_of_memory(error):
            return InputError(f"{self.name} ran out of memory on {shape}; give it more with --memory GIB")
        if isinstance(error, SystemExit):
            return InputError(f"{self.name} ended the program on {shape}, as sys.exit does; it must return the loss")
        return InputError(f"{self.name} raised {type(error).__name__} on {shape}: {said_by(error)}")

    def _unreadable(self, found: Any, error: Exception) -> InputError:
        what = f"returned a value of type {type(found).__name__} that is not a number"
        return InputError(f"{self.name} {what} ({said_by(error)}); it must return a scalar tensor")

    def scalar(self, found: Any) -> torch.Tensor:
        """What the loss returned as a tensor without dimensions.

        Raises:
            InputError: it is no real number.

        """
        if isinstance(found, tuple | list):
            if not found:
                message = f"{self.name} returned an empty {type(found).__name__}; it must return the loss"
                raise InputError(message)
            self.seen.first_of = len(found)
            found = found[0]
        if isinstance(found, float | int | np.floating):
            found = torch.tensor(float(found), dtype=torch.float64)
        if not isinstance(found, torch.Tensor):
            message = f"{self.name} returned a {type(found).__name__}; it must return a scalar tensor"
            raise InputError(message)
        if found.numel() != 1:
            message = f"{self.name} returned a tensor of shape {tuple(found.shape)}; it must return a scalar: reduce it"
            raise InputError(message)
        if found.dtype.is_complex:
            message = f"{self.name} returned a complex number; it must return a real scalar"
            raise InputError(message)
        self.seen.single |= found.dtype in (torch.float32, torch.float16, torch.bfloat16)
        return found if found.dim() == 0 else found.reshape(())


class _PrecisionError(Exception):
    """The loss mixes its own single precision with the double precision that it was given."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error
