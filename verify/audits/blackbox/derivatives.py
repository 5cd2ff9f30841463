"""Automatic differentiation of a black box compared with its values.

Autograd can be silently wrong: zero at coincident points (torch.cdist), or the gradient of something other than the
value (a branch behind a stop-gradient). Where the two disagree the values decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from derive import InputError
from verify.audits.blackbox import autograd, rays
from verify.audits.blackbox.rays import DOUBLE, SINGLE
from verify.audits.blackbox.smoothness import dense, sparse
from verify.truths.function import BlackBox

Array = NDArray[np.float64]
FAILURES = (RuntimeError, NotImplementedError)


@dataclass(frozen=True)
class Derivatives:
    """Whether automatic differentiation gives the derivatives of the values.

    Attributes:
        agrees: True or False; None where there is no derivative to compare.
        note: what was found.
        order: of the first coefficient that differs, None where none does; 1 where the gradient away from 0 differs.
        autograd: that coefficient of t^order, by automatic differentiation.
        values: the same coefficient from values.
        error: the estimated error of the latter.
        detached: whether the gradient away from 0, where no points coincide, differs as well.

    """

    agrees: bool | None
    note: str
    order: int | None = None
    autograd: float | None = None
    values: float | None = None
    error: float | None = None
    detached: bool = False


def compare(
    box: BlackBox,
    *,
    N: int,
    radius: float,
    d: int = 2,
    order: int = 4,
    seed: int = 0,
    directions: Sequence[Array] | None = None,
) -> Derivatives:
    """Taylor coefficients at 0 by automatic differentiation and from values, along dense and sparse rays.

    Args:
        box: the loss.
        N: the number of data.
        radius: of the rays (`Regularity.radius`).
        d: the number of coordinates.
        order: of the highest coefficient.
        seed: of the directions.
        directions: the rays, (2, N, d) each, instead of random ones.

    >>> def loss(z1, z2):  # as torch.cdist does inside
    ...     return ((((z1[:, None] - z2[None]) ** 2).sum(-1).clamp(min=1e-30).sqrt()) ** 2).mean()
    >>> compare(BlackBox(loss), N=2, radius=1.0).note
    'autograd gives 0 for the coefficient of t^2 where values give 0.42: trust the values'
    """
    rng = np.random.default_rng(seed)
    if directions is None:
        directions = [*dense(rng, N, d, 2), *sparse(N, d)]
    rounding = SINGLE if box.seen.single or box.dtype is torch.float32 else DOUBLE
    start, step = dense(rng, N, d, 2)
    beyond = ""
    try:
        gradient = _gradient(box, radius / 2 * start, step)
        if gradient is None:
            return Derivatives(None, "no automatic differentiation: the value has no graph (.item(), .detach(), NumPy)")
        try:
            found = [autograd.along(box, u, order) for u in directions]
        except FAILURES as error:
            # The second derivative may exist and be wrong.
            beyond, order = f"no automatic differentiation through order {order}: {_first_sentence(error)}", 2
            found = [autograd.along(box, u, order) for u in directions]
    except (InputError, *FAILURES) as error:
        return Derivatives(None, f"no automatic differentiation: {_first_sentence(error)}")
    if not all(np.isfinite(one).all() for one in found):
        return Derivatives(None, "no automatic differentiation: autograd gives NaN at 0")
    detached = _detached(box, gradient, radius / 2 * start, step, radius, rounding)
    if detached is not None:
        return detached
    for u, coefficients in zip(directions, found, strict=True):
        ray = rays.along(box, u, radius, order=order, rounding=rounding)
        allowed = _allowed(ray, order, rounding)
        differ = np.flatnonzero(np.abs(coefficients - ray.coefficients) > allowed)
        if len(differ):
            k = int(differ[0])
            mine, theirs = float(coefficients[k]), float(ray.coefficients[k])
            note = f"autograd gives {mine:.3g} for the coefficient of t^{k} where values give {theirs:.3g}"
            return Derivatives(agrees=False, **_named(f"{note}: trust the values", k, mine, theirs, ray))
    if beyond:
        return Derivatives(None, beyond)
    return Derivatives(
        agrees=True, note=f"autograd and values agree through order {order} along {len(directions)} rays"
    )


def _gradient(box: BlackBox, start: Array, step: Array) -> float | None:
    """The derivative along a step at a point where nothing coincides; None where the value has no graph."""
    t = torch.zeros((), dtype=torch.float64, requires_grad=True)
    value = box.tensor(torch.from_numpy(start) + t * torch.from_numpy(step))
    if not value.requires_grad:
        return None
    slope = box.gradient(value, t)
    return float(slope)


def _detached(
    box: BlackBox, gradient: float, start: Array, step: Array, radius: float, rounding: float
) -> Derivatives | None:
    def moved(t: Array) -> float:
        return box(start + t)

    ray = rays.along(moved, step, radius / 4, order=1, rounding=rounding)
    slope = float(ray.coefficients[1])
    allowed = float(_allowed(ray, 1, rounding)[1])
    if abs(gradient - slope) <= allowed:
        return None
    note = (
        f"autograd's slope is {gradient:.3g} where the values' is {slope:.3g}, away from 0 too: part of the loss is "
        "detached from the graph. The expansion is of the value, as a function of numbers; training follows another "
        "vector field, which is not the gradient of it"
    )
    return Derivatives(agrees=False, detached=True, **_named(note, 1, gradient, slope, ray))


def _named(note: str, order: int, mine: float, theirs: float, ray: rays.Ray) -> dict[str, Any]:
    return {"note": note, "order": order, "autograd": mine, "values": theirs, "error": float(ray.errors[order])}


def _allowed(ray: rays.Ray, order: int, rounding: float) -> Array:
    """The possible error of each coefficient, from rounding, also of the largest term of the series there."""
    powers = ray.radius ** np.arange(order + 1.0)
    size = float((np.abs(ray.coefficients[1:]) * powers[1:]).max())
    first = abs(float(ray.coefficients[0]))
    return np.asarray(10 * ray.errors + max(1e-7, 2e4 * rounding) * size / powers + 100 * rounding * first / powers)


def _first_sentence(error: Exception) -> str:
    return str(error).split("\n", maxsplit=1)[0].split(". ", maxsplit=1)[0].strip().rstrip(".")
