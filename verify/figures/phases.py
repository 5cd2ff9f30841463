"""A phase diagram as a picture: which modes are kept, with the boundaries that the collapse conditions give on top."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from numeric.landscape.phases import PHASES
from verify.figures.picture import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    YELLOW,
    Picture,
    drawing,
    symbol,
)

if TYPE_CHECKING:
    from derive.landscape.collapse import Collapse
    from derive.landscape.conditions import Condition
    from numeric.landscape.phases import PhaseDiagram

Array = NDArray[np.float64]

# For regions that keep some modes but not all: as many colours as can be distinguished.
_PARTIAL = (ORANGE, GREEN, SKY, PURPLE, YELLOW, VERMILION)


def oriented_augmentation(sigma: Array, theta: Array) -> tuple[list[float], Array]:
    """The eigenvalues of A0 and C for two features of variance 1 and the augmentation σ² diag(1 − θ, θ).

    The data of Ziyin et al. 2023, Sec. 4.2 and Fig. 3: θ = 0 blurs the first feature alone, θ = 1 the second.

    >>> oriented_augmentation(np.array([2.0]), np.array([0.25]))
    ([1.0, 1.0], array([[3., 1.]]))
    """
    return [1.0, 1.0], np.stack([sigma**2 * (1 - theta), sigma**2 * theta], -1)


def draw_phases(
    diagram: PhaseDiagram,
    collapse: Collapse | None = None,
    *,
    title: str = "",
    x_label: str | None = None,
    y_label: str | None = None,
) -> Picture:
    """Regions by the modes that are kept, with a legend.

    Regions come from the minima of the landscape at every point, the lines from `derive.landscape.collapse.collapse`:
    that they meet is a check. With more sets of modes than colours, regions are coloured by the number of modes.

    Args:
        diagram: from `numeric.landscape.phases.phase_diagram`.
        collapse: whose conditions are drawn as lines; none without.
        title: above the picture.
        x_label: the parameter's symbol unless given.
        y_label: the same.

    """
    x, y = np.meshgrid(diagram.x, diagram.y)
    label, names, colours = _regions(diagram.kept)
    with drawing(7.4, 4.4) as figure:
        from matplotlib.colors import BoundaryNorm, ListedColormap
        from matplotlib.patches import Patch

        axes = figure.add_subplot()
        # Pixels, in an SVG too: one path a grid point would make it huge.
        axes.pcolormesh(
            x,
            y,
            label,
            cmap=ListedColormap(colours),
            norm=BoundaryNorm(np.arange(len(colours) + 1) - 0.5, len(colours)),
            shading="nearest",
            rasterized=True,
        )
        handles: list[Any] = [
            Patch(facecolor=colour, edgecolor="black", linewidth=0.5, label=name)
            for name, colour in zip(names, colours, strict=True)
        ]
        handles += _boundaries(axes, diagram, collapse)
        axes.set(
            xlim=(diagram.x.min(), diagram.x.max()) if len(diagram.x) > 1 else None,
            ylim=(diagram.y.min(), diagram.y.max()) if len(diagram.y) > 1 else None,
            xlabel=symbol(diagram.x_name) if x_label is None else x_label,
            ylabel=symbol(diagram.y_name) if y_label is None else y_label,
            title=title,
        )
        figure.legend(handles=handles, loc="outside right upper", handlelength=1.6, labelspacing=0.8)
    columns = [x, y, *np.moveaxis(diagram.powers, -1, 0)]
    modes = [f"power_{i + 1}" for i in range(diagram.powers.shape[-1])]
    phase = diagram.phase.ravel()
    rows = [
        (*numbers, PHASES[phase[at]])
        for at, numbers in enumerate(zip(*(one.ravel().tolist() for one in columns), strict=True))
    ]
    return Picture(figure, (diagram.x_name, diagram.y_name, *modes, "phase"), rows)


def _regions(kept: NDArray[np.bool_]) -> tuple[NDArray[np.intp], list[str], list[str]]:
    """The region of each point, (ny, nx), the regions' names and their colours, most modes first."""
    n = kept.shape[-1]
    masks = sorted({tuple(one) for one in np.unique(kept.reshape(-1, n), axis=0).tolist()}, key=_most_first)
    partial = [one for one in masks if 0 < sum(one) < n]
    if len(partial) > len(_PARTIAL):
        counts = np.unique(kept.sum(-1))[::-1]
        label = (kept.sum(-1)[..., None] == counts).argmax(-1)
        from matplotlib import colormaps
        from matplotlib.colors import to_hex

        colours = [to_hex(colormaps["viridis"](0.1 + 0.9 * count / n)) if count else GREY for count in counts]
        return label, [_phase_name(int(count), n, f"{count} of {n} modes kept") for count in counts], colours
    label = (kept[..., None, :] == np.array(masks)).all(-1).argmax(-1)
    names, colours = [], []
    for mask in masks:
        count = sum(mask)
        names.append(_phase_name(count, n, f"mode{'s' if count > 1 else ''} {_listed(mask)} kept"))
        colours.append({0: GREY, n: BLUE}.get(count) or _PARTIAL[partial.index(mask)])
    return label, names, colours


def _listed(mask: tuple[bool, ...]) -> str:
    """The modes of a set by their numbers; from where to where if they are many in a row.

    >>> _listed((True, True, False)), _listed((True, False, True, True)), _listed((False, True, True, True, True))
    ('1, 2', '1, 3, 4', '2 to 5')
    """
    at = [i + 1 for i, on in enumerate(mask) if on]
    in_a_row = len(at) > 3 and at[-1] - at[0] == len(at) - 1
    return f"{at[0]} to {at[-1]}" if in_a_row else ", ".join(map(str, at))


def _most_first(mask: tuple[bool, ...]) -> tuple[Any, ...]:
    return (-sum(mask), *(not on for on in mask))


def _phase_name(count: int, n: int, some: str) -> str:
    phase = PHASES[2 if count == 0 else 0 if count == n else 1]
    return f"{phase}:\n{some}" if 0 < count < n else phase


def _boundaries(axes: Any, diagram: PhaseDiagram, collapse: Collapse | None) -> list[Any]:
    """The zero lines of the conditions, and their handles for the legend."""
    from matplotlib.lines import Line2D
    from matplotlib.patheffects import withStroke

    handles: list[Any] = []
    if collapse is None or min(diagram.count.shape) < 2:
        return handles
    conditions: list[tuple[Condition | None, str, Literal["-", "--"]]] = [
        (collapse.dimensional, "dimensional", "-"),
        (collapse.complete, "complete", "--"),
    ]
    for condition, name, style in conditions:
        if condition is None:
            continue
        margin = diagram.margin(condition)
        if not (np.isfinite(margin).all() and margin.min() < 0 < margin.max()):
            continue
        line = axes.contour(
            diagram.x, diagram.y, margin, levels=[0.0], colors="black", linewidths=1.8, linestyles=style
        )
        # A halo keeps the line visible on dark regions. (As an argument of contour it is new in matplotlib 3.10.)
        line.set_path_effects([withStroke(linewidth=3.2, foreground="white", alpha=0.7)])
        handles.append(
            Line2D([], [], color="black", linewidth=1.8, linestyle=style, label=f"condition for\n{name} collapse")
        )
    return handles
