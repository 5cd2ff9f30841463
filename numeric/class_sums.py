"""Sums over classes in kernels: a term is one sum of products of entries, over coordinates and over classes.

Each letter of a term is an operand, W Σ_y Wᵀ for all classes y at once, and so are the vectors W μ_y and the weights
π_y. The gradient in a letter is the same sum with this operand left out. Means over data z, with C(z), are the same
sums over nodes z, whose weights are chances.
"""

from __future__ import annotations

from itertools import count
from string import ascii_lowercase, ascii_uppercase
from typing import TYPE_CHECKING, NamedTuple

import sympy

from derive import InputError
from derive.algebra.alphabet import END, LETTERS, NAMES, SLOTS, factors, slot_of
from numeric.backends import identity, over_classes, scaled, transpose

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from derive.algebra.words import Invariants

# The classes' weights and means, and those of nodes z, as a kernel's arguments.
WEIGHTS, MEANS, OVERALL, CHANCES, DATA = sympy.symbols("weights means mean chances data")
# An axis for each slot.
_AXES = dict(enumerate(ascii_uppercase[: len(NAMES)]))


class Operand(NamedTuple):
    """One array in a sum over classes.

    Attributes:
        value: the array.
        axes: its indices, classes in capitals.
        of: the letter W X Wᵀ or the end W μ that it is; None for weights.

    """

    value: sympy.Expr
    axes: str
    of: str | int | None


def average(of: sympy.Expr, axes: str) -> sympy.Expr:
    """Σ_y π_y X_y."""
    return _sum(["Y", f"Y{axes}"], axes, WEIGHTS, of)


def second_moment() -> sympy.Expr:
    """Σ_y π_y μ_y μ_yᵀ."""
    return _sum(["Y", "Yi", "Yj"], "ij", WEIGHTS, MEANS, MEANS)


def operands(
    term: Invariants, letter: Callable[[str], sympy.Expr], vector: Callable[[int], sympy.Expr]
) -> list[Operand]:
    """The operands of a term.

    Args:
        term: a product of invariants.
        letter: the array of W X Wᵀ; of a letter with a slot for all classes, (…, K, d1, d1).
        vector: the array of an end; of W μ_y for all classes, (…, K, d1).

    """
    names = count()
    found: list[Operand] = []
    classes: set[int] = set()

    def fresh() -> str:
        return ascii_lowercase[next(names)]

    def of_vector(end: int, at: str) -> Operand:
        slot = slot_of(end)
        classes.update(() if slot is None else (slot,))
        return Operand(vector(end), ("" if slot is None else _AXES[slot]) + at, end)

    try:
        for one in term:
            at = {end: fresh() for end in sorted({end for i, _, j in one for end in (i, j)})}
            for i, word, j in one:
                here = at[i]
                for place, name in enumerate(word):
                    there = at[j] if place + 1 == len(word) else fresh()
                    if LETTERS[name].ends:
                        u, v = LETTERS[name].ends
                        found += [of_vector(u, here), of_vector(v, there)]
                    else:
                        slot = LETTERS[name].slot
                        classes.update(() if slot is None else (slot,))
                        of_class = "" if slot is None else _AXES[slot]
                        found.append(Operand(letter(name), of_class + here + there, name))
                    here = there
    except IndexError:
        message = "a sum over classes in it has more letters than a kernel has indices; take a lower order"
        raise InputError(message) from None
    return [Operand(CHANCES if slot >= SLOTS else WEIGHTS, _AXES[slot], None) for slot in sorted(classes)] + found


def total(of: list[Operand]) -> sympy.Expr:
    """The sum."""
    return _sum([one.axes for one in of], "", *(one.value for one in of))


def adjoints(
    of: list[Operand], weight: sympy.Expr, assign: Callable[[sympy.Expr], sympy.Expr]
) -> Iterator[tuple[str, bool, sympy.Expr]]:
    """What the gradient consists of: a factor, W or b, whether it is a matrix K_X for a letter, and the array.

    Args:
        of: the operands of a term.
        weight: the term's coefficient.
        assign: gives an array a name.

    Yields:
        The letter X and K + Kᵀ of a letter without a slot, which the gradient has as (K + Kᵀ) W X; else the factor's
        name and a part of the gradient itself.

    """
    for place, one in enumerate(of):
        if one.of is None:
            continue
        others, axes = of[:place] + of[place + 1 :], one.axes
        if len(set(axes)) < len(axes):
            # A trace sees the diagonal of its letter alone.
            spare = next(name for name in ascii_lowercase[::-1] if name not in axes)
            axes = axes[:-1] + spare
            others = [*others, Operand(identity(one.value), axes[-2:], None)]
        E = assign(_sum([other.axes for other in others], axes, *(other.value for other in others)))
        if isinstance(one.of, int):
            if one.of == END:
                yield "b", False, scaled(weight, E)
            else:
                slot = slot_of(one.of)
                mean, classes = (OVERALL, "") if slot is None else (_vectors(slot), axes[:-1])
                yield "W", False, scaled(weight, _sum([f"{classes}i", f"{classes}j"], "ij", E, mean))
            continue
        for name, matrix, value in _of_letter(one.of, E):
            yield name, matrix, scaled(weight, value)


def _of_letter(letter: str, E: sympy.Expr) -> Iterator[tuple[str, bool, sympy.Expr]]:
    one = LETTERS[letter]
    if one.slot is None:
        yield letter, True, E + transpose(E)
        return
    W, X = sympy.Symbol(factors(letter)[0]), _matrices(letter)
    yield "W", False, _sum(["Yij", "jk", "Ykl"], "il", E, W, X)
    yield "W", False, _sum(["Yji", "jk", "Ykl"], "il", E, W, X)


def of_all_classes(letter: str) -> sympy.Expr:
    """W X_y Wᵀ for all classes: (…, K, d1, d1)."""
    W, X = sympy.Symbol("W"), _matrices(letter)
    return _sum(["ik", "Ykl", "jl"], "Yij", W, X, W)


def vectors_of_all(slot: int) -> sympy.Expr:
    """W μ_y for all classes, or W z for all nodes: (…, K, d1)."""
    return _sum(["ij", "Yj"], "Yi", sympy.Symbol("W"), _vectors(slot))


def _vectors(slot: int) -> sympy.Expr:
    return DATA if slot >= SLOTS else MEANS


def _matrices(letter: str) -> sympy.Expr:
    """X_y of all classes: the argument that the letter of one is named after."""
    return sympy.Symbol(LETTERS[letter].name.partition("[")[0])


def _sum(axes: list[str], result: str, *arrays: sympy.Expr) -> sympy.Expr:
    how = ",".join(f"...{one}" for one in axes) + f"->...{result}"
    return over_classes(sympy.Symbol(how), *arrays)
