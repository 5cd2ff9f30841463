"""Fig. 4: features of InfoNCE and of the spectral loss where some classes of CIFAR-10 are rare; and why, or why not.

Printed (Sec. 4.3, App. C): ResNet-12, 20,000 images with three lists of class counts, SimCLR's augmentation with crops
from half of the area on, SGD with a cosine from 0.03 to 0.001, a projector of two layers (512, batch normalisation) or
none, linear evaluation. Left out, and chosen: both losses are of f/|f|, as they were published and are trained; InfoNCE
is SimCLR's NT-Xent at τ = ½, the spectral loss that of Eq. 14; weight decay 1e-3 as in Fig. 2; d1 = 128. The linear
layer is trained on training images of all classes equally, and judged on the test images (as in Liu et al. 2021).
It looks at f without a projector, and at the backbone with one; the backbone's features are judged in both cases.

The printed explanation is that the spectral loss aligns W with C, which does not depend on the classes, and InfoNCE
with A0. Derived, both losses, without their normalisation, have B ∝ A0: the ledger refutes the printed 2C. So besides
the bars stands what W has aligned with: of the features that the last layer is given, the cosine between WᵀW and A0,
and C (⟨X, Y⟩/|X||Y|, 1 for multiples), and the share of W's ten leading right singular vectors that lies in the span of
the ten leading eigenvectors of A0, and of C.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derive import catalogue
from verify.figures.picture import BLUE, ORANGE, Picture, drawing
from verify.figures.reproduce.figure import Shown
from verify.figures.reproduce.linear import seeded
from verify.figures.reproduce.table import Table
from verify.networks.evaluate import judged
from verify.networks.given import check_device, given_images
from verify.networks.images.imbalance import HIGH, MEDIUM, NONE, imbalanced
from verify.networks.images.pixels import Images
from verify.networks.images.simclr_views import simclr
from verify.networks.last_layer.capture import augmented, features_of
from verify.networks.last_layer.features import Features
from verify.networks.last_layer.second_moments import spread
from verify.networks.network import build
from verify.networks.objective import Objective
from verify.networks.pretrain import Schedule, pretrain
from verify.running.sweeps.sweep import Settings, Sweep
from verify.running.threads import one_thread

TITLE = "Fig. 4: InfoNCE and the spectral loss on imbalanced data"
HEADER = (
    "loss", "projector", "imbalance", "seed", "images", "loss_first", "loss_last", "accuracy", "accuracy_error",
    "accuracy_backbone", "accuracy_rarest_class", "cosine_A0", "cosine_C", "overlap_A0", "overlap_C",
    "overlap_by_chance", "trace_A0", "trace_C",
)  # fmt: skip
COUNTS = {"none": NONE, "medium": MEDIUM, "high": HIGH}
LOSSES = {
    "infonce": Objective("ntxent", {"tau": 0.5}, normalised=True),
    "spectral": Objective("spectral", normalised=True),
}
COLOURS = {"infonce": BLUE, "spectral": ORANGE}
LEADING = 10
Array = NDArray[np.float64]


# Full size, on a CUDA device; narrow networks on a twentieth of the images; a few steps on synthetic images.
FULL: Settings = {
    "width": 32, "d1": 128, "share": 1.0, "train": 10_000, "tests": None, "looked": 4096, "epochs": 40,
    "device": "cuda", "schedule": {"steps": 100, "batch": 512, "precision": "bfloat16"},
}  # fmt: skip
NARROW: Settings = {
    "width": 4, "d1": 32, "share": 0.05, "train": 2000, "tests": 1000, "looked": 1000, "epochs": 100, "device": "cpu",
    "schedule": {"steps": 40, "batch": 100},
}  # fmt: skip
TINY: Settings = {
    "width": 2, "d1": 8, "share": 0.01, "train": 100, "tests": 60, "looked": 100, "epochs": 20, "device": "cpu",
    "schedule": {"steps": 2, "batch": 20},
}  # fmt: skip


def sweep(*, quick: bool, seed: int, data: str | None) -> Sweep:
    """One unit for each loss, with and without a projector, each imbalance and each seed."""
    size, hidden, seeds = (FULL, 512, 3) if not quick else (NARROW, 512, 3) if data else (TINY, 16, 1)
    units: tuple[Settings, ...] = tuple(
        {**size, "loss": loss, "projector": projector, "imbalance": imbalance, "data": data, "seed": k}
        for loss in LOSSES
        for projector in (0, hidden)
        for imbalance in COUNTS
        for k in range(seed, seed + seeds)
    )
    return Sweep("fig4", f"{__name__}:unit", units)


def unit(
    *,
    loss: str,
    projector: int,
    imbalance: str,
    width: int,
    d1: int,
    share: float,
    train: int | None,
    tests: int | None,
    looked: int,
    epochs: int,
    device: str,
    schedule: Settings,
    data: str | None,
    seed: int,
) -> dict[str, Any]:
    """Train one network on imbalanced images, judge its features, and see what its last layer aligns with."""
    check_device(device)
    labelled, test = given_images(data, "train", train), given_images(data, "test", tests)
    seen = unlabelled(imbalance, share, data, seed)
    views = simclr()
    with one_thread():
        network = build({"name": "resnet12", "width": width, "d1": d1, "projector": projector}, seed=seed)
        how = Schedule(**schedule, seed=seed)
        losses = pretrain(network, seen, views, LOSSES[loss], how, device=device)
        kept, backbone = judged(network, labelled, test, device=device, seed=seed, epochs=epochs)
        looked_at = seen.first(min(looked, len(seen))).floats()
        features = features_of(
            network, augmented(looked_at, views, seeded("fig4 views", seed)), layer="last", device=device
        )
    rarest = int(np.argmin(seen.counts))
    return {
        "row": [
            len(seen), losses[0], losses[-1], kept.share, kept.error, backbone.share, kept.by_class[rarest],
            *alignment(features),
        ],
        "source": labelled.source,
        "views": views.text,
    }  # fmt: skip


def unlabelled(imbalance: str, share: float, data: str | None, seed: int) -> Images:
    """The images of one imbalance, or a share of them, drawn afresh for each seed."""
    counts = [round(share * count) for count in COUNTS[imbalance]]
    # As many synthetic images are made as the most frequent class needs.
    return imbalanced(given_images(data, "train", None if data else 10 * max(counts)), counts, seed)


def alignment(features: Features) -> list[float]:
    """Cosines of WᵀW with A0 and C; overlaps of the leading directions with theirs, and by chance; traces of both.

    >>> x = np.random.default_rng(0).normal(size=(2000, 2)) * [3.0, 1.0]
    >>> noise = np.random.default_rng(1).normal(size=(2000, 2)) * [0.0, 2.0]
    >>> found = alignment(Features((x, x + noise), np.eye(2)[:1]))
    >>> bool(found[0] > 0.9), bool(found[1] < 0.1)
    (True, True)
    """
    found = spread(features)
    gram = features.W.T @ features.W
    leading = min(LEADING, *features.W.shape)
    directions = np.linalg.svd(features.W, full_matrices=False)[2][:leading]
    cosines, overlaps = [], []
    for matrix in (found.A0, found.C):
        cosines.append(float((gram * matrix).sum() / (np.linalg.norm(gram) * np.linalg.norm(matrix))))
        vectors = np.linalg.eigh((matrix + matrix.T) / 2)[1][:, ::-1][:, :leading]
        overlaps.append(float(np.square(directions @ vectors).sum() / leading))
    return [*cosines, *overlaps, leading / features.d0, float(found.A0.trace()), float(found.C.trace())]


def shown(sweep: Sweep, results: Sequence[Any]) -> Shown:
    """Bars with error bars over seeds, what W aligns with, and B as derived."""
    rows = [
        (*(settings[name] for name in ("loss", "projector", "imbalance", "seed")), *found["row"])
        for settings, found in zip(sweep.units, results, strict=True)
    ]
    table = Table(HEADER, rows)
    return Shown(_drawn(table), [results[0]["source"], results[0]["views"], *_lines(table)])


def _mean(table: Table, name: str, **where: Any) -> tuple[float, float]:
    """The mean over the rows that fit, and its standard error; without a second row that is not known."""
    values = table.where(**where)[name]
    error = float(np.std(values, ddof=1) / sqrt(len(values))) if len(values) > 1 else np.nan
    return float(np.mean(values)), error


def _over_imbalances(table: Table, name: str, **where: Any) -> tuple[list[float], list[float]]:
    """Means and errors, to be drawn from left to right."""
    means, errors = zip(*(_mean(table, name, imbalance=one, **where) for one in COUNTS), strict=True)
    return list(means), list(errors)


def _drawn(table: Table) -> Picture:
    with drawing(13.0, 3.9) as figure:
        bars = figure.subplots(1, 4)
        at = np.arange(3)
        for panel, projector in zip(bars[:2], sorted(set(table["projector"])), strict=True):
            for k, (loss, colour) in enumerate(COLOURS.items()):
                means, errors = _over_imbalances(table, "accuracy", loss=loss, projector=projector)
                panel.bar(at + 0.4 * k - 0.2, means, 0.36, color=colour, label=loss, yerr=errors, capsize=3)
            panel.axhline(0.1, color="black", linewidth=0.6, linestyle=":")
            panel.set_xticks(range(3), list(COUNTS))
            panel.set(xlabel="imbalance", title="with projector" if projector else "without projector")
        bars[0].set_ylabel("accuracy of linear evaluation")
        # Room above the highest bar for the legend, and one scale for both panels.
        for panel in bars[:2]:
            panel.set_ylim(0, 1.25 * max(table["accuracy"]))
        bars[0].legend(fontsize=9, loc="upper right", ncols=2)
        for panel, what in zip(bars[2:], ("cosine", "overlap"), strict=True):
            for k, (loss, colour) in enumerate(COLOURS.items()):
                for matrix, style, face in (("A0", "o-", colour), ("C", "s--", "white")):
                    panel.errorbar(
                        at + 0.06 * k, *_over_imbalances(table, f"{what}_{matrix}", loss=loss, projector=0), fmt=style,
                        color=colour, markerfacecolor=face, label=f"{loss}, {matrix}", capsize=3,
                    )  # fmt: skip
            panel.set_xticks(range(3), list(COUNTS))
            panel.set(xlabel="imbalance", ylim=(0, 1), title=f"{what} of W, no projector")
        bars[2].legend(fontsize=8)
        bars[3].axhline(_mean(table, "overlap_by_chance", projector=0)[0], color="black", linewidth=0.6, linestyle=":")
    return Picture(figure, table.header, table.rows)


def _lines(table: Table) -> list[str]:
    lines = [f"derived: B = {catalogue(name).expand(order=2).origin()} for {name}" for name in ("ntxent", "spectral")]
    projectors = sorted(set(table["projector"]))
    for loss, projector in product(LOSSES, projectors):
        where = {"loss": loss, "projector": projector}
        each = {one: _mean(table, "accuracy", imbalance=one, **where) for one in COUNTS}
        listed = ", ".join(f"{one} {_with_error(*value)}" for one, value in each.items())
        drop = each["none"][0] - each["high"][0]
        error = sqrt(each["none"][1] ** 2 + each["high"][1] ** 2)
        aligned = ", ".join(
            f"{what} with {matrix} {_mean(table, f'{what}_{matrix}', **where)[0]:.2f}"
            for what, matrix in product(("cosine", "overlap"), ("A0", "C"))
        )
        lines.append(
            f"{loss}, {'with' if projector else 'without'} projector: accuracy at imbalance {listed}; drop from"
            f" none to high {_with_error(drop, error)}; W: {aligned}"
        )
    return lines + [_compared(table, projector) for projector in projectors]


def _compared(table: Table, projector: int) -> str:
    """Whether one loss loses less than the other, beyond three standard errors over seeds."""
    drops, square = [], 0.0
    for loss in LOSSES:
        (none, first), (high, second) = (
            _mean(table, "accuracy", loss=loss, projector=projector, imbalance=one) for one in ("none", "high")
        )
        drops.append(none - high)
        square += first**2 + second**2
    more, error = drops[0] - drops[1], sqrt(square)
    seeds = len(set(table["seed"]))
    decided = seeds >= 3 and abs(more) > 3 * error
    verdict = ("spectral is more robust" if more > 0 else "infonce is more robust") if decided else "undecided"
    where = f"{'with' if projector else 'without'} projector"
    return f"{where}: infonce loses {_with_error(more, error)} more than spectral (seeds: {seeds}): {verdict}"


def _with_error(value: float, error: float) -> str:
    return f"{value:.3f} ± {error:.3f}" if np.isfinite(error) else f"{value:.3f} (one seed)"
