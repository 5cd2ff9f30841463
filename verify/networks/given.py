"""The images that a network is trained and judged on: a path, the environment's, or synthetic ones."""

from __future__ import annotations

import os
from functools import lru_cache

from derive import InputError
from verify.networks.images.pixels import Images
from verify.networks.images.reading import read_images
from verify.networks.images.synthetic import synthetic_images

# Where CIFAR-10 lies on this machine, so that it need not be said each time.
VARIABLE = "QUARTIC_CIFAR10"
# How many synthetic images there are of each split, and their seeds.
SYNTHETIC = {"train": (5000, 0), "test": (1000, 1)}


def given_path(path: str | None) -> str | None:
    """The path, or what the environment variable says; None for synthetic images."""
    return path or os.environ.get(VARIABLE) or None


def given_images(path: str | None, split: str = "train", number: int | None = None) -> Images:
    """The first images of a split, all unless told otherwise; synthetic ones where no path was given.

    Raises:
        InputError: as `verify.networks.images.reading.read_images`, or fewer images than asked for.

    >>> given_images(None, "test", 20).counts
    (2, 2, 2, 2, 2, 2, 2, 2, 2, 2)

    """
    if path is not None:
        images = _read(path, split)
        return images if number is None else images.first(number)
    most, seed = SYNTHETIC[split]
    return _made(most if number is None else number, seed)


# Decoding takes longer than a short training, and many are made of the same images.
@lru_cache(maxsize=2)
def _read(path: str, split: str) -> Images:
    return read_images(path, split)


@lru_cache(maxsize=4)
def _made(number: int, seed: int) -> Images:
    return synthetic_images(number, seed)


def check_device(device: str) -> None:
    """Refuse a CUDA device where torch sees none.

    Raises:
        InputError: that is so.

    """
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        raise InputError(
            "networks of full size need a CUDA device, and torch sees none; --quick trains narrow ones on a processor"
        )
