"""The subcommands ``quartic claims`` and ``quartic theory``. SymPy is loaded when they run, not before."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from verify.command.completion import claim_ids
from verify.reports.colours import echo


@click.command()
@click.option("--paper", metavar="KEY", help="The claims of one paper: iclr, neurreps, others as tian2021.")
@click.option("--id", "one", metavar="ID", shell_complete=claim_ids, help="One claim whole, as iclr:eq8.")
@click.option("--ledger", metavar="FILE", type=click.Path(), help="A ledger of your own, a Python file.")
@click.option("--new", metavar="FILE", type=click.Path(), help="Write a ledger to begin with, of the paper --paper.")
@click.option("--slow", is_flag=True, help="Run the slow claims too, and store their results.")
@click.option("--latex", is_flag=True, help="Print an errata sheet that pdflatex compiles.")
@click.option("--by-loss", is_flag=True, help="The recorded verdicts as a table, a row a loss; nothing is run.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
def claims(
    paper: str | None,
    one: str | None,
    ledger: str | None,
    new: str | None,
    *,
    slow: bool,
    latex: bool,
    by_loss: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Re-derive what papers claim, and say which claims hold.

    Fast claims are derived and measured now; slow ones are shown as they were stored when they last ran, and marked.

    Exit status: 0 every live verdict is the one that the ledger records, 1 one is not, 2 unusable input.

    Example: quartic claims --id iclr:eq8
    """
    from derive import InputError
    from verify.evidence.terminal import screen_width
    from verify.papers.claims.ledgers import chosen, in_file, of_paper, published, published_claim
    from verify.papers.claims.running import STORED, as_recorded, run
    from verify.reports.claims.errata import errata
    from verify.reports.claims.listing import table, whole

    if new is not None:
        from verify.papers.claims.template import new_ledger

        if ledger or one or latex or by_loss or as_json or slow:
            raise InputError("--new writes a file and judges nothing; give it with --paper KEY or alone")
        click.echo(f"wrote {new_ledger(new, paper)}; run it with: quartic claims --ledger {new}")
        return
    if latex and as_json:
        message = "--latex and --json are two forms of one answer; give one of them"
        raise InputError(message)
    if by_loss and (ledger or one or paper or latex or as_json or slow):
        message = "--by-loss is the whole table of the published ledgers; give it alone"
        raise InputError(message)
    if by_loss:
        from verify.reports.claims.matrix import LEGEND, matrix

        click.echo(f"{matrix(published())}\n\n{LEGEND}")
        return
    if one is not None and ledger is None:
        ledgers, claim = published_claim(one)
        wanted = [claim]
    else:
        ledgers = in_file(ledger) if ledger is not None else published() if paper is None else of_paper(paper)
        wanted = chosen(ledgers, paper=paper, id=one)
    stored = STORED if ledger is None else Path(ledger).with_suffix(".stored.json")
    with click.progressbar(
        length=len(wanted), label="claims", file=sys.stderr, hidden=quiet or not sys.stderr.isatty(), item_show_func=str
    ) as bar:
        results = run(wanted, slow=slow, stored=stored, tick=lambda id: bar.update(1, id))  # noqa: A006 (the ledger's word)
    if as_json:
        click.echo(json.dumps(results, indent=2, ensure_ascii=False))
    elif latex:
        click.echo(errata(ledgers, results), nl=False)
    else:
        width = screen_width()
        echo(whole(results[0], width) if one else table(results, width))
    if not as_recorded(results):
        sys.exit(1)


@click.command()
@click.option("--latex", is_flag=True, help="A LaTeX document that pdflatex compiles.")
@click.option("--text", is_flag=True, help="Plain text, as on a terminal; Markdown is printed into files and pipes.")
def theory(*, latex: bool, text: bool) -> None:
    """Print the corrected theory of the ICLR paper: Table 1, Theorems 1 to 3, Appendix F.1.

    Every formula is derived when it is printed; on a terminal as text, elsewhere as Markdown. Example: quartic theory
    """
    from derive import InputError
    from verify.reports.claims.pages import document, markdown, plain
    from verify.reports.claims.theory import page

    if latex and text:
        message = "--latex and --text are two forms of one page; give one of them"
        raise InputError(message)
    write = document if latex else plain if text or sys.stdout.isatty() else markdown
    click.echo(write(page()), nl=False)
