"""Numbers that were measured at several batch sizes and widths, as one function of N and d1.

Each is recognised by itself where it is precise enough, and all of them together where it is not; the function has to
pass through more of them than it has coefficients (`verify.audits.blackbox.exact`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

import sympy

from derive.definition.language import EMBEDDING_DIMENSION
from verify.audits.blackbox.coefficients import Measured
from verify.audits.blackbox.exact import COINCIDENCE, TOGETHER, Unit, fitted, rational, rational_function

N = sympy.Symbol("N")
# A number that is more than this many errors from 0 is not 0.
NONZERO = 3.0
# The relative error above which a number is not of double precision.
COARSE = 1e-9


def together(table: Mapping[int, Measured], multiples: Sequence[Unit]) -> tuple[sympy.Expr | None, float]:
    """The same for numbers too coarse to be recognised one by one."""
    if max(error / abs(value) if value else 0.0 for value, error in table.values()) < COARSE:
        return None, 0.0
    for unit, size in ((sympy.S.One, 1.0), *multiples):
        found = fitted({n: (value / size, error / abs(size)) for n, (value, error) in table.items()}, N)
        if found is not None:
            said = {n: float(found.subs(N, n)) * size for n in table}
            return found * unit, max(abs(value - said[n]) / error for n, (value, error) in table.items())
    return None, 0.0


def as_function(table: Mapping[int, Measured]) -> sympy.Expr | None:
    """Measurements at several batch sizes as a rational function of N; None where it is not recognised."""
    if vanishes(table):
        return sympy.S.Zero
    return function_of_size(table, (), 1.0)[0]


def vanishes(table: Mapping[int, Measured]) -> bool:
    """Whether a coefficient is 0 to rounding at all sizes."""
    return all(abs(value) <= NONZERO * error for value, error in table.values())


def function_of_width(by_width: Mapping[int, sympy.Expr]) -> sympy.Expr | None:
    """Functions of N, given by d1, as one function of both."""
    parts = {width: sympy.fraction(sympy.cancel(sympy.together(value))) for width, value in by_width.items()}
    below = sympy.lcm_list([sympy.Poly(bottom, N).monic().as_expr() for _, bottom in parts.values()])
    above = {width: sympy.Poly(sympy.cancel(value * below), N) for width, value in by_width.items()}
    total = sympy.S.Zero
    for power in range(1 + max(polynomial.degree() for polynomial in above.values())):
        points = {width: polynomial.coeff_monomial(N**power) for width, polynomial in above.items()}
        if not all(value.is_Rational for value in points.values()):
            return None
        found = rational_function({d: Fraction(int(v.p), int(v.q)) for d, v in points.items()}, EMBEDDING_DIMENSION)
        if found is None:
            return None
        total += found * N**power
    return total / below


def recognised(
    table: Mapping[int, Measured], multiples: Sequence[Unit], rarer: float
) -> dict[sympy.Expr, dict[int, Fraction]] | None:
    """Batch size → rational, by unit; None where a size has none."""
    by_unit: dict[sympy.Expr, dict[int, Fraction]] = {}
    # The same number at all sizes is one coincidence; different ones are several.
    same = max(v for v, _ in table.values()) - min(v for v, _ in table.values()) <= sum(e for _, e in table.values())
    often = rarer * (COINCIDENCE if same else TOGETHER)
    for unit, size in ((sympy.S.One, 1.0), *multiples):
        found = {n: rational(value / size, error / abs(size), often) for n, (value, error) in table.items()}
        kept = {n: value for n, value in found.items() if value is not None}
        if len(kept) == len(table):
            by_unit[unit] = kept
    return by_unit or None


def function_of_size(
    table: Mapping[int, Measured], multiples: Sequence[Unit], rarer: float
) -> tuple[sympy.Expr | None, float]:
    """The coefficient as a rational function of N times a unit, and the largest residual in errors."""
    sizes_of = dict(multiples)
    best: tuple[tuple[int, int], sympy.Expr, float] | None = None
    for unit, points in (recognised(table, multiples, rarer) or {}).items():
        (first, *more) = points.values()
        found = rational_function(points, N) if more else sympy.Rational(first.numerator, first.denominator)
        if found is None:
            continue
        size = sizes_of.get(unit, 1.0)
        residual = max(
            abs(value - float(found.subs(N, n)) * size) / max(error, 1e-300) for n, (value, error) in table.items()
        )
        # For τ = 0.1, 1/(2 τ²) is simpler than 5/τ or 50: the number comes first, then the form.
        number = sympy.factor(found).as_coeff_Mul()[0]
        simple = (abs(number.p) * number.q, int(sympy.count_ops(found)) + len(str(found)))
        candidate = (simple, found * unit, residual)
        best = candidate if best is None or candidate[0] < best[0] else best
    return (None, 0.0) if best is None else best[1:]
