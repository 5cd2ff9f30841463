"""Zero-mean Gaussian views, the default law."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from derive.expansion.laws.law import OfNormals
from derive.expansion.wick import contract, covariance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from derive.algebra.graphs import Graph
    from derive.algebra.scalars import Coefficient, Scalars
    from derive.algebra.words import Invariants
    from derive.definition.expression import Expression

# The sum and the difference of two views of a datum, over √2, are independent. The substitution is for words in which S
# is the covariance of the sum and C that of the difference.
COMBINATIONS = {"S": {"S": 1, "A": 1}, "C": {"S": 1, "A": -1}}


def normal_moment(power: int) -> int:
    """E[g^power] of a standard normal number, for an even power: (power − 1)!!.

    >>> [normal_moment(power) for power in (0, 2, 4, 6)]
    [1, 1, 3, 15]
    """
    return prod(range(power - 1, 0, -2))


@dataclass(frozen=True)
class Gaussian(OfNormals):
    """Zero-mean Gaussian views: Cov(x, x) = Σ, Cov(x, x′) = A0 for two views of a datum, 0 between data."""

    between = staticmethod(covariance)

    @property
    def text(self) -> str:
        """How it is written on the command line."""
        return "gaussian"

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What is assumed, in words."""
        return ("zero mean", "Gaussian")

    @property
    def closes(self) -> bool:
        """E exp of a quadratic form is a determinant to the power −½."""
        return True

    @property
    def arrays(self) -> tuple[str, ...]:
        """It needs no more than covariances."""
        return ()

    @property
    def of_differences(self) -> Gaussian:
        """Its mean is zero."""
        return self

    def defined(self, expression: Expression) -> Expression:
        """It takes a definition as it is."""
        return expression

    def expectation(self, graph: Graph, scalars: Scalars) -> Mapping[Invariants, Coefficient]:  # noqa: ARG002
        """The sum over all pairings of the moment's legs (Isserlis' theorem)."""
        return contract(graph, self.between)
