"""Embeddings as vectors: f at views, their sums, multiples and means, such as the centroid of several views.

A vector is a sum of weight × f(view), each under the means that bind the view. Inner products are bilinear, so that of
two vectors is a sum of means of inner products: no node of a definition stands for a vector.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, ClassVar, NoReturn

import sympy

from derive.definition.expression import (
    Average,
    Expression,
    Inner,
    Scalar,
    ViewAverage,
    as_expression,
    free_views,
    walk,
)
from derive.definition.rewriting import with_views
from derive.definition.views import View
from derive.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_ONE = Scalar(sympy.S.One)


@dataclass(frozen=True, slots=True)
class _Term:
    """weight × f(view) under means, the innermost first; the body of each is left out."""

    weight: Expression
    view: View
    means: tuple[Average | ViewAverage, ...] = ()

    @property
    def bound(self) -> frozenset[View]:
        return frozenset(view for mean in self.means for view in mean.over)

    def within(self, node: Expression) -> Expression:
        """The means around a node."""
        for mean in self.means:
            node = replace(mean, body=node)
        return node

    def renamed(self, put: Mapping[View, View]) -> _Term:
        """The same with other names for the views that its means bind."""
        put = dict(put)
        for mean in self.means:
            if isinstance(mean, ViewAverage) and mean.of in put:
                put |= {view: _at_datum(view, put[mean.of].datum) for view in mean.over if view not in put}
        means = []
        for mean in self.means:
            one = replace(mean, over=tuple(put.get(view, view) for view in mean.over))
            means.append(replace(one, of=put.get(one.of, one.of)) if isinstance(one, ViewAverage) else one)
        return _Term(with_views(self.weight, put), put.get(self.view, self.view), tuple(means))

    def apart(self, taken: Iterable[View]) -> _Term:
        """The same with bound views other than those taken: of other data, or other views of one datum."""
        held = set(taken)
        put: dict[View, View] = {}
        for mean in self.means:
            clash = held & set(mean.over)
            if clash and isinstance(mean, ViewAverage):
                put |= {view: _other_view(view, {*held, *self.bound}) for view in mean.over}
            elif clash and mean.count is None:
                put |= other_data(mean.over, {*held, *self.bound})
            elif clash:
                message = (
                    f"f({min(clash).name}) meets a mean over the sample of {mean.over[0].datum}, of which it"
                    " may or may not be a draw; write the pairs of the sample, Mean(…, over=distinct(u, w), count=N),"
                    " and its diagonal separately, or give a view of another datum"
                )
                raise InputError(message)
        return self.renamed(put) if put else self


@dataclass(frozen=True, slots=True)
class Vector:
    """A vector in the space of embeddings; `embedding` and `centroid` make one, and so does `derive.Mean` of one."""

    terms: tuple[_Term, ...]
    # NumPy scalars would otherwise take the vector apart.
    __array_ufunc__ = None
    takes_factors: ClassVar = True

    def __add__(self, other: object) -> Vector:
        """Sum of two vectors."""
        if not isinstance(other, Vector | View):
            message = f"{other!r} is not a vector; add embedding(x) or a centroid to one"
            raise InputError(message)
        return Vector((*self.terms, *as_vector(other).terms))

    def __sub__(self, other: object) -> Vector:
        """Difference of two vectors."""
        if not isinstance(other, Vector | View):
            message = f"{other!r} is not a vector; subtract embedding(x) or a centroid from one"
            raise InputError(message)
        return self + -1 * as_vector(other)

    def __mul__(self, factor: object) -> Vector:
        """A multiple; the factor may depend on views."""
        number = as_expression(factor)
        shared = free_views(number)
        terms = (one.apart(shared) for one in self.terms)
        # Under its means a term's weight is what depends on the views that they bind.
        return Vector(tuple(replace(one, weight=number * one.weight) for one in terms))

    def __rmul__(self, factor: object) -> Vector:
        """A multiple, the number on the left."""
        return self * factor

    def __truediv__(self, divisor: object) -> Vector:
        """One over a number times the vector."""
        return self * (1 / as_expression(divisor))

    def __neg__(self) -> Vector:
        """The opposite vector."""
        return -1 * self

    def no_number(self) -> NoReturn:
        """Refuse to be taken for a number."""
        message = "a vector is not a number; write inner(u, v) for ⟨u, v⟩, inner(u, u) for |u|² and half_sq(u, v)"
        raise InputError(message)

    def __pow__(self, exponent: object) -> NoReturn:
        """Refuse powers."""
        self.no_number()

    def averaged(self, mean: Average | ViewAverage) -> Vector:
        """The vector under one more mean, whose body is left out."""
        terms = []
        for one in self.terms:
            inside = one.apart(mean.over)
            terms.append(replace(inside, means=(*inside.means, mean)))
        return Vector(tuple(terms))

    @property
    def free(self) -> frozenset[View]:
        """The views that no mean binds."""
        return frozenset().union(
            *(free_views(one.within(one.weight * Inner(one.view, one.view))) for one in self.terms)
        )


def embedding(view: object) -> Vector:
    """f at a view, as a vector: it may be added, multiplied with numbers, averaged, and put into `inner`.

    >>> from derive import inner, views
    >>> x, x_pos, chi = views("x, x_pos, chi")
    >>> difference = embedding(x) - embedding(x_pos)
    >>> inner(difference, chi) == inner(chi, x) - inner(chi, x_pos)
    True
    """
    if not isinstance(view, View):
        message = f"embedding({view!r}): give a view, as views() makes them"
        raise InputError(message)
    return Vector((_Term(_ONE, view),))


def centroid(*of: View | Vector) -> Vector:
    """The arithmetic mean of embeddings, such as those of several augmentations of one datum.

    Args:
        of: views, or vectors.

    For a number V of augmentations that is a symbol write ``Mean(embedding(x_v), over=x_v, of=x, count=V)``.

    >>> from derive import Loss, half_sq, views
    >>> x_1, x_2, x_3 = views("x_1, x_2, x_3")
    >>> print(Loss(half_sq(x_1, centroid(x_1, x_2, x_3))).expand(order=2))
    −⅓ Tr[W A0 Wᵀ] + ⅓ Tr[W Σ Wᵀ] + O(W⁴)

    """
    if not of:
        message = "centroid(): name the views whose embeddings are averaged"
        raise InputError(message)
    return Vector(tuple(term for one in of for term in as_vector(one).terms)) / len(of)


def as_vector(value: object) -> Vector:
    """A vector from one or from a view."""
    return value if isinstance(value, Vector) else embedding(value)


def inner_of(left: Vector, right: Vector) -> Expression:
    """⟨left, right⟩ by bilinearity, equal summands taken together."""
    total: dict[Expression, sympy.Expr] = {}
    for one in left.terms:
        for other in right.terms:
            for number, node in _pairing(one, other):
                total[node] = total.get(node, sympy.S.Zero) + number
    summed: Expression = as_expression(0)
    for node, number in total.items():
        summed = summed + number * node if number != 0 else summed
    return summed


def _pairing(one: _Term, other: _Term) -> Iterator[tuple[sympy.Expr, Expression]]:
    """The product of two summands: numbers, and means of an inner product."""
    shared = {*map(_sample, one.means)} & {*map(_sample, other.means)} - {None}
    if not shared:
        one = one.apart(_mentioned(other))
        yield _nested(one, other.apart(_mentioned(one)))
        return
    # Two means over one sample: their draws are the same one in n of n² cases, else different ones.
    mean, again = one.means[-1], other.means[-1]
    number_of = mean.count
    if number_of is None or shared != {_sample(mean)} or _sample(mean) != _sample(again):
        message = "the product of two vectors that are means over one sample within further means is not known"
        raise InputError(message)
    over = tuple(sorted({*mean.over, *again.over}))
    within, beside = (replace(term, means=term.means[:-1]) for term in (one, other))
    for share, data in (
        (1 / number_of, {}),
        (1 - 1 / number_of, other_data(over, {*_mentioned(one), *_mentioned(other)})),
    ):
        # One sample in each: what is left of both shares none.
        ((number, node),) = _pairing(within, beside.renamed(data))
        yield share * number, replace(mean, body=node, over=(*over, *data.values()))


def _sample(mean: Average | ViewAverage) -> tuple[str, sympy.Expr] | None:
    """The sample that a mean over data runs over."""
    if isinstance(mean, ViewAverage) or mean.count is None:
        return None
    return mean.over[0].datum, mean.count


def _nested(one: _Term, other: _Term) -> tuple[sympy.Expr, Expression]:
    number = sympy.S.One
    node: Expression = Inner(*sorted((one.view, other.view)))
    for weight in (one.weight, other.weight):
        if isinstance(weight, Scalar):
            number *= weight.value
        else:
            node = weight * node
    return number, other.within(one.within(node))


def _mentioned(term: _Term) -> frozenset[View]:
    inside = {view for node in walk(term.weight) for view in free_views(node)}
    return term.bound | {term.view} | inside | {mean.of for mean in term.means if isinstance(mean, ViewAverage)}


def _other_view(view: View, taken: Iterable[View]) -> View:
    """A view of the same datum with a name that is not taken."""
    names = {one.name for one in taken}
    return next(new for k in count(2) if (new := view._replace(name=f"{view.name}_{k}")).name not in names)


def other_data(over: Iterable[View], taken: Iterable[View]) -> dict[View, View]:
    """The same views of data that are not taken."""
    held = {one.datum for one in taken}
    put: dict[View, View] = {}
    for view in over:
        new = next(datum for k in count(2) if (datum := f"{view.datum}{k}") not in held)
        put[view] = _at_datum(view, new)
    return put


def _at_datum(view: View, datum: str) -> View:
    """The same view of another datum."""
    return view._replace(name=view.name_at(datum), datum=datum)
