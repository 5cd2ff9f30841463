"""The subcommand ``quartic audit``. SymPy, NumPy and torch are loaded when it runs, not before."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from verify.command.completion import targets
from verify.command.options import TARGET, deriving, expanding
from verify.reports.colours import echo_audit
from verify.running.progress import progress

if TYPE_CHECKING:
    from collections.abc import Callable


@click.command(epilog=TARGET)
@expanding
@click.option("--seed", default=0, show_default=True, help="Seed of all random numbers.")
@click.option("--A0", "a0", type=click.Path(), help="Covariance between two views, a CSV or .npy file, to measure on.")
@click.option("--C", "c", type=click.Path(), help="Covariance that the augmentation adds, Σ − A0; goes with --A0.")
@click.option("--no-train", is_flag=True, help="Leave the trained route out.")
@click.option(
    "--adapter",
    default="auto",
    show_default=True,
    help="How a torch function takes its embeddings: two-views, labels, list, stacked, pairs, pair-stacks, lists, each,"
    " reference, triplets, keywords, keyword-stacks, dictionary, sentences, sentence-classes or scored-sentences; auto"
    " is what its signature shows.",
)
@click.option(
    "--init",
    multiple=True,
    metavar="NAME=VALUE",
    help="An argument of a class, or of a function that makes the loss: temperature=0.1. Repeatable.",
)
@click.option("--dim", type=int, help="The one width of embeddings that a torch function takes.")
@click.option("--min-batch", type=int, default=2, show_default=True, help="The fewest data that it is given.")
@click.option(
    "--encoders",
    type=int,
    default=1,
    show_default=True,
    help="2: the views are W x and V y, halves of pairs seen through two encoders, as in CLIP.",
)
@click.option("--core", is_flag=True, help="Replace normalisations by the identity while a torch function runs.")
@click.option(
    "--constants",
    multiple=True,
    metavar="EXPR",
    help='A constant to recognise coefficients with, as "1/tau". Repeatable.',
)
@click.option(
    "--definition",
    "--against",
    "definition",
    metavar="TARGET",
    shell_complete=targets,
    help="What to compare a torch function with: a derive.Loss, or a second torch function.",
)
@click.option(
    "--against-adapter",
    default="two-views",
    show_default=True,
    help="How that function takes its embeddings, as --adapter.",
)
@click.option(
    "--stuck-at",
    metavar="VALUE",
    help="Say only at which N, temperature and state the loss has this value when it has collapsed.",
)
@click.option("--limit", default=60.0, show_default=True, help="Seconds that one call of a torch function may take.")
@click.option("--memory", default=4.0, show_default=True, help="GiB that a torch function may take.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
@click.option("-v", "--details", is_flag=True, help="All that was found, beside the answer.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--html", metavar="FILE", type=click.Path(), help="Write a page with formulas and pictures, too.")
@click.option("--markdown", metavar="FILE", type=click.Path(), help="The same in Markdown, pictures beside it.")
@click.option("--latex", metavar="FILE", type=click.Path(), help="The same as a section of LaTeX, pictures beside it.")
def audit(
    target: str,
    order: int,
    basis: str,
    settings: tuple[str, ...],
    sampling: str,
    law: str,
    seed: int,
    a0: str | None,
    c: str | None,
    *,
    no_train: bool,
    adapter: str,
    init: tuple[str, ...],
    dim: int | None,
    min_batch: int,
    encoders: int,
    core: bool,
    constants: tuple[str, ...],
    definition: str | None,
    against_adapter: str,
    stuck_at: str | None,
    limit: float,
    memory: float,
    quiet: bool,
    details: bool,
    as_json: bool,
    html: str | None,
    markdown: str | None,
    latex: str | None,
) -> None:
    """Derive the expansion of a loss and hold it against the loss by every route that applies.

    TARGET may also be a torch function loss(z1, z2) of yours, path/to/file.py:NAME: two views of a batch, (N, d) each.
    It is run as it is, measured, and its expansion found with N symbolic.

    Exit status: 0 no contradiction, 1 a contradiction, 2 unusable input.

    Example: quartic audit infonce --html infonce.html
    """
    from derive import Loss
    from derive.fields.training import Dynamics
    from verify.audits.definition import audit as run
    from verify.audits.target import find_target, parse_values, read_covariances, read_init, refuse
    from verify.command.laws import read_law
    from verify.running.limits import memory_limit

    reports = _usable_reports((html, ".html", ".htm"), (markdown, ".md"), (latex, ".tex"))
    covariances = read_covariances(a0, c)
    loss, values = find_target(target), parse_values(settings)
    if isinstance(loss, Dynamics):
        only = {"--core": core, "--definition": definition, "--constants": constants, "--A0 and --C": covariances}
        only |= {"--adapter": adapter != "auto", "--init": init, "--dim": dim is not None, "--encoders": encoders != 1}
        only |= {"--basis": basis != "A0,Sigma"}
        refuse("a field", only | {"--sampling": sampling != "iid", "--stuck-at": stuck_at is not None})
        assumed, values = read_law(law).given(values)
        with deriving(progress(hidden=quiet)) as tick:
            of_field = run(loss, order=order, given=values, law=assumed, seed=seed, train=not no_train, tick=tick)
        _shown(of_field, as_json=as_json, reports=reports, quiet=quiet, details=details)
        return
    if stuck_at is not None:
        how = {"adapter": adapter, "init": read_init(init), "dim": dim, "least": min_batch}
        _stuck(loss, target, stuck_at, values, how, _positive("--limit", limit), as_json=as_json)
        return
    if not isinstance(loss, Loss):
        refuse(
            "a torch function",
            {
                "--sampling": sampling != "iid",
                "--law": law != "gaussian",
                "--A0 and --C": covariances,
                "--no-train": no_train,
            },
        )
        # An adapter is for a loss of features, which may have weights too.
        plain = adapter == "auto" and not init and dim is None
        training = _training(loss, target) if plain else None
        if training is not None:
            only = {"--encoders": encoders != 1, "--core": core, "--definition": definition, "--constants": constants}
            only |= {"--basis": basis != "A0,Sigma", "--set": settings}
            refuse("a training module", only)
            with memory_limit(_positive("--memory", memory)), progress(hidden=quiet) as tick:
                of_step = training(seed=seed, tick=tick)
            _shown(of_step, as_json=as_json, reports=reports, quiet=quiet, details=details)
            return
        beside = None if definition is None else find_target(definition)
        if isinstance(beside, Dynamics):
            refuse("a torch function", {f"--definition {definition}, which is a field,": True})
        if against_adapter != "two-views" and (beside is None or isinstance(beside, Loss)):
            refuse("a definition", {"--against-adapter": True})
        options = {
            "basis": basis,
            "encoders": encoders,
            "adapter": adapter,
            "init": read_init(init),
            "dim": dim,
            "least": min_batch,
            "use_core": core,
            "named": constants,
            "definition": beside,
            "against": ((definition or "").rpartition(":")[2], against_adapter),
            "limit": _positive("--limit", limit),
        }
        with memory_limit(_positive("--memory", memory)):
            of_code = measured(loss, target, quiet=quiet, order=order, given=values, seed=seed, **options)
        _shown(of_code, as_json=as_json, reports=reports, quiet=quiet, details=details)
        return
    only = {"--core": core, "--definition": definition, "--constants": constants, "--adapter": adapter != "auto"}
    only |= {"--init": init, "--dim": dim is not None, "--min-batch": min_batch != 2}
    refuse("a derive.Loss", only)
    assumed, values = read_law(law).given(values)
    with deriving(progress(hidden=quiet)) as tick:
        found = run(
            loss,
            order=order,
            basis=basis,
            sampling=sampling,
            encoders=encoders,
            given=values,
            covariances=covariances,
            law=assumed,
            seed=seed,
            train=not no_train,
            tick=tick,
        )
    _shown(found, as_json=as_json, reports=reports, quiet=quiet, details=details)


def _stuck(
    loss: Any, target: str, value: str, values: dict[str, Any], how: dict[str, Any], limit: float, *, as_json: bool
) -> None:
    """Print where a loss has a value at collapse."""
    from derive import Loss
    from verify.audits.stuck import candidates_of, read_level, stuck_at

    read_level(value)
    if isinstance(loss, Loss):
        finite = {name: number for name, number in values.items() if number.is_finite}
        found = stuck_at(value, candidates_of(loss.set(finite)))
    else:
        from verify.audits.blackbox.stuck import function_stuck

        name = target.rpartition(":")[2]
        found = function_stuck(loss, value, name=name, given=values, limit=limit, **how)
    click.echo(json.dumps(found.to_json(), indent=2, ensure_ascii=False) if as_json else found.text())


def _training(loss: Any, target: str) -> Callable[..., Any] | None:
    """The audit of a training module, where the target is one or (loss, predictor); None for a loss of features."""
    from functools import partial
    from importlib.util import find_spec

    if not find_spec("torch"):
        return None
    from verify.audits.steps.audit import audit_step
    from verify.audits.steps.module import training_module

    found = training_module(loss)
    return None if found is None else partial(audit_step, found, name=target.rpartition(":")[2])


def _positive(option: str, value: float) -> float:
    """A limit that can be kept."""
    from derive import InputError

    if not 0 < value < float("inf"):
        message = f"{option} {value:g}: give a number above 0"
        raise InputError(message)
    return value


def _usable_reports(*asked: tuple[str | None, *tuple[str, ...]]) -> list[Path]:
    """The files of the reports that are asked for: that they can be written is found out before the audit is run."""
    if all(path is None for path, *_ in asked):
        return []
    from verify.reports.writing import usable_report

    return [usable_report(path, *endings) for path, *endings in asked if path is not None]


def _shown(found: Any, *, as_json: bool, reports: list[Path], quiet: bool, details: bool) -> None:
    """Print an audit, and write its reports where they are wanted; exit status 1 where it found a contradiction."""
    with progress(hidden=quiet, steps=1, after=2.0) as tick:
        tick("text")
        said = found.to_json() if as_json else found.description()
    if as_json:
        click.echo(json.dumps(said, indent=2, ensure_ascii=False))
    else:
        echo_audit(said, details=details)
    with progress(hidden=quiet, steps=len(reports), after=2.0) as tick:
        for file in reports:
            from verify.reports import write_report

            tick(file.name)
            write_report(found, file, command=shlex.join(["quartic", *sys.argv[1:]]))
    if found.verdict == "refuted":
        sys.exit(1)


def measured(loss: Callable[..., Any], target: str, *, quiet: bool, **options: Any) -> Any:
    """The audit of a torch function."""
    from importlib.util import find_spec

    from derive import InputError

    if not find_spec("torch"):
        message = "torch is not installed, and a torch function needs it: pip install 'quartic[torch]'"
        raise InputError(message)
    from verify.audits.blackbox.auditing import audit_function

    with progress(hidden=quiet) as tick:
        return audit_function(loss, name=target.rpartition(":")[2], tick=tick, **options)
