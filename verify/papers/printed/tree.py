"""A printed formula as a tree: what it says, before anything is computed from it.

Two readers take it from here and share no code: `verify.papers.printed.meaning` turns it into canonical invariants, and
`verify.papers.printed.evaluation` evaluates it at matrices in numbers, sum by sum and product by product as it stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from derive.algebra.words import transpose

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import sympy

Relation = Literal["", "≠", "<", "≤"]


@dataclass(frozen=True)
class Scalar:
    """A number or a parameter; beside matrices it is that multiple of the identity."""

    value: sympy.Expr
    at: int = 0


@dataclass(frozen=True)
class Matrix:
    """A factor W or V, a column b or f(x), or a letter of `derive.algebra.alphabet` for the matrix X of F X Gᵀ."""

    letter: str
    at: int = 0


@dataclass(frozen=True)
class Sum:
    """Terms added."""

    terms: tuple[Node, ...]
    at: int = 0


@dataclass(frozen=True)
class Product:
    """Factors in their sequence."""

    factors: tuple[Node, ...]
    at: int = 0


@dataclass(frozen=True)
class Quotient:
    """Something divided by numbers and parameters."""

    above: Node
    below: Node
    at: int = 0


@dataclass(frozen=True)
class Power:
    """A base raised to an exponent that holds no matrix."""

    base: Node
    exponent: Node
    at: int = 0


@dataclass(frozen=True)
class Transpose:
    """A matrix transposed."""

    base: Node
    at: int = 0


@dataclass(frozen=True)
class Trace:
    """The trace of a matrix."""

    inside: Node
    at: int = 0


@dataclass(frozen=True)
class Norm:
    """The squares of all entries of a matrix, added: ‖M‖_F²."""

    inside: Node
    at: int = 0


@dataclass(frozen=True)
class Entry:
    """The entry of a matrix at two coordinates, or of a column at one, j being empty."""

    base: Node
    i: str
    j: str
    at: int = 0


@dataclass(frozen=True)
class Over:
    """A sum over coordinates.

    Attributes:
        names: of the coordinates that are summed over.
        body: what is summed.
        relation: that holds between the two coordinates of ``pair``: i ≠ j, i < j or i ≤ j.
        pair: of which one at least is summed over.

    """

    names: tuple[str, ...]
    body: Node
    relation: Relation = ""
    pair: tuple[str, str] = ("", "")
    at: int = 0


@dataclass(frozen=True)
class Applied:
    """A function of numbers and parameters."""

    name: str
    function: Callable[[sympy.Expr], sympy.Expr]
    inside: Node
    at: int = 0


Node = Scalar | Matrix | Sum | Product | Quotient | Power | Transpose | Trace | Norm | Entry | Over | Applied


def walk(node: Node) -> Iterator[Node]:
    """A node and all that is in it."""
    yield node
    match node:
        case Sum(parts) | Product(parts):
            inside: tuple[Node, ...] = parts
        case Quotient(one, other) | Power(one, other):
            inside = (one, other)
        case Transpose(one) | Trace(one) | Norm(one) | Entry(one) | Over(_, one) | Applied(_, _, one):
            inside = (one,)
        case _:
            inside = ()
    for one in inside:
        yield from walk(one)


def is_matrix(node: Node) -> bool:
    """Whether a matrix is left over: one that no trace, norm or coordinates have made a number of."""
    match node:
        case Matrix():
            return True
        case Sum(parts) | Product(parts):
            return any(map(is_matrix, parts))
        case Quotient(base) | Power(base) | Transpose(base):
            return is_matrix(base)
    return False


def columns(node: Node) -> str:
    """The letter of the last matrix of a product, that of its transpose where it is transposed; empty without one."""
    match node:
        case Matrix(letter):
            return letter
        case Product(parts):
            return next((columns(one) for one in reversed(parts) if is_matrix(one)), "")
        case Sum(parts):
            return next((columns(one) for one in parts if is_matrix(one)), "")
        case Quotient(base) | Power(base):
            return columns(base)
        case Transpose(base):
            return transpose(rows(base))
    return ""


def rows(node: Node) -> str:
    """The letter of the first matrix of a product, see `columns`."""
    match node:
        case Matrix(letter):
            return letter
        case Product(parts) | Sum(parts):
            return next((rows(one) for one in parts if is_matrix(one)), "")
        case Quotient(base) | Power(base):
            return rows(base)
        case Transpose(base):
            return transpose(columns(base))
    return ""


def degree(node: Node) -> int:
    """The power of W (and b) that is written, whatever cancels."""
    match node:
        case Matrix(letter):
            return int(letter in "WVb")
        case Sum(parts):
            return max(map(degree, parts), default=0)
        case Product(parts):
            return sum(map(degree, parts))
        case Power(base, Scalar(exponent)) if exponent.is_Integer:
            return degree(base) * int(exponent)
        case Norm(inside):
            return 2 * degree(inside)
        case Quotient(inside) | Power(inside) | Transpose(inside) | Trace(inside) | Entry(inside) | Over(_, inside):
            return degree(inside)
    return 0
