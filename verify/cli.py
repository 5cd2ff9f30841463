"""The command ``quartic``. SymPy, NumPy and torch are loaded by the subcommand that needs them, not before."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from verify.claims.command import claims, theory
from verify.reproduce.command import reproduce

if TYPE_CHECKING:
    from collections.abc import Callable

TARGET = (
    "TARGET is a catalogue name (quartic losses lists them), with modifiers after plus signs such as"
    " infonce+weight-decay, or path/to/file.py:NAME for a Loss of your own."
)


class _Command(click.Group):
    """A group that suggests the nearest subcommand."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            near = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1, cutoff=0.4)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"{error.message}{hint}", ctx) from None


@click.group(cls=_Command, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="quartic", prog_name="quartic")
def quartic() -> None:
    """Derive the expansion of a self-supervised loss around W = 0 from its definition, and check it."""


def _shared(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(
        (
            click.argument("target"),
            click.option("--order", default=4, show_default=True, help="Even order in W through which to expand."),
            click.option("--basis", default="A0,Sigma", show_default=True, help="Letters: A0,Sigma or A0,C."),
            click.option(
                "--set",
                "settings",
                multiple=True,
                metavar="NAME=VALUE",
                help="An exact value, such as alpha=1/10 or N=8; N=oo takes the limit. Repeatable.",
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


_data = click.option(
    "--data",
    default="gaussian",
    show_default=True,
    type=click.Choice(["gaussian", "elliptical", "elliptical-views"]),
    help="The law of the data. Elliptical: x = s g, E[s²] = 1, one s a datum or a view; --set takes s1, s4, …",
)


@quartic.command(epilog=TARGET)
@_shared
@_data
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def derive(
    target: str, order: int, basis: str, settings: tuple[str, ...], sampling: str, data: str, *, as_json: bool
) -> None:
    """Print the expansion of a loss.

    Example: quartic derive weighted-infonce --set alpha=0 --order 6
    """
    from derive import NotAnalyticError

    try:
        expansion = _expand(target, order, basis, settings, sampling, data)
    except NotAnalyticError as error:
        if error.degree != 0:
            raise
        # A loss of normalised features has no expansion: that is the answer.
        point = "(W, b)" if _loss(target, ()).bias else "W"
        answer = f"no expansion: homogeneous of degree 0 in {point}, constant along {point} → t{point}; {error.reason}"
        found: dict[str, Any] = {"loss": target, "order": order, "terms": None, "regularity": "homogeneous"}
        found |= {"degree": 0, "reason": error.reason}
        click.echo(json.dumps(found, indent=2, ensure_ascii=False) if as_json else answer)
        return
    click.echo(json.dumps(expansion.to_json(), indent=2, ensure_ascii=False) if as_json else expansion.text())


@quartic.command(epilog=TARGET)
@_shared
@_data
@click.option("--document", is_flag=True, help="A whole document that compiles, rather than lines to paste.")
def latex(
    target: str, order: int, basis: str, settings: tuple[str, ...], sampling: str, data: str, *, document: bool
) -> None:
    """Print definition, expansion, B and assumptions in LaTeX, ready to paste.

    Example: quartic latex infonce --order 6
    """
    from derive import InputError, Loss
    from derive.described import described
    from derive.latex import section, whole_document
    from verify.target import find_target

    loss, write = find_target(target), whole_document if document else section
    if not isinstance(loss, Loss):
        found = _measured(loss, target, quiet=True, order=order)
        if found.expansion is None:
            message = f"{target} has no expansion: {found.regularity.reason or 'it singles out coordinates'}"
            raise InputError(message)
        click.echo(write(None, found.expansion.in_basis(basis), found.landscape))
        return
    loss, expansion = _loss(target, settings), _expand(target, order, basis, settings, sampling, data)
    click.echo(write(loss, expansion, described(loss, expansion) if order >= 4 else None))


@quartic.command(epilog=TARGET)
@_shared
@click.option("--seed", default=0, show_default=True, help="Seed of all random numbers.")
@click.option("--A0", "a0", type=click.Path(), help="Covariance between two views, a CSV or .npy file, to measure on.")
@click.option("--C", "c", type=click.Path(), help="Covariance that the augmentation adds, Σ − A0; goes with --A0.")
@click.option("--no-train", is_flag=True, help="Leave the trained route out.")
@click.option(
    "--adapter",
    default="two-views",
    show_default=True,
    help="How a torch function takes its embeddings: two-views, labels, list, stacked or pairs.",
)
@click.option("--core", is_flag=True, help="Replace normalisations by the identity while a torch function runs.")
@click.option(
    "--constants",
    multiple=True,
    metavar="EXPR",
    help='A constant to recognise coefficients with, as "1/tau". Repeatable.',
)
@click.option(
    "--definition", metavar="TARGET", help="The same loss as a derive.Loss, to compare a torch function with."
)
@click.option("--limit", default=60.0, show_default=True, help="Seconds that one call of a torch function may take.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def audit(
    target: str,
    order: int,
    basis: str,
    settings: tuple[str, ...],
    sampling: str,
    seed: int,
    a0: str | None,
    c: str | None,
    *,
    no_train: bool,
    adapter: str,
    core: bool,
    constants: tuple[str, ...],
    definition: str | None,
    limit: float,
    quiet: bool,
    as_json: bool,
) -> None:
    """Derive the expansion of a loss and hold it against the loss by every route that applies.

    TARGET may also be a torch function loss(z1, z2) of yours, path/to/file.py:NAME: two views of a batch, (N, d) each.
    It is run as it is, measured, and its expansion found with N symbolic.

    Exit status: 0 no contradiction, 1 a contradiction, 2 unusable input.

    Example: quartic audit infonce
    """
    from derive import Loss
    from verify.auditing import audit as run
    from verify.target import find_loss, find_target, parse_values, read_covariances, refuse

    covariances = read_covariances(a0, c)
    loss, values = find_target(target), parse_values(settings)
    if not isinstance(loss, Loss):
        refuse("a torch function", {"--sampling": sampling != "iid", "--A0 and --C": covariances})
        beside = None if definition is None else find_loss(definition)
        options = {
            "basis": basis,
            "adapter": adapter,
            "use_core": core,
            "named": constants,
            "definition": beside,
            "limit": limit,
        }
        measured = _measured(loss, target, quiet=quiet, order=order, given=values, seed=seed, **options)
        _shown(measured, as_json=as_json)
        return
    only = {"--core": core, "--definition": definition, "--constants": constants, "--adapter": adapter != "two-views"}
    refuse("a derive.Loss", only)
    with _progress(hidden=quiet) as tick:
        found = run(
            loss,
            order=order,
            basis=basis,
            sampling=sampling,
            given=values,
            covariances=covariances,
            seed=seed,
            train=not no_train,
            tick=tick,
        )
    _shown(found, as_json=as_json)


def _shown(found: Any, *, as_json: bool) -> None:
    """Print an audit; exit status 1 where it found a contradiction."""
    click.echo(json.dumps(found.to_json(), indent=2, ensure_ascii=False) if as_json else found.text())
    if found.verdict == "refuted":
        sys.exit(1)


def _measured(loss: Callable[..., Any], target: str, *, quiet: bool, **options: Any) -> Any:
    """The audit of a torch function."""
    from importlib.util import find_spec

    from derive import InputError

    if not find_spec("torch"):
        message = "torch is not installed, and a torch function needs it: pip install 'quartic[torch]'"
        raise InputError(message)
    from verify.blackbox.auditing import audit_function

    with _progress(hidden=quiet) as tick:
        return audit_function(loss, name=target.rpartition(":")[2], tick=tick, **options)


@quartic.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def losses(*, as_json: bool) -> None:
    """List the catalogue with its sources and parameters."""
    from derive import CATALOGUE, MODIFIERS

    if as_json:
        listed = [
            {"name": loss.name, "title": loss.title, "source": loss.source, "parameters": list(loss.parameters)}
            for loss in CATALOGUE.values()
        ]
        click.echo(json.dumps(listed, indent=2, ensure_ascii=False))
        return
    for loss in CATALOGUE.values():
        click.echo(f"{loss.name:<22}{loss.title:<50}{loss.source}")
        click.echo(f"{'':<22}parameters: {', '.join(loss.parameters) or 'none'}")
    click.echo(f"\nmodifiers, after plus signs: {', '.join(MODIFIERS)}")


for _command in (claims, theory, reproduce):
    quartic.add_command(_command)


def main() -> None:
    """Run the command; unusable input is one sentence on standard error and exit status 2."""
    try:
        quartic(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except BrokenPipeError:
        # The reader has gone, as with `quartic … | head`.
        sys.stderr.close()
        sys.exit(0)
    except ValueError as error:
        from derive import InputError

        if not isinstance(error, InputError):
            raise
        click.echo(f"quartic: {error}", err=True)
        sys.exit(2)


def _loss(target: str, settings: tuple[str, ...]) -> Any:
    from verify.target import find_loss, parse_values, put_values

    loss, _ = put_values(find_loss(target), _split(parse_values(settings))[0])
    return loss


def _expand(target: str, order: int, basis: str, settings: tuple[str, ...], sampling: str, data: str) -> Any:
    from derive import Elliptical, Gaussian
    from verify.target import find_loss, parse_values, put_values

    values = parse_values(settings)
    moments: dict[int, Any] = {}
    if data != "gaussian":
        values, moments = _split(values)
    loss, later = put_values(find_loss(target), values)
    law = Gaussian() if data == "gaussian" else Elliptical(moments, "view" if data.endswith("views") else "datum")
    return loss.expand(order, basis=basis, sampling=sampling, data=law).set(later)


def _split(values: dict[str, Any]) -> tuple[dict[str, Any], dict[int, Any]]:
    """Values of the loss's parameters, and moments s1, s4, … of a random scale."""
    moments = {int(name[1:]): value for name, value in values.items() if name[:1] == "s" and name[1:].isdecimal()}
    return {name: value for name, value in values.items() if not (name[:1] == "s" and name[1:].isdecimal())}, moments


class _progress:  # noqa: N801 (used as a context, not as a type)
    """A progress bar on standard error, on a terminal only."""

    def __init__(self, *, hidden: bool) -> None:
        self.bar = click.progressbar(
            length=10, label="quartic", file=sys.stderr, hidden=hidden or not sys.stderr.isatty(), item_show_func=str
        )

    def __enter__(self) -> Callable[[str], None]:
        self.bar.__enter__()
        return lambda step: self.bar.update(1, step)

    def __exit__(self, *error: object) -> None:
        self.bar.__exit__(*error)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
