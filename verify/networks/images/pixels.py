"""Labelled images, and the unit in which networks see their pixels.

A pixel p in 0…255 of channel k enters a network as x = (p/255 − m_k)/s_k, with m_k and s_k the mean and the standard
deviation of channel k over CIFAR-10's training images. The map is one for all images, train and test, whole or
subset: a strength σ of Gaussian noise has the same meaning everywhere, and an augmentation that needs colours as
numbers between 0 and 1 can go back to them. One unit is about 63 grey levels.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from derive import InputError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

# Of the 50,000 training images of CIFAR-10 (Krizhevsky 2009) on the scale 0…1: red, green, blue.
CHANNEL_MEAN = (0.4914, 0.4822, 0.4465)
CHANNEL_STD = (0.2470, 0.2435, 0.2616)


@dataclass(frozen=True, eq=False)
class Images:
    """Images with labels.

    Attributes:
        pixels: (N, 3, h, w), uint8: red, green, blue.
        labels: (N,), int64, from 0 to the number of classes minus 1.
        names: of the classes.
        source: a sentence: where the images come from, and in which form they were stored. Every report on results
            with these images shows it.

    Raises:
        InputError: the parts do not fit each other.

    >>> few = Images(np.zeros((2, 3, 32, 32), np.uint8), np.array([0, 1]), ("cat", "dog"), "two black squares")
    >>> len(few), few.counts, len(few.subset([1]))
    (2, (1, 1), 1)

    """

    pixels: NDArray[np.uint8] = field(repr=False)
    labels: NDArray[np.int64] = field(repr=False)
    names: tuple[str, ...]
    source: str

    def __post_init__(self) -> None:
        if self.pixels.dtype != np.uint8 or self.pixels.ndim != 4 or self.pixels.shape[1] != 3 or not self.pixels.size:
            raise InputError(
                f"the pixels are {self.pixels.dtype} of shape {self.pixels.shape}; "
                f"uint8 of shape (N, 3, h, w) is needed"
            )
        if self.labels.dtype != np.int64 or self.labels.shape != (len(self.pixels),):
            raise InputError(
                f"the labels are {self.labels.dtype} of shape {self.labels.shape}; "
                f"int64 of shape ({len(self.pixels)},) is needed, one label an image"
            )
        low, high = int(self.labels.min()), int(self.labels.max())
        if low < 0 or high >= len(self.names):
            wrong = low if low < 0 else high
            raise InputError(
                f"a label is {wrong}, and there are names for {len(self.names)} classes: labels run from 0 to "
                f"{len(self.names) - 1}"
            )

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def counts(self) -> tuple[int, ...]:
        """How many images each class has."""
        return tuple(np.bincount(self.labels, minlength=len(self.names)).tolist())

    def subset(self, indices: ArrayLike) -> Images:
        """These images alone, in this order.

        Raises:
            InputError: an index that no image has.

        """
        chosen = np.asarray(indices)
        if chosen.ndim != 1 or chosen.dtype.kind not in "iu" or not chosen.size:
            raise InputError("a subset needs a list of indices of images, at least one")
        if chosen.min() < 0 or chosen.max() >= len(self):
            wrong = chosen.min() if chosen.min() < 0 else chosen.max()
            raise InputError(f"there is no image {wrong}: {len(self)} images have the indices 0 to {len(self) - 1}")
        return replace(self, pixels=self.pixels[chosen], labels=self.labels[chosen])

    def first(self, number: int) -> Images:
        """The first `number` images.

        Raises:
            InputError: there are not that many.

        """
        if not 1 <= operator.index(number) <= len(self):
            raise InputError(f"{number} images were asked for, and there are {len(self)}: {self.source}")
        return self.subset(range(number))

    def floats(self, device: str | torch.device = "cpu", *, standardised: bool = True) -> Tensor:
        """The pixels as float32, (N, 3, h, w).

        Args:
            device: where the tensor lies.
            standardised: in the unit of this module; otherwise numbers from 0 to 1.

        >>> few = Images(np.full((1, 3, 1, 1), 255, np.uint8), np.array([0]), ("white",), "one white dot")
        >>> few.floats(standardised=False).flatten().tolist(), few.floats().flatten().tolist()
        ([1.0, 1.0, 1.0], [2.059..., 2.126..., 2.115...])

        """
        import torch

        colours = torch.from_numpy(np.ascontiguousarray(self.pixels)).to(device).float() / 255
        return standardise(colours) if standardised else colours


def standardise(colours: Tensor) -> Tensor:
    """Colours from 0 to 1, (…, 3, h, w), in the unit in which networks see them."""
    mean, std = _channels(colours)
    return (colours - mean) / std


def colours_of(x: Tensor) -> Tensor:
    """The inverse of `standardise`."""
    mean, std = _channels(x)
    return x * std + mean


def _channels(x: Tensor) -> tuple[Tensor, Tensor]:
    return x.new_tensor(CHANNEL_MEAN)[:, None, None], x.new_tensor(CHANNEL_STD)[:, None, None]
