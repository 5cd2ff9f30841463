"""Forty spectra of view correlations λ for bench/sphere.py, those of CIFAR-10 among them.

python bench/sphere_spectra.py FOLDER measures CIFAR-10's correlations again, which cifar10_correlations.json holds: of
pixels, averaged over 4 x 4, and of 64 random convolutions, under SimCLR's crops, flips and colours.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike

sys.path.insert(0, str(Path(__file__).parents[1]))

from verify.networks.images.augment import two_views
from verify.networks.images.pixels import standardise
from verify.networks.images.reading import read_images
from verify.networks.images.simclr_views import simclr

CIFAR = Path(__file__).with_name("cifar10_correlations.json")


def spectra() -> dict[str, np.ndarray]:
    """λ of the forty spectra, by name; the last number of a name is d0."""
    found: dict[str, np.ndarray] = {}

    def add(name: str, d: int, values: ArrayLike) -> None:
        found[f"{name}-{d}"] = np.round(np.asarray(values, dtype=float), 6)

    powers = {8: (0.5, 1, 2), 16: (0.25, 0.5, 1), 32: (0.25, 0.5, 1), 64: (0.25, 0.5), 128: (0.5,)}
    falls = {8: (0.5, 2), 16: (1, 2), 32: (0.5, 1, 2), 64: (2,), 128: (1,)}
    for d, some in powers.items():
        i = np.arange(1.0, d + 1)
        for p in some:
            add(f"power-{p:g}", d, i**-p)
        for p in falls[d]:
            add(f"fall-{p:g}", d, 1 - (i / d) ** p)
        if d <= 64:
            add("plateaus", d, np.where(i <= d // 2, 0.9, 0.4))
        if d <= 32:
            add("weak", d, np.where(i < d, 0.8, 0.3))
            add("strong", d, np.where(i == 1, 0.99, 0.5))
    for d in (16, 32):
        i = np.arange(1.0, d + 1)
        add("geometric", d, 0.98 * (0.8 if d == 16 else 0.9) ** (i - 1))
        add("linear", d, np.linspace(0.95, 0.05, d))
    stored = json.loads(CIFAR.read_text())
    for name in ("pixels", "convolutions"):
        for d in (32, 64, 128):
            if f"{name}-{d}" in stored:
                add(f"cifar10-{name}", d, stored[f"{name}-{d}"])
    return found


def cifar10(folder: Path) -> dict[str, np.ndarray]:
    """View correlations of small pixels and of random convolutions, under SimCLR's views of CIFAR-10."""
    generator = torch.Generator().manual_seed(0)
    filters = torch.randn(64, 3, 5, 5, generator=generator) / 75**0.5
    forms = {
        "pixels": lambda x: F.avg_pool2d(x, 4).flatten(1),
        "convolutions": lambda x: F.avg_pool2d(F.relu(F.conv2d(x, filters)), 14).flatten(1),
    }
    colours = torch.from_numpy(read_images(folder).first(8000).pixels.copy())
    seen: dict[str, list[list[torch.Tensor]]] = {name: [[], []] for name in forms}
    for some in colours.split(1000):
        views = two_views(standardise(some.float() / 255), simclr(), generator)
        for name, form in forms.items():
            for k in (0, 1):
                seen[name][k].append(form(views[k]))
    found = {}
    for name, pair in seen.items():
        x, y = (torch.cat(one).double().numpy() for one in pair)
        for d in (32, 64, 128):
            found[f"{name}-{d}"] = _correlations(x, y, d)
    return found


def _correlations(x: np.ndarray, y: np.ndarray, d: int) -> np.ndarray:
    """λ in the leading d principal components of both views, (d,)."""
    middle = (x.mean(0) + y.mean(0)) / 2
    x, y = x - middle, y - middle
    sizes, axes = np.linalg.eigh((x.T @ x + y.T @ y) / (2 * len(x)))
    white = axes[:, -d:] / np.sqrt(sizes[-d:])
    x, y = x @ white, y @ white
    return np.maximum(np.linalg.eigvalsh((x.T @ y + y.T @ x) / (2 * len(x)))[::-1], 0)


if __name__ == "__main__":
    torch.set_num_threads(1)
    for name, values in cifar10(Path(sys.argv[1])).items():
        print(name, values.round(3).tolist())
