"""Fig. 1: the toy landscape over diag(r₁, r₂), with where trained models end.

Printed: a linear model with a diagonal weight matrix, three strengths of augmentation: no, dimensional and complete
collapse. Left out and chosen: the loss, β-InfoNCE at β = ½ (InfoNCE itself never collapses), features of variance 1,
and the augmentations. Models with a full 2×2 matrix W are trained with Adam at 6e-4, 5000 iterations of 300 fresh data,
and put on the map at (±√(WᵀW)₁₁, ±√(WᵀW)₂₂), to whose signs the loss is blind. The map is the loss to all orders.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from verify.figures.picture import BLUE, ORANGE, VERMILION, Picture, drawing
from verify.figures.reproduce.figure import RATE, STEPS, Shown
from verify.figures.reproduce.linear import against, seeded, words
from verify.figures.reproduce.table import Table
from verify.routes.training.data import Population
from verify.routes.training.engine import Plan, train
from verify.routes.training.models import Model
from verify.routes.training.predictions import along_mode, predictions
from verify.running.sweeps.sweep import Settings, Sweep

TITLE = "Fig. 1: the toy landscape of β-InfoNCE, β = ½"
BETA = 0.5
Array = NDArray[np.float64]
PANELS = {"no collapse": (0.5, 0.3), "dimensional collapse": (1.4, 0.3), "complete collapse": (1.6, 1.3)}


def sweep(*, quick: bool, seed: int) -> Sweep:
    """One unit for each seed, with all three panels."""
    size: Settings = {"n": 100, "steps": 300, "rate": 1e-2} if quick else {"n": 300, "steps": STEPS, "rate": RATE}
    units = tuple({**size, "seed": seed + k} for k in range(3 if quick else 5))
    return Sweep("fig1", f"{__name__}:unit", units)


def unit(*, n: int, steps: int, rate: float, seed: int) -> dict[str, Any]:
    """Train one model a panel; (WᵀW)₁₁ and (WᵀW)₂₂, averaged over the last steps."""
    noise = torch.tensor(list(PANELS.values()), dtype=torch.float32).sqrt()[:, None]
    m = len(PANELS)
    end = train(
        Model(2, 2),
        Population(n, torch.ones(m, 1, 2), noise),
        "beta-infonce",
        Plan(rate=rate, steps=steps),
        models=m,
        generator=seeded("fig1", seed),
        parameters={"beta": BETA},
    )
    return {"powers": end.averaged.double().diagonal(dim1=1, dim2=2).tolist()}


def shown(sweep: Sweep, results: Sequence[Any]) -> Shown:
    """The maps with the trained models on them, and the curves along an eigenmode."""
    del sweep  # the panels are always the same
    powers = np.array([one["powers"] for one in results])
    theory = predictions("beta-infonce", 1.0, list(PANELS.values()), {"beta": BETA})
    rows = []
    for at, (panel, noise) in enumerate(PANELS.items()):
        for mode, c in enumerate(noise):
            decided = against(theory, (at, mode), powers[:, at, mode], c)
            exact = decided["exact"]
            rows.append(
                {"panel": panel, "mode": mode + 1, "c_over_a": c, "seeds": len(powers)}
                | {name: one.predicted for name, one in decided.items()}
                | {"rho": float(theory.radius[at]), "trained": exact.measured, "error": exact.error, **words(decided)}
            )
    table = Table.of(rows)
    lines = [
        "{panel}, mode {mode}: trained {trained:.4f} ± {error:.4f}, all orders {exact:.4f} ({exact_is})".format(**row)
        for row in table.named
    ]
    return Shown(_drawn(powers, theory.exact, table), lines)


def _drawn(powers: Array, exact: Array, table: Table) -> Picture:
    reach = 1.3 * float(np.sqrt(max(powers.max(), exact.max())))
    r = np.linspace(-reach, reach, 161)
    with drawing(14.6, 4.3) as figure:
        axes = figure.subplots(1, 1 + len(PANELS), width_ratios=(1.15, 1, 1, 1))
        maps = [np.add(*np.meshgrid(*(_loss(r, c) for c in noise))) for noise in PANELS.values()]
        low = min(float(one.min()) for one in maps)
        levels = np.linspace(low, -2 * low, 19)
        for k, (panel, (title, noise)) in enumerate(zip(axes[1:], PANELS.items(), strict=True)):
            panel.contourf(r, r, maps[k], levels=levels, cmap="cividis", extend="max")
            panel.contour(r, r, maps[k], levels=levels, colors="black", linewidths=0.35, alpha=0.5, linestyles="solid")
            for name, label, mark, size, colour in (
                ("published", "published", "s", 5.5, VERMILION),
                ("quartic", "quartic, derived", "^", 6.5, ORANGE),
            ):
                at = np.sqrt(table.where(panel=title)[name])
                _mirrored(panel, at, mark, color=colour, markersize=size, label=label)
            _mirrored(panel, np.sqrt(exact[k]), "*", color="white", markersize=15, label="minimum, all orders")
            for one in np.sqrt(powers[:, k]):
                _mirrored(panel, one, "o", color="black", markersize=3.5, label="trained")
            panel.set(xlabel="r₁", aspect="equal", title=f"{title}\nc = {noise[0]:g}, {noise[1]:g}; a = 1")
            # One mode of each panel along its axis: the curves of panel (a).
            mode, colour = ((1, BLUE), (0, ORANGE), (0, VERMILION))[k]
            axes[0].plot(r, _loss(r, noise[mode]), color=colour, linewidth=2, label=f"c = {noise[mode]:g}")
            for sign in (1, -1):
                ends = sign * np.sqrt(powers[:, k, mode])
                axes[0].plot(ends, _loss(ends, noise[mode]), "o", color="black", markersize=3.5)
        axes[1].set_ylabel("r₂")
        lowest = min(float(_loss(r, noise[1]).min()) for noise in PANELS.values())
        axes[0].axhline(0.0, color="black", linewidth=0.6)
        axes[0].set(
            xlabel="r", ylabel="loss along one mode", ylim=(1.3 * lowest, -1.6 * lowest), title="an eigenmode, a = 1"
        )
        axes[0].legend(loc="upper center", ncols=3, fontsize=9, handlelength=1.2, columnspacing=0.8)
        handles, labels = axes[1].get_legend_handles_labels()
        shown = dict(zip(labels, handles, strict=True))
        figure.legend(shown.values(), shown, loc="outside lower center", ncols=len(shown))
    return Picture(figure, table.header, table.rows)


def _loss(r: Array, c: float) -> Array:
    """The loss to all orders along one mode, at W = r."""
    return along_mode("beta-infonce", (1 + c) * np.asarray(r) ** 2, 1.0, c, {"beta": BETA})


def _mirrored(panel: Any, at: Any, mark: str, **style: Any) -> None:
    """A mark at (±r₁, ±r₂), to whose signs the loss is blind; one entry in the legend."""
    for sign in ((1, 1), (-1, 1), (1, -1), (-1, -1)):
        x, y = np.asarray(at) * sign
        panel.plot([x], [y], mark, markeredgecolor="black", markeredgewidth=0.7, linestyle="none", **style)
