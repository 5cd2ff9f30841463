"""A definition's series in W, free of any assumption on the data.

A series is a list over the order in W (an inner product has order 2, a coordinate of f has order 1); each entry
maps monomials, products of the clusters in a table (see `clusters`), to coefficients.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sympy
from sympy import QQ

from derive.algebra.effort import TooLargeError
from derive.algebra.monomials import ONE, Monomial, accumulate, accumulate_product, scaled
from derive.algebra.scalars import Coefficient, Laurent, Scalars
from derive.definition.clusters import Clusters, Sample, ViewSample
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
)
from derive.definition.language import EMBEDDING_DIMENSION
from derive.definition.matrices import beside_identity
from derive.definition.notation import TEXT
from derive.definition.regularity import homogeneity
from derive.definition.written import definition
from derive.errors import InputError, NotAnalyticError, quoted
from derive.expansion.matrix_series import in_powers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Series = list[dict[Monomial, Coefficient]]

# Far beyond what has been expanded; an order of a million would exhaust memory before any message.
HIGHEST_ORDER = 1000
# Whole exponents up to the first are multiplied out; a value at W = 0 has at most the second's terms, the third's bits.
_FEW, _MANY, _BITS = 8, 200, 100_000


class Expander:
    """Expands definitions to a given order in W."""

    def __init__(self, order: int) -> None:
        """Prepare empty tables for series through W^order."""
        self.order = order
        self.scalars = Scalars()
        self.clusters = Clusters()

    def expand(self, node: Expression) -> Series:
        """The series of a definition whose free views stay free."""
        match node:
            case Scalar(value):
                return self._constant(self.scalars.from_sympy(value))
            case Inner(u, v):
                return self._leaf({self.clusters.edge(u, v): QQ(1)}, 2)
            case HalfSquare(u, v):
                if u == v:
                    return self._constant(QQ(0))
                half = QQ(1, 2)
                return self._leaf(
                    {self.clusters.edge(u, u): half, self.clusters.edge(u, v): QQ(-1), self.clusters.edge(v, v): half},
                    2,
                )
            case Coordinate(u, i):
                return self._leaf({self.clusters.edge(u, i): QQ(1)}, 1)
            case Sum(terms):
                return self._add(self.expand(term) for term in terms)
            case Product(factors):
                product = self.expand(factors[0])
                for factor in factors[1:]:
                    product = self._multiply(product, self.expand(factor))
                return product
            case Power(base, exponent):
                return self._power(node, self.expand(base), exponent)
            case Exp(argument):
                return self._exponential(self.expand(argument))
            case Log(argument):
                return self._logarithm(node, self.expand(argument))
            case Average(body, over, count):
                sample = None if count is None else Sample(over[0].datum, count)
                return self._each(self.expand(body), lambda one: self.clusters.averaged(one, over, sample), ONE)
            case ViewAverage(body, over, of, count):
                views = ViewSample(of, count)
                return self._each(self.expand(body), lambda one: self.clusters.averaged(one, over, views), ONE)
            case CoordinateSum(body, index):
                d1 = self.scalars.from_sympy(EMBEDDING_DIMENSION)
                return self._each(self.expand(body), lambda one: self.clusters.summed(one, index), d1)
            case Delta(i, j):
                return self._constant(QQ(1)) if i == j else self._leaf({self.clusters.edge(i, j): QQ(1)}, 0)
            case LogDet() | InverseEntry():
                beside = self.expand(beside_identity(node)[1])
                return self.expand(in_powers(node, [bool(terms) for terms in beside], EMBEDDING_DIMENSION))
        message = f"no series is known for {type(node).__name__}; was a new node added to derive.definition.expression?"
        raise TypeError(message)

    def constant_term(self, series: Series) -> Coefficient:
        """The value at W = 0.

        Raises:
            InputError: it is an entry of the identity at coordinates that are free.

        """
        if series[0].keys() - {()}:
            message = (
                "an entry of the identity stands under exp, log, a division or a root; write functions of diagonal and"
                " of off-diagonal entries separately"
            )
            raise InputError(message)
        return series[0].get((), QQ(0))

    # Arithmetic of truncated series.

    def _each(self, body: Series, bind: Callable[[Monomial], Monomial | None], of_nothing: Coefficient) -> Series:
        """The series with each monomial bound, or multiplied by a factor where nothing in it is bound."""
        result: Series = []
        for terms in body:
            collected: dict[Monomial, Coefficient] = {}
            for monomial, value in terms.items():
                bound = bind(monomial)
                if bound is None:
                    accumulate(collected, {monomial: value}, of_nothing)
                else:
                    accumulate(collected, {bound: value}, ONE)
            result.append(collected)
        return result

    def _constant(self, value: Coefficient) -> Series:
        series: Series = [{} for _ in range(self.order + 1)]
        if value:
            series[0][()] = value
        return series

    def _leaf(self, terms: dict[int, Coefficient], order: int) -> Series:
        series: Series = [{} for _ in range(self.order + 1)]
        if order <= self.order:
            series[order] = {(cluster,): value for cluster, value in terms.items()}
        return series

    def _add(self, summands: Iterable[Series]) -> Series:
        total: Series = [{} for _ in range(self.order + 1)]
        for summand in summands:
            for terms, more in zip(total, summand, strict=True):
                accumulate(terms, more, ONE)
        return total

    def _multiply(self, left: Series, right: Series) -> Series:
        product: Series = [{} for _ in range(self.order + 1)]
        for i, some in enumerate(left):
            for j, others in enumerate(right[: self.order + 1 - i]):
                if some and others:
                    accumulate_product(product[i + j], some, others, ONE)
        return product

    def _exponential(self, argument: Series) -> Series:
        # e = exp(a) solves e' = a' e: n eₙ = Σ k aₖ eₙ₋ₖ.
        at_zero = self.constant_term(argument)
        first = QQ(1) if not at_zero else self.scalars.from_sympy(sympy.exp(self.scalars.to_sympy(at_zero)))
        result: Series = [{(): first}]
        for n in range(1, self.order + 1):
            terms: dict[Monomial, Coefficient] = {}
            for k in range(1, n + 1):
                if argument[k] and result[n - k]:
                    accumulate_product(terms, argument[k], result[n - k], ONE if k == n else QQ(k, n))
            result.append(terms)
        return result

    def _logarithm(self, node: Log, argument: Series) -> Series:
        # l = log(a) solves a l' = a': a₀ lₙ = aₙ − Σ_{0<k<n} (k/n) lₖ aₙ₋ₖ.
        at_zero = self._not_zero(node, argument)
        inverse = self.scalars.inverse(at_zero)
        constant = sympy.log(self.scalars.to_sympy(at_zero))
        result = self._constant(self.scalars.from_sympy(constant))
        for n in range(1, self.order + 1):
            terms = dict(argument[n])
            for k in range(1, n):
                if result[k] and argument[n - k]:
                    accumulate_product(terms, result[k], argument[n - k], QQ(-k, n))
            result[n] = scaled(terms, inverse)
        return result

    def _product(self, factors: list[Series]) -> Series:
        result = self._constant(QQ(1))
        for factor in factors:
            result = self._multiply(result, factor)
        return result

    def _power(self, node: Power, base: Series, exponent: sympy.Expr) -> Series:
        if exponent.is_Integer and 0 <= exponent <= _FEW:
            return self._product([base] * int(exponent))
        held = self.constant_term(base)
        _check_size(node, held, exponent)
        if exponent.is_Integer and exponent >= 0 and (not held or _is_sum(held)):
            # Without a value at W = 0 nothing is left through this order once the exponent is beyond it.
            return self._product([base] * (int(exponent) if held else min(int(exponent), self.order + 1)))
        # b = aᵖ solves a b' = p a' b: n a₀ bₙ = Σ_{0<k≤n} (p k − (n − k)) aₖ bₙ₋ₖ.
        at_zero = self._not_zero(node, base)
        inverse = self.scalars.inverse(at_zero)
        p = self.scalars.from_sympy(exponent)
        result = self._constant(self.scalars.from_sympy(self.scalars.to_sympy(at_zero) ** exponent))
        for n in range(1, self.order + 1):
            terms: dict[Monomial, Coefficient] = {}
            for k in range(1, n + 1):
                if base[k] and result[n - k]:
                    accumulate_product(terms, base[k], result[n - k], p * QQ(k, n) + QQ(k - n, n))
            result[n] = scaled(terms, inverse)
        return result

    def _not_zero(self, node: Log | Power, series: Series) -> Coefficient:
        value = self.constant_term(series)
        at_zero = self.scalars.to_sympy(value)
        whole = isinstance(node, Power) and node.exponent.is_Integer
        if at_zero.is_negative and not whole:
            message = f"{definition(node, TEXT)} is not real: its argument is {at_zero} at W = 0"
            raise InputError(message)
        if at_zero != 0:
            return value
        inside = node.argument if isinstance(node, Log) else node.base
        what = "logarithm" if isinstance(node, Log) else f"power {node.exponent}"
        message = (
            f"the {what} of {definition(inside, TEXT)} has no expansion at W = 0, where its argument vanishes;"
            " give the argument a value there, for instance by adding ε"
        )
        raise NotAnalyticError(message, homogeneity(node))


def _check_size(node: Power, at_zero: Coefficient, exponent: sympy.Expr) -> None:
    """Refuse a power whose value at W = 0 is too large to be written out."""
    if not exponent.is_Rational or not at_zero:
        return
    if isinstance(at_zero, Laurent):
        large = _is_sum(at_zero) and exponent > _MANY
    else:
        height = max(abs(int(at_zero.numerator)), int(at_zero.denominator))
        large = height > 1 and abs(exponent) * height.bit_length() > _BITS
    if large:
        message = (
            f"the value of {definition(node, TEXT)} at W = 0 has too many digits or terms; give a smaller exponent"
        )
        raise TooLargeError(message)


def _is_sum(value: Coefficient) -> bool:
    return isinstance(value, Laurent) and len(value.terms) > 1


def check_order(order: object) -> int:
    """The order in W as an even, positive integer, at most `HIGHEST_ORDER`.

    Raises:
        InputError: with the reason, for anything else.

    """
    if not isinstance(order, int) or isinstance(order, bool) or order < 2 or order % 2:
        message = f"order {order!r}: give an even number from 2 on, the power of W to expand to"
        raise InputError(message)
    if order > HIGHEST_ORDER:
        message = f"order {quoted(order)} is beyond {HIGHEST_ORDER}; each two orders double the work, or more"
        raise InputError(message)
    return order
