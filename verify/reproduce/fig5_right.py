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

from verify.agreement import compared
from verify.figures.picture import BLUE, GREEN, ORANGE, PURPLE, SKY, Picture, laid_out, new_figure, styled
from verify.reproduce.figure import RATE, STEPS, Shown
from verify.reproduce.linear import modes_of, trained_over, training_set
from verify.sweeps.sweep import Settings, Sweep
from verify.training.engine import Plan
from verify.training.predictions import predictions

TITLE = "Fig. 5, right: β-InfoNCE, all five eigenvalues of WᵀW"
HEADER = (
    "beta", "N", "sigma", "mode", "seeds", "a", "collapse_published", "collapse_derived", "published", "quartic",
    "exact", "rho", "trained", "error", "published_is", "quartic_is", "exact_is",
)  # fmt: skip
_COLOURS = (BLUE, GREEN, SKY, PURPLE, ORANGE)


def sweep(*, quick: bool, seed: int) -> Sweep:
    """One unit for each β and training set."""
    sigmas = [0.5, 0.8, 1.4] if quick else [round(0.2 + 0.1 * k, 1) for k in range(18)]
    settings = [(0.5, 60, 3)] if quick else [(0.5, 100, 4), (0.7, 100, 3), (0.5, 200, 3)]
    units: tuple[Settings, ...] = tuple(
        {
            "n": n,
            "d0": 5,
            "beta": beta,
            "sigmas": sigmas,
            "steps": 400 if quick else STEPS,
            "rate": 1e-2 if quick else RATE,
            "seed": seed + k,
        }
        for beta, n, seeds in settings
        for k in range(seeds)
    )
    return Sweep("fig5-right", "verify.reproduce.fig5_right:unit", units, tuple(one["n"] ** 2.0 for one in units))


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
    """The trained eigenvalues beside the predictions, with the collapse points."""
    rows: list[tuple[Any, ...]] = []
    for beta, n in dict.fromkeys((one["beta"], one["n"]) for one in sweep.units):
        here = [r for u, r in zip(sweep.units, results, strict=True) if (u["beta"], u["n"]) == (beta, n)]
        a = np.array([one["a"] for one in here])
        for at, sigma in enumerate(sweep.units[0]["sigmas"]):
            theory = predictions("beta-infonce", a, sigma**2, {"beta": beta})
            trained = np.array([one["eigenvalues"][at] for one in here])
            guesses = {name: np.sort(getattr(theory, name), -1) for name in ("published", "quartic", "exact")}
            off = np.abs(guesses["quartic"] - guesses["exact"]).mean(0)
            for k in range(a.shape[1]):
                # A collapsed mode is held against the scale of what is not.
                scale = float(max(guesses["exact"][:, k].mean(), 0.05 * guesses["exact"].max()) or 0.01)
                words = [
                    compared(
                        0.0, trained[:, k] - guess[:, k], scale=scale, truncation=0.0 if name == "exact" else off[k]
                    )
                    for name, guess in guesses.items()
                ]
                level = float(a[:, k].mean())
                rows.append(
                    (beta, n, sigma, k + 1, len(here), level, float(np.sqrt(level / (1 - beta))),
                     float(np.sqrt(beta * level / (1 - beta))), *(float(one[:, k].mean()) for one in guesses.values()),
                     float(theory.radius.mean()), float(trained[:, k].mean()),
                     float(trained[:, k].std(ddof=1) / np.sqrt(len(here))), *(one.word for one in words))
                )  # fmt: skip
    return Shown(_drawn(rows), _lines(rows))


def _drawn(rows: Sequence[tuple[Any, ...]]) -> Picture:
    panels = list(dict.fromkeys(row[:2] for row in rows))
    with styled():
        from matplotlib.lines import Line2D

        figure = new_figure(4.6 * len(panels) + 2.4, 4.4)
        axes = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
        for panel, (beta, n) in zip(axes, panels, strict=True):
            for k, colour in enumerate(_COLOURS):
                here = [row for row in rows if row[:2] == (beta, n) and row[3] == k + 1]
                sigma = [row[2] for row in here]
                fine = np.linspace(min(sigma), max(sigma), 300)
                theory = predictions("beta-infonce", here[0][5], fine**2, {"beta": beta})
                panel.plot(fine, np.sqrt(theory.exact), color=colour, linewidth=1.6)
                panel.plot(fine, np.sqrt(theory.published), "--", color=colour, linewidth=1.0, alpha=0.8)
                panel.plot(sigma, np.sqrt([row[12] for row in here]), "o", color=colour, markersize=4.5)
                panel.plot([here[0][7]], [0], "^", color=colour, markersize=9, clip_on=False, zorder=5)
                panel.plot([here[0][6]], [0], "v", color=colour, markersize=9, clip_on=False, markerfacecolor="none")
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
        laid_out(figure)
    return Picture(figure, HEADER, rows)


def _lines(rows: Sequence[tuple[Any, ...]]) -> list[str]:
    lines = []
    for beta, n in dict.fromkeys(row[:2] for row in rows):
        here = [row for row in rows if row[:2] == (beta, n)]
        for name, column in (("published", 14), ("quartic", 15), ("exact", 16)):
            words = [row[column] for row in here]
            counts = ", ".join(f"{words.count(word)} {word}" for word in ("agrees", "off", "undecided"))
            lines.append(f"β = {beta:g}, N = {n}: {name}: {counts}")
        at = [(row[2], row[12]) for row in here if row[3] == 1]
        gone = [sigma for sigma, value in at if value < 0.01 * at[0][1]]
        first = next(row for row in here if row[3] == 1)
        lines.append(
            f"β = {beta:g}, N = {n}: the smallest eigenvalue is below 1 % of where it began from σ ="
            f" {min(gone) if gone else float('nan'):.2g} on; derived {first[7]:.2f}, published {first[6]:.2f}"
        )
    return lines
