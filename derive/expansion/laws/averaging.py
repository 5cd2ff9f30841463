"""From moments to trace words, for data of a known law."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sympy import QQ

from derive.algebra.effort import spend
from derive.algebra.scalars import size
from derive.algebra.slots import beside
from derive.algebra.words import ends, letters, paired
from derive.errors import OddOrderError
from derive.expansion.wick import constant_legs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from derive.algebra.graphs import Graph
    from derive.algebra.scalars import Coefficient, Scalars
    from derive.algebra.words import Invariants
    from derive.expansion.laws.law import Law
    from derive.expansion.moments import MomentSeries


def trace_polynomial(
    series: MomentSeries, law: Law, *, bias: bool = False, odd: bool = False
) -> dict[Invariants, Coefficient]:
    """The moment series over data of a law, in words of A0 and Σ; coefficients in the series' scalars.

    Args:
        series: moments of f.
        law: of the views.
        bias: f(x) = W x + b rather than W x, which brings words of b bᵀ.
        odd: whether terms of odd order are wanted: a word of theirs ends in W μ.

    Raises:
        OddOrderError: with a bias or a mean, a term of odd order that is not wanted.

    """
    total: dict[Invariants, Coefficient] = {}
    for moment, value in series.raw.items():
        factors = [
            _with_constants(graph, law, series.scalars) if bias else law.expectation(graph, series.scalars)
            for graph in moment
        ]
        if not all(factors):
            continue
        product: dict[Invariants, Coefficient] = {(): value}
        for factor in factors:
            product = _times(product, factor, beside if law.arrays else _side_by_side)
        for invariants, weight in product.items():
            summed = total.get(invariants, 0) + weight
            if summed:
                total[invariants] = summed
            else:
                total.pop(invariants, None)
    return _in_pairs(total, series.scalars, bias=bias, odd=odd) if bias or law.arrays else total


def _with_constants(graph: Graph, law: Law, scalars: Scalars) -> Mapping[Invariants, Coefficient]:
    """A moment of f(v) = W v + b. Only W v has a random scale, in elliptical data."""
    total: dict[Invariants, Coefficient] = {}
    for chosen, number in constant_legs(graph).items():
        for invariants, weight in law.expectation(chosen, scalars).items():
            total[invariants] = total.get(invariants, 0) + weight * QQ(number)
    return total


def _in_pairs(
    total: Mapping[Invariants, Coefficient], scalars: Scalars, *, bias: bool, odd: bool
) -> dict[Invariants, Coefficient]:
    """Words that end in b or W μ joined two by two, across a whole product; of an odd number one is left."""
    result: dict[Invariants, Coefficient] = {}
    for invariants, value in total.items():
        loose = ends(invariants)
        if odd or loose % 2 == 0:
            key = paired(invariants)
            result[key] = result.get(key, 0) + value
        elif scalars.to_sympy(value) != 0:
            cause, of, instead = ("bias", "(W, b)", "leave the bias out") if bias else ("mean", "W", "centre the data")
            message = (
                f"a {cause} leaves a term of odd order {2 * sum(map(letters, invariants)) + loose} in {of}, a"
                f" coordinate of f standing an odd number of times; expansions have even orders only, so {instead}"
            )
            raise OddOrderError(message)
    return result


def _side_by_side(some: Invariants, more: Invariants) -> Invariants:
    return tuple(sorted(some + more))


def _times(
    left: dict[Invariants, Coefficient],
    right: Mapping[Invariants, Coefficient],
    together: Callable[[Invariants, Invariants], Invariants],
) -> dict[Invariants, Coefficient]:
    result: dict[Invariants, Coefficient] = {}
    spend(size(left.values()) * len(right))
    for some, weight in left.items():
        for more, number in right.items():
            key = together(some, more)
            result[key] = result.get(key, 0) + weight * number
    return result
