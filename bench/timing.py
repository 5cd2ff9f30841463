"""What the benchmarks share: timing several sides in turn, and printing tables."""

from __future__ import annotations

import gc
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
# The scripts measure the checkout that they stand in, installed or not.
sys.path.insert(0, str(ROOT))


@dataclass(frozen=True)
class Times:
    """Seconds a call, one sample a round."""

    samples: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median over the rounds."""
        return median(self.samples)

    def shared(self, number: int) -> Times:
        """Seconds for one of this many things that each call did."""
        return Times(tuple(one / number for one in self.samples))

    def __str__(self) -> str:
        """The median with its range, 1.23 ms (1.20-1.31)."""
        unit, scale = next(
            (unit, scale)
            for unit, scale in (("s", 1.0), ("ms", 1e3), ("µs", 1e6))
            if self.median * scale >= 1 or unit == "µs"
        )
        low, mid, high = (f"{scale * value:.3g}" for value in (min(self.samples), self.median, max(self.samples)))
        return f"{mid} {unit} ({low}-{high})"


def ratio(numerator: Times, denominator: Times) -> Times:
    """The ratios of the samples that were taken in the same round."""
    return Times(tuple(above / below for above, below in zip(numerator.samples, denominator.samples, strict=True)))


def show_ratio(value: Times) -> str:
    """The median ratio with its range."""
    low, mid, high = (
        f"{number:.0f}" if number >= 100 else f"{number:.3g}"
        for number in (min(value.samples), value.median, max(value.samples))
    )
    return f"{mid} ({low}-{high})"


def alternate(
    sides: Mapping[str, Callable[[], object]],
    *,
    rounds: int,
    block: float = 0.0,
    before: Callable[[], object] = lambda: None,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Times]:
    """Time the sides in turn, round after round, each round starting with the next side.

    Args:
        sides: a name and a call each.
        rounds: the number of samples of a side; one further round before them warms up and is dropped.
        block: a sample is the mean over enough calls to fill about this many seconds; 0 is a single call.
        before: is called, untimed, before each sample.
        clock: in seconds; that of the processor's time where other programs take their share.

    """
    names = list(sides)
    calls = dict.fromkeys(names, 1)
    samples: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(-1, rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            before()
            seconds = _seconds_per_call(sides[name], calls[name], clock)
            if turn >= 0:
                samples[name].append(seconds)
            elif block:
                # The warm-up pays for first calls, so it is measured once more before it sets the size.
                seconds = _seconds_per_call(sides[name], 1, clock)
                calls[name] = max(1, round(block / seconds))
    return {name: Times(tuple(values)) for name, values in samples.items()}


def _seconds_per_call(call: Callable[[], object], calls: int, clock: Callable[[], float]) -> float:
    enabled = gc.isenabled()
    gc.disable()
    try:
        start = clock()
        for _ in range(calls):
            call()
        return (clock() - start) / calls
    finally:
        if enabled:
            gc.enable()


def print_versions(*packages: str) -> None:
    """Python, the processor and the versions of the packages, on one line."""
    found = [f"Python {platform.python_version()}", f"{platform.system()} {platform.machine()}"]
    for package in packages:
        try:
            found.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            found.append(f"{package} not installed")
    print(", ".join(found))


def print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table in aligned columns."""
    table = [header, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(header))]
    print(f"\n{title}\n")
    for number, row in enumerate(table):
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        if number == 0:
            print("  " + "  ".join("-" * width for width in widths))
