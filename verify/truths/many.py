"""A black box at many embeddings in one call, by torch's vmap, where that gives what single calls give.

A short loss on a few data takes longer to call than to compute. vmap runs the user's code once, on tensors that stand
for a whole stack; code that looks at numbers (.item(), an if, NumPy) makes it raise, and is then called one by one.
Before it is trusted at a shape, it is compared with single calls on random embeddings, and one of each stack is called
again by itself.
"""

from __future__ import annotations

import copy
import os
import time
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from derive import InputError
from verify.running.limits import TimeUpError, time_limit
from verify.truths.surroundings import KeptSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from verify.truths.function import BlackBox

# Fewer are called one by one. Embeddings by which a shape is tried, and their size.
FEWEST, TRIED, SIZE = 4, 3, 0.3
# How many inner products of data are held in memory at a time.
PAIRS = 500_000
# How far a value may be from that of a single call, in roundings of the largest.
ROUNDINGS = 1000


def values(box: BlackBox, z: NDArray[np.float64]) -> NDArray[np.float64]:
    """The loss at each of z (B, 2, N, d): (B,).

    >>> from verify.truths.function import BlackBox
    >>> box = BlackBox(lambda z1, z2: (z1 * z2).sum())
    >>> values(box, np.ones((5, 2, 3, 1))).tolist()
    [3.0, 3.0, 3.0, 3.0, 3.0]
    """
    found = in_one_call(box, z, lambda some: mapped(box, some), box)
    return np.array([box(one) for one in z]) if found is None else found


def in_one_call(
    box: BlackBox,
    z: NDArray[np.float64],
    at_once: Callable[[torch.Tensor], torch.Tensor | None],
    singly: Callable[[NDArray[np.float64]], Any],
) -> NDArray[np.float64] | None:
    """Numbers for each of z, (B, …), in as few calls as memory allows; None where that does not work.

    Args:
        box: the loss.
        z: (B, 2, N, d).
        at_once: the numbers of a stack, (b, …), by `mapped`; None where that raises.
        singly: the same for one, of shape (…).

    """
    at_a_time = PAIRS // z.shape[2] ** 2
    if min(len(z), at_a_time) < FEWEST or not _can_be_mapped(box, z.shape[1:]):
        return None
    found = []
    for start in range(0, len(z), at_a_time):
        part = at_once(torch.from_numpy(np.ascontiguousarray(z[start : start + at_a_time])))
        if part is None:
            return None
        found.append(part.detach().numpy().astype(float))
    whole = np.concatenate(found)
    row = len(z) // 3
    return whole if _equal(box, whole[row], np.asarray(singly(z[row])), whole) else None


def mapped(box: BlackBox, z: torch.Tensor) -> torch.Tensor | None:
    """The loss at each of z (B, 2, N, d), with a graph where z has one; None where the code cannot be mapped.

    Raises:
        TooSlowError: it takes longer than so many calls may.

    """
    from verify.truths.function import TooSlowError

    process, started = os.getpid(), time.perf_counter()
    try:
        with KeptSettings(), time_limit(len(z) * box.limit, box.too_long):
            torch.set_default_dtype(box.dtype)
            # On operations that vmap carries out one by one.
            warnings.simplefilter("ignore")
            found: torch.Tensor = torch.func.vmap(_of_one(box))(z.to(box.dtype))
    except TimeUpError:
        raise TooSlowError(box.too_long) from None
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 (whatever vmap does not support; a single call tells what is wrong)
        box.one_by_one = True
        return None
    finally:
        if os.getpid() != process:
            os._exit(0)  # the loss forked, and this is the copy
    box.seen.calls += len(z)
    box.seen.seconds += time.perf_counter() - started
    return found


def _of_one(box: BlackBox) -> Callable[[torch.Tensor], torch.Tensor]:
    """A copy of the loss: what it keeps of mapped tensors is of no use to later calls."""
    loss = copy.deepcopy(box.loss)

    def of(z: torch.Tensor) -> torch.Tensor:
        return box.scalar(box.adapter(loss, z[0].clone(), z[1].clone()))

    return of


def _can_be_mapped(box: BlackBox, shape: tuple[int, ...]) -> bool:
    """Whether a stack of this shape gives what single calls give; tried once on random embeddings."""
    if box.one_by_one or box.seed is not None:
        return False
    if shape not in box.sizes:
        z = SIZE * np.random.default_rng(0).standard_normal((TRIED, *shape))
        found = mapped(box, torch.from_numpy(z))
        if found is None:
            return False
        try:
            single = np.array([box(one) for one in z])
        except InputError:
            single = np.full(TRIED, np.nan)
        box.sizes[shape] = 0.0
        if not _equal(box, found.detach().numpy(), single, single) or not np.isfinite(single).all():
            return False
        box.sizes[shape] = float(np.abs(single).max())
    return True


def _equal(box: BlackBox, found: NDArray[np.float64], single: NDArray[np.float64], whole: NDArray[np.float64]) -> bool:
    """Whether numbers equal those of single calls to rounding; if not, the box is called one by one from now on."""
    rounding = 6e-8 if box.seen.single or box.dtype is torch.float32 else 2e-16
    sizes = np.abs(whole[np.isfinite(whole)])
    allowed = ROUNDINGS * rounding * max(float(sizes.max(initial=0.0)), *box.sizes.values(), 0.0)
    box.one_by_one = not np.allclose(found, single, rtol=0.0, atol=allowed, equal_nan=True)
    return not box.one_by_one
