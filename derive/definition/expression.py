"""A definition as a tree: f at views, scalars, exp, log, powers, means, sums over coordinates, matrices.

Nodes are immutable values: equality and hashing go by content. Nothing is evaluated here; `language` has the words to
build them with, `series` expands a definition in W, `closed_form` looks for closed forms, and `numeric.definition`
evaluates it on points.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal, NoReturn

import sympy

from derive.definition.inexact import inexact
from derive.definition.views import Index, View
from derive.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class _NoSymPyError(InputError, sympy.SympifyError):  # type: ignore[misc]
    """SymPy's own error too, so that a symbol times a node is still left to the node."""

    def __str__(self) -> str:
        return (
            "SymPy's functions take no expression in views; use exp, log and sqrt of derive for those, as in"
            " derive.exp(inner(x, chi))"
        )


class Expression:
    """Base of all nodes; carries the arithmetic."""

    __slots__ = ()
    __match_args__: ClassVar[tuple[str, ...]]
    # NumPy scalars would otherwise take the node apart element by element.
    __array_ufunc__ = None

    def _sympy_(self) -> NoReturn:
        raise _NoSymPyError(None)

    def __add__(self, other: object) -> Expression:
        """Sum, flattened."""
        return _sum(self, as_expression(other))

    def __radd__(self, other: object) -> Expression:
        """Sum with a number on the left."""
        return _sum(as_expression(other), self)

    def __sub__(self, other: object) -> Expression:
        """Difference."""
        return _sum(self, -as_expression(other))

    def __rsub__(self, other: object) -> Expression:
        """Difference from a number."""
        return _sum(as_expression(other), -self)

    def __mul__(self, other: object) -> Expression:
        """Product, flattened; vectors and matrices define their own."""
        if getattr(other, "takes_factors", False):
            return NotImplemented
        return _product(self, as_expression(other))

    def __rmul__(self, other: object) -> Expression:
        """Product with a number on the left."""
        return _product(as_expression(other), self)

    def __truediv__(self, other: object) -> Expression:
        """Quotient: the divisor must not vanish at W = 0."""
        return _product(self, _inverse(as_expression(other)))

    def __rtruediv__(self, other: object) -> Expression:
        """A number over an expression."""
        return _product(as_expression(other), _inverse(self))

    def __pow__(self, exponent: object) -> Expression:
        """Power with an exponent that depends on no view."""
        return Power(self, as_scalar(exponent))

    def __neg__(self) -> Expression:
        """Negative."""
        return _product(Scalar(sympy.Integer(-1)), self)


@dataclass(frozen=True, slots=True)
class Scalar(Expression):
    """A number or an expression in the loss's parameters."""

    value: sympy.Expr


@dataclass(frozen=True, slots=True)
class Inner(Expression):
    """⟨f(left), f(right)⟩."""

    left: View
    right: View


@dataclass(frozen=True, slots=True)
class HalfSquare(Expression):
    """½|f(left) − f(right)|²."""

    left: View
    right: View


@dataclass(frozen=True, slots=True)
class Coordinate(Expression):
    """One coordinate f(view)_i of an embedding."""

    view: View
    index: Index


@dataclass(frozen=True, slots=True)
class Sum(Expression):
    """A sum of expressions."""

    terms: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Product(Expression):
    """A product of expressions."""

    factors: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Power(Expression):
    """base ** exponent, the exponent free of views."""

    base: Expression
    exponent: sympy.Expr


@dataclass(frozen=True, slots=True)
class Exp(Expression):
    """The exponential of an expression."""

    argument: Expression


@dataclass(frozen=True, slots=True)
class Log(Expression):
    """The natural logarithm of an expression."""

    argument: Expression


@dataclass(frozen=True, slots=True)
class Average(Expression):
    """A mean over views; see `derive.definition.language.Mean`, which checks its arguments.

    Over a sample, views of several data are different draws of one sample, that of the first datum.
    """

    body: Expression
    over: tuple[View, ...]
    count: sympy.Expr | None


@dataclass(frozen=True, slots=True)
class ViewAverage(Expression):
    """A mean over further views of the datum that ``of`` shows, each drawn independently given the datum.

    With a count, several views are different ones out of that many; all means with the same count share them.
    """

    body: Expression
    over: tuple[View, ...]
    of: View
    count: sympy.Expr | None


@dataclass(frozen=True, slots=True)
class CoordinateSum(Expression):
    """Σ_i body, over the d1 coordinates of the embedding."""

    body: Expression
    index: Index


@dataclass(frozen=True, slots=True)
class Delta(Expression):
    """1 where two coordinates are the same, else 0."""

    left: Index
    right: Index


@dataclass(frozen=True, slots=True)
class LogDet(Expression):
    """The logarithm of the determinant of the matrix whose entry (row, column) is given."""

    entry: Expression
    row: Index
    column: Index


@dataclass(frozen=True, slots=True)
class InverseEntry(Expression):
    """The entry ``at`` of the inverse of the matrix whose entry (row, column) is given."""

    entry: Expression
    row: Index
    column: Index
    at: tuple[Index, Index]


@dataclass(frozen=True, slots=True)
class Statistic(Expression):
    """A mean, variance, covariance or joint cumulant over the views and samples of its arguments that are not given.

    `derive.definition.statistics` makes one and checks its arguments.
    """

    arguments: tuple[Expression, ...]
    kind: Literal["E", "Var", "Cov", "Cum"]
    given: tuple[View, ...] = ()


def as_expression(value: object) -> Expression:
    """An expression from an expression or an exact number."""
    return value if isinstance(value, Expression) else Scalar(as_scalar(value))


def as_scalar(value: object) -> sympy.Expr:
    """A SymPy expression from a number or a SymPy expression; text and inexact numbers are refused."""
    if isinstance(value, Expression):
        message = "an exponent, a count or a weight must be free of views"
        raise InputError(message)
    # Views, vectors and matrices say what to write instead.
    if refused := getattr(value, "no_number", None):
        refused()
    if isinstance(value, str):
        message = f"{value!r} is text; make it a symbol with derive.symbols({value!r})"
        raise InputError(message)
    try:
        scalar = sympy.sympify(value, strict=True)
    except sympy.SympifyError:
        message = f"{value!r} is neither a number, a SymPy expression nor an expression in views"
        raise InputError(message) from None
    if isinstance(scalar, sympy.Expr) and scalar.has(sympy.I):
        message = f"{value!r} is complex; the weights of a loss are real"
        raise InputError(message)
    if not isinstance(scalar, sympy.Expr) or scalar.has(sympy.Float, sympy.nan, sympy.zoo, sympy.oo):
        raise InputError(inexact(value, scalar))
    return scalar


# Nodes whose first field holds several parts.
_OF_SEVERAL = (Sum, Product, Statistic)


def children(node: Expression) -> tuple[Expression, ...]:
    """The parts of a node, for walks over a definition: its first field holds them."""
    first = getattr(node, node.__match_args__[0])
    if isinstance(node, _OF_SEVERAL):
        return tuple(first)
    return (first,) if isinstance(first, Expression) else ()


def rebuilt(node: Expression, parts: Sequence[Expression]) -> Expression:
    """The same node with other parts, as many as `children` gives."""
    if not parts:
        return node
    first = tuple(parts) if isinstance(node, _OF_SEVERAL) else parts[0]
    return replace(node, **{node.__match_args__[0]: first})  # type: ignore[type-var]


def walk(node: Expression) -> Iterable[Expression]:
    """The node and everything below it."""
    yield node
    for part in children(node):
        yield from walk(part)


def scalars(node: Expression) -> Iterable[sympy.Expr]:
    """Every scalar a definition mentions: coefficients, exponents, counts."""
    for part in walk(node):
        match part:
            case Scalar(value) | Power(_, value):
                yield value
            case Average(_, _, count) | ViewAverage(_, _, _, count) if count is not None:
                yield count


def labels(node: Expression) -> tuple[View | Index, ...]:
    """The views and coordinates that a node itself names; of a mean or a sum, those that it binds."""
    match node:
        case Inner(u, v) | HalfSquare(u, v):
            return (u, v)
        case Coordinate(u, i):
            return (u, i)
        case Average(_, over, _) | ViewAverage(_, over, _, _):
            return over
        case CoordinateSum(_, i):
            return (i,)
        case Statistic(_, _, given):
            return given
    return ()


def free_views(node: Expression) -> frozenset[View]:
    """The views that no mean inside ``node`` binds."""
    match node:
        case Inner(u, v) | HalfSquare(u, v):
            return frozenset((u, v))
        case Coordinate(u, _):
            return frozenset((u,))
        case Average(body, over, _):
            return free_views(body) - set(over)
        case ViewAverage(body, over, of, _):
            return free_views(body) - set(over) | {of}
        case Statistic(arguments, _, given):
            return frozenset().union(*map(free_views, arguments)) & set(given)
    return frozenset().union(*map(free_views, children(node)))


def free_indices(node: Expression) -> frozenset[Index]:
    """The coordinates that no sum inside ``node`` binds."""
    match node:
        case Coordinate(_, index):
            return frozenset((index,))
        case CoordinateSum(body, index):
            return free_indices(body) - {index}
        case Delta(left, right):
            return frozenset((left, right))
        case LogDet(entry, row, column):
            return free_indices(entry) - {row, column}
        case InverseEntry(entry, row, column, at):
            return free_indices(entry) - {row, column} | {*at}
    return frozenset().union(*map(free_indices, children(node)))


def _sum(*terms: Expression) -> Expression:
    flat: list[Expression] = []
    for term in terms:
        flat.extend(term.terms if isinstance(term, Sum) else (term,))
    kept = [term for term in flat if term != Scalar(sympy.S.Zero)] or [Scalar(sympy.S.Zero)]
    return kept[0] if len(kept) == 1 else Sum(tuple(kept))


def _product(*factors: Expression) -> Expression:
    number, rest = sympy.S.One, []
    for factor in factors:
        for part in factor.factors if isinstance(factor, Product) else (factor,):
            if isinstance(part, Scalar):
                number *= part.value
            else:
                rest.append(part)
    if not rest:
        return Scalar(number)
    scaled = rest if number == 1 else [Scalar(number), *rest]
    return scaled[0] if len(scaled) == 1 else Product(tuple(scaled))


def _inverse(node: Expression) -> Expression:
    if not isinstance(node, Scalar):
        return Power(node, sympy.Integer(-1))
    if node.value == 0:
        message = "division by zero in a definition"
        raise InputError(message)
    return Scalar(1 / node.value)
