"""The words of an order for diagonal W X Wᵀ: polynomials in the entries of two matrices, S and C.

A product of words is a tuple of words, each with its letters sorted: up to three letters a trace of diagonal matrices
does not depend on their order.
"""

from __future__ import annotations

from collections import Counter
from itertools import combinations_with_replacement, permutations, product

from sympy.utilities.iterables import multiset_partitions

from derive.algebra.words import Invariants, trace

# A letter and a coordinate: one entry on a diagonal.
Power = tuple[str, int]


def words(k: int) -> list[tuple[str, ...]]:
    """All products of words with k letters C, S; a word stands for its letters, sorted."""
    found: set[tuple[str, ...]] = set()
    for letters in combinations_with_replacement("CS", k):
        for blocks in multiset_partitions(list(letters)):
            found.add(tuple(sorted("".join(sorted(block)) for block in blocks)))
    return sorted(found)


def expanded(words: tuple[str, ...], k: int) -> dict[tuple[Power, ...], int]:
    """A product of words of diagonal matrices as a polynomial in their entries, up to renaming coordinates."""
    total: Counter[tuple[Power, ...]] = Counter()
    for at in product(range(k), repeat=len(words)):
        total[tuple(sorted((letter, i) for word, i in zip(words, at, strict=True) for letter in word))] += 1
    return {monomial: number for monomial, number in total.items() if monomial == canonical(monomial)}


def canonical(monomial: tuple[Power, ...]) -> tuple[Power, ...]:
    """The first of the monomials that differ only by renaming coordinates."""
    used = sorted({i for _, i in monomial})
    return min(
        tuple(sorted((letter, names[i]) for letter, i in monomial))
        for order in permutations(range(len(used)))
        for names in (dict(zip(used, order, strict=True)),)
    )


def spelled(words: tuple[str, ...]) -> Invariants:
    """A product of words as a product of traces."""
    return tuple(sorted(trace(word) for word in words))
