"""How far a mean of few samples must lie from a prediction before that counts: Student's t in place of the normal law.

A check says "this many standard errors" and means the chance that goes with it in a normal law: 5 is 6e-7. The standard
error of n samples is itself known to about 1/√(2n) only, and (mean − truth)/(standard error) is distributed like t with
n − 1 degrees of freedom (Student 1908), whose tails are heavier: of 16 samples every 6,000th mean is 5 standard errors
off, of 40 every 80,000th. The limits here keep the chance and let the number of standard errors grow.
"""

from __future__ import annotations

from functools import lru_cache
from math import inf, isfinite


@lru_cache(maxsize=10_000)
def limit(sigmas: float, samples: int) -> float:
    """The standard errors that a mean of this many samples exceeds as seldom as a normal number exceeds ``sigmas``.

    Args:
        sigmas: of a normal law, two-sided or one-sided.
        samples: independent and alike, behind the mean and its standard error; with fewer than 2 nothing counts.

    >>> [round(limit(5, n), 2) for n in (4, 16, 40, 1_000_000)]
    [156.68, 8.27, 5.97, 5.0]
    >>> limit(3, 1)
    inf

    """
    if samples < 2:
        return inf
    from scipy.special import ndtr, stdtrit

    return -float(stdtrit(samples - 1, ndtr(-sigmas)))


def within(distance: float, tolerance: float) -> bool | None:
    """Whether a distance is no larger than a tolerance; None where either is not a number.

    What is not finite agrees with nothing and contradicts nothing. Any comparison with nan is False, so that
    ``distance < tolerance`` would contradict, and ``not distance > tolerance`` agree.

    >>> within(-0.5, 1.0), within(2.0, 1.0), within(float("nan"), 1.0), within(inf, 1.0)
    (True, False, None, None)

    """
    return abs(distance) <= tolerance if isfinite(distance) and isfinite(tolerance) else None
