"""Trained eigenvalues of WᵀW over a grid of c/a, for three losses, against all three predictions.

Not a figure of the paper but the comparison under its figures, where the theory is exact: Gaussian data, A0 = I and
C = diag(c), a fresh batch of 600 data a step and 600 others for χ, four modes a
model, and eight independent seeds. Adam at 5e-3 with the rate going to 0 over 1500 steps. For β-InfoNCE, β = ½, the
grid has both sides of the transition at c/a = β/(1 − β) = 1, and the one that is printed, at 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from verify.figures.picture import (
    BLUE,
    ORANGE,
    VERMILION,
    Picture,
    drawing,
    few_ticks,
    legend_beside,
)
from verify.figures.reproduce.figure import THEORIES, Shown
from verify.figures.reproduce.linear import against, seeded, words
from verify.figures.reproduce.table import Row, Table
from verify.routes.training.data import Population
from verify.routes.training.engine import Plan, train
from verify.routes.training.models import Model
from verify.routes.training.predictions import predictions
from verify.running.sweeps.sweep import Settings, Sweep

TITLE = "Trained eigenvalues against c/a"
LOSSES = {"infonce": {}, "beta-infonce": {"beta": 0.5}, "spectral": {}}
GRID = {
    "infonce": (0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0),
    "beta-infonce": (0.15, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 1.1, 1.2, 1.5, 2.0, 2.5),
    "spectral": (0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0),
}
MODES = 4
FULL: Settings = {"n": 600, "steps": 1500, "rate": 5e-3, "seeds": 8}


def sweep(*, quick: bool, seed: int) -> Sweep:
    """One unit for each loss and four values of c/a, which are spread over the grid; all seeds together."""
    size: Settings = {"n": 250, "steps": 300, "rate": 2e-2, "seeds": 4} if quick else FULL
    units = (
        {"loss": loss, "c": list(GRID[loss][first::3])} for loss in GRID for first in ((1,) if quick else range(3))
    )
    return Sweep("eigenvalues", f"{__name__}:unit", tuple({**size, **one, "seed": seed} for one in units))


def unit(*, loss: str, c: list[float], n: int, steps: int, rate: float, seeds: int, seed: int) -> dict[str, Any]:
    """Train one model for each seed, each with random numbers of its own; the powers of its modes."""
    end = train(
        Model(MODES, MODES),
        Population(
            n,
            torch.ones(seeds, 1, MODES),
            torch.tensor(c, dtype=torch.float32).sqrt().expand(seeds, 1, MODES),
            independent=True,
        ),
        loss,
        Plan(rate=rate, steps=steps, decay="cosine", tail=0.1),
        models=seeds,
        generator=seeded("eigenvalues", loss, c, seed),
        parameters=LOSSES[loss],
    )
    return {"powers": end.averaged.double().diagonal(dim1=1, dim2=2).tolist()}


def shown(sweep: Sweep, results: Sequence[Any]) -> Shown:
    """The table, and the heights h = (a + c) g against c/a."""
    rows: list[Row] = []
    for settings, found in zip(sweep.units, results, strict=True):
        loss, powers = settings["loss"], np.array(found["powers"])
        theory = predictions(loss, 1.0, settings["c"], LOSSES[loss])
        for k, c in enumerate(settings["c"]):
            decided = against(theory, k, powers[:, k], c)
            guesses = {name: one.predicted for name, one in decided.items()}
            mean, error, z = (getattr(decided["exact"], name) for name in ("measured", "error", "z"))
            row: Row = {"loss": loss, "c_over_a": c, "seeds": len(powers), "rho": float(theory.radius)}
            row |= {"trained": mean, "error": error, **guesses}
            row |= {f"trained_over_{name}": mean / guess if guess else np.nan for name, guess in guesses.items()}
            rows.append(row | {"z_exact": z, **words(decided)})
    rows.sort(key=lambda row: (list(GRID).index(row["loss"]), row["c_over_a"]))
    table = Table.of(rows)
    return Shown(_drawn(table), _lines(table))


def _drawn(table: Table) -> Picture:
    with drawing(13.0, 4.2) as figure:
        axes = figure.subplots(1, 3)
        for panel, (loss, given) in zip(axes, LOSSES.items(), strict=True):
            here = table.where(loss=loss)
            c, trained, error = (np.array(here[name]) for name in ("c_over_a", "trained", "error"))
            fine = np.linspace(0.7 * c.min(), 1.1 * c.max(), 400)
            theory = predictions(loss, 1.0, fine[:, None], given)
            for name, label, colour, style in (
                ("published", "published", VERMILION, "--"),
                ("quartic", "quartic, derived", ORANGE, "-."),
                ("exact", "all orders", BLUE, "-"),
            ):
                panel.plot(fine, (getattr(theory, name) * theory.s)[:, 0], style, color=colour, label=label)
            panel.errorbar(
                c, trained * (1 + c), error * (1 + c), fmt="o", color="black", markersize=4.5, label="trained"
            )
            panel.set(xscale="log", xlabel="c/a", title=loss + (", β = ½" if given else ""))
            few_ticks(panel, (0.1, 0.2, 0.5, 1, 2, 5, 10), fine.tolist())
            panel.set_ylim(-0.05, 1.15 * float((trained * (1 + c)).max()))
        axes[0].set_ylabel("h, eigenvalue of WᵀW times (a + c)")
        legend_beside(figure, axes[0])
    return Picture(figure, table.header, table.rows)


def _lines(table: Table) -> list[str]:
    lines = []
    for loss in LOSSES:
        here = table.where(loss=loss)
        for name in THEORIES:
            ratios = [one for one in here[f"trained_over_{name}"] if np.isfinite(one)]
            lines.append(
                f"{loss}: {name}: {here.words(f'{name}_is')}; trained/predicted from {min(ratios):.3f} to"
                f" {max(ratios):.3f}"
            )
    return lines
