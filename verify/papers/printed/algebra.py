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
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import sympy

from derive import InputError
from derive.algebra.alphabet import BASES, BIAS, COLUMNS, FACTORS, HELD, LETTERS, ROWS, is_centred
from derive.algebra.alphabet import matrix as matrix_of
from derive.algebra.scalars import collected
from derive.algebra.words import Invariants, connected, invariant, rotations, spelled, substitute, trace, transpose
from derive.definition.language import EMBEDDING_DIMENSION

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from derive.algebra.words import Invariant

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


def invariants(value: Polynomial, free: Mapping[str, int] = MappingProxyType({})) -> dict[Invariants, sympy.Expr]:
    """A scalar as canonical invariants → coefficient; bᵀ P b is closed on the way.

    Args:
        value: the scalar.
        free: coordinates that no sum runs over, and the ends that words have there.

    Raises:
        InputError: a matrix or an entry is left.

    """
    found = []
    for product, weight in value.items():
        one = _with_ends(product, free) if free else product
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


def _with_ends(one: Product, free: Mapping[str, int]) -> Product:
    """The entries at free coordinates as words that end there."""
    links = [tuple(free.get(end, end) if isinstance(end, str) else end for end in (i, j)) for i, _, j in one.entries]
    if any(isinstance(end, str) for ends in links for end in ends):
        return one
    words = (open_word(word) if word else "" for _, word, _ in one.entries)
    made = tuple((i, word, j) for (i, j), word in zip(links, words, strict=True))
    return Product(one.word, _sorted(one.invariants + tuple(map(invariant, connected(made)))))  # type: ignore[arg-type]


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
    number = 1 + max([-1, *(name for i, _, j in one.entries for name in (i, j) if isinstance(name, int))])
    moved = tuple((_moved(i, number), word, _moved(j, number)) for i, word, j in other.entries)
    return Product(one.word + other.word, both, tuple(sorted(one.entries + moved, key=str)))


def _moved(name: Coordinate, by: int) -> Coordinate:
    return name + by if isinstance(name, int) and name >= 0 else name


def _sorted(some: Invariants) -> Invariants:
    return tuple(sorted(some))


def _forms(word: str) -> Invariants:
    """BᵀPb bᵀQb … as traces; f(x)ᵀ P f(y) of views that are given as a word between its ends."""
    if not set(COLUMNS).isdisjoint(word) and word[0] in ROWS:
        return tuple(map(_between, _pieces(word)))
    letters = _letters(word[-1] + word[:-1])
    if not letters.startswith(BIAS):
        message = f"{written(word)} is a matrix, not a number: put it into Tr[…]"
        raise InputError(message)
    return _traces(letters)


def closed(word: str) -> Invariants:
    """The trace of a word of matrices, as invariants."""
    row = next((k for k, letter in enumerate(word) if letter in ROWS), None)
    if row is not None:
        return _forms(word[row:] + word[:row])
    letters = next(filter(None, map(_letters, rotations(word))), "")
    if not letters:
        raise InputError(misfit(word, around=True))
    return _traces(letters)


def _pieces(word: str) -> list[str]:
    """A word cut where a column that is held meets a row."""
    return re.split(f"(?<=[{COLUMNS}])(?=[{ROWS}])", word)


def opened(i: Coordinate, word: str, j: Coordinate) -> tuple[tuple[Entry, ...], Invariants]:
    """The entry (i, j) of a word, or of a column where j is empty: a product of entries and of numbers.

    What is held ends a word: (P f(x) f(x)ᵀ Q)_ij is (P f(x))_i (Qᵀ f(x))_j.
    """
    first, *rest = _pieces(word)
    if first[-1] not in COLUMNS:
        return ((i, word, j),), ()
    entries: list[Entry] = [(i, first[:-1], HELD - COLUMNS.index(first[-1]))]
    if j != "":
        last = rest.pop()
        entries.append((HELD - ROWS.index(last[0]), last[1:], j))
    return tuple(entries), tuple(map(_between, rest))


def _between(word: str) -> Invariant:
    """F(x)ᵀ P f(y), P a product of W X Wᵀ or nothing."""
    if word[-1] not in COLUMNS:
        message = f"{written(word)} is a matrix, not a number: put it into Tr[…]"
        raise InputError(message)
    inside = open_word(word[1:-1]) if word[1:-1] else ""
    return invariant(((HELD - ROWS.index(word[0]), inside, HELD - COLUMNS.index(word[-1])),))


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
    of = {spelled(letter): letter for letter in LETTERS if is_centred(letter)}
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
