"""The orders of a loss measured on its definition, which is evaluated directly and never expanded.

At a random W (and b), with random A0 and C that do not commute, Taylor coefficients along t·W are read off a complex
circle by Cauchy's integral, the data being cubature nodes that have the moments of Gaussian data. An expansion whose
coefficients are polynomials in matrix entries and that agrees there to rounding agrees everywhere, unless W, A0 and C
lie in a set of measure zero.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from verify.evidence.evidence import Evidence
from verify.routes import autodiff
from verify.routes.autodiff import RADIUS, RayCoefficients
from verify.routes.route import Route
from verify.truths.evaluated_truth import EvaluatedTruth
from verify.truths.settings import at_values, case
from verify.truths.taylor import cauchy, cauchy_error, circle, safe_radius

if TYPE_CHECKING:
    from collections.abc import Sequence

    from derive import Expansion
    from verify.routes.subject import Subject
    from verify.truths.settings import Case

DIMENSION = 2
# The most numbers that a value of the loss may take: some minutes at the slowest.
LARGEST = 20_000_000


def measure(subject: Subject) -> list[RayCoefficients | Evidence]:
    """The coefficients of 1, t², …, t^order at two batch sizes where a symbol counts data, else at one.

    Returns:
        the coefficients, or evidence marked as not run where a batch or nested means take too many nodes.

    """
    sizes = (max(3, subject.sizes[0]), *subject.sizes[1:]) if subject.sampling == "fixed" else subject.sizes
    return [
        _at(subject, case(
            subject.loss, subject.given, seed=subject.seed + k, size=size, dimension=DIMENSION,
            sampling=subject.sampling, law=subject.law,
        ))
        for k, size in enumerate(sizes)
    ]  # fmt: skip


def _at(subject: Subject, at: Case) -> RayCoefficients | Evidence:
    order = subject.order
    if autodiff.too_large(at.setting.batch, DIMENSION):
        return _not_run(order, f"a batch of {at.setting.batch} is too large for cubature; leave its size a symbol")
    truth = EvaluatedTruth(at_values(subject.loss, at.values), at.setting)
    if (size := truth.size(order)) > LARGEST:
        return _not_run(order, f"its means take {size:.0e} numbers at order {order}, which is too many")
    ts = circle(safe_radius(lambda points: truth.averaged(points, order), 2 * RADIUS))
    orders = range(0, order + 1, 2)
    values = truth.averaged(ts, order)
    found, error = (dict(zip(orders, map(float, of(values, ts, orders)), strict=True)) for of in (cauchy, cauchy_error))
    return RayCoefficients(at, found, "definition evaluated on cubature nodes, Cauchy's integral", error)


def compare(found: Sequence[RayCoefficients | Evidence], expansion: Expansion) -> list[Evidence]:
    """Each order at each batch size."""
    return [held_against(one, expansion) for one in found]


def held_against(found: RayCoefficients | Evidence, expansion: Expansion) -> Evidence:
    """The order that is furthest off the expansion, with what was measured of it."""
    if isinstance(found, Evidence):
        return found
    powers = {k: value for k, value in found.coefficients.items() if k}
    compared = autodiff.compare(replace(found, coefficients=powers), expansion)
    return replace(compared, route="exact", quantity=_quantity(expansion.order) + found.case.where)


def _not_run(order: int, why: str) -> Evidence:
    return Evidence("exact", _quantity(order), ran=False, note=why)


def _quantity(order: int) -> str:
    return f"derived against the definition, {'order 2' if order == 2 else f'orders 2–{order}'} at a random W"


ROUTE = Route("exact", "", measure, compare)
