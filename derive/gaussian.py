"""From moments to trace words, for data whose law is known: Gaussian, or a scale mixture of Gaussians."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import sympy
from sympy import QQ

from derive.errors import InputError
from derive.expression import as_scalar
from derive.graphs import VIEW, Graph
from derive.wick import contract

if TYPE_CHECKING:
    from collections.abc import Mapping

    from derive.moments import MomentSeries
    from derive.scalars import Coefficient, Scalars
    from derive.words import Invariants


@dataclass(frozen=True, slots=True)
class Gaussian:
    """Zero-mean Gaussian views: Cov(x, x) = Σ, Cov(x, x′) = A0 for two views of a datum, 0 between data."""

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What is assumed, in words."""
        return ("zero mean", "Gaussian")

    def weight(self, graph: Graph) -> sympy.Expr:  # noqa: ARG002 (the interface of a data model)
        """The factor of a connected moment beside its Gaussian value."""
        return sympy.S.One

    def letter_weight(self) -> sympy.Expr:
        """The factor of each letter A0."""
        return sympy.S.One


@dataclass(frozen=True)
class Elliptical:
    """Zero-mean elliptical views, x = s·g with g Gaussian and s an independent random scale.

    Σ = E[x xᵀ] and A0 = E[x x′ᵀ] stay the covariances of the data themselves, so s is measured in units in which
    E[s²] = 1.

    Args:
        moments: k → E[s^k] in these units, exact; those that are not given are symbols s1, s4, s6, ….
        per: "datum" when the views of a datum share one scale (an elliptical population), "view" when each view
            draws its own (a random rescaling as augmentation, ICLR 2023, App. F.1).

    """

    moments: Mapping[int, object] = field(default_factory=dict)
    per: Literal["datum", "view"] = "datum"

    def __post_init__(self) -> None:
        """Check what was given."""
        if self.per not in ("datum", "view"):
            message = f"Elliptical(per={self.per!r}): a scale is drawn per 'datum' or per 'view'"
            raise InputError(message)
        if sympy.sympify(self.moments.get(2, 1)) != 1:
            message = "Elliptical: E[s²] = 1 fixes the unit of s; divide E[s^k] by E[s²]^(k/2)"
            raise InputError(message)
        four = as_scalar(self.moments.get(4, 1))
        if four.is_number and four < 1:
            message = f"Elliptical: E[s⁴] = {four} is below E[s²]² = 1, which no random scale has"
            raise InputError(message)

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What is assumed, in words."""
        return ("zero mean", f"elliptical, one scale s per {self.per}", "E[s^2] = 1")

    def moment(self, power: int) -> sympy.Expr:
        """E[s^power]."""
        if power == 2:
            return sympy.S.One
        return as_scalar(self.moments.get(power, sympy.Symbol(f"s{power}")))

    def weight(self, graph: Graph) -> sympy.Expr:
        """The product of E[s^k] over the data or views of a graph, k the legs that share a scale."""
        own = (lambda v: v.group) if self.per == "datum" else (lambda v: (v.group, v.view))
        shared = Counter(own(v) for edge in graph for v in edge if v.kind == VIEW)
        return sympy.Mul(*(self.moment(power) for power in shared.values()))

    def letter_weight(self) -> sympy.Expr:
        """A0 = E[s]² Cov(g, g′) where each view has its own scale, so g's covariance is A0/E[s]²."""
        return sympy.S.One if self.per == "datum" else self.moment(1) ** -2


Data = Gaussian | Elliptical


def trace_polynomial(series: MomentSeries, data: Data) -> dict[Invariants, Coefficient]:
    """The moment series over the given data, in words of A0 and Σ; coefficients in the series' scalars."""
    total: dict[Invariants, Coefficient] = {}
    for moment, value in series.raw.items():
        factors = [_expectation(graph, data, series.scalars) for graph in moment]
        if not all(factors):
            continue
        product: dict[Invariants, Coefficient] = {(): value}
        for factor in factors:
            product = _times(product, factor)
        for invariants, weight in product.items():
            summed = total.get(invariants, 0) + weight
            if summed:
                total[invariants] = summed
            else:
                total.pop(invariants, None)
    return total


def _times(
    left: dict[Invariants, Coefficient], right: Mapping[Invariants, Coefficient]
) -> dict[Invariants, Coefficient]:
    result: dict[Invariants, Coefficient] = {}
    for some, weight in left.items():
        for more, number in right.items():
            key = tuple(sorted(some + more))
            result[key] = result.get(key, 0) + weight * number
    return result


def _expectation(graph: Graph, data: Data, scalars: Scalars) -> Mapping[Invariants, Coefficient]:
    contracted = contract(graph)
    if isinstance(data, Gaussian):
        return contracted
    weight = scalars.from_sympy(data.weight(graph))
    of_letter = scalars.from_sympy(data.letter_weight())
    result: dict[Invariants, Coefficient] = {}
    for invariants, number in contracted.items():
        value = weight * QQ(number)
        for _ in range(sum(word.count("A") for links in invariants for _, word, _ in links)):
            value = value * of_letter
        result[invariants] = value
    return result
