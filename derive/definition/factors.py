"""Products and sums of a definition taken apart: the scalar of a product, the scaled summands of a sum."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sympy

from derive.definition.expression import Average, Expression, Product, Scalar, Sum

if TYPE_CHECKING:
    from collections.abc import Sequence


def split_off(factors: Sequence[Expression]) -> tuple[sympy.Expr, list[Expression]]:
    """The product of the scalars among some factors, and the other factors."""
    scalar = sympy.Mul(*(factor.value for factor in factors if isinstance(factor, Scalar)))
    return scalar, [factor for factor in factors if not isinstance(factor, Scalar)]


def unscaled(node: Expression) -> tuple[sympy.Expr, Expression]:
    """The scalar of a product, and what is left of it.

    >>> from derive import half_sq, views
    >>> distance = half_sq(*views("x, x_pos"))
    >>> unscaled(3 * distance) == (3, distance), unscaled(distance) == (1, distance)
    (True, True)
    """
    if not isinstance(node, Product):
        return sympy.S.One, node
    scalar, rest = split_off(node.factors)
    return scalar, rest[0] if len(rest) == 1 else Product(tuple(rest)) if rest else Scalar(sympy.S.One)


def summands(node: Expression) -> list[tuple[sympy.Expr, Expression]]:
    """The definition as a sum of scalar × node; means over views of a sum are taken apart."""
    match node:
        case Sum(terms):
            return [pair for term in terms for pair in summands(term)]
        case Product(factors):
            scalar, rest = split_off(factors)
            if len(rest) == 1:
                return [(scalar * inside, part) for inside, part in summands(rest[0])]
        case Average(body, over, None):
            return [(scalar, Average(part, over, None)) for scalar, part in summands(body)]
    return [(sympy.S.One, node)]
