"""Index and minima of the stationary points of q₁ Tr[(W X Wᵀ)²] + q₂ Tr[W X Wᵀ]², in words.

At a point that keeps the modes M, with h_k = (b_k − θ)/(2 q₁) and θ = 2 q₂ ρ, half the second variation in an
orthonormal frame of rows that holds the kept columns is (see `numeric.landscape.modes`, which counts the same in
numbers)

    i ∉ M, an unused row         θ − b_i                  d1 − m times
    i ∉ M, the row of k ∈ M      b_k − b_i
    i, k ∈ M, rows exchanged     0 and 2 q₁ (h_i + h_k)
    lengths of the kept          q₁ I + q₂ 1 1ᵀ: q₁ m − 1 times, and q₁ + m q₂ unless the norm is fixed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sympy

from derive.algebra.letters import letters
from derive.algebra.scalars import normal_form
from derive.algebra.signs import sign
from derive.definition.notation import TEXT
from derive.landscape.coordinates import INDEFINITE, OF_ROWS, letters_of
from derive.landscape.leading import Far, of_couplings

if TYPE_CHECKING:
    from derive.algebra.ranges import Ranges
    from derive.landscape.stationary import StationaryPoints

(m,) = letters("m")
_FALLS = "the landscape falls to −∞"


def index(points: StationaryPoints) -> str:
    """The Hessian's number of negative directions."""
    one, level = points.isotropic, _level(points)
    b = _name(points)
    counted = f"(d1 − m)·#{{i ∉ M: {b}_i > {level}}} + #{{k ∈ M, i ∉ M: {b}_i > {b}_k}}"
    q1, q2 = _signs(points)
    value = sympy.together(one.q1 + m * one.q2)
    # Over one denominator where parameters are in it.
    open_ = bool(sympy.denom(value).free_symbols)
    along = TEXT.scalar(normal_form(value) if open_ else sympy.expand(value))
    if points.fixed is not None:
        falling, risen = "m(m − 1)/2 + m − 1", ""
    else:
        falling = "m(m + 1)/2" if q2 in (0, -1) else f"m(m + 1)/2, less 1 where {along} > 0"
        risen = "" if q2 in (0, 1) else f" + 1 where {along} < 0"
    if q1 == 1:
        counted += risen
    elif q1 == -1:
        counted += f" + {falling}"
    else:
        shown = TEXT.scalar(one.q1)
        counted += (f";{risen}, if {shown} > 0" if risen else "") + f"; + {falling}, if {shown} < 0"
    rows = f" + {OF_ROWS}" if one.landscape.rotation == "indefinite" else ""
    return counted + rows + _of_bias(points)


def minima(points: StationaryPoints, lowest: str = "global") -> str:
    """Which of the points are minima.

    Args:
        points: the stationary points.
        lowest: what the lowest of all is called.

    """
    one, level = points.isotropic, _level(points)
    if one.landscape.rotation == "indefinite":
        return INDEFINITE
    q1, q2 = _signs(points)
    b = _name(points)
    kept = f"the m largest {b}_i, all that are > {level} or as many of them as d1"
    if points.bias == "off" and (points.level or points.descent):
        along = points.along_bias(TEXT)
        if q1 == 1 and (points.fixed is not None or q2 in (0, 1)):
            return f"{kept}, where {along} <= 0; rank m, no other point with b = 0 a minimum"
        return f"the points of index 0, where {along} < 0"
    only = "no other point a minimum"
    if points.bias == "on" and sign(points.curvature, ranges=_ranges(points)) != 1:
        return "none where the terms of order 4 in b are negative: there the loss falls along it"
    if q1 == 1 and (points.fixed is not None or q2 in (0, 1)):
        if one.landscape.why_not_lowest():
            return f"{kept}: {lowest}, rank m, where d1 is a power of two; elsewhere L is a lower bound"
        # Sums over coordinates that see W Y Wᵀ of another Y may hold other points back.
        alike = set(letters_of(one.landscape.coordinates)) <= {one.letter}
        return f"{kept}: {lowest}, rank m" + (f", {only}" if alike else "")
    if points.fixed is not None and q1 == -1:
        return f"the largest {b}_i alone: {lowest}, rank 1, {only}"
    found = of_couplings(one.q1, one.q2, sign(one.eigenvalue(), ranges=_ranges(points)))
    if points.fixed is None and q1 == -1:
        return _largest_alone(points, lowest)
    if points.fixed is not None:
        return f"the points of index 0, where no {b}_i is θ; the lowest of them {lowest}"
    if found.verdict != "bounded" and points.bias == "on" and len(points.level) > 1:
        # Where this landscape falls the bias is off.
        return f"the points of index 0, where no {b}_i is {level}"
    return f"the points of index 0, where no {b}_i is {level}; {_lowest_of(found, lowest)}"


def _largest_alone(points: StationaryPoints, lowest: str) -> str:
    """For q₁ < 0 two kept modes are not a minimum, and one is where q₁ + q₂ > 0."""
    one, b = points.isotropic, _name(points)
    held, side = sign(one.q1 + one.q2, ranges=_ranges(points)), sign(one.eigenvalue(), ranges=_ranges(points))
    # A bias that is on with Tr[W X Wᵀ] below a bound is no longer on where this landscape falls.
    falls = points.bias != "on" or len(points.level) == 1
    both = f"the largest {b}_i alone where it is > 0, W = 0 where none is"
    kept = both if side is None else f"the largest {b}_i alone" if side == 1 else "W = 0"
    alone = f"{kept}: {lowest}, no other point a minimum"
    if held == 1:
        return alone
    if held is None:
        shown = TEXT.scalar(one.q1 + one.q2)
        low = f"where {shown} > 0, {alone}; where {shown} < 0, W = 0 alone if all {b}_i are < 0"
        return f"{low}, and {_FALLS}" if falls else low
    if side == 1:
        return f"none: {_FALLS}" if falls else "none"
    if held == 0:
        at_origin = f"W = 0: {lowest}"
        if side is not None:
            return at_origin
        return f"{at_origin} where all {b}_i are <= 0; {f'elsewhere {_FALLS}' if falls else 'no other'}"
    only = "W = 0 alone" if side == -1 else f"W = 0 alone, where all {b}_i are < 0"
    return f"{only}; not {lowest}: {_FALLS} for a W of one row" if falls else only


def _lowest_of(found: Far, lowest: str) -> str:
    """Whether one of several minima is the lowest point of all."""
    if found.verdict == "bounded":
        return f"the lowest of them {lowest}"
    if found.verdict == "unbounded":
        return f"none of them {lowest}: {_FALLS}"
    if found.verdict == "depends" and found.otherwise == "bounded":
        return f"none of them {lowest} where {found.where()}, as {_FALLS}; elsewhere the lowest of them is"
    return f"whether the lowest of them is {lowest} is open"


def _of_bias(points: StationaryPoints) -> str:
    """What a bias adds: d1 directions where it is off and the loss falls along it, its length where it is on."""
    if points.bias == "off" and (points.level or points.descent):
        return f" + d1 where {points.along_bias(TEXT)} > 0"
    if points.bias == "on" and sign(points.curvature, ranges=_ranges(points)) != 1:
        side = sign(points.curvature, ranges=_ranges(points))
        return " + 1" if side == -1 else f" + 1 where {TEXT.scalar(points.curvature)} < 0"
    return ""


def _signs(points: StationaryPoints) -> tuple[int | None, int | None]:
    one = points.isotropic
    return one.landscape.sign(one.q1), one.landscape.sign(one.q2)


def _ranges(points: StationaryPoints) -> Ranges:
    return points.isotropic.landscape.ranges


def _name(points: StationaryPoints) -> str:
    """What decides is called b_i, or λ_i where it is a multiple of that."""
    return "b" if points.multiple is None else "λ"


def _level(points: StationaryPoints) -> str:
    return "θ" if points.shift != 0 else "0"
