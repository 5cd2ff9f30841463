"""Images made from a seed: ten classes of coloured gratings, for tests and for machines without CIFAR-10.

An image is a grating in a round Gaussian window on a background that changes slowly from side to side,

    colour(u) = background + slope·u + contrast · exp(−|u − centre|²/2s²) · cos(2π f·u + phase) · tint + noise,

u ∈ [−½, ½]². The class decides the mean direction of f (five, 18° apart), its mean length (two) and the mean tint.
Everything else is drawn afresh for each image, and direction, length and tint scatter so far around their means that
neighbouring classes overlap: a network can learn them well above chance, but not fully. The phase is uniform, so that
no class shows in its mean image. All directions lie between 0° and 90°: an image and its mirror image tell the same
class, as photographs do.
"""

from __future__ import annotations

import colorsys
import operator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derive import InputError
from verify.networks.images.pixels import Images

CLASSES = 10
SIZE = 32
LENGTHS = (3.0, 6.0)  # periods in an image, of even and of odd classes
TURN, STRETCH, TINT = 0.12, 0.12, 0.4  # scatter within a class: of the direction in radians, of log |f|, of the tint
NOISE = 0.08  # of each pixel, on the scale 0…1
BLOCK = 256  # images that share a stream of random numbers

Array = NDArray[np.float64]


def synthetic_images(n: int, seed: int) -> Images:
    """The first n images of a seed: image i is of class i mod 10, and does not depend on n.

    Args:
        n: how many.
        seed: of all that is drawn; a training and a test set differ in it.

    Raises:
        InputError: n or the seed is out of range.

    >>> images = synthetic_images(20, seed=0)
    >>> images.pixels.shape, images.counts
    ((20, 3, 32, 32), (2, 2, 2, 2, 2, 2, 2, 2, 2, 2))
    >>> bool((images.pixels[:5] == synthetic_images(5, seed=0).pixels).all())
    True

    """
    if operator.index(n) < 1:
        raise InputError(f"{n} images were asked for; at least one is needed")
    if operator.index(seed) < 0:
        raise InputError(f"the seed is {seed}; a whole number that is not negative is needed")
    labels = np.arange(n, dtype=np.int64) % CLASSES
    pixels = np.empty((n, 3, SIZE, SIZE), np.uint8)
    for start in range(0, n, BLOCK):
        # A whole block is drawn even where a part of it is used: a longer list begins with the shorter one.
        of_block = np.arange(start, start + BLOCK) % CLASSES
        colours = _gratings(of_block, np.random.default_rng([seed, start // BLOCK]))[: n - start]
        pixels[start : start + BLOCK] = np.rint(255 * np.clip(colours, 0, 1))
    names = tuple(f"{LENGTHS[label % 2]:g} periods at {np.degrees(_direction(label)):.0f}°" for label in range(CLASSES))
    source = f"synthetic: {n} gratings of ten classes, made from seed {seed}; no photographs"
    return Images(pixels, labels, names, source)


def _direction(label: Any) -> Any:
    """The mean direction of a class: 9°, 27°, 45°, 63°, 81°, two classes each."""
    return np.pi / CLASSES * (label // 2 + 0.5)


def _gratings(labels: NDArray[np.int64], rng: np.random.Generator) -> Array:
    """Colours, (n, 3, SIZE, SIZE), mostly between 0 and 1."""
    n = len(labels)
    across = (np.arange(SIZE) + 0.5) / SIZE - 0.5

    def plane(x_part: Array, y_part: Array) -> Array:
        """x_part·u_x + y_part·u_y at each pixel, from (n,) or (n, 3) slopes."""
        return x_part[..., None, None] * across + y_part[..., None, None] * across[:, None]

    direction = _direction(labels) + TURN * rng.standard_normal(n)
    length = np.take(LENGTHS, labels % 2) * np.exp(STRETCH * rng.standard_normal(n))
    wave = plane(length * np.cos(direction), length * np.sin(direction))
    wave = np.cos(2 * np.pi * wave + rng.uniform(0, 2 * np.pi, (n, 1, 1)))

    centre = rng.uniform(-0.25, 0.25, (2, n, 1, 1))
    width = rng.uniform(0.15, 0.35, (n, 1, 1))
    away = (across - centre[0]) ** 2 + (across[:, None] - centre[1]) ** 2
    window = np.exp(-away / (2 * width**2))

    hues = np.array([colorsys.hsv_to_rgb(label / CLASSES, 0.8, 1.0) for label in range(CLASSES)]) - 0.5
    tint = hues[labels] + TINT * rng.standard_normal((n, 3))
    contrast = rng.uniform(0.3, 0.9, (n, 1, 1))
    background = rng.uniform(0.25, 0.75, (n, 3))[..., None, None] + plane(*rng.normal(0, 0.25, (2, n, 3)))
    noise = NOISE * rng.standard_normal((n, 3, SIZE, SIZE))
    return np.asarray(background + (contrast * window * wave)[:, None] * tint[..., None, None] + noise)
