"""The landscape of a loss of unit vectors over the shares of its modes: the global minimum, thresholds, errors.

W acts on whitened modes through the eigenvalues of Σ^½ WᵀW Σ^½; a loss of cosines sees their ratios alone, the *shares*
p_i, which add to 1. Here W's rows are along the modes, one each: the shares are those of the modes.

    L(p) = constant − a E cos(u, u′) + Σ of repulsions      (`derive.sphere.pairs`)

Each part is a one- or two-dimensional integral (`alignment`, `repulsion`); the mean over directions that a repulsion
leaves is over quasi-random points, the same for all p, and several independent sets of them give the error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from derive import InputError
from numeric.sphere.alignment import mean_cosine, slopes_of_lost
from numeric.sphere.many_modes import Filled, filled, lowest
from numeric.sphere.minimum import SIGNIFICANT, Shares, solved
from numeric.sphere.quadrature import FINER, NODES
from numeric.sphere.repulsion import log_mean_exp, powers, squares

if TYPE_CHECKING:
    from derive.sphere.pairs import PairForm

Array = NDArray[np.float64]

# Directions in a set of quasi-random points, by the number of modes, and the number of sets.
POINTS, MOST, FEWEST, SETS = 1 << 14, 1 << 9, 1 << 7, 4
# How far below the estimated threshold modes are still looked at, and how many at least.
SLACK, AT_LEAST = 0.05, 6


@dataclass(frozen=True)
class Push:
    """A repulsion in numbers; see `derive.sphere.pairs.Repulsion`."""

    kind: str
    weight: float
    rate: float


@dataclass(frozen=True, eq=False)
class ShareLandscape:
    """L over the shares, on one set of points.

    Attributes:
        aligned: the weight of −E cos(u, u′), positive.
        pushes: the repulsions.
        correlations: λ (n,).
        constant: the part that does not depend on f.
        points: ξ² (draws, n), where a repulsion is averaged over directions.
        nodes: of the rules.

    """

    aligned: float
    pushes: tuple[Push, ...]
    correlations: Array
    points: Array
    constant: float = 0.0
    nodes: int = NODES

    def value(self, shares: Array) -> tuple[float, Array]:
        """L and its gradient (n,) at shares, not negative, of any sum.

        >>> from derive import catalogue
        >>> from derive.sphere.pairs import pair_form
        >>> one = landscape(pair_form(catalogue("spectral+normalised").filled()), np.array([0.9, 0.5]))
        >>> value, slope = one.value(np.array([2.0, 1.0]))
        >>> bool(abs(slope @ [2.0, 1.0]) < 1e-12)  # only ratios matter
        True
        """
        cosine, slope = mean_cosine(shares, self.correlations, self.nodes)
        total, gradient = self.constant - self.aligned * cosine, -self.aligned * slope
        for push in self.pushes:
            more, along = self.pushed(push, shares)
            total, gradient = total + push.weight * more, gradient + push.weight * along
        return total, gradient

    def pushed(self, push: Push, shares: Array) -> tuple[float, Array]:
        """One repulsion without its weight, and its gradient (n,)."""
        if push.kind == "power":
            values, slopes = powers(shares, int(push.rate), self.points, self.nodes)
        else:
            values, slopes = log_mean_exp(shares, push.rate, self.points, self.nodes)
        if push.kind != "log of all":
            return float(values.mean()), slopes.mean(0)
        top = values.max()
        grown = np.exp(values - top)
        return float(np.log(grown.mean()) + top), (grown @ slopes) / grown.sum()

    def threshold(self, shares: Array) -> float:
        """λ_c: the view correlation from which on a lost mode comes back, with the others at given shares."""
        alpha, beta = self.of_lost(shares)
        return beta / alpha

    def of_lost(self, shares: Array) -> tuple[float, float]:
        """α and β: the slope along a lost mode's share is β − α λ, α positive; see `derive.sphere.transverse`."""
        along, against = slopes_of_lost(shares, self.correlations, self.nodes)
        return self.aligned * along, self.pushed_lost(shares) + self.aligned * against

    def pushed_lost(self, shares: Array) -> float:
        """What repulsions give to β."""
        kept = shares > 0
        # A lost mode is independent of the directions of the kept ones: E ξ² = 1.
        points = np.column_stack([self.points[:, kept], np.ones(len(self.points))])
        beside = replace(self, correlations=np.append(self.correlations[kept], 0.0), points=points)
        at = np.append(shares[kept], 0.0)
        return sum(push.weight * float(beside.pushed(push, at)[1][-1]) for push in self.pushes)


def landscape(
    form: PairForm, correlations: Sequence[float] | Array, *, seed: int = 0, points: int | None = None,
    nodes: int = NODES,
) -> ShareLandscape:  # fmt: skip
    """The landscape of a loss whose parameters are set, on one set of quasi-random points.

    Args:
        form: the loss by its means over pairs; no symbol is left in it.
        correlations: λ_i of each mode, from 0 to 1.
        seed: of the points.
        points: their number, a power of 2; more for few modes unless given.
        nodes: of the rules.

    Raises:
        InputError: a symbol without a value, or a loss that does not pull views of a datum together.
    """
    _check(form)
    lam = np.asarray(correlations, dtype=np.float64)
    size = points or max(FEWEST, min(MOST, POINTS >> (len(lam) - 1).bit_length()))
    pushes = tuple(Push(one.kind, float(one.weight), float(one.rate)) for one in form.repulsions)
    return ShareLandscape(float(form.aligned), pushes, lam, squares(len(lam), size, seed), float(form.constant), nodes)


def many_modes(form: PairForm, correlations: Array) -> Filled | None:
    """The shares to leading order in the number of kept modes; None where no formula is known or has a solution.

    The sum over repulsions is taken as one push: see `numeric.sphere.many_modes`.
    """
    if len(form.repulsions) != 1:
        return None
    (push,) = form.repulsions
    pull, weight, rate = float(form.aligned), float(push.weight), float(push.rate)
    if weight <= 0:
        return None
    if push.kind == "power":
        return filled(correlations, pull / (2 * weight)) if rate == 2 else None
    return lowest(correlations, pull, weight, rate)


def shares(form: PairForm, correlations: Sequence[float] | Array, *, seed: int = 0) -> Shares:
    """The shares of the modes at the global minimum, with errors.

    The minimum is found on several independent sets of points; their spread is the error, with the difference that a
    finer rule makes. Modes far below the threshold do not enter; whether they are lost is checked at the end.

    >>> from derive import Rational, catalogue
    >>> from derive.sphere.pairs import pair_form
    >>> loss = catalogue("infonce+normalised").set({"tau": Rational(1, 2)})
    >>> found = shares(pair_form(loss), [0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.2])
    >>> found.kept, bool(found.errors.max() < 0.01)
    ((True, True, True, True, True, True, False), True)
    """
    _check(form)
    lam = np.asarray(correlations, dtype=np.float64)
    guess = many_modes(form, lam)
    level = -np.inf if guess is None else guess.threshold - SLACK
    while True:
        least = np.sort(lam)[-min(len(lam), AT_LEAST)]
        near = lam >= min(level, least)
        found = _solved(form, lam[near], None if guess is None else guess.shares[near], seed)
        reached = found.threshold - SIGNIFICANT * found.threshold_error
        if near.all() or lam[~near].max() < reached:
            break
        level = reached - SLACK
    whole, kept = np.zeros((2, len(lam))), np.zeros(len(lam), dtype=object)
    whole[:, near], kept[near] = (found.shares, found.errors), found.kept
    of_all = tuple(None if one is None else bool(one) for one in kept)
    return replace(found, shares=whole[0], errors=whole[1], kept=of_all)


def _check(form: PairForm) -> None:
    """Refuse a loss whose landscape over the shares cannot be had in numbers."""
    parts = (form.constant, form.aligned, *(one for push in form.repulsions for one in (push.weight, push.rate)))
    left = sorted({symbol.name for part in parts for symbol in part.free_symbols})
    if left:
        raise InputError(f"the shares depend on {', '.join(left)}: give {' '.join(f'--set {one}=…' for one in left)}")
    if float(form.aligned) <= 0:
        raise InputError("the loss does not pull two views of a datum together: it has no landscape of kept modes")


def _solved(form: PairForm, lam: Array, guess: Array | None, seed: int) -> Shares:
    """The shares of modes that all may be kept."""
    sets = [landscape(form, lam, seed=SETS * seed + k) for k in range(SETS)]
    return solved(sets, lam, starts(lam, guess), landscape(form, lam, seed=SETS * seed, nodes=FINER))


def starts(correlations: Array, guess: Array | None = None) -> list[Array]:
    """Shares at which descents begin: a guess, or equal ones; and mostly the modes of high correlation."""
    n = len(correlations)
    steep = (correlations - correlations.min() + 0.05) ** 4
    first = np.full(n, 1 / n) if guess is None or not guess.any() else 0.99 * guess / guess.sum() + 0.01 / n
    return [first, steep / steep.sum()]
