"""The random batches on which two losses are compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SIZES = (2, 3, 5, 8, 17)
WIDTHS = (1, 2, 3, 8)
SCALES = (0.1, 0.5, 1.0, 2.0, 10.0)
# The distance of a second view from the first in every other batch; in the rest the two are independent.
NEAR = 0.3
# Much larger batches and widths (N, d), at which code may change its form; three batches of each.
FAR = ((64, 4), (257, 3), (5, 64), (5, 256))


@dataclass(frozen=True, eq=False)
class Batch:
    """One batch of embeddings.

    Attributes:
        z: (2, N, d).
        scale: the standard deviation of a coordinate.

    """

    z: Array
    scale: float

    @property
    def size(self) -> int:
        """N."""
        return int(self.z.shape[1])

    @property
    def width(self) -> int:
        """The number of coordinates, d."""
        return int(self.z.shape[2])

    @property
    def group(self) -> tuple[int, int]:
        """N and d."""
        return self.size, self.width

    def text(self) -> str:
        """A description of the batch, for a message."""
        return f"N = {self.size}, d = {self.width}, coordinates of size {self.scale:g}"


def batches(seed: int, sizes: Sequence[int] = SIZES, widths: Sequence[int] = WIDTHS) -> Iterator[Batch]:
    """Random batches of all sizes, widths and scales; in every other one the two views of a datum are close.

    >>> first = next(batches(0))
    >>> first.z.shape, first.text()
    ((2, 2, 1), 'N = 2, d = 1, coordinates of size 0.1')

    """
    rng = np.random.default_rng(seed)
    for n, size in enumerate(sizes):
        for m, width in enumerate(widths):
            for k, scale in enumerate(SCALES):
                z = rng.standard_normal((2, size, width))
                if (n + m + k) % 2:
                    z[1] = z[0] + NEAR * z[1]
                yield Batch(scale * z, scale)


def far(seed: int) -> Iterator[Batch]:
    """Random batches that are large or wide.

    >>> [batch.group for batch in far(0)][::3]
    [(64, 4), (257, 3), (5, 64), (5, 256)]
    """
    rng = np.random.default_rng(seed + 5)
    for size, width in FAR:
        # Inner products are so small that no epsilon of the code shows.
        scale = float(np.sqrt(0.3 / width))
        for k in range(3):
            z = rng.standard_normal((2, size, width))
            if k % 2:
                z[1] = z[0] + NEAR * z[1]
            yield Batch(scale * z, scale)
