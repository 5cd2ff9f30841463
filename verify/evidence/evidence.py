"""Evidence and the verdict that it supports."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

RouteName = Literal["symbolic", "exact", "autodiff", "remainder", "monte-carlo", "trained"]
Part = Literal["whole", "order", "term"]
Verdict = Literal["holds", "conditional", "refuted", "undecided", "not-run"]

# Routes that compare the derivation with numbers from the definition, and share no code with it.
INDEPENDENT: tuple[RouteName, ...] = ("exact", "autodiff", "remainder", "monte-carlo", "trained")
# For a printed formula the derivation itself is one more.
OF_A_PRINT: tuple[RouteName, ...] = ("symbolic", *INDEPENDENT)
# How many routes a verdict needs, unless one is exact.
NEEDED = 2
# A distance of this many tolerances is not due to rounding.
FAR = 1e3
NAN = "nan agrees with nothing and contradicts nothing"


@dataclass(frozen=True)
class Evidence:
    """One comparison of what was predicted with what was measured.

    Attributes:
        route: how it was measured.
        quantity: what was compared.
        predicted: by the derivation.
        measured: without it.
        error: the standard error where there is one, else the tolerance.
        error_kind: which of the two ``error`` is.
        agrees: True or False; None where the evidence does not decide, or was not run.
        seed: of the random numbers, None where there are none.
        note: what a reader needs to judge it: settings, rivals excluded, the reason it was not run.
        ran: False for a comparison that was not made.
        exact: whether noise, asymptotics and rounding are out of the question: exact arithmetic, or values that differ
            by orders of magnitude more than rounding explains, see `far`. One such contradiction refutes.
        part: what it is evidence of: the whole claim, one order as a whole, or a single term.
        short: the quantity in few words, for narrow places; empty where it is short already.

    A comparison with nan decides nothing:

    >>> Evidence("exact", "c", 1.0, float("nan"), agrees=False).agrees is None
    True

    """

    route: RouteName
    quantity: str
    predicted: float | str | None = None
    measured: float | str | None = None
    error: float | None = None
    error_kind: Literal["standard error", "tolerance"] | None = None
    agrees: bool | None = None
    seed: int | None = None
    note: str = ""
    ran: bool = True
    exact: bool = field(default=False, kw_only=True)
    part: Part = field(default="whole", kw_only=True)
    short: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        """Leave the decision open where a value is not a number."""
        if self.agrees is None:
            return
        if any(isinstance(one, float) and math.isnan(one) for one in (self.predicted, self.measured, self.error)):
            object.__setattr__(self, "agrees", None)
            object.__setattr__(self, "note", f"{NAN}; {self.note}" if self.note else NAN)
        else:
            # NumPy's truth values are not Python's True and False, for which `is` asks.
            object.__setattr__(self, "agrees", bool(self.agrees))

    @property
    def z(self) -> float | None:
        """The distance from the prediction in standard errors."""
        numbers = isinstance(self.predicted, float) and isinstance(self.measured, float)
        if self.error_kind != "standard error" or not self.error or not numbers:
            return None
        return (float(self.measured or 0.0) - float(self.predicted or 0.0)) / self.error

    @property
    def mark(self) -> str:
        """✓ or ✗, or in words why neither."""
        if not self.ran:
            return "not run"
        return {True: "✓", False: "✗", None: "undecided"}[self.agrees]

    def to_json(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "route": self.route,
            "quantity": self.quantity,
            "predicted": self.predicted,
            "measured": self.measured,
            "standard_error": self.error if self.error_kind == "standard error" else None,
            "tolerance": self.error if self.error_kind == "tolerance" else None,
            "seed": self.seed,
            "agrees": self.agrees if self.ran else "not-run",
            "note": self.note,
        }


def far(distance: float, tolerance: float) -> bool:
    """Whether two values differ by so many tolerances that rounding is out of the question.

    >>> far(1e-3, 1e-9), far(3e-9, 1e-9), far(float("nan"), 1e-9)
    (True, False, False)
    """
    return distance > FAR * tolerance


def sides(
    evidence: Iterable[Evidence], routes: Sequence[RouteName] = INDEPENDENT
) -> tuple[tuple[RouteName, ...], tuple[RouteName, ...]]:
    """The routes that support a statement and those that contradict it, in their order in the evidence.

    A route with both agreeing and contradicting comparisons counts as contradicting.

    Args:
        evidence: the comparisons.
        routes: those that may support it, as they share no code with what is judged. Any route may contradict.

    >>> sides([Evidence("exact", "c", agrees=True), Evidence("remainder", "slope", agrees=False)])
    (('exact',), ('remainder',))
    """
    ran = [one for one in evidence if one.ran]
    against = tuple(dict.fromkeys(one.route for one in ran if one.agrees is False))
    agreed = dict.fromkeys(one.route for one in ran if one.agrees and one.route in routes)
    return tuple(one for one in agreed if one not in against), against


def verdict(evidence: Iterable[Evidence], routes: Sequence[RouteName] = INDEPENDENT) -> Verdict:
    """The verdict that the evidence supports: one rule for audits, printed formulas and published claims.

    ``refuted`` when two independent routes contradict it, or one comparison that is exact; ``holds`` when two
    independent routes support it and none contradicts; ``not-run`` when no independent route was run; ``undecided``
    otherwise, as when one route contradicts the rest.

    Args:
        evidence: the comparisons.
        routes: those that share no code with what is judged.

    >>> agree = [Evidence("autodiff", "c", agrees=True), Evidence("remainder", "slope", agrees=True)]
    >>> verdict(agree), verdict(agree[:1]), verdict([])
    ('holds', 'undecided', 'not-run')
    >>> verdict([*agree, Evidence("monte-carlo", "c", agrees=False)])
    'undecided'
    >>> verdict([*agree, Evidence("exact", "c", agrees=False, exact=True)])
    'refuted'
    """
    ran = [one for one in evidence if one.ran]
    agreed, against = sides(ran, routes)
    proved = any(one.agrees is False and one.exact for one in ran)
    if proved or sum(route in routes for route in against) >= NEEDED:
        return "refuted"
    if not against and len(agreed) >= NEEDED:
        return "holds"
    return "undecided" if against or any(one.route in routes for one in ran) else "not-run"


def every(parts: Iterable[Verdict]) -> Verdict:
    """The verdict on a statement of several parts, each judged by `verdict`: it is wrong if one of them is.

    >>> every(["holds", "holds"]), every(["holds", "refuted"]), every(["holds", "undecided"]), every([])
    ('holds', 'refuted', 'undecided', 'undecided')
    """
    found = set(parts)
    return "refuted" if "refuted" in found else "holds" if found == {"holds"} else "undecided"


def under_each(readings: Iterable[Verdict]) -> Verdict:
    """The verdict on a statement with several readings: conditional where it is right under only some of them.

    >>> under_each(["holds", "refuted"]), under_each(["refuted"]), under_each(["holds", "undecided"]), under_each([])
    ('conditional', 'refuted', 'undecided', 'not-run')
    """
    found = set(readings)
    if not found:
        return "not-run"
    if "undecided" in found:
        return "undecided"
    return found.pop() if len(found) == 1 else "conditional"
