"""Random series whose remainder is judged: how often a right one is contradicted, and how many wrong ones are found.

The functions have singularities on the circle of convergence or none, leading coefficients that nearly vanish, and are
evaluated in floating point, on top of constants that cost them digits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from verify.assurance.error_rates.tally import Tally
from verify.evidence.evidence import Evidence
from verify.routes.slope import slope, ts_within

Array = NDArray[np.float64]
ROUNDING = 1e-15
TERMS = 300


def random_series(rng: np.random.Generator) -> tuple[Array, int]:
    """Coefficients of u^k, u = (t/R)², and how many of them a truncation keeps, 1 to 3."""
    k = np.arange(1, TERMS)
    kind = rng.integers(5)
    if kind == 0:  # a logarithm with a pair of singularities on the circle of convergence
        c = 2 * np.cos(k * rng.uniform(0, np.pi)) / k
    elif kind == 1:  # several, near one another and farther out
        each = (
            rng.standard_normal() * np.cos(k * rng.uniform(0, np.pi)) / k / rng.uniform(1, 4) ** k for _ in range(4)
        )
        c = np.sum(list(each), axis=0)
    elif kind == 2:  # √(1 + u)
        c = np.cumprod(-(k - 1.5) / k)
    elif kind == 3:  # entire
        c = np.cumprod(rng.uniform(-2, 2) / k)
    else:  # poles, with coefficients of any size and sign
        c = rng.standard_normal(TERMS - 1)
    c = np.concatenate([[0.0], c]) * rng.uniform(0.02, 3)
    n = int(rng.integers(1, 4))
    # The leading coefficient of the remainder may nearly vanish, and the next one be large.
    if rng.random() < 0.35:
        c[n + 1] *= 10 ** rng.uniform(-6, -0.5) * rng.choice([-1, 1])
    if rng.random() < 0.15:
        c[n + 2] *= 10 ** rng.uniform(0, 2)
    return c, n


def evaluated(rng: np.random.Generator, c: Array, radius: float, reach: float) -> tuple[Array, Array, Array, float]:
    """t, u, the function there with its rounding, and the noise; ``reach`` times too large a radius is taken."""
    ts = ts_within(radius * reach)
    u = (ts / radius) ** 2
    ts, u = ts[u < 0.8], u[u < 0.8]
    constant = rng.choice([0.0, 0.7, 3.0, 20.0])
    values = np.polyval(c[:0:-1], u) * u
    noise = ROUNDING * max(1.0, float(np.abs(constant + values).max()))
    return ts, u, values + rng.uniform(-0.3, 0.3, len(u)) * noise, noise


def mutants(c: Array, n: int) -> Iterator[Array]:
    """Each coefficient that the truncation keeps, off by a tenth, halved, of the other sign, left out."""
    for k in range(1, n + 1):
        for factor in (1.1, 0.5, -1.0, 0.0):
            wrong = c.copy()
            wrong[k] *= factor
            yield wrong


def judged(
    seed: int, runs: int, *, misjudged: bool, with_mutants: bool = True
) -> tuple[Counter[bool | None], Counter[bool | None]]:
    """The verdicts on right truncations, and on their mutants: how often True, False and None.

    Args:
        seed: of the series.
        runs: series.
        misjudged: whether the radius is taken up to ten times too small and three times too large.
        with_mutants: whether these are judged as well.

    >>> right, wrong = judged(0, 20, misjudged=False)
    >>> right[False], wrong[True], wrong[False] > 0.9 * wrong.total()
    (0, 0, True)
    """
    rng = np.random.default_rng(seed)
    right: Counter[bool | None] = Counter()
    wrong: Counter[bool | None] = Counter()
    for _ in range(runs):
        c, n = random_series(rng)
        reach = 10 ** rng.uniform(-1, 0.5) if misjudged else 1.0
        ts, u, values, noise = evaluated(rng, c, 10 ** rng.uniform(-3, 1), reach)
        for counted, taken in ((right, [c]), (wrong, list(mutants(c, n)) if with_mutants else [])):
            for one in taken:
                truncation = sum(one[k] * u**k for k in range(1, n + 1))
                counted[slope(list(ts), list(values - truncation), noise, 2 * n).agrees] += 1
    return right, wrong


def right_series(seed: int, runs: int, *, misjudged: bool) -> Tally:
    """`verify.routes.slope` on truncations that are right."""
    right, _ = judged(seed, runs, misjudged=misjudged, with_mutants=False)
    said = [value for value, number in right.items() for _ in range(number)]
    return Tally.of(([Evidence("remainder", "slope", agrees=one)] for one in said), np.inf)
