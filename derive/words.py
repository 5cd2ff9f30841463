"""Trace words and their kin, in canonical form.

A *letter* stands for a matrix: A for A0, S for Σ, C for C = Σ − A0, I for the identity. The *open word* "AS" stands
for the d1×d1 matrix W A0 Wᵀ W Σ Wᵀ. The letter D stands for b bᵀ in place of W X Wᵀ, b the bias of f(x) = W x + b:
Tr[D] = |b|² and Tr[D S] = bᵀ W Σ Wᵀ b. A word has one D at most, since two would make a factor bᵀ(…)b of its own. An
*invariant* is a connected graph whose vertices are coordinates, summed over, and whose edges are open words:

    one vertex, one edge       Tr[W A0 Wᵀ W Σ Wᵀ], a trace word;
    one vertex, two edges      Σ_i (W A0 Wᵀ)_ii (W Σ Wᵀ)_ii, and so on.

Only the first kind is invariant under every rotation W → RW; the others come from losses that single out the
coordinates of the embedding (Barlow Twins, VICReg). Letters are symmetric matrices, so a word may be read
backwards when its ends are exchanged, and a trace word may be rotated.

While moments are contracted, a word may also *end* in b: the link (END, "S", i) stands for (W Σ Wᵀ b)_i. Which two ends
share a letter D is a choice, (P b)_i (Q b)_j = (P D Qᵀ)_ij; `paired` makes it in one way.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import permutations, product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

Link = tuple[int, str, int]
Invariant = tuple[Link, ...]
Invariants = tuple[Invariant, ...]

# Letters as they are named in JSON and in code.
NAMES = {"A": "A0", "S": "Sigma", "C": "C", "I": "I", "D": "bias"}
# The letter of b bᵀ, and the end of an open word that is b and no coordinate.
BIAS = "D"
END = -1


@lru_cache(maxsize=100_000)
def trace(word: str) -> Invariant:
    """The invariant Tr[word], canonical under rotation and reversal.

    >>> trace("SSA") == trace("ASS") == trace("SAS")
    True
    >>> trace("AASSAS") == trace("SASSAA"), trace("AASSAS") == trace("AASASS")
    (True, True)
    """
    turns = [word[i:] + word[:i] for i in range(len(word))]
    return ((0, min(turns + [turn[::-1] for turn in turns]), 0),)


def is_trace(invariant: Invariant) -> bool:
    """Whether the invariant is a trace word."""
    return len(invariant) == 1 and invariant[0][0] == invariant[0][2]


def letters(invariant: Invariant) -> int:
    """The number of letters; each stands for two powers of W."""
    return sum(len(word) for _, word, _ in invariant)


@lru_cache(maxsize=100_000)
def invariant(links: tuple[Link, ...]) -> Invariant:
    """The canonical form of one connected graph of open words between coordinates (and b, see `paired`)."""
    vertices = sorted({i for i, _, j in links for i in (i, j)} - {END})
    if len(links) == 1 and links[0][0] == links[0][2]:
        return trace(links[0][1] if vertices else BIAS + links[0][1])
    return min(
        tuple(sorted(_oriented(new[i], word, new[j]) for i, word, j in links))
        for order in permutations(range(len(vertices)))
        for new in (dict(zip(vertices, order, strict=True)) | {END: END},)
    )


def connected(links: Iterable[Link]) -> list[tuple[Link, ...]]:
    """The pieces of a graph of open words that share no coordinate; b connects nothing."""
    pieces: list[tuple[set[int], tuple[Link, ...]]] = []
    for i, word, j in links:
        vertices = {i, j} - {END}
        members: tuple[Link, ...] = ((i, word, j),)
        apart = []
        for piece in pieces:
            if vertices.isdisjoint(piece[0]):
                apart.append(piece)
            else:
                vertices, members = vertices | piece[0], members + piece[1]
        pieces = [*apart, (vertices, members)]
    return [members for _, members in pieces]


def ends(given: Invariants) -> int:
    """How many open words of a product end in b."""
    return sum((i, j).count(END) for one in given for i, _, j in one)


def paired(given: Invariants) -> Invariants:
    """A product with the ends in b joined two by two by the letter D: first within a graph, in canonical order.

    >>> thrice = ((END, "", 0), (END, "", 0), (END, "", 0))  # Σ_i b_i³
    >>> paired((thrice, thrice))
    (((0, 'D', 0), (0, 'D', 1), (1, 'D', 1)),)
    """
    done: list[Invariant] = []
    odd: list[Invariant] = []
    for one in sorted(invariant(one) for one in given):
        (odd if ends((one,)) % 2 else done).append(one)
    for one, other in zip(odd[::2], odd[1::2], strict=True):
        # Apart from the first one's coordinates, and after them.
        beside = 1 + max(max(i, j) for i, _, j in one)
        moved = tuple((i if i == END else i + beside, word, j if j == END else j + beside) for i, word, j in other)
        done.append(one + moved)
    return tuple(sorted(map(_joined, done)))


def _joined(links: tuple[Link, ...]) -> Invariant:
    """The ends of one graph joined, each with the next in the order of coordinates and words."""
    loose = sorted((j, word) for i, word, j in links if i == END)
    kept = [link for link in links if link[0] != END]
    kept += [(i, p[::-1] + BIAS + q, j) for (i, p), (j, q) in zip(loose[::2], loose[1::2], strict=True)]
    return invariant(tuple(kept))


def _opened(given: Invariants) -> Invariants:
    """The letters D of sums over coordinates taken apart again."""
    traces = [one for one in given if is_trace(one)]
    opened: list[Invariant] = []
    for one in given:
        if not is_trace(one):
            halves = [(i, word.split(BIAS), j) for i, word, j in one]
            links = [
                link
                for i, parts, j in halves
                for link in (((i, parts[0], j),) if len(parts) == 1 else ((END, parts[0][::-1], i), (END, parts[1], j)))
            ]
            opened += connected(links)
    return (*traces, *opened)


def substitute(given: Invariants, letter: str, by: dict[str, int]) -> dict[Invariants, int]:
    """A product of invariants with a sum of letters put for one letter.

    >>> substitute((trace("SS"),), "S", {"A": 1, "C": 1}) == {
    ...     (trace("AA"),): 1, (trace("AC"),): 2, (trace("CC"),): 1}
    True
    """
    result: dict[Invariants, int] = {(): 1}
    for one in given:
        expanded: dict[Invariant, int] = {}
        for words in product(*(_spellings(word, letter, by) for _, word, _ in one)):
            links = tuple((i, word, j) for (i, _, j), (word, _) in zip(one, words, strict=True))
            weight = 1
            for _, factor in words:
                weight *= factor
            new = invariant(links)
            expanded[new] = expanded.get(new, 0) + weight
        longer: dict[Invariants, int] = {}
        for some, weight in result.items():
            for new, factor in expanded.items():
                key = tuple(sorted((*some, new)))
                longer[key] = longer.get(key, 0) + weight * factor
        result = longer
    # A letter may stand at another place of the order in which ends in b were joined.
    again: dict[Invariants, int] = {}
    for key, weight in result.items():
        open_sums = any(BIAS in word for one in key if not is_trace(one) for _, word, _ in one)
        new_key = paired(_opened(key)) if open_sums else key
        again[new_key] = again.get(new_key, 0) + weight
    return {key: weight for key, weight in again.items() if weight}


def _spellings(word: str, letter: str, by: dict[str, int]) -> list[tuple[str, int]]:
    spelled = [("", 1)]
    for here in word:
        choices = by.items() if here == letter else ((here, 1),)
        spelled = [(some + new, weight * factor) for some, weight in spelled for new, factor in choices]
    return spelled


def _oriented(i: int, word: str, j: int) -> Link:
    return min((i, word, j), (j, word[::-1], i))
