"""How many samples does the quartic coefficient of InfoNCE take, beside the estimators that one would write first?

All estimate the coefficient of t⁴ of L(tW) on Gaussian data at one W, and are compared at the same standard error. A
sample is one datum with its views. The peers see values of the loss on batches of 256 data, the negatives of a datum
being the others of its batch:

- finite differences of values at t and 2t on independent batches, (L(2t) − 4 L(t))/(12 t⁴), at the t where the bias,
  which is taken from the closed form, is half of the standard error that is asked for, 1 % of the coefficient;
- the same on common batches, at a small t: the noise of the second order cancels.

quartic's route takes the coefficient of each pair by Cauchy's integral and averages in closed form what stands inside
of the logarithm.

    python bench/monte_carlo.py [REPETITIONS]
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from statistics import median

import numpy as np
from timing import print_table, print_versions

from derive import catalogue
from verify.routes.monte_carlo import measure
from verify.truths import settings

BATCH = 256
BATCHES = 200
DRAWS = 20_000
TARGET = 0.01


def main(repetitions: int = 5) -> None:
    """Print the table."""
    print_versions("numpy", "scipy", "quartic")
    rows: dict[str, list[float]] = {}
    for seed in range(repetitions):
        for name, samples in needed(seed).items():
            rows.setdefault(name, []).append(samples)
    ours = rows["quartic, closed form inside of the logarithm"]
    table = []
    for name, samples in rows.items():
        ratios = [one / own for one, own in zip(samples, ours, strict=True)]
        table.append([name, f"{median(samples):.3g}", f"{median(ratios):.3g} ({min(ratios):.3g}-{max(ratios):.3g})"])
    title = f"Samples for a standard error of {TARGET:.0%} of InfoNCE's quartic term, {repetitions} seeds"
    print_table(title, ["estimator", "samples", "over quartic's"], table)


def needed(seed: int) -> dict[str, float]:
    """The number of samples of each estimator."""
    loss = catalogue("infonce")
    case = settings.case(loss, {}, seed=seed)
    (averages,) = measure([case], 4, DRAWS)
    data, W = case.setting.covariances, case.setting.W
    wanted = TARGET * abs(averages.mean[4])
    generator = np.random.default_rng(1000 + seed)

    def values(t: float) -> np.ndarray:
        return np.array([value(t * W, data, generator) for _ in range(BATCHES)])

    t = where_the_bias_is(wanted / 2, lambda t: bias(t, W, data))
    at, twice = values(t), values(2 * t)
    apart = (twice.var(ddof=1) + 16 * at.var(ddof=1)) / (12 * t**4) ** 2
    small = t / 3
    together = []
    for _ in range(BATCHES):
        state = generator.bit_generator.state
        double = value(2 * small * W, data, generator)
        generator.bit_generator.state = state
        together.append((double - 4 * value(small * W, data, generator)) / (12 * small**4))
    return {
        "finite differences, independent batches": 2 * BATCH * apart / wanted**2,
        "finite differences, common batches": BATCH * float(np.var(together, ddof=1)) / wanted**2,
        "quartic, closed form inside of the logarithm": DRAWS * (averages.error[4] / wanted) ** 2,
    }


def value(W: np.ndarray, data: object, generator: np.random.Generator) -> float:
    """InfoNCE on one batch: each datum's negatives are the others, divided by their number."""
    A0, C = data.A0, data.C
    datum = generator.multivariate_normal(np.zeros(len(A0)), A0, BATCH)
    x, x_pos = (datum + generator.multivariate_normal(np.zeros(len(C)), C, BATCH) for _ in range(2))
    f, f_pos = x @ W.T, x_pos @ W.T
    near = 0.5 * ((f - f_pos) ** 2).sum(1)
    far = 0.5 * ((f[:, None] - f) ** 2).sum(2)
    np.fill_diagonal(far, np.inf)
    return float((near + np.log(np.exp(-far).sum(1) / (BATCH - 1))).mean())


def bias(t: float, W: np.ndarray, data: object) -> float:
    """What the finite difference of exact values adds to the coefficient of t⁴."""

    def exact(t: float) -> float:
        S = t**2 * W @ (data.A0 + data.C) @ W.T
        inverse = np.linalg.inv(np.eye(len(S)) + S)
        energy = t**2 * np.trace(W @ data.C @ W.T)
        # E over χ of exp(−½|Wx − Wχ|²) is Gaussian in x; its logarithm's mean over x.
        return float(energy - 0.5 * np.linalg.slogdet(np.eye(len(S)) + S)[1] - 0.5 * np.trace(S @ inverse))

    def difference(t: float) -> float:
        return (exact(2 * t) - 4 * exact(t)) / (12 * t**4)

    return abs(difference(t) - difference(t / 50))


def where_the_bias_is(wanted: float, of: Callable[[float], float]) -> float:
    """The scale t at which a growing bias reaches what is wanted."""
    low, high = 1e-3, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if of(middle) < wanted else (low, middle)
    return low


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
