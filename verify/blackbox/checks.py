"""A black box's expansion against the black box, on data that had no part in the measurement.

Coefficients were measured along rays with one or a few data. Here whole random batches are used: averaged exactly over
cubature nodes with automatic differentiation, averaged over nodes at finite t (the remainder), and averaged over random
draws at a batch size that the interpolation in N has not seen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from derive import InputError
from numeric.invariants import order_values
from numeric.sampling import Covariances, random_covariances
from verify.blackbox import autograd, rays
from verify.blackbox.coefficients import ROUNDINGS
from verify.blackbox.function import BlackBox
from verify.evidence import Evidence, far
from verify.significance import limit
from verify.slope import TOLERANCE, slope, ts_within

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from verify.blackbox.coefficients import Route
    from verify.blackbox.expansions import Expanded

DRAWS = 600
# A mean whose standard error is more than this share of the prediction decides nothing.
NOISY = 0.2
# Standard errors within which a mean agrees, and beyond which it contradicts: the law of a coefficient over few batches
# is skewed, and 4.5 standard errors off was one mean in thousands.
WITHIN, LARGEST_Z = 4.5, 7.0
NODES, FEW = 4_000, 200
# A term that is a smaller share of the largest is 0 at this batch size.
VANISHING = 1e-9


@dataclass(frozen=True)
class Batch:
    """Where a check is made: covariances, W and a batch size."""

    data: Covariances
    W: NDArray[np.float64]
    size: int

    def predicted(self, found: Expanded) -> dict[int, float]:
        """The orders of an expansion here, in numbers.

        Raises:
            InputError: a coefficient was not measured at this batch size.

        """
        here = found.at(self.size, len(self.W))
        return order_values(here, self.W, self.data.A0, self.data.Sigma)

    def embedded(self, views: tuple[Any, ...]) -> NDArray[np.float64]:
        """Views (…, N, d0) as embeddings (…, 2, N, d1)."""
        return np.stack([view @ self.W.T for view in views], axis=-3)


def batch(size: int, seed: int, *, d0: int = 2, d1: int = 2) -> Batch:
    """Random covariances and a random W of unit size."""
    rng = np.random.default_rng(seed)
    data = random_covariances(rng, d0)
    raw = rng.standard_normal((d1, d0))
    return Batch(data, raw / np.sqrt(np.linalg.eigvalsh(raw @ data.Sigma @ raw.T)[-1]), size)


def run(
    box: BlackBox, found: Expanded, route: Route, seed: int, tick: Callable[[str], None] = lambda _: None
) -> list[Evidence]:
    """The evidence of all checks."""
    tick("cubature")
    evidence = [by_autograd(box, found, route, size, seed) for size in found.sizes[:2]]
    tick("remainder")
    evidence.append(remainder(box, found, route, seed))
    tick("monte-carlo")
    beyond = found.sizes[-1] + (0 if found.numbers or len(found.sizes) == 1 else 1)
    size = min(beyond, found.largest or beyond)
    return evidence + monte_carlo(box, found, route, size, seed)


def by_autograd(box: BlackBox, found: Expanded, route: Route, size: int, seed: int) -> Evidence:
    """The coefficients of t², …, t^order of the averaged loss along t·W, over cubature nodes of whole batches."""
    order = found.expansion.order
    quantity = f"coefficients of t, …, t^{order} along a ray, N = {size}"
    if not route.autograd:
        return Evidence("autodiff", quantity, ran=False, note="automatic differentiation is not to be trusted here")
    at = batch(size, seed + size, d1=found.width or 2)
    nodes = _nodes(at, order + 1)
    if nodes is None:
        return Evidence("autodiff", quantity, ran=False, note=f"a batch of {size} needs more than {NODES} nodes")
    views, weights = nodes
    try:
        predicted = at.predicted(found)
    except InputError as error:
        return Evidence("autodiff", quantity, ran=False, note=str(error))
    coefficients = np.array([autograd.along(box, z, order) for z in at.embedded(views)])
    averaged = weights @ coefficients
    scale = max(1.0, float(np.abs(weights) @ np.abs(coefficients[:, 1:]).max(1)))
    wanted = np.array([predicted.get(k, 0.0) for k in range(1, order + 1)])
    distance = float(np.abs(averaged[1:] - wanted).max())
    # 1e-10 in double precision, and what the numbers that were left as they were measured may be off by.
    tolerance = 5e5 * route.rounding * scale + 10 * found.uncertain(size)
    if tolerance > NOISY * float(np.abs(wanted).max()):
        note = f"rounding of {tolerance:.0e} hides the coefficients"
        return Evidence("autodiff", quantity, 0.0, distance, tolerance, "tolerance", agrees=None, seed=seed, note=note)
    note = f"{len(weights)} nodes, d0 = d1 = 2"
    agrees = bool(distance < tolerance)
    wrong = not agrees and far(distance, tolerance)
    return Evidence("autodiff", quantity, 0.0, distance, tolerance, "tolerance", agrees, seed, note, exact=wrong)


def _nodes(at: Batch, degree: int) -> tuple[Any, Any] | None:
    """Cubature nodes of a whole batch and their weights; None where they are too many to be made."""
    # Their number grows as this power of the number of Gaussian variables.
    if (2 * at.size * at.data.d0) ** (degree // 2) > 100 * NODES:
        return None
    try:
        views, weights = at.data.nodes(degree, at.size)
    except ValueError:
        return None
    return (views, weights) if len(weights) <= NODES else None


def remainder(box: BlackBox, found: Expanded, route: Route, seed: int) -> Evidence:
    """The slope of log|averaged loss − expansion| as t → 0, within the radius at which the loss's series settles."""
    order, size = found.expansion.order, found.sizes[0]
    quantity = "slope of log|truth − truncation| against log t"
    for d0 in (2, 1):
        at = batch(size, seed + 50, d0=d0, d1=found.width or 2)
        nodes = _nodes(at, order + 1)
        if nodes is not None and len(nodes[1]) <= FEW:
            break
    if nodes is None:
        return Evidence("remainder", quantity, ran=False, note=f"a batch of {size} needs more than {NODES} nodes")
    views, weights = nodes
    try:
        predicted = at.predicted(found)
    except InputError as error:
        return Evidence("remainder", quantity, ran=False, note=str(error))
    embedded = at.embedded(views)
    farthest = float(np.sqrt((embedded**2).sum((-3, -2, -1))).max())
    ts = ts_within(2 * route.radius / farthest)
    values = np.array([[box(t * z) for z in embedded] for t in (0.0, *ts)])
    averaged = values @ weights
    noise = ROUNDINGS * route.rounding * float((np.abs(values) @ np.abs(weights)).max())
    # What a number that was left as it was measured is off by goes with t², the lowest order.
    noises = [noise + found.uncertain(size) * float(t) ** 2 for t in ts]
    truncated = np.array([sum(value * t**k for k, value in predicted.items()) for t in ts])
    # The highest order that is more than rounding: its absence from the difference has to be seen.
    largest = max(map(abs, predicted.values()), default=0.0)
    highest = max((k for k, value in predicted.items() if abs(value) > VANISHING * largest), default=order)
    seen = slope(
        list(ts),
        list(averaged[1:] - averaged[0] - truncated),
        noises,
        order,
        term=predicted.get(highest, 0.0) * ts[-1] ** highest,
    )
    note = f"N = {size}, d0 = {d0}, t from {ts[-1]:.2g} down"
    shown: float | str | None = "nothing left" if seen.value is None and seen.agrees else seen.value
    return Evidence(
        "remainder",
        quantity,
        float(order + 2),
        shown,
        TOLERANCE,
        "tolerance",
        seen.agrees,
        seed,
        f"{seen.reason}; {note}" if seen.reason else note,
    )


def monte_carlo(box: BlackBox, found: Expanded, route: Route, size: int, seed: int) -> list[Evidence]:
    """Each order of the averaged loss at a batch size that was not measured, over random batches."""
    at = batch(size, seed + 100, d0=3, d1=found.width or 2)
    rng = np.random.default_rng(seed + 1)
    order = found.expansion.order
    try:
        predicted = at.predicted(found)
    except InputError as error:
        return [Evidence("monte-carlo", f"order {k}", ran=False, note=str(error)) for k in range(2, order + 1, 2)]
    drawn = at.embedded(at.data.draw(rng, (DRAWS, size)))
    if route.autograd:
        coefficients = np.array([autograd.along(box, z, order) for z in drawn])
        # What values lose to rounding is no statistical error, but an error.
        floor = 5e5 * route.rounding * float(np.abs(coefficients[:, 1:]).max())
        floors = np.full(order + 1, floor + 10 * route.rounding * float(np.abs(coefficients[:, 0]).max()))
    else:
        found_by_values = [_by_values(box, z, route, order) for z in drawn]
        coefficients, errors = (np.array([one[k] for one in found_by_values]) for k in range(2))
        floors = errors.max(0)
    floors = floors + found.uncertain(size)
    new = "which was not measured before" if size not in found.sizes else "new batches"
    note = f"{DRAWS} batches of N = {size}, {new}"
    return [
        replace(
            held_against(coefficients[:, k], predicted.get(k, 0.0), float(floors[k])),
            quantity=f"W^{k} at N = {size}",
            seed=seed,
            note=note,
        )
        for k in range(2, order + 1, 2)
    ]


def held_against(coefficients: NDArray[np.float64], predicted: float, floor: float = 0.0) -> Evidence:
    """The mean of one coefficient over batches, (batches,), against its prediction.

    Args:
        coefficients: of independent batches.
        predicted: the mean.
        floor: below which a standard error is rounding.

    """
    mean = float(coefficients.mean())
    spread = max(float(coefficients.std(ddof=1) / np.sqrt(len(coefficients))), floor)
    z = (mean - predicted) / spread if spread else 0.0
    decides = spread <= NOISY * max(abs(predicted), abs(mean)) or (predicted == 0 and spread < NOISY)
    within = decides and abs(z) <= WITHIN
    agrees = False if abs(z) > limit(LARGEST_Z, len(coefficients)) else True if within else None
    return Evidence("monte-carlo", "a coefficient", predicted, mean, spread, "standard error", agrees)


def _by_values(
    box: BlackBox, z: NDArray[np.float64], route: Route, order: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The coefficients along a ray from values, and their errors."""
    length = float(np.linalg.norm(z))
    ray = rays.along(box, z / length, route.radius, order=order, rounding=route.rounding)
    scale = length ** np.arange(order + 1.0)
    return ray.coefficients * scale, ray.errors * scale
