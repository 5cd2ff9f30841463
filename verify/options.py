"""What several subcommands share: their target, the options of an expansion, and the progress bar."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import click

from verify.completion import laws, parameters, targets
from verify.limits import memory_limit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from verify.sweeps.sweep import Sweep

# What a command that derives or audits a definition may take, GiB.
MEMORY = 8
TARGET = (
    "TARGET is a catalogue name (quartic losses lists them), with modifiers after plus signs such as"
    " infonce+weight-decay, or path/to/file.py:NAME or package.module:NAME for a Loss of your own."
)


def expanding(command: Callable[..., None]) -> Callable[..., None]:
    """TARGET and how it is expanded: order, basis, values, sampling, law."""
    for option in reversed(
        (
            click.argument("target", shell_complete=targets),
            click.option("--order", default=4, show_default=True, help="Even order in W through which to expand."),
            click.option("--basis", default="A0,Sigma", show_default=True, help="Letters: A0,Sigma or A0,C."),
            click.option(
                "--set",
                "settings",
                multiple=True,
                metavar="NAME=VALUE",
                shell_complete=parameters,
                help="An exact value, such as alpha=1/10, tau=0.07 or N=8; N=oo takes the limit. Repeatable.",
            ),
            click.option(
                "--sampling",
                default="iid",
                show_default=True,
                help="Batches: iid (independent draws) or fixed (a centred training set, fresh noise; order 2 only).",
            ),
            click.option(
                "--law",
                default="gaussian",
                show_default=True,
                metavar="LAW",
                shell_complete=laws,
                help="The law of the data: gaussian, or x = s g with a random scale s, E[s²] = 1: student-t:nu=10,"
                " laplace, contaminated:share=1/10,factor=3. Of elliptical:s4=3/2 moments of s alone are known, or"
                " symbols: it is derived with, not audited. With per=view each view has its own scale.",
            ),
            click.option(
                "--no-limit",
                is_flag=True,
                expose_value=False,
                callback=_insist,
                help=f"Take all the time and memory that it takes; otherwise some minutes and {MEMORY} GiB.",
            ),
        )
    ):
        command = option(command)
    return command


def _insist(context: click.Context, _: click.Parameter, insist: bool) -> None:  # noqa: FBT001 (click's interface)
    """For as long as a command runs."""
    if insist and not context.resilient_parsing:
        from derive.effort import insisting

        context.with_resource(insisting())


@contextmanager
def deriving(bar: progress) -> Iterator[Callable[[str], None]]:
    """What a derivation or an audit of a definition runs in: within limits, its progress shown.

    Args:
        bar: shows it.

    """
    from derive.effort import insisted, watched

    with nullcontext() if insisted() else memory_limit(MEMORY), watched(bar.watch), bar as tick:
        yield tick


class progress:  # noqa: N801 (used as a context, not as a type)
    """A progress bar on standard error, on a terminal only, with the seconds that the step under way has taken.

    Args:
        hidden: show nothing.
        steps: how many there are.
        after: seconds before anything is shown.

    """

    def __init__(self, *, hidden: bool, steps: int = 10, after: float = 0.0) -> None:
        """Show nothing yet."""
        self.shown = not hidden and sys.stderr.isatty()
        # So that what is done of a step is seen.
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
        """What is called with a word before each step."""
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
        """How far the step under way is, see `derive.effort.watched`."""
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
def sweep_progress(sweep: Sweep, label: str, *, hidden: bool = False) -> Iterator[Callable[[float], None]]:
    """The same of a sweep, with the time left; it is told the costs of the units that are done."""
    total = sum(map(sweep.cost, range(len(sweep.units))))
    hidden = hidden or not sys.stderr.isatty()
    # The bar counts in whole numbers, and the costs of units may lie far apart.
    with click.progressbar(length=10_000, label=label, file=sys.stderr, hidden=hidden, show_eta=True) as bar:
        yield lambda cost: bar.update(round(10_000 * cost / total))
