"""Global state that a user's loss may change, restored after a call: torch's settings, generators, standard input."""

from __future__ import annotations

import io
import random
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def kept_settings() -> Iterator[None]:
    """Restore what one call changed: torch's dtype, threads, gradients, determinism, NumPy's errors, warnings.

    Standard input is empty meanwhile: nobody is there to answer.

    >>> with kept_settings():
    ...     torch.set_default_dtype(torch.float16)
    >>> torch.get_default_dtype()
    torch.float32
    """
    dtype, threads, gradients = torch.get_default_dtype(), torch.get_num_threads(), torch.is_grad_enabled()
    deterministic, only_warned = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    errors, stdin = np.geterr(), sys.stdin
    sys.stdin = io.StringIO()
    try:
        with warnings.catch_warnings():
            yield
    finally:
        sys.stdin = stdin
        if torch.get_default_dtype() != dtype:
            torch.set_default_dtype(dtype)
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        if torch.is_grad_enabled() != gradients:
            torch.set_grad_enabled(gradients)
        if torch.are_deterministic_algorithms_enabled() != deterministic:
            torch.use_deterministic_algorithms(deterministic, warn_only=only_warned)
        np.seterr(**errors)


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
