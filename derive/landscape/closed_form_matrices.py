"""Closed forms of log det and inverses of second moments in the population.

    log det(c I + w S) = d1 log c + log det(I + μ S),      Tr[(c I + w S)⁻¹ X] = Tr[X]/c − μ/c Tr[X S (I + μ S)⁻¹],

where S = W Σ Wᵀ, μ = w/c, and X is S or W A0 Wᵀ.
"""

from __future__ import annotations

from typing import NamedTuple

import sympy

from derive.algebra.scalars import normal_form
from derive.definition.expression import (
    Average,
    Coordinate,
    CoordinateSum,
    Expression,
    Inner,
    InverseEntry,
    LogDet,
    Product,
    Scalar,
    Sum,
)
from derive.definition.language import EMBEDDING_DIMENSION
from derive.definition.matrices import beside_identity
from derive.definition.views import Index, View


class MatrixForm(NamedTuple):
    """A function of second moments: a number times log det(I + μS) or Tr[X S (I + μS)⁻¹], and what is left.

    Attributes:
        mu: μ.
        coefficient: the factor of the log det or of the resolvent.
        letter: "" for a log det, else that of X.
        remainder: the remaining terms.

    """

    mu: sympy.Expr
    coefficient: sympy.Expr
    letter: str
    remainder: Expression


def matrix_form(node: Expression) -> MatrixForm | None:
    """The closed form of one log det, or of the trace of an inverse times a second moment; None for anything else."""
    if isinstance(node, LogDet):
        found = _identity_and_moment(node)
        if found is None:
            return None
        number, mu = found
        return MatrixForm(mu, sympy.S.One, "", Scalar(EMBEDDING_DIMENSION * sympy.log(number)))
    match node:
        case CoordinateSum(CoordinateSum(Product((InverseEntry() as inverse, Average() as moment)), k), i):
            found = _identity_and_moment(inverse)
            views = _moment(moment, k, i)
            if found is None or views is None or {*inverse.at} != {i, k} or i == k:
                return None
            number, mu = found
            letter = "S" if views[0] == views[1] else "A"
            remainder = Scalar(1 / number) * Average(Inner(*sorted(views)), moment.over, None)
            return MatrixForm(mu, -mu / number, letter, remainder)
    return None


def _identity_and_moment(node: LogDet | InverseEntry) -> tuple[sympy.Expr, sympy.Expr] | None:
    """c and w/c of a matrix c I + w S; None for any other."""
    number, rest = beside_identity(node)
    weight = sympy.S.Zero
    for term in rest.terms if isinstance(rest, Sum) else (rest,):
        match term:
            case Average() as moment:
                value = sympy.S.One
            case Product((Scalar(value), Average() as moment)):
                pass
            case _:
                return None
        views = _moment(moment, node.row, node.column)
        if views is None or views[0] != views[1]:
            return None
        weight += value
    return (number, normal_form(weight / number)) if normal_form(number) != 0 else None


def _moment(node: Average, row: Index, column: Index) -> tuple[View, View] | None:
    """The views u and v of E[f(u)_row f(v)_column], of one datum, in the population."""
    match node:
        case Average(Product((Coordinate(u, i), Coordinate(v, j))), _, None):
            if {i, j} == {row, column} and row != column and u.datum == v.datum and not u.white:
                return u, v
    return None
