"""SimCLR's random crops, flips and colours for small images (Chen et al. 2020, Appendix A and, for CIFAR-10, B.9).

In this order: a crop of random area and aspect ratio, resized to the whole image; a flip in half of the cases; in four
of five, brightness, contrast, saturation (each by a factor in 1 ± 0.8 s) and hue (by up to 0.2 s of a turn, either
way), in the order of the paper's listing; grey in one of five. Blur is left out, as the paper does for CIFAR-10.

The image operations are kornia's, batched, on any device. Kornia draws from torch's global generator on the CPU: it is
seeded from the caller's generator for the time of a call, and put back as it was.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Generator, Tensor

from derive import InputError
from verify.networks.images.augment import Augmentation, Drawn
from verify.networks.images.pixels import colours_of, standardise

# The smallest area of a crop that Ziyin et al. 2023 trained with ("reduced … from 0.2 to 0.5", Appendix C).
MIN_CROP = 0.5
STRENGTH = 0.5  # s for CIFAR-10: Chen et al. 2020, B.9
GREY = 0.2


def simclr(*, min_crop: float = MIN_CROP, strength: float = STRENGTH, grey: float = GREY) -> Augmentation:
    """SimCLR's augmentation of standardised images; colours that lie beyond what a pixel can show are clipped.

    Args:
        min_crop: the smallest area of a crop as a share of the image, in (0, 1]; the largest is 1.
        strength: s of the colour changes, in [0, 1]; 0 leaves the colours alone.
        grey: the share of views without colour, in [0, 1].

    Raises:
        InputError: a number out of its range, or kornia is not installed.

    >>> views = simclr()
    >>> views.text
    "SimCLR's crops of 50 to 100 % of the area, flips, colours changed with strength 0.5, 20 % grey"
    >>> views(torch.zeros(2, 3, 32, 32), torch.Generator().manual_seed(0)).shape
    torch.Size([2, 3, 32, 32])

    """
    if not 0 < min_crop <= 1:
        raise InputError(f"min_crop is {min_crop}; a share of the area, above 0 and up to 1, is needed")
    for name, value in (("strength", strength), ("grey", grey)):
        if not 0 <= value <= 1:
            raise InputError(f"{name} is {value}; a number from 0 to 1 is needed")
    K = _kornia()
    changes = [K.RandomHorizontalFlip(p=0.5)]
    if strength:
        one, hue = 0.8 * strength, 0.2 * strength
        # A fixed order: a random one would be common to a whole batch.
        changes.append(K.ColorJitter(one, one, one, hue, p=0.8, order=(0, 1, 2, 3)))
    if grey:
        changes.append(K.RandomGrayscale(p=grey))

    @cache
    def crop(size: tuple[int, int]) -> Any:
        # "resample" is one batched call; the other mode loops over the images.
        return K.RandomResizedCrop(size, scale=(min_crop, 1.0), ratio=(3 / 4, 4 / 3), cropping_mode="resample")

    def draw(x: Tensor, generator: Generator) -> Tensor:
        seed = torch.randint(2**63 - 1, (), generator=generator, device=generator.device)
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(int(seed))
            colours = crop((x.shape[-2], x.shape[-1]))(colours_of(x).clamp(0, 1))
            for change in changes:
                colours = change(colours)
        return standardise(colours)

    colour = f"colours changed with strength {strength:g}" if strength else "colours unchanged"
    text = f"SimCLR's crops of {100 * min_crop:g} to 100 % of the area, flips, {colour}, {100 * grey:g} % grey"
    return Drawn(draw, text)


def _kornia() -> Any:
    try:
        import kornia.augmentation
    except ImportError:
        raise InputError("SimCLR's augmentation needs kornia: pip install 'quartic[images]'") from None
    return kornia.augmentation
