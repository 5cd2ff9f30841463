"""A landscape without terms of order 4: what decides in their place.

A single mode of power g has ℓ(g) = −b g + q g^n with n ≥ 3, or no term beyond the first. The origin is a minimum where
all b_i < 0, whatever the rest, and is not where some b_i > 0. What lies elsewhere is decided by the first order that is
not empty; where there is none, the loss is quadratic as far as it was expanded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sympy

from derive.algebra.scalars import normal_form
from derive.algebra.signs import sign
from derive.algebra.words import is_trace
from derive.definition.contents import degree_of
from derive.definition.notation import TEXT
from derive.definition.plain_text import plain
from derive.landscape.collapse import Collapse
from derive.landscape.conditions import Condition, at_most_zero
from derive.landscape.correlations import of_powers
from derive.landscape.leading import far
from derive.landscape.mixed import one_row

if TYPE_CHECKING:
    from collections.abc import Callable

    from derive.expansion.expansion import Expansion
    from derive.losses.loss import Loss

HIGHEST = 8


@dataclass(frozen=True)
class Higher:
    """What decides where order 4 is empty.

    Attributes:
        expansion: through the first order beyond 2 that is not empty, or the highest that was tried.
        order: that order; None where there is none.
        ends: whether the loss has no terms beyond, being a polynomial.
        descent: b_i, by which the loss falls along mode i to leading order.
        coupling: the coefficient of |w_i|^order of one mode alone, 0 where there is no such order.

    """

    expansion: Expansion
    order: int | None
    ends: bool
    descent: sympy.Expr
    coupling: sympy.Expr

    @property
    def separate(self) -> bool:
        """Whether the terms that decide are single traces of one covariance, so that the modes are separate."""
        terms = () if self.order is None else self.expansion.terms_of_order(self.order)
        traces = all(len(term.invariants) == 1 and is_trace(term.invariants[0]) for term in terms)
        return traces and len({letter for term in terms for _, word, _ in term.invariants[0] for letter in word}) <= 1

    @property
    def collapse(self) -> Collapse:
        """When modes are zero at the minima."""
        side = sign(self.descent, ranges=self.expansion.ranges)
        held, lost = (
            Condition(at_most_zero(self.descent, self.expansion.ranges), quantifier) for quantifier in ("all", "some")
        )
        if self.order is None:
            if self.descent == 0:
                return Collapse(None, None, f"the loss is constant{self._through}: every W is a minimum")
            if side == 1:
                return Collapse(None, None, f"nothing holds W back{self._through}, and there is no minimum")
            notes = () if side is not None else (f"where some b_i > 0 there is no minimum{self._through}",)
            return Collapse(held, held, notes=notes)
        note = f"decided by order {self.order}"
        if (
            side == -1
            or (side == 0 and self.held)
            or (self.separate and sign(self.coupling, ranges=self.expansion.ranges) == 1)
        ):
            return Collapse(lost, held, notes=(note,))
        if sign(self.coupling, ranges=self.expansion.ranges) == -1:
            return Collapse(None, None, f"through order {self.order} the landscape falls to −∞")
        return Collapse(None, None, f"how the terms of order {self.order} couple the modes is not analysed")

    @property
    def held(self) -> bool:
        """Whether the terms that decide grow in every direction: then the origin is lowest where no b_i > 0."""
        if self.order is None:
            return False
        found = far(self.expansion.only(self.order))
        return found.verdict == "bounded" and found.strict

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "order": self.order,
            "through_order": None if self.ends else self.expansion.order,
            "descent": plain(self.descent),
            "coupling": plain(self.coupling),
            "minima": dict(self.lines())["minima"],
        }

    def lines(self) -> list[tuple[str, str]]:
        """Labels and sentences."""
        b = TEXT.scalar(of_powers(self.descent))
        power = "h_i = |W Σ^½ u_i|²"
        if self.order is None:
            said = f"no terms of order 4, nor of a higher one{self._through}: L = −Σ b_i h_i, {power}, b_i = {b}"
            return [("stationary", said), ("minima", self._of_order_2())]
        n = self.order // 2
        q = TEXT.scalar(of_powers(self.coupling, i=n))
        said = f"no terms of order 4; order {self.order} decides: a mode alone has L = −b_i h_i + q h_i^{n}, {power}"
        return [("stationary", f"{said}, b_i = {b}, q = {q}"), ("minima", self._of_order(n))]

    @property
    def _through(self) -> str:
        return "" if self.ends else f" through order {self.expansion.order}"

    def _of_order_2(self) -> str:
        side = sign(self.descent, ranges=self.expansion.ranges)
        if self.descent == 0:
            return f"the loss is constant{self._through}: every W"
        if side == 1:
            return f"none: the loss falls along every mode{self._through}"
        if side == -1:
            return f"W = 0: global{self._through}, no other point a minimum"
        where = "W = 0 where all b_i are <= 0, and all W along modes with b_i = 0"
        return f"{where}{self._through}; where some b_i > 0 none, the loss falling to −∞"

    def _of_order(self, n: int) -> str:
        known, through = self.expansion.ranges, f"through order {self.order}"
        side, q = sign(self.descent, ranges=known), sign(self.coupling, ranges=known)
        origin = "W = 0 where all b_i are < 0"
        if side is not None:
            origin = ("nothing is said of W = 0 by its terms of order 2", "W = 0 is none", "W = 0")[side]
        if side in (-1, 0) and self.held:
            return f"{through}, W = 0: global, no other point a minimum"
        if not self.separate or q != 1:
            elsewhere = "the landscape falls to −∞" if q == -1 else "what lies elsewhere is not determined"
            return f"{origin}; {through} {elsewhere}"
        kept = f"h_i = (b_i/({n} q))^(1/{n - 1}) where b_i > 0, and 0 elsewhere"
        return f"{through}, {kept}; with fewer rows than such modes those of the lowest L: global"


def higher(loss: Loss | None, expansion: Expansion, expand: Callable[[int], Expansion] | None = None) -> Higher | None:
    """What decides where there are no terms of order 4; None where there are some, or sums over coordinates or a bias.

    Args:
        loss: its definition, None where that is not known.
        expansion: through order 4 or more.
        expand: the expansion through an order; the loss's own unless given.

    >>> from derive import Loss, half_sq, views
    >>> x, x_pos = views("x, x_pos")
    >>> loss = Loss(half_sq(x, x_pos))
    >>> dict(higher(loss, loss.expand(order=4)).lines())["minima"]
    'W = 0: global, no other point a minimum'
    """
    if expansion.order < 4 or expansion.terms_of_order(4) or expansion.bias:
        return None
    degree = None if loss is None else degree_of(loss.expression)
    ends = degree is not None and degree <= expansion.order
    widest = expansion
    first = next((term.order for term in widest.terms if term.order > 4), None)
    if first is None and not ends and loss is not None:
        for order in range(expansion.order + 2, HIGHEST + 1, 2):
            widest = (expand or loss.expand)(order)
            first = next((term.order for term in widest.terms if term.order > 4), None)
            if first is not None:
                break
    descent = normal_form(-one_row(widest.terms_of_order(2)))
    coupling = sympy.S.Zero if first is None else one_row(widest.terms_of_order(first))
    return Higher(widest, first, ends, descent, coupling)
