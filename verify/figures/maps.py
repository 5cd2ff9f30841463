"""The map of a loss over two scales (r₁, r₂) of which it is an even function, with stars at its lowest points."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LEVELS = 16
STAR: dict[str, Any] = {"marker": "*", "s": 130, "color": "white", "edgecolors": "black", "zorder": 3}


def mirrored_map(panel: Any, axes: tuple[Array, Array], over: Array, title: str) -> None:
    """Filled contours over all four quadrants, from values over one.

    The colours run from the lowest value to a good way above the origin, so that a valley shows next to steep slopes.

    Args:
        panel: matplotlib axes.
        axes: r₁ and r₂, rising from 0.
        over: the loss, (len(r₁), len(r₂)).
        title: above the panel.

    """
    first, second = (np.concatenate([-r[:0:-1], r]) for r in axes)
    mirrored = np.concatenate([over[:0:-1], over])
    mirrored = np.concatenate([mirrored[:, :0:-1], mirrored], 1)
    low, middle = float(mirrored.min()), float(over[0, 0])
    high = min(float(mirrored.max()), middle + max(2 * (middle - low), 0.15 * (float(mirrored.max()) - middle)))
    levels = np.linspace(low, high if high > low else low + 1.0, LEVELS)
    panel.contourf(first, second, mirrored.T, levels=levels, cmap="cividis", extend="max")
    panel.contour(first, second, mirrored.T, levels=levels, colors="black", linewidths=0.35, alpha=0.5, linestyles="-")
    i, j = np.unravel_index(over.argmin(), over.shape)
    for sign in ((1, 1), (-1, 1), (1, -1), (-1, -1)):
        panel.scatter([sign[0] * axes[0][i]], [sign[1] * axes[1][j]], **STAR)
    panel.set(title=title, xlabel="r₁", aspect="equal" if len(axes[0]) == len(axes[1]) else "auto")
