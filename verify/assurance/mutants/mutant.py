"""A wrong derivation, and the removal of duplicates among many by exact comparison."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace
from typing import Any

# The kinds of slips, in the order of the tables.
OPERATORS = (
    "coefficient",
    "sign",
    "exponent",
    "symbol exchanged",
    "term dropped or doubled",
    "wrong replicas",
    "coincidence weights",
    "wrong mask",
    "repair undone",
    "sense of a condition",
)


@dataclass(frozen=True)
class Mutant:
    """A wrong derivation.

    Attributes:
        operator: the kind of slip, one of `OPERATORS`.
        name: what was done and where; no two of one subject share it.
        value: what is derived wrongly: an expansion, a landscape, a statement.

    """

    operator: str
    name: str
    value: Any


def distinct(
    made: Iterable[Mutant], original: Hashable, key: Callable[[Any], Hashable | None]
) -> tuple[list[Mutant], list[Mutant]]:
    """The mutants that differ, from the original and from one another, and those that are equivalent to the original.

    Args:
        made: in the order in which they are to be kept; of equal ones the first is.
        original: the key of what is right.
        key: what is equal for equal values alone; None for a value that is not a derivation at all, which is left out.

    >>> made = [Mutant("sign", "−2", -2), Mutant("sign", "−2 again", -2), Mutant("sign", "2", 2)]
    >>> kept, equivalent = distinct(made, 2, int)
    >>> [one.name for one in kept], [one.name for one in equivalent]
    (['−2'], ['2'])

    """
    kept: dict[Hashable, Mutant] = {}
    equivalent: list[Mutant] = []
    names: dict[str, int] = {}
    for one in made:
        what = key(one.value)
        if what is None or what in kept:
            continue
        names[one.name] = names.get(one.name, 0) + 1
        named = one if names[one.name] == 1 else replace(one, name=f"{one.name} ({names[one.name]})")
        if what == original:
            equivalent.append(named)
        else:
            kept[what] = named
    return list(kept.values()), equivalent
