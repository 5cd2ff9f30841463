"""Fig. 5, middle: weighted InfoNCE at σ = 5, the smallest eigenvalues of WᵀW against the size N of the training set.

Printed: α = 0.1, σ = 5, the same data and training as on the left, a critical N for the smallest eigenvalue: the i-th
subspace collapses where ((1 − α)/N) c_i ≥ a_i, below N = (1 − α) σ²/a_i (Sec. 3.1; Eq. 17 prints the inequality the
other way round). Left out and chosen: N from 40 to 2000; α = 1, plain InfoNCE, next to α = 0.1 on the same data with
the same noise; the learning rate constant as printed, and one that goes to 0 as a cosine.

The loss of a fixed training set at order 2 is derived with ``expand(order=2, sampling="fixed")``: where its B has no
negative eigenvalue no mode collapses, at any N.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import torch

from derive import catalogue
from verify.figures.picture import BLUE, GREEN, ORANGE, VERMILION, Picture, drawing, few_ticks, legend_beside
from verify.figures.reproduce.figure import D0, RATE, STEPS, Shown
from verify.figures.reproduce.linear import SMALLEST, finite_minima, modes_of, smallest, trained_over, training_set
from verify.figures.reproduce.table import Row, Table, by_setting, standard_error
from verify.routes.training.engine import Plan
from verify.routes.training.predictions import predictions
from verify.running.sweeps.sweep import Settings, Sweep

TITLE = "Fig. 5, middle: weighted InfoNCE, σ = 5"
ALPHAS = (0.1, 1.0)


def sweep(*, quick: bool, seed: int) -> Sweep:
    """One unit for each training set and learning rate, with both α."""
    sizes = {8: 3, 30: 3} if quick else {40: 4, 65: 4, 100: 4, 200: 3, 500: 3, 2000: 2}
    size: Settings = {"d0": 4, "steps": 300, "rate": 2e-3} if quick else {"d0": D0, "steps": STEPS, "rate": RATE}
    units: list[Settings] = []
    for n, seeds in sizes.items():
        for k, decay in product(range(seeds), ("constant", "cosine") if n < 2000 else ("constant",)):
            draws = (8 if quick else max(4, 1000 // n)) if decay == "cosine" and n <= 200 else 0
            units.append({**size, "n": n, "sigma": 5.0, "decay": decay, "draws": draws, "seed": seed + k})
    return Sweep("fig5-mid", f"{__name__}:unit", tuple(units), tuple(3e4 + one["n"] ** 2 for one in units))


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
        finite_minima(
            points, sigma, "weighted-infonce", start, seed=seed, draws=draws, parameters={"alpha": alpha}
        )
        for alpha in (ALPHAS if draws else ())
    ]  # fmt: skip
    return {"a": a.tolist(), **smallest(trained), "finite": finite}


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
    """The results for both α, compared with each other and with the predictions."""
    rows: list[Row] = []
    sigma = sweep.units[0]["sigma"]
    curvatures = {alpha: curvature(alpha) for alpha in ALPHAS}
    for (n, decay), here in by_setting(sweep, results, "n", "decay").items():
        for k in range(SMALLEST):
            a = np.array([one["a"][k] for one in here])
            # The printed B = A0 − ((1 − α)/N) C.
            printed = np.maximum(a - (1 - ALPHAS[0]) / n * sigma**2, 0.0) / (2 * (a + sigma**2) ** 2)
            exact = predictions("infonce", a, sigma**2).exact
            values = [np.array([one["averaged"][which][k] for one in here]) for which in (0, 1)]
            apart = values[0] - values[1]
            finite = np.array([[[half[k] for half in alpha] for alpha in one["finite"]] for one in here])
            minimum = finite.mean((0, 2)) if finite.size else np.full(2, np.nan)
            off = float(np.abs(finite[..., 0] - finite[..., 1]).mean() / 2) if finite.size else float("nan")
            row: Row = {"N": n, "rate": decay, "mode": k + 1, "seeds": len(here)}
            row |= {"published_alpha_0.1": float(printed.mean()), "exact": float(exact.mean())}
            row |= {f"B_alpha_{alpha:g}": float(B(a, sigma**2, n).mean()) for alpha, B in curvatures.items()}
            for alpha, one in zip(ALPHAS, values, strict=True):
                row |= {f"trained_alpha_{alpha:g}": float(one.mean())}
                row |= {f"error_alpha_{alpha:g}": float(standard_error(one))}
            row["difference_over_error"] = float(apart.mean() / standard_error(apart))
            row |= {f"finite_N_alpha_{alpha:g}": float(one) for alpha, one in zip(ALPHAS, minimum, strict=True)}
            rows.append(row | {"finite_N_error": off})
    critical = _critical(sweep, results)
    table = Table.of(rows)
    return Shown(_drawn(table, critical), _lines(table, critical))


def _critical(sweep: Sweep, results: Sequence[Any]) -> float:
    """The N at which the printed condition stops to hold for the smallest eigenvalue: N a_min(N) = (1 − α) σ²."""
    products = {
        n: n * float(np.mean([one["a"][0] for one in here]))
        for (n,), here in sorted(by_setting(sweep, results, "n").items())
    }
    level = (1 - ALPHAS[0]) * sweep.units[0]["sigma"] ** 2
    return float(np.exp(np.interp(level, list(products.values()), np.log(list(products)))))


def _drawn(table: Table, critical: float) -> Picture:
    names = {"constant": "rate 6e-4, as printed", "cosine": "rate → 0"}
    with drawing(12.6, 4.4) as figure:
        axes = figure.subplots(1, 2, sharey=True)
        for panel, (decay, title) in zip(axes, names.items(), strict=True):
            # The three smallest, as printed; lines, errors and the label are those of the smallest.
            for mode, faint in ((3, 0.35), (2, 0.6)):
                here = table.where(rate=decay, mode=mode)
                for alpha, mark, colour in (("0.1", "o", ORANGE), ("1", "x", "black")):
                    panel.plot(
                        here["N"], here[f"trained_alpha_{alpha}"], mark, markersize=3.5, color=colour, alpha=faint,
                        label=f"the {'second' if mode == 2 else 'third'} smallest" if alpha == "1" else None,
                    )  # fmt: skip
            here = table.where(rate=decay, mode=1)
            n = here["N"]
            for name, style, colour, label in (
                ("published_alpha_0.1", "--", VERMILION, "published, α = 0.1"),
                ("exact", "-", BLUE, "all orders, N → ∞, any α"),
            ):
                panel.plot(n, here[name], style, color=colour, linewidth=1.8, label=label)
            for alpha, mark, least, colour in (("0.1", "o", "s", ORANGE), ("1", "x", "+", "black")):
                panel.errorbar(
                    n, here[f"trained_alpha_{alpha}"], here[f"error_alpha_{alpha}"], fmt=mark, markersize=6,
                    color=colour, label=f"trained, α = {alpha}", capsize=2, markerfacecolor="none",
                )  # fmt: skip
                if decay == "cosine":
                    panel.plot(
                        n, here[f"finite_N_alpha_{alpha}"], least, color=GREEN, markersize=9, markerfacecolor="none",
                        label=f"minimum for this training set, α = {alpha}",
                    )  # fmt: skip
            panel.axvline(
                critical,
                color=VERMILION,
                linewidth=1,
                linestyle=":",
                label="critical N of the published B, (1 − α) c/a",
            )
            panel.set(xscale="log", xlabel="size N of the training set", title=title)
            panel.set_yscale("symlog", linthresh=1e-5)
            few_ticks(panel, (10, 20, 50, 100, 200, 500, 1000, 2000), n)
            panel.set_ylim(0, 3e-3)
        axes[0].set_ylabel("three smallest eigenvalues of WᵀW")
        legend_beside(figure, axes[1])
    return Picture(figure, table.header, table.rows)


def _lines(table: Table, critical: float) -> list[str]:
    lines = [f"published: the smallest eigenvalue is 0 below N = {critical:.0f} for α = 0.1"]
    lowest = min(table["B_alpha_0.1"])
    lines.append(f"derived for a fixed training set: B ≥ {lowest:.2g} at every N and for both α: no collapse")
    for decay in ("constant", "cosine"):
        here = table.where(rate=decay).named
        # Two seeds have no spread to speak of.
        apart = [row["difference_over_error"] for row in here if row["seeds"] > 2]
        below = [row for row in here if row["mode"] == 1 and row["N"] < critical]
        zero = sum(row["trained_alpha_0.1"] < 3 * row["error_alpha_0.1"] for row in below)
        lines.append(
            f"{decay} rate: α = 0.1 and α = 1 differ by {np.mean(np.abs(apart)):.1f} standard errors on average,"
            f" {max(map(abs, apart)):.1f} at most, over {len(apart)} settings of three seeds or more"
        )
        lines.append(
            f"{decay} rate: below the published critical N the smallest eigenvalue is within 3 standard errors of 0 at"
            f" {zero} of {len(below)} sizes"
        )
    return lines
