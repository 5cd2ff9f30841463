"""How far off a prediction a mean of few samples must be for it to count: Student's t in place of the normal law.

A check states a number of standard errors and means the probability that it has in a normal law: 6e-7 for 5. The
standard error of n samples is itself known to about 1/√(2n) only, and (mean − truth)/(standard error) is distributed
like t with n − 1 degrees of freedom (Student 1908), whose tails are heavier: of 16 samples every 6,000th mean is 5
standard errors off, of 40 every 80,000th. The limits here keep the probability and raise the number of standard errors.
"""

from __future__ import annotations

from functools import lru_cache
from math import inf, isfinite


@lru_cache(maxsize=10_000)
def limit(sigmas: float, samples: int) -> float:
    """The standard errors that a mean of this many samples exceeds as seldom as a normal number exceeds ``sigmas``.

    Args:
        sigmas: of a normal law, two-sided or one-sided.
        samples: the number of independent, identically distributed ones behind the mean; fewer than 2 decide nothing.

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

    A value that is not finite neither agrees nor contradicts. Any comparison with nan is False, so that
    ``distance < tolerance`` would contradict, and ``not distance > tolerance`` agree.

    >>> within(-0.5, 1.0), within(2.0, 1.0), within(float("nan"), 1.0), within(inf, 1.0)
    (True, False, None, None)

    """
    return abs(distance) <= tolerance if isfinite(distance) and isfinite(tolerance) else None
