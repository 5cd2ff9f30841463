"""The subcommand ``quartic moment``. SymPy and NumPy are loaded when it runs, not before."""

from __future__ import annotations

import json
import sys

import click

from verify.command.options import LAW, NO_LIMIT, deriving
from verify.running.progress import progress


@click.command()
@click.argument("text")
@click.option("--basis", default="A0,Sigma", show_default=True, help="Letters: A0,Sigma or A0,C.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="An exact value of a parameter, such as n=8 or tau=1/10. Repeatable.",
)
@LAW
@click.option("--seed", default=0, show_default=True, help="Seed of all random numbers.")
@click.option("--latex", "as_latex", is_flag=True, help="Print the formula in LaTeX, unchecked.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@NO_LIMIT
def moment(
    text: str,
    basis: str,
    settings: tuple[str, ...],
    law: str,
    seed: int,
    *,
    as_latex: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Derive a mean, variance, covariance or cumulant of f at views as trace words, and check it on its definition.

    TEXT is E(…), Var(…), Cov(…, …) or Cum(…, k) of a polynomial in <f(x), f(chi)>, |f(x) - f(chi)|^2, coordinates
    f(x)_i and parameters, each with `| x` before its closing bracket where views are given. x and x_pos are views of
    one datum, chi is one of another. Mean(…, u, n) is the mean over n draws of u.

    Exit status: 0 no contradiction, 1 a contradiction, 2 unusable input.

    Example: quartic moment "Var(|f(x) - f(chi)|^2)"
    """
    from derive import moment as derived
    from derive.definition.notation import LATEX
    from verify.audits.moment import audit_moment
    from verify.audits.target import parse_values, refuse
    from verify.command.laws import read_law
    from verify.reports.colours import echo_audit

    assumed, values = read_law(law).given(parse_values(settings))
    if as_latex:
        refuse("--latex", {"--json": as_json})
        with deriving(progress(hidden=quiet)):
            found = derived(text, law=assumed, basis=basis)
            click.echo(f"{found.definition(LATEX)} = {found.set(values).latex()}")
        return
    with deriving(progress(hidden=quiet, steps=3, after=2.0)) as tick:
        audit = audit_moment(text, law=assumed, basis=basis, given=values, seed=seed, tick=tick)
    if as_json:
        click.echo(json.dumps(audit.to_json(), indent=2, ensure_ascii=False))
    else:
        echo_audit(audit.description())
    if audit.verdict == "refuted":
        sys.exit(1)
