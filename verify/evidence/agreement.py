"""When a measured mean agrees with a prediction, and when it contradicts it: the one rule, and each limit by its name.

A mean agrees within this many standard errors and contradicts beyond more of them, which are those of a normal law:
where the samples are counted Student's t keeps the chance and moves the limit (`verify.evidence.significance`). Between
the two, and where noise would hide what is to be seen, nothing is decided. A limit differs from another one where the
laws of what is averaged differ, and where more or fewer comparisons are made.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite, sqrt
from typing import TYPE_CHECKING

import numpy as np

from verify.evidence.significance import limit

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Limits:
    """Standard errors that decide.

    Attributes:
        contradicts: beyond so many of a normal law a mean contradicts.
        agrees: within so many it agrees; None where all agrees that does not contradict.

    """

    contradicts: float
    agrees: float | None = None

    def beyond(self, samples: int | None = None) -> float:
        """The standard errors that so many samples exceed as seldom; a normal number where they are not counted."""
        return self.contradicts if samples is None else limit(self.contradicts, samples)

    def decide(
        self, distance: float, error: float = 1.0, samples: int | None = None, *, sees: bool = True, farther: float = 1
    ) -> bool | None:
        """Whether a mean agrees with its prediction; None where that is not decided.

        Args:
            distance: of the two.
            error: the standard error of the mean; one that is not finite decides nothing.
            samples: behind it.
            sees: whether what is predicted is told from what it could be mistaken for.
            farther: so many times farther off a contradiction has to be, where the samples' law is far from normal.

        >>> [COEFFICIENTS.decide(z, samples=10_000) for z in (4.9, 5.1)], COEFFICIENTS.decide(5.1, samples=100)
        ([True, False], True)
        >>> [SEEDS.decide(z, samples=1000) for z in (2.9, 3.5, 4.1)], SEEDS.decide(2.9, samples=1000, sees=False)
        ([True, None, False], None)
        >>> SEEDS.decide(inf, inf) is SEEDS.decide(float("nan"), 1.0) is None
        True

        """
        if not isfinite(error):
            return None
        beyond = self.beyond(samples)
        if abs(distance) > farther * beyond * error:
            return False
        agrees = beyond if self.agrees is None else self.agrees
        return True if abs(distance) <= agrees * error and sees else None


# Means of few trained models, or of few blocks of features: a person looks at each, and Student's t makes the limit of
# contradiction a wide one.
SEEDS = Limits(4.0, agrees=3.0)
# What papers claim: a few measurements each, of many samples, which stand in a ledger.
CLAIMS = Limits(6.0, agrees=4.0)
# A curvature known by quadrature: hundreds of batches, and one comparison at each strength.
CURVATURES = Limits(5.0, agrees=4.0)
# Coefficients of a torch function over some hundred batches: their law is skewed, and 4.5 standard errors off was one
# mean in thousands.
BATCHES = Limits(7.0, agrees=4.5)
# Coefficients over thousands of draws: 6e-7 for a normal estimate, so that thousands of comparisons raise none.
COEFFICIENTS = Limits(5.0)

# A sign counts beyond this many standard errors: where nothing falls or rises, one in 30,000 is wrong.
SIGN = 4.0
# Beyond so many a number that stands for itself is told from 0, or from another: one of a last layer, say, whose error
# a reader sees beside it.
SEEN = 3.0
# The largest of a hundred and more slopes is beyond so many at one stationary point of 10,000.
SLOPES = 5.0

# Agreement of trained models, too, within this share.
SHARE = 0.02
# A spread this large against the scale of what is measured hides everything.
HIDDEN = 0.25
# The share by which a truncated prediction may be off, by its own theory, before it says nothing.
DOMAIN = 0.1


def sign(value: float, error: float, sigmas: float = SIGN, samples: int | None = None) -> int:
    """1 or −1 where a mean is told from 0, and 0 where noise may have made it.

    >>> [sign(value, 0.1) for value in (0.5, -0.5, 0.3, float("nan"))], sign(0.3, 0.1, SEEN - 0.1)
    ([1, -1, 0, 0], 1)
    """
    if not abs(value) > (sigmas if samples is None else limit(sigmas, samples)) * error:
        return 0
    return 1 if value > 0 else -1


@dataclass(frozen=True)
class Compared:
    """One prediction beside the mean over seeds.

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
    by Student's t (`verify.evidence.significance`). It is undecided in between, where the seeds spread too much or are
    fewer than three, and where the truncation is not small.

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
    agrees = True if distance <= SHARE * size else SEEDS.decide(distance, error, len(values))
    if agrees is None:
        return undecided(f"{distance / error:.1f} standard errors, which {len(values)} seeds may be off by chance")
    if agrees and SEEN * error > HIDDEN * size:
        return undecided("the seeds spread too much")
    return Compared(predicted, mean, error, agrees)
