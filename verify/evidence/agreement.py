"""When a measured mean agrees with a prediction or contradicts it: the one rule, and each limit by name.

A mean agrees within one number of standard errors and contradicts beyond a larger one. The numbers are for a normal
law; where the number of samples is known, Student's t keeps the probability and moves the limit
(`verify.evidence.significance`). Between the two, and where noise would hide the effect, nothing is decided. Limits
differ where the laws of what is averaged differ, or where more or fewer comparisons are made.
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
    """The numbers of standard errors that decide a comparison.

    Attributes:
        contradicts: a mean contradicts beyond this number of standard errors, for a normal law.
        agrees: it agrees within this number; None where it agrees unless it contradicts.

    """

    contradicts: float
    agrees: float | None = None

    def beyond(self, samples: int | None = None) -> float:
        """The limit of contradiction for a number of samples, by Student's t; that of a normal law for None."""
        return self.contradicts if samples is None else limit(self.contradicts, samples)

    def decide(
        self, distance: float, error: float = 1.0, samples: int | None = None, *, sees: bool = True, farther: float = 1
    ) -> bool | None:
        """Whether a mean agrees with its prediction; None where that is not decided.

        Args:
            distance: the mean minus the prediction.
            error: the standard error of the mean; one that is not finite decides nothing.
            samples: the number behind the mean; None if unknown.
            sees: whether the prediction is distinguishable from what it could be mistaken for.
            farther: a factor on the limit of contradiction, where the samples' law is far from normal.

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
# contradiction wide.
SEEDS = Limits(4.0, agrees=3.0)
# Claims of papers: a few measurements each, of many samples, recorded in a ledger.
CLAIMS = Limits(6.0, agrees=4.0)
# A curvature known by quadrature: hundreds of batches, and one comparison at each strength.
CURVATURES = Limits(5.0, agrees=4.0)
# Coefficients of a torch function over some hundred batches: their law is skewed, and one mean in thousands
# was 4.5 standard errors off.
BATCHES = Limits(7.0, agrees=4.5)
# Coefficients over thousands of draws: a probability of 6e-7 for a normal law, so that thousands of comparisons raise
# no false alarm.
COEFFICIENTS = Limits(5.0)

# A sign counts beyond this many standard errors: of those of a true zero, one in 30,000 does.
SIGN = 4.0
# Beyond this many, a single number differs from 0 or from another: one of a last layer, say, whose error is printed
# with it.
SEEN = 3.0
# The largest of a hundred or more slopes exceeds this at one stationary point in 10,000.
SLOPES = 5.0

# Trained models also agree within this fraction.
SHARE = 0.02
# A spread this large relative to the scale of what is measured hides everything.
HIDDEN = 0.25
# The relative error of a truncated prediction, estimated by its own theory, beyond which it says nothing.
DOMAIN = 0.1


def sign(value: float, error: float, sigmas: float = SIGN, samples: int | None = None) -> int:
    """The sign of a mean, 1 or −1, where it differs from 0 beyond noise, else 0.

    >>> [sign(value, 0.1) for value in (0.5, -0.5, 0.3, float("nan"))], sign(0.3, 0.1, SEEN - 0.1)
    ([1, -1, 0, 0], 1)
    """
    if not abs(value) > (sigmas if samples is None else limit(sigmas, samples)) * error:
        return 0
    return 1 if value > 0 else -1


@dataclass(frozen=True)
class Compared:
    """A prediction compared with the mean over seeds.

    Attributes:
        predicted: the number.
        measured: the mean over the seeds.
        error: its standard error, sd/√seeds.
        agrees: True or False; None where that is undecided.
        why: the reason, where it is undecided.

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

    It does within three standard errors, or within 2 % of the scale; a truncated prediction is allowed its estimated
    error in addition. It is off where it lies beyond 2 % and beyond what chance does to the mean of so few seeds, by
    Student's t (`verify.evidence.significance`). It is undecided in between, where the seeds spread too much or are
    fewer than three, and where the truncation is not small.

    Args:
        predicted: the number; one that is not finite counts as outside its domain.
        samples: the measurement, one for each seed.
        scale: what the 2 % refer to; the prediction unless given; required where that is 0.
        truncation: the error of the prediction, estimated by its own theory.

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
