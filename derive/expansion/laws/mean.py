"""Gaussian views with a mean μ that is not zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sympy

from derive.definition.expression import as_scalar
from derive.errors import InputError
from derive.expansion.laws.gaussian import Gaussian
from derive.expansion.laws.law import OfNormals, of_one_kind
from derive.expansion.wick import contract, covariance, one_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from derive.algebra.graphs import Graph
    from derive.algebra.scalars import Coefficient, Scalars
    from derive.algebra.words import Invariants
    from derive.definition.expression import Expression


@dataclass(frozen=True)
class Uncentred(OfNormals):
    """Gaussian views with E x = μ: Σ and A0 stay the covariances of x − μ.

    Args:
        size: of the mean where data are drawn: each entry of μ has about this many standard deviations of x. It is
            exact, and in no formula.

    >>> from derive import catalogue
    >>> print(catalogue("spectral").expand(order=2, data=Uncentred()))
    −2 Tr[W A0 Wᵀ] − 2 |W μ|² + O(W⁴)

    """

    size: object = sympy.S.One
    between = staticmethod(covariance)

    def __post_init__(self) -> None:
        """Check the size."""
        object.__setattr__(self, "size", as_scalar(self.size))
        if not (self.number.is_number and self.number.is_finite and self.number.is_nonnegative):
            message = f"mean: size = {self.size}; it is a number, 0 or more"
            raise InputError(message)

    @property
    def number(self) -> sympy.Expr:
        """The size."""
        return as_scalar(self.size)

    @property
    def text(self) -> str:
        """How it is written on the command line."""
        return "mean" if self.number == 1 else f"mean:size={self.number}"

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What is assumed, in words."""
        return ("mean μ", "Gaussian")

    @property
    def closes(self) -> bool:
        """Means of exponentials close with further terms in μ, which are not derived."""
        return False

    @property
    def arrays(self) -> tuple[str, ...]:
        """μ."""
        return ("mean",)

    @property
    def of_differences(self) -> Gaussian:
        """μ cancels."""
        return Gaussian()

    def defined(self, expression: Expression) -> Expression:
        """A definition of one kind of views, as it is."""
        return of_one_kind(expression, "data with a mean")

    def expectation(self, graph: Graph, scalars: Scalars) -> Mapping[Invariants, Coefficient]:  # noqa: ARG002
        """The sum over all pairings of some of the moment's legs, the others being W μ."""
        return contract(graph, self.between, one_mean)
