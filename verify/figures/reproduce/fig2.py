"""Fig. 2: the last layer of a ResNet-18 and of a vision transformer, trained on CIFAR-10 under weak to strong noise.

Printed (Sec. 4.1): SimCLR's loss, weight decay 1e-3, a representation of dimension 128, training until convergence;
then W → aW for the last layer's weights, and both halves of its singular values, the larger and the smaller, scaled by
r₁ and r₂. The print also says "with normalization", which cannot be: the loss of f/|f| does not change with a. Used
here is InfoNCE as in Eq. 1, unnormalised, on batches, both for training and for the landscape, with γ|w|², γ = 1e-3,
for all weights. Left out, and chosen: noise on pixels (strengths in standard deviations of a channel), SGD and its
cosine as in App. C for the ResNet, Adam for the transformer.

Each strength has a network of its own. Its features are studied with `verify.networks.last_layer`: the curvature at the
origin is compared with −Tr[W B Wᵀ], B = (N − 1)/N Ā0 − γ with the features' own Ā0, and both orders of L(aW) with the
moments of the features. At full size the networks are trained on a CUDA device, for minutes and not until convergence;
the quick form has narrow ones on a processor, on 10,000 images where some are given, and for a few steps on synthetic
ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np

from derive import InputError, Rational
from verify.figures.maps import mirrored_map
from verify.figures.picture import (
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    VERMILION,
    Picture,
    drawing,
)
from verify.figures.reproduce.figure import Shown
from verify.figures.reproduce.linear import seeded
from verify.figures.reproduce.table import Table
from verify.networks.evaluate import judged
from verify.networks.given import check_device, given_images
from verify.networks.images.augment import gaussian
from verify.networks.last_layer.capture import augmented, features_of
from verify.networks.last_layer.features import Features
from verify.networks.last_layer.objective import objective
from verify.networks.last_layer.strengths import LINE, AtStrength, study
from verify.networks.network import build
from verify.networks.objective import Objective
from verify.networks.pretrain import Schedule, pretrain
from verify.running.sweeps.sweep import Settings, Sweep
from verify.running.threads import one_thread

HEADER = (
    "network", "sigma", "seed", "loss_first", "loss_last", "accuracy_f", "accuracy_f_error", "accuracy_backbone",
    "norm_squared", "order2_predicted", "order2_measured", "order2_z", "order2_agrees", "order4_predicted",
    "order4_gaussian", "order4_measured", "order4_z", "order4_agrees", "sign_predicted", "sign_measured", "B_largest",
    "B_largest_error", "B_positive", "B_zero", "B_negative", "r1_at_minimum", "r2_at_minimum", "phase",
)  # fmt: skip
COLOURS = (BLUE, GREEN, ORANGE, PURPLE, VERMILION)
GAMMA = Rational(1, 1000)
FULL_STRENGTHS = (0.3, 10.0, 100.0)
# Full size, on a CUDA device; narrow networks on a fifth of the images; a few steps on synthetic images.
FULL: Settings = {
    "images": None, "tests": None, "looked": 8192, "epochs": 20, "device": "cuda",
    "schedule": {"steps": 600, "batch": 512, "precision": "bfloat16"},
}  # fmt: skip
NARROW: Settings = {
    "images": 10_000, "tests": 1000, "looked": 10_000, "epochs": 100, "device": "cpu",
    "schedule": {"steps": 200, "batch": 100},
}  # fmt: skip
TINY: Settings = {
    "images": 160, "tests": 60, "looked": 160, "epochs": 20, "device": "cpu",
    "schedule": {"steps": 6, "batch": 20},
}  # fmt: skip
# E|f|² below which an embedding counts as collapsed; it is then looked at along its direction, at E|f|² = 1.
COLLAPSED = 1e-2


@dataclass(frozen=True)
class Fig2:
    """One row of the figure.

    Attributes:
        name: of the figure.
        TITLE: of the figure, in words.
        full: the network at full size.
        narrow: the network of the quick form.
        optimiser: its name and first learning rate.
        strengths: σ of the quick form, from weak to strong.

    """

    name: str
    TITLE: str
    full: Settings
    narrow: Settings
    optimiser: tuple[str, float]
    strengths: tuple[float, ...]

    def sweep(self, *, quick: bool, seed: int, data: str | None) -> Sweep:
        """One unit for each strength."""
        size = FULL if not quick else NARROW if data else TINY
        network = (
            self.full if not quick else self.narrow if data else {**self.narrow, "width": self.narrow["width"] // 2}
        )
        schedule = {**size["schedule"], "optimiser": self.optimiser[0], "rate": self.optimiser[1]}
        shared = {**size, "architecture": network, "schedule": schedule, "data": data, "seed": seed}
        strengths = self.strengths if quick else FULL_STRENGTHS
        units = tuple({**shared, "sigma": sigma} for sigma in strengths)
        return Sweep(self.name, f"{__name__}:unit", units)

    def shown(self, sweep: Sweep, results: Sequence[Any]) -> Shown:
        """Curves along a for all strengths, a map over (r₁, r₂) for each, and both orders."""
        rows = [
            (settings["architecture"]["name"], settings["sigma"], settings["seed"], *found["row"])
            for settings, found in zip(sweep.units, results, strict=True)
        ]
        table = Table(HEADER, rows)
        return Shown(_drawn(table, results), [results[0]["source"], *map(_line, table.named)])


RESNET = Fig2(
    "fig2-resnet",
    "Fig. 2, upper row: the last layer of a ResNet-18",
    {"name": "resnet18", "width": 64, "d1": 128},
    {"name": "resnet18", "width": 4, "d1": 8},
    ("sgd", 0.03),
    (0.3, 14.0, 60.0),
)
VIT = Fig2(
    "fig2-vit",
    "Fig. 2, lower row: the last layer of a vision transformer",
    {"name": "vit", "width": 192, "depth": 6, "heads": 3, "d1": 128},
    {"name": "vit", "width": 48, "depth": 2, "heads": 2, "d1": 8},
    ("adam", 1e-3),
    (0.3, 30.0, 100.0),
)


def unit(
    *,
    architecture: Settings,
    images: int | None,
    tests: int | None,
    looked: int,
    epochs: int,
    device: str,
    schedule: Settings,
    sigma: float,
    data: str | None,
    seed: int,
) -> dict[str, Any]:
    """Train one network, evaluate it, and look at its last layer."""
    check_device(device)
    train, test = given_images(data, "train", images), given_images(data, "test", tests)
    noise = gaussian(sigma)
    with one_thread():
        network = build(architecture, seed=seed)
        losses = pretrain(
            network, train, noise, Objective("infonce-batch"),
            Schedule(**schedule, weight_decay=float(GAMMA), seed=seed), device=device,
        )  # fmt: skip
        some = train.first(min(looked, len(train)))
        views = augmented(some.floats(), noise, seeded("fig2 views", seed))
        features = features_of(network, views, layer="last", device=device)
        norm = float(np.square(features.embedded()).sum(-1).mean())
        if norm < COLLAPSED:
            features = Features(features.views, features.W / sqrt(norm), layer="last")
        loss = objective("infonce-batch+weight-decay", {"gamma": GAMMA}, batch=schedule["batch"])
        (here,) = study([(f"σ = {sigma:g}", sigma, features)], loss, answer=False).at
        on_f, on_backbone = judged(network, train, test, device=device, seed=seed, epochs=epochs)
    return {
        "row": [
            losses[0], losses[-1], on_f.share, on_f.error, on_backbone.share, norm, *_orders(here), *here.over.at,
            here.over.phase,
        ],
        "along": here.line.mean(0).tolist(),
        "axes": [one.tolist() for one in here.over.axes],
        "over": here.over.mean.tolist(),
        "phase": here.over.phase,
        "source": f"{train.source}; {len(train)} of them to train on",
    }  # fmt: skip


def _orders(here: AtStrength) -> list[Any]:
    """Both orders of L(aW), the sign of the curvature, and B."""
    second, fourth = here.orders
    top = here.eigenvalues
    if top is None:
        raise InputError("the loss of Fig. 2 has a B; its definition is missing")
    return [
        second.predicted, second.measured, second.z, second.agrees,
        fourth.predicted, fourth.gaussian, fourth.measured, fourth.z, fourth.agrees,
        second.predicted_sign, second.sign, top.values[0], top.errors[0], *top.signs,
    ]  # fmt: skip


def _drawn(table: Table, results: Sequence[Any]) -> Picture:
    sigmas = table["sigma"]
    with drawing(3.4 * (1 + len(results)), 3.7) as figure:
        axes = figure.subplots(1, 1 + len(results))
        for sigma, found, colour in zip(sigmas, results, COLOURS, strict=False):
            # Each curve in units of its own depth or height: the strengths differ by orders of magnitude.
            along = np.array(found["along"])
            scale = max(-along.min(), along[np.abs(LINE) <= 1].max())
            axes[0].plot(LINE, along / scale, color=colour, label=f"σ = {sigma:g}")
        axes[0].axhline(0.0, color="black", linewidth=0.6)
        axes[0].set(xlabel="a", ylabel="L(aW) − L(0), each in its own unit", ylim=(-1.1, 1.4))
        axes[0].legend(fontsize=9, loc="upper center", ncols=2)
        for panel, sigma, found in zip(axes[1:], sigmas, results, strict=True):
            first, second = (np.array(one) for one in found["axes"])
            mirrored_map(panel, (first, second), np.array(found["over"]), f"σ = {sigma:g}\n{found['phase']}")
            panel.set(ylabel="r₂", aspect="auto")
    return Picture(figure, table.header, table.rows)


def _line(here: Mapping[str, Any]) -> str:
    signs = {1: "+", 0: "undecided", -1: "−"}
    measured, predicted = (signs[here[f"sign_{by}"]] for by in ("measured", "predicted"))
    orders = ", ".join(
        f"order {k} {here[f'order{k}_measured']:.4g} (moments {here[f'order{k}_predicted']:.4g}, "
        f"z = {here[f'order{k}_z']:+.1f})"
        for k in (2, 4)
    )
    return (
        f"σ = {here['sigma']:g}: curvature {measured}, by B {predicted}; {orders}; B has {here['B_positive']} > 0,"
        f" {here['B_zero']} ≈ 0, {here['B_negative']} < 0; {here['phase']}, minimum at (r₁, r₂) ="
        f" ({here['r1_at_minimum']:.2f}, {here['r2_at_minimum']:.2f}); linear evaluation of f"
        f" {here['accuracy_f']:.3f} ± {here['accuracy_f_error']:.3f}, of the backbone {here['accuracy_backbone']:.3f}"
    )
