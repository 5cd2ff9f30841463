"""What a shell offers when Tab is pressed: losses and modifiers, claims, figures, laws, parameters.

A file of the user's is offered by its name and never run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem, get_completion_class

if TYPE_CHECKING:
    from collections.abc import Iterable

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a SHELL: bash, zsh or fish.

    In ~/.bashrc or ~/.zshrc: eval "$(quartic completion bash)", or zsh in its place. For fish:
    quartic completion fish > ~/.config/fish/completions/quartic.fish

    Example: quartic completion bash
    """
    made = get_completion_class(shell)
    if made is None:  # pragma: no cover (click knows each of SHELLS)
        raise click.UsageError(f"{shell} has no completion")
    click.echo(made(ctx.find_root().command, {}, "quartic", "_QUARTIC_COMPLETE").source())


def targets(_ctx: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Names of the catalogue, modifiers after a plus sign, or files.

    >>> [one.value for one in targets(None, None, "infonce+weight-decay+norm")]
    ['infonce+weight-decay+norm-penalty', 'infonce+weight-decay+normalised']
    """
    from derive import CATALOGUE, MODIFIERS
    from derive.fields import FIELDS

    *before, last = typed.split("+")
    if before and before[0] in CATALOGUE:
        return _those(f"{'+'.join(before)}+", (name for name in MODIFIERS if name not in before), last)
    known: list[Any] = [*CATALOGUE.values(), *FIELDS.values()]
    found = [CompletionItem(loss.name, help=loss.title) for loss in known if loss.name.startswith(typed)]
    return found or [CompletionItem(typed, type="file")]


def parameters(ctx: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Parameters of the loss that stands before, as ``NAME=``."""
    from derive import InputError
    from verify.audits.target import known

    # Before an option that has no value yet click leaves the arguments as they were typed.
    target = ctx.params.get("target") or next(iter(ctx.args), "")
    try:
        loss = known(target)
    except InputError:
        return []
    return _those("", (f"{name}=" for name in loss.parameters), typed)


def laws(_ctx: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Laws of the data, those that take something with a colon."""
    from inspect import signature

    from derive.expansion.laws import LAWS

    return _those("", (f"{name}:" if signature(of).parameters else name for name, of in LAWS.items()), typed)


def claim_ids(_ctx: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Claims of the published ledgers."""
    from verify.papers.claims.ledgers import other_ids, published_ids

    return _those("", (published_ids() | other_ids()), typed)


def figures(_ctx: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Figures that can be reproduced."""
    from verify.figures.reproduce.figure import FIGURES

    return _those("", FIGURES, typed)


def _those(before: str, names: Iterable[str], typed: str) -> list[CompletionItem]:
    return [CompletionItem(before + name) for name in names if name.startswith(typed)]
