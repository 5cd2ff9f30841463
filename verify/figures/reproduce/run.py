"""A figure from beginning to end: trained, compared, drawn, and written to a folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from derive import InputError
from verify.figures.reproduce.figure import OF_IMAGES, find_figure
from verify.running.sweeps.running import Tick, run
from verify.running.sweeps.sweep import Sweep
from verify.running.sweeps.writing import usable_folder, write_whole


@dataclass(frozen=True)
class Reproduced:
    """A figure that was reproduced.

    Attributes:
        title: of the figure.
        lines: what it says.
        files: pictures, the table, and the sweep's results.

    """

    title: str
    lines: Sequence[str]
    files: Sequence[Path]

    def text(self) -> str:
        """In words, a line each."""
        return "\n".join([self.title, *(f"  {line}" for line in self.lines), *(f"  → {file}" for file in self.files)])


def plan(name: str, *, quick: bool = False, seed: int = 0, data: str | None = None) -> Sweep:
    """The sweep of a figure.

    >>> plan("fig1", quick=True).name
    'fig1'

    Raises:
        InputError: there is no such figure, or images were given for one that uses none.

    """
    figure = find_figure(name)
    if name in OF_IMAGES:
        from verify.networks.given import given_path

        return figure.sweep(quick=quick, seed=seed, data=given_path(data))
    if data is not None:
        raise InputError(f"{name} uses no images; --data goes with {', '.join(OF_IMAGES)}")
    return figure.sweep(quick=quick, seed=seed)


def reproduce(
    name: str,
    folder: str | Path,
    *,
    quick: bool = False,
    seed: int = 0,
    data: str | None = None,
    workers: int = 1,
    scheduler: str | None = None,
    tick: Tick = lambda _: None,
    say: Callable[[str], None] = lambda _: None,
) -> Reproduced:
    """Make a figure: NAME.png, NAME.svg, NAME.csv, and NAME.jsonl with the results that a second run goes on from.

    Args:
        name: "fig1", "fig3", …; see `verify.figures.reproduce.figure.FIGURES`.
        folder: where to write; it is made unless it exists.
        quick: small settings that take seconds, for a first look; their results are kept apart.
        seed: of the first repetition.
        data: a path of images, for figures that need some; the environment's or synthetic ones unless given.
        workers: processes in parallel.
        scheduler: the address of a Dask scheduler.
        tick: called with the cost of each unit that is done.
        say: is told when a results file was repaired.

    Raises:
        InputError: no such figure, a folder that cannot be written to, or what `verify.running.sweeps.running.run`
            refuses.

    """
    from verify.figures.picture import save, stamp, styled

    figure = find_figure(name)
    with styled():  # without matplotlib, say so before the training and not after it
        place = usable_folder(folder)
    stem = f"{name}-quick" if quick else name
    sweep = plan(name, quick=quick, seed=seed, data=data)
    results = run(sweep, place / f"{stem}.jsonl", workers=workers, scheduler=scheduler, tick=tick, say=say)
    shown = figure.shown(sweep, results)
    files = []
    for suffix, picture in {"": shown.picture, **shown.more}.items():
        stamp(picture, "quick settings, for a first look" if quick else "full settings")
        files += [save(picture, place / f"{stem}{suffix}{ending}") for ending in (".png", ".svg")]
        table = place / f"{stem}{suffix}.csv"
        write_whole(table, picture.csv().encode())
        files.append(table)
    return Reproduced(figure.TITLE, shown.lines, files)
