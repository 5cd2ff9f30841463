"""The exact landscape in numbers: stationary points of a mode, and Hessian indices, in mpmath.

The condition φ′(h) = b is a ratio of polynomials. Its roots are isolated by exact rational arithmetic, so none is
missed, and each interval is then shrunk to the digits asked for between two points of opposite sign.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import combinations
from typing import Any, NamedTuple

import mpmath
import sympy

from derive.algebra.letters import named
from derive.definition.expression import as_scalar
from derive.errors import InputError
from derive.landscape.domain import towards
from derive.landscape.landscape import a_i, c_i
from derive.landscape.mode_potential import ModePotential, h
from numeric.landscape.closed_form import number


class StationaryMode(NamedTuple):
    """A stationary point of ℓ(h) with h > 0.

    Attributes:
        height: h, an mpf.
        kind: "minimum", "maximum" or "inflection".
        loss: ℓ(h), an mpf; ℓ(0) = 0.
        between: two points around h, at which ℓ′ has opposite signs unless the kind is "inflection".

    """

    height: Any
    kind: str
    loss: Any
    between: tuple[Any, Any]


def stationary_modes(
    modes: ModePotential, a: object, c: object, parameters: Mapping[str, object] | None = None, *, dps: int = 50
) -> tuple[StationaryMode, ...]:
    """All stationary points h > 0 of one mode where the loss is finite, in increasing order.

    Args:
        modes: the landscape, exact or truncated.
        a: the eigenvalue of A0, a number; a float counts as the binary fraction that it is.
        c: the eigenvalue of C.
        parameters: numbers for the loss's parameters.
        dps: the decimal digits of the result.

    Raises:
        InputError: a + c is not positive, or a parameter is missing, unknown or not a number.

    >>> from derive import catalogue, closed_form
    >>> from derive.landscape.exact_modes import exact_modes
    >>> (minimum,) = stationary_modes(exact_modes(closed_form(catalogue("infonce"))), 1, 1, dps=15)
    >>> print(minimum.kind, mpmath.nstr(minimum.height, 12))
    minimum 0.61803398875

    """
    slope, phi, level = _numbers(modes, a, c, parameters)
    end = _end(modes, a, c, parameters)
    with mpmath.workdps(dps + 15):
        numerator, denominator = (sympy.Poly(part, h) for part in sympy.fraction(sympy.cancel(slope - level)))
        numerator = _rational(numerator, dps + 15)
        points = []
        for (low, high), _ in numerator.intervals(inf=0) if numerator.degree() > 0 else ():
            found = _refined(numerator, denominator, low, high, dps)
            if found is not None:
                height, kind, between = found
                if not height < end:
                    continue
                loss = _value(phi, height) - number(level) * height
                points.append(StationaryMode(height, kind, loss, between))
        return tuple(points)


def collapse_threshold(
    modes: ModePotential, a: object, c: object, parameters: Mapping[str, object] | None = None
) -> Any:
    """b* such that h = 0 is the minimum of ℓ exactly where b ≤ b*: the infimum of φ(h)/h over h > 0.

    It is 0 where φ is convex: the mode leaves the origin continuously as b passes 0. Below zero, the minimum jumps.
    Where φ does not depend on a and c, any values will do.

    >>> from derive import catalogue, closed_form
    >>> from derive.landscape.exact_modes import exact_modes
    >>> collapse_threshold(exact_modes(closed_form(catalogue("infonce"))), 1, 1)
    mpf('0.0')
    """
    slope, phi, _ = _numbers(modes, a, c, parameters)
    if modes.convex:
        return mpmath.mpf(0)
    end = _end(modes, a, c, parameters)
    # The infimum is at 0 (where it is φ′(0) = 0), at the end (the limit of φ/h) or at a stationary point of φ/h.
    ends = [mpmath.mpf(0)]
    grid = [mpmath.mpf(10) ** (mpmath.mpf(k) / 20) for k in range(-120, 121)]
    if end == mpmath.inf:
        leading, below = (sympy.Poly(part, h) for part in sympy.fraction(sympy.cancel(slope)))
        if leading.degree() > below.degree() and leading.LC() * below.LC() < 0:
            return mpmath.ninf
        if leading.degree() <= below.degree():
            ends.append(number(sympy.limit(slope, h, sympy.oo)))
    else:
        order, leading = towards(slope, sympy.sympify(modes.end).xreplace(_put(modes, a, c, parameters)), h)
        if order > 0 and leading < 0:
            return mpmath.ninf
        if order <= 0:
            ends.append(_value(phi, end) / end)
        grid = [end * height / (1 + height) for height in grid]
    ratios = [_value(phi, height) / height for height in grid]
    for k in range(1, len(grid) - 1):
        if ratios[k] < min(ratios[k - 1], ratios[k + 1]):
            at = mpmath.findroot(
                lambda x: x * _value(slope, x) - _value(phi, x), (grid[k - 1], grid[k + 1]), solver="anderson"
            )
            ends.append(_value(phi, at) / at)
    return min(ends)


def hessian_index(
    modes: ModePotential,
    levels: Sequence[Any],
    heights: Sequence[Any],
    d1: int,
    parameters: Mapping[str, object] | None = None,
) -> int:
    """The number of negative eigenvalues of the Hessian in W at a stationary point.

    With V = W Σ^½ and H = VᵀV diagonal: each of the d1 − m spare rows and each dropped mode i gives a direction of
    curvature φ′(0) − b_i; tilting a kept mode k towards a dropped mode i gives b_k − b_i; the height of a kept mode,
    φ″(h_i); and a rotation between two kept modes, the divided difference of φ′ between their heights.

    Args:
        modes: the landscape, with a φ that does not depend on a_i and c_i: else the index is not of this form.
        levels: b_i of each mode, the eigenvalues of Σ^(−½) B Σ^(−½).
        heights: h_i of each mode, 0 for those that are dropped.
        d1: the number of rows of W.
        parameters: numbers for the loss's parameters.

    Raises:
        InputError: more modes kept than W has rows, or a φ that depends on the mode.

    >>> from derive import catalogue, closed_form
    >>> from derive.landscape.exact_modes import exact_modes
    >>> hessian_index(exact_modes(closed_form(catalogue("infonce"))), levels=[0.5, 0.25], heights=[0, 0], d1=3)
    6

    """
    kept = [k for k, height in enumerate(heights) if height > 0]
    dropped = [i for i, height in enumerate(heights) if height == 0]
    if len(kept) > d1 or len(kept) + len(dropped) < len(levels):
        message = f"heights = {list(heights)}: heights are 0 or positive, and at most d1 = {d1} are positive"
        raise InputError(message)
    if modes.phi.free_symbols & {a_i, c_i}:
        raise InputError("modes: φ depends on a_i and c_i, and the index is not known then")
    slope = _numbers(modes, 1, 1, parameters)[0]

    def at(height: Any, derivative: sympy.Expr = slope) -> Any:
        return _value(derivative, height)

    curvature = sympy.diff(slope, h)
    total = (d1 - len(kept)) * sum(levels[i] > 0 for i in dropped)
    total += sum(levels[i] > levels[k] for k in kept for i in dropped)
    total += sum(at(heights[k], curvature) < 0 for k in kept)
    for i, k in combinations(kept, 2):
        difference = heights[i] - heights[k]
        steep = (at(heights[i]) - at(heights[k])) / difference if difference else at(heights[i], curvature)
        total += steep < 0
    return int(total)


def _refined(
    numerator: Any, denominator: Any, low: Any, high: Any, dps: int
) -> tuple[Any, str, tuple[Any, Any]] | None:
    """A root in an isolating interval: its value, its kind, and two points around it; None for the root 0."""
    if low == high == 0:
        return None
    width = sympy.Rational(1, 10 ** (dps + 5))
    square_free = sympy.Poly(numerator.sqf_part(), h)
    low, high = square_free.refine_root(low, high, eps=width * min(1, high), fast=True)
    if high <= 0:
        return None
    # The interval isolates the root, so no other root is within this distance.
    below, above = low - width * high, high + width * high

    def side(point: sympy.Rational) -> int:
        return int(sympy.sign(numerator.eval(point)) * sympy.sign(denominator.eval(point)))

    kinds = {(-1, 1): "minimum", (1, -1): "maximum"}
    height = (number(low) + number(high)) / 2
    return height, kinds.get((side(below), side(above)), "inflection"), (number(below), number(above))


def _rational(polynomial: Any, dps: int) -> Any:
    """The polynomial with rational coefficients; irrational ones are rounded far below the precision asked for."""
    coefficients = [
        value if value.is_Rational else sympy.Rational(str(sympy.N(value, 2 * dps)))
        for value in polynomial.all_coeffs()
    ]
    return sympy.Poly(coefficients, h, domain="QQ")


def _numbers(
    modes: ModePotential, a: object, c: object, parameters: Mapping[str, object] | None
) -> tuple[sympy.Expr, sympy.Expr, sympy.Expr]:
    """φ′, φ and b with numbers for everything but h."""
    put = _put(modes, a, c, parameters)
    return modes.slope.xreplace(put), modes.phi.xreplace(put), sympy.nsimplify(modes.level.xreplace(put))


def _put(
    modes: ModePotential, a: object, c: object, parameters: Mapping[str, object] | None
) -> dict[sympy.Symbol, sympy.Expr]:
    return substitution(modes.slope + modes.level + h, a, c, parameters)


def _end(modes: ModePotential, a: object, c: object, parameters: Mapping[str, object] | None) -> Any:
    """The h beyond which the loss is no longer finite, an mpf; ∞ where it always is."""
    if modes.end is None:
        raise InputError(f"modes: {modes.why_open}; put values for the parameters first")
    end = modes.end.xreplace(_put(modes, a, c, parameters))
    return mpmath.inf if end == sympy.oo else number(end)


def substitution(
    value: sympy.Expr, a: object, c: object, parameters: Mapping[str, object] | None
) -> dict[sympy.Symbol, sympy.Expr]:
    """Numbers for the symbols of an expression; errors as in `stationary_modes`."""
    given = {name: exact_number(name, one) for name, one in (parameters or {}).items()}
    of_mode = {a_i: exact_number("a", a), c_i: exact_number("c", c)}
    if sum(of_mode.values()) <= 0 or min(of_mode.values()) < 0:
        message = f"a = {a}, c = {c}: the eigenvalues of A0 and C are not negative, and not both zero"
        raise InputError(message)
    needed = named(value.free_symbols - {h, a_i, c_i})
    missing = sorted(set(needed) - set(given))
    unknown = sorted(set(given) - set(needed))
    if missing or unknown:
        listed = ", ".join(sorted(needed)) or "none"
        message = (
            f"parameters: {(missing or unknown)[0]!r} is {'missing' if missing else 'unknown'}; there are: {listed}"
        )
        raise InputError(message)
    return of_mode | {symbol: given[name] for name, symbol in needed.items()}


def exact_number(name: str, value: object) -> sympy.Expr:
    """A number as SymPy's; floats as the binary fractions that they are."""
    if isinstance(value, mpmath.mpf):
        mantissa, exponent = value.man_exp
        value = sympy.Integer(mantissa) * sympy.Integer(2) ** exponent * (-1 if value < 0 and mantissa > 0 else 1)
    elif isinstance(value, float | Fraction):
        numerator, denominator = value.as_integer_ratio()
        value = sympy.Rational(numerator, denominator)
    scalar = as_scalar(value)
    if not scalar.is_number:
        message = f"{name} = {value} is not a number"
        raise InputError(message)
    return scalar


def _value(expression: sympy.Expr, height: Any) -> Any:
    return sympy.lambdify(h, expression, "mpmath")(height)
