"""Which modes are kept at the global minimum of a landscape to all orders whose modes are separate.

On each mode the loss is a function ℓ(h) of one number (`derive.landscape.exact_modes`). Its lowest point is among h = 0
and the roots of ℓ′, which are isolated exactly; with fewer rows than modes those of the lowest ℓ get one each.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import mpmath
import numpy as np
import sympy
from numpy.typing import NDArray

from derive.algebra.letters import named
from derive.landscape.exact_modes import ExactModes
from derive.landscape.landscape import a_i, c_i
from derive.landscape.mode_potential import ModePotential, h
from numeric.landscape.exact_modes import collapse_threshold, stationary_modes
from numeric.landscape.kept import Changes, Kept, nearest_change
from numeric.landscape.spectrum import Spectrum

Array = NDArray[np.float64]

DIGITS = 20
# The relative error of powers in floats.
ROUNDED = 1e-14


@dataclass(frozen=True)
class Lowest:
    """The lowest point of one mode.

    Attributes:
        power: h there, ∞ where ℓ falls without end.
        loss: ℓ there, 0 at h = 0; −∞ where it falls without end.
        open: why it is not known, "" where it is.

    """

    power: Any
    loss: Any
    open: str = ""


@dataclass(frozen=True, eq=False)
class Separate:
    """A landscape of separate modes.

    Attributes:
        modes: the landscape, its parameters set but for d1.
        d1: the number of rows of W.

    """

    modes: ExactModes
    d1: int

    def __post_init__(self) -> None:
        """Keep what has been found for a mode."""
        object.__setattr__(self, "_lowest", lru_cache(maxsize=4096)(self._found))

    @cached_property
    def of_level_alone(self) -> bool:
        """Whether modes differ in b alone: any basis of the eigenvectors of Σ^(−½) B Σ^(−½) will do."""
        return not self.modes.phi.free_symbols & {a_i, c_i}

    def lowest(self, a: sympy.Expr, c: sympy.Expr) -> Lowest:
        """The lowest point of the mode with these eigenvalues of A0 and C."""
        return self._lowest(a, c)  # type: ignore[attr-defined,no-any-return]

    def _found(self, a: sympy.Expr, c: sympy.Expr) -> Lowest:
        here = self._in_numbers(a, c)
        if here.unbounded is None or here.unbounded not in (sympy.true, sympy.false):
            return Lowest(mpmath.nan, mpmath.nan, here.why_open)
        if here.unbounded == sympy.true:
            return Lowest(mpmath.inf, mpmath.ninf)
        best = Lowest(mpmath.mpf(0), mpmath.mpf(0))
        for point in stationary_modes(here, 1, 1, dps=DIGITS):
            if point.kind == "minimum" and point.loss < best.loss:
                best = Lowest(point.height, point.loss)
        if here.end == sympy.oo and here.growth == 0 and here.edge == 0:
            limit = sympy.limit(here.potential, h, sympy.oo)
            if limit < best.loss:
                return Lowest(mpmath.inf, mpmath.mpf(float(limit)))
        return best

    def _in_numbers(self, a: sympy.Expr, c: sympy.Expr) -> ModePotential:
        modes = self.modes
        end = sympy.oo if modes.end is None else modes.end
        put = {a_i: a, c_i: c} | {
            symbol: sympy.Integer(self.d1)
            for name, symbol in named(modes.level.free_symbols | modes.phi.free_symbols).items()
            if name == "d1"
        }
        level, phi, end = (sympy.sympify(one).xreplace(put) for one in (modes.level, modes.phi, end))
        return ModePotential(level, phi, end=None if modes.end is None else end)

    def kept(self, data: Spectrum) -> Kept:
        """Which modes are kept."""
        found = [self.lowest(*data.of_mode(i)) for i in range(data.size)]
        opened = next((one.open for one in found if one.open), "")
        if opened:
            return Kept.unknown(data.size, f"whether the loss is bounded below along each mode is open: {opened}")
        falling = sorted((i for i in range(data.size) if found[i].loss < 0), key=lambda i: (found[i].loss, i))
        chosen = falling[: self.d1]
        powers = np.array([float(found[i].power) if i in chosen else 0.0 for i in range(data.size)])
        notes = []
        if np.isinf(powers).any():
            notes.append("where no power is given the loss falls without end along the mode: there is no minimum")
        left = falling[self.d1 :]
        if left and found[left[0]].loss == found[chosen[-1]].loss:
            notes.append(
                f"d1 = {self.d1} rows are fewer than the modes that tie for them: which of these are kept is open"
            )
        unseen = [i for i in range(data.size) if self._unseen(*data.of_mode(i))]
        if unseen:
            notes.append(not_seen([data.correlations[i] for i in unseen]))
        kept = tuple(i in chosen for i in range(data.size))
        return Kept(powers, kept, len(chosen), tuple(notes), ROUNDED)

    def _unseen(self, a: sympy.Expr, c: sympy.Expr) -> bool:
        """Whether the loss does not depend on W along a mode."""
        here = self._in_numbers(a, c)
        return bool(here.level == 0 and sympy.expand(here.phi) == 0)

    def changes(self, data: Spectrum) -> Changes:
        """Where modes begin to be kept, as correlations."""
        at = [self._change(data.variances[i], data.correlations[i]) for i in range(data.size)]
        found = [self.lowest(*data.of_mode(i)) for i in range(data.size)]
        order = sorted((i for i in range(data.size) if found[i].loss < 0), key=lambda i: (found[i].loss, i))
        if len(order) <= self.d1 or any(one != 1 for one in data.variances) or not self._rises:
            return Changes(tuple(at)) if len(order) <= self.d1 else Changes((None,) * data.size)
        # Fewer rows than modes: the last that is kept and the first that is not would change places.
        last, first = (data.correlations[order[place]] for place in (self.d1 - 1, self.d1))
        limits = tuple(first if i in order[: self.d1] else last for i in range(data.size))
        return Changes(tuple(limit if one is None else max(one, limit) for one, limit in zip(at, limits, strict=True)))

    @cached_property
    def _rises(self) -> bool:
        """Whether modes of a larger correlation fall further."""
        low, high = (self._in_numbers(a, 1 - a).level for a in (sympy.S.Zero, sympy.S.One))
        return self.of_level_alone and bool(high > low)

    def _change(self, s: sympy.Expr, correlation: sympy.Expr) -> sympy.Expr | None:
        """The correlation at which a mode of variance s begins, or ceases, to be kept; None where there is none."""
        if self.of_level_alone:
            here = self._in_numbers(s, sympy.S.Zero)
            # B is linear in A0 and C.
            low, high = self._in_numbers(sympy.S.Zero, s).level, here.level
            if low == high or here.unbounded is None:
                return None
            floor = sympy.S.Zero if here.convex else _number(collapse_threshold(here, 1, 1))
            where = (floor - low) / (high - low) if floor.is_finite else sympy.oo
            return where if 0 <= where <= 1 else None
        return nearest_change(lambda at: self.lowest(at * s, (1 - at) * s).loss < 0, correlation)


def not_seen(correlations: list[sympy.Expr]) -> str:
    """What is said of modes that a loss does not see.

    >>> not_seen([sympy.S.Zero])
    'the loss does not depend on W along the mode λ = 0: any power is a minimum, and 0 is shown'
    """
    listed = ", ".join(dict.fromkeys(f"{float(one):g}" for one in correlations))
    return f"the loss does not depend on W along the mode λ = {listed}: any power is a minimum, and 0 is shown"


def _number(value: Any) -> sympy.Expr:
    return -sympy.oo if value == mpmath.ninf else sympy.Rational(str(value))
