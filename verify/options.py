"""What several subcommands share: their target, the options of an expansion, and the progress bar."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from verify.completion import parameters, targets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from verify.sweeps.sweep import Sweep

TARGET = (
    "TARGET is a catalogue name (quartic losses lists them), with modifiers after plus signs such as"
    " infonce+weight-decay, or path/to/file.py:NAME or package.module:NAME for a Loss of your own."
)


def expanding(command: Callable[..., None]) -> Callable[..., None]:
    """TARGET and how it is expanded: order, basis, values, sampling."""
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
        )
    ):
        command = option(command)
    return command


class progress:  # noqa: N801 (used as a context, not as a type)
    """A progress bar on standard error, on a terminal only."""

    def __init__(self, *, hidden: bool, steps: int = 10) -> None:
        hidden = hidden or not sys.stderr.isatty()
        self.bar = click.progressbar(length=steps, label="quartic", file=sys.stderr, hidden=hidden, item_show_func=str)

    def __enter__(self) -> Callable[[str], None]:
        self.bar.__enter__()
        return lambda step: self.bar.update(1, step)

    def __exit__(self, *error: object) -> None:
        self.bar.__exit__(*error)  # type: ignore[arg-type]


@contextmanager
def sweep_progress(sweep: Sweep, label: str, *, hidden: bool = False) -> Iterator[Callable[[float], None]]:
    """The same of a sweep, with the time left; it is told the costs of the units that are done."""
    total = sum(map(sweep.cost, range(len(sweep.units))))
    hidden = hidden or not sys.stderr.isatty()
    # The bar counts in whole numbers, and the costs of units may lie far apart.
    with click.progressbar(length=10_000, label=label, file=sys.stderr, hidden=hidden, show_eta=True) as bar:
        yield lambda cost: bar.update(round(10_000 * cost / total))
