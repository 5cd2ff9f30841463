"""Whether a loss of ⟨f(x), g(y)⟩, to all orders, is convex in WᵀV and pulls pairs together wherever it stands.

Both follow from its definition. Inner products ⟨f(x), g(y)⟩ are linear in WᵀV; sums of exponentials of convex
functions are log-convex, and so are means of them: their logarithm is convex. *Pull*: the slope of the loss along the
inner products of pairs, added up. Of a logarithm of a sum of exponentials that is a mean of their slopes, strictly
between the least and the largest where they differ.

Let WᵀV be diagonal in the canonical pairs with m_i = 0. Then the loss does not depend on the canonical x_i and y_i of
any datum, and its slope along m_i is λ_i times the mean pull. Where that is negative for every W and V no minimum
among the diagonal WᵀV has m_i = 0 with λ_i > 0; where the loss is convex, no minimum at all has, as the mean of WᵀV
over the signs of the canonical pairs is diagonal and not higher.
"""

from __future__ import annotations

from typing import NamedTuple

import sympy

from derive.algebra.graphs import ENCODER, PLAIN
from derive.algebra.signs import over, sign
from derive.definition.expression import Average, Exp, Expression, HalfSquare, Inner, Log, Power, Product, Scalar, Sum
from derive.definition.factors import split_off
from derive.losses.loss import Loss


class Shape(NamedTuple):
    """What is known of a part of a definition, as a function of WᵀV.

    Attributes:
        affine: whether it is affine.
        convex: whether it is convex.
        low: its slope along the inner products of pairs is at least this; None where that is not known.
        high: it is at most this.
        attained: whether the bounds may be reached.

    """

    affine: bool
    convex: bool
    low: sympy.Expr | None
    high: sympy.Expr | None
    attained: bool = True


_CONSTANT = Shape(affine=True, convex=True, low=sympy.S.Zero, high=sympy.S.Zero)
_UNKNOWN = Shape(affine=False, convex=False, low=None, high=None)


def shape(loss: Loss) -> Shape:
    """The shape of a loss without its weight decay.

    >>> from derive import catalogue
    >>> shape(catalogue("siglip").with_two_encoders())
    Shape(affine=False, convex=True, low=-t, high=0, attained=False)
    """
    with over(loss.domain):
        return _of(loss.expression)


def pulls(loss: Loss) -> bool:
    """Whether it is convex in WᵀV and no canonical pair with λ_i > 0 is lost at a minimum, to all orders.

    With rows enough, d1 ≥ min(d0, d0′).

    >>> from derive import catalogue
    >>> [pulls(catalogue(name).with_two_encoders()) for name in ("siglip", "infonce")]
    [True, False]
    """
    found = shape(loss)
    with over(loss.domain):
        side = None if found.high is None else sign(found.high)
    return found.convex and (side == -1 or (side == 0 and not found.attained))


def _of(node: Expression) -> Shape:
    match node:
        case Scalar():
            return _CONSTANT
        case Inner(u, v) if u.white or v.white:
            # Weight decay, which is convex as a norm of WᵀV and is not counted.
            return _CONSTANT
        case Inner(u, v) if {u.role, v.role} == {PLAIN, ENCODER}:
            slope = sympy.Integer(u.datum == v.datum)
            return Shape(affine=True, convex=True, low=slope, high=slope)
        case Inner() | HalfSquare():
            return _UNKNOWN
        case Sum(terms):
            return _added([_of(term) for term in terms])
        case Product(factors):
            weight, rest = split_off(factors)
            if len(rest) != 1:
                return _UNKNOWN
            return _scaled(weight, _of(rest[0]))
        case Power(base, exponent):
            inside = _of(base)
            if exponent == 2 and inside.affine and inside.low == inside.high == 0:
                return Shape(affine=False, convex=True, low=sympy.S.Zero, high=sympy.S.Zero)
            return _UNKNOWN
        case Average(body, _, _):
            return _of(body)
        case Log(argument):
            found = _logarithm(argument)
            return _UNKNOWN if found is None else found
    return _UNKNOWN


def _logarithm(node: Expression) -> Shape | None:
    """The shape of log node, for a sum of exponentials with positive weights; None for anything else."""
    match node:
        case Scalar(value):
            return _CONSTANT if sign(value) == 1 else None
        case Exp(argument):
            return _of(argument)
        case Average(body, _, _):
            inside = _logarithm(body)
            return None if inside is None else inside._replace(affine=False)
        case Product(factors):
            weight, rest = split_off(factors)
            parts = [_logarithm(one) for one in rest]
            known = [one for one in parts if one is not None]
            return _added(known) if sign(weight) == 1 and len(known) == len(parts) else None
        case Sum(terms):
            parts = [_logarithm(term) for term in terms]
            known = [one for one in parts if one is not None]
            return _between(known) if len(known) == len(parts) else None
    return None


def _between(parts: list[Shape]) -> Shape:
    """The shape of a logarithm of a sum, from those of its terms."""
    convex = all(one.convex for one in parts)
    low, high = parts[0].low, parts[0].high
    for one in parts[1:]:
        low, high = _least(low, one.low, 1), _least(high, one.high, -1)
    if low is None or high is None:
        return Shape(affine=False, convex=convex, low=None, high=None)
    # A mean with positive weights of slopes that differ reaches neither end.
    ends = {(one.low, one.high) for one in parts}
    inside = len(ends) > 1 and all(one.low == one.high for one in parts)
    return Shape(
        affine=False, convex=convex, low=low, high=high, attained=not inside and all(one.attained for one in parts)
    )


def _least(one: sympy.Expr | None, other: sympy.Expr | None, side: int) -> sympy.Expr | None:
    """The smaller of two (the larger, for side −1), None where that is open."""
    if one is None or other is None:
        return None
    found = sign(sympy.cancel(one - other))
    return None if found is None else one if side * found <= 0 else other


def _added(parts: list[Shape]) -> Shape:
    affine, convex = all(one.affine for one in parts), all(one.convex for one in parts)
    lows, highs = [one.low for one in parts], [one.high for one in parts]
    low = None if None in lows else sympy.cancel(sympy.Add(*lows))
    high = None if None in highs else sympy.cancel(sympy.Add(*highs))
    return Shape(affine, convex, low, high, attained=all(one.attained for one in parts))


def _scaled(weight: sympy.Expr, one: Shape) -> Shape:
    side = sign(weight)
    if side is None:
        return Shape(one.affine, one.affine, None, None)
    low, high = (None if end is None else weight * end for end in (one.low, one.high))
    low, high = (low, high) if side >= 0 else (high, low)
    return Shape(one.affine, one.affine or (one.convex and side >= 0), low, high, attained=one.attained)
