"""Which modes are kept at the global minimum of a landscape through order 4.

Where it is convex in WᵀW and W has a row for each mode, the powers solve a quadratic program. Elsewhere all masks are
tried, and a descent in all entries of W looks for lower points whose rows hold several modes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import sympy
from numpy.typing import NDArray

from derive import InputError
from numeric.landscape.descent import Smooth, cubic_jacobian, descend
from numeric.landscape.formulas import evaluated
from numeric.landscape.kept import DESCENDED, SMALL, Changes, Kept, Powers, nearest_change, nearest_changes
from numeric.landscape.landscape import couplings
from numeric.landscape.mode_powers import powers_at
from numeric.landscape.modes import MOST_MODES, Modes, StationaryPoint, stationary_points
from numeric.landscape.separate import not_seen
from numeric.landscape.spectrum import Spectrum

if TYPE_CHECKING:
    from derive.landscape.landscape import Isotropic, Landscape

Array = NDArray[np.float64]

# The most entries of W, and the starts, of a descent that looks for rows that hold several modes.
ENTRIES, STARTS = 48, 24
# Losses that differ by less are equal.
TIE = 1e-9
# The most modes for which changes are found mask by mask, the steps of that scan, and how closely.
FEW, STEPS, NEAR = 6, 16, 1e-6


@dataclass(frozen=True, eq=False)
class Quartic:
    """A landscape through order 4 that is bounded below.

    Attributes:
        case: the landscape that holds at the values.
        values: numbers for its parameters, d1 among them where it occurs.
        d1: the number of rows of W.
        fixed: the value at which E|f|² is fixed, None where it is free.

    """

    case: Landscape
    values: Mapping[str, float]
    d1: int
    fixed: float | None = None

    def kept(self, data: Spectrum) -> Kept:
        """Which modes are kept."""
        found = self._found(data)
        a, c = data.lam * data.s, (1 - data.lam) * data.s
        unseen = np.flatnonzero(~self._seen(a, c))
        if len(unseen):
            found = replace(found, notes=(*found.notes, not_seen([data.correlations[i] for i in unseen])))
        if found.rank and self.fixed is None and not self.case.singles:
            told = "no single trace of order 4 is left: modes of the same λ share their power in any way"
            found = replace(found, notes=(*found.notes, told))
        return found

    def _found(self, data: Spectrum) -> Kept:
        if self._by_program(data):
            try:
                return Kept.of_powers(self.powers(data.s)(data.lam[None])[0])
            except InputError:
                # Not convex: columns of W need not be orthogonal.
                pass
        return self._searched(data)

    def changes(self, data: Spectrum) -> Changes:
        """Where modes begin to be kept, as correlations; unknown where the powers come from a search among many."""
        if self._by_program(data):
            try:
                return nearest_changes(self.powers(data.s), data.lam)
            except InputError:
                pass
        if data.size > FEW or self.fixed is not None or self.case.why_not_lowest(self.d1):
            return Changes.unknown(data.size)

        def change(i: int) -> sympy.Expr | None:
            def kept(at: sympy.Expr) -> bool:
                listed = stationary_points(self._modes(data.moved(i, at))[0])
                return bool(listed and listed[0].mask[i])

            return nearest_change(kept, data.correlations[i], grid=STEPS, close=NEAR)

        return Changes(tuple(map(change, range(data.size))))

    def _by_program(self, data: Spectrum) -> bool:
        """Whether the powers solve a quadratic program, if the landscape is convex."""
        if self.case.why_not_lowest(self.d1):
            return False
        if self.d1 >= data.size + self.case.has_bias:
            return True
        if self._isotropic is None:
            return False
        # Of one covariance, the largest eigenvalues are kept.
        q1, q2 = (float(evaluated(value, self.values)) for value in (self._isotropic.q1, self._isotropic.q2))
        return q2 >= 0 and (q1 > 0 or (q1 == 0 and q2 > 0))

    @cached_property
    def _isotropic(self) -> Isotropic | None:
        return None if self.case.has_bias else self.case.isotropic()

    def powers(self, s: Array) -> Powers:
        """The powers at the minimum of a convex landscape; only the largest eigenvalues are kept where rows are few.

        Args:
            s: the variances of the modes, (n,).

        """

        def found(lam: Array) -> Array:
            a, c = lam * s, (1 - lam) * s
            seen = self._seen(a, c)
            total = np.zeros_like(lam)
            # Modes that the loss does not see are left out.
            for pattern in np.unique(seen, axis=0):
                points = np.flatnonzero((seen == pattern).all(-1))
                on = np.flatnonzero(pattern)
                if len(on):
                    total[np.ix_(points, on)] = self._largest(a[np.ix_(points, on)], c[np.ix_(points, on)])
            return total * s

        return found

    def _largest(self, a: Array, c: Array) -> Array:
        fixed = None if self.fixed is None else np.full(len(a), self.fixed)
        case, one, n = self.case, self._isotropic, a.shape[-1]
        if self.d1 >= n or one is None:
            return np.asarray(powers_at(case, self.values, a, c, fixed, case.has_bias)[:, :n])
        letters = {"A": a, "C": c, "S": a + c, "I": np.ones_like(a)}
        descent = -sum(evaluated(value, self.values) * letters[x] for x, value in case.linear.items())
        top = np.argsort(-descent / letters[one.letter], axis=-1, kind="stable")[:, : self.d1]
        found = np.zeros_like(a)
        a, c = (np.take_along_axis(part, top, -1) for part in (a, c))
        np.put_along_axis(found, top, powers_at(case, self.values, a, c, fixed, False), -1)  # noqa: FBT003
        return found

    def _seen(self, a: Array, c: Array) -> NDArray[np.bool_]:
        """Whether the loss depends on W along each mode: some letter that it has does not vanish there."""
        case = self.case
        used = {
            x for part in (case.linear, case.singles, case.products, case.coordinates) for pair in part for x in pair
        }
        letters = {"A": a, "C": c, "S": a + c, "I": np.ones_like(a)}
        return np.asarray(np.any([letters[x] != 0 for x in used if x in letters], axis=0))

    def _searched(self, data: Spectrum) -> Kept:
        """By all masks, and by descent in all entries of W."""
        if self.fixed is not None:
            return Kept.unknown(data.size, "with the norm fixed the landscape is not convex here; it is not searched")
        if data.size + self.case.has_bias > MOST_MODES:
            why = f"the landscape is not convex in WᵀW, or rows are few, and {data.size} modes have too many masks"
            return Kept.unknown(data.size, why)
        modes, D = self._modes(data)
        listed = stationary_points(modes)
        if modes.size * modes.d1 > ENTRIES:
            if not listed:
                return Kept.unknown(data.size, "no minimum was found")
            return self._of_mask(data, listed, "points whose rows hold several modes were not looked for")
        V, lower = descended(modes, D)
        loss = listed[0].loss if listed else np.inf
        if lower < loss - TIE * (1 + abs(lower)):
            note = "rows of W hold several modes: each power is that of the mode's column, and no eigenvalue"
        elif lower > loss + TIE * (1 + abs(loss)) and self.case.why_not_lowest(self.d1):
            # What is listed is a bound that no W attains.
            note = f"the powers are where the lowest of {STARTS} descents ends; no formula is known for d1 = {self.d1}"
        else:
            return self._of_mask(data, listed)
        rank = int((np.linalg.svd(V[:, : data.size], compute_uv=False) ** 2 > SMALL).sum())
        return Kept.of_powers((V**2).sum(0)[: data.size] * data.s, note, rank=rank, precision=DESCENDED)

    def _of_mask(self, data: Spectrum, listed: tuple[StationaryPoint, ...], *notes: str) -> Kept:
        tied = [one for one in listed if one.loss <= listed[0].loss + TIE * (1 + abs(listed[0].loss))]
        several = ("several choices of modes tie for the lowest loss; one of them is shown",) if len(tied) > 1 else ()
        return Kept.of_powers(listed[0].powers[: data.size] * data.s, *notes, *several)

    def _modes(self, data: Spectrum) -> tuple[Modes, Array | None]:
        """The landscape in numbers, and the sums over coordinates beside it."""
        a, c = data.lam * data.s, (1 - data.lam) * data.s
        letters = {"A": a, "C": c, "S": a + c, "I": np.ones_like(a), "D": np.zeros_like(a)}
        if self.case.has_bias:
            letters = {name: np.append(x, float(name == "D")) for name, x in letters.items()}
        b, Q, K, D = couplings(self.case, letters, {**self.values, "d1": self.d1})
        if self.case.rotation == "any":
            return Modes(b, Q, K, self.d1), None
        one_a_row = self.case.rotation in ("one mode a row", "indefinite")
        return Modes(b, Q, K, self.d1, D=D if one_a_row else None), D


def descended(modes: Modes, D: Array | None) -> tuple[Array, float]:
    """The lowest end of many descents in all entries of the columns by modes, (d1, n), and the loss there.

    Args:
        modes: the landscape in numbers.
        D: (n, n), the coefficients of Σ_r (w_i)_r² (w_j)_r² where there are sums over coordinates; counted in Q or K.

    """
    Q, K = modes.Q, modes.K
    if D is not None:
        Q, K = (Q - D, K) if modes.D is not None else (Q, K - D / modes.d1)
    shape = modes.d1, modes.size

    def value(x: Array) -> Array:
        V = x.reshape(-1, *shape)
        gram, power = V.swapaxes(-1, -2) @ V, (V**2).sum(-2)
        total = -(power @ modes.b) + (Q * gram**2).sum((-2, -1)) + np.einsum("pi,ij,pj->p", power, K, power)
        return np.asarray(total if D is None else total + np.einsum("pri,ij,prj->p", V**2, D, V**2))

    def gradient(x: Array) -> Array:
        V = x.reshape(-1, *shape)
        gram, power = V.swapaxes(-1, -2) @ V, (V**2).sum(-2)
        found = 4 * V @ (Q * gram) + 2 * V * (2 * power @ K - modes.b)[:, None, :]
        return np.asarray(found if D is None else found + 4 * V * (V**2 @ D)).reshape(x.shape)

    function = Smooth(value, gradient, lambda x: cubic_jacobian(gradient, x))
    starts = np.random.default_rng(0).standard_normal((STARTS, shape[0] * shape[1]))
    ends = descend(function, starts, tolerance=1e-9)
    losses = value(ends.x)
    at = int(losses.argmin())
    return ends.x[at].reshape(shape), float(losses[at])
