"""One loss by both engines: every order of both, in fractions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import sympy

from derive.errors import OddOrderError
from derive.expansion.expansion import Expansion
from verify.assurance.oracle import words
from verify.assurance.oracle.evaluating import expanded
from verify.assurance.oracle.random_losses import Case


@dataclass(frozen=True)
class Compared:
    """The results of both engines for a case.

    Attributes:
        derived: the coefficients of t⁰, t¹, … of `derive`; None where it refuses the loss.
        oracle: those of the oracle.
        refused: why `derive` refuses it.

    """

    derived: tuple[Fraction, ...] | None
    oracle: tuple[Fraction, ...]
    refused: str = ""

    @property
    def agree(self) -> bool:
        """Whether all orders are equal; of a loss that is refused for its odd orders, whether it has some."""
        if self.derived is None:
            return any(self.oracle[1::2])
        return self.derived == self.oracle

    def text(self) -> str:
        """The orders at which they differ."""
        if self.derived is None:
            return f"derive refuses it: {self.refused}; the oracle has {', '.join(map(str, self.oracle))}"
        pairs = enumerate(zip(self.derived, self.oracle, strict=True))
        return "; ".join(f"order {n}: derive {one}, oracle {other}" for n, (one, other) in pairs if one != other)


def compare(case: Case, change: Callable[[Expansion], Expansion] = lambda one: one) -> Compared:
    """Expand a case by both engines.

    Args:
        case: a loss, an order, data, values.
        change: what is done to the derived expansion before it is evaluated, such as an error to be found.

    >>> from random import Random
    >>> from verify.assurance.oracle.random_losses import random_case
    >>> compare(random_case(Random(0))).agree
    True

    """
    put = {name: _exact(value) for name, value in case.values.items()}
    oracle = tuple(expanded(case.loss.expression, case.law, case.values, case.order))
    loss = case.loss.set(put) if case.flow == "before" else case.loss
    try:
        sampling = "iid" if case.law.points is None else "fixed"
        expansion = loss.expand(
            case.order, basis=case.basis, data=case.law.derived(case.flow == "before"), sampling=sampling
        )
        expansion = change(expansion.set(put) if case.flow == "after" else expansion)
    except OddOrderError as error:
        return Compared(None, oracle, str(error))
    left = {} if case.flow == "before" else dict(case.values)
    left |= {f"s{k}": value for k, value in (case.law.scale or {}).items()}
    return Compared(tuple(words.values(expansion, case.law, left)), oracle)


def _exact(value: Fraction) -> sympy.Rational:
    return sympy.Rational(value.numerator, value.denominator)
