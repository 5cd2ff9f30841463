"""How long does a landscape over a network's last layer take, beside the package `loss-landscapes`?

L(r₁, r₂), 51 × 51 points over the larger and the smaller half of the singular values of the last layer's W, for InfoNCE
on one batch of all images, two views each. The peer runs the network at each point; a few of its points are timed, and
since it is a loop over points, 2,601 of them take 2,601 times as long. Both sides give the same values first.

    python bench/last_layer.py [IMAGES] [WIDTH] [POINTS]

IMAGES is 2048, WIDTH that of the ResNet-18, 64, and POINTS the peer's points that are timed, 2. One thread.
"""

from __future__ import annotations

import copy
import sys
import time

import numpy as np
import torch
from timing import Times, alternate, print_table, print_versions, ratio, show_ratio
from torch import nn

from verify.networks.images import gaussian, synthetic_images
from verify.networks.last_layer.capture import augmented, features_of
from verify.networks.last_layer.features import Features
from verify.networks.last_layer.landscape import landscape
from verify.networks.last_layer.objective import objective
from verify.networks.last_layer.second_moments import orthogonal_parts
from verify.networks.network import build
from verify.truths.batched import batched

GRID = 51
REACH = 1.6
TOLERANCE = 1e-4
CHUNK = 128


class InChunks(nn.Module):
    """A network run some images at a time, which is faster for both and takes less memory."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """f of all images."""
        return torch.cat([self.network(some) for some in images.split(CHUNK)])


def main() -> None:
    """Measure and print."""
    given = [int(one) for one in sys.argv[1:4]]
    images, width, points = given + [2048, 64, 2][len(given) :]
    torch.set_num_threads(1)
    print_versions("torch", "loss-landscapes")
    network = build({"name": "resnet18", "width": width, "d1": 128}).eval()
    pixels = synthetic_images(images, 0).floats()
    generator = torch.Generator().manual_seed(0)
    views = list(augmented(pixels, gaussian(0.5), generator, batch=CHUNK))
    started = time.perf_counter()
    features = features_of(network, views)
    once = time.perf_counter() - started
    # An untrained W is far too small for a landscape: at its size, E|f|² = 1.
    size = float(np.square(features.embedded()).sum(-1).mean())
    W = features.W / size**0.5
    features = Features(features.views, W)
    with torch.no_grad():
        network.last.weight.copy_(torch.from_numpy(W))
    loss = objective("infonce-batch", batch=images)
    bases, _ = orthogonal_parts(W, 2)
    axis = np.linspace(0, REACH, GRID)

    def grid() -> np.ndarray:
        return landscape(loss, features, bases, [axis, axis]).mean

    exponents = torch.randn(256, images)

    def one_pass() -> None:
        for start in range(0, images, 256):
            exponents[: images - start].exp()

    found = grid()
    times = alternate({"grid": grid, "exp": one_pass}, rounds=3)
    peer, seconds = peer_points(network, views, bases, W, axis, points)
    apart = max(abs(value - found[at]) for at, value in peer.items())
    if apart > TOLERANCE:
        message = f"the two sides differ by {apart:.2g}"
        raise SystemExit(message)
    ours, whole = times["grid"].median, seconds * GRID**2
    rows = [
        ["loss-landscapes, a point", f"{seconds:.3g} s", ""],
        [f"the same, {GRID} x {GRID} points, counted up", f"{whole:.3g} s", ""],
        ["quartic, the network once", f"{once:.3g} s", ""],
        [f"quartic, {GRID} x {GRID} points", str(times["grid"]), f"{whole / ours:.0f}"],
        ["quartic, both", f"{once + ours:.3g} s", f"{whole / (once + ours):.0f}"],
    ]
    print_table(f"ResNet-18 of width {width}, {images} images", ["", "time", "peer/quartic"], rows)
    per_point = ratio(Times(tuple(value / GRID**2 for value in times["grid"].samples)), times["exp"])
    print(f"\n  largest difference of {len(peer)} points: {apart:.2g}")
    print(f"  one pass of exp over the {images}² pairs: {times['exp']}; a grid point over it: {show_ratio(per_point)}")


def peer_points(
    network: nn.Module,
    views: list[tuple[torch.Tensor, ...]],
    bases: tuple[np.ndarray, ...],
    W: np.ndarray,
    axis: np.ndarray,
    points: int,
) -> tuple[dict[tuple[int, int], float], float]:
    """Some of the peer's points by their place on the grid, and its seconds a point."""
    import loss_landscapes
    from loss_landscapes.metrics import Loss

    both = torch.cat([torch.cat(one) for one in zip(*views, strict=True)])
    n = len(both) // 2

    def infonce(f: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        return batched("infonce-batch")((f[None, :n], f[None, n:]), {})[0]

    def at(i: int, j: int) -> nn.Module:
        scaled = copy.deepcopy(network)
        projection = axis[i] * bases[0] @ bases[0].T + axis[j] * bases[1] @ bases[1].T
        with torch.no_grad():
            scaled.last.weight.copy_(torch.from_numpy(projection @ W))
        return InChunks(scaled)

    # Along a line of the grid; the peer's first value is that after its first step.
    start, step = (10, 40), (5, -5)
    line = [(start[0] + k * step[0], start[1] + k * step[1]) for k in range(points + 1)]
    begun = time.perf_counter()
    values = loss_landscapes.linear_interpolation(at(*line[0]), at(*line[-1]), Loss(infonce, both, both), points)
    seconds = (time.perf_counter() - begun) / len(values)
    return dict(zip(line[1:], map(float, values), strict=True)), seconds


if __name__ == "__main__":
    main()
