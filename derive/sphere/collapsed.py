"""The value of a loss where next to nothing is left of f: all outputs equal, or two opposite ones.

A training whose loss stays at such a value has collapsed. The values are read off the definition: every inner product
in it is replaced by its number in that state. All outputs equal one vector v: ⟨f(u), f(v)⟩ = |v|², whatever u and v. A
kept rank of 1, for a loss of directions: f/|f| is e for half of the data and −e for the others, both views of a datum
on one side.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Literal

import sympy

from derive.algebra.graphs import CLASSMATE
from derive.algebra.scalars import normal_form
from derive.definition.contents import looks_at_coordinates
from derive.definition.expression import (
    Average,
    Coordinate,
    CoordinateSum,
    Exp,
    Expression,
    HalfSquare,
    Inner,
    Log,
    Power,
    Product,
    Scalar,
    Sum,
    ViewAverage,
    free_views,
    labels,
    walk,
)
from derive.definition.language import EMBEDDING_DIMENSION
from derive.definition.regularity import homogeneity
from derive.definition.views import View
from derive.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from derive.losses.loss import Loss

State = Literal["all outputs equal", "all outputs 0", "kept rank 1"]


@dataclass(frozen=True)
class Level:
    """The value of a loss in a state with next to nothing left of f.

    Attributes:
        state: "all outputs equal", whatever the vector; "all outputs 0" where the value depends on the vector, and for
            a loss of coordinates; "kept rank 1", half of the outputs opposite to the others.
        value: a formula in the loss's parameters.

    """

    state: State
    value: sympy.Expr


def levels(loss: Loss) -> tuple[Level, ...]:
    """The values of a loss at complete collapse and, for one of directions alone, at a kept rank of 1.

    Empty where neither is a number, as for a loss that divides by a variance.

    >>> from derive import catalogue
    >>> for name in ("ntxent", "spectral", "barlow-twins", "clip+normalised"):
    ...     print(*(f"{one.state}: {one.value}" for one in levels(catalogue(name))), sep="; ")
    all outputs equal: log(2*N - 1)
    all outputs 0: 0
    all outputs 0: d1
    all outputs equal: log(N); kept rank 1: log(N/2 + N*exp(-2/tau)/2)

    """
    return tuple(_levels(loss))


def _levels(loss: Loss) -> Iterator[Level]:
    try:
        if homogeneity(loss.expression) != 0:
            yield _at_any_length(loss)
        elif not looks_at_coordinates(loss.expression):
            yield Level("all outputs equal", collapsed_value(loss))
            if CLASSMATE not in loss.roles:
                yield Level("kept rank 1", rank_one_value(loss))
    except InputError:
        return


def _at_any_length(loss: Loss) -> Level:
    """The value where all outputs equal one vector, if it is the same for all of them, else where they are 0."""
    length = sympy.Dummy(positive=True)
    seen = [label for node in walk(loss.expression) for label in labels(node) if isinstance(label, View)]
    if not looks_at_coordinates(loss.expression) and not any(view.white for view in seen):
        found = _shown(_Collapsed(loss, length).value(loss.expression))
        if not found.has(length):
            return Level("all outputs equal", found)
    found = _Collapsed(loss, sympy.S.Zero).value(loss.expression)
    if found.has(sympy.nan, sympy.zoo, sympy.oo):
        message = f"{loss.name} has no value at W = 0"
        raise InputError(message)
    return Level("all outputs 0", _shown(found))


def collapsed_value(loss: Loss) -> sympy.Expr:
    """The loss where f is one unit vector for all data, a formula in its parameters.

    Raises:
        InputError: the loss looks at coordinates of f.

    >>> from derive import catalogue
    >>> collapsed_value(catalogue("ntxent+normalised"))
    log(2*N - 1)
    >>> collapsed_value(catalogue("siglip+normalised"))
    (N - 1)*log(exp(-b + t) + 1) + log(exp(b - t) + 1)

    """
    return _shown(_Collapsed(loss, sympy.S.One).value(loss.expression))


def rank_one_value(loss: Loss) -> sympy.Expr:
    """A loss of directions where half of the data of a batch have one direction and the others its opposite.

    Where each datum takes a side at random, the mean is another by a part of order 1/N.

    Raises:
        InputError: the loss looks at coordinates of f, or at other data of a class.

    >>> from derive import catalogue
    >>> rank_one_value(catalogue("infonce+normalised"))
    log(1/2 + exp(-2/tau)/2)

    """
    if CLASSMATE in loss.roles:
        message = f"{loss.name} looks at other data of a class, whose sides are not known"
        raise InputError(message)
    anchors = {view.datum for view in free_views(loss.expression)}
    sides = (_Collapsed(loss, sympy.S.One, dict.fromkeys(anchors, sign)).value(loss.expression) for sign in (1, -1))
    return _shown(sympy.Add(*sides) / 2)


@dataclass(frozen=True)
class _Collapsed:
    """Values of a definition where f(u) = ±v.

    Attributes:
        loss: whose definition it is.
        length: |v|².
        sides: 1 or −1 by datum where half of the data are on each side; None where all are on one.

    """

    loss: Loss
    length: sympy.Expr
    sides: Mapping[str, int] | None = None

    def value(self, node: Expression) -> sympy.Expr:
        """The value of a part of the definition."""
        match node:
            case Scalar(value):
                return value
            case Inner(u, v):
                return self.length * self._side(u, v)
            case HalfSquare(u, v):
                return self.length * (1 - self._side(u, v))
            case Coordinate() if self.length == 0:
                return sympy.S.Zero
            case Sum(terms):
                return sympy.Add(*map(self.value, terms))
            case Product(factors):
                return sympy.Mul(*map(self.value, factors))
            case Power(base, exponent):
                return self.value(base) ** exponent
            case Exp(argument):
                return sympy.exp(self.value(argument))
            case Log(argument):
                return _logarithm(self.value(argument))
            case ViewAverage(body, _, _, _):
                return self.value(body)
            case Average():
                return self._mean(node)
            case CoordinateSum(body, _) if self.length == 0:
                return EMBEDDING_DIMENSION * self.value(body)
        message = f"{self.loss.name} looks at coordinates of f: its value at complete collapse depends on the vector"
        raise InputError(message)

    def _side(self, u: View, v: View) -> int:
        return 1 if self.sides is None else self.sides[u.datum] * self.sides[v.datum]

    def _mean(self, node: Average) -> sympy.Expr:
        """The mean over the sides of what is drawn; different draws of a sample are drawn without replacement."""
        if self.sides is None:
            return self.value(node.body)
        data = list(dict.fromkeys(view.datum for view in node.over))
        total: sympy.Expr = sympy.S.Zero
        for sides in product((1, -1), repeat=len(data)):
            drawn = _Collapsed(self.loss, self.length, dict(self.sides) | dict(zip(data, sides, strict=True)))
            total += self._share(node.count, sides) * drawn.value(node.body)
        return total

    def _share(self, count: sympy.Expr | None, sides: tuple[int, ...]) -> sympy.Expr:
        """How often draws have these sides: of a sample of the batch's other data, one on the anchor's side is missing.

        The anchor is taken to be on the side 1 first, and on the side −1 in turn.
        """
        half = sympy.Rational(1, 2)
        if count is None:
            return half ** len(sides)
        assert self.sides is not None  # noqa: S101 (asked for by _mean)
        anchor = next(iter(self.sides.values()), 1)
        batch = self.loss.batch_size
        apart = batch is not None and sympy.simplify(batch - 1 - count) == 0
        left = {1: count * half, -1: count * half}
        if apart:
            left = {anchor: (count - 1) * half, -anchor: (count + 1) * half}
        share, all_left = sympy.S.One, count
        for side in sides:
            share *= left[side] / all_left
            left[side], all_left = left[side] - 1, all_left - 1
        return share


def _shown(value: sympy.Expr) -> sympy.Expr:
    """A value with equal logarithms collected."""
    logarithms = sorted(value.atoms(sympy.log), key=sympy.default_sort_key)
    if not logarithms:
        return normal_form(value) if not value.has(sympy.exp) else value
    parts = sympy.collect(sympy.expand(value, log=False, power_exp=False), logarithms, evaluate=False)
    rest = parts.pop(sympy.S.One, sympy.S.Zero)
    return sympy.Add(rest, *(sympy.factor(coefficient) * part for part, coefficient in parts.items()))


def _logarithm(value: sympy.Expr) -> sympy.Expr:
    """The logarithm, the largest power of e pulled out where every summand has one: log((N − 1)eᵏ + eᵏ) = k + log N."""
    exponentials = sorted(value.atoms(sympy.exp), key=sympy.default_sort_key)
    names = {exponential: sympy.Dummy() for exponential in exponentials}
    try:
        summands = sympy.Poly(value.xreplace(names), *names.values()).terms() if names else [((), value)]
    except sympy.PolynomialError:
        return sympy.log(value)
    coefficients: dict[sympy.Expr, sympy.Expr] = {}
    for powers, rest in summands:
        power = sympy.Add(*(times * one.args[0] for times, one in zip(powers, exponentials, strict=True)))
        coefficients[power] = coefficients.get(power, sympy.S.Zero) + rest
    first = sympy.S.Zero if sympy.S.Zero in coefficients else _largest(list(coefficients))
    left = (sympy.factor(rest) * sympy.exp(power - first) for power, rest in coefficients.items())
    return first + sympy.log(sympy.Add(*left))


def _largest(powers: list[sympy.Expr]) -> sympy.Expr:
    """The power of e that exceeds all others for positive parameters; 0 where none does."""
    positive = {symbol: sympy.Dummy(positive=True) for power in powers for symbol in power.free_symbols}
    for first in powers:
        if all((first - other).subs(positive).is_nonnegative for other in powers):
            return first
    return sympy.S.Zero
