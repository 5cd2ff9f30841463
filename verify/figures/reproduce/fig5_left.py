"""Fig. 5, left: InfoNCE, the three smallest eigenvalues of WᵀW against the strength σ of the augmentation.

Printed: InfoNCE of Eq. 1 with a linear model, d0 = d1 = 32, N(0, I_32), Adam at 6e-4, full batch, 5000 iterations.
Left out and chosen: the size of the training set. Fig. 6, on the same data, says that the smallest eigenvalues of A0
are roughly 0.2; by the law of Marchenko and Pastur (1 − √(32/N))² = 0.2 at N = 105. So N = 100, and also 400; the
initial weights are those of torch's linear layers; besides the constant learning rate, one that goes to 0 as a cosine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from verify.evidence.agreement import compared
from verify.figures.picture import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    VERMILION,
    Picture,
    drawing,
    few_ticks,
    legend_beside,
)  # fmt: skip
from verify.figures.reproduce.figure import D0, RATE, STEPS, THEORIES, Shown
from verify.figures.reproduce.linear import (
    SMALLEST,
    finite_minima,
    modes_of,
    smallest,
    trained_over,
    training_set,
    words,
)
from verify.figures.reproduce.table import Row, Table, by_setting, standard_error
from verify.routes.training.engine import Plan
from verify.routes.training.predictions import predictions
from verify.running.sweeps.sweep import Settings, Sweep

TITLE = "Fig. 5, left: InfoNCE, smallest eigenvalues of WᵀW"
FULL: Settings = {
    "sigmas": [0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0], "d0": D0, "steps": STEPS, "rate": RATE,
}  # fmt: skip
QUICK: Settings = {"sigmas": [0.5, 1.5, 3.0], "d0": 4, "steps": 400, "rate": 5e-3}
# The search for a training set's minimum begins with no eigenvalue above this. Where σ is small the loss of N separate
# data is flat there to all digits; a search that has not moved found no minimum.
START = 3.0
# What the trained eigenvalues settle on from here on is the scaling for strong augmentation.
STRONG = 2.0


def sweep(*, quick: bool, seed: int) -> Sweep:
    """One unit for each training set and learning rate."""
    sizes = {40: 3} if quick else {100: 6, 400: 3}
    draws = {40: 4, 100: 24, 400: 0}
    units = tuple(
        {**(QUICK if quick else FULL), "n": n, "decay": decay, "draws": draws[n], "seed": seed + k}
        for n, seeds in sizes.items()
        for k in range(seeds)
        for decay in ("constant", "cosine")
    )
    costs = tuple(one["n"] ** 2 * (2.0 if one["draws"] and one["decay"] == "cosine" else 1.0) for one in units)
    return Sweep("fig5-left", f"{__name__}:unit", units, costs)


def unit(
    *, n: int, d0: int, sigmas: list[float], steps: int, rate: float, decay: Any, draws: int, seed: int
) -> dict[str, Any]:
    """Train one model for each σ; with the decaying rate, find the training set's own minima too."""
    points = training_set(n, d0, seed)
    a, vectors = modes_of(points)
    trained = trained_over(points, sigmas, "infonce-batch", Plan(rate=rate, steps=steps, decay=decay), seed=seed)
    finite = []
    for sigma in sigmas if draws and decay == "cosine" else ():
        start = vectors * np.minimum(predictions("infonce", a, sigma**2).exact, START) @ vectors.T
        finite.append(finite_minima(points, sigma, "infonce-batch", start, seed=seed, draws=draws, parameters={}))
    return {"a": a.tolist(), **smallest(trained), "finite": finite}


def shown(sweep: Sweep, results: Sequence[Any]) -> Shown:
    """The trained eigenvalues against the three predictions and the training sets' own minima."""
    trained = by_setting(sweep, results, "n", "decay")
    rows: list[Row] = [
        row
        for n in dict.fromkeys(n for n, _ in trained)
        for at, sigma in enumerate(sweep.units[0]["sigmas"])
        for row in _rows(n, sigma, at, trained[n, "constant"], trained[n, "cosine"])
    ]
    table = Table.of(rows)
    return Shown(_drawn(table), _lines(table))


def _rows(n: int, sigma: float, at: int, constant: list[Any], cosine: list[Any]) -> Iterator[Row]:
    theory = [predictions("infonce", one["a"], sigma**2) for one in cosine]
    rho = float(np.mean([one.radius for one in theory]))
    finite = np.array([one["finite"][at] for one in cosine if one["finite"]])
    if len(finite) and np.abs(finite - START).max() < 1e-6:
        finite = finite * np.nan
    for k in range(SMALLEST):
        guesses = {name: np.array([np.sort(getattr(one, name))[k] for one in theory]) for name in THEORIES}
        minimum = finite[..., k].mean(1) if len(finite) else np.full(len(theory), np.nan)
        # Two independent sets of draws a training set: half their distance is the error of their mean.
        error = float(np.abs(finite[:, 0, k] - finite[:, 1, k]).mean() / 2) if len(finite) else float("nan")
        measured = {
            decay: np.array([one["averaged"][at][k] for one in of])
            for decay, of in (("constant", constant), ("cosine", cosine))
        }
        off = float(np.abs(guesses["quartic"] - guesses["exact"]).mean())
        # Each training set has its own prediction: their differences are what spreads between seeds.
        held = guesses | {"finite_N": minimum}
        decided = {
            name: compared(0.0, measured["cosine"] - held[name], scale=float(held[name].mean()), truncation=slack)
            for name, slack in {"published": off, "quartic": off, "exact": 0.0, "finite_N": error}.items()
        }
        row: Row = {"N": n, "sigma": sigma, "mode": k + 1, "seeds": len(cosine)}
        row |= {name: float(guess.mean()) for name, guess in guesses.items()}
        row |= {"rho": rho, "finite_N": float(minimum.mean()), "finite_N_error": error}
        for decay, one in measured.items():
            row |= {f"trained_{decay}": float(one.mean()), f"trained_{decay}_error": float(standard_error(one))}
        yield row | words(decided)


def _drawn(table: Table) -> Picture:
    sizes = table.distinct("N")
    with drawing(5.4 * len(sizes) + 2.2, 4.4) as figure:
        axes = figure.subplots(1, len(sizes), squeeze=False, sharey=True)[0]
        for panel, n in zip(axes, sizes, strict=True):
            # The three smallest, as printed; the lines and the label are those of the smallest.
            for mode, alpha in ((3, 0.35), (2, 0.6)):
                here, rank = table.where(N=n, mode=mode), {2: "second", 3: "third"}[mode]
                for name, mark, colour in (("trained_constant", "v", GREY), ("trained_cosine", "o", "black")):
                    panel.plot(
                        here["sigma"], here[name], mark, markersize=3.5, color=colour, alpha=alpha,
                        label=f"the {rank} smallest" if name == "trained_cosine" else None,
                    )  # fmt: skip
            here = table.where(N=n, mode=1)
            sigma = here["sigma"]
            for name, label, colour, style in (
                ("published", "published: ½ B/Σ²", VERMILION, "--"),
                ("quartic", "quartic, derived: ⅔ B/Σ²", ORANGE, "-."),
                ("exact", "all orders, N → ∞", BLUE, "-"),
            ):
                panel.plot(sigma, here[name], style, color=colour, linewidth=1.8, label=label)
            panel.errorbar(
                sigma, here["finite_N"], here["finite_N_error"], fmt="s", markersize=7, color=GREEN,
                markerfacecolor="none", label="minimum for this training set",
            )  # fmt: skip
            for name, mark, colour, label in (
                ("trained_constant", "v", GREY, "trained, rate 6e-4"),
                ("trained_cosine", "o", "black", "trained, rate → 0"),
            ):
                panel.errorbar(
                    sigma, here[name], here[f"{name}_error"], fmt=mark, markersize=4.5, color=colour, label=label,
                    capsize=2,
                )  # fmt: skip
            panel.set(xscale="log", yscale="log", xlabel="strength σ of the augmentation", title=f"N = {n}")
            panel.set_ylim(3e-6, 100)
            few_ticks(panel, (0.1, 0.2, 0.5, 1, 2, 5), sigma)
        axes[0].set_ylabel("three smallest eigenvalues of WᵀW")
        legend_beside(figure, axes[0])
    return Picture(figure, table.header, table.rows)


def _lines(table: Table) -> list[str]:
    lines = []
    for n in table.distinct("N"):
        here = table.where(N=n)
        for name, column in (
            ("trained, rate → 0", "trained_cosine"),
            ("trained, constant rate", "trained_constant"),
            ("exact landscape", "exact"),
        ):
            points = zip(*(here.where(mode=1)[of] for of in ("sigma", column)), strict=True)
            strong = [(sigma, value) for sigma, value in points if sigma >= STRONG and value > 0]
            if len(strong) > 1:
                logarithms = np.log(strong)
                slope = np.polyfit(logarithms[:, 0], logarithms[:, 1], 1)[0]
                lines.append(f"N = {n}: {name}: the smallest eigenvalue goes like σ^{slope:.2f} from σ = {STRONG:g} on")
        lines += [f"N = {n}: {name.replace('_', ' ')}: {here.words(f'{name}_is')}" for name in (*THEORIES, "finite_N")]
    return lines
