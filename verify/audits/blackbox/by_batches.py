"""A black box on random batches, of a size that the interpolation in N has not seen if possible."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from derive import InputError
from verify.audits.blackbox import autograd, rays
from verify.evidence.agreement import BATCHES
from verify.evidence.evidence import Evidence
from verify.routes.route import Route

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from verify.audits.blackbox.batches import Batch, Subject
    from verify.audits.blackbox.coefficients import Method
    from verify.audits.blackbox.expansions import Expanded
    from verify.truths.function import BlackBox

DRAWS = 600
# A mean whose standard error is more than this fraction of the prediction decides nothing.
NOISY = 0.2


@dataclass(frozen=True, eq=False)
class Drawn:
    """The Taylor coefficients of a loss on random batches.

    Attributes:
        at: the setting.
        coefficients: (batches, order + 1).
        floors: (order + 1,), below which a standard error is only rounding.
        seed: of W, the covariances and the draws.

    """

    at: Batch
    coefficients: NDArray[np.float64]
    floors: NDArray[np.float64]
    seed: int


def measure(subject: Subject) -> Drawn:
    """Each order of the loss on random batches."""
    subject.tick("monte-carlo")
    size, order, method = subject.unseen, subject.order, subject.method
    at = subject.batch(size, 100, 3)
    drawn = at.drawn(np.random.default_rng(subject.seed + 1), DRAWS)
    if method.autograd:
        coefficients = autograd.along_each(subject.box, drawn, order)
        # What values lose to rounding is not a statistical error, but still an error.
        floor = 5e5 * method.rounding * float(np.abs(coefficients[:, 1:]).max())
        floors = np.full(order + 1, floor + 10 * method.rounding * float(np.abs(coefficients[:, 0]).max()))
    else:
        by_values = [_by_values(subject.box, z, method, order) for z in drawn]
        coefficients, errors = (np.array([one[k] for one in by_values]) for k in range(2))
        floors = errors.max(0)
    return Drawn(at, coefficients, floors, subject.seed)


def compare(found: Drawn, claim: Expanded) -> list[Evidence]:
    """Evidence on each order of the averaged loss, at a batch size that was not measured before if possible."""
    size, orders = found.at.size, range(2, found.coefficients.shape[1], 2)
    try:
        predicted = found.at.predicted(claim)
    except InputError as error:
        return [Evidence("monte-carlo", f"order {k}", ran=False, note=str(error)) for k in orders]
    floors = found.floors + claim.uncertain(size)
    new = "which was not measured before" if size not in claim.sizes else "new batches"
    note = f"{DRAWS} batches of N = {size}, {new}"
    return [
        replace(
            held_against(found.coefficients[:, k], predicted.get(k, 0.0), float(floors[k])),
            quantity=f"{claim.expansion.point}^{k} at N = {size}",
            seed=found.seed,
            note=note,
        )
        for k in orders
    ]


def held_against(coefficients: NDArray[np.float64], predicted: float, floor: float = 0.0) -> Evidence:
    """The mean of one coefficient over batches, (batches,), against its prediction.

    Args:
        coefficients: those of independent batches.
        predicted: the mean.
        floor: below it a standard error is only rounding.

    """
    mean = float(coefficients.mean())
    spread = max(float(coefficients.std(ddof=1) / np.sqrt(len(coefficients))), floor)
    z = (mean - predicted) / spread if spread else 0.0
    sees = spread <= NOISY * max(abs(predicted), abs(mean)) or (predicted == 0 and spread < NOISY)
    agrees = BATCHES.decide(z, samples=len(coefficients), sees=sees)
    return Evidence("monte-carlo", "a coefficient", predicted, mean, spread, "standard error", agrees)


def _by_values(
    box: BlackBox, z: NDArray[np.float64], method: Method, order: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The coefficients along a ray from values, and their errors."""
    length = float(np.linalg.norm(z))
    ray = rays.along(box, z / length, method.radius, order=order, rounding=method.rounding)
    scale = length ** np.arange(order + 1.0)
    return ray.coefficients * scale, ray.errors * scale


ROUTE = Route("monte-carlo", "", measure, compare)
