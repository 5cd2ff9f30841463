"""Slips in a printed formula, and what the measurements of a claim make of them.

The right statement of a claim is its repair: what is derived of each slot, under each reading, and the print where
nothing derives it. One slot is changed at a time: a sign, a factor, a power, a letter, a summand, the sense of a
condition, yes for no; and the print itself is put back where it was wrong. The measurements were made once, without a
look at either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy

from derive import InputError
from verify.assurance.mutants.killing import SYMBOLIC, Outcome, Verdicts, outcome
from verify.evidence.evidence import Evidence
from verify.papers.claims.canonical import same
from verify.papers.claims.claim import Claim, Measured, Reading
from verify.papers.claims.slips import MATRICES, N, Slip, slips
from verify.papers.claims.values import evaluate

# The number of kept modes.
d_M = sympy.Symbol("d_M")
# What a formula without a finite value raises.
UNDEFINED = (ZeroDivisionError, FloatingPointError, np.linalg.LinAlgError)
# Digits to which numbers must agree before formulas are compared exactly.
DIGITS = 9


def of_claim(claim: Claim) -> Verdicts:
    """The mutants of a claim's statement, over its slots and readings; equal formulas of one slot count once."""
    found: dict[str, tuple[str, Mapping[str, Outcome]]] = {}
    equivalent: list[str] = []
    original: dict[str, Outcome] = {}
    for slot, printed in claim.printed.items():
        seen: list[_Said] = []
        # Where one reading derives a formula, one that derives none states a bound: many others are true as well.
        derives = [reading for reading in claim.readings if slot in reading.derived]
        for reading in derives or claim.readings:
            measured = [one for one in reading.measured if one.of == slot]
            right = _said(reading.derived.get(slot, printed), reading, measured)
            for route, found_of_right in _judged(right.value, right.value, reading, measured).items():
                if original.get(route) != "killed":
                    original[route] = found_of_right
            undone = Slip("repair undone", "as printed", printed)
            for one in [undone, *slips(right.value, _letters(measured))]:
                name = f"{slot}{f' ({reading.name})' if reading.name else ''}: {one.name}"
                said = _said(one.value, reading, measured)
                if said.like(right) and _equal(said.value, right.value, reading):
                    if one.operator != "repair undone":
                        equivalent.append(name)
                    continue
                # One of two that no measurement distinguishes is enough, except for truth values, which say little.
                if any(
                    said.like(other) and (said.numbers or _equal(said.value, other.value, reading)) for other in seen
                ):
                    continue
                seen.append(said)
                found[name] = (one.operator, _judged(one.value, right.value, reading, measured))
    return Verdicts(claim.id, found, equivalent, original)


@dataclass(frozen=True, eq=False)
class _Said:
    """A statement with what it says where the slot is measured; None where it has no value there."""

    value: Any
    at: tuple[Any, ...]

    @property
    def numbers(self) -> bool:
        """Whether these are not truth values or words; a statement without any value equals every other."""
        return not any(isinstance(one, str | bool) for one in self.at)

    def like(self, other: _Said) -> bool:
        """Whether two say the same at all points."""
        return len(self.at) == len(other.at) and all(map(_like, self.at, other.at))


def _like(one: Any, other: Any) -> bool:
    if one is None or other is None or isinstance(one, str | bool) or isinstance(other, str | bool):
        return one is other or (type(one) is type(other) and bool(one == other))
    close = 10.0**-DIGITS
    return np.shape(one) == np.shape(other) and np.allclose(one, other, rtol=close, atol=close, equal_nan=True)


def _said(value: Any, reading: Reading, measured: Sequence[Measured]) -> _Said:
    return _Said(value, tuple(_number(value, reading, point.at) for one in measured for point in one.points))


def _letters(measured: Sequence[Measured]) -> frozenset[str]:
    """The names that have values at every point: matrices, and numbers, but no lists that a sum runs over."""
    points = [
        frozenset(name for name, value in point.at.items() if name in MATRICES or np.ndim(value) == 0)
        for one in measured
        for point in one.points
    ]
    return frozenset.intersection(*points) if points else frozenset()


def _equal(one: Any, other: Any, reading: Reading) -> bool:
    """Whether two statements are equal, exactly."""
    return same(one, other, reading.definitions) or _alike_for_counts(one, other)


def _alike_for_counts(one: Any, other: Any) -> bool:
    """Whether two conditions are equal where it matters: for batches of two data or more, and whole modes."""
    if not all(isinstance(value, sympy.core.relational.Relational) for value in (one, other)):
        return False
    if any(value.has(N) for value in (one, other)):
        return same(*(value.subs(N, N + 1) for value in (one, other)))
    if one.free_symbols == other.free_symbols == {d_M}:
        modes = sympy.Interval(1, sympy.oo)
        first, second = (
            sympy.solve_univariate_inequality(value.subs(d_M, d), d, relational=False, domain=modes)
            for value, d in ((one, sympy.Symbol("d", real=True)), (other, sympy.Symbol("d", real=True)))
        )
        return bool(sympy.Intersection(first.symmetric_difference(second), sympy.S.Naturals) == sympy.S.EmptySet)
    return False


def _number(value: Any, reading: Reading, at: Mapping[str, Any]) -> Any:
    if reading.definitions and not isinstance(value, str | bool):
        put = {one: meant for one, meant in reading.definitions.items() if str(one) not in at}
        value = sympy.sympify(value, strict=True).subs(put)
    try:
        with np.errstate(all="ignore"):
            found = evaluate(value, at)
            return found if isinstance(found, str | bool) else np.asarray(found, dtype=float)
    except (InputError, *UNDEFINED):
        return None


def _judged(value: Any, right: Any, reading: Reading, measured: Sequence[Measured]) -> dict[str, Outcome]:
    by_route: dict[str, list[Evidence]] = {}
    with np.errstate(all="ignore"):
        for one in measured:
            try:
                evidence = one.against(value, reading.definitions)
            except UNDEFINED:
                evidence = Evidence(one.route, one.quantity, agrees=False, note="the formula has no value there")
            by_route.setdefault(one.route, []).append(evidence)
    found: dict[str, Outcome] = {route: outcome(evidence) for route, evidence in by_route.items()}
    if right is not None:
        found[SYMBOLIC] = "survived" if same(value, right, reading.definitions) else "killed"
    return found
