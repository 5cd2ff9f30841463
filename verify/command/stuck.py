"""The subcommand ``quartic stuck``. SymPy and NumPy are loaded when it runs, not before."""

from __future__ import annotations

import json

import click


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("value", metavar="VALUE")
@click.option("--within", type=float, help="How far off a fit may be; half of the last digit of VALUE unless given.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="What is known: N, the data in a batch; tau, the temperature; K, a queue or prototypes. Repeatable.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def stuck(value: str, within: float | None, settings: tuple[str, ...], *, as_json: bool) -> None:
    """Say which published loss has a VALUE when its features have collapsed, at which N and temperature.

    The values at complete collapse and at a kept rank of 1 are derived from the losses' definitions and evaluated at
    usual settings, with the factors that published codes have. Common settings come first. For a loss of your own:
    quartic audit file.py:loss --stuck-at VALUE.

    Example: quartic stuck 8.909
    """
    from derive import InputError
    from verify.audits.stuck import stuck_at
    from verify.audits.target import parse_values

    if within is not None and not 0 < within < float("inf"):
        raise InputError(f"--within {within:g}: give a number above 0")
    given = parse_values(settings)
    for name, number in given.items():
        if name not in KNOWN:
            raise InputError(f"--set {name}: what can be known of a published loss is {', '.join(KNOWN)}")
        if not number.is_finite or not number > 0:
            raise InputError(f"--set {name}={number}: give a number above 0")
    found = stuck_at(value, given=given, within=within)
    click.echo(json.dumps(found.to_json(), indent=2, ensure_ascii=False) if as_json else found.text())


KNOWN = ("N", "K", "tau", "tau_base", "d1")
