"""How one column of numbers follows from another: a constant between them, a factor, both, or neither.

A constant and a factor may depend on the number of data N and of coordinates d: within a group of the same N and d
each is one number. It gets a name where it is a small rational number times a simple function of N and d.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
import sympy
from numpy.typing import NDArray

from derive.definition.notation import TEXT

Array = NDArray[np.float64]
Group = tuple[int, int]
Kind = Literal["offset", "factor", "affine", "different"]

_N, _D = sympy.symbols("N d")
_POWERS = (
    *(_N, 1 / _N, _N - 1, 1 / (_N - 1), _N / (_N - 1), (_N - 1) / _N, _N**2, 1 / _N**2, _N * (_N - 1)),
    *(1 / (_N * (_N - 1)), 2 * _N - 1, 1 / (2 * _N - 1), _N / (2 * _N - 1), (2 * _N - 1) / _N, (_N - 1) ** 2 / _N**2),
    *(_N**2 / (_N - 1) ** 2, _D, 1 / _D, _N * _D, 1 / (_N * _D), _D * (_D - 1), 1 / (_D * (_D - 1)), _D**2, 1 / _D**2),
    *((_D - 1) / _D, _D / (_D - 1), _N / _D, _D / _N, sympy.sqrt(_D), 1 / sympy.sqrt(_D), sympy.sqrt(_N)),
)
_LOGARITHMS = tuple(
    sympy.log(inside) for inside in (_N, _N - 1, 2 * _N, 2 * _N - 1, 2 * _N - 2, _N / (_N - 1), _D, _N**2 - _N)
)
LARGEST_PART = 400
UNNAMED = "a number that depends on N or d"


@dataclass(frozen=True)
class Relation:
    """The relation a = factor · b + offset, as far as it holds.

    Attributes:
        kind: `offset` (the factor is 1), `factor` (the offset is 0), `affine`, or `different`.
        factor: in words, "" where it is 1 or there is none.
        offset: in words, "" where it is 0 or there is none.

    """

    kind: Kind
    factor: str = ""
    offset: str = ""


def relation(a: Array, b: Array, tolerances: Array, groups: Sequence[Group]) -> Relation:
    """How a follows from b.

    Args:
        a: (n,).
        b: (n,).
        tolerances: (n,), within which two numbers count as equal.
        groups: N and d of each.

    >>> b, groups = np.array([1.0, 2.5, 4.0, 2.0, 3.0, 7.0]), [(2, 2)] * 3 + [(5, 2)] * 3
    >>> relation(b + np.log(2), b, np.full(6, 1e-12), groups)
    Relation(kind='offset', factor='', offset='log(2)')
    >>> relation(b * np.array([2.0] * 3 + [5.0] * 3), b, np.full(6, 1e-12), groups)
    Relation(kind='factor', factor='N', offset='')
    >>> relation(b**2, b, np.full(6, 1e-12), groups).kind
    'different'

    """
    rows = {group: np.flatnonzero([one == group for one in groups]) for group in dict.fromkeys(groups)}
    tried: tuple[tuple[Kind, bool, bool], ...] = (
        ("offset", False, True),
        ("factor", True, False),
        ("affine", True, True),
    )
    for kind, free_factor, free_offset in tried:
        found = {
            group: _fitted(a[at], b[at], tolerances[at], free_factor=free_factor, free_offset=free_offset)
            for group, at in rows.items()
        }
        if any(one == "no" for one in found.values()):
            continue
        told = {group: one for group, one in found.items() if isinstance(one, tuple)}
        if not told:
            continue
        precision = max(1e-8, float(np.median(tolerances)) * 10)
        factor = named({group: one[0] for group, one in told.items()}, precision) if free_factor else ""
        offset = named({group: one[1] for group, one in told.items()}, precision, logarithms=True)
        if kind == "affine" and (factor.startswith(UNNAMED) or offset.startswith(UNNAMED)):
            continue
        return Relation(kind, factor, offset if free_offset else "")
    return Relation("different")


def _fitted(
    a: Array, b: Array, tolerances: Array, *, free_factor: bool, free_offset: bool
) -> tuple[float, float] | Literal["no", "too few"]:
    """The factor and the offset of a group; "no" where there are none, "too few" where it is too small to decide."""
    columns = [*([b] if free_factor else []), *([np.ones_like(b)] if free_offset else [])]
    table = np.stack(columns, axis=1)
    wanted = a if free_factor else a - b
    values, *_ = np.linalg.lstsq(table, wanted, rcond=None)
    factor = float(values[0]) if free_factor else 1.0
    if (np.abs(wanted - table @ values) > 3 * (1 + abs(factor)) * tolerances).any():
        return "no"
    apart = np.unique(np.round(b / (1e3 * max(float(tolerances.max()), 1e-300))))
    spread = float(np.ptp(b)) if free_offset and free_factor else float(np.abs(b).max())
    # Numbers that are all equal, or only one or two, fit any rule.
    if len(apart) < len(columns) + 2 or (free_factor and spread < 1e3 * float(tolerances.max())):
        return "too few"
    return factor, float(values[-1]) if free_offset else 0.0


def named(values: Mapping[Group, float], precision: float = 1e-8, *, logarithms: bool = False) -> str:
    """A number that may depend on N and d, in words.

    Args:
        values: (N, d) → the number.
        precision: relative, within which two numbers count as equal.
        logarithms: whether logarithms are expected rather than powers.

    >>> named({(2, 1): 0.5, (5, 1): 0.5})
    '½'
    >>> named({(2, 3): 1.0, (5, 3): 0.25})
    '1/(N - 1)'
    >>> named({(2, 3): 0.123456789, (5, 3): 0.31})
    'a number that depends on N or d (0.123457 at N = 2, d = 3; 0.31 at N = 5, d = 3)'

    """
    for base in (sympy.S.One, *(_LOGARITHMS if logarithms else _POWERS)):
        at = {group: float(sympy.re(base.subs({_N: group[0], _D: group[1]}))) for group in values}
        used = [group for group in values if np.isfinite(at[group]) and at[group] != 0]
        if len(used) < len(values) and any(abs(values[group]) > precision for group in values if group not in used):
            continue
        quotients = np.array([values[group] / at[group] for group in used])
        if not len(quotients) or np.ptp(quotients) > 4 * precision * max(1.0, float(np.abs(quotients).max())):
            continue
        middle = float(np.median(quotients))
        exact = _exact(middle, precision, logarithms=logarithms and base == 1)
        if exact is not None:
            return TEXT.scalar(exact * base)
        if base == 1:
            return f"{middle:.10g}"
    shown = [f"{value:.6g} at N = {n}, d = {d}" for (n, d), value in values.items()]
    some = shown if len(shown) < 3 else [shown[0], shown[-1]]
    return f"{UNNAMED} ({'; '.join(some)})"


def _exact(value: float, precision: float, *, logarithms: bool) -> sympy.Expr | None:
    """A small rational number, or the logarithm of one."""
    found = Fraction(value).limit_denominator(LARGEST_PART)
    if abs(float(found) - value) <= precision * max(1.0, abs(value)):
        return sympy.Rational(found.numerator, found.denominator)
    inside = Fraction(float(np.exp(min(abs(value), 50.0)))).limit_denominator(LARGEST_PART)
    if logarithms and abs(np.log(float(inside)) - abs(value)) <= precision:
        return (1 if value > 0 else -1) * sympy.log(sympy.Rational(inside.numerator, inside.denominator))
    return None
