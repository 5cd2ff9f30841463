"""Sums over coordinates: of entries (W A0 Wᵀ)_ij W_ij … to traces and the invariants of `derive.algebra.words`.

A coordinate that stands at two places joins two matrices, Σ_j P_ij Q_jk = (P Q)_ik, and a matrix that is joined to
itself is a trace: Σ_ij P_ij² = Tr[P Pᵀ]. What stands at more places singles out coordinates, as in Σ_i P_ii², and
stays a sum.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

from derive import InputError
from derive.algebra.alphabet import BIAS, matrix
from derive.algebra.words import connected, invariant, trace, transpose
from derive.definition.language import EMBEDDING_DIMENSION
from verify.papers.printed.algebra import Product, closed, misfit, open_word, opened, plus, written

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from derive.algebra.words import Invariants
    from verify.papers.printed.algebra import Coordinate, Entry, Polynomial

# A coordinate at this many places joins what stands there.
_JOINS = 2
_TWICE_B = re.compile(r"d([^bd]*)b(?=d)")


def entry(value: Polynomial, i: str, j: str) -> Polynomial:
    """The entry (i, j) of a matrix.

    Raises:
        InputError: matrices that do not fit, or a number.

    """
    found = []
    for one, weight in value.items():
        if not one.word:
            message = "a number has no entries; of a multiple of the identity write the coordinates out"
            raise InputError(message)
        if any(left.columns != right.rows for left, right in pairwise(map(matrix, one.word))):
            raise InputError(misfit(one.word, around=False))
        if (_rows(one.word), _columns(one.word)) == ("1", "1") or (_columns(one.word) == "1") != (j == ""):
            message = f"{written(one.word)} has one coordinate, not two"
            raise InputError(message)
        links, numbers = opened(i, one.word, j)
        entries = (*one.entries, *(_oriented(*link) for link in links))
        invariants = tuple(sorted(one.invariants + numbers))
        found.append({Product("", invariants, tuple(sorted(entries, key=str))): weight})
    return plus(*found)


def renamed(value: Polynomial, names: Mapping[str, str]) -> Polynomial:
    """Other names for coordinates."""

    def new(name: Coordinate) -> Coordinate:
        return names.get(name, name) if isinstance(name, str) else name

    return plus(*({one._replace(entries=tuple(sorted((_oriented(new(i), word, new(j)) for i, word, j in one.entries),
                                                     key=str))): weight}
                  for one, weight in value.items()))  # fmt: skip


def summed(value: Polynomial, names: Iterable[str]) -> Polynomial:
    """The sum over coordinates.

    Raises:
        InputError: a coordinate that no entry has, or of the data alone, which is not an invariant.

    >>> P = {Product("WSw"): 1}
    >>> from verify.papers.printed.algebra import times
    >>> [one.invariants for one in summed(times(entry(P, "i", "j"), entry(P, "i", "j")), "ij")]
    [(((0, 'SS', 0),),)]

    """
    for name in names:
        value = _summed(value, name)
    return value


def _summed(value: Polynomial, name: str) -> Polynomial:
    sizes = {size for one in value for i, word, j in one.entries
             for end, size in ((i, _rows(word)), (j, _columns(word))) if end == name}  # fmt: skip
    if not sizes:
        message = "the sum runs over a coordinate that no entry (…)_ij after it has"
        raise InputError(message)
    if len(sizes) > 1:
        message = f"{name} is a coordinate of f(x) at one place and of x at another"
        raise InputError(message)
    found = []
    for one, weight in value.items():
        if any(name in (i, j) for i, _, j in one.entries):
            found.append({_joined(one, name): weight})
        elif sizes == {"d1"}:
            found.append({one: weight * EMBEDDING_DIMENSION})
        else:
            message = f"a term without {name} is added once for each coordinate of x, whose number d0 no expansion has"
            raise InputError(message)
    return plus(*found)


def _joined(one: Product, name: str) -> Product:
    """A product with a coordinate summed over: matrices joined, and what is closed among the invariants."""
    numbers = [end for i, _, j in one.entries for end in (i, j) if isinstance(end, int)]
    fresh = 1 + max([-1, *numbers])
    links: list[Entry] = [(fresh if i == name else i, word, fresh if j == name else j) for i, word, j in one.entries]
    traces: Invariants = ()
    at = Counter(end for i, _, j in links for end in (i, j))
    for vertex in [end for end, count in at.items() if isinstance(end, int) and end >= 0 and count == _JOINS]:
        meeting = [link for link in links if vertex in (link[0], link[2])]
        links = [link for link in links if vertex not in (link[0], link[2])]
        if len(meeting) == 1:
            traces += closed(meeting[0][1])
            continue
        (i, left), (j, right) = (_ending(link, vertex) for link in meeting)
        links.append((i, left + transpose(right), j))
    rest: list[Entry] = []
    for piece in connected(links):  # type: ignore[arg-type]
        if any(isinstance(end, str) for i, _, j in piece for end in (i, j)):
            rest += piece
        else:
            traces += _invariants(piece)
    entries = tuple(sorted((_oriented(*link) for link in rest), key=str))
    return Product(one.word, tuple(sorted(one.invariants + traces)), entries)


def _ending(link: Entry, vertex: int) -> tuple[Coordinate, str]:
    """The other end of a link, and its word as it ends at a vertex."""
    i, word, j = link
    return (i, word) if j == vertex else (j, transpose(word))


def _invariants(links: Iterable[Entry]) -> Invariants:
    """A closed graph of words of matrices; bᵀ P b within a word is a factor of its own."""
    factors: Invariants = ()
    written_out = []
    for i, word, j in links:
        left = word
        while (inner := _TWICE_B.search(left)) is not None:
            factors += (trace(BIAS + (open_word(inner[1]) if inner[1] else "")),)
            left = left[: inner.start()] + left[inner.end() :]
        written_out.append((i, open_word(left) if left else "", j))
    return (*factors, invariant(tuple(written_out)))


def _oriented(i: Coordinate, word: str, j: Coordinate) -> Entry:
    return min((i, word, j), (j, transpose(word), i), key=str)


def _rows(word: str) -> str:
    return matrix(word[0]).rows if word else "d1"


def _columns(word: str) -> str:
    return matrix(word[-1]).columns if word else "d1"
