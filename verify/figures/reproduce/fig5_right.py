"""Fig. 5, right: β-InfoNCE, all five eigenvalues of WᵀW against the strength σ of an isotropic augmentation.

Printed: d0 = 5, collapses at the points that the theory predicts. Left out and chosen: β = ½ as in Sec. 4.2, and 0.7
beside it; a training set of N = 100 data of N(0, I_5), as on the left; d1 = 5; Adam at 6e-4, full batch, 5000
iterations; the negatives of E_χ are the training set with noise of its own.

Two collapse points are printed: a_i = (1 − β) σ² by the B of Sec. 4.2, and c_i = a_i in the words around it. The
derived B vanishes at β a_i = (1 − β) σ².
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from verify.evidence.agreement import compared
from verify.figures.picture import BLUE, GREEN, ORANGE, PURPLE, SKY, Picture, drawing
from verify.figures.reproduce.figure import RATE, STEPS, THEORIES, Shown
from verify.figures.reproduce.linear import modes_of, trained_over, training_set, words
from verify.figures.reproduce.table import Row, Table, by_setting, standard_error
from verify.routes.training.engine import Plan
from verify.routes.training.predictions import predictions
from verify.running.sweeps.sweep import Settings, Sweep

TITLE = "Fig. 5, right: β-InfoNCE, all five eigenvalues of WᵀW"
FULL: Settings = {"sigmas": [round(0.2 + 0.1 * k, 1) for k in range(18)], "d0": 5, "steps": STEPS, "rate": RATE}
QUICK: Settings = {"sigmas": [0.5, 0.8, 1.4], "d0": 5, "steps": 400, "rate": 1e-2}
_COLOURS = (BLUE, GREEN, SKY, PURPLE, ORANGE)


def sweep(*, quick: bool, seed: int) -> Sweep:
    """One unit for each β and training set."""
    settings = [(0.5, 60, 3)] if quick else [(0.5, 100, 4), (0.7, 100, 3), (0.5, 200, 3)]
    units = tuple(
        {**(QUICK if quick else FULL), "n": n, "beta": beta, "seed": seed + k}
        for beta, n, seeds in settings
        for k in range(seeds)
    )
    return Sweep("fig5-right", f"{__name__}:unit", units, tuple(one["n"] ** 2.0 for one in units))


def unit(*, n: int, d0: int, beta: float, sigmas: list[float], steps: int, rate: float, seed: int) -> dict[str, Any]:
    """Train one model for each σ; the powers of the modes, and WᵀW's eigenvalues, averaged over the last steps."""
    points = training_set(n, d0, seed)
    a, vectors = modes_of(points)
    trained = trained_over(
        points, sigmas, "beta-infonce", Plan(rate=rate, steps=steps), seed=seed, parameters={"beta": beta}
    )
    turned = torch.from_numpy(vectors)
    return {
        "a": a.tolist(),
        "eigenvalues": trained["averaged"],
        "modes": (turned.T @ trained["gram"] @ turned).diagonal(dim1=1, dim2=2).tolist(),
    }


def shown(sweep: Sweep, results: Sequence[Any]) -> Shown:
    """The trained eigenvalues against the predictions, with the collapse points."""
    rows: list[Row] = []
    for (beta, n), here in by_setting(sweep, results, "beta", "n").items():
        a = np.array([one["a"] for one in here])
        for at, sigma in enumerate(sweep.units[0]["sigmas"]):
            theory = predictions("beta-infonce", a, sigma**2, {"beta": beta})
            trained = np.array([one["eigenvalues"][at] for one in here])
            guesses = {name: np.sort(getattr(theory, name), -1) for name in THEORIES}
            off = np.abs(guesses["quartic"] - guesses["exact"]).mean(0)
            for k in range(a.shape[1]):
                # A collapsed mode is judged on the scale of one that is not.
                scale = float(max(guesses["exact"][:, k].mean(), 0.05 * guesses["exact"].max()) or 0.01)
                decided = {
                    name: compared(
                        0.0, trained[:, k] - guess[:, k], scale=scale, truncation=0.0 if name == "exact" else off[k]
                    )
                    for name, guess in guesses.items()
                }
                level = float(a[:, k].mean())
                row: Row = {"beta": beta, "N": n, "sigma": sigma, "mode": k + 1, "seeds": len(here), "a": level}
                row["collapse_published"] = float(np.sqrt(level / (1 - beta)))
                row["collapse_derived"] = float(np.sqrt(beta * level / (1 - beta)))
                row |= {name: float(guess[:, k].mean()) for name, guess in guesses.items()}
                row |= {"rho": float(theory.radius.mean()), "trained": float(trained[:, k].mean())}
                rows.append(row | {"error": float(standard_error(trained[:, k])), **words(decided)})
    table = Table.of(rows)
    return Shown(_drawn(table), _lines(table))


def _drawn(table: Table) -> Picture:
    panels = table.distinct("beta", "N")
    with drawing(4.6 * len(panels) + 2.4, 4.4) as figure:
        from matplotlib.lines import Line2D

        axes = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
        for panel, (beta, n) in zip(axes, panels, strict=True):
            for k, colour in enumerate(_COLOURS):
                here = table.where(beta=beta, N=n, mode=k + 1)
                sigma = here["sigma"]
                fine = np.linspace(min(sigma), max(sigma), 300)
                theory = predictions("beta-infonce", here["a"][0], fine**2, {"beta": beta})
                derived, published = here["collapse_derived"][:1], here["collapse_published"][:1]
                panel.plot(fine, np.sqrt(theory.exact), color=colour, linewidth=1.6)
                panel.plot(fine, np.sqrt(theory.published), "--", color=colour, linewidth=1.0, alpha=0.8)
                panel.plot(sigma, np.sqrt(here["trained"]), "o", color=colour, markersize=4.5)
                panel.plot(derived, [0], "^", color=colour, markersize=9, clip_on=False, zorder=5)
                panel.plot(published, [0], "v", color=colour, markersize=9, clip_on=False, markerfacecolor="none")
            panel.set(xlabel="strength σ of the augmentation", title=f"β = {beta:g}, N = {n}", ylim=(-0.03, 2.0))
        axes[0].set_ylabel("square roots of the eigenvalues of WᵀW")
        plain: dict[str, Any] = {"color": "black", "linewidth": 0}
        handles = [
            Line2D([], [], marker="o", markersize=5, label="trained", **plain),
            Line2D([], [], color="black", linewidth=1.6, label="all orders, N → ∞"),
            Line2D([], [], color="black", linewidth=1.0, linestyle="--", label="published: ½ B/Σ²"),
            Line2D([], [], marker="^", markersize=9, label="collapse, derived:\nβ a = (1 − β) σ²", **plain),
            Line2D([], [], marker="v", markersize=9, markerfacecolor="none",
                   label="collapse, published:\na = (1 − β) σ²", **plain),
        ]  # fmt: skip
        figure.legend(handles=handles, loc="outside right upper", labelspacing=0.8)
    return Picture(figure, table.header, table.rows)


def _lines(table: Table) -> list[str]:
    lines = []
    for beta, n in table.distinct("beta", "N"):
        here, where = table.where(beta=beta, N=n), f"β = {beta:g}, N = {n}"
        lines += [f"{where}: {name}: {here.words(f'{name}_is')}" for name in THEORIES]
        smallest = here.where(mode=1).named
        first = smallest[0]
        gone = [row["sigma"] for row in smallest if row["trained"] < 0.01 * first["trained"]]
        lines.append(
            f"{where}: the smallest eigenvalue is below 1 % of where it began from σ ="
            f" {min(gone) if gone else float('nan'):.2g} on; derived {first['collapse_derived']:.2f}, published"
            f" {first['collapse_published']:.2f}"
        )
    return lines
