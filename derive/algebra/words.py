"""Trace words and sums over coordinates, in canonical form.

A *letter* stands for a d1×d1 matrix (`derive.algebra.alphabet`): A for W A0 Wᵀ, S for W Σ Wᵀ, C for W C Wᵀ with C = Σ −
A0, I for W Wᵀ. The *open word* "AS" stands for the product W A0 Wᵀ W Σ Wᵀ. The letter D stands for b bᵀ, b the bias of
f(x) = W x + b: Tr[D] = |b|² and Tr[D S] = bᵀ W Σ Wᵀ b. A word has one D at most, since two would make a factor bᵀ(…)b
of its own. M stands for W μ μᵀ Wᵀ in the same way, μ the mean of x.

An *invariant* is a connected graph whose vertices are coordinates, summed over, and whose edges are open
words:

    one vertex, one edge       Tr[W A0 Wᵀ W Σ Wᵀ], a trace word;
    one vertex, two edges      Σ_i (W A0 Wᵀ)_ii (W Σ Wᵀ)_ii, and so on.

Only the first kind is invariant under every rotation W → RW; the others come from losses that single out the
coordinates of the embedding (Barlow Twins, VICReg). A word becomes its transpose when its ends are exchanged, and a
trace word may be rotated and transposed.

While moments are contracted, a word may also *end* in b: the link (END, "S", i) stands for (bᵀ W Σ Wᵀ)_i. W μ and
other vectors are other negative numbers. Which two ends share a letter D is a choice,
(bᵀ P)_i (bᵀ Q)_j = (Pᵀ D Q)_ij; `paired` always makes the same one. Ends from HELD on down have no letters and stay:
(HELD, "S", HELD) is f(x)ᵀ W Σ Wᵀ f(x).
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from itertools import permutations, product
from math import prod
from typing import TYPE_CHECKING, Any, TypeVar

from derive.algebra import graphs
from derive.algebra.alphabet import ENDS, HELD, LETTERS, factors, matrix, outer
from derive.algebra.labelling import orders

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from derive.algebra.graphs import Vertex

Link = tuple[int, str, int]
Invariant = tuple[Link, ...]
Invariants = tuple[Invariant, ...]
_Word = TypeVar("_Word", str, tuple[Any, ...])
_End = TypeVar("_End", int, "Vertex")

# Up to this many coordinates, all orders are tried.
_FEW = 4


@lru_cache(maxsize=100_000)
def transpose(word: str) -> str:
    """The transpose of a word, of letters or of factors and matrices: reversed, each replaced by its own transpose.

    >>> transpose("AAS"), transpose("WAwWSb")
    ('SAA', 'dSwWAw')
    """
    return "".join(matrix(one).transpose for one in reversed(word))


def spelled(word: str) -> str:
    """The factors and matrices whose product a word is.

    >>> spelled("AIDM")
    'WAwWwbdWμνw'
    """
    found = ""
    for letter in word:
        if LETTERS[letter].ends:
            u, v = (ENDS[end] for end in LETTERS[letter].ends)
            found += u + transpose(v)
            continue
        left, right = factors(letter)
        found += left + ("" if LETTERS[letter].unit else letter) + transpose(right)
    return found


def rotations(word: _Word) -> Iterator[_Word]:
    """The rotations of a word, which all have the same trace.

    >>> list(rotations("AAS"))
    ['AAS', 'ASA', 'SAA']
    """
    return (word[i:] + word[:i] for i in range(len(word)))


@lru_cache(maxsize=100_000)
def trace(word: str) -> Invariant:
    """The invariant Tr[word], canonical under rotation and transposition.

    >>> trace("SSA") == trace("ASS") == trace("SAS")
    True
    >>> trace("AASSAS") == trace("SASSAA"), trace("AASSAS") == trace("AASASS")
    (True, True)
    """
    return ((0, min((*rotations(word), *rotations(transpose(word)))), 0),)


def is_trace(invariant: Invariant) -> bool:
    """Whether the invariant is a trace word."""
    return len(invariant) == 1 and invariant[0][0] == invariant[0][2] >= 0


def letters(invariant: Invariant) -> int:
    """The number of letters; each stands for two powers of W."""
    return sum(len(word) for _, word, _ in invariant)


@lru_cache(maxsize=100_000)
def invariant(links: tuple[Link, ...]) -> Invariant:
    """The canonical form of one connected graph of open words between coordinates (and b, see `paired`)."""
    ends = {i for i, _, j in links for i in (i, j)}
    vertices = sorted(i for i in ends if i >= 0)
    if len(links) == 1:
        ((i, word, j),) = links
        if not vertices:
            # uᵀ P v = Tr[v uᵀ P]
            joined = outer(j, i)
            return trace(joined + word) if joined else (oriented(i, word, j),)
        if i == j:
            return trace(word)
    kept = {i: i for i in ends if i < 0}
    return min(
        tuple(sorted(oriented(new[i], word, new[j]) for i, word, j in links))
        for order in (permutations(vertices) if len(vertices) <= _FEW else _orders(links, vertices))
        for new in ({vertex: number for number, vertex in enumerate(order)} | kept,)
    )


def _orders(links: tuple[Link, ...], vertices: Iterable[int]) -> Iterator[list[int]]:
    """Orders of many coordinates, distinguished by the words that end in them."""
    halves = sorted(half for i, word, j in links for half in ((i, word, j), (j, transpose(word), i)))
    first = {v: sorted((word, j if j < 0 else int(j == v)) for i, word, j in halves if i == v) for v in vertices}

    def around(vertex: int, colours: Mapping[int, int]) -> list[tuple[str, int]]:
        return sorted((word, colours.get(j, j)) for i, word, j in halves if i == vertex)

    def twins(u: int, v: int) -> bool:
        new = {u: v, v: u}
        return sorted((new.get(i, i), word, new.get(j, j)) for i, word, j in halves) == halves

    return orders(first, around, twins)


def connected(links: Iterable[Link]) -> list[tuple[Link, ...]]:
    """The pieces of a graph of open words that share no coordinate; vectors such as b connect nothing."""
    groups = graphs.connected(links, lambda link: {end for end in link[::2] if not _is_vector(end)})
    return [tuple(group) for group in groups]


def ends(given: Invariants) -> int:
    """How many open words of a product end in b, or in another vector that is not held."""
    return sum(map(_is_loose, (end for one in given for i, _, j in one for end in (i, j))))


def _is_vector(end: object) -> bool:
    # A coordinate that is not summed over yet has a name.
    return isinstance(end, int) and end < 0


def _is_loose(end: object) -> bool:
    return isinstance(end, int) and HELD < end < 0


def paired(given: Invariants) -> Invariants:
    """A product with the ends in b joined two by two by the letter D: first within a graph, in canonical order.

    A word from what is held to such an end, as f(x)ᵀ W μ, is a number by itself and left as it is; so is the last of
    an odd number of ends.

    >>> from derive.algebra.alphabet import END
    >>> thrice = ((END, "", 0), (END, "", 0), (END, "", 0))  # Σ_i b_i³
    >>> paired((thrice, thrice))
    (((0, 'D', 0), (0, 'D', 1), (1, 'D', 1)),)
    """
    done: list[Invariant] = []
    odd: list[Invariant] = []
    for one in sorted(invariant(one) for one in given):
        by_itself = len(one) == 1 and min(one[0][0], one[0][2]) <= HELD
        (odd if ends((one,)) % 2 and not by_itself else done).append(one)
    done += odd[len(odd) // 2 * 2 :]
    for one, other in zip(odd[::2], odd[1::2], strict=False):
        # Its coordinates are numbered after those of the first.
        beside = 1 + max(max(i, j) for i, _, j in one)
        moved = tuple((i if i < 0 else i + beside, word, j if j < 0 else j + beside) for i, word, j in other)
        done.append(one + moved)
    return tuple(sorted(map(_joined, done)))


def _joined(links: tuple[Link, ...]) -> Invariant:
    """The ends of one graph joined, each with the next in the order of coordinates and words."""
    loose = sorted((j, word, i) for i, word, j in links if _is_loose(i))
    kept = [link for link in links if not _is_loose(link[0])]
    pairs = zip(loose[::2], loose[1::2], strict=False)
    kept += [(i, transpose(p) + outer(u, v) + q, j) for (i, p, u), (j, q, v) in pairs]
    kept += [(u, word, j) for j, word, u in loose[len(loose) // 2 * 2 :]]
    return invariant(tuple(kept))


def _opened(given: Invariants) -> Invariants:
    """The letters u vᵀ of sums over coordinates taken apart again, and of traces that have several."""
    opened: list[Invariant] = []
    for one in given:
        if is_trace(one):
            opened += [invariant((link,)) for link in _around(one[0][1])] or [one]
            continue
        links = [link for whole in one for link in apart(*whole)]
        opened += [one] if len(links) == len(one) else connected(links)
    return tuple(opened)


def apart(i: int, word: str, j: int) -> Iterator[Link]:
    """(P u vᵀ Q)_ij as (uᵀ Pᵀ)_i (vᵀ Q)_j, where the word has letters of u vᵀ; between two of them is a number vᵀ Q u.

    >>> from derive.algebra.alphabet import BIAS
    >>> list(apart(0, "A" + BIAS + "S" + BIAS, 1))
    [(-1, 'A', 0), (-1, 'S', -1), (-1, '', 1)]
    """
    start, from_here = i, 0
    for k, letter in enumerate(word):
        if LETTERS[letter].ends:
            u, v = LETTERS[letter].ends
            piece = word[from_here:k]
            yield (u, transpose(piece), i) if not from_here else (start, piece, u)
            start, from_here = v, k + 1
    yield start, word[from_here:], j


def _around(word: str) -> list[Link]:
    """The numbers vᵀ Q u that a trace word is a product of, where it has several letters of u vᵀ; else nothing."""
    places = [k for k, letter in enumerate(word) if LETTERS[letter].ends]
    if len(places) < 2:
        return []
    turned = word[places[0] :] + word[: places[0]]
    u, v = LETTERS[turned[0]].ends
    return list(apart(v, turned[1:], u))


def substitute(given: Invariants, by: Mapping[str, Mapping[str, int]]) -> dict[Invariants, int]:
    """A product of invariants with sums of letters put for letters, and the transposed sums for their transposes.

    >>> substitute((trace("SS"),), {"S": {"A": 1, "C": 1}}) == {
    ...     (trace("AA"),): 1, (trace("AC"),): 2, (trace("CC"),): 1}
    True
    """
    result: dict[Invariants, int] = {(): 1}
    for one in given:
        expanded: Counter[Invariant] = Counter()
        for words in product(*(_put(word, by) for _, word, _ in one)):
            links = tuple((i, word, j) for (i, _, j), (word, _) in zip(one, words, strict=True))
            expanded[invariant(links)] += prod(factor for _, factor in words)
        longer: Counter[Invariants] = Counter()
        for some, weight in result.items():
            for new, factor in expanded.items():
                longer[tuple(sorted((*some, new)))] += weight * factor
        result = longer
    # The new letters may change the order in which ends in b were joined.
    again: Counter[Invariants] = Counter()
    for key, weight in result.items():
        opened = _opened(key)
        again[key if opened == key else paired(opened)] += weight
    return {key: weight for key, weight in again.items() if weight}


def _put(word: str, by: Mapping[str, Mapping[str, int]]) -> list[tuple[str, int]]:
    found = [("", 1)]
    for here in word:
        choices = by.get(here)
        if choices is None:
            turned = by.get(transpose(here), {})
            choices = {transpose(new): factor for new, factor in turned.items()} if turned else {here: 1}
        found = [(some + new, weight * factor) for some, weight in found for new, factor in choices.items()]
    return found


def gradient(given: Invariants) -> dict[tuple[Invariants, str], int]:
    """The gradient of the traces of a product: (the other factors, an open word) → how often they occur.

    One letter F X Gᵀ of a trace word is dropped and the rest P rotated to the front: Tr[P F X Gᵀ] has the gradient
    P F X in G, the open word "PX" without its last factor; "SA" is W Σ Wᵀ W A0 here, a part of the gradient in W. The
    gradient in F is that of the transpose. Sums over coordinates in the product are not differentiated.

    >>> gradient((trace("AS"),))
    {((), 'SA'): 2, ((), 'AS'): 2}
    >>> gradient((trace("D"), trace("S"))) == {((trace("S"),), "D"): 2, ((trace("D"),), "S"): 2}
    True
    """
    total: Counter[tuple[Invariants, str]] = Counter()
    for k, one in enumerate(given):
        if is_trace(one):
            word = one[0][1]
            turns = (*rotations(word), *rotations(transpose(word)))
            for turn in sorted(turns, key=lambda turn: (turn[-1], turn)):
                total[given[:k] + given[k + 1 :], turn] += 1
    return dict(total)


def oriented(i: _End, word: str, j: _End) -> tuple[_End, str, _End]:
    """A link as it is written: itself, or its transpose from j to i."""
    return min((i, word, j), (j, transpose(word), i))
