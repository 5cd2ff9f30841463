"""The batches that a black box takes: the smallest, or the one that it is written for."""

from __future__ import annotations

import numpy as np

from derive import InputError
from verify.truths.function import BlackBox, TooSlowError

SIZES = (2, 3, 4, 5, 6, 7, 8, 12, 16, 24, 32)
# Batch sizes that code is often written for.
LARGE = (64, 100, 128, 200, 256, 512, 1000, 1024, 2048)

# The longest time that a call on a larger batch may take, in seconds.
LONGEST = 0.5


def too_large(size: int, smaller: int, seconds: float) -> bool:
    """Whether a call at a batch size may take too long or too much memory, judged by one at a smaller batch.

    At most, losses compare all triples of a batch.

    Args:
        size: N.
        smaller: the other batch.
        seconds: of a call there.

    >>> too_large(257, 64, 0.001), too_large(257, 64, 0.1)
    (False, True)
    """
    return seconds * (size / smaller) ** 3 > LONGEST


def smallest_batch(box: BlackBox, d: int, seed: int) -> int:
    """The smallest batch at which a loss of embeddings of width d gives finite numbers.

    Raises:
        InputError: there is none; the message names the size that the loss is written for, where it has one.

    """
    first: InputError | None = None
    for size in sorted({box.least, *(size for size in SIZES if size >= box.least)}):
        try:
            finite_at(box, size, d, seed)
        except TooSlowError:
            raise
        except InputError as error:
            first = first or error
        else:
            _takes_more(box, size, d, seed)
            return size
    for size in LARGE if first else ():
        # A loss that raises at every small batch may be written for one large size.
        try:
            finite_at(box, size, d, seed)
        except InputError:
            continue
        message = (
            f"{box.name} runs on batches of N = {size}, and on none of N = {SIZES[0]}, …, {SIZES[-1]}: it has a batch"
            f" size of its own. Name it to have the audit made there: --set N={size}. At N = {SIZES[0]}: {first}"
        )
        raise InputError(message)
    if first is not None and not isinstance(first, _NotFiniteError):
        raise first
    message = (
        f"{box.name} returned no finite number on random embeddings of N = {SIZES[0]}, …, {SIZES[-1]} data; "
        "check what it divides by and takes logarithms of"
    )
    raise InputError(message)


def _takes_more(box: BlackBox, size: int, d: int, seed: int) -> None:
    """Check that the loss also takes larger batches.

    Raises:
        InputError: it does not; the message names the size to set.

    """
    taken = []
    for more in (1, 2):
        try:
            finite_at(box, size + more, d, seed)
            taken.append(size + more)
        except _NotFiniteError:
            taken.append(size + more)
        except InputError as error:
            refused = error
    if len(taken) < 2:
        also = f" and {taken[0]}" if taken else ""
        message = (
            f"{box.name} runs on batches of N = {size}{also}, and not on all that are larger: {refused}. Name a batch"
            f" size to have the audit made there: --set N={size}"
        )
        raise InputError(message)


class _NotFiniteError(InputError):
    """The loss returned nan or an infinity."""


def finite_at(box: BlackBox, size: int, d: int, seed: int) -> None:
    """Check that a loss has finite values at a batch size.

    Raises:
        InputError: it raises there, or has no finite value.

    """
    z = np.random.default_rng(seed).standard_normal((2, size, d))
    if not np.isfinite([box(t * z) for t in (0.1, 1.0)]).all():
        message = f"{box.name} returned no finite number on random embeddings of N = {size} data"
        raise _NotFiniteError(message)
