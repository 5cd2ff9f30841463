"""Global state that a user's loss may change, restored after a call: torch's settings, generators, standard input."""

from __future__ import annotations

import io
import random
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import numpy as np
import torch


class KeptSettings:
    """Restore what one call changed: torch's dtype, threads, gradients, determinism, NumPy's errors, warnings.

    Standard input is empty meanwhile, since nobody is there to answer; output is caught in ``written``. An audit calls
    a loss tens of thousands of times, and a short loss takes less time than a context manager made of a generator.

    >>> with KeptSettings() as kept:
    ...     torch.set_default_dtype(torch.float16)
    ...     print("hello", end="")
    >>> torch.get_default_dtype(), kept.written.getvalue()
    (torch.float32, 'hello')
    """

    def __enter__(self) -> Self:
        self._torch = _of_torch()
        self._errors = np.geterr()
        self._streams = sys.stdin, sys.stdout, sys.stderr
        self.written = sys.stdout = sys.stderr = io.StringIO()
        sys.stdin = io.StringIO()
        self._warnings = warnings.catch_warnings()
        self._warnings.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._warnings.__exit__(None, None, None)
        sys.stdin, sys.stdout, sys.stderr = self._streams
        if np.geterr() != self._errors:
            np.seterr(**self._errors)
        # Each by itself: the dtype changes with every call, and setting determinism loads torch's compiler.
        for now, before, restore in zip(_of_torch(), self._torch, _RESTORE, strict=True):
            if now != before:
                restore(before)


def _of_torch() -> tuple[Any, ...]:
    """The settings of torch that hold for the whole process."""
    return (
        torch.get_default_dtype(),
        torch.get_num_threads(),
        torch.is_grad_enabled(),
        (torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()),
    )


def _set_determinism(setting: tuple[bool, bool]) -> None:
    enabled, only_warned = setting
    torch.use_deterministic_algorithms(enabled, warn_only=only_warned)


_RESTORE: tuple[Callable[[Any], object], ...] = (
    torch.set_default_dtype,
    torch.set_num_threads,
    torch.set_grad_enabled,
    _set_determinism,
)


def seed_generators(seed: int) -> None:
    """Seed the generators that a loss may draw from.

    `torch.manual_seed` queues the seed for CUDA devices that are not in use yet, which takes longer than most losses.
    """
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.manual_seed_all(seed)
    np.random.seed(seed)  # noqa: NPY002 (the generator that a user's loss may draw from)
    random.seed(seed)


@contextmanager
def kept_generators() -> Iterator[None]:
    """Restore the random generators of torch, NumPy and Python: an audit seeds them, and a loss may.

    >>> before = torch.get_rng_state()
    >>> with kept_generators():
    ...     _ = torch.manual_seed(7)
    >>> bool((torch.get_rng_state() == before).all())
    True
    """
    of_torch, of_numpy, of_python = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002 (what a loss may draw from)
    try:
        yield
    finally:
        torch.set_rng_state(of_torch)
        np.random.set_state(of_numpy)  # noqa: NPY002
        random.setstate(of_python)
