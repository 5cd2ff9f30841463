"""Sums of products of matrices, traces and entries, as they are printed, and their canonical invariants.

A printed formula multiplies matrices in any way that fits: Tr[A0 WᵀW], Tr[W (A0 + C) Wᵀ]², bᵀ W Σ Wᵀ b. Here it is a
polynomial: products → coefficient. A product has a word of matrices that no trace has closed yet, invariants
(`derive.words`) and entries (W A0 Wᵀ)_ij that no sum has closed yet. The factors of a word are one character each: W
and w = Wᵀ, A, S, C, and for a bias b and d = bᵀ.
"""

from __future__ import annotations

import re
from functools import reduce
from typing import TYPE_CHECKING, NamedTuple

import sympy

from derive import InputError
from derive.words import BIAS, Invariants, Link, connected, invariant, substitute, trace

if TYPE_CHECKING:
    from collections.abc import Iterable

_BLOCKS = re.compile(r"(?:W[ASC]?w|bd)+")
_BLOCK = re.compile(r"W([ASC]?)w|bd")
_TURNED = str.maketrans("WwbdASC", "wWdbASC")
_WRITTEN = {"W": "W", "w": "Wᵀ", "A": "A0", "S": "Σ", "C": "C", "b": "b", "d": "bᵀ"}
_SHAPES = {"W": "d1×d0", "w": "d0×d1", "A": "d0×d0", "S": "d0×d0", "C": "d0×d0", "b": "d1×1", "d": "1×d1"}


class Product(NamedTuple):
    """A product of matrices, invariants and entries.

    Attributes:
        word: of matrices, empty for a scalar (or the identity).
        invariants: traces and sums over coordinates.
        entries: (i, word, j) with names of coordinates, the words in the letters of `derive.words`.

    """

    word: str = ""
    invariants: Invariants = ()
    entries: tuple[tuple[str, str, str], ...] = ()


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
    total: dict[Product, list[sympy.Expr]] = {}
    for part in parts:
        for product, value in part.items():
            total.setdefault(product, []).append(value)
    added = {product: sympy.Add(*values) for product, values in total.items()}
    return {product: value for product, value in added.items() if value != 0}


def times(one: Polynomial, other: Polynomial) -> Polynomial:
    """The product, matrices in this order."""
    return plus(*({_beside(p, q): a * b} for p, a in one.items() for q, b in other.items()))


def power(base: Polynomial, exponent: int) -> Polynomial:
    """A whole power, 0 or more."""
    return reduce(times, [base] * exponent, scalar(sympy.S.One))


def transposed(value: Polynomial) -> Polynomial:
    """Words backwards, W and Wᵀ exchanged; A0, Σ and C are symmetric."""
    return {one._replace(word=one.word[::-1].translate(_TURNED)): weight for one, weight in value.items()}


def traced(value: Polynomial) -> Polynomial:
    """The trace of a matrix.

    Raises:
        InputError: matrices that do not fit, or that make no word of W X Wᵀ.

    >>> [product.invariants for product in traced(matrix("AwWSwW"))]
    [(((0, 'AS', 0),),)]

    """
    return plus(*({Product("", _sorted(one.invariants + _trace(one.word)), one.entries): weight}
                  for one, weight in value.items()))  # fmt: skip


def entry(value: Polynomial, i: str, j: str) -> Polynomial:
    """The entry (i, j) of a d1×d1 matrix."""
    return plus(*({Product("", one.invariants, (*one.entries, (i, _letters(one.word), j))): weight}
                  for one, weight in value.items()))  # fmt: skip


def summed(value: Polynomial, indices: Iterable[str]) -> Polynomial:
    """The sum over coordinates."""
    number = {name: place for place, name in enumerate(dict.fromkeys(indices))}
    found = []
    for one, weight in value.items():
        unknown = sorted({name for i, _, j in one.entries for name in (i, j)} - set(number))
        if unknown:
            message = f"the coordinate {unknown[0]} is not summed over"
            raise InputError(message)
        if not set(number) <= {name for i, _, j in one.entries for name in (i, j)}:
            message = "the sum runs over a coordinate that no entry (…)_ij after it has"
            raise InputError(message)
        links: list[Link] = [(number[i], word, number[j]) for i, word, j in one.entries]
        sums = tuple(invariant(piece) for piece in connected(links))
        found.append({Product(one.word, _sorted(one.invariants + sums)): weight})
    return plus(*found)


def invariants(value: Polynomial) -> dict[Invariants, sympy.Expr]:
    """A scalar as canonical invariants → coefficient; bᵀ P b is closed on the way.

    Raises:
        InputError: a matrix or an entry is left.

    """
    total: dict[Invariants, list[sympy.Expr]] = {}
    for one, weight in value.items():
        if one.entries:
            i, word, j = one.entries[0]
            shown = " ".join("b bᵀ" if x == BIAS else f"W {_WRITTEN[x]} Wᵀ" if x != "I" else "W Wᵀ" for x in word)
            indices = i if i == j else i + j
            message = f"({shown})_{i}{j} is an entry: write the sum over its coordinates before it, as in Σ_{indices}"
            raise InputError(message)
        whole = one.invariants + (_forms(one.word) if one.word else ())
        # No letter is put for another; what comes back is canonical.
        for canonical, factor in substitute(_sorted(whole), "", {}).items():
            total.setdefault(canonical, []).append(factor * weight)
    return {key: sympy.Add(*values) for key, values in total.items()}


def _beside(one: Product, other: Product) -> Product:
    both = _sorted(one.invariants + other.invariants)
    return Product(one.word + other.word, both, tuple(sorted(one.entries + other.entries)))


def _sorted(some: Invariants) -> Invariants:
    return tuple(sorted(some))


def _forms(word: str) -> Invariants:
    """BᵀPb bᵀQb … as traces."""
    pieces = re.findall(r"d((?:W[ASC]?w)*)b", word)
    if "".join(f"d{piece}b" for piece in pieces) != word:
        message = f"{_shown(word)} is a matrix, not a number: put it into Tr[…]"
        raise InputError(message)
    return tuple(trace(BIAS + (_letters(piece) if piece else "")) for piece in pieces)


def _trace(word: str) -> Invariants:
    turns = (word[k:] + word[:k] for k in range(len(word)))
    whole = next((turn for turn in turns if _BLOCKS.fullmatch(turn)), None)
    if whole is None:
        raise InputError(_misfit(word, around=True))
    letters = _letters(whole)
    if letters.count(BIAS) < 2:
        return (trace(letters),)
    # Tr[b bᵀ P b bᵀ Q] = (bᵀ P b)(bᵀ Q b).
    first = letters.index(BIAS)
    between = (letters[first + 1 :] + letters[:first]).split(BIAS)
    return tuple(trace(BIAS + piece) for piece in between)


def _letters(word: str) -> str:
    """W A0 Wᵀ W Σ Wᵀ as the open word AS."""
    if not _BLOCKS.fullmatch(word):
        raise InputError(_misfit(word, around=False))
    return "".join(BIAS if block[0] == "bd" else block[1] or "I" for block in _BLOCK.finditer(word))


def _misfit(word: str, *, around: bool) -> str:
    """Why a word of matrices is no product of W X Wᵀ."""
    if not word or not set(word) & set("Wwbd"):
        return f"{_shown(word) or 'a number'} holds no W: the words are products of W A0 Wᵀ, W Σ Wᵀ, W C Wᵀ and W Wᵀ"
    pairs = list(zip(word, word[1:] + (word[0] if around else ""), strict=False))
    for left, right in pairs:
        if _SHAPES[left].partition("×")[2] != _SHAPES[right].partition("×")[0]:
            sizes = f"{_WRITTEN[left]} is {_SHAPES[left]} and {_WRITTEN[right]} {_SHAPES[right]}"
            return f"{_shown(word)} does not fit: {sizes}"
    return f"{_shown(word)} is no product of W X Wᵀ: one of A0, Σ, C or nothing stands between W and Wᵀ"


def _shown(word: str) -> str:
    return " ".join(_WRITTEN[one] for one in word)
