"""Sums of products of matrices, traces and entries, as they are printed, and their canonical invariants.

A printed formula multiplies matrices in any way that fits: Tr[A0 WᵀW], Tr[W (A0 + C) Wᵀ]², bᵀ W Σ Wᵀ b. Here it is a
polynomial: products → coefficient. A product has a word of matrices that no trace has closed yet, invariants
(`derive.algebra.words`) and entries (W A0 Wᵀ)_ij that no sum has closed yet. The factors of a word are one character
each: W and w = Wᵀ, A, S, C, for a bias b and d = bᵀ, and for two kinds of views V, v = Vᵀ and their matrices
(`derive.algebra.alphabet`). Sums over coordinates are closed in `verify.papers.printed.sums`.
"""

from __future__ import annotations

import re
from functools import reduce
from typing import TYPE_CHECKING, NamedTuple

import sympy

from derive import InputError
from derive.algebra.alphabet import BASES, BIAS, FACTORS, LETTERS
from derive.algebra.alphabet import matrix as matrix_of
from derive.algebra.scalars import collected
from derive.algebra.words import Invariants, rotations, spelled, substitute, trace, transpose
from derive.definition.language import EMBEDDING_DIMENSION

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Coordinate = str | int
Entry = tuple[Coordinate, str, Coordinate]


class Product(NamedTuple):
    """A product of matrices, invariants and entries.

    Attributes:
        word: of matrices, empty for a scalar (or the identity).
        invariants: traces and sums over coordinates.
        entries: (i, word, j), the word one of matrices, i and j names of coordinates, or numbers where a sum runs
            over them whose other coordinates are free yet.

    """

    word: str = ""
    invariants: Invariants = ()
    entries: tuple[Entry, ...] = ()


Polynomial = dict[Product, sympy.Expr]


def scalar(value: sympy.Expr) -> Polynomial:
    """A coefficient."""
    return {Product(): value} if value != 0 else {}


def matrix(word: str) -> Polynomial:
    """A product of matrices."""
    return {Product(word): sympy.S.One}


def plus(*parts: Polynomial) -> Polynomial:
    """The sum.

    >>> plus(matrix("A"), matrix("A"), matrix("S"))
    {Product(word='A', invariants=(), entries=()): 2, Product(word='S', invariants=(), entries=()): 1}
    """
    return collected(item for part in parts for item in part.items())


def times(one: Polynomial, other: Polynomial) -> Polynomial:
    """The product, matrices in this order."""
    return collected((_beside(p, q), a * b) for p, a in one.items() for q, b in other.items())


def power(base: Polynomial, exponent: int) -> Polynomial:
    """A whole power, 0 or more."""
    return reduce(times, [base] * exponent, scalar(sympy.S.One))


def transposed(value: Polynomial) -> Polynomial:
    """The transpose of each word."""
    return {one._replace(word=transpose(one.word)): weight for one, weight in value.items()}


def traced(value: Polynomial) -> Polynomial:
    """The trace of a matrix; a number beside d1×d1 matrices is that multiple of the identity, whose trace is d1.

    Raises:
        InputError: matrices that do not fit, or that make no word of W X Wᵀ.

    >>> [product.invariants for product in traced(matrix("AwWSwW"))]
    [(((0, 'AS', 0),),)]

    """
    square = {matrix_of(one.word[0]).rows for one in value if one.word} == {"d1"}
    return plus(
        *(
            {one: weight * EMBEDDING_DIMENSION}
            if square and not one.word
            else {Product("", _sorted(one.invariants + closed(one.word)), one.entries): weight}
            for one, weight in value.items()
        )
    )


def invariants(value: Polynomial) -> dict[Invariants, sympy.Expr]:
    """A scalar as canonical invariants → coefficient; bᵀ P b is closed on the way.

    Raises:
        InputError: a matrix or an entry is left.

    """
    found = []
    for one, weight in value.items():
        if one.entries:
            i, word, j = one.entries[0]
            indices = str(i) if i == j else f"{i}{j}"
            message = (
                f"({written(word)})_{i}{j} is an entry: write the sum over its coordinates before it, as in Σ_{indices}"
            )
            raise InputError(message)
        found.append((_sorted(one.invariants + (_forms(one.word) if one.word else ())), weight))
    # No letter is put for another; what comes back is canonical.
    return _put(found, {})


def in_one_basis(terms: Mapping[Invariants, sympy.Expr]) -> dict[Invariants, sympy.Expr]:
    """C written as Σ − A0."""
    return _put(terms.items(), BASES["A0,Sigma"])


def _put(
    terms: Iterable[tuple[Invariants, sympy.Expr]], by: Mapping[str, Mapping[str, int]]
) -> dict[Invariants, sympy.Expr]:
    return collected((new, weight * value) for some, value in terms for new, weight in substitute(some, by).items())


def _beside(one: Product, other: Product) -> Product:
    both = _sorted(one.invariants + other.invariants)
    # The coordinates of a sum that is open yet are its own.
    number = 1 + max((name for i, _, j in one.entries for name in (i, j) if isinstance(name, int)), default=-1)
    moved = tuple((_moved(i, number), word, _moved(j, number)) for i, word, j in other.entries)
    return Product(one.word + other.word, both, tuple(sorted(one.entries + moved, key=str)))


def _moved(name: Coordinate, by: int) -> Coordinate:
    return name + by if isinstance(name, int) else name


def _sorted(some: Invariants) -> Invariants:
    return tuple(sorted(some))


def _forms(word: str) -> Invariants:
    """BᵀPb bᵀQb … as traces."""
    letters = _letters(word[-1] + word[:-1])
    if not letters.startswith(BIAS):
        message = f"{written(word)} is a matrix, not a number: put it into Tr[…]"
        raise InputError(message)
    return _traces(letters)


def closed(word: str) -> Invariants:
    """The trace of a word of matrices, as invariants."""
    letters = next(filter(None, map(_letters, rotations(word))), "")
    if not letters:
        raise InputError(misfit(word, around=True))
    return _traces(letters)


def _traces(letters: str) -> Invariants:
    if letters.count(BIAS) < 2:
        return (trace(letters),)
    # Tr[b bᵀ P b bᵀ Q] = (bᵀ P b)(bᵀ Q b).
    first = letters.index(BIAS)
    between = (letters[first + 1 :] + letters[:first]).split(BIAS)
    return tuple(trace(BIAS + piece) for piece in between)


def open_word(word: str) -> str:
    """A word of matrices in the letters of `derive.algebra.words`: W A0 Wᵀ W Σ Wᵀ as AS."""
    letters = _letters(word)
    if not letters:
        raise InputError(misfit(word, around=False))
    return letters


def _letters(word: str) -> str:
    """The word of letters that is spelled so, or nothing."""
    of = {spelled(letter): letter for letter in LETTERS}
    pieces = re.findall("|".join(of), word)
    return "".join(map(of.__getitem__, pieces)) if "".join(pieces) == word else ""


def misfit(word: str, *, around: bool) -> str:
    """Why a word of matrices is not a product of W X Wᵀ."""
    if not word or FACTORS.keys().isdisjoint(word):
        return f"{written(word) or 'a number'} holds no W: the words are products of W A0 Wᵀ, W Σ Wᵀ, W C Wᵀ and W Wᵀ"
    pairs = list(zip(word, word[1:] + (word[0] if around else ""), strict=False))
    for left, right in pairs:
        one, other = matrix_of(left), matrix_of(right)
        if one.columns != other.rows:
            sizes = f"{one.text} is {one.rows}×{one.columns} and {other.text} {other.rows}×{other.columns}"
            return f"{written(word)} does not fit: {sizes}"
    if not {"V", "v"}.isdisjoint(word):
        rule = "one matrix of the data or nothing stands between W or V and the next Wᵀ or Vᵀ"
        return f"{written(word)} is not a product of W X Wᵀ, W A Vᵀ and V X Vᵀ: {rule}"
    return f"{written(word)} is not a product of W X Wᵀ: one of A0, Σ, C or nothing stands between W and Wᵀ"


def written(word: str) -> str:
    """A word of matrices as it is printed."""
    return " ".join(matrix_of(one).text for one in word)
