"""What is said of the modes at a global minimum: their powers, which are kept, and where that changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

Array = NDArray[np.float64]
# Powers of whitened modes, (p, n), from correlations (p, n).
Powers = Callable[[Array], Array]

# Powers below this are zero.
SMALL = 1e-9
# Relative errors of what is solved, and of what a descent ends at.
SOLVED, DESCENDED = 1e-12, 1e-7
# Steps of a scan of λ for a change, and how far the change is then closed in on.
GRID, CLOSE = 32, 1e-12


@dataclass(frozen=True, eq=False)
class Kept:
    """The modes at the global minimum.

    Attributes:
        powers: (n,), the eigenvalues of Σ^½ WᵀW Σ^½; ∞ where the loss falls without end along a mode, nan where the
            minimum is not known.
        kept: whether each mode is kept; None where that is not known.
        rank: of W; None where it is not known.
        notes: what a reader has to know besides, in sentences.
        precision: the relative error of the powers as those of the landscape.

    """

    powers: Array
    kept: tuple[bool | None, ...]
    rank: int | None
    notes: tuple[str, ...] = ()
    precision: float = SOLVED

    @classmethod
    def unknown(cls, size: int, why: str) -> Kept:
        """Nothing is known, for a reason."""
        return cls(np.full(size, np.nan), (None,) * size, None, (why,))

    @classmethod
    def of_powers(cls, powers: Array, *notes: str, rank: int | None = None, precision: float = SOLVED) -> Kept:
        """The modes with these powers; a row for each that is kept unless another rank is given."""
        if not np.isfinite(powers).all():
            return cls.unknown(len(powers), "no minimum was found")
        kept = powers > SMALL
        rank = int(kept.sum()) if rank is None else rank
        return cls(np.where(kept, powers, 0.0), tuple(map(bool, kept)), rank, notes, precision)


@dataclass(frozen=True)
class Formulas:
    """The powers as formulas.

    Attributes:
        values: b_i, and h_i or Q_ij and K_ij, by name, as SymPy writes them.
        text: all of it, in plain text; "" where none is known.
        lost: the condition under which some mode is lost although W has a row for each, "never" or "always"; None where
            that is not known.
        lost_text: the same in a sentence.
        latex: the formulas in LaTeX, a line each.

    """

    values: Mapping[str, str]
    text: str
    lost: str | None = None
    lost_text: str = ""
    latex: tuple[str, ...] = ()


@dataclass(frozen=True)
class Changes:
    """For each mode the correlation at which it begins to be kept, those of the others fixed; None without one."""

    at: tuple[sympy.Expr | float | None, ...]

    @classmethod
    def unknown(cls, size: int) -> Changes:
        """Nothing is known."""
        return cls((None,) * size)


def nearest_changes(powers: Powers, lam: Array, close: float = CLOSE) -> Changes:
    """For each mode the nearest correlation at which it begins, or ceases, to be kept, those of the others fixed.

    >>> [round(one, 6) for one in nearest_changes(lambda lam: np.maximum(lam - 0.3, 0), np.array([0.5, 0.1])).at]
    [0.3, 0.3]
    """
    n = len(lam)

    def kept(i: Array, at: Array) -> Array:
        points = np.repeat(lam[None], len(i), 0)
        points[np.arange(len(i)), i] = at
        return np.asarray(powers(points)[np.arange(len(i)), i] > SMALL)

    here = powers(lam[None])[0] > SMALL
    grid = np.linspace(0.0, 1.0, GRID + 1)
    table = kept(np.repeat(np.arange(n), len(grid)), np.tile(grid, n)).reshape(n, len(grid))
    brackets: list[tuple[int, float, float]] = []
    for i in range(n):
        for side in (grid[grid < lam[i]][::-1], grid[grid > lam[i]]):
            near = lam[i]
            for far in side:
                if table[i, np.searchsorted(grid, far)] != here[i]:
                    brackets.append((i, near, far))
                    break
                near = far
    if not brackets:
        return Changes.unknown(n)
    index = np.array([i for i, _, _ in brackets])
    near, far = (np.array([one[k] for one in brackets]) for k in (1, 2))
    while (np.abs(far - near) > close).any():
        middle = (near + far) / 2
        same = kept(index, middle) == here[index]
        near, far = np.where(same, middle, near), np.where(same, far, middle)
    found: list[Any] = [None] * n
    for i, at in zip(index.tolist(), far.tolist(), strict=True):
        # A power grows from 0, so that a change at an end is seen a little inside.
        change = 0.0 if at < 100 * SMALL else 1.0 if at > 1 - 100 * SMALL else round(at, 9)
        if found[i] is None or abs(change - lam[i]) < abs(found[i] - lam[i]):
            found[i] = change
    return Changes(tuple(found))


def nearest_change(
    kept: Callable[[sympy.Expr], bool], at: sympy.Expr, *, grid: int = GRID, close: float = CLOSE
) -> sympy.Expr | None:
    """The same for one mode, for a predicate of its correlation.

    >>> nearest_change(lambda at: at > sympy.Rational(1, 4), sympy.Rational(1, 2))
    1/4
    """
    here, found = kept(at), []
    for end in (sympy.S.Zero, sympy.S.One):
        near = at
        for k in range(1, grid + 1):
            far = at + (end - at) * sympy.Rational(k, grid)
            if kept(far) != here:
                while abs(far - near) > close:
                    middle = (near + far) / 2
                    near, far = (middle, far) if kept(middle) == here else (near, middle)
                found.append(far if far in (0, 1) else sympy.Rational(far).limit_denominator(int(1 / close) // 100))
                break
            near = far
    return min(found, key=lambda one: abs(one - at)) if found else None
