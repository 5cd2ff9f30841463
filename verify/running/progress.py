"""Progress bars on a terminal, for work that takes long."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from verify.running.sweeps.sweep import Sweep


class progress:  # noqa: N801 (used as a context, not as a type)
    """A progress bar on standard error, on a terminal only, with the seconds that the current step has taken.

    Args:
        hidden: show nothing.
        steps: how many there are.
        after: seconds before anything is shown.

    """

    def __init__(self, *, hidden: bool, steps: int = 10, after: float = 0.0) -> None:
        """Show nothing yet."""
        self.shown = not hidden and sys.stderr.isatty()
        # So that progress within a step shows.
        self.length = 100 * steps
        self.bar = click.progressbar(
            length=self.length,
            label="quartic",
            file=sys.stderr,
            hidden=not self.shown,
            item_show_func=lambda said: said or "",
        )
        self.after = after
        self.begun, self.step, self.since, self.part = 0, "", time.monotonic(), 0.0
        self.ended = threading.Event()
        self.lock = threading.Lock()
        self.beat = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Callable[[str], None]:
        """A function to be called with a word before each step."""
        if not self.after:
            self.bar.__enter__()
        if self.shown:
            self.beat.start()
        return self._tick

    def __exit__(self, *error: object) -> None:
        """Leave the line."""
        self.ended.set()
        if self.shown:
            self.beat.join()
        if self.bar.entered:
            self.bar.__exit__(*error)  # type: ignore[arg-type]

    def watch(self, part: float | None) -> None:
        """How far the current step is, see `derive.algebra.effort.watched`."""
        self.part = part or 0.0

    def _tick(self, step: str) -> None:
        self.begun, self.step, self.since, self.part = self.begun + 1, step, time.monotonic(), 0.0
        if self.bar.entered:
            self._show(step)

    def _beat(self) -> None:
        if self.ended.wait(self.after):
            return
        if not self.bar.entered:
            self.bar.__enter__()
        while not self.ended.wait(1.0):
            self._show(f"{self.step}, {time.monotonic() - self.since:.0f} s")

    def _show(self, said: str) -> None:
        with self.lock:
            done = min(self.length, int(100 * (self.begun - 1 + self.part)))
            self.bar.current_item = said
            self.bar.make_step(max(0, done - self.bar.pos))
            self.bar.render_progress()


@contextmanager
def watching(bar: progress) -> Iterator[Callable[[str], None]]:
    """The same, with the progress of derivations within a step."""
    from derive.algebra.effort import watched

    with watched(bar.watch), bar as tick:
        yield tick


@contextmanager
def sweep_progress(sweep: Sweep, label: str, *, hidden: bool = False) -> Iterator[Callable[[float], None]]:
    """The same for a sweep, with the time left; it is told the costs of the units that are done."""
    total = sum(map(sweep.cost, range(len(sweep.units))))
    hidden = hidden or not sys.stderr.isatty()
    # The bar counts in whole numbers, and the costs of units may differ widely.
    with click.progressbar(length=10_000, label=label, file=sys.stderr, hidden=hidden, show_eta=True) as bar:
        yield lambda cost: bar.update(round(10_000 * cost / total))
