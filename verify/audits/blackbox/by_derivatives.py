"""A black box differentiated along a ray, averaged exactly over cubature nodes of whole batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from derive import InputError
from verify.audits.blackbox import autograd
from verify.audits.blackbox.batches import NODES
from verify.evidence.evidence import Evidence, far
from verify.routes.route import Route

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from verify.audits.blackbox.batches import Batch, Subject
    from verify.audits.blackbox.expansions import Expanded

# With rounding of more than this fraction of the largest coefficient nothing is decided.
NOISY = 0.2


@dataclass(frozen=True, eq=False)
class Averaged:
    """The Taylor coefficients of a loss along t·W, averaged over cubature nodes of whole batches.

    Attributes:
        at: the setting.
        quantity: in words.
        coefficients: (order + 1,).
        scale: the size of what is averaged.
        rounding: the relative error of a value.
        nodes: their number.
        seed: of W and the covariances.

    """

    at: Batch
    quantity: str
    coefficients: NDArray[np.float64]
    scale: float
    rounding: float
    nodes: int
    seed: int


def measure(subject: Subject) -> list[Averaged | Evidence]:
    """Coefficients of t, …, t^order at each batch size, or evidence marked as not run."""
    subject.tick("cubature")
    return [_measure(subject, size) for size in subject.sizes]


def _measure(subject: Subject, size: int) -> Averaged | Evidence:
    at, order, rounding = subject.batch(size, size), subject.order, subject.method.rounding
    quantity = f"coefficients of t, …, t^{order} along a ray, N = {size}"
    if not subject.method.autograd:
        note = "automatic differentiation is not to be trusted here"
        return Evidence("autodiff", quantity, ran=False, note=note)
    nodes = at.nodes(order + 1)
    if nodes is None:
        return Evidence("autodiff", quantity, ran=False, note=f"a batch of {size} needs more than {NODES} nodes")
    embedded, weights = nodes
    coefficients = autograd.along_each(subject.box, embedded, order)
    scale = max(1.0, float(np.abs(weights) @ np.abs(coefficients[:, 1:]).max(1)))
    return Averaged(at, quantity, weights @ coefficients, scale, rounding, len(weights), subject.seed)


def compare(found: Sequence[Averaged | Evidence], claim: Expanded) -> list[Evidence]:
    """Evidence on every order at each batch size."""
    return [one if isinstance(one, Evidence) else _compare(one, claim) for one in found]


def _compare(found: Averaged, claim: Expanded) -> Evidence:
    quantity, seed = found.quantity, found.seed
    try:
        predicted = found.at.predicted(claim)
    except InputError as error:
        return Evidence("autodiff", quantity, ran=False, note=str(error))
    wanted = np.array([predicted.get(k, 0.0) for k in range(1, len(found.coefficients))])
    distance = float(np.abs(found.coefficients[1:] - wanted).max())
    # 1e-10 in double precision, plus the errors of coefficients that are left as numbers.
    tolerance = 5e5 * found.rounding * found.scale + 10 * claim.uncertain(found.at.size)
    if tolerance > NOISY * float(np.abs(wanted).max()):
        note = f"rounding of {tolerance:.0e} hides the coefficients"
        return Evidence("autodiff", quantity, 0.0, distance, tolerance, "tolerance", agrees=None, seed=seed, note=note)
    note = f"{found.nodes} nodes, {found.at.dimensions}, d1 = {len(found.at.W)}"
    agrees = bool(distance < tolerance)
    wrong = not agrees and far(distance, tolerance)
    return Evidence("autodiff", quantity, 0.0, distance, tolerance, "tolerance", agrees, seed, note, exact=wrong)


ROUTE = Route("autodiff", "", measure, compare)
