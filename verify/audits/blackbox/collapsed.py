"""The value of a torch loss where all of its embeddings are equal, or on two opposite sides, as a formula in N.

It is measured at small batches and at a larger one, and recognised: a polynomial in N, or c log(a N + b), as of a mean
of cross entropies; times N or over N, as of sums and means. What is recognised passes through more points than it has
numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from derive import InputError
from derive.definition.notation import TEXT
from verify.audits.blackbox.exact import rational
from verify.truths.function import BlackBox

Array = NDArray[np.float64]
N = sympy.Symbol("N")

# Batch sizes beyond the smallest one, twice as many for two sides; the last is a test alone.
STEPS, LATER = 8, 64
# The width of embeddings, and lengths of the common vector between which a loss is told that does not see it.
WIDTH, LENGTHS = 4, (1.0, 2.5)
# How far off a recognised formula may be, in double and in single precision, relative to the largest value.
DOUBLE, SINGLE = 1e-9, 2e-5
# Factors of a logarithm; the largest part of a fraction; decimals of coefficients that are not rational.
SMALLEST, LARGEST, LONGEST, DECIMALS = 1e-3, 1e3, 10_000, 7


@dataclass(frozen=True)
class CollapsedValue:
    """The value of a loss where next to nothing is left of its embeddings.

    Attributes:
        state: "all outputs equal", whatever the vector; "all outputs 0" where that matters; "kept rank 1".
        numbers: by batch size.
        formula: in N; None where none is recognised.

    """

    state: str
    numbers: Mapping[int, float]
    formula: sympy.Expr | None

    def text(self) -> str:
        """The formula, or the first numbers, and the state."""
        if self.formula is not None:
            said = TEXT.scalar(_short(self.formula))
        else:
            said = ", ".join(f"{value:.6g} (N = {size})" for size, value in list(self.numbers.items())[:3])
        return f"{said} with {self.state.replace('kept rank 1', 'a kept rank of 1')}"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        formula = None if self.formula is None else str(self.formula)
        numbers = {str(size): value for size, value in self.numbers.items()}
        return {"state": self.state, "formula": formula, "numbers": numbers}


def collapsed_values(box: BlackBox, *, smallest: int = 2, only: int | None = None) -> tuple[CollapsedValue, ...]:
    """What a loss is at complete collapse and, if lengths do not matter to it, at a kept rank of 1.

    Empty where it is no finite number there.

    Args:
        box: the loss.
        smallest: the smallest batch that it takes.
        only: the one batch that it takes, where there is one.

    >>> import torch
    >>> def clip(z1, z2):
    ...     z1, z2 = (torch.nn.functional.normalize(z) for z in (z1, z2))
    ...     return torch.nn.functional.cross_entropy(2 * z1 @ z2.T, torch.arange(len(z1)))
    >>> print(*(found.text() for found in collapsed_values(BlackBox(clip))), sep="; ")
    log(N) with all outputs equal; log(0.5091578 N) with a kept rank of 1

    """
    sizes = [only] if only else [*range(smallest, smallest + STEPS), max(LATER, smallest + 2 * STEPS)]
    here = [_values(box, sizes, partial(_equal, length=length)) for length in LENGTHS]
    found = []
    if here[0] and _same(here[0], here[1], box):
        found.append(CollapsedValue("all outputs equal", here[0], recognised(here[0], _limit(box))))
        first = smallest + smallest % 2
        even = [only] if only else [*range(first, first + 2 * STEPS, 2), sizes[-1] + sizes[-1] % 2]
        sides = [_values(box, even, partial(_two_sides, length=length)) for length in LENGTHS]
        # One mode that is not told from none is not shown.
        equal = _values(box, even, partial(_equal, length=1.0))
        if sides[0] and _same(sides[0], sides[1], box) and not _same(sides[0], equal, box):
            found.append(CollapsedValue("kept rank 1", sides[0], recognised(sides[0], _limit(box))))
    elif zero := _values(box, sizes, partial(_equal, length=0.0)):
        found.append(CollapsedValue("all outputs 0", zero, recognised(zero, _limit(box))))
    return tuple(found)


def _equal(size: int, length: float) -> Array:
    return np.broadcast_to(length * np.array([0.6, -0.8, 0.0, 0.0])[:WIDTH], (2, size, WIDTH)).copy()


def _two_sides(size: int, length: float) -> Array:
    sides = np.where(np.arange(size) < size / 2, 1.0, -1.0)
    return _equal(size, length) * sides[:, None]


def _values(box: BlackBox, sizes: Iterable[int], at: Callable[[int], Array]) -> dict[int, float]:
    """Values by batch size, as far as they are finite; none where the first is not."""
    found: dict[int, float] = {}
    for size in sizes:
        try:
            value = box(at(size))
        except InputError:
            break
        if not np.isfinite(value):
            break
        found[size] = value
    return found


def _limit(box: BlackBox) -> float:
    return SINGLE if box.seen.single else DOUBLE


def _same(one: Mapping[int, float], other: Mapping[int, float], box: BlackBox) -> bool:
    shared = one.keys() & other.keys()
    return bool(shared) and all(abs(one[k] - other[k]) <= _limit(box) * (1 + abs(one[k])) for k in shared)


def recognised(numbers: Mapping[int, float], limit: float = DOUBLE) -> sympy.Expr | None:
    """A formula in N through all numbers, None where there is none of the known forms.

    >>> recognised({n: float(np.log(2 * n - 1) / 0.7) for n in range(2, 12)})
    10*log(2*N - 1)/7

    """
    sizes = np.array(sorted(numbers), float)
    values = np.array([numbers[int(size)] for size in sizes])
    if len(sizes) < 5:
        return None
    for factor, times in ((np.ones_like(sizes), sympy.S.One), (sizes, N), (1 / sizes, 1 / N)):
        parts = values / factor
        for inside in (_linear(sizes, parts, limit), _logarithmic(sizes, parts, limit)):
            if inside is not None:
                return times * inside
    return None


def _linear(sizes: Array, values: Array, limit: float) -> sympy.Expr | None:
    """A + b N through all values."""
    b, a = np.polyfit(sizes, values, 1)
    scale = np.abs(values).max() + 1e-300
    if np.abs(a + b * sizes - values).max() > limit * max(scale, 1.0):
        return None
    return _number(a, limit * max(scale, 1.0)) + _number(b, limit * max(scale, 1.0) / sizes.max()) * N


def _logarithmic(sizes: Array, values: Array, limit: float) -> sympy.Expr | None:
    """c log(a N + b) through all values: c is where exp(value/c) is linear in N, 1 tried first."""
    for c in (1.0, *_bending(sizes, values)):
        arguments = np.exp(np.clip(values / c, -50, 50))
        a, b = np.linalg.lstsq(np.stack([sizes, np.ones_like(sizes)], 1) / arguments[:, None], np.ones_like(sizes))[0]
        inside = a * sizes + b
        if (
            a <= 0
            or inside.min() <= 0
            or np.abs(c * np.log(inside) - values).max() > limit * (1 + np.abs(values).max())
        ):
            continue
        error = 1e3 * limit
        return _number(c, error) * sympy.log(_number(a, error) * N + _number(b, error * sizes.max() * 0.1))
    return None


def _bending(sizes: Array, values: Array) -> list[float]:
    """The c at which exp(value/c) at three batch sizes lies on a line."""
    first, middle, last = 0, len(sizes) // 2, len(sizes) - 1
    share = (sizes[middle] - sizes[first]) / (sizes[last] - sizes[first])

    def bend(logarithm: float) -> float:
        parts = values / np.exp(logarithm)
        low, mid, high = np.exp(parts - parts.max())[[first, middle, last]]
        return float(mid - low - share * (high - low))

    grid = np.linspace(np.log(SMALLEST), np.log(LARGEST), 60)
    heights = [bend(point) for point in grid]
    changes = [k for k in range(len(grid) - 1) if heights[k] * heights[k + 1] < 0]
    return [float(np.exp(_root(bend, grid[k], grid[k + 1]))) for k in changes]


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """A root between two points at which the signs differ, by bisection."""
    sign = function(low)
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if function(middle) * sign > 0 else (low, middle)
    return (low + high) / 2


def _number(value: float, error: float) -> sympy.Expr:
    """A number as a rational, or as one times log 2, where it is one, else in decimals."""
    for unit in (sympy.S.One, sympy.log(2)):
        found = rational(float(value / unit), max(error, 1e-15), coincidence=1e-2)
        if found is not None and max(found.denominator, abs(found.numerator)) <= LONGEST:
            return sympy.Rational(found.numerator, found.denominator) * unit
    return sympy.Float(value, 17)


def _short(formula: sympy.Expr) -> sympy.Expr:
    return formula.xreplace({one: sympy.Float(one, DECIMALS) for one in formula.atoms(sympy.Float)})
