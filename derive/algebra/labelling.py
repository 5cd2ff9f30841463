"""The few orders of a graph's vertices among which its canonical form is the least; relabelling does not change them.

Colour refinement distinguishes vertices by their surroundings; those that it leaves equal are singled out in turn
(McKay and Piperno, J. Symb. Comput. 60, 2014). Interchangeable vertices, the common case of identical replicas,
are not permuted.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Colours = Mapping["Vertex", int]

Vertex = TypeVar("Vertex")


def orders(
    first: Mapping[Vertex, Any],
    around: Callable[[Vertex, Colours[Vertex]], Any],
    twins: Callable[[Vertex, Vertex], bool],
) -> Iterator[list[Vertex]]:
    """The orders: 2n for a cycle of n vertices, one for n interchangeable vertices.

    Args:
        first: the initial colour of each vertex, which no relabelling changes.
        around: the surroundings of a vertex, in the colours of its neighbours.
        twins: whether exchanging two vertices of a colour changes nothing.

    >>> near = {0: (3, 1), 1: (0, 2), 2: (1, 3), 3: (2, 0)}
    >>> def around(vertex, colours):
    ...     return sorted(colours[other] for other in near[vertex])
    >>> len(list(orders(dict.fromkeys(near, 0), around, lambda u, v: False)))
    8
    """
    return _orders(_ranked(first), around, twins)


def _orders(
    colours: Colours[Vertex],
    around: Callable[[Vertex, Colours[Vertex]], Any],
    twins: Callable[[Vertex, Vertex], bool],
) -> Iterator[list[Vertex]]:
    """The orders after singling out each vertex of a remaining cell in turn, one for each set of twins."""
    colours = _refined(colours, around)
    cells: list[list[Vertex]] = [[] for _ in set(colours.values())]
    for vertex, number in colours.items():
        cells[number].append(vertex)
    opened = next((some for cell in cells if len(some := _without_twins(cell, twins)) > 1), None)
    if opened is None:
        yield [vertex for cell in cells for vertex in cell]
        return
    number = colours[opened[0]]
    for chosen in opened:
        split = {v: colour + (colour > number or (colour == number and v != chosen)) for v, colour in colours.items()}
        yield from _orders(split, around, twins)


def _refined(colours: Colours[Vertex], around: Callable[[Vertex, Colours[Vertex]], Any]) -> Colours[Vertex]:
    """Colour refinement: colours split by the surroundings of their vertices until none splits."""
    number = len(set(colours.values()))
    while number < len(colours):
        colours = _ranked({vertex: (colour, around(vertex, colours)) for vertex, colour in colours.items()})
        before, number = number, len(set(colours.values()))
        if number == before:
            break
    return colours


def _ranked(signatures: Mapping[Vertex, Any]) -> dict[Vertex, int]:
    """Signatures replaced by their ranks."""
    distinct: list[Any] = []
    for signature in sorted(signatures.values()):
        if not distinct or signature != distinct[-1]:
            distinct.append(signature)
    return {vertex: bisect_left(distinct, signature) for vertex, signature in signatures.items()}


def _without_twins(cell: list[Vertex], twins: Callable[[Vertex, Vertex], bool]) -> list[Vertex]:
    """One of each set of twins in a cell."""
    kept: list[Vertex] = []
    for vertex in cell:
        if not any(twins(vertex, other) for other in kept):
            kept.append(vertex)
    return kept
