"""The value of an expansion's words at given matrices, by writing out every sum."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import reduce
from itertools import product
from math import prod

from derive.algebra.slots import slots
from derive.algebra.words import Invariant
from derive.expansion.expansion import Expansion
from verify.assurance.oracle.law import Law, Matrix
from verify.assurance.oracle.numbers import Numbers


def values(expansion: Expansion, law: Law, parameters: Mapping[str, Fraction]) -> list[Fraction]:
    """The coefficients of t⁰, …, t^order of an expansion at tW (and tb); those of odd order are 0.

    Args:
        expansion: what is evaluated.
        law: the matrices.
        parameters: values of the expansion's parameters by name.

    >>> from derive import catalogue
    >>> one = [[Fraction(1)]]
    >>> found = values(catalogue("infonce").expand(order=4), Law(one, one, [[Fraction(2)]]), {})
    >>> [str(value) for value in found]
    ['0', '0', '-1', '0', '3']

    """
    numbers = Numbers({"d1": Fraction(law.d1), **parameters})
    found = [Fraction(0)] * (expansion.order + 1)
    found[0] = numbers.of(expansion.constant)
    invariants = _Invariants(law)
    for term in expansion.terms:
        used = slots(term.invariants)
        total = Fraction(0)
        for classes in product(range(len(law.classes)), repeat=len(used)):
            chosen = dict(zip(used, classes, strict=True))
            total += prod(
                [invariants.value(links, chosen) for links in term.invariants],
                start=prod((law.classes[y].chance for y in classes), start=Fraction(1)),
            )
        found[term.order] += numbers.of(term.coefficient) * total
    return found


@dataclass
class _Invariants:
    """The values of invariants, each worked out once for each choice of the classes in it."""

    law: Law
    _values: dict[tuple[Invariant, tuple[int, ...]], Fraction] = field(default_factory=dict)
    _products: dict[tuple[str, tuple[int, ...]], Matrix] = field(default_factory=dict)

    def value(self, links: Invariant, chosen: Mapping[int, int]) -> Fraction:
        """The value, where each slot stands for a class."""
        key = links, tuple(chosen[slot] for slot in slots((links,)))
        if key not in self._values:
            self._values[key] = contracted([(i, self._product(word, chosen), j) for i, word, j in links])
        return self._values[key]

    def _product(self, word: str, chosen: Mapping[int, int]) -> Matrix:
        key = word, tuple(chosen[slot] for slot in slots((((0, word, 1),),)))
        if key not in self._products:
            last = self.law.letter(word[-1], chosen)
            rest = self._product(word[:-1], chosen) if len(word) > 1 else None
            self._products[key] = last if rest is None else multiplied(rest, last)
        return self._products[key]


def product_of(word: str, letters: Mapping[str, Matrix]) -> Matrix:
    """The product of the letters of a word."""
    return reduce(multiplied, (letters[letter] for letter in word))


def multiplied(left: Matrix, right: Matrix) -> Matrix:
    """The product of two matrices."""
    columns = list(zip(*right, strict=True))
    return [[sum((a * b for a, b in zip(row, column, strict=True)), Fraction(0)) for column in columns] for row in left]


def contracted(links: list[tuple[int, Matrix, int]]) -> Fraction:
    """Σ over all coordinates of the product of the matrices' entries; a coordinate is of as many as the matrix has."""
    sizes = {end: size for i, matrix, j in links for end, size in ((i, len(matrix)), (j, len(matrix[0])))}
    vertices = sorted(sizes)
    total = Fraction(0)
    for chosen in product(*(range(sizes[vertex]) for vertex in vertices)):
        at = dict(zip(vertices, chosen, strict=True))
        entry = Fraction(1)
        for i, matrix, j in links:
            entry *= matrix[at[i]][at[j]]
        total += entry
    return total
