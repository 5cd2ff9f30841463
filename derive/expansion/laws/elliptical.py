"""Elliptical views, scale mixtures x = s·g of Gaussian ones: any moments of s, or a scale with a name."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import combinations
from math import inf
from typing import TYPE_CHECKING, Literal

import sympy
from sympy import QQ

from derive.algebra.graphs import CLASSMATE, VIEW
from derive.algebra.letters import Letter
from derive.definition.expression import as_scalar
from derive.errors import InputError
from derive.expansion.wick import OF_TWO_VIEWS, contract, covariance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from derive.algebra.graphs import Graph, Vertex
    from derive.algebra.scalars import Coefficient, Scalars
    from derive.algebra.words import Invariants
    from derive.definition.expression import Expression
    from derive.expansion.laws.scales import Scale


@dataclass(frozen=True)
class Elliptical:
    """Zero-mean elliptical views, x = s·g with g Gaussian and s an independent random scale.

    Σ = E[x xᵀ] and A0 = E[x x′ᵀ] stay the covariances of the data themselves, so s is measured in units in which
    E[s²] = 1.

    Args:
        moments: k → E[s^k] in these units, exact; those that are not given are symbols s1, s4, s6, ….
        per: "datum" when the views of a datum share one scale (an elliptical population), "view" when each view
            draws its own (a random rescaling as augmentation, ICLR 2023, App. F.1).
        scale: a law of s, in place of moments: `StudentT`, `Laplace` or `Contaminated`. Only data whose scale has a
            law can be drawn, and so audited.

    >>> from derive import StudentT, catalogue
    >>> print(catalogue("infonce").expand(order=4, data=Elliptical(scale=StudentT(10))))
    −Tr[W A0 Wᵀ] + ⅚ Tr[(W Σ Wᵀ)²] + 1/24 Tr[W Σ Wᵀ]² + O(W⁶)

    """

    moments: Mapping[int, object] = field(default_factory=dict)
    per: Literal["datum", "view"] = "datum"
    scale: Scale | None = None
    between = staticmethod(covariance)

    def __post_init__(self) -> None:
        """Check what was given."""
        if self.per not in ("datum", "view"):
            message = f"Elliptical(per={self.per!r}): a scale is drawn per 'datum' or per 'view'"
            raise InputError(message)
        if self.scale is not None and self.moments:
            message = "Elliptical: the moments of s follow from its law; give the one or the other"
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
    def text(self) -> str:
        """How it is written on the command line."""
        name, given = "elliptical", {f"s{k}": value for k, value in self.moments.items()}
        if self.scale is not None:
            name, given = self.scale.name, dict(self.scale.arguments)
        per = ["per=view"] if self.per == "view" else []
        parts = ",".join([*(f"{key}={value}" for key, value in given.items()), *per])
        return f"{name}:{parts}" if parts else name

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What is assumed, in words."""
        named = () if self.scale is None else (self.scale.words,)
        return ("zero mean", *named, f"elliptical, one scale s per {self.per}", "E[s^2] = 1")

    @property
    def closes(self) -> bool:
        """A random scale stays under the logarithm."""
        return False

    @property
    def highest(self) -> float:
        """The scale's."""
        return inf if self.scale is None else self.scale.highest

    @property
    def arrays(self) -> tuple[str, ...]:
        """It needs no more than covariances."""
        return ()

    @property
    def of_differences(self) -> Elliptical:
        """Its mean is zero."""
        return self

    def parameters(self, order: int) -> tuple[str, ...]:
        """The names of the scale's moments that are left symbolic."""
        if self.scale is not None:
            return ()
        return tuple(f"s{k}" for k in range(1, order + 1) if k != 2 and k not in self.moments)

    def defined(self, expression: Expression) -> Expression:
        """It takes a definition as it is."""
        return expression

    def given(self, values: Mapping[str, sympy.Expr]) -> tuple[Elliptical, dict[str, sympy.Expr]]:
        """The law with numbers for moments of the scale, s4=3, and the other values."""
        if self.scale is not None:
            return self, dict(values)
        own = {name: value for name, value in values.items() if re.fullmatch("s[0-9]{1,3}", name)}
        moments = dict(self.moments) | {int(name[1:]): value for name, value in own.items()}
        return replace(self, moments=moments), {name: value for name, value in values.items() if name not in own}

    def moment(self, power: int) -> sympy.Expr:
        """E[s^power]."""
        if power == 2:
            return sympy.S.One
        if self.scale is not None:
            return self.scale.moment(power)
        return as_scalar(self.moments.get(power, Letter(f"s{power}")))

    def weight(self, graph: Graph) -> sympy.Expr:
        """The product of E[s^k] over the data or views of a graph, k the legs that share a scale."""
        shared = Counter(self._sharing(v) for edge in graph for v in edge if v.kind == VIEW)
        return sympy.Mul(*(self.moment(power) for power in shared.values()))

    def _sharing(self, v: Vertex) -> tuple[int, int | None]:
        """What shares a scale: a datum, each classmate being one of its own, or a view."""
        return v.group, v.view if self.per == "view" or v.role == CLASSMATE else None

    def letter_weight(self) -> sympy.Expr:
        """A0 = E[s]² Cov(g, g′) where each view has its own scale, so g's covariance is A0/E[s]²."""
        return sympy.S.One if self.per == "datum" else self.moment(1) ** -2

    def expectation(self, graph: Graph, scalars: Scalars) -> Mapping[Invariants, Coefficient]:
        """The Gaussian moment times those of the scales."""
        contracted = contract(graph, self.between)
        if not contracted:
            return contracted
        weight = scalars.from_sympy(self.weight(graph))
        # Each covariance between two views has two scales of its own, where the weight has the square of one.
        of_letter = scalars.from_sympy(self.letter_weight())
        result: dict[Invariants, Coefficient] = {}
        for invariants, number in contracted.items():
            value = weight * QQ(number)
            for _ in range(sum(one in OF_TWO_VIEWS for links in invariants for _, word, _ in links for one in word)):
                value = value * of_letter
            result[invariants] = value
        return result
