"""The command ``quartic``. SymPy, NumPy and torch are loaded by the subcommand that needs them, not before."""

from __future__ import annotations

import errno
import json
import sys
from typing import Any

import click

from verify.command.audit import audit, measured
from verify.command.claims import claims, theory
from verify.command.completion import completion
from verify.command.landscape import landscape
from verify.command.modes import modes
from verify.command.moment import moment
from verify.command.options import MEMORY, TARGET, deriving, expanding
from verify.command.reproduce import reproduce
from verify.command.stuck import stuck
from verify.running.limits import memory_limit, printable
from verify.running.progress import progress


class _Command(click.Group):
    """A group that suggests the nearest subcommand."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from derive.errors import did_you_mean, nearest

            near = nearest(args[0], self.list_commands(ctx))
            raise click.UsageError(did_you_mean(error.message.removesuffix("."), near), ctx) from None


@click.group(
    cls=_Command,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: quartic audit infonce. Each command has a --help of its own.",
)
@click.version_option(package_name="quartic", prog_name="quartic")
def quartic() -> None:
    """Derive the expansion of a self-supervised loss around W = 0 from its definition, and check it."""


@quartic.command(epilog=TARGET)
@expanding
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def derive(
    target: str, order: int, basis: str, settings: tuple[str, ...], sampling: str, law: str, *, as_json: bool
) -> None:
    """Print the expansion of a loss, or a field such as simsiam: what training follows where views are stopped.

    Example: quartic derive weighted-infonce --set alpha=0 --order 6
    """
    from derive import NotAnalyticError
    from derive.fields.training import Dynamics
    from verify.audits.target import as_loss, find_target

    found = find_target(target)
    if isinstance(found, Dynamics):
        shown = _field(found, order, basis, settings, sampling, law)
        click.echo(json.dumps(shown.to_json(), indent=2, ensure_ascii=False) if as_json else shown.text())
        return
    try:
        with deriving(progress(hidden=False, steps=2, after=2.0)) as tick:
            tick(f"order {order}")
            expansion, limit, *_ = _expand(as_loss(found, target), order, basis, settings, sampling, law)
            tick("text")
            written = json.dumps(expansion.to_json(), indent=2, ensure_ascii=False) if as_json else expansion.text()
    except NotAnalyticError as error:
        if error.degree != 0:
            raise
        # A loss of normalised features has no expansion: that is the answer.
        point = as_loss(found, target).point
        answer = f"no expansion: homogeneous of degree 0 in {point}, constant along {point} → t{point}; {error.reason}"
        said: dict[str, Any] = {"loss": target, "order": order, "terms": None, "regularity": "homogeneous"}
        said |= {"degree": 0, "reason": error.reason}
        click.echo(json.dumps(said, indent=2, ensure_ascii=False) if as_json else answer)
        return
    _tell_of(limit)
    click.echo(written)


@quartic.command(epilog=TARGET)
@expanding
@click.option("--document", is_flag=True, help="A whole document that compiles, rather than lines to paste.")
def latex(
    target: str, order: int, basis: str, settings: tuple[str, ...], sampling: str, law: str, *, document: bool
) -> None:
    """Print definition, expansion, B and assumptions in LaTeX, ready to paste.

    Example: quartic latex infonce --order 6
    """
    from derive import InputError, Loss
    from derive.definition.notation import LATEX
    from derive.fields.training import Dynamics
    from derive.landscape.section import section, whole_document
    from derive.landscape.summary import described
    from derive.latex import document as whole_page
    from verify.audits.target import find_target, refuse

    loss, write = find_target(target), whole_document if document else section
    if isinstance(loss, Dynamics):
        from derive.fields.section import field_section

        written = field_section(_field(loss, order, basis, settings, sampling, law))
        click.echo(whole_page(written) if document else written)
        return
    if not isinstance(loss, Loss):
        refuse("a torch function", {"--law": law != "gaussian"})
        with memory_limit(MEMORY):
            found = measured(loss, target, quiet=False, order=order)
        if found.field is not None:
            # What the values descend is not what training follows.
            said = f"training does not follow {target}: {found.field.text()}"
            if found.field.linear is None:
                raise InputError(f"{said}; there is no expansion of a loss to write")
            click.echo(f"quartic: {said}; its field is written", err=True)
            flow = rf"\[ {found.field.flow(LATEX)} \]"
            click.echo(whole_page(flow) if document else flow)
            return
        if found.expansion is None:
            message = f"{target} has no expansion: {found.regularity.reason or 'it singles out coordinates'}"
            raise InputError(message)
        click.echo(write(None, found.expansion.in_basis(basis), found.landscape))
        return
    with deriving(progress(hidden=False, steps=3, after=2.0)) as tick:
        tick(f"order {order}")
        expansion, limit, loss, assumed = _expand(loss, order, basis, settings, sampling, law)
        tick("landscape")
        shown = described(loss, expansion, limit, law=assumed) if order >= 4 else None
        tick("text")
        written = write(loss, expansion, shown)
    _tell_of(limit)
    click.echo(written)


@quartic.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def losses(*, as_json: bool) -> None:
    """List the catalogue with its sources and parameters, losses first and then fields.

    Example: quartic losses --json
    """
    from derive import CATALOGUE, MODIFIERS
    from derive.fields import FIELDS

    listed: list[Any] = [*CATALOGUE.values(), *FIELDS.values()]
    if as_json:
        shown = [
            {"name": loss.name, "title": loss.title, "source": loss.source, "parameters": list(loss.parameters)}
            for loss in listed
        ]
        click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
        return
    for loss in listed:
        click.echo(f"{loss.name:<22}{loss.title:<49} {loss.source}")
        click.echo(f"{'':<22}parameters: {', '.join(loss.parameters) or 'none'}")
    click.echo(f"\nmodifiers, after plus signs: {', '.join(MODIFIERS)}")


for _command in (audit, claims, theory, reproduce, landscape, modes, moment, stuck, completion):
    quartic.add_command(_command)


def main(command: click.Command = quartic) -> None:
    """Run a command; unusable input is one sentence on standard error and exit status 2."""
    try:
        command(standalone_mode=False)
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
    except MemoryError as error:
        said = str(error) or "there is no more memory"
        click.echo(
            f"quartic: {printable(said)}; give a lower order or a smaller N, or insist with --no-limit", err=True
        )
        sys.exit(2)
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        click.echo(f"quartic: no file can have the name {printable(str(error.filename))}; it is too long", err=True)
        sys.exit(2)
    except ValueError as error:
        from derive import InputError

        if not isinstance(error, InputError):
            raise
        click.echo(f"quartic: {printable(str(error))}", err=True)
        sys.exit(2)


def _expand(
    found: Any, order: int, basis: str, settings: tuple[str, ...], sampling: str, law: str
) -> tuple[Any, str | None, Any, Any]:
    """The expansion, a parameter whose limit only the landscape has, the loss and the law of the data."""
    from verify.audits.target import limits, parse_values, put_values
    from verify.command.laws import read_law

    assumed, values = read_law(law).given(parse_values(settings))
    loss, later = put_values(found, values)
    expansion, limit = limits(loss.expand(order, basis=basis, sampling=sampling, data=assumed), later)
    return expansion, limit, loss, assumed


def _field(found: Any, order: int, basis: str, settings: tuple[str, ...], sampling: str, law: str) -> Any:
    """The field of dynamics, with values put in."""
    from verify.audits.fields import derived_field
    from verify.audits.target import parse_values, refuse
    from verify.command.laws import read_law

    refuse("a field", {"--basis": basis != "A0,Sigma", "--sampling": sampling != "iid"})
    assumed, values = read_law(law).given(parse_values(settings))
    with deriving(progress(hidden=False, steps=1, after=2.0)) as tick:
        tick(f"order {order}")
        return derived_field(found.set(values), order, assumed)


def _tell_of(limit: str | None) -> None:
    if limit is not None:
        said = f"the expansion has no limit {limit} → ∞, and is that of any {limit}; only the landscape has one"
        click.echo(f"quartic: {said}", err=True)


if __name__ == "__main__":
    from verify.command.supervised import main as watched

    watched()
