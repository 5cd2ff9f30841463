"""A study as a picture: L(aW), a map of L(r₁, r₂) for each strength, and shares under a loss of unit vectors."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

from verify.figures.maps import mirrored_map
from verify.figures.picture import (
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    Picture,
    laid_out,
    new_figure,
    styled,
)
from verify.networks.last_layer.strengths import LINE, Study

if TYPE_CHECKING:
    from verify.networks.last_layer.sphere import OnSphere

COLOURS = (BLUE, ORANGE, VERMILION, GREEN, PURPLE, SKY)
COLUMNS = 4
# Columns of the table that a loss of unit vectors adds, of its modes.
MODES = ("correlation", "share", "predicted_share")


def drawn(found: Study) -> Picture:
    """The picture and its table: L − L(0) along a, and over all points of each grid.

    Without two parts the maps are left out. Under a loss of unit vectors each strength has a panel of shares, those of
    W beside those predicted for Gaussian data, over the view correlations.
    """
    maps = found.at if len(found.sizes) == 2 else ()
    panels = len(found.sphere) + bool(found.at) + len(maps)
    columns = min(COLUMNS, panels)
    rows = -(-panels // columns)
    with styled():
        figure = new_figure(4.1 * columns, 3.6 * rows)
        axes = list(figure.subplots(rows, columns, squeeze=False).flat)
        rest = axes[len(found.sphere) :]
        for panel, here in zip(axes, found.sphere, strict=False):
            _shares(panel, here)
        if found.at:
            _line(rest[0], found)
            for panel, one in zip(rest[1:], maps, strict=False):
                at = one.over.axes[0], one.over.axes[1]
                mirrored_map(panel, at, one.over.mean, f"{one.label}\n{one.over.phase}")
                panel.set_ylabel("r₂")
        for panel in axes[panels:]:
            panel.set_axis_off()
        laid_out(figure)
    header = ("strength", "of", *(f"r{k + 1}" for k in range(len(found.sizes))), "loss")
    return Picture(figure, header + MODES * bool(found.sphere), _rows(found))


def _line(panel: Any, found: Study) -> None:
    for k, one in enumerate(found.at):
        panel.plot(LINE, one.line.mean(0), color=COLOURS[k % len(COLOURS)], label=one.label)
    panel.axhline(0.0, color="black", linewidth=0.6)
    lowest = min(float(one.line.mean(0).min()) for one in found.at)
    # A steep curve at one strength must not hide the valleys at the others.
    seen = {"ylim": (1.15 * lowest, -0.8 * lowest)} if lowest < 0 else {}
    panel.set(xlabel="a", ylabel="L(aW) − L(0)", **seen)
    panel.legend(fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)


def _shares(panel: Any, one: OnSphere) -> None:
    """The shares of the modes over λ, and λ_c at W."""
    lam = one.modes.correlations
    panel.plot(lam, one.by_mode, "o", markersize=4, color=BLUE, label="share in W")
    if one.predicted is not None:
        powers = [float("nan") if power is None else power for power in one.predicted.powers]
        panel.plot(lam, powers, "x", markersize=4, color=VERMILION, label="predicted")
    level = None if one.reopening is None else one.reopening.best.threshold
    if level is not None:
        panel.axvline(float(level.value), color="black", linewidth=0.8, linestyle="--", label="λ_c at W")
    panel.set(xlabel="view correlation λ", ylabel="share p", title=one.label)
    panel.legend(fontsize=8)


def _rows(found: Study) -> list[tuple[Any, ...]]:
    table: list[tuple[Any, ...]] = []
    empty = ("",) * (len(MODES) * bool(found.sphere))
    for here in found.sphere:
        powers = [""] * len(here.by_mode) if here.predicted is None else here.predicted.powers
        columns = here.modes.correlations.tolist(), here.by_mode.tolist(), powers
        blank = ("",) * (len(found.sizes) + 1)
        table += [(here.label, "mode", *blank, *row) for row in zip(*columns, strict=True)]
    for one in found.at:
        table += [
            (one.label, "line", *(float(a) for _ in found.sizes), float(value), *empty)
            for a, value in zip(LINE, one.line.mean(0), strict=True)
        ]
        mean = one.over.mean
        origin = mean[(0,) * mean.ndim]
        points = product(*(axis.tolist() for axis in one.over.axes))
        table += [(one.label, "map", *r, float(v - origin), *empty) for r, v in zip(points, mean.ravel(), strict=True)]
    return table
