"""The signs that a number, or a polynomial in letters that are positive or not negative, can have."""

from __future__ import annotations

from itertools import product
from operator import mul
from random import Random

import sympy

from derive.algebra.size import DENSE, dense

Signs = frozenset[int]
NO: Signs = frozenset()
PLUS: Signs = frozenset({1})
MINUS: Signs = frozenset({-1})
ZERO: Signs = frozenset({0})
ALL: Signs = frozenset({-1, 0, 1})

# A number is evaluated to this many digits; below this size it is 0, or its sign is open.
_DIGITS, _SMALLEST = 40, sympy.Rational(1, 10**30)
# A polynomial of more terms is judged by its coefficients alone.
_TERMS, _DEPTH = 200, 3
# Points at which it is evaluated, with letters from 1 to this power of two.
_POINTS, _FURTHEST = 40, 8


def times(*factors: Signs) -> Signs:
    """The signs of a product."""
    found = PLUS
    for one in factors:
        found = frozenset(x * y for x, y in product(found, one))
    return found


def of_number(number: sympy.Expr) -> Signs:
    """The sign of an expression without symbols; all where it is 0 to thirty digits but not proved 0, or not real.

    >>> of_number(sympy.sqrt(2) - 1), of_number(sympy.cos(2)), sorted(of_number(sympy.sqrt(-2)))
    (frozenset({1}), frozenset({-1}), [-1, 0, 1])
    """
    if number.is_Rational:
        return frozenset({int(sympy.sign(number))})
    try:
        size = number.evalf(_DIGITS, strict=True)
    except (sympy.core.evalf.PrecisionExhausted, NotImplementedError, ValueError):
        size = None
    if size is not None and size.is_real and abs(size) > _SMALLEST:
        return PLUS if size > 0 else MINUS
    if size is not None and size.is_real is False:
        return ALL
    return ZERO if number.equals(0) else ALL


def of_polynomial(value: sympy.Expr, depth: int = _DEPTH) -> Signs:
    """The signs of a polynomial, from its factors.

    >>> p, q = (sympy.Dummy(name, positive=True) for name in "pq")
    >>> of_polynomial(p**2 - p * q + q**2), of_polynomial(p + 1), sorted(of_polynomial(p - 1))
    (frozenset({1}), frozenset({1}), [-1, 0, 1])
    """
    if value.is_number:
        return of_number(value)
    letters = sorted(value.free_symbols, key=sympy.default_sort_key)
    polynomial = sympy.Poly(value, *letters)
    found = _of_coefficients(polynomial)
    if len(found) == 1 or len(polynomial.terms()) > _TERMS or dense(polynomial) > DENSE or not _rational(polynomial):
        return found
    if _both_seen(polynomial):
        return ALL
    number, factors = polynomial.factor_list()
    parts = [_of_factor(factor, depth) for factor, _ in factors]
    powers = [frozenset(one**power for one in part) for part, (_, power) in zip(parts, factors, strict=True)]
    return found & times(of_number(number), *powers) or ALL


def _both_seen(polynomial: sympy.Poly) -> bool:
    """Whether it has a value above 0 and one below at some positive letters, which saves factoring it in vain."""
    random, terms = Random(0), [(int(value), powers) for powers, value in polynomial.clear_denoms()[1].terms()]
    seen = set()
    for _ in range(_POINTS):
        # Powers of two, of which products are shifts.
        at = [random.randint(0, _FURTHEST) for _ in polynomial.gens]
        seen.add(int(sympy.sign(sum(value << sum(map(mul, powers, at)) for value, powers in terms))))
        if seen >= {-1, 1}:
            return True
    return False


def _rational(polynomial: sympy.Poly) -> bool:
    return all(value.is_Rational for value in polynomial.coeffs())


def _of_coefficients(polynomial: sympy.Poly) -> Signs:
    """One sign where all coefficients have it and some term without a letter that may be 0 has it too."""
    found = [of_number(value) for value in polynomial.coeffs()]
    for only in (PLUS, MINUS):
        if all(one == only for one in found):
            may_vanish = [not letter.is_positive for letter in polynomial.gens]
            strict = any(
                not any(p and v for p, v in zip(powers, may_vanish, strict=True)) for powers in polynomial.monoms()
            )
            return only if strict else only | ZERO
    return ALL


def _of_factor(factor: sympy.Poly, depth: int) -> Signs:
    """The signs of an irreducible polynomial with rational coefficients."""
    found = _of_coefficients(factor)
    if len(found) == 1 or depth == 0:
        return found
    letters = factor.gens
    if factor.is_homogeneous and len(letters) > 1:
        # In units of one letter, if that is positive.
        unit = next((one for one in letters if one.is_positive), None)
        if unit is not None:
            return of_polynomial(factor.as_expr().subs(unit, 1), depth - 1)
    if len(letters) == 1:
        return _of_one_letter(factor)
    for letter in letters:
        if factor.degree(letter) != 2:
            continue
        square, linear, constant = (factor.as_expr().coeff(letter, k) for k in (2, 1, 0))
        of_square = of_polynomial(square, depth - 1)
        if of_square not in (PLUS, MINUS):
            continue
        discriminant = of_polynomial(sympy.expand(linear**2 - 4 * square * constant), depth - 1)
        if discriminant <= {-1, 0}:
            return of_square if discriminant == MINUS else of_square | ZERO
    return ALL


def _of_one_letter(factor: sympy.Poly) -> Signs:
    """Exact: the number of roots above 0, and the sign at one point."""
    (letter,) = factor.gens
    at_zero = factor.eval(0)
    inside = factor.count_roots(0, sympy.oo) - (1 if at_zero == 0 else 0)
    if inside:
        return ALL
    found = frozenset({int(sympy.sign(factor.eval(1)))})
    return found if letter.is_positive else found | {int(sympy.sign(at_zero))}
