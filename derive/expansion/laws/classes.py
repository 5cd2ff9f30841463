"""Data of classes: a mixture of Gaussians, each class with its weight, its mean and its covariances."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import sympy

from derive.algebra.alphabet import END, SLOTS, in_slot, of_class
from derive.algebra.graphs import CONSTANT, VIEW, WHITE, Vertex
from derive.algebra.slots import settled
from derive.definition.expression import as_scalar
from derive.errors import InputError
from derive.expansion.laws.gaussian import Gaussian
from derive.expansion.laws.law import OfNormals, of_one_kind
from derive.expansion.laws.mean import Uncentred
from derive.expansion.wick import contract, covariance, one_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from derive.algebra.graphs import Graph
    from derive.algebra.scalars import Coefficient, Scalars
    from derive.algebra.words import Invariants
    from derive.definition.expression import Expression
    from derive.expansion.laws.law import Law

Covariances = Literal["own", "shared"]
Means = Literal["own", "zero"]


def _own_covariance(u: Vertex, v: Vertex) -> str:
    """The letter of the covariance of two views of a datum, given its class: a slot for each datum."""
    letter = covariance(u, v)
    return letter if u.kind == WHITE or not letter else in_slot(letter, u.group)


def _own_mean(v: Vertex) -> Vertex | None:
    """W μ_y for a view, y the class of its datum."""
    return None if v.kind == WHITE else Vertex(CONSTANT, END - of_class(v.group), 0)


@dataclass(frozen=True)
class Classes(OfNormals):
    """Data of classes: given its class y, of probability π_y, a datum's views are Gaussian.

    They have the mean μ_y and the covariances Σ_y and A0_y. Words without a class have the averages
    Σ = Σ_y π_y Σ_y, A0 = Σ_y π_y A0_y, M₂ = Σ_y π_y μ_y μ_yᵀ and μ = Σ_y π_y μ_y.

    Args:
        count: how many classes; 1 leaves the law of data with a mean. Formulas are for any number, and hold for one.
        weights: of the classes, in any unit and exact; all equal unless given.
        covariances: "own" where each class has its own, "shared" where all have the same.
        means: "own" where each class has its own, "zero" where all are zero.
        size: of the means where data are drawn, in standard deviations of x given its class.

    >>> from derive import catalogue
    >>> print(catalogue("infonce").expand(order=2, data=Classes()))
    −Tr[W A0 Wᵀ] − Tr[W M₂ Wᵀ] + |W μ|² + O(W⁴)

    """

    count: int = 2
    weights: Sequence[object] = ()
    covariances: Covariances = "own"
    means: Means = "own"
    size: object = sympy.S.One

    def __post_init__(self) -> None:
        """Check what was given."""
        weights = tuple(map(as_scalar, self.weights))
        if not (as_scalar(self.count).is_Integer and 1 <= int(as_scalar(self.count)) <= MOST):
            message = f"classes: count = {self.count}; it is a whole number from 1 to {MOST}"
            raise InputError(message)
        object.__setattr__(self, "count", int(as_scalar(self.count)))
        if weights and len(weights) != self.count:
            message = f"classes: {len(weights)} weights are given for {self.count} classes"
            raise InputError(message)
        if not all(one.is_number and one.is_finite and one.is_positive for one in weights):
            message = f"classes: weights = {':'.join(map(str, weights))}; each is a positive number"
            raise InputError(message)
        equal = len(set(weights)) < 2
        object.__setattr__(self, "weights", () if equal else weights)
        for name, known in (("covariances", ("own", "shared")), ("means", ("own", "zero"))):
            if getattr(self, name) not in known:
                message = f"classes: {name} = {getattr(self, name)}; they are {known[0]} or {known[1]}"
                raise InputError(message)
        object.__setattr__(self, "size", Uncentred(self.size).number)

    @property
    def chances(self) -> tuple[sympy.Expr, ...]:
        """π_y of each class."""
        weights = tuple(map(as_scalar, self.weights)) or (sympy.S.One,) * self.count
        return tuple(one / sympy.Add(*weights) for one in weights)

    @property
    def number(self) -> sympy.Expr:
        """The size of the means."""
        return as_scalar(self.size)

    @property
    def text(self) -> str:
        """How it is written on the command line."""
        parts = [f"count={self.count}"] if self.count != 2 and not self.weights else []
        parts += [f"weights={':'.join(map(str, self.weights))}"] if self.weights else []
        parts += ["covariances=shared"] if self.covariances == "shared" else []
        parts += ["means=zero"] if self.means == "zero" else []
        parts += [f"size={self.number}"] if self.number != 1 else []
        return f"classes:{','.join(parts)}" if parts else "classes"

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What is assumed, in words."""
        many = f"{self.count} classes" if self.count > 1 else "one class"
        chances = f"of weights {':'.join(map(str, self.weights))}" if self.weights else "of equal weight"
        own = {"own": "own", "shared": "the same"}[self.covariances]
        means = {"own": "a mean μ_y", "zero": "mean zero"}[self.means]
        return (f"{many} y {chances}", f"each Gaussian with {means} and {own} covariances")

    @property
    def closes(self) -> bool:
        """A sum over classes stays under the logarithm."""
        return False

    @property
    def arrays(self) -> tuple[str, ...]:
        """The classes' weights and means."""
        return ("weights", "means")

    @property
    def of_differences(self) -> Law:
        """One class has a common mean; the means of several do not cancel between data."""
        return Gaussian() if self.count == 1 else self

    def defined(self, expression: Expression) -> Expression:
        """A definition of one kind of views, as it is."""
        return of_one_kind(expression, "data with classes")

    def expectation(self, graph: Graph, scalars: Scalars) -> Mapping[Invariants, Coefficient]:  # noqa: ARG002
        """The moment given the classes, summed over the class of each datum."""
        return _expectation(graph, self.covariances, self.means, several=self.count > 1)


# The most classes that are told apart.
MOST = 1000


@lru_cache(maxsize=10_000)
def _expectation(graph: Graph, covariances: Covariances, means: Means, *, several: bool) -> dict[Invariants, int]:
    if not several:
        return contract(graph, covariance, None if means == "zero" else one_mean)
    numbers: dict[int, int] = {}
    for edge in graph:
        for v in edge:
            if v.kind == VIEW:
                numbers.setdefault(v.group, len(numbers))
    if len(numbers) > SLOTS:
        message = f"a moment of {len(numbers)} data at once is not summed over classes, of {SLOTS} it is; lower --order"
        raise InputError(message)
    slotted = _with_slots(graph, numbers)
    between = _own_covariance if covariances == "own" else covariance
    result: dict[Invariants, int] = {}
    for invariants, number in contract(slotted, between, None if means == "zero" else _own_mean).items():
        key = settled(invariants)
        result[key] = result.get(key, 0) + number
    return result


def _with_slots(graph: Graph, numbers: Mapping[int, int]) -> Graph:
    """The data numbered from 0, whatever else there is after them."""

    def new(v: Vertex) -> Vertex:
        if v.kind == CONSTANT:
            return v
        return v._replace(group=numbers[v.group] if v.kind == VIEW else v.group + SLOTS)

    return tuple(sorted((min(new(u), new(v)), max(new(u), new(v))) for u, v in graph))
