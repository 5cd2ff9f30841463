"""The strength of an augmentation at which a collapsed mode reopens, with its uncertainty, and what predicts it.

Three answers are compared, for data whose covariances are a function of the strength s:

- where the transverse curvature of the loss itself changes sign (`crossing` of a measured curve);
- where that of the landscape at fixed norm does, the model of normalisation (`predicted`);
- where training from starts of full rank ends at a lower rank (`trained`).

A measured curve uses the same normal numbers for each s, so that its mean is a smooth function of s and has a root; the
root of the expectation differs from it by about δL″/(dL″/ds), which gives the standard error. A root counts where the
curve has opposite signs at the two ends, each beyond its noise, and a slope beyond its noise as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from derive import InputError
from verify.evidence.agreement import sign
from verify.routes.reopening.directions import Opening, opening
from verify.routes.reopening.kept_modes import Masked, curvatures_of, descended, fixed_norm, kept
from verify.routes.reopening.second_order import curvatures
from verify.routes.reopening.transverse import draw, plus_minus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from derive import Loss
    from numeric.sampling import Covariances
    from verify.truths.two_views import TwoViews

Array = NDArray[np.float64]
Family = Callable[[float], "Covariances"]
Curve = Callable[[float], Array]

# A mode whose singular value is below this fraction of the largest is collapsed.
COLLAPSED = 1e-2
# The step of s at which a slope is taken, as a fraction of the bracket.
STEP = 0.05


@dataclass(frozen=True)
class Crossing:
    """A change of sign.

    Attributes:
        strength: s; NaN where there is none.
        error: its standard error; 0 where nothing is random.
        reason: why it was not found; "" where it was.
        absent: whether the curvature has the same sign at both ends, beyond its noise; it is not followed in between.

    """

    strength: float
    error: float
    reason: str = ""
    absent: bool = False

    @property
    def found(self) -> bool:
        """Whether there is a change of sign."""
        return not self.reason

    def text(self) -> str:
        """In a few words.

        >>> Crossing(0.5, 0.01).text(), Crossing(0.5, 0.0).text()
        ('0.500 ± 0.010', '0.5')
        """
        if not self.found:
            return self.reason if self.absent else f"undecided: {self.reason}"
        if self.error == 0:
            return f"{self.strength:.4g}"
        return plus_minus(self.strength, self.error)

    def to_json(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "strength": self.strength if self.found else None,
            "standard_error": self.error if self.found else None,
            "note": self.reason or None,
        }


def crossing(curve: Curve, low: float, high: float, *, tolerance: float = 1e-4) -> Crossing:
    """Where the mean of a curve changes sign between two strengths.

    Args:
        curve: s ↦ independent measurements (units,) of the same random numbers for each s.
        low: the lower end.
        high: the upper end.
        tolerance: of s, as a fraction of the bracket.

    Raises:
        InputError: the ends are not a bracket, or fewer than four measurements.

    >>> noise = np.random.default_rng(0).normal(size=100)
    >>> found = crossing(lambda s: s - 0.5 + 0.1 * noise, 0.0, 2.0)
    >>> abs(found.strength - 0.5) < 3 * found.error, 0.005 < found.error < 0.015
    (True, True)

    """
    if not low < high:
        raise InputError(f"the strengths {low:g} and {high:g} are not a bracket; give the lower one first")
    curve = cache(curve)
    ends = [np.asarray(curve(s), dtype=np.float64) for s in (low, high)]
    if len(ends[0]) < 4:
        raise InputError(f"{len(ends[0])} measurements give no standard error; take 4 or more")
    for s, values in zip((low, high), ends, strict=True):
        mean, error = _mean(values)
        if not sign(mean, error, samples=len(values)):
            return Crossing(np.nan, np.nan, f"the curvature at {s:g} is {mean:.2g} ± {error:.1g}, noise")
    if ends[0].mean() * ends[1].mean() > 0:
        kind = "positive" if ends[0].mean() > 0 else "negative"
        return Crossing(np.nan, np.nan, f"the curvature is {kind} at both {low:g} and {high:g}", absent=True)
    root = _root(lambda s: float(np.mean(curve(s))), low, high, tolerance)
    width = STEP * (high - low)
    below, above = max(low, root - width), min(high, root + width)
    slope, slope_error = _mean((np.asarray(curve(above)) - np.asarray(curve(below))) / (above - below))
    if not sign(slope, slope_error, samples=len(ends[0])):
        return Crossing(np.nan, np.nan, f"its slope there, {slope:.2g} ± {slope_error:.1g}, is noise")
    noise = _mean(np.asarray(curve(root)))[1] / abs(slope)
    return Crossing(root, float(np.hypot(noise, tolerance * (high - low))))


def measured(
    loss: TwoViews, family: Family, point: Callable[[float], Array], *, batch: int, batches: int, seed: int
) -> Curve:
    """The curvature of each batch, at the points W(s), along the direction of the collapsed mode of the largest λ.

    Args:
        loss: of two views (B, N, d1), one value per batch.
        family: s ↦ the covariances.
        point: s ↦ W, of a rank below both of its dimensions.
        batch: N.
        batches: the number of batches, of the same normal numbers for each s.
        seed: of the draws.

    """

    def curve(s: float) -> Array:
        data = family(s)
        here = opening(point(s), data, modes=1)
        return curvatures(loss, draw(data, batch, batches, seed), here).hessian[:, 0, 0]

    return curve


def measured_at_trained(
    loss: TwoViews, family: Family, *, rank: int, d1: int, batch: int, batches: int, seeds: Sequence[int]
) -> Curve:
    """The same at the W to which descent within the kept modes leads: one measurement per seed.

    Each seed trains its own W and measures on its own draws, so that the spread contains the noise of both.
    """

    def one(s: float, seed: int) -> float:
        data = family(s)
        start = np.eye(d1, rank)
        trained = descended(loss, data, rank=rank, d1=d1, batch=batch, batches=batches, seed=2 * seed, start=start)
        here: Opening = opening(trained.W, data, modes=1)
        return float(curvatures(loss, draw(data, batch, batches, 2 * seed + 1), here).hessian.mean())

    return lambda s: np.array([one(s, seed) for seed in seeds])


def predicted(
    loss: Loss,
    family: Family,
    rank: int,
    low: float,
    high: float,
    values: Mapping[str, float] | None = None,
    c: float = 1.0,
) -> Crossing:
    """Where the curvature of the landscape at fixed norm through order 4 changes sign if the largest λ are kept.

    Args:
        loss: the loss without its normalisation.
        family: s ↦ the covariances.
        rank: how many modes are kept.
        low: the lower end.
        high: the upper end.
        values: of the loss's parameters.
        c: the norm E|f|²; 1 for unit vectors.

    """

    def curvature(s: float) -> float:
        data = family(s)
        solved = fixed_norm(loss, data, values, c=c)
        sizes = np.einsum("ik,ij,jk->k", solved.frame, data.Sigma, solved.frame)
        own = np.einsum("ik,ij,jk->k", solved.frame, data.A0, solved.frame) / sizes
        order = np.argsort(-own, kind="stable")
        mask = np.zeros(len(own), dtype=np.bool_)
        mask[order[:rank]] = True
        return float(curvatures_of(solved, kept(solved, mask), data)[order[rank]])

    try:
        ends = curvature(low), curvature(high)
    except InputError as error:
        return Crossing(np.nan, np.nan, str(error))
    if ends[0] * ends[1] > 0:
        kind = "positive" if ends[0] > 0 else "negative"
        return Crossing(np.nan, np.nan, f"the curvature is {kind} at both {low:g} and {high:g}", absent=True)
    return Crossing(_root(curvature, low, high, 1e-10), 0.0)


def trained(
    loss: TwoViews,
    family: Family,
    *,
    rank: int,
    d1: int,
    low: float,
    high: float,
    batch: int,
    batches: int,
    seeds: Sequence[int],
    steps: int = 7,
) -> Crossing:
    """The strength at which training from random starts of full rank begins to lose modes, by bisection for each seed.

    Args:
        loss: of two views (B, N, d1), one value per batch.
        family: s ↦ the covariances.
        rank: how many modes are kept when the others are lost.
        d1: the number of rows of W.
        low: a strength at which all modes are kept, or all but ``rank`` are lost.
        high: a strength at which it is the other way round.
        batch: N.
        batches: the number of batches to average over.
        seeds: of draws and starts.
        steps: halvings of the bracket.

    """

    def lost(s: float, seed: int) -> bool | None:
        found: Masked = descended(loss, family(s), rank=family(s).d0, d1=d1, batch=batch, batches=batches, seed=seed)
        return bool(found.singular[rank] < COLLAPSED * found.singular[0]) if found.converged else None

    middles = []
    for seed in seeds:
        below, above = low, high
        first = lost(below, seed)
        if first is None or lost(above, seed) in (first, None):
            return Crossing(np.nan, np.nan, f"seed {seed} ends alike, or not at all, at {low:g} and {high:g}")
        for _ in range(steps):
            middle = (below + above) / 2
            now = lost(middle, seed)
            if now is None:
                break
            below, above = (middle, above) if now == first else (below, middle)
        middles.append((below + above) / 2)
    if len(middles) < 2:
        return Crossing(np.nan, np.nan, "one seed gives no standard error")
    mean, error = _mean(np.array(middles))
    resolution = (high - low) / 2 ** (steps + 1)
    return Crossing(mean, float(np.hypot(error, resolution)))


def _mean(values: Array) -> tuple[float, float]:
    """The mean and its standard error."""
    with np.errstate(invalid="ignore"):
        return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


def _root(curve: Callable[[float], float], low: float, high: float, tolerance: float) -> float:
    """A root between two strengths at which the curve has opposite signs, by the Illinois variant of the secant method.

    The value at an end that stays twice is halved, so that both ends move in. It stops when the bracket is narrower
    than the tolerance, a fraction of the first bracket, or when a step no longer moves.
    """
    a, b = low, high
    at_a, at_b = curve(a), curve(b)
    stayed = 0
    last = np.inf
    for _ in range(80):
        middle = (a * at_b - b * at_a) / (at_b - at_a)
        value = curve(middle)
        if value == 0 or abs(middle - last) <= tolerance * (high - low) / 4 or b - a <= tolerance * (high - low):
            return middle
        last = middle
        if value * at_a > 0:
            a, at_a, at_b = middle, value, at_b / 2 if stayed == 1 else at_b
            stayed = 1
        else:
            b, at_b, at_a = middle, value, at_a / 2 if stayed == -1 else at_a
            stayed = -1
    return (a + b) / 2
