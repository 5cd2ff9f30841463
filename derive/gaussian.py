"""From moments to trace words, for data whose law is known: Gaussian, or a scale mixture of Gaussians."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Literal

import sympy
from sympy import QQ

from derive.effort import spend
from derive.errors import InputError, OddOrderError
from derive.expression import as_scalar
from derive.graphs import VIEW, Graph
from derive.letters import Letter
from derive.scalars import size
from derive.wick import constant_legs, contract
from derive.words import ends, letters, paired

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

    def parameters(self, order: int) -> tuple[str, ...]:  # noqa: ARG002 (the interface of a data model)
        """The symbols that the law brings in."""
        return ()

    def weight(self, graph: Graph) -> sympy.Expr:  # noqa: ARG002
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
        known = {k: as_scalar(value) for k, value in self.moments.items()}
        if known.get(2, 1) != 1:
            message = "Elliptical: E[s²] = 1 fixes the unit of s; divide E[s^k] by E[s²]^(k/2)"
            raise InputError(message)
        if self.per == "view" and known.get(1) == 0:
            message = "Elliptical: E[s] = 0 leaves two views of a datum uncorrelated; there is no A0 then"
            raise InputError(message)
        if known.get(4, sympy.S.One).is_number and known.get(4, 1) < 1:
            message = f"Elliptical: E[s⁴] = {known[4]} is below E[s²]² = 1, which no random scale has"
            raise InputError(message)
        numbers = {0: sympy.S.One, 2: sympy.S.One} | {k: value for k, value in known.items() if value.is_number}
        # Hölder's inequality: E[s^j]^(k−i) ≤ E[s^i]^(k−j) E[s^k]^(j−i) for even i < k and any j between.
        for i, j, k in combinations(sorted(numbers), 3):
            if i % 2 == 0 and k % 2 == 0 and abs(numbers[j]) ** (k - i) > numbers[i] ** (k - j) * numbers[k] ** (j - i):
                message = (
                    f"Elliptical: E[s^{i}], E[s^{j}] and E[s^{k}] cannot be {numbers[i]}, {numbers[j]} and {numbers[k]}"
                )
                raise InputError(f"{message} together")

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What is assumed, in words."""
        return ("zero mean", f"elliptical, one scale s per {self.per}", "E[s^2] = 1")

    def parameters(self, order: int) -> tuple[str, ...]:
        """The names of the scale's moments that are left symbolic."""
        return tuple(f"s{k}" for k in range(1, order + 1) if k != 2 and k not in self.moments)

    def moment(self, power: int) -> sympy.Expr:
        """E[s^power]."""
        if power == 2:
            return sympy.S.One
        return as_scalar(self.moments.get(power, Letter(f"s{power}")))

    def weight(self, graph: Graph) -> sympy.Expr:
        """The product of E[s^k] over the data or views of a graph, k the legs that share a scale."""
        own = (lambda v: v.group) if self.per == "datum" else (lambda v: (v.group, v.view))
        shared = Counter(own(v) for edge in graph for v in edge if v.kind == VIEW)
        return sympy.Mul(*(self.moment(power) for power in shared.values()))

    def letter_weight(self) -> sympy.Expr:
        """A0 = E[s]² Cov(g, g′) where each view has its own scale, so g's covariance is A0/E[s]²."""
        return sympy.S.One if self.per == "datum" else self.moment(1) ** -2


Data = Gaussian | Elliptical


def trace_polynomial(series: MomentSeries, data: Data, *, bias: bool = False) -> dict[Invariants, Coefficient]:
    """The moment series over the given data, in words of A0 and Σ; coefficients in the series' scalars.

    Args:
        series: moments of f.
        data: the law of the views.
        bias: f(x) = W x + b rather than W x, which brings words of b bᵀ.

    Raises:
        OddOrderError: with a bias, a term of odd order in (W, b).

    """
    total: dict[Invariants, Coefficient] = {}
    for moment, value in series.raw.items():
        factors = [
            _with_constants(graph, data, series.scalars) if bias else _expectation(graph, data, series.scalars)
            for graph in moment
        ]
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
    return _in_pairs(total, series.scalars) if bias else total


def _with_constants(graph: Graph, data: Data, scalars: Scalars) -> Mapping[Invariants, Coefficient]:
    """A moment of f(v) = W v + b. Only W v has a random scale, in elliptical data."""
    total: dict[Invariants, Coefficient] = {}
    for chosen, number in constant_legs(graph).items():
        for invariants, weight in _expectation(chosen, data, scalars).items():
            total[invariants] = total.get(invariants, 0) + weight * QQ(number)
    return total


def _in_pairs(total: Mapping[Invariants, Coefficient], scalars: Scalars) -> dict[Invariants, Coefficient]:
    """Words that end in b joined by b bᵀ, across a whole product; an odd number of them cannot be."""
    result: dict[Invariants, Coefficient] = {}
    for invariants, value in total.items():
        loose = ends(invariants)
        if loose % 2 == 0:
            key = paired(invariants)
            result[key] = result.get(key, 0) + value
        elif scalars.to_sympy(value) != 0:
            message = (
                f"a bias leaves a term of odd order {2 * sum(map(letters, invariants)) + loose} in (W, b), a coordinate"
                " of f standing an odd number of times; expansions have even orders only, so leave the bias out"
            )
            raise OddOrderError(message)
    return result


def _times(
    left: dict[Invariants, Coefficient], right: Mapping[Invariants, Coefficient]
) -> dict[Invariants, Coefficient]:
    result: dict[Invariants, Coefficient] = {}
    spend(size(left.values()) * len(right))
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
