"""The order in W at which two losses begin to differ: the slope of log|difference| in log t, on batches and on average.

On a batch the difference L1(t z) − L2(t z) has some leading power of t. Averaged over Gaussian data a leading term may
vanish: the averages, which expansions describe, then differ only at a higher order. Averages are taken over cubature
nodes of whole batches, the same for both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from derive import InputError
from numeric.kinds import random_kinds
from numeric.sampling import random_covariances
from verify.audits.blackbox.batches import SEEN
from verify.truths import many
from verify.truths.function import BlackBox
from verify.truths.truth import Setting

Array = NDArray[np.float64]
# t = 2^(−k/2)
STEPS = tuple(2.0 ** (-k / 2) for k in range(-1, 22))
AVERAGED_STEPS = tuple(0.5 * 2.0 ** (-k / 2) for k in range(10))
# The order through which averages over the nodes are those of Gaussian data.
DEGREE = 9
NODES = 1_500
# How far a slope may be from an order.
SETTLED = 0.2
# The least ratio of a difference to rounding.
VISIBLE = 100


def order_on_a_batch(
    one: BlackBox, other: BlackBox, *, rounding: float, smallest: int = 2, seed: int = 0
) -> int | None:
    """The lowest power of t in L1(t z) − L2(t z), up to a constant, along random rays; None where none settles.

    >>> one = BlackBox(lambda z1, z2: (z1 * z2).sum(1).exp().mean())
    >>> other = BlackBox(lambda z1, z2: 1 + (z1 * z2).sum(1).mean())
    >>> order_on_a_batch(one, other, rounding=2e-16)
    4

    """
    rng = np.random.default_rng(seed + 11)
    found = []
    for size, width in ((smallest + 1, 2), (smallest + 2, 3), (smallest + 1, 4), (smallest + 1, 8), (17, 2), (64, 3)):
        z = rng.standard_normal((2, size, width))
        try:
            values = np.array([[one(t * z), other(t * z)] for t in (*STEPS, 0.0)])
        except InputError:
            continue
        found.append(leading_power(STEPS, values, rounding))
    return min((order for order in found if order is not None), default=None)


def order_on_average(
    one: BlackBox,
    other: BlackBox | Callable[[Setting, Array, int], Array],
    *,
    rounding: float,
    smallest: int,
    encoders: int = 1,
    seed: int,
) -> int | None:
    """The order at which two losses averaged over Gaussian data differ, up to a constant; None where none is seen.

    Args:
        one: the first loss.
        other: the second, or its average as a function of a setting, of several t and of the degree of the nodes.
        rounding: the relative error of one value.
        smallest: the smallest batch that both take.
        encoders: 2 where the views are W x and V y, else 1.
        seed: of the data and of W.

    """
    rng = np.random.default_rng(seed + 12)
    found = []
    for size in (smallest, smallest + 1):
        data = random_covariances(rng, 1) if encoders == 1 else random_kinds(rng, 1, encoders=2)
        setting = Setting(data, rng.standard_normal((2, data.d0)), {}, size)
        try:
            views, weights = setting.points(DEGREE, size, SEEN[encoders])
        except ValueError:
            continue
        if len(weights) > NODES:
            continue
        embedded = np.stack([setting.embedded(view) for view in views], axis=1)
        # Weights of both signs lose more digits.
        lost = rounding * float(np.abs(weights).sum())
        values = np.empty((0, 2))
        # Three steps settle an order; the larger ones are for what rounding hides at the smallest three.
        for steps in ((*AVERAGED_STEPS[-3:], 0.0), AVERAGED_STEPS[:-3]):
            ts = np.array(steps)
            try:
                first = averaged(one, embedded, weights, ts)
                second = (
                    averaged(other, embedded, weights, ts)
                    if isinstance(other, BlackBox)
                    else other(setting, ts, DEGREE)
                )
            except InputError:
                break
            values = np.concatenate([np.stack([first, second], axis=1), values])
            order = leading_power(AVERAGED_STEPS[-len(values) + 1 :], values, lost)
            if order is not None:
                found.append(order)
                break
    return min(found, default=None)


def averaged(box: BlackBox, embedded: Array, weights: Array, ts: Array) -> Array:
    """A loss averaged over whole batches (m, 2, N, d) with weights (m,), at each t; at t = 0 all batches are one."""
    return np.array(
        [weights @ many.values(box, t * embedded) if t else weights.sum() * box(0 * embedded[0]) for t in ts]
    )


def leading_power(steps: Sequence[float], values: Array, rounding: float) -> int | None:
    """The lowest power of t in a difference.

    Args:
        steps: decreasing values of t.
        values: (steps + 1, 2), of both losses, the last row at t = 0.
        rounding: the relative error of one value.

    >>> t = np.array([*STEPS, 0.0])
    >>> leading_power(STEPS, np.stack([1 + t**2 + t**6, 3 + t**2], axis=1), 2e-16)
    6

    """
    if not np.isfinite(values[-1]).all():
        return None
    left = np.abs(values[:-1, 0] - values[:-1, 1] - (values[-1, 0] - values[-1, 1]))
    noise = 10 * rounding * np.maximum(1.0, np.abs(values).max())
    seen = np.flatnonzero(np.isfinite(left) & (left > VISIBLE * noise))
    # The three smallest t at which the difference exceeds rounding; they have to be consecutive.
    run = seen[len(seen) - 3 :] if len(seen) >= 3 else seen
    if len(run) < 3 or (np.diff(run) != 1).any():
        return None
    slopes = np.diff(np.log(left[run])) / np.diff(np.log(np.array(steps)[run]))
    order = round(float(slopes[-1]))
    settled = abs(slopes[-1] - order) < SETTLED and abs(slopes[0] - order) < 2 * SETTLED
    return order if settled and order > 0 else None
