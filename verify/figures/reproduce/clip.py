"""CLIP's two linear encoders trained from small weights: which canonical pairs are kept, at what power, and when.

Not a figure of the ICLR paper but its question asked of CLIP's symmetric cross-entropy with inner products, τ = ½. An
image x has six dimensions and its text y seven; five pairs of them are correlated, λ = 0.9, 0.75, 0.6, 0.45, 0.3, the
rest are noise, and a rotation of each hides which. Their scales √(s₁ s₂) differ, so that the singular values
a_i = λ_i √(s₁ s₂) of A = Cov(x, y), which set the order in time, have another order than the λ_i, which decide what is
kept. SGD on N = 16 … 512 pairs, fresh ones from the population at each step or a training set of N with fresh noise
(full batch), from weights of 3e-3, the rate going to 0 as a cosine; with d1 = 8 rows, enough for all pairs, and with 3.
A step sees 512 pairs: batches of N until there are as many.

Beside the trained powers, singular values of Σ₁^½ WᵀV Σ₂^½ over τ, stand λ_i, their exact value for N → ∞; the quartic
at N; and the minimum at N itself: by quadrature for fresh batches (`verify.routes.training.contrast`), for full batches
that of each training set's own loss (`verify.routes.training.finite`). Beside the times at which a pair reaches half of
its final size stands the growth e^{2 β a_i t} of the linearised flow, see `growth_times`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import product
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from derive import catalogue
from derive.landscape.canonical_pairs import canonical_pairs
from verify.evidence.agreement import compared
from verify.figures.picture import BLUE, GREEN, ORANGE, PURPLE, VERMILION, Picture, drawing, few_ticks, legend_beside
from verify.figures.reproduce.figure import Shown
from verify.figures.reproduce.linear import seeded
from verify.figures.reproduce.table import Row, Table, by_setting, standard_error
from verify.routes.training.contrast import lowest_powers
from verify.routes.training.data import Data, Halves, Population, TrainingSet
from verify.routes.training.engine import Plan, train
from verify.routes.training.finite import lowest
from verify.routes.training.models import Model
from verify.routes.training.pairs import Pairs, growth_times
from verify.running.sweeps.sweep import Settings, Sweep
from verify.truths.batched import BatchedLoss
from verify.truths.fast_losses import OfModels, clip

Array = NDArray[np.float64]

TITLE = "CLIP: canonical pairs of two linear encoders, their powers and their order in time"
TAU = 0.5
CORRELATIONS = (0.9, 0.75, 0.6, 0.45, 0.3)
# √(s₁ s₂), and √(s₁/s₂), of the pairs.
SCALES = (0.55, 1.2, 0.6, 1.5, 1.0)
RATIOS = (1.5, 0.8, 1.2, 0.7, 1.0)
D0 = (6, 7)
COLOURS = (BLUE, ORANGE, GREEN, VERMILION, PURPLE)
SIZES = (16, 32, 64, 128, 256, 512)
LOSS = BatchedLoss(2, partial(clip, OfModels()))
# A pair is kept where its power is more than this fraction of λ.
KEPT = 0.02


def sweep(*, quick: bool, seed: int) -> Sweep:
    """One unit for each N, kind of batch and number of rows; all seeds together."""
    # Nodes of the quadrature, and how many pairs a step sees: batches of N until there are as many.
    size: Settings = {"rate": 0.03, "seeds": 5, "nodes": 8, "seen": 512}
    if quick:
        size = {"steps": 300, "rate": 0.25, "seeds": 3, "nodes": 4, "seen": 64}
    units: list[Settings] = [
        {"steps": _steps(n, d1), **size, "N": n, "kind": kind, "d1": d1, "seed": seed}
        for n, kind, d1 in product((16,) if quick else SIZES, ("fresh", "full"), (8, 3))
    ]
    return Sweep("clip", f"{__name__}:unit", tuple(units), tuple(3e4 + 512 * one["N"] for one in units))


def _steps(N: int, d1: int) -> int:
    """With few rows a pair is learned, and lost again to one of larger λ; on small batches that may take long."""
    return 6000 if d1 == 3 and N < 64 else 3000


def population() -> Pairs:
    """The pairs' law."""
    generator = seeded("clip pairs")
    turns = [torch.linalg.qr(torch.randn(d, d, generator=generator, dtype=torch.float64)).Q.numpy() for d in D0]
    scales, ratios = np.array(SCALES), np.array(RATIOS)
    return Pairs.of(CORRELATIONS, scales * ratios, scales / ratios, turns)


def unit(
    *,
    N: int,
    kind: Literal["fresh", "full"],
    d1: int,
    steps: int,
    rate: float,
    seeds: int,
    nodes: int,
    seen: int,
    seed: int,
) -> dict[str, Any]:
    """Train one model for each seed, each with data of its own."""
    law = population()
    generator = seeded("clip", N, kind, d1, seed)
    noise = torch.from_numpy(law.noise_root())[None].float()
    if kind == "fresh":
        laws = [law] * seeds
        root = torch.from_numpy(law.shared_root())[None].float()
        root, own = root.expand(seeds, -1, -1), noise.expand(seeds, -1, -1)
        whole: Data = Population(N, root, own, independent=True, batches=max(1, seen // N))
        points = None
    else:
        drawn = torch.randn(seeds, N, sum(D0), generator=generator, dtype=torch.float64)
        points = drawn @ torch.from_numpy(law.shared_root())
        points = points - points.mean(1, keepdim=True)
        laws = [law.of_training_set(one.numpy()) for one in points]
        # A batch that is the training set is seen several times a step, each time with noise of its own.
        often = max(1, seen // N)
        each = points.float().repeat_interleave(often, 0)
        whole = TrainingSet(each, noise.expand(seeds * often, -1, -1), independent=True, batches=often)
    model = Model(D0[0], d1, second=D0[1])
    weights = model.initial(seeds, generator, scale=3e-3)
    history: list[tuple[float, Tensor]] = []
    end = train(
        model, Halves(whole, D0[0]), LOSS, Plan("sgd", rate=rate, steps=steps, decay="cosine", tail=0.1),
        models=seeds, generator=generator, parameters={"tau": TAU}, weights=weights,
        watch=lambda time, gram: history.append((time, gram.clone())),
    )  # fmt: skip
    averaged = end.averaged.double().numpy()
    in_pairs = [one.in_pairs(found) / TAU for one, found in zip(laws, averaged, strict=True)]
    times = np.array([time for time, _ in history])
    path = np.stack([one.numpy() for _, one in history], 1)
    count = len(CORRELATIONS)
    along = [law.along_axes(one) for law, one in zip(laws, path, strict=True)]
    # Of a fixed set A is the covariance within the set, which is centred.
    beta = (1.0 if kind == "full" else (N - 1) / N) / TAU
    W, V = (weights[name].numpy() for name in ("W", "V"))
    ends = (W.T @ V for law in laws for W, V in (law.truncated(sum(D0), TAU),))
    found: dict[str, Any] = {
        "correlations": [one.correlations[:count].tolist() for one in laws],
        "singular": [np.linalg.svd(one, compute_uv=False)[:count].tolist() for one in in_pairs],
        "half": [[_first(times, one[:, k]) for k in range(count)] for one in along],
        "growth": [
            growth_times(law, beta, w, v, end).tolist() for law, w, v, end in zip(laws, W, V, ends, strict=True)
        ],
        "path": [times[:: len(times) // 100].tolist(), _powers_in_time(laws[0], path[0, :: len(times) // 100])],
    }
    if points is None:
        found["minimum"] = [lowest_powers(CORRELATIONS, N, d1, nodes=nodes).powers.tolist()] * seeds
    else:
        found["minimum"] = [_of_set(points[k], law, d1, N, seen, seed, k) for k, law in enumerate(laws)]
    return found


def _powers_in_time(law: Pairs, path: Array) -> list[list[float]]:
    """The diagonal of Σ₁^½ WᵀV Σ₂^½ in the canonical pairs, over τ."""
    found: list[list[float]] = np.diagonal(law.in_pairs(path) / TAU, axis1=-2, axis2=-1)[
        :, : len(CORRELATIONS)
    ].tolist()
    return found


def _first(times: Array, path: Array) -> float:
    """When a size first passes half of the largest that it reaches."""
    return float(times[int(np.argmax(path >= path.max() / 2))])


def _of_set(points: Tensor, law: Pairs, d1: int, N: int, seen: int, seed: int, which: int) -> list[float]:
    """The singular values at the minimum of one training set's loss, over τ."""
    start, second = (torch.from_numpy(one) for one in law.truncated(d1, TAU))
    found = lowest(
        points, torch.from_numpy(law.noise_root()), LOSS, draws=max(4, 4 * seen // N), start=start, second=second,
        generator=seeded("clip noise", N, seed, which), parameters={"tau": TAU}, tolerance=1e-5, matched=True,
    )  # fmt: skip
    powers = np.linalg.svd(law.in_pairs(found.gram.numpy()) / TAU, compute_uv=False)
    return [float(one) for one in powers[: len(CORRELATIONS)]]


def quartic(correlations: Array, N: int, d1: int) -> Array:
    """The powers over τ of the landscape through order 4, derived, for the d1 largest λ."""
    pairs = canonical_pairs(catalogue("clip").expand(order=4))
    return np.asarray(pairs.powers(correlations.tolist(), {"N": N, "tau": 1}, d1=d1), dtype=np.float64)


def shown(sweep: Sweep, results: Sequence[Any]) -> Shown:
    """Powers and times of all pairs, beside the predictions."""
    rows: list[Row] = []
    for settings, found in zip(sweep.units, results, strict=True):
        N, kind, d1 = (settings[name] for name in ("N", "kind", "d1"))
        singular, minimum, correlations, half, growth = (
            np.array(found[name]) for name in ("singular", "minimum", "correlations", "half", "growth")
        )
        truncated = np.array([quartic(one, N, d1) for one in correlations]).mean(0)
        for k, scale in enumerate(CORRELATIONS):
            # One training set has its own minimum, so that each seed is compared with its own.
            off = singular[:, k] - minimum[:, k]
            predicted = float(minimum[:, k].mean())
            decided = compared(
                predicted, (predicted + off).tolist(), scale=predicted if predicted > KEPT * scale else scale
            )
            error = float(standard_error(singular[:, k]))
            row: Row = {"N": N, "batch": kind, "d1": d1, "pair": k + 1, "seeds": len(singular)}
            row |= {"lambda": float(correlations[:, k].mean()), "trained": float(singular[:, k].mean()), "error": error}
            row |= {"minimum_at_N": predicted, "difference_error": decided.error, "is": decided.word}
            row |= {"limit": float(correlations[:, k].mean()) if k < d1 else 0.0, "quartic": float(truncated[k])}
            row |= {"kept_predicted": predicted > KEPT * scale, "kept": bool(decided.measured > KEPT * scale)}
            # Times belong to the k-th largest singular value of A, not to the k-th largest λ.
            row |= {"kth_half_time": float(half[:, k].mean()), "kth_half_error": float(standard_error(half[:, k]))}
            rows.append(row | {"kth_growth_time": float(growth[:, k].mean())})
    table = Table.of(rows)
    return Shown(_drawn(table, sweep, results), _lines(table, sweep, results))


def _drawn(table: Table, sweep: Sweep, results: Sequence[Any]) -> Picture:
    with drawing(12.6, 9.0) as figure:
        axes = figure.subplots(2, 2).ravel()
        for panel, d1 in zip(axes, (8, 3), strict=False):
            _powers(panel, table.where(d1=d1))
            panel.set_title(f"{d1} rows: {'every pair' if d1 == 8 else 'the three largest λ'} kept")
        _path(axes[2], sweep, results)
        _times(axes[3], table.where(d1=8))
        legend_beside(figure, axes[0])
    return Picture(figure, table.header, table.rows)


def _powers(panel: Any, here: Table) -> None:
    for k, colour in enumerate(COLOURS):
        of = here.where(pair=k + 1)
        fresh, full = of.where(batch="fresh"), of.where(batch="full")
        first = k == 0
        N = fresh["N"]
        panel.plot(N, fresh["minimum_at_N"], color=colour, linewidth=1.8, label="minimum at N" if first else None)
        panel.plot(N, fresh["quartic"], ":", color=colour, linewidth=1.2, label="quartic at N" if first else None)
        panel.axhline(
            CORRELATIONS[k] if fresh["minimum_at_N"][0] else 0.0, color=colour, linewidth=0.6, linestyle="--",
            label="N → ∞: λ" if first else None,
        )  # fmt: skip
        panel.errorbar(
            N, fresh["trained"], fresh["error"], fmt="o", markersize=5, color=colour, capsize=2,
            label="trained, fresh batches" if first else None,
        )  # fmt: skip
        shifted = [1.07 * one for one in full["N"]]
        panel.plot(
            shifted, full["minimum_at_N"], "_", color=colour, markersize=11,
            label="minimum for the training sets" if first else None,
        )  # fmt: skip
        panel.errorbar(
            shifted, full["trained"], full["error"], fmt="s", markersize=5, color=colour, capsize=2,
            markerfacecolor="none", label="trained, full batch" if first else None,
        )  # fmt: skip
    panel.set(xscale="log", xlabel="N", ylabel="power m/τ", ylim=(-0.05, 1.42))
    few_ticks(panel, SIZES, here["N"])


def _path(panel: Any, sweep: Sweep, results: Sequence[Any]) -> None:
    """The powers of one model with three rows in time."""
    of = by_setting(sweep, results, "kind", "d1", "N")
    N = max(n for kind, d1, n in of if (kind, d1) == ("fresh", 3))
    times, path = (np.array(one) for one in of["fresh", 3, N][0]["path"])
    for k, colour in enumerate(COLOURS):
        a = CORRELATIONS[k] * SCALES[k]
        panel.plot(times, path[:, k], color=colour, label=f"λ = {CORRELATIONS[k]:g}, a = {a:.2g}")
    panel.set(xlabel="time, the sum of the rates", ylabel="power m/τ", ylim=(-0.05, 1.42))
    panel.set_title(f"3 rows, N = {N}: learned in the order of a, kept in that of λ")
    panel.legend(fontsize=9, loc="upper right", ncols=2)


def _times(panel: Any, here: Table) -> None:
    """Half times against the linearised growth."""
    top = 1.05 * max(one for name in ("kth_half_time", "kth_growth_time") for one in here[name] if np.isfinite(one))
    panel.plot([0, top], [0, top], color="black", linewidth=0.8)
    # The pairs in the order of their a, which is that of the population for training sets too, or nearly.
    by_a = np.argsort([-one * scale for one, scale in zip(CORRELATIONS, SCALES, strict=True)])
    for k, colour in enumerate(COLOURS[one] for one in by_a):
        for kind, mark, fill in (("fresh", "o", colour), ("full", "s", "none")):
            of = here.where(pair=k + 1, batch=kind)
            panel.errorbar(
                of["kth_growth_time"], of["kth_half_time"], of["kth_half_error"], fmt=mark, color=colour, markersize=5,
                markerfacecolor=fill, capsize=2,
            )  # fmt: skip
    panel.set(xlabel="time by linearised growth", ylabel="time at half of the final size", xlim=(0, top), ylim=(0, top))
    panel.set_title("8 rows: when each pair is learned, all N")


def _lines(table: Table, sweep: Sweep, results: Sequence[Any]) -> list[str]:
    lines = []
    for kind, d1 in product(("fresh", "full"), (8, 3)):
        here = table.where(batch=kind, d1=d1)
        kept = [row for row in here.named if row["kept_predicted"]]
        off = max(abs(row["trained"] / row["minimum_at_N"] - 1) for row in kept)
        same = sum(row["kept"] == row["kept_predicted"] for row in here.named)
        lines.append(
            f"{kind} batches, d1 = {d1}: {same} of {len(here)} pairs kept or lost as predicted; powers against the"
            f" minimum at N: {here.words('is')}; kept ones within {100 * off:.1f} %"
        )
    for kind in ("fresh", "full"):
        found = [one for settings, one in zip(sweep.units, results, strict=True)
                 if settings["kind"] == kind and settings["d1"] == 8]  # fmt: skip
        half, growth = (np.concatenate([one[name] for one in found]) for name in ("half", "growth"))
        same = int((half.argsort(1) == growth.argsort(1)).all(1).sum())
        ratio = half / growth
        lines.append(
            f"{kind} batches, d1 = 8: {same} of {len(half)} models learn the pairs in the predicted order; half"
            f" time over that by linearised growth {ratio.mean():.3f} ± {ratio.std(ddof=1):.3f} a pair"
        )
    return lines
