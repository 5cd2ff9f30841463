"""The value of an expansion's words at given matrices, by writing out every sum."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import product

from derive.algebra.slots import slots
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
    for term in expansion.terms:
        used = slots(term.invariants)
        total = Fraction(0)
        for classes in product(range(len(law.classes)), repeat=len(used)):
            chosen = dict(zip(used, classes, strict=True))
            value = Fraction(1)
            for y in classes:
                value *= law.classes[y].chance
            for links in term.invariants:
                letters = {name: law.letter(name, chosen) for _, word, _ in links for name in word}
                value *= contracted([(i, product_of(word, letters), j) for i, word, j in links])
            total += value
        found[term.order] += numbers.of(term.coefficient) * total
    return found


def product_of(word: str, letters: Mapping[str, Matrix]) -> Matrix:
    """The product of the letters of a word."""
    matrix = letters[word[0]]
    for letter in word[1:]:
        columns = list(zip(*letters[letter], strict=True))
        matrix = [[sum((a * b for a, b in zip(row, column, strict=True)), Fraction(0)) for column in columns]
                  for row in matrix]  # fmt: skip
    return matrix


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
