"""The derived minima against the ends of an optimiser that minimises the expansion in all entries of W.

The optimiser's lowest ends are compared with the lowest minima that the theory lists, in WᵀW: where several minima tie,
each end is compared with the nearest of equal loss. Minima can also be a continuum along which WᵀW changes (modes of
equal descent that share rows, sums over coordinates that leave a rotation free). It shows in the curvatures at the end:
a flat direction there that moves WᵀW. What does not change along it is then compared instead: Tr[W X Wᵀ] or the loss.
Each W that the theory lists has to be a minimum of the expansion, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from derive import InputError
from derive.expansion.second_moments import in_second_moments
from derive.landscape.coordinates import letters_of
from derive.landscape.landscape import landscapes
from numeric.kernels import kernel
from numeric.landscape.descent import Smooth, descend, of_kernel
from numeric.landscape.landscape import Solved, landscape_in_numbers
from numeric.landscape.modes import StationaryPoint, minima
from numeric.sampling import Covariances, random_covariances
from verify.evidence.evidence import Evidence
from verify.evidence.significance import within
from verify.routes.route import Route
from verify.truths.settings import values_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from derive import Expansion
    from derive.landscape.landscape import Landscape
    from numeric.laws import Views
    from verify.routes.subject import Subject

Array = NDArray[np.float64]

QUANTITY = "WᵀW at the minimum, theory − optimiser"
STARTS = 24
DIMENSION = 3
AGREE = 1e-6
# Losses that differ by less are equal; far below what any power of a mode makes.
TIE = 1e-9
# Curvatures below this fraction of the largest are flat.
FLAT = 1e-6


@dataclass(frozen=True, eq=False)
class Lowest:
    """The lowest of many ends of an optimiser that minimises an expansion through order 4.

    Attributes:
        data: the data.
        values: of the expansion's parameters.
        ends: (n, d1, d0), the ends whose loss is lowest.
        loss: the loss there.
        function: the expansion as a function of a flat W.
        seed: of the data and the starts.

    """

    data: Views
    values: Mapping[str, float]
    ends: Array
    loss: float
    function: Smooth
    seed: int

    @property
    def rows(self) -> int:
        """d1."""
        return int(self.ends.shape[1])


def compare(
    expansion: Expansion,
    values: Mapping[str, float],
    seed: int,
    *,
    data: Covariances | None = None,
    d1: int = DIMENSION,
) -> Evidence:
    """WᵀW at the lowest ends of many, against that of the lowest minima that the theory lists.

    Args:
        expansion: through order 4 or more; higher orders are left out.
        values: of its parameters.
        seed: of the covariances and the starts.
        data: A0 and C, (3, 3) each and random unless given.
        d1: the number of rows of W.

    """
    try:
        # Any matrices serve, whatever A0 and Σ stand for.
        expansion = in_second_moments(expansion)
        found = lowest(expansion, values, seed, data=data, d1=d1)
        return held_against(found, case_at(landscapes(expansion.truncate(4)), {**values, "d1": d1}))
    except InputError as error:
        return Evidence("exact", QUANTITY, ran=False, note=str(error))


def lowest(
    expansion: Expansion,
    values: Mapping[str, float],
    seed: int,
    *,
    data: Views | None = None,
    d1: int = DIMENSION,
    starts: int = STARTS,
) -> Lowest:
    """The lowest ends of the optimiser.

    Raises:
        InputError: there is none; the message says why.

    """
    if expansion.order < 4:
        raise InputError("an expansion to order 4 is needed")
    if expansion.bias:
        raise InputError("the optimiser here has no bias")
    quartic = expansion.truncate(4)
    if not quartic.terms:
        raise InputError("through order 4 the loss is constant: every W is a minimum")
    rng = np.random.default_rng(seed)
    if data is None:
        data = random_covariances(rng, DIMENSION)
        if case_at(landscapes(quartic), {**values, "d1": d1}).needs_commuting:
            data = Covariances(*(np.diag(np.linalg.eigvalsh(matrix)) for matrix in (data.A0, data.C)))
    emitted = kernel(quartic)
    arguments = [values.get(name, d1) for name in emitted.parameters]
    function = of_kernel(emitted, (d1, data.d0), *data.arguments(quartic.basis), *arguments)
    ends = descend(function, rng.standard_normal((starts, d1 * data.d0)))
    losses = function.value(ends.x)
    if not np.isfinite(losses).all() or losses.min() < -1e6:
        raise InputError("the landscape through order 4 has no lowest point at these values")
    if not ends.converged[losses.argmin()]:
        raise InputError("the optimiser did not converge at its lowest end")
    lowest_loss = float(losses.min())
    tied = ends.converged & (losses <= lowest_loss + TIE * (1 + abs(lowest_loss)))
    return Lowest(data, values, ends.x[tied].reshape(-1, d1, data.d0), lowest_loss, function, seed)


def held_against(found: Lowest, case: Landscape) -> Evidence:
    """What an optimiser found, against the lowest minima that a landscape lists.

    Raises:
        InputError: the landscape's modes are not separate on these data, or a parameter has no value.

    """
    solved = landscape_in_numbers(case, found.data, found.values, d1=found.rows)
    listed = minima(solved.modes)
    gram = found.ends.swapaxes(-1, -2) @ found.ends
    level = AGREE * max(1.0, abs(found.loss))
    values = ", ".join(f"{name} = {value:g}" for name, value in found.values.items())
    size = f"d0 = d1 = {found.rows}" if found.data.d0 == found.rows else f"d0 = {found.data.d0}, d1 = {found.rows}"
    note = f"{STARTS} starts, {size}" + (f", at {values}" if values else "")

    def evidence(quantity: str, distance: float, agrees: bool | None, tolerance: float = level) -> Evidence:  # noqa: FBT001
        return Evidence("exact", quantity, 0.0, distance, tolerance, "tolerance", agrees, found.seed, note)

    wrong = max((off for point in listed if (off := _no_minimum(found, solved, point)) is not None), default=0.0)
    if within(wrong, level) is False:
        return evidence("loss, slope and curvature at the minima that the theory lists", wrong, agrees=False)
    above = np.inf if not listed else listed[0].loss - found.loss
    if above < -level:
        # What is listed is either a minimum that no start reached, or a bound that no W attains.
        quantity = "L where the optimiser ends, theory − optimiser; the theory has a lower one"
        return evidence(quantity, -above, agrees=None)
    tied = [point for point in listed if point.loss <= found.loss + level]
    near = AGREE * max(1.0, float(np.abs(gram).max()))
    if tied:
        distance = max(min(float(np.abs(one - solved.gram(point)).max()) for point in tied) for one in gram)
        if within(distance, near) is not False:
            return evidence(QUANTITY, distance, agrees=within(distance, near), tolerance=near)
        flat = _flat(found)
        if flat is not None:
            name, off = _unchanged(found, solved, tied, flat)
            quantity = f"{name} at the minimum, theory − optimiser; WᵀW is not the same at all minima"
            # Along a valley that is flat to fourth order an optimiser stops a square root of its tolerance away.
            off = max(off, abs(above))
            return evidence(quantity, off, within(off, near) or (None if off < np.sqrt(near) else False), near)
        if _is_bound(case, solved):
            # Close to a bound that no W attains.
            quantity = f"{QUANTITY}; the theory has a lower bound, which d1 rows may not reach"
            return evidence(quantity, distance, agrees=None, tolerance=near)
        if _has_to_list(case, solved, found.ends):
            return evidence(QUANTITY, distance, agrees=False, tolerance=near)
    elif listed and _has_to_list(case, solved, found.ends):
        distance = float(np.abs(gram[0] - solved.gram(listed[0])).max())
        return evidence(QUANTITY, distance, agrees=False, tolerance=near)
    # Minima whose modes share rows are not listed, so a missing one is no contradiction; a different loss is.
    off = abs(sum(solved.loss_at(found.ends[0]).values()) - found.loss)
    quantity = "L where the optimiser ends, theory − optimiser; the theory lists no minimum"
    return evidence(quantity, off, within(off, level) and None)


def _no_minimum(found: Lowest, solved: Solved, point: StationaryPoint) -> float | None:
    """How far a listed minimum is from being one of the expansion; None where the theory gives no W there."""
    try:
        x = solved.weight(point).reshape(1, -1)
    except InputError:
        return None
    scale = max(1.0, float(np.abs(x).max()))
    curvatures = np.linalg.eigvalsh(found.function.hessian(x)[0])
    return max(
        abs(float(found.function.value(x)[0]) - point.loss),
        float(np.abs(found.function.gradient(x)).max()) / scale,
        # Relative to the largest; flat ones may have either sign.
        -float(curvatures[0] / np.abs(curvatures).max(initial=1.0)) - FLAT,
    )


def _flat(found: Lowest) -> Array | None:
    """The directions (n, d1, d0) without curvature at the first end if one of them moves WᵀW, else None."""
    W = found.ends[0]
    curvatures, directions = np.linalg.eigh(found.function.hessian(W.reshape(1, -1))[0])
    flat = directions[:, np.abs(curvatures) < FLAT * np.abs(curvatures).max()].T.reshape(-1, *W.shape)
    moved = flat.swapaxes(-1, -2) @ W
    moves = np.abs(moved + moved.swapaxes(-1, -2)).max(initial=0.0) > np.sqrt(FLAT) * np.abs(W).max()
    return flat if moves else None


def _unchanged(found: Lowest, solved: Solved, tied: list[StationaryPoint], flat: Array) -> tuple[str, float]:
    """A quantity that is the same at all ends and along their flat directions, and how far the nearest minimum is."""
    data, names, off = found.data, [], 0.0
    for name, X in (("A0", data.A0), ("C", data.C), ("Σ", data.Sigma)):
        size = np.einsum("...ri,ij,...rj->...", found.ends, X, found.ends)
        along = np.abs(np.einsum("nri,ij,rj->n", flat, X, found.ends[0])).max(initial=0.0)
        near = AGREE * max(1.0, float(np.abs(size).max()))
        if np.ptp(size) < near and along < near:
            names.append(f"Tr[W {name} Wᵀ]")
            off = max(off, min(abs(float((solved.gram(point) * X).sum() - size[0])) for point in tied))
    return ", ".join(names) or "L", off


def _has_to_list(case: Landscape, solved: Solved, ends: Array) -> bool:
    """Whether the theory claims to have all minima at which the optimiser ended.

    It claims so for points whose columns, one per mode, are orthogonal, with sums over coordinates each in one row; and
    for all where the quartic part is made of one covariance, and where the landscape is a convex function of WᵀW with a
    row for each mode.
    """
    one, modes = case.isotropic(), solved.modes
    least = -1e-12 * max(1.0, float(np.abs(modes.K).max()))
    convex = bool((modes.Q >= 0).all() and np.linalg.eigvalsh(modes.K)[0] >= least and modes.d1 >= modes.size)
    if _is_bound(case, solved):
        return convex
    columns = ends @ np.linalg.inv(solved.frame).T
    if modes.D is not None:
        # For one mode per row: rows that two columns both fill.
        columns = np.abs(columns)
    overlap = np.abs(columns.swapaxes(-1, -2) @ columns)
    apart = overlap * (1 - np.eye(overlap.shape[-1]))
    if (apart <= np.sqrt(AGREE) * overlap.max()).all():
        return True
    if case.why_not_lowest(modes.d1):
        return False
    return convex or (one is not None and set(letters_of(case.coordinates)) <= {one.letter})


def _is_bound(case: Landscape, solved: Solved) -> bool:
    """Whether what is listed is a lower bound, which d1 rows may not reach."""
    return case.rotation == "constant diagonals" and bool(case.why_not_lowest(solved.modes.d1))


def case_at(cases: tuple[Landscape, ...], values: Mapping[str, float]) -> Landscape:
    """The case that holds at given values."""
    for case in cases:
        if case.holds(values):
            return case
    message = "no case of the landscape holds at these values"
    raise InputError(message)


def setting(subject: Subject) -> tuple[Mapping[str, float], int]:
    """The optimiser's data and seed: it runs on the claim itself."""
    subject.tick("minima")
    values = values_for(subject.here, 4, DIMENSION) | dict(subject.given)
    return {name: float(value) for name, value in values.items()}, subject.seed


def compared(at: tuple[Mapping[str, float], int], expansion: Expansion) -> list[Evidence]:
    """The one distance."""
    return [compare(expansion, *at)]


ROUTE = Route("exact", QUANTITY, setting, compared)
