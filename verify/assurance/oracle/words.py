"""The value of an expansion's words at given matrices, by writing out every sum."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import product

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
    letters = {name: law.letter(name) for name in "ASCID"}
    found = [Fraction(0)] * (expansion.order + 1)
    found[0] = numbers.of(expansion.constant)
    for term in expansion.terms:
        value = numbers.of(term.coefficient)
        for links in term.invariants:
            value *= _contracted([(i, _word(word, letters), j) for i, word, j in links], law.d1)
        found[term.order] += value
    return found


def _word(word: str, letters: Mapping[str, Matrix]) -> Matrix:
    matrix = letters[word[0]]
    for letter in word[1:]:
        columns = list(zip(*letters[letter], strict=True))
        matrix = [[sum((a * b for a, b in zip(row, column, strict=True)), Fraction(0)) for column in columns]
                  for row in matrix]  # fmt: skip
    return matrix


def _contracted(links: list[tuple[int, Matrix, int]], d1: int) -> Fraction:
    """Σ over all coordinates of the product of the matrices' entries."""
    vertices = sorted({i for one, _, other in links for i in (one, other)})
    total = Fraction(0)
    for chosen in product(range(d1), repeat=len(vertices)):
        at = dict(zip(vertices, chosen, strict=True))
        entry = Fraction(1)
        for i, matrix, j in links:
            entry *= matrix[at[i]][at[j]]
        total += entry
    return total
