"""Fig. 5, left: InfoNCE, the three smallest eigenvalues of WᵀW against the strength σ of the augmentation.

Printed: InfoNCE of Eq. 1 with a linear model, d0 = d1 = 32, N(0, I_32), Adam at 6e-4, full batch, 5000 iterations.
Left out and chosen: the size of the training set. Fig. 6, on the same data, says that the smallest eigenvalues of A0
are roughly 0.2; by the law of Marchenko and Pastur (1 − √(32/N))² = 0.2 at N = 105. So N = 100, and 400 beside it; the
initial weights are those of torch's linear layers; besides the constant learning rate, one that goes to 0 as a cosine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from verify.agreement import compared
from verify.figures.picture import BLUE, GREEN, GREY, ORANGE, VERMILION, Picture, laid_out, new_figure, styled
from verify.reproduce.figure import D0, RATE, STEPS, Shown
from verify.reproduce.linear import finite_minimum, modes_of, trained_over, training_set
from verify.sweeps.sweep import Settings, Sweep
from verify.training.engine import Plan
from verify.training.predictions import predictions

TITLE = "Fig. 5, left: InfoNCE, smallest eigenvalues of WᵀW"
HEADER = (
    "N", "sigma", "mode", "seeds", "published", "quartic", "exact", "rho", "finite_N", "finite_N_error",
    "trained_constant", "trained_constant_error", "trained_cosine", "trained_cosine_error",
    "published_is", "quartic_is", "exact_is", "finite_N_is",
)  # fmt: skip
SMALLEST = 3
# The search for a training set's minimum begins with no eigenvalue above this. Where σ is small the loss of N separate
# data is flat there to all digits; a search that has not moved found no minimum.
START = 3.0
# What the trained eigenvalues settle on from here on is the scaling for strong augmentation.
STRONG = 2.0


def sweep(*, quick: bool, seed: int) -> Sweep:
    """One unit for each training set and learning rate."""
    sigmas = [0.5, 1.5, 3.0] if quick else [0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0]
    sizes = {40: 3} if quick else {100: 6, 400: 3}
    units: tuple[Settings, ...] = tuple(
        {
            "n": n,
            "d0": 4 if quick else D0,
            "sigmas": sigmas,
            "steps": 400 if quick else STEPS,
            "rate": 5e-3 if quick else RATE,
            "decay": decay,
            "draws": 4 if quick else 24 if n == 100 else 0,
            "seed": seed + k,
        }
        for n, seeds in sizes.items()
        for k in range(seeds)
        for decay in ("constant", "cosine")
    )
    costs = tuple(one["n"] ** 2 * (2.0 if one["draws"] and one["decay"] == "cosine" else 1.0) for one in units)
    return Sweep("fig5-left", "verify.reproduce.fig5_left:unit", units, costs)


def unit(
    *, n: int, d0: int, sigmas: list[float], steps: int, rate: float, decay: Any, draws: int, seed: int
) -> dict[str, Any]:
    """Train one model for each σ; with the decaying rate, find the training set's own minima too."""
    points = training_set(n, d0, seed)
    a, vectors = modes_of(points)
    trained = trained_over(points, sigmas, "infonce-batch", Plan(rate=rate, steps=steps, decay=decay), seed=seed)
    finite: list[list[list[float]]] = []
    if draws and decay == "cosine":
        for sigma in sigmas:
            theory = predictions("infonce", a, sigma**2)
            start = vectors * np.minimum(theory.exact, START) @ vectors.T
            finite.append(
                [
                    finite_minimum(
                        points, sigma, "infonce-batch", start, seed=2 * seed + half, draws=draws, parameters={}
                    )[:SMALLEST]
                    for half in (0, 1)
                ]
            )
    return {
        "a": a.tolist(),
        "end": [one[:SMALLEST] for one in trained["end"]],
        "averaged": [one[:SMALLEST] for one in trained["averaged"]],
        "finite": finite,
    }


def shown(sweep: Sweep, results: Sequence[Any]) -> Shown:
    """The trained eigenvalues beside the three predictions and the training sets' own minima."""
    rows: list[tuple[Any, ...]] = []
    for n in dict.fromkeys(one["n"] for one in sweep.units):
        of = {
            decay: [r for u, r in zip(sweep.units, results, strict=True) if u["n"] == n and u["decay"] == decay]
            for decay in ("constant", "cosine")
        }
        for at, sigma in enumerate(sweep.units[0]["sigmas"]):
            rows += _rows(n, sigma, at, of)
    return Shown(_drawn(rows), _lines(rows))


def _rows(n: int, sigma: float, at: int, of: dict[str, list[Any]]) -> list[tuple[Any, ...]]:
    theory = [predictions("infonce", one["a"], sigma**2) for one in of["cosine"]]
    rho = float(np.mean([one.radius for one in theory]))
    found: list[tuple[Any, ...]] = []
    for k in range(SMALLEST):
        guesses = {
            name: np.array([np.sort(getattr(one, name))[k] for one in theory])
            for name in ("published", "quartic", "exact")
        }
        finite = np.array([one["finite"][at] for one in of["cosine"] if one["finite"]])
        if len(finite) and np.abs(finite - START).max() < 1e-6:
            finite = finite * np.nan
        minimum = finite[..., k].mean(1) if len(finite) else np.full(len(theory), np.nan)
        # Two independent sets of draws a training set: half their distance is the error of their mean.
        error = float(np.abs(finite[:, 0, k] - finite[:, 1, k]).mean() / 2) if len(finite) else float("nan")
        constant, cosine = (np.array([one["averaged"][at][k] for one in of[decay]]) for decay in of)
        off = float(np.abs(guesses["quartic"] - guesses["exact"]).mean())
        # Each training set has its own prediction: their differences are what spreads between seeds.
        words = [
            compared(0.0, cosine - guess, scale=float(guess.mean()), truncation=truncation).word
            for guess, truncation in (
                (guesses["published"], off), (guesses["quartic"], off), (guesses["exact"], 0.0), (minimum, error),
            )
        ]  # fmt: skip
        spread = [float(one.std(ddof=1) / np.sqrt(len(one))) for one in (constant, cosine)]
        means = [float(guess.mean()) for guess in guesses.values()]
        found.append(
            (n, sigma, k + 1, len(cosine), *means, rho, float(minimum.mean()), error, float(constant.mean()), spread[0],
             float(cosine.mean()), spread[1], *words)
        )  # fmt: skip
    return found


def _drawn(rows: Sequence[tuple[Any, ...]]) -> Picture:
    sizes = list(dict.fromkeys(row[0] for row in rows))
    with styled():
        figure = new_figure(5.4 * len(sizes) + 2.2, 4.4)
        axes = figure.subplots(1, len(sizes), squeeze=False, sharey=True)[0]
        for panel, n in zip(axes, sizes, strict=True):
            here = [row for row in rows if row[0] == n and row[2] == 1]
            sigma = [row[1] for row in here]
            for column, name, colour, style in (
                (4, "published: ½ B/Σ²", VERMILION, "--"),
                (5, "quartic, derived: ⅔ B/Σ²", ORANGE, "-."),
                (6, "all orders, N → ∞", BLUE, "-"),
            ):
                panel.plot(sigma, [row[column] for row in here], style, color=colour, linewidth=1.8, label=name)
            panel.errorbar(
                sigma, [row[8] for row in here], [row[9] for row in here], fmt="s", markersize=7, color=GREEN,
                markerfacecolor="none", label="minimum for this training set",
            )  # fmt: skip
            for value, error, mark, colour, name in (
                (10, 11, "v", GREY, "trained, rate 6e-4"),
                (12, 13, "o", "black", "trained, rate → 0"),
            ):
                panel.errorbar(
                    sigma, [row[value] for row in here], [row[error] for row in here], fmt=mark, markersize=4.5,
                    color=colour, label=name, capsize=2,
                )  # fmt: skip
            panel.set(xscale="log", yscale="log", xlabel="strength σ of the augmentation", title=f"N = {n}")
            panel.set_ylim(3e-6, 100)
            panel.set_xticks([one for one in (0.1, 0.2, 0.5, 1, 2, 5) if min(sigma) <= one <= max(sigma)], minor=False)
            panel.set_xticks([], minor=True)
            panel.xaxis.set_major_formatter("{x:g}")
        axes[0].set_ylabel("smallest eigenvalue of WᵀW")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside right upper")
        laid_out(figure)
    return Picture(figure, HEADER, rows)


def _lines(rows: Sequence[tuple[Any, ...]]) -> list[str]:
    lines = []
    for n in dict.fromkeys(row[0] for row in rows):
        for name, column in (("trained, rate → 0", 12), ("trained, constant rate", 10), ("exact landscape", 6)):
            strong = [row for row in rows if row[0] == n and row[2] == 1 and row[1] >= STRONG and row[column] > 0]
            if len(strong) > 1:
                slope = np.polyfit(np.log([row[1] for row in strong]), np.log([row[column] for row in strong]), 1)[0]
                lines.append(f"N = {n}: {name}: the smallest eigenvalue goes like σ^{slope:.2f} from σ = {STRONG:g} on")
        for name, column in (("published", 14), ("quartic", 15), ("exact", 16), ("finite N", 17)):
            words = [row[column] for row in rows if row[0] == n]
            counts = ", ".join(f"{words.count(word)} {word}" for word in ("agrees", "off", "undecided"))
            lines.append(f"N = {n}: {name}: {counts}")
    return lines
