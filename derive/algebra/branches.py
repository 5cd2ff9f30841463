"""A normal form for fractions of polynomials in which letters may be roots, y^q = c, or absolute values, w = |u|.

Roots leave the denominator: it is multiplied by the factor that makes it a norm. A fraction with |u| is two, one for
u ≥ 0 and one for u ≤ 0, each in lowest terms. Where they can be scaled to meet at u = 0, numerator and denominator are
written as one, (p₊ + p₋)/2 + |u| (p₊ − p₋)/(2u), so that 1/(1 + |u|) stays what it is and has no pole of its own
at u = 1; otherwise over a common denominator.
"""

from __future__ import annotations

from itertools import product
from typing import Any, NamedTuple

from sympy.polys.matrices import DomainMatrix

# SymPy's rings are untyped.
Polynomial = Any
Fraction = tuple[Polynomial, Polynomial]


class Root(NamedTuple):
    """A letter y with y^degree = square."""

    letter: Polynomial
    degree: int
    power: Polynomial


class Absolute(NamedTuple):
    """A letter w = |inside|, and the signs that the inside may have."""

    letter: Polynomial
    inside: Polynomial
    signs: tuple[int, ...] = (1, -1)


def one_form(fraction: Fraction, roots: list[Root], absolutes: list[Absolute]) -> Fraction:
    """The normal form, which equal fractions share; roots that occur in powers of others come first.

    Where the denominator vanishes for one sign of u the fraction is undefined, and the form is that for the other sign.
    """
    if not roots and not absolutes:
        return _lowest(*fraction)
    found: dict[tuple[int, ...], Fraction | None] = {}
    for signs in product(*(one.signs for one in absolutes)):
        put = [(one.letter, sign * one.inside) for one, sign in zip(absolutes, signs, strict=True)]
        there = [root._replace(power=_put(root.power, put)) for root in roots]
        found[signs] = _without_roots(_put(fraction[0], put), _put(fraction[1], put), there)
    for one in reversed(absolutes):
        shorter = {signs[:-1] for signs in found}
        found = {
            signs: _joined([found[*signs, sign] for sign in one.signs], one) for signs in sorted(shorter, reverse=True)
        }
        relations = [other.letter**2 - other.inside**2 for other in absolutes]
        found = {
            signs: part and _lowest(*(polynomial.rem(relations) for polynomial in part))
            for signs, part in found.items()
        }
    result = found[()]
    if result is None:
        message = "a denominator vanishes for all values of the parameters"
        raise ZeroDivisionError(message)
    return result


def _put(polynomial: Polynomial, put: list[tuple[Polynomial, Polynomial]]) -> Polynomial:
    return polynomial.compose(put) if put else polynomial


def _lowest(numerator: Polynomial, denominator: Polynomial) -> Fraction:
    """The fraction in lowest terms, the denominator monic."""
    if not numerator:
        return numerator, denominator.ring.one
    numerator, denominator = numerator.cancel(denominator)
    leading = denominator.LC
    return numerator.quo_ground(leading), denominator.quo_ground(leading)


def _without_roots(numerator: Polynomial, denominator: Polynomial, roots: list[Root]) -> Fraction | None:
    """A fraction without roots in the denominator; None where that vanishes."""
    relations = [root.letter**root.degree - root.power for root in roots]
    if relations:
        numerator, denominator = numerator.rem(relations), denominator.rem(relations)
    for root in roots:
        if denominator and root.letter.LM in _letters(denominator):
            other = _conjugate(denominator, root, relations)
            numerator, denominator = (numerator * other).rem(relations), (denominator * other).rem(relations)
    return _lowest(numerator, denominator) if denominator else None


def _letters(polynomial: Polynomial) -> set[tuple[int, ...]]:
    """The letters that occur, as monomials."""
    ring = polynomial.ring
    return {one.LM for k, one in enumerate(ring.gens) if any(monomial[k] for monomial in polynomial.itermonoms())}


def _conjugate(value: Polynomial, root: Root, relations: list[Polynomial]) -> Polynomial:
    """The factor that takes a polynomial in y to its norm, by its characteristic polynomial (Cayley and Hamilton)."""
    rows = [_coefficients((value * root.letter**k).rem(relations), root) for k in range(root.degree)]
    domain = value.ring.to_domain()
    numbers = DomainMatrix(rows, (root.degree, root.degree), domain).charpoly()
    result = value.ring.zero
    for number in numbers[:-1]:
        result = (result * value + number).rem(relations)
    return result


def _coefficients(polynomial: Polynomial, root: Root) -> list[Polynomial]:
    """The coefficients of the powers of y, from y⁰ on."""
    at = root.letter.LM.index(1)
    parts: list[dict[tuple[int, ...], Any]] = [{} for _ in range(root.degree)]
    for monomial, value in polynomial.iterterms():
        parts[monomial[at]][(*monomial[:at], 0, *monomial[at + 1 :])] = value
    return [polynomial.ring.from_dict(part) for part in parts]


def _joined(parts: list[Fraction | None], one: Absolute) -> Fraction | None:
    """The fraction that is the first where u ≥ 0 and the second where u ≤ 0."""
    known = [part for part in parts if part is not None]
    if len(known) < 2 or known[0] == known[1]:
        return known[0] if known else None
    (above, below), (other_above, other_below) = known
    scale = _meeting((above, below), (other_above, other_below), one.inside)
    if scale is not None:
        return (
            _as_one(above, other_above.mul_ground(scale), one),
            _as_one(below, other_below.mul_ground(scale), one),
        )
    whole = below.lcm(other_below)
    left, right = above * whole.exquo(below), other_above * whole.exquo(other_below)
    return (left + right) * one.inside + one.letter * (left - right), 2 * one.inside * whole


def _as_one(left: Polynomial, right: Polynomial, one: Absolute) -> Polynomial:
    half = left.ring.domain.one / 2
    return (left + right + one.letter * (left - right).exquo(one.inside)).mul_ground(half)


def _meeting(one: Fraction, other: Fraction, inside: Polynomial) -> Any:  # noqa: ANN401
    """The factor that makes the other's numerator and denominator equal to those of the first at u = 0."""
    rests = [(left.rem([inside]), right.rem([inside])) for left, right in zip(one, other, strict=True)]
    scale = next((left.LC / right.LC for left, right in reversed(rests) if left and right), None)
    if scale is None or any(left != right.mul_ground(scale) for left, right in rests):
        return None
    return scale
