"""How a loss grows far from W = 0: measured along rays, since an expansion says nothing about it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from verify.truths.function import BlackBox

Array = NDArray[np.float64]
# Lengths of W along a ray; the power law is that of the last three.
LENGTHS = tuple(10.0**k for k in range(7))
# The number of directions of W, and of the batches over which each is averaged.
RAYS, BATCHES = 6, 8
# The correlation of two views of a datum: they are closer than two data, as in practice.
CORRELATION = 0.9
# How closely the powers in two decades have to agree.
SAME = 0.1


@dataclass(frozen=True)
class Growth:
    """The growth of the average over random batches along rays W → tW.

    Attributes:
        falls: the number of rays along which it falls to −∞.
        rays: the number of rays measured.
        power: the median power with which |loss| grows along those; None where there are none.

    """

    falls: int
    rays: int
    power: float | None

    def text(self) -> str:
        """A sentence where the loss is seen to fall without bound; else empty.

        >>> Growth(6, 6, 2.0).text()
        'Measured: the loss falls like −t^2 along 6 of 6 rays tW.'
        """
        if not self.falls or self.power is None:
            return ""
        return f"Measured: the loss falls like −t^{self.power:.3g} along {self.falls} of {self.rays} rays tW."


def growth(box: BlackBox, *, N: int, d: int = 2, encoders: int = 1, seed: int = 0) -> Growth:
    """Measure how a loss grows along rays of random W.

    Args:
        box: the loss.
        N: the number of data.
        d: the number of coordinates.
        encoders: 2 for a W and a V that have nothing to do with each other, 1 for one W.
        seed: of W and of the data.

    >>> growth(BlackBox(lambda z1, z2: -(z1 * z2).sum(1).mean()), N=4).text()
    'Measured: the loss falls like −t^2 along 6 of 6 rays tW.'
    >>> growth(BlackBox(lambda z1, z2: ((z1 - z2) ** 2).sum(1).mean()), N=4).falls
    0
    """
    rng = np.random.default_rng(seed + 13)
    powers = []
    for both in rng.standard_normal((RAYS, encoders, d, d)):
        # W and V, or W twice, transposed.
        turned = np.broadcast_to(both, (2, d, d)).swapaxes(-1, -2)
        datum = rng.standard_normal((BATCHES, 1, N, d))
        views = np.sqrt(CORRELATION) * datum + np.sqrt(1 - CORRELATION) * rng.standard_normal((BATCHES, 2, N, d))
        values = np.array([np.mean([box(t * batch @ turned) for batch in views]) for t in LENGTHS])
        power = _falling(values)
        if power is not None:
            powers.append(power)
    return Growth(len(powers), RAYS, float(np.median(powers)) if powers else None)


def _falling(values: Array) -> float | None:
    """The power with which values at the lengths fall to −∞; None where they do not, or where that cannot be seen."""
    finite = values[np.isfinite(values)]
    # Beyond the range of floats there is nothing to see.
    if len(finite) < 4 or not np.isfinite(values[: len(finite)]).all():
        return None
    last = finite[-3:]
    if not (last < 0).all() or not (np.diff(last) < 0).all():
        return None
    first, second = np.diff(np.log10(-last))
    return float(second) if second > 0.5 and abs(first - second) < SAME else None
