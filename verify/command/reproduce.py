"""The command ``quartic reproduce``. torch and matplotlib are loaded when it runs, not before."""

from __future__ import annotations

import os

import click

from verify.command.completion import figures
from verify.running.progress import sweep_progress


@click.command(short_help="Reproduce a figure of the ICLR paper with trained models.")
@click.argument("figure", shell_complete=figures)
@click.option("--out", default=".", show_default=True, metavar="DIR", help="The folder to write to.")
@click.option("--quick", is_flag=True, help="Small settings that take seconds.")
@click.option("--seed", default=0, show_default=True, help="Seed of the first repetition.")
@click.option(
    "--data",
    metavar="PATH",
    help="Images for fig2 and fig4: CIFAR-10 in any of its forms. Otherwise $QUARTIC_CIFAR10, or synthetic ones.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="Processes in parallel; as many as there are processors unless given; one with --quick, or on images.",
)
@click.option("--scheduler", metavar="ADDRESS", help="A Dask scheduler whose workers train, such as tcp://host:8786.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
def reproduce(
    figure: str,
    out: str,
    *,
    quick: bool,
    seed: int,
    data: str | None,
    workers: int | None,
    scheduler: str | None,
    quiet: bool,
) -> None:
    """Reproduce a FIGURE of Ziyin et al. 2023 with trained models, predicted beside measured.

    FIGURE is fig1, fig3, fig5-left, fig5-mid, fig5-right, fig6 or fig7, or eigenvalues for the comparison under them;
    clip, two encoders trained on CLIP's loss; or one of deep networks on images, fig2-resnet, fig2-vit or fig4, which
    need a CUDA device unless they are --quick.
    Writes FIGURE.png, .svg and .csv, and FIGURE.jsonl with all that was trained: a run that was stopped, or killed,
    goes on from there with the same command.

    Example: quartic reproduce fig5-right --quick --out figures
    """
    from importlib.util import find_spec

    from derive import InputError

    if not find_spec("torch"):
        message = "torch is not installed, and training needs it: pip install 'quartic[torch]'"
        raise InputError(message)
    from verify.figures.reproduce.figure import OF_IMAGES
    from verify.figures.reproduce.run import plan
    from verify.figures.reproduce.run import reproduce as run

    sweep = plan(figure, quick=quick, seed=seed, data=data)
    with sweep_progress(sweep, figure, hidden=quiet) as tick:

        def say(sentence: str) -> None:
            click.echo(f"quartic: {sentence}", err=True)

        found = run(
            figure,
            out,
            quick=quick,
            seed=seed,
            data=data,
            workers=workers or (1 if quick or figure in OF_IMAGES else os.cpu_count() or 1),
            scheduler=scheduler,
            tick=tick,
            say=say,
        )
    click.echo(found.text())
