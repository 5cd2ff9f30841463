"""How large an expression is, counted before a costly step rather than timed.

SymPy factors, cancels and solves polynomials in a dense form: what they take grows with the product of (degree + 1)
over all letters, not with the number of terms. Signs that would take more are left open, and steps of a
landscape are left out with a reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod

import sympy

from derive.algebra.effort import TooLargeError

# Limits: numbers in the dense form of a polynomial to factor; parts of expressions to put over one denominator.
DENSE, PARTS = 40_000, 20_000
# The limit for a sum of couplings, in the parameters alone, whose landscape is to be worked out.
LANDSCAPE = 4_000


def dense(polynomial: sympy.Poly) -> int:
    """The numbers in the dense form of a polynomial.

    >>> x, y = sympy.symbols("x y")
    >>> dense(sympy.Poly(x**9 * y + 1))
    20
    """
    return prod(degree + 1 for degree in polynomial.degree_list())


def parts(value: sympy.Expr, most: int = PARTS) -> int:
    """The symbols, numbers and operations of an expression; counting stops beyond ``most``.

    >>> x, y = sympy.symbols("x y")
    >>> parts(x**2 + y), parts((x + y) ** 5, most=2)
    (5, 3)
    """
    number = 0
    for _ in sympy.preorder_traversal(value):
        number += 1
        if number > most:
            break
    return number


def common(values: Iterable[sympy.Expr]) -> int:
    """The numbers in the dense form of a sum of fractions, put over one denominator: estimated from their factors.

    Args:
        values: factored, as coefficients are.

    >>> N, alpha = sympy.symbols("N alpha")
    >>> common([alpha / N, 1 / (N + alpha) ** 2])  # α (N + α)² + N over N (N + α)²: degrees 2 in N and 3 in α
    12
    """
    fractions = [sympy.fraction(value) for value in values]
    shared: dict[sympy.Expr, int] = {}
    for _, bottom in fractions:
        for base, power in _factors(bottom):
            shared[base] = max(power, shared.get(base, 0))
    degrees: dict[sympy.Expr, int] = {}
    for top, bottom in fractions:
        missing = dict(shared)
        for base, power in _factors(bottom):
            missing[base] -= power
        own: dict[sympy.Expr, int] = {}
        for base, power in [*_factors(top), *missing.items()]:
            for letter, degree in _degrees(base).items():
                own[letter] = own.get(letter, 0) + degree * power
        degrees = {letter: max(degrees.get(letter, 0), own.get(letter, 0)) for letter in {*degrees, *own}}
    return prod(degree + 1 for degree in degrees.values())


def _factors(value: sympy.Expr) -> list[tuple[sympy.Expr, int]]:
    """Factors that are not numbers, with whole powers; other powers are factors of their own."""
    found = []
    for factor in sympy.Mul.make_args(value):
        base, power = factor.as_base_exp()
        whole = power.is_Integer and power > 0
        found.append((base, int(power)) if whole else (factor, 1))
    return [(base, power) for base, power in found if not base.is_number]


def _degrees(value: sympy.Expr) -> dict[sympy.Expr, int]:
    """The degrees of a polynomial in its letters, functions and roots among them."""
    polynomial = sympy.Poly(value)
    return dict(zip(polynomial.gens, polynomial.degree_list(), strict=True))


def check_landscape(values: Sequence[sympy.Expr]) -> None:
    """Refuse couplings whose landscape takes too long.

    Raises:
        TooLargeError: with the number of parameters.

    """
    if common(values) > LANDSCAPE:
        letters = frozenset().union(*(value.free_symbols for value in values))
        message = (
            f"the coefficients are too large to work out a landscape with {len(letters)} parameters; give numbers for"
            " some of them"
        )
        raise TooLargeError(message)
