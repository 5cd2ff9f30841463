"""Trace words and their kin, in canonical form.

A *letter* stands for a matrix: A for A0, S for Σ, C for C = Σ − A0, I for the identity. The *open word* "AS" stands
for the d1×d1 matrix W A0 Wᵀ W Σ Wᵀ. An *invariant* is a connected graph whose vertices are coordinates, summed
over, and whose edges are open words:

    one vertex, one edge       Tr[W A0 Wᵀ W Σ Wᵀ], a trace word;
    one vertex, two edges      Σ_i (W A0 Wᵀ)_ii (W Σ Wᵀ)_ii, and so on.

Only the first kind is invariant under every rotation W → RW; the others come from losses that single out the
coordinates of the embedding (Barlow Twins, VICReg). Letters are symmetric matrices, so a word may be read
backwards when its ends are exchanged, and a trace word may be rotated.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import permutations, product

Link = tuple[int, str, int]
Invariant = tuple[Link, ...]
Invariants = tuple[Invariant, ...]

# Letters as they are named in JSON and in code.
NAMES = {"A": "A0", "S": "Sigma", "C": "C", "I": "I"}


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
    """The canonical form of one connected graph of open words between coordinates."""
    vertices = sorted({i for i, _, j in links for i in (i, j)})
    if len(links) == 1 and len(vertices) == 1:
        return trace(links[0][1])
    return min(
        tuple(sorted(_oriented(new[i], word, new[j]) for i, word, j in links))
        for order in permutations(range(len(vertices)))
        for new in (dict(zip(vertices, order, strict=True)),)
    )


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
    return {key: weight for key, weight in result.items() if weight}


def _spellings(word: str, letter: str, by: dict[str, int]) -> list[tuple[str, int]]:
    spelled = [("", 1)]
    for here in word:
        choices = by.items() if here == letter else ((here, 1),)
        spelled = [(some + new, weight * factor) for some, weight in spelled for new, factor in choices]
    return spelled


def _oriented(i: int, word: str, j: int) -> Link:
    return min((i, word, j), (j, word[::-1], i))
