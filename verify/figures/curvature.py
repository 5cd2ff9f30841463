"""The curvature of a collapsed mode over the strength of the augmentation, for a loss without an expansion at W = 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verify.figures.picture import BLUE, ORANGE, VERMILION, Picture, drawing

if TYPE_CHECKING:
    from verify.routes.reopening.collapsed import Collapsed


def draw_curvature(found: Collapsed) -> Picture:
    """What was measured, with two standard errors, and where the sign changes: below zero the mode reopens.

    Args:
        found: of `verify.routes.reopening.collapsed_modes.collapsed`.

    Returns:
        the figure, and a table: σ, the curvature, its standard error, and that by quadrature where it is known.

    """
    strengths = list(found.points)
    values = [found.points[s].value for s in strengths]
    errors = [found.points[s].error for s in strengths]
    exact = [None if found.theory is None else found.theory.curvature(s)[0] for s in strengths]
    with drawing(6.4, 3.8) as figure:
        axes = figure.add_subplot()
        axes.axhline(0.0, color="black", linewidth=0.8)
        axes.errorbar(
            strengths,
            values,
            yerr=[2 * error for error in errors],
            fmt="o",
            color=BLUE,
            capsize=4,
            label="measured, ± 2 standard errors",
        )
        if found.theory is not None:
            axes.plot(
                strengths,
                [found.theory.curvature(s)[0] for s in strengths],
                "x",
                color=VERMILION,
                markersize=9,
                label="derived",
            )
        if found.change.found:
            low, high = (found.change.strength + side * 2 * found.change.error for side in (-1, 1))
            axes.axvspan(low, high, color=ORANGE, alpha=0.4, label="change of sign, ± 2 standard errors")
        axes.set(xscale="log", xlabel="strength σ of the augmentation", ylabel="curvature along the mode")
        axes.set_xticks(strengths, [f"{s:g}" for s in strengths], minor=False)
        axes.minorticks_off()
        figure.legend(loc="outside lower center", ncols=1)
    return Picture(
        figure,
        ("sigma", "curvature", "standard_error", "exact"),
        list(zip(strengths, values, errors, exact, strict=True)),
    )
