"""Landscapes as pictures: L along a ray and over diag(r₁, r₂), as in Ziyin et al. 2023, Fig. 1.

What is drawn is the expansion through order 4, evaluated by its kernel; the stars at the minima come from the theory
of the landscape, which does not evaluate it. That the stars sit in the valleys is a check.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from derive import InputError
from derive.landscape.landscape import Landscape, landscapes
from numeric import kernel
from numeric.landscape.landscape import landscape_in_numbers
from numeric.sampling import Covariances
from verify.figures.picture import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION, Picture, drawing

if TYPE_CHECKING:
    from derive import Expansion

Array = NDArray[np.float64]
Panels = Mapping[str, Covariances]

_LINES = ((BLUE, "-"), (ORANGE, "--"), (VERMILION, "-."), (GREEN, ":"), (PURPLE, "-"), (SKY, "--"))
_POINTS = 161
_LEVELS = 17


def loss_along(
    expansion: Expansion,
    panels: Panels,
    W: ArrayLike,
    values: Mapping[str, float] | None = None,
    *,
    reach: float | None = None,
) -> Picture:
    """L(a W) over a, one curve for each data set.

    Args:
        expansion: of a loss, through order 4 at least; what lies beyond is left out.
        panels: a label and the data's covariances, 6 at most.
        W: (d1, d0), the direction.
        values: the loss's parameters.
        reach: a runs from −reach to reach; unless given, a bit beyond where the last curve comes back to 0.

    Raises:
        InputError: more data sets than line styles, or a W that does not fit them.

    >>> from derive import catalogue
    >>> data = {"weak": Covariances(np.eye(1), 0.1 * np.eye(1))}
    >>> drawn = loss_along(catalogue("infonce").expand(order=4), data, [[1.0]], reach=1.0)
    >>> drawn.header
    ('a', 'weak')

    """
    if not 0 < len(panels) <= len(_LINES):
        message = f"{len(panels)} curves; give 1 to {len(_LINES)}, which can be told apart"
        raise InputError(message)
    direction = np.asarray(W, dtype=np.float64)
    if reach is None:
        reach = 1.3 * max(_return(expansion, data, direction, values) for data in panels.values()) or 1.0
    a = np.linspace(-reach, reach, 2 * _POINTS - 1)
    curves = {name: _loss(expansion, data, a[:, None, None] * direction, values) for name, data in panels.items()}
    with drawing(6.4, 4.0) as figure:
        axes = figure.add_subplot()
        axes.axhline(0.0, color="black", linewidth=0.6)
        for (name, curve), (colour, style) in zip(curves.items(), _LINES, strict=False):
            axes.plot(a, curve, color=colour, linestyle=style, linewidth=2.0, label=name)
        low, high = _range(curves.values())
        space = 0.05 * (high - low)
        axes.set(xlabel="a", ylabel="L(a W)", xlim=(-reach, reach), ylim=(low - space, high))
        figure.legend(loc="outside right upper")
    return Picture(
        figure, ("a", *curves), list(zip(a.tolist(), *(one.tolist() for one in curves.values()), strict=True))
    )


def loss_map(
    expansion: Expansion,
    data: Covariances,
    values: Mapping[str, float] | None = None,
    *,
    title: str = "",
    reach: float | None = None,
    saddles: bool = False,
) -> Picture:
    """L(diag(r₁, r₂)) as filled contours with a star at each local minimum.

    Args:
        expansion: of a loss that is invariant under rotations of the embedding, through order 4 at least.
        data: A0 and C, diagonal 2×2 matrices.
        values: the loss's parameters.
        title: above the picture.
        reach: r₁ and r₂ run from −reach to reach; unless given, a good way beyond the minima.
        saddles: whether saddles and maxima are marked too.

    Raises:
        InputError: data that are not diagonal 2×2 matrices, or a loss that singles out coordinates.

    >>> from derive import catalogue
    >>> drawn = loss_map(catalogue("infonce").expand(order=4), Covariances(np.eye(2), np.eye(2)))
    >>> drawn.header, len(drawn.rows)
    (('panel', 'kind', 'r1', 'r2', 'loss'), 4)

    """
    return toy_landscape(expansion, {title: data}, values, reach=reach, saddles=saddles)


def toy_landscape(
    expansion: Expansion,
    panels: Panels | None = None,
    values: Mapping[str, float] | None = None,
    *,
    reach: float | None = None,
    saddles: bool = False,
) -> Picture:
    """Maps of L(diag(r₁, r₂)) side by side, in one scale of colours.

    Args:
        expansion: as for `loss_map`.
        panels: a title and the data, diagonal 2×2 matrices; unless given, features of variance 1 whose augmentation is
            weak, strong along the first, and strong along both: no, dimensional and complete collapse for
            β-InfoNCE at β = ½ (Ziyin et al. 2023, Fig. 1).
        values: as for `loss_map`.
        reach: the same for all maps.
        saddles: as for `loss_map`.

    Returns:
        the figure, and a table of the stationary points: the panel, the kind, r₁, r₂ and the loss.

    Raises:
        InputError: as for `loss_map`.

    """
    panels = _default_panels() if panels is None else panels
    if not panels:
        message = "panels is empty; give a title and covariances at least once"
        raise InputError(message)
    points = {title: _points(expansion, data, values) for title, data in panels.items()}
    rows = [
        (title, kind, r1, r2, loss)
        for title, found in points.items()
        for kind, r1, r2, loss in found
        if saddles or kind == "minimum"
    ]
    if reach is None:
        reach = 1.6 * max((max(abs(r1), abs(r2)) for _, _, r1, r2, _ in rows), default=0.0) or 1.0
    r = np.linspace(-reach, reach, _POINTS)
    weights = np.zeros((_POINTS, _POINTS, 2, 2))
    weights[..., 0, 0], weights[..., 1, 1] = np.meshgrid(r, r)
    maps = {title: _loss(expansion, data, weights, values) for title, data in panels.items()}
    low, high = _range(maps.values())
    with drawing(3.3 * len(panels) + 1.4, 4.1) as figure:
        from matplotlib.ticker import MaxNLocator

        levels = np.asarray(MaxNLocator(_LEVELS).tick_values(low, high))
        row = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
        drawn: Any = None
        for axes, (title, loss) in zip(row, maps.items(), strict=True):
            drawn = axes.contourf(r, r, loss, levels=levels, cmap="cividis", extend="max")
            axes.contour(r, r, loss, levels=levels, colors="black", linewidths=0.35, alpha=0.5, linestyles="solid")
            _mark(axes, [one for one in rows if one[0] == title])
            axes.set(xlabel="r₁", title=title, aspect="equal")
        row[0].set_ylabel("r₂")
        figure.colorbar(
            drawn, ax=list(row), label="L(diag(r₁, r₂))", shrink=0.8, ticks=levels[abs(levels).argmin() % 4 :: 4]
        )
        handles = {name: handle for axes in row for handle, name in zip(*axes.get_legend_handles_labels(), strict=True)}
        if handles:
            figure.legend(handles.values(), handles, loc="outside lower center", ncols=len(handles), handletextpad=0.2)
    return Picture(figure, ("panel", "kind", "r1", "r2", "loss"), rows)


_MARKS = {
    "minimum": ("*", "white", 170),
    "saddle": ("X", ORANGE, 60),
    "maximum": ("^", VERMILION, 60),
}


def _mark(axes: Any, rows: Sequence[tuple[str, str, float, float, float]]) -> None:
    for kind, (marker, colour, size) in _MARKS.items():
        at = [(r1, r2) for _, one, r1, r2, _ in rows if one == kind]
        if at:
            axes.scatter(
                *zip(*at, strict=True),
                marker=marker,
                s=size,
                color=colour,
                edgecolors="black",
                linewidths=0.9,
                zorder=3,
                label={"minimum": "local minimum", "saddle": "saddle", "maximum": "maximum"}[kind],
            )


def _range(curves: Collection[Array]) -> tuple[float, float]:
    """A range of L in which the valleys take up a good part of the height."""
    lowest, highest = min(float(one.min()) for one in curves), max(float(one.max()) for one in curves)
    if lowest < -1e-12 * abs(highest):
        return lowest, min(highest, -2 * lowest)
    return 0.0, highest


def _loss(expansion: Expansion, data: Covariances, W: Array, values: Mapping[str, float] | None) -> Array:
    """L through order 4 at W, (…, d1, d0)."""
    found = kernel(expansion.in_basis("A0,Sigma").truncate(4))
    # A parameter whose name is a word of Python's, such as lambda, has an underscore in the kernel.
    named = {found.parameters.get(name, name): value for name, value in (values or {}).items()}
    return np.asarray(found(W, data.A0, data.Sigma, **named))


def _return(expansion: Expansion, data: Covariances, W: Array, values: Mapping[str, float] | None) -> float:
    """The a > 0 at which L(a W) = l₂ a² + l₄ a⁴ is zero again, 0 where it is nowhere."""
    at_1, at_2 = _loss(expansion, data, np.stack([W, 2 * W]), values)
    fourth = (at_2 - 4 * at_1) / 12
    second = at_1 - fourth
    return float(np.sqrt(-second / fourth)) if second < 0 < fourth else 0.0


def _points(
    expansion: Expansion, data: Covariances, values: Mapping[str, float] | None
) -> list[tuple[str, float, float, float]]:
    """The stationary points on diagonal W: kind, r₁, r₂, L."""
    if data.d0 != 2 or any(matrix[0, 1] for matrix in (data.A0, data.C)):
        message = "the map over diag(r1, r2) needs A0 and C that are diagonal 2×2 matrices; use a basis of the modes"
        raise InputError(message)
    solved = landscape_in_numbers(_case(expansion, values), data, values, d1=2)
    found: list[tuple[str, float, float, float]] = []
    for point in solved.stationary_points():
        gram = solved.gram(point)
        if abs(gram[0, 1]) > 1e-9 * gram.trace():
            continue  # degenerate modes: this one lies off the diagonal
        radii = [np.sqrt(max(power, 0.0)) if power > 1e-12 * gram.trace() else 0.0 for power in gram.diagonal()]
        signs = [(1, -1) if radius else (1,) for radius in radii]
        found += [
            (point.kind, float(one * radii[0]), float(other * radii[1]), point.loss) for one, other in product(*signs)
        ]
    return found


def _case(expansion: Expansion, values: Mapping[str, float] | None) -> Landscape:
    cases = landscapes(expansion)
    if len(cases) > 1 or cases[0].coordinates or expansion.bias:
        message = (
            f"the map over diag(r1, r2) of {expansion.loss} is not its landscape: the loss singles out coordinates of"
            " the embedding or has a bias; take a loss that is invariant under rotations"
        )
        raise InputError(message)
    missing = sorted(one.name for one in cases[0].symbols if one.name not in (values or {}))
    if missing:
        message = f"{expansion.loss} has no value for {', '.join(missing)}; give values={{'{missing[0]}': …}}"
        raise InputError(message)
    return cases[0]


def _default_panels() -> dict[str, Covariances]:
    features = np.eye(2)
    return {
        "no collapse": Covariances(features, np.diag([0.3, 0.2])),
        "dimensional collapse": Covariances(features, np.diag([1.4, 0.2])),
        "complete collapse": Covariances(features, np.diag([1.6, 1.4])),
    }
