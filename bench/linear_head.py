"""How many modes does a linear head keep on a trained network? Predicted beside measured, at several temperatures.

    quartic's own training, then this:
    python -m verify.command.pretrain --network resnet18 --width 8 --loss ntxent --tau 0.2 --normalised --data CIFAR10 \
        --images 10000 --steps 600 --batch 128 --optimiser adam --rate 0.003 --device cpu --out net.safetensors
    python bench/linear_head.py net.safetensors CIFAR10 [FOLDER]

net.training.safetensors, as a training leaves it that was stopped, does as well.

The network stays as it is. Its features of several views of each image are taken once, and W with a bias is trained on
them anew at each temperature, from random weights, by the hand-written loss on batches of pairs. Then
`verify.networks.last_layer.sphere` looks at W: λ_i of the features, the shares of W, λ_c there, and the modes that are
kept at the minimum for Gaussian data with these λ_i. FOLDER, if given, receives the features with each W, for
``quartic landscape``.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import sympy
import torch

from verify.networks.checkpoint import load_network, read_tensors
from verify.networks.images import read_images, simclr
from verify.networks.last_layer.capture import augmented, features_of
from verify.networks.last_layer.features import Features
from verify.networks.last_layer.objective import objective
from verify.networks.last_layer.second_moments import spread
from verify.networks.last_layer.sphere import OnSphere, on_sphere
from verify.networks.last_layer.view_modes import view_modes
from verify.networks.network import Network, build
from verify.networks.objective import Objective

TEMPERATURES = (sympy.Rational(1, 10), sympy.Rational(1, 5), sympy.Rational(1, 2))
IMAGES, VIEWS, BATCH = 2048, 4, 128
STEPS, RATE = 2000, 0.01


def network_of(path: str) -> Network:
    """The network of a file, or that of a training which was stopped."""
    if not path.endswith(".training.safetensors"):
        return load_network(path)[0]
    tensors, metadata = read_tensors(path)
    module = build(metadata["settings"]["architecture"])
    module.load_state_dict({name.removeprefix("network."): one for name, one in tensors.items() if "network." in name})
    print(f"stopped after {metadata['progress']['step']} of {metadata['settings']['schedule']['steps']} steps")
    return module.eval()


def features(network: str, images: str) -> Features:
    """Features of some views of each image."""
    module = network_of(network)
    chosen = read_images(images, "train").first(IMAGES).floats()
    batches = augmented(chosen, simclr(), torch.Generator().manual_seed(1), views=VIEWS)
    return features_of(module, batches, layer="last")


def trained(given: Features, tau: float, *, seed: int = 0) -> Features:
    """The features with W and b that are trained at a temperature.

    W is trained in the basis of the modes, where every direction has variance 1, and b takes the mean out.
    """
    modes = view_modes(spread(given), bias=True)
    whitened = torch.from_numpy(np.stack([modes.of(one) for one in given.views])).float()
    loss, n = Objective("ntxent", {"tau": tau}, normalised=True), len(modes.correlations)
    g = torch.Generator().manual_seed(seed)
    W = (torch.randn((n, n), generator=g) / n**0.5).requires_grad_()
    optimiser = torch.optim.Adam([W], RATE)
    for step in range(STEPS):
        for group in optimiser.param_groups:
            group["lr"] = RATE * (1 + np.cos(np.pi * step / STEPS)) / 2
        rows = torch.randperm(given.N, generator=g)[:BATCH]
        one, other = torch.randperm(len(whitened), generator=g)[:2]
        value = loss(whitened[one, rows] @ W.mT, whitened[other, rows] @ W.mT)
        optimiser.zero_grad()
        torch.autograd.backward(value)
        optimiser.step()
    weights = W.detach().double().numpy() @ modes.directions.T
    return Features(given.views, weights, -weights @ modes.mean)


def row(tau: sympy.Rational, one: OnSphere) -> str:
    """A row of the table."""
    fewest, most = one.predicted_rank or (0, 0)
    predicted = one.predicted
    if predicted is None or one.reopening is None:
        return f"{float(tau):.1f}  {one.why} {one.why_not}"
    powers = np.array([power or 0.0 for power in predicted.powers])
    at = one.reopening.best.threshold
    normal = None if one.reopening.gaussian is None else one.reopening.gaussian.threshold
    levels = ["none" if level is None else f"{level.value:.3f} ± {level.error:.3f}" for level in (at, normal)]
    return (
        f"{float(tau):.1f}  {sum(bool(kept) for kept in predicted.kept):>3} ({fewest} to {most})  {one.rank:>3}"
        f"  {1 / (powers**2).sum():>6.2f}  {one.effective_rank:>6.2f}  {predicted.threshold or np.nan:>6.3f}"
        f"  {levels[0]:>15}  {levels[1]:>15}  {one.apart or 0.0:>6.3f}  {one.astray:>6.3f}  {one.reopening.agree}"
    )


def main() -> None:
    """Print the table."""
    network, images, *rest = sys.argv[1:]
    start = time.process_time()
    given = features(network, images)
    print(f"{given.N} images, {VIEWS} views, {given.d0} features; batches of {BATCH}, {STEPS} steps of Adam")
    print(
        "τ    kept: predicted, by W; effective rank: predicted, of W; λ_c: predicted, at W, there if f were Gaussian;"
    )
    print("     half of Σ |p − predicted|; shares of W on modes predicted lost; α and β by two routes")
    for tau in TEMPERATURES:
        at = trained(given, float(tau))
        if rest:
            where = Path(rest[0])
            where.mkdir(parents=True, exist_ok=True)
            np.savez(where / f"head_{float(tau):g}.npz", x=at.views[0], x_pos=at.views[1], W=at.W, b=at.b)
        one = on_sphere(objective("ntxent+normalised", {"tau": tau}, batch=BATCH), at)
        if tau == TEMPERATURES[0]:
            modes = one.modes
            pairs = zip(modes.correlations, modes.errors, strict=True)
            print("λ_i", ", ".join(f"{value:.3f} ± {error:.3f}" for value, error in pairs))
        print(row(tau, one), flush=True)
    print(f"{time.process_time() - start:.0f} s of processor time")


if __name__ == "__main__":
    main()
