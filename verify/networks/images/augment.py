"""Augmentations: a random view of each image of a batch.

An augmentation is called with a batch x of standardised images, (n, 3, h, w), and a torch generator, and gives a batch
of the same shape on the same device. Rows are drawn independently of each other, and all that is random comes from the
generator: in the same state it gives the same views. A CPU generator draws the same numbers whatever device x is on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import Protocol

import torch
from torch import Generator, Tensor

from derive import InputError


class Augmentation(Protocol):
    """A function that gives a random view of each image."""

    @property
    def text(self) -> str:
        """What it does, in words, for reports."""

    def __call__(self, x: Tensor, generator: Generator) -> Tensor:
        """One view of each image of x, (n, 3, h, w)."""


@dataclass(frozen=True)
class Drawn:
    """An augmentation by a function.

    Attributes:
        draw: x, generator → views.
        text: what it does, in words.

    """

    draw: Callable[[Tensor, Generator], Tensor]
    text: str

    def __call__(self, x: Tensor, generator: Generator) -> Tensor:
        """One view of each image.

        Raises:
            InputError: x is not a batch of images in floating point.

        """
        if x.ndim != 4 or x.shape[1] != 3 or not x.is_floating_point():
            raise InputError(
                f"an augmentation was given {str(x.dtype).removeprefix('torch.')} of shape {tuple(x.shape)}; "
                f"standardised images of shape (n, 3, h, w) are needed, as Images.floats gives them"
            )
        return self.draw(x, generator)


def gaussian(sigma: float) -> Augmentation:
    """Additive noise, x + σ ε with ε ~ N(0, 1) in each pixel and channel: Ziyin et al. 2023, Sec. 2 and Fig. 2.

    Args:
        sigma: σ ≥ 0, in standard deviations of a channel over CIFAR-10.

    Raises:
        InputError: σ is negative or no finite number.

    >>> noise = gaussian(0.5)
    >>> noise.text
    'Gaussian noise of standard deviation 0.5 on standardised pixels'
    >>> generator = torch.Generator().manual_seed(0)
    >>> noise(torch.zeros(1000, 3, 2, 2), generator).std().item()
    0.500...

    """
    if not isfinite(sigma) or sigma < 0:
        raise InputError(f"σ = {sigma} is not a strength of noise; a finite number that is not negative is needed")

    def draw(x: Tensor, generator: Generator) -> Tensor:
        noise = torch.randn(x.shape, generator=generator, device=generator.device, dtype=x.dtype)
        return x + sigma * noise.to(x.device)

    return Drawn(draw, f"Gaussian noise of standard deviation {sigma:g} on standardised pixels")


def two_views(x: Tensor, augmentation: Augmentation, generator: Generator) -> tuple[Tensor, Tensor]:
    """Two independent views of each image, (n, 3, h, w) each.

    >>> one, other = two_views(torch.zeros(4, 3, 8, 8), gaussian(1.0), torch.Generator().manual_seed(0))
    >>> tuple(one.shape), tuple(other.shape), bool((one == other).any())
    ((4, 3, 8, 8), (4, 3, 8, 8), False)

    """
    return augmentation(x, generator), augmentation(x, generator)
