"""A black box's expansion against the black box, on data that had no part in the measurement.

Coefficients were measured along rays with one or a few data. Here whole random batches are used: averaged exactly over
cubature nodes with automatic differentiation, averaged over nodes at finite t (the remainder), and averaged over random
draws at a batch size that the interpolation in N has not seen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from derive import Expansion, InputError
from numeric.invariants import order_values
from numeric.sampling import Covariances, random_covariances
from verify.blackbox import autograd, rays
from verify.blackbox.function import BlackBox
from verify.evidence import Evidence
from verify.significance import limit

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from verify.blackbox.coefficients import Route
    from verify.blackbox.expanding import Expanded

DRAWS = 600
# A mean whose standard error is more than this share of the prediction decides nothing.
NOISY = 0.2
# Standard errors within which a mean agrees, and beyond which it contradicts: the law of a coefficient over few batches
# is skewed, and 4.5 standard errors off was one mean in thousands.
WITHIN, LARGEST_Z = 4.5, 7.0
NODES = 4_000


@dataclass(frozen=True)
class Batch:
    """Where a check is made: covariances, W and a batch size."""

    data: Covariances
    W: NDArray[np.float64]
    size: int

    def predicted(self, expansion: Expansion) -> dict[int, float]:
        """The orders of an expansion here."""
        values = {symbol.name: {"N": self.size, "d1": len(self.W)}.get(symbol.name) for symbol in expansion.symbols}
        if None in values.values():
            message = "a coefficient is left as a number"
            raise InputError(message)
        return order_values(expansion.set(values), self.W, self.data.A0, self.data.Sigma)

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
    evidence.append(remainder(box, found, seed))
    tick("monte-carlo")
    return evidence + monte_carlo(box, found, route, found.sizes[-1] + 1, seed)


def by_autograd(box: BlackBox, found: Expanded, route: Route, size: int, seed: int) -> Evidence:
    """The coefficients of t², …, t^order of the averaged loss along t·W, over cubature nodes of whole batches."""
    order = found.expansion.order
    quantity = f"coefficients of t, …, t^{order} along a ray, N = {size}"
    if not route.autograd:
        return Evidence("autodiff", quantity, ran=False, note="automatic differentiation is not to be trusted here")
    at = batch(size, seed + size)
    views, weights = at.data.nodes(order + 1, size)
    if len(weights) > NODES:
        return Evidence("autodiff", quantity, ran=False, note=f"{len(weights)} nodes are too many")
    try:
        predicted = at.predicted(found.expansion)
    except InputError as error:
        return Evidence("autodiff", quantity, ran=False, note=str(error))
    coefficients = np.array([autograd.along(box, z, order) for z in at.embedded(views)])
    averaged = weights @ coefficients
    scale = max(1.0, float(np.abs(weights) @ np.abs(coefficients[:, 1:]).max(1)))
    wanted = np.array([predicted.get(k, 0.0) for k in range(1, order + 1)])
    distance, tolerance = float(np.abs(averaged[1:] - wanted).max()), 1e-10 * scale
    note = f"{len(weights)} nodes, d0 = d1 = 2"
    return Evidence("autodiff", quantity, 0.0, distance, tolerance, "tolerance", distance < tolerance, seed, note)


def remainder(box: BlackBox, found: Expanded, seed: int) -> Evidence:
    """The slope of log|averaged loss − expansion| against log t, for one input coordinate and the smallest batch."""
    order, size = found.expansion.order, found.sizes[0]
    quantity = "slope of log|truth − truncation| against log t"
    at = batch(size, seed + 50, d0=1, d1=1 if _any_width(box) else 2)
    views, weights = at.data.nodes(order + 4, size, positive=True)
    if len(weights) > NODES:
        return Evidence("remainder", quantity, ran=False, note=f"a batch of {size} needs {len(weights)} nodes")
    try:
        predicted = at.predicted(found.expansion)
    except InputError as error:
        return Evidence("remainder", quantity, ran=False, note=str(error))
    embedded = at.embedded(views)
    ts = np.array([0.0, 0.1, 0.14, 0.2, 0.28, 0.4])
    averaged = np.array([weights @ np.array([box(t * z) for z in embedded]) for t in ts])
    truncated = np.array([sum(value * t**k for k, value in predicted.items()) for t in ts])
    left = np.abs(averaged - averaged[0] - truncated)[1:]
    noise = 1e-14 * max(1.0, float(np.abs(averaged).max()))
    if left.max() < 100 * noise:
        return Evidence(
            "remainder", quantity, f"{order + 2} or more", "nothing left", noise, "tolerance", agrees=True, seed=seed
        )
    use = left > 100 * noise
    if use.sum() < 2:
        return Evidence("remainder", quantity, float(order + 2), None, agrees=None, seed=seed, note="lost in rounding")
    logs, heights = np.log(ts[1:][use]), np.log(left[use])
    # The slope at t → 0: that of the smallest two.
    slope = float((heights[1] - heights[0]) / (logs[1] - logs[0]))
    agrees = slope > order + 1.5
    return Evidence(
        "remainder", quantity, float(order + 2), slope, 0.5, "tolerance", agrees, seed, f"N = {size}, d0 = 1"
    )


def monte_carlo(box: BlackBox, found: Expanded, route: Route, size: int, seed: int) -> list[Evidence]:
    """Each order of the averaged loss at a batch size that was not measured, over random batches."""
    at = batch(size, seed + 100, d0=3)
    rng = np.random.default_rng(seed + 1)
    order = found.expansion.order
    try:
        predicted = at.predicted(found.expansion)
    except InputError as error:
        return [Evidence("monte-carlo", f"order {k}", ran=False, note=str(error)) for k in range(2, order + 1, 2)]
    drawn = at.embedded(at.data.draw(rng, (DRAWS, size)))
    if route.autograd:
        coefficients = np.array([autograd.along(box, z, order) for z in drawn])
    else:
        coefficients = np.array([_by_values(box, z, route, order) for z in drawn])
    # What values lose to rounding is no statistical error, but an error.
    floor = (1e-10 if route.autograd else 1e-6) * float(np.abs(coefficients[:, 1:]).max())
    note = f"{DRAWS} batches of N = {size}, which was not measured before"
    return [
        replace(
            held_against(coefficients[:, k], predicted[k], floor), quantity=f"W^{k} at N = {size}", seed=seed, note=note
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


def _by_values(box: BlackBox, z: NDArray[np.float64], route: Route, order: int) -> NDArray[np.float64]:
    length = float(np.linalg.norm(z))
    ray = rays.along(box, z / length, route.radius, order=order, rounding=route.rounding)
    return ray.coefficients * length ** np.arange(order + 1.0)


def _any_width(box: BlackBox) -> bool:
    """Whether the loss takes embeddings of one coordinate."""
    try:
        return bool(np.isfinite(box(np.full((2, 4, 1), 0.1))))
    except InputError:
        return False
