"""Fig. 7: the landscape of the last layer of three-layer tanh and ReLU networks with two outputs.

Printed: the data of Fig. 5 (N(0, I_32), diagonal Gaussian noise), output dimension 2, SGD until convergence; then the
last layer is rescaled, W → aW (top), and its two rows, (w₁, w₂) → (r₁ w₁, r₂ w₂), under weak, intermediate and strong
augmentation (bottom). Left out and chosen: β-InfoNCE at β = ½, whose linear model has all three phases (plain InfoNCE
has one); N = 100; hidden layers of 64 units with biases; SGD with momentum 0.9 and learning rate 0.05, which goes to
0 over the last quarter of 16,000 steps; σ as in the panels' titles. How far L lies below the origin is measured where
the rate begins to go down, and again at the end: less than 5 % more of it counts as converged. The embedding is
turned to its principal axes first, which the loss does not see: otherwise a single learned direction would spread
over both rows.

Where training has collapsed the embedding, W is shown at E|f|² = 1: its direction is what is left to look along. The
loss is averaged over fixed draws of the noise. Beside its curvature along a at a = 0 stands the theory's for any
features: ½ d²L/da² = −Tr[W B Wᵀ], B = β Ā0 − (1 − β) C̄ with Ā0 and C̄ the covariances of the centred features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from math import sqrt
from typing import Any

import numpy as np
import torch
from torch import Tensor

from derive import catalogue
from verify.evidence.agreement import compared
from verify.figures.maps import mirrored_map
from verify.figures.picture import BLUE, ORANGE, VERMILION, Picture, drawing
from verify.figures.reproduce.figure import D0, Shown
from verify.figures.reproduce.linear import seeded, training_set
from verify.figures.reproduce.table import Row, Table, by_setting
from verify.routes.training.data import TrainingSet
from verify.routes.training.engine import Plan, train
from verify.routes.training.models import Model, Weights
from verify.running.sweeps.sweep import Settings, Sweep
from verify.truths.batched import batched

TITLE = "Fig. 7: the last layer of three-layer networks"
BETA = 0.5
ACTIVATIONS = ("tanh", "relu")
STRENGTHS = {"weak": 0.7, "intermediate": 1.3, "strong": 2.0}
D1 = 2
FULL: Settings = {"n": 100, "d0": D0, "width": 64, "steps": 16_000, "points": 41, "draws": 24}
QUICK: Settings = {"n": 40, "d0": 6, "width": 16, "steps": 400, "points": 9, "draws": 8}
# E|f|², centred, below which an embedding counts as collapsed.
COLLAPSED = 1e-2
# A minimum that has deepened by no more than this share over the last quarter of the steps has been reached.
CONVERGED = 0.05


def sweep(*, quick: bool, seed: int) -> Sweep:
    """One unit for each activation and seed, with all strengths."""
    size = {**(QUICK if quick else FULL), "sigmas": list(STRENGTHS.values())}
    units = tuple(
        {**size, "activation": activation, "seed": seed + k}
        for activation, k in product(ACTIVATIONS, range(1 if quick else 2))
    )
    return Sweep("fig7", f"{__name__}:unit", units)


def unit(
    *,
    activation: Any,
    n: int,
    d0: int,
    width: int,
    sigmas: list[float],
    steps: int,
    points: int,
    draws: int,
    seed: int,
) -> dict[str, Any]:
    """Train one network for each σ, and evaluate the loss over its rescaled last layers."""
    data = training_set(n, d0, seed).float()
    m = len(sigmas)
    model = Model(d0, D1, activation, width=width)
    generator = seeded("fig7", activation, seed)

    def trained(steps: int, decay: Any, weights: Weights | None) -> Weights:
        return train(
            model,
            TrainingSet(data[None], torch.tensor(sigmas)[:, None, None].expand(m, 1, d0)),
            "beta-infonce",
            Plan(optimiser="sgd", rate=0.05, momentum=0.9, steps=steps, decay=decay),
            models=m,
            generator=generator,
            parameters={"beta": BETA},
            weights=weights,
        ).weights

    before = trained(3 * steps // 4, "constant", None)
    end = trained(steps - 3 * steps // 4, "cosine", before)
    maps = []
    for k, sigma in enumerate(sigmas):
        noise = torch.full((1, 1, d0), sigma, dtype=torch.float64)
        views = TrainingSet(data.double().expand(draws, -1, -1), noise.expand(draws, 1, d0), independent=True)
        drawn = views.views(3, seeded("fig7 noise", activation, seed))
        first, last = ({name: weight[k : k + 1].double() for name, weight in one.items()} for one in (before, end))
        depth = _depth([model.embed(first, x) for x in drawn])
        maps.append({"before": depth, **_maps(last["W"][0], [model.features(last, x) for x in drawn], points)})
    return {"maps": maps}


def _depth(z: Sequence[Tensor]) -> float:
    """How far the loss of three views, (draws, n, 2) each, lies below that of a collapsed embedding."""
    loss = batched("beta-infonce")
    return float((loss(tuple(0 * one for one in z), {"beta": BETA}) - loss(tuple(z), {"beta": BETA})).mean())


def _maps(W: Tensor, features: Sequence[Tensor], points: int) -> dict[str, Any]:
    """The loss along a and over (r₁, r₂), and both curvatures at 0."""
    left, _, _ = torch.linalg.svd(W, full_matrices=False)
    size = float((features[0] @ W.T - (features[0] @ W.T).mean((0, 1))).square().sum(-1).mean())
    if size < COLLAPSED:
        W = W / sqrt(size)
    z = [phi @ (left.T @ W).T for phi in features]  # (draws, n, 2), on the principal axes
    loss = batched("beta-infonce")

    def at(scales: Tensor) -> Tensor:
        """The loss of each draw at each pair of scales: (scales, draws)."""
        found = [loss(tuple(one * r for one in z), {"beta": BETA}) for r in scales]
        return torch.stack(found)

    a = torch.linspace(-1.6, 1.6, 4 * points // 2 | 1, dtype=torch.float64)
    r = torch.linspace(0.0, 1.6, points // 2 + 1, dtype=torch.float64)
    grid = torch.stack(torch.meshgrid(r, r, indexing="ij"), -1).reshape(-1, 2)
    h = 1e-2
    around = at(torch.tensor([[0.0, 0.0], [h, h], [2 * h, 2 * h]], dtype=torch.float64))
    # The loss is even in a: two widths remove the term of order 4.
    second = (16 * (around[1] - around[0]) - (around[2] - around[0])) / (12 * h**2)
    x, x_pos, _ = features
    stacked = torch.cat(list(features), 0)
    mean = stacked.mean((0, 1))
    n = x.shape[1]
    # χ is another view of the same data: the spread is that of all views, the alignment that of two of one datum.
    A0 = ((x - mean).mT @ (x_pos - mean) / n).mean(0)
    Sigma = ((stacked - mean).mT @ (stacked - mean) / n).mean(0)
    weights = {letter: float(value.subs({"beta": BETA})) for letter, value in _curvature().items()}
    B = weights["A0"] * (A0 + A0.T) / 2 + weights["C"] * (Sigma - (A0 + A0.T) / 2)
    return {
        "a": a.tolist(),
        "along": at(torch.stack([a, a], -1)).mean(1).tolist(),
        "r": r.tolist(),
        "over": at(grid).mean(1).reshape(len(r), len(r)).tolist(),
        "second": second.tolist(),
        "predicted": -float((W @ B @ W.T).trace()),
    }


def _curvature() -> Any:
    """B of the derived expansion, in A0 and C, which at order 2 holds for any distribution."""
    return catalogue("beta-infonce").expand(order=2, basis="A0,C").B


def shown(sweep: Sweep, results: Sequence[Any]) -> Shown:
    """Curves along a for both activations, maps over the two rows, and the curvatures at 0."""
    rows: list[Row] = []
    for settings, found in zip(sweep.units, results, strict=True):
        for sigma, here in zip(settings["sigmas"], found["maps"], strict=True):
            over, along = np.array(here["over"]), np.array(here["along"])
            i, j = np.unravel_index(over.argmin(), over.shape)
            decided = compared(here["predicted"], here["second"], scale=float(np.abs(here["second"]).mean()))
            row: Row = {"activation": settings["activation"], "sigma": sigma}
            row |= {"seed": settings["seed"], "steps": settings["steps"], "depth_before": here["before"]}
            row |= {"loss_at_1": float(np.interp(1.0, here["a"], along)), "loss_at_0": _middle(here["along"])}
            row |= {"r1_at_minimum": here["r"][i], "r2_at_minimum": here["r"][j]}
            row |= {"curvature_measured": decided.measured, "curvature_error": decided.error}
            rows.append(row | {"curvature_predicted": here["predicted"], "curvature_is": decided.word})
    table = Table.of(rows)
    first = {activation: found[0]["maps"] for (activation,), found in by_setting(sweep, results, "activation").items()}
    return Shown(_drawn(table, first), _lines(table))


def _middle(along: Sequence[float]) -> float:
    """The loss at a = 0."""
    return along[len(along) // 2]


def _drawn(table: Table, first: Mapping[str, Any]) -> Picture:
    with drawing(13.6, 6.6) as figure:
        axes = figure.subplots(2, 4)
        for row, (activation, maps) in zip(axes, first.items(), strict=True):
            for (name, sigma), colour, here in zip(STRENGTHS.items(), (BLUE, ORANGE, VERMILION), maps, strict=True):
                along = np.array(here["along"])
                row[0].plot(here["a"], along - _middle(here["along"]), color=colour, label=f"{name}, σ = {sigma:g}")
            row[0].axhline(0.0, color="black", linewidth=0.6)
            shortfall = min(min(one["along"]) - _middle(one["along"]) for one in maps)
            row[0].set(xlabel="a", ylabel=f"{activation}: L(aW) − L(0)", ylim=(1.15 * shortfall, -0.8 * shortfall))
            for panel, sigma, here in zip(row[1:], STRENGTHS.values(), maps, strict=True):
                r = np.array(here["r"])
                # f is turned to its principal axes, and a reflection is a rotation of the embedding: L is even in both.
                mirrored_map(panel, (r, r), np.array(here["over"]), f"σ = {sigma:g}")
            row[1].set_ylabel("r₂")
        axes[0][0].legend(loc="lower center", fontsize=8, bbox_to_anchor=(0.5, 1.0))
    return Picture(figure, table.header, table.rows)


def _lines(table: Table) -> list[str]:
    lines = [f"curvature of L(aW) at a = 0 against −Tr[W B Wᵀ] of the features: {table.words('curvature_is')}"]
    for activation, sigma in product(ACTIVATIONS, STRENGTHS.values()):
        here = table.where(activation=activation, sigma=sigma).named
        at = ", ".join("({r1_at_minimum:.2f}, {r2_at_minimum:.2f})".format(**row) for row in here)
        deeper = ", ".join(_deepened(row["loss_at_0"] - row["loss_at_1"], row["depth_before"]) for row in here)
        lines.append(f"{activation}, σ = {sigma:g}: minimum at (r₁, r₂) = {at}; {deeper}")
    return lines


def _deepened(depth: float, before: float) -> str:
    """What the last quarter of the steps did, in words."""
    if max(depth, before) < COLLAPSED:
        return "collapsed"
    share = depth / before - 1 if before > 0 else float("inf")
    return f"{'converged' if share < CONVERGED else 'not converged'}: {share:+.1%} in the last quarter"
