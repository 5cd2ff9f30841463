"""Fig. 5, middle: weighted InfoNCE at σ = 5, the smallest eigenvalues of WᵀW against the size N of the training set.

Printed: α = 0.1, σ = 5, the same data and training as on the left, a critical N for the smallest eigenvalue: the i-th
subspace collapses where ((1 − α)/N) c_i ≥ a_i, below N = (1 − α) σ²/a_i (Sec. 3.1; Eq. 17 prints the inequality the
other way round). Left out and chosen: N from 40 to 2000; α = 1, plain InfoNCE, beside α = 0.1 on the same data with
the same noise; the learning rate constant as printed, and one that goes to 0 as a cosine.

The loss of a fixed training set at order 2 is derived with ``expand(order=2, sampling="fixed")``: where its B has no
negative eigenvalue no mode collapses, at any N.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from derive import catalogue
from verify.figures.picture import BLUE, GREEN, ORANGE, VERMILION, Picture, laid_out, new_figure, styled
from verify.reproduce.figure import D0, RATE, STEPS, Shown
from verify.reproduce.linear import finite_minimum, modes_of, trained_over, training_set
from verify.sweeps.sweep import Settings, Sweep
from verify.training.engine import Plan
from verify.training.predictions import predictions

TITLE = "Fig. 5, middle: weighted InfoNCE, σ = 5"
HEADER = (
    "N", "rate", "mode", "seeds", "published_alpha_0.1", "exact", "B_alpha_0.1", "B_alpha_1", "trained_alpha_0.1",
    "error_alpha_0.1", "trained_alpha_1", "error_alpha_1", "difference_over_error", "finite_N_alpha_0.1",
    "finite_N_alpha_1", "finite_N_error",
)  # fmt: skip
ALPHAS = (0.1, 1.0)
SMALLEST = 3


def sweep(*, quick: bool, seed: int) -> Sweep:
    """One unit for each training set and learning rate, with both α."""
    sizes = {8: 3, 30: 3} if quick else {40: 4, 65: 4, 100: 4, 200: 3, 500: 3, 2000: 2}
    units: tuple[Settings, ...] = tuple(
        {
            "n": n,
            "d0": 4 if quick else D0,
            "sigma": 5.0,
            "steps": 300 if quick else STEPS,
            "rate": 2e-3 if quick else RATE,
            "decay": decay,
            "draws": (8 if quick else max(4, 1000 // n)) if decay == "cosine" and n <= 200 else 0,
            "seed": seed + k,
        }
        for n, seeds in sizes.items()
        for k in range(seeds)
        for decay in ("constant", "cosine")
        if n < 2000 or decay == "constant"
    )
    return Sweep("fig5-mid", "verify.reproduce.fig5_mid:unit", units, tuple(3e4 + one["n"] ** 2 for one in units))


def unit(
    *, n: int, d0: int, sigma: float, steps: int, rate: float, decay: Any, draws: int, seed: int
) -> dict[str, Any]:
    """Train for both α on one training set."""
    points = training_set(n, d0, seed)
    a, vectors = modes_of(points)
    plan = Plan(rate=rate, steps=steps, decay=decay)
    alphas = torch.tensor(ALPHAS)
    trained = trained_over(
        points, [sigma] * len(ALPHAS), "weighted-infonce", plan, seed=seed, parameters={"alpha": alphas}
    )
    start = vectors * predictions("infonce", a, sigma**2).exact @ vectors.T
    finite = [
        [
            finite_minimum(
                points, sigma, "weighted-infonce", start, seed=2 * seed + half, draws=draws, parameters={"alpha": alpha}
            )[:SMALLEST]
            for half in (0, 1)
        ]
        for alpha in (ALPHAS if draws else ())
    ]
    return {
        "a": a.tolist(),
        "end": [one[:SMALLEST] for one in trained["end"]],
        "averaged": [one[:SMALLEST] for one in trained["averaged"]],
        "finite": finite,
    }


def curvature(alpha: float) -> Any:
    """The eigenvalue of B of a fixed training set's loss, as a function of a, c and N, from the derived expansion.

    >>> float(curvature(0.1)(1.0, 25.0, 10.0)) == 10 / 9.1
    True
    """
    import sympy

    expansion = catalogue("weighted-infonce").expand(order=2, sampling="fixed", basis="A0,C")
    a, c, n = sympy.symbols("a c N")
    value = expansion.B["A0"] * a + expansion.B["C"] * c
    put = {one: {"alpha": sympy.nsimplify(alpha), "N": n}[one.name] for one in value.free_symbols if one not in (a, c)}
    return sympy.lambdify((a, c, n), value.xreplace(put), "numpy")


def shown(sweep: Sweep, results: Sequence[Any]) -> Shown:
    """Both α beside each other and the predictions."""
    rows: list[tuple[Any, ...]] = []
    sigma = sweep.units[0]["sigma"]
    curves = [curvature(alpha) for alpha in ALPHAS]
    for n, decay in dict.fromkeys((one["n"], one["decay"]) for one in sweep.units):
        here = [r for u, r in zip(sweep.units, results, strict=True) if (u["n"], u["decay"]) == (n, decay)]
        for k in range(SMALLEST):
            a = np.array([one["a"][k] for one in here])
            # The printed B = A0 − ((1 − α)/N) C.
            printed = np.maximum(a - (1 - ALPHAS[0]) / n * sigma**2, 0.0) / (2 * (a + sigma**2) ** 2)
            exact = predictions("infonce", a, sigma**2).exact
            values = np.array([[one["averaged"][which][k] for one in here] for which in (0, 1)])
            error = values.std(1, ddof=1) / np.sqrt(len(here))
            apart = values[0] - values[1]
            spread = apart.std(ddof=1) / np.sqrt(len(here))
            finite = np.array([[[half[k] for half in alpha] for alpha in one["finite"]] for one in here])
            minimum = finite.mean((0, 2)) if finite.size else np.full(2, np.nan)
            off = float(np.abs(finite[..., 0] - finite[..., 1]).mean() / 2) if finite.size else float("nan")
            b = [float(curve(a, sigma**2, n).mean()) for curve in curves]
            rows.append(
                (n, decay, k + 1, len(here), float(printed.mean()), float(exact.mean()), *b, float(values[0].mean()),
                 float(error[0]), float(values[1].mean()), float(error[1]), float(apart.mean() / spread),
                 *map(float, minimum), off)
            )  # fmt: skip
    critical = _critical(sweep, results)
    return Shown(_drawn(rows, critical), _lines(rows, critical))


def _critical(sweep: Sweep, results: Sequence[Any]) -> float:
    """The N at which the printed condition stops to hold for the smallest eigenvalue: N a_min(N) = (1 − α) σ²."""
    sizes = sorted({one["n"] for one in sweep.units})
    products = [
        n * float(np.mean([r["a"][0] for u, r in zip(sweep.units, results, strict=True) if u["n"] == n])) for n in sizes
    ]
    level = (1 - ALPHAS[0]) * sweep.units[0]["sigma"] ** 2
    return float(np.exp(np.interp(level, products, np.log(sizes))))


def _drawn(rows: Sequence[tuple[Any, ...]], critical: float) -> Picture:
    names = {"constant": "rate 6e-4, as printed", "cosine": "rate → 0"}
    with styled():
        figure = new_figure(12.6, 4.4)
        axes = figure.subplots(1, 2, sharey=True)
        for panel, (decay, title) in zip(axes, names.items(), strict=True):
            here = [row for row in rows if row[1] == decay and row[2] == 1]
            n = [row[0] for row in here]
            panel.plot(n, [row[4] for row in here], "--", color=VERMILION, linewidth=1.8, label="published, α = 0.1")
            panel.plot(n, [row[5] for row in here], "-", color=BLUE, linewidth=1.8, label="all orders, N → ∞, any α")
            for value, error, minimum, mark, colour, alpha in (
                (8, 9, 13, "o", ORANGE, "0.1"),
                (10, 11, 14, "x", "black", "1"),
            ):
                panel.errorbar(
                    n, [row[value] for row in here], [row[error] for row in here], fmt=mark, markersize=6,
                    color=colour, label=f"trained, α = {alpha}", capsize=2, markerfacecolor="none",
                )  # fmt: skip
                if decay == "cosine":
                    panel.plot(
                        n, [row[minimum] for row in here], {"0.1": "s", "1": "+"}[alpha], color=GREEN, markersize=9,
                        markerfacecolor="none", label=f"minimum for this training set, α = {alpha}",
                    )  # fmt: skip
            panel.axvline(critical, color=VERMILION, linewidth=1, linestyle=":", label="published critical N")
            panel.set(xscale="log", xlabel="size N of the training set", title=title)
            panel.set_yscale("symlog", linthresh=1e-5)
            panel.set_xticks([one for one in (10, 20, 50, 100, 200, 500, 1000, 2000) if min(n) <= one <= max(n)])
            panel.set_xticks([], minor=True)
            panel.xaxis.set_major_formatter("{x:g}")
            panel.set_ylim(0, 3e-3)
        axes[0].set_ylabel("smallest eigenvalue of WᵀW")
        handles, labels = axes[1].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside right upper")
        laid_out(figure)
    return Picture(figure, HEADER, rows)


def _lines(rows: Sequence[tuple[Any, ...]], critical: float) -> list[str]:
    lines = [f"published: the smallest eigenvalue is 0 below N = {critical:.0f} for α = 0.1"]
    lowest = min(row[6] for row in rows)
    lines.append(f"derived for a fixed training set: B ≥ {lowest:.2g} at every N and for both α: no collapse")
    for decay in ("constant", "cosine"):
        here = [row for row in rows if row[1] == decay]
        apart = [row[12] for row in here if row[3] > 2]  # two seeds have no spread to speak of
        below = [row for row in here if row[2] == 1 and row[0] < critical]
        zero = sum(row[8] < 3 * row[9] for row in below)
        lines.append(
            f"{decay} rate: α = 0.1 and α = 1 differ by {np.mean(np.abs(apart)):.1f} standard errors on average,"
            f" {max(map(abs, apart)):.1f} at most, over {len(apart)} settings of three seeds or more"
        )
        lines.append(
            f"{decay} rate: below the published critical N the smallest eigenvalue is within 3 standard errors of 0 at"
            f" {zero} of {len(below)} sizes"
        )
    return lines
