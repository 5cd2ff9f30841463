"""Functions of a matrix M = c I + R as their series in R, through an order in W.

    log det M = d1 log c + Σ_k (−1)^(k+1) Tr R^k / (k c^k),      M⁻¹ = Σ_k (−R)^k / c^(k+1),

where R, a sum of second moments, vanishes at W = 0. The powers are sums over coordinates, which `series` expands.
"""

from __future__ import annotations

from itertools import count, pairwise
from typing import TYPE_CHECKING

import sympy

from derive.algebra.scalars import normal_form
from derive.definition.expression import (
    CoordinateSum,
    Delta,
    Expression,
    InverseEntry,
    LogDet,
    Scalar,
    as_expression,
    free_indices,
    walk,
)
from derive.definition.matrices import beside_identity
from derive.definition.notation import TEXT
from derive.definition.regularity import homogeneity
from derive.definition.rewriting import with_indices
from derive.definition.views import Index
from derive.definition.written import definition
from derive.errors import InputError, NotAnalyticError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def in_powers(node: LogDet | InverseEntry, orders: Sequence[bool], dimension: sympy.Expr) -> Expression:
    """The series as sums over coordinates.

    Args:
        node: a function of c I + R.
        orders: whether R has terms of order 0, 1, …, through the last that is wanted.
        dimension: how many coordinates there are.

    Raises:
        InputError: R does not vanish at W = 0, or the logarithm is not real there.
        NotAnalyticError: c is 0.

    """
    number, rest = beside_identity(node)
    what = definition(node, TEXT)
    if orders[0]:
        message = (
            f"{what} is of a matrix that is not a multiple of the identity at W = 0, and is not expanded; write it as a"
            " number times identity plus second moments"
        )
        raise InputError(message)
    at_zero = normal_form(number)
    if at_zero == 0:
        message = (
            f"{what} has no expansion at W = 0, where the matrix vanishes; give it a value there, for instance by"
            " adding ε times the identity"
        )
        raise NotAnalyticError(message, homogeneity(node))
    if isinstance(node, LogDet) and at_zero.is_negative:
        message = f"{what} is not real: the matrix is {at_zero} I at W = 0"
        raise InputError(message)
    lowest = orders.index(True) if True in orders else len(orders)
    highest = (len(orders) - 1) // lowest
    names = _fresh(node)
    total: Expression
    if isinstance(node, LogDet):
        total = Scalar(dimension * sympy.log(number))
        for k in range(1, highest + 1):
            i = next(names)
            power = CoordinateSum(_power(node, rest, k, i, i, names), i)
            total = total + (-1) ** (k + 1) / (k * number**k) * power
        return total
    i, j = node.at
    total = Scalar(1 / number) * (Scalar(sympy.S.One) if i == j else Delta(i, j))
    for k in range(1, highest + 1):
        total = total + (-1) ** k / number ** (k + 1) * _power(node, rest, k, i, j, names)
    return total


def _power(
    node: LogDet | InverseEntry, rest: Expression, k: int, i: Index, j: Index, names: Iterator[Index]
) -> Expression:
    """The entry (i, j) of R^k."""
    between = [next(names) for _ in range(k - 1)]
    path = [i, *between, j]
    product: Expression = as_expression(1)
    for row, column in pairwise(path):
        product = product * with_indices(rest, {node.row: row, node.column: column})
    for index in between:
        product = CoordinateSum(product, index)
    return product


def _fresh(node: LogDet | InverseEntry) -> Iterator[Index]:
    """Coordinates that occur nowhere in a node."""
    taken = {index.name for part in walk(node) for index in free_indices(part)} | {node.row.name, node.column.name}
    taken |= {part.index.name for part in walk(node) if isinstance(part, CoordinateSum)}
    return (Index(name) for k in count(1) if (name := f"k{k}") not in taken)
