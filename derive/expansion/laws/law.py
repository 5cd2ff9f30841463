"""The protocol of a law of the data: what a derivation asks of it."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Protocol

from derive.algebra.graphs import OF_ONE_KIND
from derive.definition.contents import roles
from derive.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    import sympy

    from derive.algebra.graphs import Graph
    from derive.algebra.scalars import Coefficient, Scalars
    from derive.algebra.words import Invariants
    from derive.definition.expression import Expression


class Law(Protocol):
    """The joint distribution of the views of data, except for the numbers in their covariances.

    A derivation asks it for the expectation of a moment; `numeric.laws.in_numbers` draws from it. Nothing else asks
    which law it is.
    """

    @property
    def text(self) -> str:
        """How it is written on the command line, as in ``--law student-t:nu=10``."""

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What is assumed, in words."""

    @property
    def closes(self) -> bool:
        """Whether means of exponentials of quadratic forms are determinants, so that losses close to all orders."""

    @property
    def highest(self) -> float:
        """The highest power of the data with a finite mean; infinity where all have one."""

    @property
    def arrays(self) -> tuple[str, ...]:
        """What its kernels take besides covariances: () for centred data, ("mean",), ("weights", "means")."""

    @property
    def of_differences(self) -> Law:
        """The law under which a loss that sees differences f(x) − f(y) alone is the same: without a common mean."""

    def parameters(self, order: int) -> tuple[str, ...]:
        """The names of the symbols that it brings into an expansion through an order."""

    def defined(self, expression: Expression) -> Expression:
        """A definition as the law takes it: with some views of a second kind, where there are two kinds."""

    def given(self, values: Mapping[str, sympy.Expr]) -> tuple[Self, dict[str, sympy.Expr]]:
        """The law with values put for symbols of its own, and the values that remain."""

    def expectation(self, graph: Graph, scalars: Scalars) -> Mapping[Invariants, Coefficient]:
        """E ∏⟨f(v), f(w)⟩ over the edges of a connected graph, in words of the law's matrices, A0 and Σ."""


class OfNormals:
    """What laws of normal numbers have in common: all powers have a mean, and there are no symbols of their own."""

    highest = inf

    def parameters(self, order: int) -> tuple[str, ...]:  # noqa: ARG002 (the interface of a law)
        """It brings in no symbols."""
        return ()

    def given(self, values: Mapping[str, sympy.Expr]) -> tuple[Self, dict[str, sympy.Expr]]:
        """It has no symbols of its own."""
        return self, dict(values)


def of_one_kind(expression: Expression, data: str) -> Expression:
    """A definition whose views are all of one kind.

    Raises:
        InputError: it has views of two, which some data are not derived with.

    """
    if roles(expression) - OF_ONE_KIND:
        message = f"{data} are derived with one kind of view; leave --law out, or the second kind of view"
        raise InputError(message)
    return expression
