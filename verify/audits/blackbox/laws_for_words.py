"""The words of an order, and Gaussian laws of the two views of a datum that tell their coefficients apart.

A law is given by *directions*: the two embeddings of a datum are Σ_u t_u D_u, with independent normal numbers t_u of
variance P_u. With D_u = (a_u, b_u) the letters are

    W Σ Wᵀ = Σ_u P_u a_u a_uᵀ,   W A Vᵀ = Σ_u P_u a_u b_uᵀ,   V Σ₂ Vᵀ = Σ_u P_u b_u b_uᵀ,

and a product of k letters is a polynomial of degree k in the P_u. Comparing its monomials with those of the averaged
loss gives linear equations for the coefficients of the words. With one encoder Σ₂ = Σ, and A0 is symmetric, so that b
is a or −a: the sum and the difference of the two views. With two encoders a and b are any two vectors.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, reduce
from itertools import combinations_with_replacement, islice, permutations, product
from math import prod

import numpy as np
import sympy
from numpy.typing import NDArray
from sympy.utilities.iterables import multiset_partitions

from derive.algebra.words import Invariant, Invariants, invariant, trace

# For each coordinate of the embedding, its weights in the first and in the second view of a datum.
Direction = tuple[tuple[int, int], ...]
# A product of P_u.
Monomial = tuple[Direction, ...]

LETTERS = {1: "AS", 2: "STXY"}
# The two views in one coordinate: their sum and their difference; either alone, and their sum.
_WITHIN = {1: ((1, 1), (1, -1)), 2: ((1, 0), (0, 1), (1, 1))}
# What is left of an equation below this fraction of it follows from others.
DEPENDENT = 1e-6


@dataclass(frozen=True, eq=False)
class Laws:
    """Equations that give the coefficients of words.

    Attributes:
        words: products of invariants of one order.
        monomials: products of P_u whose coefficients in the averaged loss are measured.
        weights: (words, monomials), coefficients of words from those of monomials.
        condition: the condition number of the equations.

    """

    words: tuple[Invariants, ...]
    monomials: tuple[Monomial, ...]
    weights: NDArray[np.float64]
    condition: float


@cache
def laws(k: int, *, encoders: int = 1, coordinates: bool = False) -> Laws:
    """The laws for products of k letters.

    Args:
        k: half of the order in W, 1 to 3.
        encoders: 1 or 2.
        coordinates: whether there are sums over coordinates next to traces, at k = 2.

    >>> one, two = laws(2), laws(2, encoders=2)
    >>> len(one.words), len(two.words), two.condition < 50
    (6, 13, True)

    """
    products = words(k, encoders, coordinates=coordinates)
    rows = {one: [coefficient(each, one) for each in products] for one in _monomials(k, encoders, coordinates)}
    chosen = _independent(rows, len(products))
    system = sympy.Matrix([rows[one] for one in chosen])
    inverse = (system.T * system).inv() * system.T
    condition = np.linalg.cond(np.array(system.tolist(), dtype=float))
    return Laws(tuple(products), tuple(chosen), np.array(inverse.tolist(), dtype=float), float(condition))


def words(k: int, encoders: int, *, coordinates: bool = False) -> list[Invariants]:
    """All products of traces with k letters, and sums over one coordinate of products of two.

    >>> len(words(1, 2)), len(words(2, 1, coordinates=True)), len(words(3, 2))
    (3, 9, 47)
    """
    names = LETTERS[encoders]
    found: set[Invariants] = set()
    for blocks in multiset_partitions(list(range(k))):
        for choice in product(names, repeat=k):
            found.add(tuple(sorted(trace("".join(choice[place] for place in block)) for block in blocks)))
    if coordinates and k == 2:
        for one, other in combinations_with_replacement(names.replace("Y", ""), 2):
            found.add((invariant(((0, one, 0), (0, other, 0))),))
    return sorted(found)


def coefficient(word: Invariants, of: Monomial) -> int:
    """The coefficient of a product of P_u in a product of words.

    >>> first, second = ((1, 0),), ((0, 0), (1, 0))
    >>> coefficient((trace("S"), trace("S")), (first, second)), coefficient((trace("SS"),), (first, second))
    (2, 0)
    """
    letters = [letter for one in word for _, inside, _ in one for letter in inside]
    width = max(map(len, of))
    total = 0.0
    for order in set(permutations(of)):
        # One direction for each letter.
        matrices = (_matrix(letter, u, width) for letter, u in zip(letters, order, strict=True))
        total += prod(_contracted(one, matrices) for one in word)
    return round(total)


def _contracted(one: Invariant, matrices: Iterator[NDArray[np.float64]]) -> float:
    """An invariant with matrices put for its letters, which it takes in order."""
    factors = [reduce(np.matmul, islice(matrices, len(letters))) for _, letters, _ in one]
    return float(np.einsum(",".join("ijk"[i] + "ijk"[j] for i, _, j in one) + "->", *factors))


@cache
def _matrix(letter: str, direction: Direction, width: int) -> NDArray[np.float64]:
    """What a direction adds to a letter."""
    a, b = (np.array([at[view] for at in direction] + [0] * (width - len(direction)), dtype=float) for view in range(2))
    return {"S": np.outer(a, a), "A": np.outer(a, b), "X": np.outer(a, b), "Y": np.outer(b, a), "T": np.outer(b, b)}[
        letter
    ]


def _monomials(k: int, encoders: int, coordinates: bool) -> list[Monomial]:  # noqa: FBT001
    """Products of k directions, those that differ only in the names and the signs of coordinates once."""
    nowhere = ((0, 0),)
    pool: list[Direction] = [nowhere * i + (one,) for i in range(k) for one in _WITHIN[encoders]]
    if encoders == 2:
        # The views in two coordinates: W A Vᵀ and its transpose differ.
        pool += [tuple((int(c == i), int(c == j)) for c in range(k)) for i, j in permutations(range(k), 2)]
    if encoders == 2 and k > 2:
        # W Σ Wᵀ and V Σ₂ Vᵀ need not commute.
        pool.append(((0, 1), (0, 1)))
    found: dict[Monomial, None] = {}
    for one in combinations_with_replacement(pool, k):
        found.setdefault(min(tuple(renamed(order)) for order in set(permutations(one))), None)
    if coordinates and k == 2:
        # On axes turned by 45° a sum over coordinates is another one.
        for one in combinations_with_replacement([(both, both) for both in _WITHIN[encoders]], 2):
            found.setdefault(one, None)
    return sorted(found, key=lambda one: (sum(abs(n) for u in one for at in u for n in at), one))


def renamed(directions: tuple[Direction, ...]) -> list[Direction]:
    """Directions with the same change of coordinates in all of them, by which each coordinate's first number is > 0.

    >>> renamed((((0, 0), (-1, 0)), ((1, 1),)))
    [((0, 0), (1, 0)), ((1, 1), (0, 0))]
    """
    width = max(map(len, directions))
    columns = []
    for c in range(width):
        column = [n for u in directions for n in (u[c] if c < len(u) else (0, 0))]
        sign = next((n for n in column if n), 0)
        if sign:
            columns.append(tuple(n if sign > 0 else -n for n in column))
    columns.sort()
    return [tuple((column[2 * n], column[2 * n + 1]) for column in columns) for n in range(len(directions))]


def _independent(rows: dict[Monomial, list[int]], number: int) -> list[Monomial]:
    """As many monomials as there are words, chosen one by one: each says most that those before leave open.

    Raises:
        ValueError: too few are independent.

    """
    left = {one: np.array(row, dtype=float) for one, row in rows.items()}
    left = {one: row / np.linalg.norm(row) for one, row in left.items() if row.any()}
    chosen: list[Monomial] = []
    for _ in range(number):
        best = max(left, key=lambda one: round(float(np.linalg.norm(left[one])), 9))
        size = np.linalg.norm(left[best])
        if size < DEPENDENT:
            message = f"{len(chosen)} of {number} words are told apart"
            raise ValueError(message)
        along = left.pop(best) / size
        left = {one: row - (row @ along) * along for one, row in left.items()}
        chosen.append(best)
    return chosen
