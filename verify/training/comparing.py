"""A prediction against repetitions of a measurement: what the spread between seeds can tell, and what it cannot."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, sqrt
from typing import TYPE_CHECKING

import numpy as np

from verify.significance import limit

if TYPE_CHECKING:
    from collections.abc import Sequence

# Agreement within so many standard errors, or within this share.
SIGMAS = 3.0
SHARE = 0.02
# A contradiction is farther away: 6e-5 of all means lie so far off, which few seeds reach at more standard errors.
CONTRADICTION = 4.0
# A spread this large against the scale of what is measured hides everything.
HIDDEN = 0.25
# The share by which a truncated prediction may be off, by its own theory, before it says nothing.
DOMAIN = 0.1


@dataclass(frozen=True)
class Compared:
    """One prediction beside its measurement.

    Attributes:
        predicted: the number.
        measured: the mean over the seeds.
        error: its standard error, sd/√seeds.
        agrees: True or False; None where this is not decided.
        why: the reason, where it is not.

    """

    predicted: float
    measured: float
    error: float
    agrees: bool | None
    why: str = ""

    @property
    def z(self) -> float:
        """The distance in standard errors; infinite where all seeds gave the same number."""
        distance = self.measured - self.predicted
        return distance / self.error if self.error else (inf if distance else 0.0)

    @property
    def word(self) -> str:
        """The decision in a word."""
        return {True: "agrees", False: "off", None: "undecided"}[self.agrees]


def compared(
    predicted: float, samples: Sequence[float], *, scale: float | None = None, truncation: float = 0.0
) -> Compared:
    """Decide whether a prediction agrees with the mean over independent seeds.

    It does within three standard errors, or within 2 % of the scale; a truncated prediction is given what it is off by
    its own theory besides. It is off where it lies beyond 2 % and beyond what chance does to the mean of so few seeds,
    by Student's t (`verify.significance`). It is undecided in between, where the seeds spread too much or are fewer
    than three, and where the truncation is not small.

    Args:
        predicted: the number; one that is not finite is outside of its domain.
        samples: the measurement, one for each seed.
        scale: what 2 % are of; the prediction unless given, and to be given where that is 0.
        truncation: by how much the prediction is off by its own theory.

    >>> compared(1.0, [1.01, 0.99, 1.02, 1.0]).word, compared(0.75, [1.01, 0.99, 1.02, 1.0]).word
    ('agrees', 'off')
    >>> compared(0.75, [1.9, 0.1, 1.0]).word, compared(0.75, [1.01, 0.99, 1.02], truncation=0.2).word
    ('undecided', 'undecided')

    """
    values = np.asarray(samples, dtype=np.float64)
    mean = float(values.mean())
    error = float(values.std(ddof=1) / sqrt(len(values))) if len(values) > 1 else inf
    size = abs(predicted) if scale is None else scale

    def undecided(why: str) -> Compared:
        return Compared(predicted, mean, error, None, why)

    if len(values) < 3:
        return undecided("fewer than three seeds")
    if not np.isfinite(predicted):
        return undecided("outside of its domain: no finite prediction")
    if not np.isfinite(values).all() or not np.isfinite(truncation):
        return undecided("not measured: no finite number")
    if truncation > DOMAIN * size:
        return undecided("outside of its domain: the orders left out are not small")
    distance = abs(mean - predicted) - truncation
    if distance > max(limit(CONTRADICTION, len(values)) * error, SHARE * size):
        return Compared(predicted, mean, error, agrees=False)
    if distance > max(SIGMAS * error, SHARE * size):
        return undecided(f"{distance / error:.1f} standard errors, which {len(values)} seeds may be off by chance")
    if SIGMAS * error > HIDDEN * size:
        return undecided("the seeds spread too much")
    return Compared(predicted, mean, error, agrees=True)
