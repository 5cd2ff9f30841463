"""The value of a definition at tW as a power series in t, node by node, with every copy of a sample written out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import reduce
from itertools import permutations
from math import prod

import sympy

from derive.definition.expression import (
    Average,
    Coordinate,
    CoordinateSum,
    Delta,
    Exp,
    Expression,
    HalfSquare,
    Inner,
    InverseEntry,
    Log,
    LogDet,
    Power,
    Product,
    Scalar,
    Sum,
    ViewAverage,
    free_indices,
    free_views,
    walk,
)
from derive.definition.views import Index, View
from verify.assurance.oracle import matrices, numbers, series
from verify.assurance.oracle.law import Law, Variables, kind_of
from verify.assurance.oracle.numbers import Numbers
from verify.assurance.oracle.polynomial import HIGHEST_ORDER, ONE, ZERO, Polynomial, factors, total
from verify.assurance.oracle.series import Series

# A sample by its datum and its size as the definition writes it.
_Sample = tuple[str, sympy.Expr]
# A view's coordinates as variables.
_Places = Mapping[View, tuple[int, ...]]


def expanded(expression: Expression, law: Law, values: Mapping[str, Fraction], order: int) -> list[Fraction]:
    """The coefficients of t⁰, …, t^order of a loss at tW (and tb), averaged over its samples and its free views.

    Args:
        expression: the definition.
        law: the model and its data.
        values: of all parameters by name; sizes of samples become whole numbers.
        order: at most 31, and at most 2 for a fixed set.

    Raises:
        InexactError: a number in it is not a fraction.

    >>> from derive import catalogue
    >>> one = [[Fraction(1)]]
    >>> series_ = expanded(catalogue("infonce").expression, Law(one, one, [[Fraction(2)]]), {}, 4)
    >>> [str(value) for value in series_]
    ['0', '0', '-1', '0', '3']

    """
    if order > HIGHEST_ORDER:
        message = f"order {order} is beyond {HIGHEST_ORDER}, where exponents would overflow"
        raise ValueError(message)
    if law.points is not None and order > 2:
        message = f"of a fixed set second moments are known, not order {order}"
        raise ValueError(message)
    evaluator = _Evaluator(expression, law, Numbers({"d1": Fraction(law.d1), **values}), order)
    return evaluator.averaged()


def value_given(
    expression: Expression,
    law: Law,
    values: Mapping[str, Fraction],
    order: int,
    vectors: Mapping[View, Sequence[Fraction]],
    places: Mapping[Index, int],
) -> Fraction:
    """The value at W of a polynomial with means, averaged over its samples, its free views and coordinates being given.

    Args:
        expression: the definition.
        law: the model and its data.
        values: of all parameters by name.
        order: the degree of the polynomial in W.
        vectors: f of each free view.
        places: the value of each free coordinate, from 0 on.

    """
    evaluator = _Evaluator(expression, law, Numbers({"d1": Fraction(law.d1), **values}), order)
    return evaluator.given(vectors, places)


class _Evaluator:
    def __init__(self, expression: Expression, law: Law, numbers: Numbers, order: int) -> None:
        self.expression = expression
        self.law = law
        self.numbers = numbers
        self.order = order
        self.variables = Variables(law)
        self.inverses: dict[tuple[object, ...], list[list[Series]]] = {}
        # Each draw of a sample has all the views that any mean over it names.
        views: dict[_Sample, set[View]] = {}
        for node in walk(expression):
            if isinstance(node, Average) and node.count is not None:
                datum = node.over[0].datum
                views.setdefault((datum, node.count), set()).update(_shown(view, datum) for view in node.over)
        self.samples: dict[_Sample, list[_Places]] = {
            sample: [self.variables.draw(sorted(of), batch=True) for _ in range(int(numbers.of(sample[1])))]
            for sample, of in sorted(views.items(), key=str)
        }

    def averaged(self) -> list[Fraction]:
        anchor = self.variables.draw(sorted(free_views(self.expression)), batch=True)
        found = self.value(self.expression, _Scope(anchor, {}))
        draws = [anchor, *(draw for sample in self.samples.values() for draw in sample)]
        over = [number for draw in draws for places in draw.values() for number in places]
        return [self.variables.mean(one, self.variables.with_further(over)).value() for one in found]

    def given(self, vectors: Mapping[View, Sequence[Fraction]], places: Mapping[Index, int]) -> Fraction:
        held = self.variables.draw(sorted(vectors))
        put = {number: vectors[view][i] for view, numbers in held.items() for i, number in enumerate(numbers)}
        over = [number for sample in self.samples.values() for draw in sample for of in draw.values() for number in of]
        inside = self.variables.with_further(over)
        found = (self.variables.mean(one, inside) for one in self.value(self.expression, _Scope(held, dict(places))))
        return sum((_at(one, put) for one in found), Fraction(0))

    def value(self, node: Expression, scope: _Scope) -> Series:
        match node:
            case Scalar(number):
                return series.constant(self.numbers.of(number), self.order)
            case Inner(u, v):
                return self.at_order(2, self.products([(Fraction(1), u, v)], scope))
            case HalfSquare(u, v):
                half = Fraction(1, 2)
                return self.at_order(2, self.products([(half, u, u), (half, v, v), (Fraction(-1), u, v)], scope))
            case Coordinate(u, index):
                return self.at_order(1, self.coordinate(u, scope.indices[index], scope))
            case Sum(terms):
                return series.plus([self.value(term, scope) for term in terms])
            case Product(factors):
                return reduce(series.times, (self.value(factor, scope) for factor in factors))
            case Exp(argument):
                inner = self.value(argument, scope)
                return series.composed(inner, series.exponential(self.order, numbers.exponential(inner[0].value())))
            case Log(argument):
                inner = self.value(argument, scope)
                at_zero = inner[0].value()
                taylor = series.logarithm(self.order, at_zero, numbers.logarithm(at_zero))
                return series.composed(inner, taylor)
            case Power(base, exponent):
                return self.power(self.value(base, scope), self.numbers.of(exponent))
            case CoordinateSum(body, index):
                return series.plus([self.value(body, scope.at(index, i)) for i in range(self.law.d1)])
            case Average(body, over, None):
                drawn = self.variables.draw(over)
                inside = self.value(body, scope.among(drawn))
                over_all = self.variables.with_further(number for places in drawn.values() for number in places)
                return [self.variables.mean(one, over_all) for one in inside]
            case Average(body, over, count):
                datum, data = over[0].datum, sorted({view.datum for view in over})
                tuples = permutations(self.samples[datum, count], len(data))
                return self.averaged_over(
                    body,
                    scope,
                    [{v: draws[data.index(v.datum)][_shown(v, datum)] for v in over} for draws in tuples],
                )
            case ViewAverage(body, over, of, None):
                of_datum = scope.centres.get(of, scope.places[of])
                centres = {view: self.variables.centre(of_datum, kind_of(view)) for view in over}
                new = {view: self.variables.noise(kind_of(view)) for view in over}
                inside = self.value(body, scope.around(centres, new))
                return [self.variables.mean(one, [n for places in new.values() for n in places]) for one in inside]
            case ViewAverage(body, over, of, number):
                of_datum = scope.centres.get(of, scope.places[of])
                views = self.variables.further(of_datum, number, int(self.numbers.of(number)), over[0])
                chosen = [dict(zip(over, some, strict=True)) for some in permutations(views, len(over))]
                return self.averaged_over(body, scope, chosen)
            case Delta(i, j):
                return series.constant(int(scope.indices[i] == scope.indices[j]), self.order)
            case LogDet(entry, i, j):
                return matrices.log_determinant(self.rows(entry, i, j, scope), self.order)
            case InverseEntry(entry, i, j, at):
                row, column = (scope.indices[one] for one in at)
                return self.inverse(entry, i, j, scope)[row][column]
        message = f"no value is known for {type(node).__name__}; was a new node added to derive.definition.expression?"
        raise TypeError(message)

    def averaged_over(self, body: Expression, scope: _Scope, draws: Sequence[_Places]) -> Series:
        """The arithmetic mean over some draws."""
        copies = [self.value(body, scope.among(one)) for one in draws]
        return series.scaled(series.plus(copies), Fraction(1, len(draws)))

    def rows(self, entry: Expression, i: Index, j: Index, scope: _Scope) -> list[list[Series]]:
        """A matrix by its entries."""
        every = range(self.law.d1)
        return [[self.value(entry, scope.at(i, row).at(j, column)) for column in every] for row in every]

    def inverse(self, entry: Expression, i: Index, j: Index, scope: _Scope) -> list[list[Series]]:
        """The inverse of a matrix given by its entries; once for each value of the views and coordinates in it."""
        views = tuple((v, scope.places[v], scope.centres.get(v)) for v in sorted(free_views(entry)))
        at = tuple((k, scope.indices[k]) for k in sorted(free_indices(entry) - {i, j}))
        key = entry, i, j, views, at
        if key not in self.inverses:
            self.inverses[key] = matrices.inverse(self.rows(entry, i, j, scope), self.order)
        return self.inverses[key]

    def power(self, base: Series, exponent: Fraction) -> Series:
        if exponent.denominator == 1 and exponent >= 0:
            whole = [base] * int(exponent)
            return reduce(series.times, whole, series.constant(1, self.order))
        at_zero = base[0].value()
        taylor = series.power(self.order, at_zero, exponent, numbers.power(at_zero, exponent))
        return series.composed(base, taylor)

    def at_order(self, order: int, coefficient: Polynomial) -> Series:
        return [coefficient if n == order else ZERO for n in range(self.order + 1)]

    def coordinate(self, view: View, i: int, scope: _Scope) -> Polynomial:
        variable = Polynomial.variable(scope.places[view][i])
        if view in scope.centres:
            variable = total([(1, variable, ONE), (1, Polynomial.variable(scope.centres[view][i]), ONE)])
        if self.law.bias is None or view.white:
            return variable
        return total([(1, variable, ONE), (self.law.bias[i], ONE, ONE)])

    def products(self, terms: list[tuple[Fraction, View, View]], scope: _Scope) -> Polynomial:
        """A sum of number × ⟨f(u), f(v)⟩."""
        return total(
            (number, self.coordinate(u, i, scope), self.coordinate(v, i, scope))
            for number, u, v in terms
            for i in range(self.law.d1)
        )


@dataclass(frozen=True)
class _Scope:
    """What the names of views and coordinates stand for."""

    places: _Places
    indices: Mapping[Index, int]
    # Views that are noise, at their places, around a datum, which is at these.
    centres: _Places = field(default_factory=dict)

    def among(self, drawn: _Places) -> _Scope:
        centres = {view: places for view, places in self.centres.items() if view not in drawn}
        return replace(self, places={**self.places, **drawn}, centres=centres)

    def around(self, centres: _Places, noise: _Places) -> _Scope:
        inside = self.among(noise)
        return replace(inside, centres={**inside.centres, **centres})

    def at(self, index: Index, value: int) -> _Scope:
        return replace(self, indices={**self.indices, index: value})


def _at(polynomial: Polynomial, put: Mapping[int, Fraction]) -> Fraction:
    """The value of a polynomial where its variables have values."""
    total = Fraction(0)
    for monomial, value in polynomial.coefficients().items():
        total += value * prod(put[number] ** exponent for number, exponent in factors(monomial))
    return total


def _shown(view: View, datum: str) -> View:
    """A view of one draw as the view of the sample's datum that it is: w_pos of w is u_pos of u."""
    return view._replace(name=datum + view.name[len(view.datum) :], datum=datum)
