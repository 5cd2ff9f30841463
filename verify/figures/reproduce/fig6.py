"""Fig. 6: InfoNCE with f/|f|, the smallest eigenvalues of WᵀW against σ, compared with the norm-penalty theory.

Printed: the same data and training as Fig. 5, the representation f(x)/|f(x)|, smallest eigenvalues of A0 roughly 0.2.
Left out and chosen: N = 100, which gives such eigenvalues (see `fig5_left`), and also 200.

f/|f| does not change under W → sW, so that the eigenvalues of WᵀW have no scale of their own: they are shown at
E|Wx|² = 1. The model of normalisation in Sec. 3.2 fixes E|f|² = c, here 1, by an infinite penalty: its minimum as
printed (Theorem 2, Eq. 11, with the mask that keeps all modes whose eigenvalue is positive) and as derived.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derive import catalogue
from derive.landscape.landscape import landscapes
from numeric.landscape.phases import phase_diagram
from verify.figures.picture import BLUE, GREEN, ORANGE, VERMILION, Picture, drawing, legend_beside
from verify.figures.reproduce.figure import D0, RATE, STEPS, Shown
from verify.figures.reproduce.linear import SMALLEST, modes_of, trained_over, training_set
from verify.figures.reproduce.table import Row, Table, by_setting, standard_error
from verify.routes.training.engine import Plan
from verify.running.sweeps.sweep import Settings, Sweep

TITLE = "Fig. 6: InfoNCE with f/|f|"
FULL: Settings = {
    "sigmas": [0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.7, 1.0], "d0": D0, "steps": STEPS, "rate": RATE,
}  # fmt: skip
QUICK: Settings = {"sigmas": [0.1, 0.5], "d0": 6, "steps": 300, "rate": 5e-3}
Array = NDArray[np.float64]


def sweep(*, quick: bool, seed: int) -> Sweep:
    """One unit for each training set and learning rate."""
    units = tuple(
        {**(QUICK if quick else FULL), "n": n, "decay": decay, "seed": seed + k}
        for n, k, decay in product((30,) if quick else (100, 200), range(3), ("constant", "cosine"))
    )
    return Sweep("fig6", f"{__name__}:unit", units, tuple(one["n"] ** 2.0 for one in units))


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
    """The trained eigenvalues against both forms of the norm-penalty theory."""
    rows: list[Row] = []
    sigmas = np.array(sweep.units[0]["sigmas"])
    for (n, decay), here in by_setting(sweep, results, "n", "decay").items():
        penalties = [[of(np.array(one["a"]), sigmas) for one in here] for of in (published_penalty, derived_penalty)]
        published, derived = (np.sort(np.mean([np.sort(one, -1) for one in of], 0), -1) for of in penalties)
        lost_published, lost_derived = (np.mean([(one == 0).sum(-1) for one in of], 0) for of in penalties)
        trained = np.array([one["eigenvalues"] for one in here])
        below = (trained < 0.01 * trained.mean(-1, keepdims=True)).sum(-1).mean(0)
        for at, sigma in enumerate(sigmas):
            for k in range(SMALLEST):
                mean = float(trained[:, at, k].mean())
                rows.append(
                    {
                        "N": n, "rate": decay, "sigma": float(sigma), "mode": k + 1, "seeds": len(here),
                        "a": float(np.mean([one["a"][k] for one in here])),
                        "penalty_published": float(published[at, k]),
                        "penalty_derived": float(derived[at, k]),
                        "trained": mean,
                        "error": float(standard_error(trained[:, at, k])),
                        "trained_over_mean": mean / float(trained[:, at].mean()),
                        "modes_below_1_percent_of_mean": float(below[at]),
                        "modes_collapsed_by_derived_penalty": float(lost_derived[at]),
                        "modes_collapsed_by_published_penalty": float(lost_published[at]),
                    }
                )  # fmt: skip
    table = Table.of(rows)
    return Shown(_drawn(table), _lines(table))


def _drawn(table: Table) -> Picture:
    sizes = table.distinct("N")
    with drawing(5.4 * len(sizes) + 2.4, 4.4) as figure:
        axes = figure.subplots(1, len(sizes), squeeze=False, sharey=True)[0]
        for panel, n in zip(axes, sizes, strict=True):
            here = table.where(N=n, rate="cosine", mode=1)
            sigma = here["sigma"]
            panel.plot(sigma, here["penalty_published"], "--", color=VERMILION, label="norm penalty, published (Thm 2)")
            panel.plot(sigma, here["penalty_derived"], "-", color=BLUE, label="norm penalty, derived")
            for decay, name, mark, colours in (
                ("constant", "rate 6e-4", "v", ("#888888",)),
                ("cosine", "rate → 0", "o", ("black", GREEN, ORANGE)),
            ):
                for k, colour in enumerate(colours):
                    line = table.where(N=n, rate=decay, mode=k + 1)
                    panel.errorbar(
                        sigma, line["trained"], line["error"], fmt=mark + ":", markersize=4.5, color=colour,
                        label=f"trained, {name}, {('smallest', 'second', 'third')[k]}", capsize=2, linewidth=0.8,
                    )  # fmt: skip
            level = np.sqrt(here["a"][0])
            panel.axvline(level, color="black", linewidth=0.8, linestyle=(0, (1, 3)))
            panel.annotate(
                "σ² = a", (level, 0.97), xycoords=("data", "axes fraction"), ha="right", va="top",
                xytext=(-3, 0), textcoords="offset points", fontsize=9,
            )  # fmt: skip
            panel.set(xlabel="strength σ of the augmentation", title=f"N = {n}")
        axes[0].set_ylabel("smallest eigenvalues of WᵀW at E|Wx|² = 1")
        legend_beside(figure, axes[0])
    return Picture(figure, table.header, table.rows)


def _lines(table: Table) -> list[str]:
    lines = []
    for n, decay in table.distinct("N", "rate"):
        rows = table.where(N=n, rate=decay, mode=1).named
        trained, derived, published = (
            f"from σ = {min(gone):g}" if gone else "nowhere"
            for gone in (
                [row["sigma"] for row in rows if row["trained_over_mean"] < 0.01],
                [row["sigma"] for row in rows if row["penalty_derived"] == 0],
                [row["sigma"] for row in rows if row["penalty_published"] == 0],
            )
        )
        lines.append(
            f"N = {n}, {decay} rate: smallest eigenvalue below 1 % of the mean {trained}; zero by the norm penalty as"
            f" derived {derived}, as published {published}; √a = {np.sqrt(rows[0]['a']):.2f}"
        )
    return lines
