"""Fig. 6: InfoNCE with f/|f|, the smallest eigenvalues of WᵀW against σ, with the norm-penalty theory beside it.

Printed: the same data and training as Fig. 5, the representation f(x)/|f(x)|, smallest eigenvalues of A0 roughly 0.2.
Left out and chosen: N = 100, which gives such eigenvalues (see `fig5_left`), and 200 beside it.

f/|f| does not change under W → sW, so that the eigenvalues of WᵀW have no scale of their own: they are shown at
E|Wx|² = 1. The model of normalisation in Sec. 3.2 fixes E|f|² = c, here 1, by an infinite penalty: its minimum as
printed (Theorem 2, Eq. 11, with the mask that keeps all modes whose eigenvalue is positive) and as derived.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derive import catalogue
from derive.landscape import landscapes
from numeric.phases import phase_diagram
from verify.figures.picture import BLUE, GREEN, ORANGE, VERMILION, Picture, laid_out, new_figure, styled
from verify.reproduce.figure import D0, RATE, STEPS, Shown
from verify.reproduce.linear import modes_of, trained_over, training_set
from verify.sweeps.sweep import Settings, Sweep
from verify.training.engine import Plan

TITLE = "Fig. 6: InfoNCE with f/|f|"
HEADER = (
    "N", "rate", "sigma", "mode", "seeds", "a", "penalty_published", "penalty_derived", "trained", "error",
    "trained_over_mean", "modes_below_1_percent_of_mean", "modes_collapsed_by_derived_penalty",
    "modes_collapsed_by_published_penalty",
)  # fmt: skip
SMALLEST = 3
Array = NDArray[np.float64]


def sweep(*, quick: bool, seed: int) -> Sweep:
    """One unit for each training set and learning rate."""
    sigmas = [0.1, 0.5] if quick else [0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.7, 1.0]
    sizes = {30: 3} if quick else {100: 3, 200: 3}
    units: tuple[Settings, ...] = tuple(
        {
            "n": n,
            "d0": 6 if quick else D0,
            "sigmas": sigmas,
            "steps": 300 if quick else STEPS,
            "rate": 5e-3 if quick else RATE,
            "decay": decay,
            "seed": seed + k,
        }
        for n, seeds in sizes.items()
        for k in range(seeds)
        for decay in ("constant", "cosine")
    )
    return Sweep("fig6", "verify.reproduce.fig6:unit", units, tuple(one["n"] ** 2.0 for one in units))


def unit(*, n: int, d0: int, sigmas: list[float], steps: int, rate: float, decay: Any, seed: int) -> dict[str, Any]:
    """Train one model for each σ; eigenvalues of WᵀW at E|Wx|² = 1."""
    points = training_set(n, d0, seed)
    a, _ = modes_of(points)
    plan = Plan(rate=rate, steps=steps, decay=decay)
    trained = trained_over(points, sigmas, "infonce-batch", plan, seed=seed, normalised=True)
    second = points.T @ points / n
    eigenvalues = []
    for sigma, gram in zip(sigmas, trained["gram"], strict=True):
        size = float((gram * second).sum() + sigma**2 * gram.trace())
        eigenvalues.append(np.maximum(np.linalg.eigvalsh(gram.numpy()) / size, 0.0).tolist())
    return {"a": a.tolist(), "eigenvalues": eigenvalues}


def derived_penalty(a: Array, sigmas: Array) -> Array:
    """The powers of the modes at the minimum with E|f|² = 1 fixed, through order 4: (σ, modes).

    >>> derived_penalty(np.array([1.0, 1.0]), np.array([0.0])).round(3)
    array([[0.5, 0.5]])
    """
    found = phase_diagram(
        landscapes(catalogue("infonce").expand(order=4)),
        ("sigma", sigmas),
        ("set", [0.0]),
        lambda sigma, _: (a, np.broadcast_to(sigma[..., None] ** 2, (*sigma.shape, len(a)))),
        norm=1.0,
    )
    return np.asarray(found.powers[0])


def published_penalty(a: Array, sigmas: Array) -> Array:
    """Theorem 2 of Ziyin et al. 2023, Eq. 11 at c = 1, with the largest mask whose eigenvalues are all positive.

    >>> published_penalty(np.array([1.0, 1.0]), np.array([0.0])).round(3)
    array([[0.5, 0.5]])
    """
    found = np.zeros((len(sigmas), len(a)))
    for at, sigma in enumerate(sigmas):
        s = a + sigma**2
        ratio = a / s
        order = np.argsort(-ratio)
        for count in range(len(a), 0, -1):
            kept = order[:count]
            powers = (a[kept] + (2.0 - ratio[kept].sum()) / count * s[kept]) / (2 * s[kept] ** 2)
            if (powers > 0).all():
                found[at, kept] = powers
                break
    return found


def shown(sweep: Sweep, results: Sequence[Any]) -> Shown:
    """The trained eigenvalues beside both forms of the norm-penalty theory."""
    rows: list[tuple[Any, ...]] = []
    sigmas = np.array(sweep.units[0]["sigmas"])
    for n, decay in dict.fromkeys((one["n"], one["decay"]) for one in sweep.units):
        here = [r for u, r in zip(sweep.units, results, strict=True) if (u["n"], u["decay"]) == (n, decay)]
        theory = [
            np.sort(np.mean([np.sort(of(np.array(one["a"]), sigmas), -1) for one in here], 0), -1)
            for of in (published_penalty, derived_penalty)
        ]
        gone = [
            np.mean([(of(np.array(one["a"]), sigmas) == 0).sum(-1) for one in here], 0)
            for of in (derived_penalty, published_penalty)
        ]
        trained = np.array([one["eigenvalues"] for one in here])
        below = (trained < 0.01 * trained.mean(-1, keepdims=True)).sum(-1).mean(0)
        for at, sigma in enumerate(sigmas):
            for k in range(SMALLEST):
                mean = float(trained[:, at, k].mean())
                rows.append(
                    (n, decay, float(sigma), k + 1, len(here), float(np.mean([one["a"][k] for one in here])),
                     *(float(one[at, k]) for one in theory), mean,
                     float(trained[:, at, k].std(ddof=1) / np.sqrt(len(here))), mean / float(trained[:, at].mean()),
                     float(below[at]), *(float(one[at]) for one in gone))
                )  # fmt: skip
    return Shown(_drawn(rows), _lines(rows))


def _drawn(rows: Sequence[tuple[Any, ...]]) -> Picture:
    sizes = list(dict.fromkeys(row[0] for row in rows))
    with styled():
        figure = new_figure(5.4 * len(sizes) + 2.4, 4.4)
        axes = figure.subplots(1, len(sizes), squeeze=False, sharey=True)[0]
        for panel, n in zip(axes, sizes, strict=True):
            here = [row for row in rows if row[0] == n and row[1] == "cosine" and row[3] == 1]
            sigma = [row[2] for row in here]
            panel.plot(sigma, [row[6] for row in here], "--", color=VERMILION, label="norm penalty, published (Thm 2)")
            panel.plot(sigma, [row[7] for row in here], "-", color=BLUE, label="norm penalty, derived")
            for decay, name, mark, colours in (
                ("constant", "rate 6e-4", "v", ("#888888",)),
                ("cosine", "rate → 0", "o", ("black", GREEN, ORANGE)),
            ):
                for k, colour in enumerate(colours):
                    line = [row for row in rows if row[:2] == (n, decay) and row[3] == k + 1]
                    label = f"trained, {name}, {('smallest', 'second', 'third')[k]}"
                    panel.errorbar(
                        sigma, [row[8] for row in line], [row[9] for row in line], fmt=mark + ":", markersize=4.5,
                        color=colour, label=label, capsize=2, linewidth=0.8,
                    )  # fmt: skip
            panel.axvline(np.sqrt(here[0][5]), color="black", linewidth=0.8, linestyle=(0, (1, 3)))
            panel.annotate(
                "σ² = a", (np.sqrt(here[0][5]), 0.97), xycoords=("data", "axes fraction"), ha="right", va="top",
                xytext=(-3, 0), textcoords="offset points", fontsize=9,
            )  # fmt: skip
            panel.set(xlabel="strength σ of the augmentation", title=f"N = {n}")
        axes[0].set_ylabel("smallest eigenvalues of WᵀW at E|Wx|² = 1")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside right upper")
        laid_out(figure)
    return Picture(figure, HEADER, rows)


def _lines(rows: Sequence[tuple[Any, ...]]) -> list[str]:
    lines = []
    for n, decay in dict.fromkeys(row[:2] for row in rows):
        at = [row for row in rows if row[:2] == (n, decay) and row[3] == 1]
        gone = [
            [row[2] for row in at if test(row)]
            for test in (_collapsed, lambda row: row[7] == 0, lambda row: row[6] == 0)
        ]
        said = [f"from σ = {min(one):g}" if one else "nowhere" for one in gone]
        lines.append(
            f"N = {n}, {decay} rate: smallest eigenvalue below 1 % of the mean {said[0]}; zero by the norm penalty as"
            f" derived {said[1]}, as published {said[2]}; √a = {np.sqrt(at[0][5]):.2f}"
        )
    return lines


def _collapsed(row: tuple[Any, ...]) -> bool:
    return bool(row[10] < 0.01)
