"""What several subcommands share: their target, the options of an expansion, and its limits."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import click

from verify.command.completion import laws, parameters, targets
from verify.running.limits import memory_limit
from verify.running.progress import progress, watching

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# What a command that derives or audits a definition may take, GiB.
MEMORY = 8
TARGET = (
    "TARGET is a catalogue name (quartic losses lists them), with modifiers after plus signs such as"
    " infonce+weight-decay, or path/to/file.py:NAME or package.module:NAME for a Loss of your own."
)


def _insist(context: click.Context, _: click.Parameter, insist: bool) -> None:  # noqa: FBT001 (click's interface)
    """For as long as a command runs."""
    if insist and not context.resilient_parsing:
        from derive.algebra.effort import insisting

        context.with_resource(insisting())


TARGETED = click.argument("target", shell_complete=targets)
SETTINGS = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    shell_complete=parameters,
    help="An exact value, such as alpha=1/10, tau=0.07 or N=8; N=oo takes the limit. Repeatable.",
)
LAW = click.option(
    "--law",
    default="gaussian",
    show_default=True,
    metavar="LAW",
    shell_complete=laws,
    help="The law of the data: gaussian, or x = s g with a random scale s, E[s²] = 1: student-t:nu=10,"
    " laplace, contaminated:share=1/10,factor=3. Of elliptical:s4=3/2 moments of s alone are known, or"
    " symbols: it is derived with, not audited. With per=view each view has its own scale. Or mean, a Gaussian around a"
    " mean; or classes:weights=9:1, a Gaussian for each class (count=3, covariances=shared, means=zero).",
)
NO_LIMIT = click.option(
    "--no-limit",
    is_flag=True,
    expose_value=False,
    callback=_insist,
    help=f"Use all the time and memory needed; otherwise some minutes and {MEMORY} GiB.",
)


def expanding(command: Callable[..., None]) -> Callable[..., None]:
    """TARGET and how it is expanded: order, basis, values, sampling, law."""
    for option in reversed(
        (
            TARGETED,
            click.option("--order", default=4, show_default=True, help="Even order in W through which to expand."),
            click.option("--basis", default="A0,Sigma", show_default=True, help="Letters: A0,Sigma or A0,C."),
            SETTINGS,
            click.option(
                "--sampling",
                default="iid",
                show_default=True,
                help="Batches: iid (independent draws) or fixed (a centred training set, fresh noise; order 2 only).",
            ),
            LAW,
            NO_LIMIT,
        )
    ):
        command = option(command)
    return command


@contextmanager
def deriving(bar: progress) -> Iterator[Callable[[str], None]]:
    """What a derivation or an audit of a definition runs in: within limits, its progress shown.

    Args:
        bar: shows it.

    """
    from derive.algebra.effort import insisted

    with nullcontext() if insisted() else memory_limit(MEMORY), watching(bar) as tick:
        yield tick
