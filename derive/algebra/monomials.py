"""Sums of monomials with coefficients, such as one order of a series; a monomial is a sorted tuple of numbers."""

from __future__ import annotations

from sympy import QQ

from derive.algebra.effort import spend
from derive.algebra.scalars import Coefficient, size

Monomial = tuple[int, ...]

ONE = QQ(1)


def accumulate(terms: dict[Monomial, Coefficient], more: dict[Monomial, Coefficient], factor: Coefficient) -> None:
    """Add factor × more."""
    for monomial, value in more.items():
        scaled = value if factor is ONE else value * factor
        if monomial not in terms:
            terms[monomial] = scaled
            continue
        total = terms[monomial] + scaled
        if total:
            terms[monomial] = total
        else:
            del terms[monomial]


def accumulate_product(
    terms: dict[Monomial, Coefficient],
    left: dict[Monomial, Coefficient],
    right: dict[Monomial, Coefficient],
    factor: Coefficient,
) -> None:
    """Add factor × left × right."""
    spend(size(left.values()) * size(right.values()))
    for some, value in left.items():
        scaled = value if factor is ONE else value * factor
        accumulate(terms, {tuple(sorted(some + other)): more for other, more in right.items()}, scaled)


def scaled(terms: dict[Monomial, Coefficient], factor: Coefficient) -> dict[Monomial, Coefficient]:
    """A multiple."""
    return terms if factor == 1 else {monomial: value * factor for monomial, value in terms.items()}
