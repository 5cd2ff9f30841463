"""The value of a printed formula at matrices in numbers, straight from its tree.

Products are products of arrays, a trace is a trace, a sum over coordinates runs over them one after the other. Nothing
is known here of words, of symmetric matrices or of the theory: what the reading of a print makes of it is held
against this.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce
from itertools import product
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy

from derive.definition.language import EMBEDDING_DIMENSION
from verify.papers.printed.tree import (
    Applied,
    Entry,
    Matrix,
    Norm,
    Over,
    Power,
    Product,
    Quotient,
    Scalar,
    Sum,
    Trace,
    Transpose,
    walk,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from verify.papers.printed.tree import Node

_HOLDS: dict[str, Callable[[int, int], bool]] = {
    "≠": lambda i, j: i != j,
    "<": lambda i, j: i < j,
    "≤": lambda i, j: i <= j,
}


@dataclass(frozen=True, eq=False)
class Place:
    """Where a formula is evaluated.

    Attributes:
        W: (d1, d0); with two encoders W and V side by side.
        letters: the matrix of each letter, (d0, d0), as in `numeric.sampling.Covariances.letters`.
        b: (d1,), or None where there is no bias.
        values: of the parameters by name; d1 is W's.

    """

    W: Any
    letters: Mapping[str, Any]
    b: Any = None
    values: Mapping[str, Any] = field(default_factory=dict)

    def encoders(self) -> dict[str, Any]:
        """W and V, each with zeros where the other has its columns; W alone where there is one kind of data."""
        if "J" not in self.letters:
            return {"W": self.W}
        return {"W": self.W @ self.letters["I"], "V": self.W @ self.letters["J"]}


def coefficients(node: Node, at: Place, order: int) -> dict[int, complex]:
    """The coefficients of t^k, k = 0, 2, …, order, of a formula at t·W and t·b.

    A formula is a polynomial in t; its values on a circle give them by a Fourier transform.

    Args:
        node: the formula, a number.
        at: where.
        order: the highest power of t in it, at least.

    >>> from verify.papers.printed.grammar import Formula
    >>> at = Place(np.eye(2), {"A": 3 * np.eye(2), "S": 5 * np.eye(2)})
    >>> found = coefficients(Formula("7 - Tr[W A0 W^T] + sum_ij (W Sigma W^T)_ij^2", {}).whole(), at, 4)
    >>> {k: round(value.real, 9) for k, value in found.items()}
    {0: 7.0, 2: -6.0, 4: 50.0}

    """
    count = order + 2
    ts = np.exp(2j * np.pi * np.arange(count) / count)[:, None, None]
    arrays: dict[str, Any] = {letter: np.asarray(one, dtype=complex)[None] for letter, one in at.letters.items()}
    arrays |= {name: ts * one for name, one in at.encoders().items()}
    arrays["b"] = None if at.b is None else ts * np.asarray(at.b)[:, None]
    values = {sympy.Symbol(name): value for name, value in at.values.items()}
    values[EMBEDDING_DIMENSION] = at.W.shape[0]
    found = np.broadcast_to(_Evaluation(arrays, values).of(node, {}), (count,))
    spectrum = np.fft.fft(found) / count
    return {k: complex(spectrum[k]) for k in range(0, order + 1, 2)}


def value(
    node: Node,
    matrices: Mapping[str, Any],
    values: Mapping[sympy.Symbol, Any] = MappingProxyType({}),
    at: Mapping[str, int] = MappingProxyType({}),
) -> complex:
    """The value of a formula.

    Args:
        node: the formula, a number.
        matrices: by letter; W and columns that are held among them.
        values: of the parameters.
        at: coordinates that no sum runs over, from 0 on.

    """
    arrays = {letter: np.asarray(one, dtype=complex)[None] for letter, one in matrices.items()}
    found = _Evaluation(arrays, dict(values) | {EMBEDDING_DIMENSION: arrays["W"].shape[1]}).of(node, at)
    return complex(np.ravel(found)[0])


@dataclass(frozen=True, eq=False)
class _Evaluation:
    """Matrices are (T, n, m), one for each t; numbers are (T,) or scalars."""

    arrays: Mapping[str, Any]
    values: Mapping[sympy.Symbol, Any]
    # Matrices whose entries are taken, by node: a sum over coordinates asks for each many times.
    kept: dict[int, Any] = field(default_factory=dict)

    def of(self, node: Node, where: Mapping[str, int]) -> Any:
        """A node's value, the coordinates of entries being those of ``where``."""
        match node:
            case Scalar(value):
                return complex(value.subs(self.values))
            case Matrix(letter):
                return self.arrays[letter]
            case Sum(terms):
                return _added([self.of(one, where) for one in terms])
            case Product(factors):
                return reduce(_times, [self.of(one, where) for one in factors])
            case Quotient(above, below):
                return self.of(above, where) / self.of(below, where)
            case Power(base, exponent):
                value, power = self.of(base, where), self.of(exponent, where)
                return np.linalg.matrix_power(value, round(power.real)) if np.ndim(value) > 1 else value**power
            case Transpose(base):
                value = self.of(base, where)
                return value.swapaxes(1, 2) if np.ndim(value) > 1 else value
            case Trace(inside):
                value = self.of(inside, where)
                return np.trace(value, axis1=1, axis2=2) if np.ndim(value) > 1 else value
            case Norm(inside):
                value = self.of(inside, where)
                return (value * value).sum((1, 2)) if np.ndim(value) > 1 else value * value
            case Entry(base, i, j):
                return self._matrix(base, where)[:, where[i], where[j] if j else 0]
            case Applied(_, function, inside):
                return complex(function(_number(self.of(inside, where))))
            case Over():
                return self._over(node, where)

    def _over(self, node: Over, where: Mapping[str, int]) -> Any:
        total: Any = 0.0
        sizes = [self._size(node.body, name, where) for name in node.names]
        for place in product(*map(range, sizes)):
            here = {**where, **dict(zip(node.names, place, strict=True))}
            if not node.relation or _HOLDS[node.relation](here[node.pair[0]], here[node.pair[1]]):
                total = total + self.of(node.body, here)
        return total

    def _matrix(self, base: Node, where: Mapping[str, int]) -> Any:
        if any(isinstance(one, Entry) for one in walk(base)):
            return self.of(base, where)
        if id(base) not in self.kept:
            self.kept[id(base)] = self.of(base, {})
        return self.kept[id(base)]

    def _size(self, body: Node, name: str, where: Mapping[str, int]) -> int:
        """How many values a coordinate has: the rows or the columns of a matrix that it is a coordinate of."""
        for entry in walk(body):
            if isinstance(entry, Entry) and name in (entry.i, entry.j):
                _, rows, columns = self._matrix(entry.base, {**where, name: 0}).shape
                return int(rows if name == entry.i else columns)
        return 0


def _number(value: Any) -> sympy.Expr:
    """A number for a function of SymPy's: real where it is."""
    return sympy.Float(value.real, 17) if value.imag == 0 else sympy.sympify(complex(value))


def _added(values: list[Any]) -> Any:
    """The sum; a number beside matrices is that multiple of the identity."""
    matrices = [one for one in values if np.ndim(one) > 1]
    if not matrices:
        return sum(values)
    unit = np.eye(matrices[0].shape[1])
    return sum(one if np.ndim(one) > 1 else np.asarray(one)[..., None, None] * unit for one in values)


def _times(one: Any, other: Any) -> Any:
    if np.ndim(one) > 1 and np.ndim(other) > 1:
        both = one @ other
        # bᵀ P b is a number.
        return both[:, 0, 0] if both.shape[1:] == (1, 1) else both
    if np.ndim(one) > 1:
        return one * np.asarray(other)[..., None, None]
    return np.asarray(one)[..., None, None] * other if np.ndim(other) > 1 else one * other
