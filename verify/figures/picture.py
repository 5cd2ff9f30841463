"""A picture: a matplotlib figure with the numbers that it shows, and how it is written to a file.

Figures are made as objects with the Agg canvas; pyplot, whose state all callers share, is never touched.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derive import InputError
from verify.running.sweeps.writing import usable_file, write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Colours that the colour-blind can distinguish (Okabe and Ito 2008).
BLUE, ORANGE, GREEN, VERMILION, SKY, PURPLE, YELLOW = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#56B4E9",
    "#CC79A7",
    "#F0E442",
)
GREY = "#BBBBBB"
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, and has the Greek letters
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.labelsize": 12,
    "legend.fontsize": 10,
    "legend.frameon": False,
    # Words stay words in an SVG, and its identifiers are the same in each run.
    "svg.fonttype": "none",
    "svg.hashsalt": "quartic",
    # Fonts as journals take them.
    "pdf.fonttype": 42,
}
# Neither a date nor a version: the same picture is the same file.
_METADATA: dict[str, dict[str, Any]] = {
    ".png": {"Software": None},
    ".svg": {"Date": None, "Creator": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
_GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "epsilon": "ε", "theta": "θ", "kappa": "κ", "lambda": "λ", "mu": "μ",
    "nu": "ν", "rho": "ρ", "sigma": "σ", "tau": "τ",
}  # fmt: skip


def stamp(picture: Picture, words: str) -> None:
    """Say on a picture, small and in its lower left corner, with which settings it was made."""
    with styled():
        picture.figure.text(0.003, 0.004, words, fontsize=7, color="#666666", ha="left", va="bottom")


@dataclass(frozen=True, eq=False)
class Picture:
    """A figure and the table of what it shows.

    Attributes:
        figure: the matplotlib figure.
        header: the names of the table's columns.
        rows: its rows.

    """

    figure: Figure
    header: tuple[str, ...]
    rows: Sequence[Sequence[Any]]

    def csv(self) -> str:
        """The table as comma-separated values, numbers to full precision."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.header)
        writer.writerows(self.rows)
        return text.getvalue()


def symbol(name: str) -> str:
    """A parameter's name as it is written on an axis.

    >>> symbol("sigma"), symbol("N")
    ('σ', 'N')
    """
    return _GREEK.get(name, name)


@contextmanager
def styled() -> Iterator[None]:
    """The style of all pictures, inside a ``with`` alone.

    Raises:
        InputError: without matplotlib.

    """
    try:
        import matplotlib as mpl
    except ImportError:
        message = "figures need matplotlib: pip install 'quartic[plot]'"
        raise InputError(message) from None
    with mpl.rc_context(STYLE):
        yield


def new_figure(width: float, height: float) -> Figure:
    """An empty figure with its own Agg canvas, laid out without overlaps; inches.

    >>> with styled():
    ...     type(new_figure(4, 3)).__name__
    'Figure'
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    # A margin that no title or legend reaches.
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.1)  # type: ignore[union-attr, call-arg]
    FigureCanvasAgg(figure)
    return figure


def laid_out(figure: Figure) -> None:
    """Settle the layout, which each drawing would otherwise move a little further."""
    for _ in range(3):
        figure.draw_without_rendering()
    figure.set_layout_engine("none")


@contextmanager
def drawing(width: float, height: float) -> Iterator[Figure]:
    """An empty figure to draw on in the style of all pictures; its layout is settled at the end."""
    with styled():
        figure = new_figure(width, height)
        yield figure
        laid_out(figure)


def few_ticks(panel: Any, at: Iterable[float], along: Sequence[float]) -> None:
    """Plain numbers on a logarithmic x axis, where they lie among what is drawn along it."""
    panel.set_xticks([one for one in at if min(along) <= one <= max(along)], minor=False)
    panel.set_xticks([], minor=True)
    panel.xaxis.set_major_formatter("{x:g}")


def legend_beside(figure: Figure, panel: Any) -> None:
    """One panel's legend for all of them, to their right."""
    figure.legend(*panel.get_legend_handles_labels(), loc="outside right upper")


def save(picture: Picture, path: str | Path, *, dpi: int = 200) -> Path:
    """Write a picture as PNG, SVG or PDF, and nothing where it cannot be written whole.

    The bytes depend on the picture and the version of matplotlib alone. They go to a file beside the target, which
    then takes its name in one step.

    Args:
        picture: what to write.
        path: ends in .png, .svg or .pdf; the folder must exist.
        dpi: dots per inch of a PNG, and of what an SVG or PDF holds as pixels.

    Raises:
        InputError: another ending, or a place that cannot be written to.

    """
    target = usable_file(path, *_METADATA)
    write_whole(target, encoded(picture, target.suffix.lower(), dpi=dpi))
    return target


def encoded(picture: Picture, ending: str, *, dpi: int = 200) -> bytes:
    """The bytes of a picture's file, ``.png``, ``.svg`` or ``.pdf``."""
    with styled():
        written = io.BytesIO()
        picture.figure.savefig(written, format=ending[1:], dpi=dpi, metadata=_METADATA[ending])
    return written.getvalue()
