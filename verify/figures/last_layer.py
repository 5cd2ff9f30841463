"""A study as a picture: L(aW) at all strengths, and a map of L(r₁, r₂) for each."""

from __future__ import annotations

from itertools import product
from typing import Any

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

COLOURS = (BLUE, ORANGE, VERMILION, GREEN, PURPLE, SKY)
COLUMNS = 4


def drawn(found: Study) -> Picture:
    """The picture and its table: L − L(0) along a, and over all points of each grid.

    Without two parts the maps are left out.
    """
    maps = found.at if len(found.sizes) == 2 else ()
    panels = 1 + len(maps)
    columns = min(COLUMNS, panels)
    rows = -(-panels // columns)
    with styled():
        figure = new_figure(4.1 * columns, 3.6 * rows)
        axes = list(figure.subplots(rows, columns, squeeze=False).flat)
        line = axes[0]
        for k, one in enumerate(found.at):
            line.plot(LINE, one.line.mean(0), color=COLOURS[k % len(COLOURS)], label=one.label)
        line.axhline(0.0, color="black", linewidth=0.6)
        lowest = min(float(one.line.mean(0).min()) for one in found.at)
        # A steep curve at one strength must not hide the valleys at the others.
        seen = {"ylim": (1.15 * lowest, -0.8 * lowest)} if lowest < 0 else {}
        line.set(xlabel="a", ylabel="L(aW) − L(0)", **seen)
        line.legend(fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
        for panel, one in zip(axes[1:], maps, strict=False):
            mirrored_map(panel, (one.over.axes[0], one.over.axes[1]), one.over.mean, f"{one.label}\n{one.over.phase}")
            panel.set_ylabel("r₂")
        for panel in axes[panels:]:
            panel.set_axis_off()
        laid_out(figure)
    return Picture(figure, ("strength", "of", *(f"r{k + 1}" for k in range(len(found.sizes))), "loss"), _rows(found))


def _rows(found: Study) -> list[tuple[Any, ...]]:
    table: list[tuple[Any, ...]] = []
    for one in found.at:
        table += [
            (one.label, "line", *(float(a) for _ in found.sizes), float(value))
            for a, value in zip(LINE, one.line.mean(0), strict=True)
        ]
        mean = one.over.mean
        origin = mean[(0,) * mean.ndim]
        points = product(*(axis.tolist() for axis in one.over.axes))
        table += [(one.label, "map", *r, float(v - origin)) for r, v in zip(points, mean.ravel(), strict=True)]
    return table
