"""The regularity of a black box near 0, found before anything is expanded: analytic, or why not.

Every statement comes from values alone, not from automatic differentiation: it gives zero at coincident points
and follows subgradients where there is no derivative.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from derive import InputError
from verify.audits.blackbox import rays
from verify.audits.blackbox.batch_sizes import finite_at, smallest_batch
from verify.audits.blackbox.degree import degree_of
from verify.audits.blackbox.precision import HALF, rounding_of
from verify.audits.blackbox.rays import DOUBLE, SINGLE
from verify.audits.blackbox.smoothness import Misfit, Powers, between_rays, dense, name_of, powers, reach, sparse
from verify.truths.function import BlackBox, TooSlowError

Array = NDArray[np.float64]
Kind = Literal["analytic", "homogeneous", "cusp", "epsilon", "undefined", "stateful", "random", "rough", "undecided"]

# A scale of smoothness below this, as a length of (z1, z2), is an epsilon in the code, not a scale of the problem.
TINY = 0.1
# Lengths of rays to start with: shorter ones are tried where longer ones do not show one function.
LARGEST = (4.0, 0.25, 2.0**-6, 2.0**-10)
DECADES = (1e-4, 1e-3, 1e-2, 0.1, 10.0, 100.0)
ORDER = 4


@dataclass(frozen=True)
class Regularity:
    """The regularity of a loss near 0.

    Attributes:
        kind: `analytic`: its series converges along rays, and its coefficients through order 4 are polynomials;
            `homogeneous`: L(tz) = t^degree L(z), but not a polynomial; `cusp`: one-sided derivatives differ;
            `epsilon`: smooth only within a tiny scale; `undefined`: no finite limit at 0; `rough`: differentiable, but
            only through `order`; `stateful`: a second call on the same input differs; `random`: so it does with every
            seed fixed, without keeping state; `undecided`: the signals conflict.
        reason: a sentence.
        degree: that of a homogeneous loss, or of an `epsilon` loss beyond its scale; None elsewhere.
        scale: for `epsilon`, about the size of one coordinate up to which it is smooth.
        radius: the best length of a ray for coefficients of order 4, 0 where it is not analytic.
        rounding: the relative error of one value.
        smallest_batch: the smallest N at which it gives a finite number.
        random: whether its value depends on the seed; everything else then holds with the seed fixed.
        order: of the highest derivative that exists at 0, None where no limit is known.
        residual: the largest relative deviation from the finding.

    """

    kind: Kind
    reason: str = ""
    degree: float | None = None
    scale: float | None = None
    radius: float = 0.0
    rounding: float = DOUBLE
    smallest_batch: int = 2
    random: bool = False
    order: int | None = None
    residual: float = 0.0


def regularity(box: BlackBox, *, N: int = 4, only: int | None = None, d: int = 2, seed: int = 0) -> Regularity:
    """Determine the regularity of a loss near 0, with its seed fixed.

    Args:
        box: the loss.
        N: the number of data in a batch; more where the loss needs more.
        only: the one batch size to use; None to find the smallest that it takes.
        d: the number of coordinates.
        seed: of directions, and of the loss's own random numbers where it has no seed yet.

    Raises:
        InputError: it raises, takes too long or returns no finite scalar at any batch size.

    >>> regularity(BlackBox(lambda z1, z2: ((z1 - z2) ** 2).sum(-1).mean())).kind
    'analytic'
    >>> found = regularity(BlackBox(lambda z1, z2: (z1 - z2).norm()))
    >>> found.kind, found.degree
    ('homogeneous', 1)
    """
    before = box.seed
    box.seed = seed if before is None else before
    try:
        smallest = only or smallest_batch(box, d, seed)
        if only:
            finite_at(box, only, d, seed)
        base = Regularity("undecided", smallest_batch=smallest)
        z = np.random.default_rng(seed).standard_normal((2, only or max(N, smallest), d))
        if _finite(box, z) is None:
            z = z[:, :smallest]
        kept = _unsteady(box, z, base)
        if kept is not None:
            return kept
        base = replace(base, random=_depends_on_seed(box, z), rounding=rounding_of(box, z, seed))
        if base.rounding == HALF:
            reason = "it computes in half precision, too coarse for derivatives: give it single or double precision"
            return replace(base, reason=reason)
        if not base.random:
            # Seeding takes longer than calling many a loss.
            box.seed = None
        once = box(z)
        found = _near_zero(box, base, z.shape[1], d, seed)
        # State may show only after many calls.
        return _unsteady(box, z, base, once) or found
    finally:
        box.seed = before


def at_two_sizes(box: BlackBox, *, later: int = 9, seed: int = 0) -> Regularity:
    """The same at a small batch and at a larger one: code that picks the hardest negatives is smooth with few of them.

    Args:
        box: the loss.
        later: the number of data in the larger batch if the smallest has 2, else as much larger than that.
        seed: of directions, and of the loss's own random numbers.

    >>> hardest = BlackBox(lambda z1, z2: (z1 @ z2.T).topk(min(4, len(z1))).values.exp().mean())
    >>> regularity(hardest).kind, at_two_sizes(hardest).kind
    ('analytic', 'rough')
    """
    small = regularity(box, seed=seed)
    if small.kind != "analytic":
        return small
    size = small.smallest_batch + later - 2
    try:
        large = regularity(box, only=size, seed=seed)
    except InputError:
        # It takes no such batch, which measurements at other sizes will report.
        return small
    if large.kind != "analytic":
        reason = f"at N = {size} {large.reason}; with few data it is analytic"
        return replace(large, reason=reason, smallest_batch=small.smallest_batch)
    return replace(small, radius=min(small.radius, large.radius))


def _finite(box: BlackBox, z: Array) -> float | None:
    try:
        value = box(z)
    except TooSlowError:
        raise
    except InputError:
        return None
    return value if np.isfinite(value) else None


def _unsteady(box: BlackBox, z: Array, base: Regularity, once: float | None = None) -> Regularity | None:
    """Whether the same input gives the same value again, at once and after another input."""
    once = box(z) if once is None else once
    again = box(z)
    box(0.3 - 0.7 * z)
    later = box(z)
    if once == again == later or np.isnan(once):
        return None
    difference = max(abs(again - once), abs(later - once)) / max(abs(once), 1e-300)
    if difference < 1e-12:
        # Threads may add up in another order.
        return None
    try:
        # A copy includes the state; two copies that still differ draw their own random numbers.
        copies = [replace(box, loss=copy.deepcopy(box.loss))(z) for _ in range(2)]
        own = box.loss is not copy.deepcopy(box.loss) and copies[0] != copies[1]
    except Exception:  # noqa: BLE001 - what a user's object raises when it is copied
        own = False
    kind: Kind = "random" if own else "stateful"
    what = "it draws random numbers that no seed fixes" if own else "it keeps state between calls"
    reason = f"a second call on the same input differs by {difference:.2g} of the value with the seed fixed: {what}"
    return replace(base, kind=kind, reason=reason, random=own, residual=difference)


def _depends_on_seed(box: BlackBox, z: Array) -> bool:
    """Whether other seeds give other values."""
    kept = box.seed
    values = []
    for offset in range(4):
        box.seed = (kept or 0) + offset
        values.append(box(z))
    box.seed = kept
    return float(np.ptp(values)) > 1e-12 * abs(values[0])


def _near_zero(box: BlackBox, base: Regularity, N: int, d: int, seed: int) -> Regularity:
    rng = np.random.default_rng(seed)
    wide, narrow = dense(rng, N, d, 3), sparse(N, d)
    box = _forgiving(box)
    at_zero = box(np.zeros((2, N, d)))
    found, misfit, jump = None, Misfit(None, 0.0), False
    for largest in LARGEST:
        # What holds only far from 0, as where a hinge is off, can hide what holds near it.
        found, misfit, jump = _analytic(box, base, (wide, narrow), at_zero, largest)
        if found is not None:
            return found
        if misfit.order != 0 and not jump:
            break
    homogeneous = _homogeneous(box, base, wide, at_zero)
    if homogeneous is not None:
        return homogeneous
    return _broken(box, base, (*wide, *narrow), wide, at_zero, misfit, jump=jump)


def _forgiving(box: BlackBox) -> BlackBox:
    """The same loss, NaN at W = 0 alone where it raises there: a determinant, or a label that no datum has."""

    def call(loss: Callable[..., Any], z1: torch.Tensor, z2: torch.Tensor) -> Any:
        try:
            return box.adapter(loss, z1, z2)
        except Exception:
            if z1.any() or z2.any():
                raise
            return torch.tensor(torch.nan)

    return replace(box, adapter=call)


def _analytic(
    box: BlackBox, base: Regularity, directions: tuple[list[Array], list[Array]], at_zero: float, largest: float
) -> tuple[Regularity | None, Misfit, bool]:
    """The finding that a loss is analytic, or smooth within a scale, from rays up to a length; else why not."""
    wide, narrow = directions
    rounding, everything = base.rounding, (*wide, *narrow)
    settled: list[tuple[float, float]] = []
    for u in everything:
        found_at = rays.radii(box, u, order=ORDER, rounding=rounding, largest=largest)
        if found_at is None:
            # One ray without a series is enough, and a search in vain is the longest.
            return None, Misfit(None, 0.0), False
        settled.append(found_at)
    radius = min(best for best, _ in settled)
    reached = min(reach(box, u, widest, rounding) for u, (_, widest) in zip(everything, settled, strict=True))
    misfit = _misfit(box, directions, radius, rounding)
    jump = _jump(box, everything, radius, at_zero, rounding)
    hidden = _hidden(box, everything, rounding) if rounding == SINGLE or reached < TINY else None
    if misfit.order is not None or jump or hidden is not None:
        return None, misfit, jump
    found = replace(base, kind="analytic", order=None, radius=radius, residual=misfit.residual)
    if reached < TINY:
        return _epsilon(box, found, wide, reached * float(np.sqrt(np.mean(wide[0] ** 2)))), misfit, jump
    at_origin = "" if np.isfinite(at_zero) else f"its value at 0 is {at_zero}, and the limit there is finite; "
    reason = f"{at_origin}its Taylor series settles along rays of length {radius:g} about 0"
    return replace(found, reason=reason), misfit, jump


def _misfit(box: BlackBox, directions: tuple[list[Array], list[Array]], radius: float, rounding: float) -> Misfit:
    """The largest misfit in a few planes, of directions in which all data move or only few."""
    wide, narrow = directions
    planes = [(wide[0], wide[1]), (wide[1], wide[2]), (narrow[2], narrow[3]), (narrow[0], narrow[4])]
    found = [between_rays(box, u, v, radius, rounding, ORDER) for u, v in planes]
    broken = [one for one in found if one.order is not None]
    if broken:
        return min(broken, key=lambda one: (one.order or 0, -one.residual))
    return max(found, key=lambda one: one.residual)


def _jump(box: BlackBox, directions: tuple[Array, ...], radius: float, at_zero: float, rounding: float) -> bool:
    """Whether limits along rays differ from one another, or from the value at 0 if there is one."""
    found = [rays.along(box, u, radius, order=ORDER, rounding=rounding) for u in directions]
    limits = np.array([ray.coefficients[0] for ray in found])
    if np.isfinite(at_zero):
        limits = np.append(limits, at_zero)
    size = max(float((np.abs(ray.coefficients) * radius ** np.arange(ORDER + 1.0)).max()) for ray in found)
    errors = max(float(ray.errors[0]) for ray in found)
    return float(np.ptp(limits)) > 20 * errors + max(1e-8, 100 * rounding) * size


def _hidden(box: BlackBox, directions: tuple[Array, ...], rounding: float) -> float | None:
    """A power that no smooth function has, where rounding makes a series appear to converge."""
    # In single precision the fifth and sixth powers are lost in rounding.
    seen = [powers(box, u, rounding, 4 if rounding == SINGLE else 6).broken for u in directions]
    return min((one for one in seen if one is not None), default=None)


def _homogeneous(box: BlackBox, base: Regularity, wide: list[Array], at_zero: float) -> Regularity | None:
    less = at_zero if np.isfinite(at_zero) else 0.0
    size = max(abs(box(u)) for u in wide)
    for constant, kept in ((0.0, ""), (less, "up to its value at 0, ")):
        # The rounding error of a difference from the value at 0 grows as t falls.
        decades = DECADES if not constant else DECADES[2:]
        degree, deviation = degree_of(box, wide, decades, constant)
        lost = size / max(min(abs(box(u) - constant) for u in wide), 1e-300) * min(decades) ** -max(degree, 0.0)
        allowed = 1e3 * base.rounding * (lost if constant else 1.0)
        if deviation < min(max(allowed, 1e-10), 1e-2) and (degree > 0 or not constant):
            whole = int(degree) if float(degree).is_integer() else degree
            along_rays = ": constant along every ray, with no Hessian at 0" if degree == 0 else ", and no polynomial"
            reason = f"{kept}homogeneous of degree {whole:.4g}{along_rays}"
            existing = max(int(np.ceil(degree)) - 1, 0) if degree > 0 else None
            return replace(base, kind="homogeneous", reason=reason, degree=whole, order=existing, residual=deviation)
    return None


def _epsilon(box: BlackBox, base: Regularity, wide: list[Array], scale: float) -> Regularity:
    degree, deviation = degree_of(box, wide, (3.0, 10.0, 30.0, 100.0), 0.0)
    beyond, whole = "", None
    if deviation < 1e-2:
        whole = round(degree)
        beyond = f"; beyond it is homogeneous of degree {whole}"
    reason = (
        f"smooth only while coordinates are below about {scale:.1g}, where coefficients grow like powers of "
        f"1/{scale:.1g}: an epsilon of the code{beyond}"
    )
    return replace(base, kind="epsilon", reason=reason, scale=scale, degree=whole, radius=0.0)


def _broken(
    box: BlackBox,
    base: Regularity,
    directions: tuple[Array, ...],
    wide: list[Array],
    at_zero: float,
    misfit: Misfit,
    *,
    jump: bool,
) -> Regularity:
    """The regularity of a loss that has no series and is not homogeneous."""
    near = np.array([box(1e-6 * u) for u in directions])
    bad = int((~np.isfinite(near)).sum())
    if not np.isfinite(at_zero) or bad:
        where = f"it is {at_zero} at 0" if not np.isfinite(at_zero) else f"it is not finite along {bad} rays near 0"
        return replace(base, kind="undefined", reason=f"{where}, and has no expansion there", residual=np.inf)
    if jump or misfit.order == 0:
        reason = "it tends to different values along different rays, so it has no value at 0 that is a limit"
        return replace(base, kind="undefined", reason=reason, residual=misfit.residual)
    found: list[Powers] = [powers(box, u, base.rounding, 4 if base.rounding == SINGLE else 6) for u in directions]
    broken = [one.broken for one in found if one.broken is not None]
    scales = [one.scale for one in found if one.scale is not None and one.scale < TINY]
    # |z| + ε is smooth only to second order, and only the ε shows.
    if broken and not (min(broken) > 2.15 and scales):
        return _by_power(base, min(broken))
    if misfit.order is not None:
        reason = (
            f"its terms of order {misfit.order} are not a polynomial of the embeddings, though smooth along each ray: "
            f"not {misfit.order} times differentiable"
        )
        return replace(base, kind="rough", reason=reason, order=misfit.order - 1, residual=misfit.residual)
    if scales:
        return _epsilon(box, base, wide, min(scales) * float(np.sqrt(np.mean(wide[0] ** 2))))
    return replace(base, reason="its series does not settle about 0, and no power of t that breaks it is seen")


def _by_power(base: Regularity, power: float) -> Regularity:
    if power < 0.15:
        reason = "it does not tend to its value at 0"
        return replace(base, kind="undefined", reason=reason)
    order = max(int(np.ceil(power - 0.1)) - 1, 0)
    if power < 1.15:
        reason = f"it leaves 0 like {name_of(power)} along some rays: one-sided derivatives differ"
        return replace(base, kind="cusp", reason=reason, order=0)
    reason = f"it has a term like {name_of(power)} along some rays: derivatives exist through order {order} alone"
    return replace(base, kind="rough", reason=reason, order=order)
