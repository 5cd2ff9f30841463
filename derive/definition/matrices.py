"""Matrices over the coordinates of the embedding: second moments, the identity, their sums, products and inverses.

A matrix is read entry by entry, ``M[i, j]``, an expression in two coordinates; `trace` and `log_det` make it a number.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count, pairwise
from math import prod
from typing import TYPE_CHECKING, ClassVar, NoReturn

import sympy

from derive.definition.expression import (
    Coordinate,
    CoordinateSum,
    Delta,
    Expression,
    InverseEntry,
    LogDet,
    Product,
    Scalar,
    Sum,
    as_expression,
    as_scalar,
)
from derive.definition.language import Mean, diagonal_sum
from derive.definition.views import Index, View
from derive.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_NAMES = "ijklmnopqr"
ONE = Scalar(sympy.S.One)


class Matrix:
    """A d1 × d1 matrix; ``M[i, j]`` is its entry, + and − and @ mean what they do for arrays, ``M.T`` is the transpose.

    A number times `identity` may be added to one; a number alone may not.
    """

    __slots__ = ()
    # NumPy scalars would otherwise take the matrix apart.
    __array_ufunc__ = None
    takes_factors: ClassVar = True

    def __getitem__(self, at: tuple[Index, Index]) -> Expression:
        """The entry at two coordinates."""
        raise NotImplementedError

    @property
    def T(self) -> Matrix:
        """The transpose."""
        return _Entries(lambda i, j: self[j, i])

    def __add__(self, other: object) -> Matrix:
        """Sum of two matrices."""
        right = _matrix(other, "+")
        return _Entries(lambda i, j: self[i, j] + right[i, j])

    def __sub__(self, other: object) -> Matrix:
        """Difference of two matrices."""
        right = _matrix(other, "-")
        return _Entries(lambda i, j: self[i, j] - right[i, j])

    def __neg__(self) -> Matrix:
        """The opposite matrix."""
        return -1 * self

    def __mul__(self, factor: object) -> Matrix:
        """A multiple."""
        number = as_expression(factor)
        return _Entries(lambda i, j: number * self[i, j])

    def __rmul__(self, factor: object) -> Matrix:
        """A multiple, the number on the left."""
        return self * factor

    def __truediv__(self, divisor: object) -> Matrix:
        """One over a number times the matrix."""
        return self * (1 / as_expression(divisor))

    def __matmul__(self, other: object) -> Matrix:
        """The product of two matrices."""
        factors = [
            of for one in (self, _matrix(other, "@")) for of in (one.of if isinstance(one, _Product) else (one,))
        ]
        return _Product(tuple(factors))

    def __radd__(self, other: object) -> Matrix:
        """Sum with what is not a matrix, which is refused."""
        return _matrix(other, "+") + self

    def __rsub__(self, other: object) -> Matrix:
        """Difference from what is not a matrix, which is refused."""
        return _matrix(other, "-") - self

    def no_number(self) -> NoReturn:
        """Refuse to be taken for a number."""
        message = (
            "a matrix is not a number; write trace(M), log_det(M), or M[i, j] for an entry, and M @ P for a product of"
            " matrices"
        )
        raise InputError(message)

    def __pow__(self, exponent: object) -> NoReturn:
        """Refuse powers."""
        self.no_number()

    def __iter__(self) -> Iterator[Expression]:
        """Refuse to be run through: the dimension is a symbol."""
        message = "a matrix has d1² entries, d1 a symbol; sum over them with diagonal_sum and off_diagonal_sum"
        raise InputError(message)


@dataclass(frozen=True, slots=True)
class _Entries(Matrix):
    """A matrix given by the function of its entries."""

    entry: Callable[[Index, Index], Expression]

    def __getitem__(self, at: tuple[Index, Index]) -> Expression:
        return self.entry(*at)


@dataclass(frozen=True, slots=True)
class _Product(Matrix):
    """A product of matrices; its entry is one sum over all coordinates between them."""

    of: tuple[Matrix, ...]

    def __getitem__(self, at: tuple[Index, Index]) -> Expression:
        i, j = at
        between = _apart(at, len(self.of) - 1)
        path = pairwise((i, *between, j))
        entry = prod((factor[row, column] for factor, (row, column) in zip(self.of, path, strict=True)), start=ONE)
        for k in reversed(between):
            entry = CoordinateSum(entry, k)
        return entry


@dataclass(frozen=True, slots=True)
class SecondMoment(Matrix):
    """The matrix E[f(left) f(right)ᵀ], read entry by entry: ``M[i, j]``.

    Args:
        left: the view of the row coordinate.
        right: the view of the column coordinate.
        count: None for the population mean, else the size of the sample (see `Mean`).
        centred: subtract E[f(left)] E[f(right)]ᵀ, which makes it a covariance.

    """

    left: View
    right: View
    count: object = None
    centred: bool = False

    def __getitem__(self, entry: tuple[Index, Index]) -> Expression:
        """The entry (i, j)."""
        i, j = entry
        left, right = Coordinate(self.left, i), Coordinate(self.right, j)
        moment = Mean(left * right, over=(self.left, self.right), count=self.count)
        if not self.centred:
            return moment
        return moment - Mean(left, over=self.left, count=self.count) * Mean(right, over=self.right, count=self.count)


identity: Matrix = _Entries(lambda i, j: ONE if i == j else Delta(i, j))
"""The identity matrix."""


def inverse(matrix: Matrix) -> Matrix:
    """The inverse; a multiple of the identity added to second moments, as in P + ε·identity, gives it a value at W = 0.

    >>> from derive import Loss, views
    >>> x, x_pos = views("x, x_pos")
    >>> P, Q = SecondMoment(x, x), SecondMoment(x, x_pos)
    >>> epsilon = sympy.Symbol("epsilon")
    >>> print(Loss(-trace(inverse(P + epsilon * identity) @ Q)).expand(order=4))
    −1/ε Tr[W A0 Wᵀ] + ε^(-2) Tr[W A0 Wᵀ W Σ Wᵀ] + O(W⁶)

    """
    of = _matrix(matrix, "inverse")

    def entry(i: Index, j: Index) -> Expression:
        row, column = _apart((i, j), 2)
        return InverseEntry(of[row, column], row, column, (i, j))

    return _Entries(entry)


def averaged(matrix: Matrix, *, over: tuple[View, ...], count: object) -> Matrix:
    """The mean of a matrix over a sample, entry by entry (see `Mean`)."""
    return _Entries(lambda i, j: Mean(matrix[i, j], over=over, count=count))


def trace(matrix: Matrix) -> Expression:
    """The sum of the diagonal entries."""
    of = _matrix(matrix, "trace")
    return diagonal_sum(lambda i: of[i, i])


def log_det(matrix: Matrix) -> Expression:
    """log det of a matrix; it has an expansion at W = 0 where a multiple of the identity is added to second moments.

    >>> from derive import Loss, views
    >>> (x,) = views("x")
    >>> information = log_det(SecondMoment(x, x) + sympy.Rational(1, 2) * identity)
    >>> Loss(information).text()
    'log det(E_x[f(x) f(x)ᵀ] + ½ I)'
    >>> print(Loss(information).expand(order=4))
    2 Tr[W Σ Wᵀ] − 2 Tr[(W Σ Wᵀ)²] + O(W⁶)

    """
    of = _matrix(matrix, "log_det")
    row, column = _apart((), 2)
    return LogDet(of[row, column], row, column)


def _apart(taken: tuple[Index, ...], number: int) -> list[Index]:
    """Coordinates other than those taken."""
    names = (f"{name}{k or ''}" for k in count() for name in _NAMES)
    held = {index.name for index in taken}
    return [Index(next(name for name in names if name not in held)) for _ in range(number)]


def _matrix(value: object, operation: str) -> Matrix:
    if isinstance(value, Matrix):
        return value
    if isinstance(value, Expression | int | sympy.Basic):
        shown = as_scalar(value) if not isinstance(value, Expression) else "…"
        message = f"{operation}: {shown} is a number, not a matrix; write {shown} * identity for that multiple of I"
        raise InputError(message)
    message = f"{operation}: {value!r} is not a matrix; give SecondMoment(x, x), identity, or a matrix made of them"
    raise InputError(message)


def beside_identity(node: LogDet | InverseEntry) -> tuple[sympy.Expr, Expression]:
    """The number c and R of the matrix c I + R."""
    number, rest = sympy.S.Zero, as_expression(0)
    identity = {Delta(node.row, node.column), Delta(node.column, node.row)}
    for term in node.entry.terms if isinstance(node.entry, Sum) else (node.entry,):
        match term:
            case Delta() if term in identity:
                number += 1
            case Product((Scalar(value), Delta() as delta)) if delta in identity:
                number += value
            case _:
                rest = rest + term
    return number, rest
