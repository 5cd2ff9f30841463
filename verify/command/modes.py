"""The subcommand ``quartic modes``. SymPy, NumPy and SciPy are loaded when it runs, not before."""

from __future__ import annotations

import json

import click

from verify.command.options import LAW, NO_LIMIT, SETTINGS, TARGET, TARGETED, deriving
from verify.running.progress import progress


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
    "--no-error", is_flag=True, help="Leave out the minimum of the loss itself, which order 4 is held against."
)
@click.option("--seed", default=0, show_default=True, help="Of the draws on which the loss itself is minimised.")
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
    no_error: bool,
    seed: int,
    quiet: bool,
    as_json: bool,
) -> None:
    """Print which modes of the data a loss keeps at its global minimum, and with which power.

    The landscape to all orders is solved where the loss closes, and that through order 4 elsewhere, beside the minimum
    of the loss itself. Two views of the data are described by their correlations alone; a loss that depends on more
    (weight decay) takes --A0 and --C.

    Example: quartic modes beta-infonce --correlations 0.9,0.5,0.1 --set beta=1/2
    """
    from verify.audits.modes import modes as run
    from verify.audits.target import find_loss, parse_values, read_correlations, read_covariances
    from verify.command.laws import read_law

    loss, covariances = find_loss(target), read_covariances(a0, c)
    assumed, values = read_law(law).given(parse_values(settings))
    given = None if correlations is None else read_correlations(correlations)
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
    click.echo(json.dumps(found.to_json(), indent=2, ensure_ascii=False) if as_json else found.text())
