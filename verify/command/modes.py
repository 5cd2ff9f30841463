"""The subcommand ``quartic modes``. SymPy, NumPy and SciPy are loaded when it runs, not before."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from verify.command.options import LAW, NO_LIMIT, SETTINGS, TARGET, TARGETED, deriving
from verify.running.progress import progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import sympy

    from verify.audits.kept_modes import KeptModes


@click.command(epilog=TARGET)
@TARGETED
@click.option(
    "--correlations",
    metavar="LIST",
    help="View correlations, eigenvalues of Σ^(−½) A0 Σ^(−½) from 0 to 1: 0.95,0.8,0.3, or a file (text, CSV, .npy).",
)
@click.option("--A0", "a0", type=click.Path(), help="Covariance between two views, a CSV or .npy file.")
@click.option("--C", "c", type=click.Path(), help="Covariance that the augmentation adds; goes with --A0.")
@SETTINGS
@click.option("--d1", type=int, help="Rows of W, the dimension of the embedding; one for each mode unless given.")
@LAW
@click.option(
    "--adapter", default="two-views", show_default=True, help="How a torch function takes its embeddings, as for audit."
)
@click.option(
    "--no-error", is_flag=True, help="Leave out the minimum of the loss itself, which order 4 is held against."
)
@click.option("--seed", default=0, show_default=True, help="Of the draws on which the loss itself is minimised.")
@click.option(
    "--times", metavar="LIST", help="Of a field: times at which the powers from small weights are told: 0,10,50."
)
@click.option("--latex", "as_latex", is_flag=True, help="Print a table and formulas in LaTeX, ready to paste.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@NO_LIMIT
def modes(
    target: str,
    correlations: str | None,
    a0: str | None,
    c: str | None,
    settings: tuple[str, ...],
    d1: int | None,
    law: str,
    *,
    adapter: str,
    no_error: bool,
    seed: int,
    times: str | None,
    as_latex: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Print which modes of the data a loss keeps at its global minimum, and with which power.

    The landscape to all orders is solved where the loss closes, and that through order 4 elsewhere, beside the minimum
    of the loss itself. Two views of the data are described by their correlations alone; a loss that depends on more
    (weight decay) takes --A0 and --C.

    Of a loss of unit vectors (NAME+normalised) the powers are shares, which add to 1: those of a large batch, or of
    random batches for --set N=…. TARGET may also be a torch function loss(z1, z2) that normalises its features.

    Of a field, such as simsiam, which modes grow from small weights is said, and which survive from large ones.

    Example: quartic modes beta-infonce --correlations 0.9,0.5,0.1 --set beta=1/2
    """
    import verify.audits.cosine_modes  # noqa: F401 (registers the modes of losses of cosines, and of DINO with them)
    from derive import Loss
    from derive.fields.training import Dynamics
    from verify.audits.field_courses import field_course
    from verify.audits.field_modes import field_modes
    from verify.audits.modes import modes as run
    from verify.audits.target import find_target, parse_values, read_correlations, read_covariances, refuse
    from verify.command.laws import read_law
    from verify.truths.exact_numbers import read_number

    if as_latex:
        refuse("--latex", {"--json": as_json})
    write = _latex if as_latex else _json if as_json else _text
    covariances = read_covariances(a0, c)
    loss = find_target(target)
    given = None if correlations is None else read_correlations(correlations)
    if isinstance(loss, Dynamics):
        refuse("a field", {"--d1": d1, "--law": law != "gaussian", "--adapter": adapter != "two-views"})
        values = parse_values(settings)
        with deriving(progress(hidden=quiet, steps=2, after=2.0)) as tick:
            tick("the flow of the modes")
            answer = field_modes(loss, values, covariances, given)
            if times is not None:
                tick("their course in time")
                at = [float(read_number(one.strip(), "--times")) for one in times.split(",")]
                answer = replace(answer, in_time=field_course(loss, values, answer.data, at))
        click.echo(write(answer))
        return
    refuse("a loss, which follows no field of its own", {"--times": times})
    if not isinstance(loss, Loss):
        refuse(
            "a torch function",
            {"--A0 and --C": covariances, "--d1": d1, "--law": law != "gaussian", "--no-error": no_error},
        )
        click.echo(write(_of_function(loss, target, given, parse_values(settings), adapter, seed, quiet=quiet)))
        return
    refuse("a derive.Loss", {"--adapter": adapter != "two-views"})
    assumed, values = read_law(law).given(parse_values(settings))
    with deriving(progress(hidden=quiet, steps=3, after=2.0)) as tick:
        found = run(
            loss,
            given,
            values,
            covariances=covariances,
            d1=d1,
            law=assumed,
            measure=not no_error,
            seed=seed,
            tick=tick,
        )
    click.echo(write(found))


def _text(found: KeptModes) -> str:
    return found.text()


def _json(found: KeptModes) -> str:
    return json.dumps(found.to_json(), indent=2, ensure_ascii=False)


def _latex(found: KeptModes) -> str:
    from verify.reports.kept_modes import section

    return section(found)


def _of_function(
    loss: Callable[..., Any],
    target: str,
    correlations: Iterable[object] | None,
    values: Mapping[str, sympy.Expr],
    adapter: str,
    seed: int,
    *,
    quiet: bool,
) -> KeptModes:
    """The modes of a torch function; N among the values is the size of a batch, all others are its own."""
    from derive import InputError
    from numeric.landscape.spectrum import whitened
    from verify.audits.blackbox.adapters import callable_loss, find_adapter, with_values
    from verify.audits.function_shares import function_modes
    from verify.truths.function import BlackBox

    if correlations is None:
        raise InputError("no correlations are given; give them as --correlations 0.9,0.5,0.1, or in a file")
    name = target.rpartition(":")[2]
    own = {key: value for key, value in values.items() if key != "N"}
    box = BlackBox(with_values(callable_loss(loss, name), own), name, find_adapter(adapter))
    size = values.get("N")
    if size is not None and not (size.is_Integer and size >= 2):
        raise InputError(f"N = {size}: the size of a batch is a whole number, 2 or more")
    with deriving(progress(hidden=quiet, steps=2, after=2.0)) as tick:
        return function_modes(
            box, whitened(correlations), batch=None if size is None else int(size), given=values, seed=seed, tick=tick
        )
