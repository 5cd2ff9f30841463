"""Sizes of a batch at which a coefficient vanishes: separate cases from all larger ones.

With N − 1 negatives a quartic term is often proportional to N − 2: positive for N ≥ 3, and absent at N = 2. What holds
for one need not hold for the other.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import sympy

from derive.algebra.alphabet import BASES
from derive.algebra.ranges import Range
from derive.expansion.expansion import Expansion

# With this many values up to the last special one, they are not taken one by one.
_MOST = 8


class Cases(NamedTuple):
    """An expansion for large N, and at each smaller one.

    Attributes:
        where: N ≥ the least value of the general case.
        general: the expansion for those N.
        special: for each smaller value its condition and the expansion there.

    """

    where: sympy.Rel
    general: Expansion
    special: tuple[tuple[sympy.Rel, Expansion], ...]


def cases(expansion: Expansion) -> Cases | None:
    """An expansion and its special cases in a number of data; None where it has none that can be listed.

    >>> from derive import catalogue
    >>> found = cases(catalogue("dcl").expand(order=4))
    >>> found.where, [where for where, _ in found.special]
    (N >= 3, [Eq(N, 2)])
    """
    for symbol, one in expansion.ranges.of:
        if not one.whole:
            continue
        roots = {root for basis in BASES for root in _roots(expansion.in_basis(basis), symbol) if root >= one.low}
        if not roots or max(roots) - one.low >= _MOST:
            continue
        least = max(roots) + 1
        general = replace(expansion, ranges=expansion.ranges.with_(symbol, Range(least, sympy.oo, whole=True)))
        values = [one.low + k for k in range(int(least - one.low))]
        special = tuple(
            (sympy.Eq(symbol, value, evaluate=False), expansion.set({symbol.name: value})) for value in values
        )
        return Cases(sympy.Ge(symbol, least, evaluate=False), general, special)
    return None


def _roots(expansion: Expansion, symbol: sympy.Symbol) -> set[sympy.Integer]:
    """The whole numbers at which a coefficient through order 4 vanishes, whatever the other parameters are."""
    found = set()
    for term in expansion.terms:
        if term.order > 4 or symbol not in term.coefficient.free_symbols:
            continue
        for factor in sympy.Mul.make_args(sympy.factor(term.coefficient)):
            base, exponent = factor.as_base_exp()
            if base.free_symbols == {symbol} and exponent.is_positive and base.is_polynomial(symbol):
                found |= {root for root in sympy.Poly(base, symbol).ground_roots() if root.is_Integer}
    return found
