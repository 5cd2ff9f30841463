"""The work of an expansion: counted in steps while it is done, and estimated beforehand from lower orders.

From order to order the number of terms grows by a factor that changes slowly, as the numbers of partitions do. So the
lower orders, which take next to no time, tell what a high one takes. Steps are counted, not seconds: a step takes a few
microseconds on today's machines, and their number is the same on all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from math import exp, log
from typing import TypeVar

from derive.errors import InputError

Result = TypeVar("Result")

# The default limit of a derivation: a few minutes, and the memory of a small machine.
LIMIT = 100_000_000
# Steps a second and bytes a step, for estimates of time and memory.
SPEED, BYTES = 250_000, 60
# Lower orders are derived first, until one takes this many steps (a small part of a second), up to this order.
_ENOUGH, _LAST = 30_000, 40
# Steps between two reports of progress.
_MANY = 10_000


class TooLargeError(InputError):
    """A derivation would take more time or memory than it may."""


@dataclass
class Effort:
    """The steps of one derivation.

    Attributes:
        limit: the number at which it is given up; None for no limit.
        expected: the estimated number, None where there is no estimate.
        steps: the number taken so far.

    """

    limit: float | None = None
    expected: float | None = None
    steps: int = 0


_under_way: ContextVar[Effort | None] = ContextVar("effort", default=None)
_watcher: ContextVar[Callable[[float | None], None] | None] = ContextVar("watcher", default=None)
_insisted: ContextVar[bool] = ContextVar("insisted", default=False)


class _GivenUpError(Exception):
    """A derivation has taken more steps than its limit."""


def spend(steps: int) -> None:
    """Count steps of the derivation under way, if it is counted; beyond its limit it is given up."""
    here = _under_way.get()
    if here is None:
        return
    before, here.steps = here.steps, here.steps + steps
    if here.limit is not None and here.steps > here.limit:
        raise _GivenUpError
    watcher = _watcher.get()
    if watcher is not None and before // _MANY != here.steps // _MANY:
        watcher(None if here.expected is None else min(1.0, here.steps / here.expected))


@contextmanager
def watched(watcher: Callable[[float | None], None]) -> Iterator[None]:
    """Report the progress of derivations repeatedly: the fraction that is done, None where it is not known."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


@contextmanager
def insisting() -> Iterator[None]:
    """A context in which derivations have no limit on their steps."""
    token = _insisted.set(True)
    try:
        yield
    finally:
        _insisted.reset(token)


def insisted() -> bool:
    """Whether derivations have no limit on their steps, see `insisting`."""
    return _insisted.get()


def counted(
    derive: Callable[[], Result], limit: float | None = None, expected: float | None = None
) -> tuple[int, Result | None]:
    """The steps of a derivation and its result, None where it exceeds the limit and is given up."""
    effort = Effort(limit, expected)
    token = _under_way.set(effort)
    try:
        found = derive()
    except _GivenUpError:
        return effort.steps, None
    finally:
        _under_way.reset(token)
    return effort.steps, found


def estimated(lower: Mapping[int, int], order: int) -> float:
    """The steps of an order estimated from lower ones, taking their last growth factor to continue.

    >>> round(estimated({2: 10, 4: 30, 6: 90}, 10))
    810
    """
    top = max(lower)
    before = max((k for k in lower if k <= top - 4), default=top - 2)
    growth = log(max(1, lower[top])) - log(max(1, lower.get(before, 0)))
    further = max(0.0, growth) / (top - before) * (order - top)
    return lower[top] * exp(min(further, 600.0))


def derived(derive: Callable[[int], Result], order: int, limit: float | None, what: str) -> Result:
    """The result of a derivation at an order, unless it takes, or is estimated to take, more steps than the limit.

    Args:
        derive: the derivation at an order; lower even orders are derived first, as long as they take next to no time.
        order: the order wanted.
        limit: the most steps that it may take; None for no limit.
        what: what is derived, for the message.

    Raises:
        TooLargeError: with the estimate, and with an order that is within the limit.

    """
    if _under_way.get() is not None:
        # Part of a derivation that is counted already.
        return derive(order)
    limit = None if insisted() else limit
    lower: dict[int, int] = {}
    for k in range(2, order if order > 4 else 2, 2):
        try:
            lower[k], _ = counted(partial(derive, k), limit)
        except InputError:
            # The derivation at the order itself says what is wrong.
            return derive(order)
        if lower[k] > _ENOUGH or k == _LAST:
            break
    expected = estimated(lower, order) if len(lower) > 1 else None
    if limit is None or expected is None or expected <= limit:
        steps, found = counted(partial(derive, order), limit, expected)
        if found is not None:
            return found
        lower[order] = steps
    raise TooLargeError(_too_large(lower, order, limit or 0.0, expected, what))


def _too_large(lower: Mapping[int, int], order: int, limit: float, expected: float | None, what: str) -> str:
    within = [k for k in range(2, order, 2) if (lower.get(k) or estimated(lower, k)) <= limit]
    beyond = expected is None or expected <= limit
    steps = limit if beyond or expected is None else expected
    said = f"{what} to order {order} takes {'more than' if beyond else 'about'} {_duration(steps / SPEED)}"
    said += f" and {_quantity(steps * BYTES / 2**30)} GiB"
    if within and lower:
        best = within[-1]
        took = lower.get(best) or estimated(lower, best)
        said += f"; order {best} takes about {_duration(took / SPEED)}"
    return (
        f"{said}. Give a lower order, or numbers for parameters; or insist, with limit=None (on the command line"
        " --no-limit)"
    )


def _duration(seconds: float) -> str:
    """A time in words.

    >>> _duration(0.2), _duration(300), _duration(1e12)
    ('1 second', '5 minutes', '3e+04 years')
    """
    for unit, size in (("year", 31_557_600), ("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)):
        if seconds >= size:
            number = _quantity(seconds / size)
            return f"{number} {unit}{'' if number == '1' else 's'}"
    return "1 second"


def _quantity(value: float) -> str:
    return f"{value:.0f}" if 1 <= value < 1000 else f"{value:.1g}"
