"""Noise that depends on the datum: x = z + ε with z Gaussian, and ε Gaussian of covariance C(z) given z."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING

import sympy

from derive.algebra.alphabet import END, LETTERS, SLOTS, in_slot, of_class
from derive.algebra.graphs import CLASSMATE, CONSTANT, PLAIN, VIEW, Vertex
from derive.algebra.slots import settled
from derive.definition.expression import as_scalar
from derive.errors import InputError
from derive.expansion.laws.law import OfNormals, of_one_kind
from derive.expansion.wick import contract, covariance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from derive.algebra.graphs import Graph
    from derive.algebra.scalars import Coefficient, Scalars
    from derive.algebra.words import Invariants
    from derive.definition.expression import Expression

# The highest order of an expansion: means over z of C(z) and z are taken by nodes that are exact through this degree.
HIGHEST = 8
# Groups of a graph's vertices: data of which the noise counts, those seen as z alone, those of two legs, others.
_ALONE = 1000


@dataclass(frozen=True)
class Heteroscedastic(OfNormals):
    """Views x = z + ε of a datum z ~ N(0, A0), whose noise ε ~ N(0, C(z)) is independent between views, given z.

    The letters A0 and C are the covariance of z and the average E C(z), Σ their sum, and words in C_z and z are
    averaged over the datum. C(z) is any function with C(−z) = C(z). A view that is rescaled by a random normal number
    has C(z) ∝ z zᵀ.

    Args:
        share: of E C(z) that depends on z, where data are drawn; 0 leaves Gaussian views. It is exact, and in no
            formula.

    >>> from derive import catalogue
    >>> print(catalogue("infonce").expand(order=2, data=Heteroscedastic()))
    −Tr[W A0 Wᵀ] + O(W⁴)

    """

    share: object = sympy.Rational(1, 2)

    def __post_init__(self) -> None:
        """Check the share."""
        object.__setattr__(self, "share", as_scalar(self.share))
        if not (self.number.is_number and self.number.is_finite and 0 <= self.number <= 1):
            message = f"heteroscedastic: share = {self.share}; it is a number from 0 to 1"
            raise InputError(message)

    @property
    def number(self) -> sympy.Expr:
        """The share."""
        return as_scalar(self.share)

    @property
    def text(self) -> str:
        """How it is written on the command line."""
        half = sympy.Rational(1, 2)
        return "heteroscedastic" if self.number == half else f"heteroscedastic:share={self.number}"

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What is assumed, in words."""
        return ("zero mean", "a Gaussian datum z", "Gaussian noise of covariance C(z), even in z")

    @property
    def closes(self) -> bool:
        """A mean over the noise's covariance stays under the logarithm."""
        return False

    @property
    def arrays(self) -> tuple[str, ...]:
        """Nodes z of data and their weights, and C(z) at each."""
        return ("chances", "data", "noise")

    @property
    def of_differences(self) -> Heteroscedastic:
        """Its mean is zero."""
        return self

    def defined(self, expression: Expression) -> Expression:
        """A definition of one kind of views, as it is."""
        return of_one_kind(expression, "data whose noise depends on them")

    def expectation(self, graph: Graph, scalars: Scalars) -> Mapping[Invariants, Coefficient]:  # noqa: ARG002
        """The moment given the data, averaged over them."""
        return _expectation(graph)


@lru_cache(maxsize=10_000)
def _expectation(graph: Graph) -> dict[Invariants, int]:
    legs = Counter(_datum(v) for edge in graph for v in edge if v.kind == VIEW)
    if legs.total() > HIGHEST:
        message = f"noise that depends on the datum is averaged through order {HIGHEST}; lower --order"
        raise InputError(message)
    if any(number % 2 for number in legs.values()):
        return {}
    # Two legs see covariances alone. From four on a datum has terms of z by itself, and of C(z) with z or with C(z).
    many = [datum for datum, number in legs.items() if number > 2]
    numbers = {datum: number for number, datum in enumerate([*many, *(one for one in legs if one not in many)])}
    found: Counter[Invariants] = Counter()
    for noisy in product((False, True), repeat=len(many)):
        averaged = {number for number, one in enumerate(noisy) if one}

        def new(v: Vertex, averaged: set[int] = averaged) -> Vertex:
            if v.kind == CONSTANT:
                return v
            if v.kind != VIEW:
                return v._replace(group=v.group + 3 * _ALONE)
            number = numbers[_datum(v)]
            first = 0 if number in averaged else _ALONE if number < len(many) else 2 * _ALONE
            return v._replace(group=first + number, role=PLAIN)

        renamed = tuple(sorted((min(new(u), new(v)), max(new(u), new(v))) for u, v in graph))
        for invariants, number in contract(renamed, _covariance, _datum_itself).items():
            noise = {LETTERS[letter].slot for one in invariants for _, word, _ in one for letter in word}
            if all(SLOTS + one in noise for one in averaged):
                found[settled(invariants)] += number
    return dict(found)


def _datum(v: Vertex) -> tuple[int, int]:
    """Which datum a view shows; other data of a class are data of their own."""
    return (v.group, 1 + v.view) if v.role == CLASSMATE else (v.group, 0)


def _covariance(u: Vertex, v: Vertex) -> str:
    """Of two views given the datum; of one that is averaged over by itself A0, and Σ with its noise."""
    if u.group < _ALONE:
        return in_slot("C", SLOTS + u.group) if u.view == v.view else ""
    return "A" if u.group < 2 * _ALONE else covariance(u, v)


def _datum_itself(v: Vertex) -> Vertex | None:
    """W z, for data with noise that depends on them."""
    return Vertex(CONSTANT, END - of_class(SLOTS + v.group), 0) if v.group < _ALONE else None
