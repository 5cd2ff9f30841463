"""Trained eigenvalues of WᵀW over a grid of c/a, for three losses, beside all three predictions.

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

from verify.agreement import compared
from verify.figures.picture import BLUE, ORANGE, VERMILION, Picture, laid_out, new_figure, styled
from verify.reproduce.figure import Shown
from verify.reproduce.linear import seeded
from verify.sweeps.sweep import Settings, Sweep
from verify.training.data import Population
from verify.training.engine import Plan, train
from verify.training.models import Model
from verify.training.predictions import predictions

TITLE = "Trained eigenvalues against c/a"
HEADER = (
    "loss", "c_over_a", "seeds", "rho", "trained", "error", "published", "quartic", "exact", "trained_over_published",
    "trained_over_quartic", "trained_over_exact", "z_exact", "published_is", "quartic_is", "exact_is",
)  # fmt: skip
LOSSES = {"infonce": {}, "beta-infonce": {"beta": 0.5}, "spectral": {}}
GRID = {
    "infonce": (0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0),
    "beta-infonce": (0.15, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 1.1, 1.2, 1.5, 2.0, 2.5),
    "spectral": (0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0),
}
MODES = 4


def sweep(*, quick: bool, seed: int) -> Sweep:
    """One unit for each loss and four values of c/a, which are spread over the grid; all seeds together."""
    units: tuple[Settings, ...] = tuple(
        {
            "loss": loss,
            "c": list(grid[first::3]),
            "n": 250 if quick else 600,
            "steps": 300 if quick else 1500,
            "rate": 2e-2 if quick else 5e-3,
            "seeds": 4 if quick else 8,
            "seed": seed,
        }
        for loss, grid in GRID.items()
        for first in ((1,) if quick else range(3))
    )
    return Sweep("eigenvalues", "verify.reproduce.eigenvalues:unit", units)


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
    rows: list[tuple[Any, ...]] = []
    for settings, found in zip(sweep.units, results, strict=True):
        loss, powers = settings["loss"], np.array(found["powers"])
        theory = predictions(loss, 1.0, settings["c"], LOSSES[loss])
        rho = float(theory.radius)
        for k, c in enumerate(settings["c"]):
            guesses = [float(getattr(theory, name)[k]) for name in ("published", "quartic", "exact")]
            off = float(theory.truncation[k])
            # 2 % of the prediction; of 1/(a + c), where h = 1, for a mode that is said to collapse.
            decided = [
                compared(guess, powers[:, k].tolist(), scale=guess or 1 / (1 + c), truncation=0.0 if exact else off)
                for guess, exact in zip(guesses, (False, False, True), strict=True)
            ]
            mean = decided[0].measured
            ratios = [mean / guess if guess else float("nan") for guess in guesses]
            rows.append(
                (loss, c, len(powers), rho, mean, decided[0].error, *guesses, *ratios, decided[2].z,
                 *(one.word for one in decided))
            )  # fmt: skip
    rows.sort(key=lambda row: (list(GRID).index(row[0]), row[1]))
    return Shown(_drawn(rows), _lines(rows))


def _drawn(rows: Sequence[tuple[Any, ...]]) -> Picture:
    with styled():
        figure = new_figure(13.0, 4.2)
        axes = figure.subplots(1, 3)
        for panel, (loss, given) in zip(axes, LOSSES.items(), strict=True):
            here = [row for row in rows if row[0] == loss]
            c = np.array([row[1] for row in here])
            fine = np.linspace(0.7 * c.min(), 1.1 * c.max(), 400)
            theory = predictions(loss, 1.0, fine[:, None], given)
            for name, label, colour, style in (
                ("published", "published", VERMILION, "--"),
                ("quartic", "quartic, derived", ORANGE, "-."),
                ("exact", "all orders", BLUE, "-"),
            ):
                panel.plot(fine, (getattr(theory, name) * theory.s)[:, 0], style, color=colour, label=label)
            panel.errorbar(
                c, [row[4] * (1 + row[1]) for row in here], [row[5] * (1 + row[1]) for row in here], fmt="o",
                color="black", markersize=4.5, label="trained",
            )  # fmt: skip
            panel.set(xscale="log", xlabel="c/a", title=loss + (", β = ½" if given else ""))
            panel.set_xticks([one for one in (0.1, 0.2, 0.5, 1, 2, 5, 10) if fine[0] <= one <= fine[-1]], minor=False)
            panel.set_xticks([], minor=True)
            panel.xaxis.set_major_formatter("{x:g}")
            panel.set_ylim(-0.05, 1.15 * max(row[4] * (1 + row[1]) for row in here))
        axes[0].set_ylabel("h, eigenvalue of WᵀW times (a + c)")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside right upper")
        laid_out(figure)
    return Picture(figure, HEADER, rows)


def _lines(rows: Sequence[tuple[Any, ...]]) -> list[str]:
    lines = []
    for loss in LOSSES:
        here = [row for row in rows if row[0] == loss]
        for name, column, ratio in (("published", 13, 9), ("quartic", 14, 10), ("exact", 15, 11)):
            words = [row[column] for row in here]
            counts = ", ".join(f"{words.count(word)} {word}" for word in ("agrees", "off", "undecided"))
            ratios = [row[ratio] for row in here if np.isfinite(row[ratio])]
            lines.append(f"{loss}: {name}: {counts}; trained/predicted from {min(ratios):.3f} to {max(ratios):.3f}")
    return lines
