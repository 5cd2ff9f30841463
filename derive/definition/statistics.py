"""Means, variances, covariances and cumulants of polynomials in f at views: what they are, in means alone.

A statistic averages over all views and samples of its arguments but those that are given. `lowered` writes it out: the
joint cumulant of P₁, …, P_k is Σ_π (−1)^(b−1) (b−1)! ∏ E[∏ P_i] over partitions π into b blocks (Leonov and Shiryaev,
1959), of which a covariance is the case k = 2 and a variance that of two equal arguments.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import count
from math import factorial, prod
from typing import TYPE_CHECKING, Literal

import sympy
from sympy.utilities.iterables import multiset_partitions, partitions

from derive.definition.contents import check_definition
from derive.definition.expression import (
    Average,
    Coordinate,
    CoordinateSum,
    Delta,
    Expression,
    HalfSquare,
    Inner,
    Power,
    Product,
    Scalar,
    Statistic,
    Sum,
    ViewAverage,
    as_expression,
    children,
    free_views,
    labels,
    rebuilt,
    walk,
)
from derive.definition.language import Mean
from derive.definition.rewriting import with_views
from derive.definition.views import View
from derive.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Kind = Literal["E", "Var", "Cov", "Cum"]
# A cumulant of ten arguments has 115,975 products of means.
HIGHEST_CUMULANT = 10
_ONE = Scalar(sympy.S.One)


def statistic(kind: Kind, arguments: Iterable[object], given: Iterable[View] = ()) -> Statistic:
    """A mean, variance, covariance or cumulant.

    Args:
        kind: "E" and "Var" of one argument, "Cov" of two, "Cum" of one or more.
        arguments: polynomials in inner products, distances and coordinates of f at views.
        given: the views that are held.

    Raises:
        InputError: a number of arguments that does not go with the kind; a view is given that does not occur, or one
            whose datum has another view that is not given: that view is then neither held nor independent.

    >>> from derive import inner, views
    >>> x, chi = views("x, chi")
    >>> lowered(statistic("Var", [inner(x, chi)], [x])) == Mean(inner(x, chi) * inner(x, chi), over=chi) - Mean(
    ...     inner(x, chi), over=chi) * Mean(inner(x, chi), over=chi)
    True

    """
    of, held = tuple(map(as_expression, arguments)), tuple(dict.fromkeys(given))
    needed = {"E": 1, "Var": 1, "Cov": 2}.get(kind)
    if needed is not None and len(of) != needed:
        message = f"{kind} takes {needed} argument{'s' * (needed > 1)}, not {len(of)}"
        raise InputError(message)
    if not 1 <= len(of) <= HIGHEST_CUMULANT:
        message = f"cumulants are of order 1 to {HIGHEST_CUMULANT}, not {len(of)}"
        raise InputError(message)
    free = frozenset().union(*map(free_views, of))
    for view in held:
        if view not in free:
            message = f"{view.name} is given and does not occur before the bar; leave it out"
            raise InputError(message)
        beside = sorted(one.name for one in free - set(held) if one.datum == view.datum)
        if beside:
            message = (
                f"{beside[0]} is another view of the datum that {view.name} shows: given {view.name} alone it is"
                f" neither held nor independent; give both, | {view.name}, {beside[0]}, or neither"
            )
            raise InputError(message)
    return Statistic(of * 2 if kind == "Var" else of, kind, held)


def lowered(node: Expression) -> Expression:
    """A definition with its statistics written out as means.

    Each of these means is over samples of its own: (E T)² is a product over two samples, T being random.
    """
    return _Lowering({label.datum for one in walk(node) for label in labels(one) if isinstance(label, View)}).of(node)


def check_polynomial(node: Expression) -> None:
    """Check that a definition is a polynomial in f, with means, and that it makes sense.

    Raises:
        InputError: otherwise.

    """
    for one in walk(node):
        match one:
            case Power(base, exponent) if not (exponent.is_Integer and exponent >= 0) and not isinstance(base, Scalar):
                message = f"a moment is of polynomials, and something in it has the power {exponent}; multiply it out"
                raise InputError(message)
            case ViewAverage(_, _, of, _) if of in free_views(node):
                message = f"a mean over further views of the datum of {of.name} needs that datum, not the view"
                raise InputError(message)
            case (
                Scalar()
                | Inner()
                | HalfSquare()
                | Coordinate()
                | Sum()
                | Product()
                | Power()
                | Average()
                | ViewAverage()
                | CoordinateSum()
                | Delta()
                | Statistic()
            ):
                pass
            case _:
                message = f"a moment is of polynomials, not of {type(one).__name__.lower()}; a Loss takes functions"
                raise InputError(message)
    check_definition(node, "the moment", closed=False)


def degree(node: Expression) -> int:
    """The highest power of W in a polynomial, whatever cancels.

    >>> from derive import half_sq, views
    >>> x, chi = views("x, chi")
    >>> degree(statistic("Var", [half_sq(x, chi)])), degree(Coordinate(x, "i"))
    (4, 1)
    """
    match node:
        case Inner() | HalfSquare():
            return 2
        case Coordinate():
            return 1
        case Product(factors):
            return sum(map(degree, factors))
        case Power(base, exponent):
            return degree(base) * int(exponent) if exponent.is_Integer else 0
        case Statistic(arguments):
            return sum(map(degree, arguments))
    return max(map(degree, children(node)), default=0)


class _Lowering:
    def __init__(self, taken: set[str]) -> None:
        self.taken = taken
        self.names = count(1)

    def of(self, node: Expression) -> Expression:
        match node:
            case Statistic():
                return self.statistic(node)
            case Power(base, exponent) if any(isinstance(one, Statistic) and _samples(one) for one in walk(base)):
                return prod((self.of(base) for _ in range(int(exponent))), start=_ONE)
        return rebuilt(node, [self.of(part) for part in children(node)])

    def statistic(self, node: Statistic) -> Expression:
        def mean(blocks: Iterable[Iterable[Expression]]) -> Expression:
            return prod((self.mean(block, node.given) for block in blocks), start=_ONE)

        terms = (number * mean(blocks) for number, blocks in _partitions(node.arguments))
        return sum(terms, start=as_expression(0))

    def mean(self, factors: Iterable[Expression], given: tuple[View, ...]) -> Expression:
        """E of a product, over samples of its own."""
        inside = prod((self.of(one) for one in factors), start=_ONE)
        for datum, number in _samples(inside):
            inside = _renamed(inside, datum, number, self.fresh(datum))
        over = free_views(inside) - set(given)
        return Mean(inside, over=over) if over else inside

    def fresh(self, datum: str) -> str:
        name = next(name for name in (f"{datum}{k}" for k in self.names) if name not in self.taken)
        self.taken.add(name)
        return name


def _partitions(arguments: tuple[Expression, ...]) -> Iterator[tuple[int, list[list[Expression]]]]:
    """The partitions of a cumulant's arguments, with (−1)^(b−1) (b−1)! and how often each occurs."""
    if len(set(arguments)) == 1:
        for sizes in partitions(len(arguments)):
            blocks = [[arguments[0]] * size for size, times in sizes.items() for _ in range(times)]
            ways = factorial(len(arguments)) // prod(
                factorial(size) ** times * factorial(times) for size, times in sizes.items()
            )
            yield _sign(len(blocks)) * ways, blocks
        return
    numbers = {one: k for k, one in enumerate(dict.fromkeys(arguments))}
    found = Counter(
        tuple(sorted(tuple(sorted(numbers[arguments[k]] for k in block)) for block in blocks))
        for blocks in multiset_partitions(list(range(len(arguments))))
    )
    of = list(numbers)
    for pattern, ways in found.items():
        yield _sign(len(pattern)) * ways, [[of[k] for k in block] for block in pattern]


def _sign(blocks: int) -> int:
    return factorial(blocks - 1) if blocks % 2 else -factorial(blocks - 1)


def _samples(node: Expression) -> list[tuple[str, sympy.Expr]]:
    """The samples that a definition draws outside of statistics, by datum and count, in order."""

    def inside(one: Expression) -> Iterator[tuple[str, sympy.Expr]]:
        if isinstance(one, Average) and one.count is not None:
            yield one.over[0].datum, one.count
        for part in children(one):
            yield from inside(part)

    return list(dict.fromkeys(inside(node)))


def _renamed(node: Expression, datum: str, number: sympy.Expr, new: str) -> Expression:
    """The definition with another datum for one of its samples."""
    found = rebuilt(node, [_renamed(part, datum, number, new) for part in children(node)])
    match found:
        case Average(body, over, count) if count == number and over[0].datum == datum:
            put = {view: view._replace(name=view.name_at(new), datum=new) for view in over if view.datum == datum}
            return replace(found, body=with_views(body, put), over=tuple(put.get(view, view) for view in over))
    return found
