"""The message about a number that is not exact."""

from __future__ import annotations

import sympy


def inexact(value: object, scalar: object) -> str:
    """Why a value is not a scalar: the number that is not exact, and how to write it."""
    floats = sorted(scalar.atoms(sympy.Float), key=str) if isinstance(scalar, sympy.Expr) else []
    given = str(value) if isinstance(scalar, sympy.Float) else str(floats[0]) if floats else ""
    if not given or not floats[0].is_finite:
        return f"{value!r} is not a number; write an integer, or sympy.Rational(1, 10) for 0.1"
    exact = sympy.Rational(given)
    # 1/0.07 has been divided already: 100/7 was meant.
    simple = exact.limit_denominator(1000)
    near = simple if abs(simple - exact) < abs(exact) * sympy.Rational(1, 10**14) else exact
    inside = "" if isinstance(scalar, sympy.Float) else f" in {value}"
    return f"{given}{inside} is not exact; write sympy.Rational({near.p}, {near.q}) for it"
