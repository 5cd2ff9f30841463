"""Slips in a printed formula, and what the measurements of a claim make of them.

The right statement of a claim is its repair: what is derived of each slot, under each reading, and the print where
nothing derives it. One slot is changed at a time: a sign, a factor, a power, a letter, a summand, the sense of a
condition, yes for no; and the print itself is put back where it was wrong. The measurements were made once, without a
look at either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import sympy

from derive import InputError
from verify.claims.canonical import same
from verify.claims.claim import Claim, Measured, Reading
from verify.claims.formulas import A0, C, Sigma
from verify.claims.values import evaluate
from verify.evidence import Evidence
from verify.mutants.killing import SYMBOLIC, Outcome, Verdicts, outcome
from verify.mutants.mutant import Mutant

FACTORS = {"doubled": sympy.Integer(2), "halved": sympy.Rational(1, 2), "taken three quarters": sympy.Rational(3, 4)}
OPPOSITE = {"never": "always", "always": "never", "yes": "no", "no": "yes", "rises": "falls", "falls": "rises"}
# What counts: data in a batch, and kept modes.
N, d_M = sympy.symbols("N d_M")
MATRICES = {"A_0": A0, "C": C, "Sigma": Sigma}
# What a formula without a finite value raises.
UNDEFINED = (ZeroDivisionError, FloatingPointError, np.linalg.LinAlgError)
# Digits to which numbers are alike before formulas are compared exactly.
DIGITS = 9


def slips(value: Any, letters: frozenset[str] = frozenset()) -> Iterator[Mutant]:
    """Every single slip of one slot.

    Args:
        value: a formula, a condition, a word or a truth value.
        letters: the names that have values where the slot is measured; no other letter is put in.

    >>> from verify.claims.formulas import Tr, W
    >>> print(*(one.name for one in slips(Tr(W * A0 * W.T), frozenset({"A_0", "C"}))), sep="; ")
    sign of term 1 flipped; term 1 doubled; term 1 halved; term 1 taken three quarters; C for A_0
    """
    if isinstance(value, str):
        if value in OPPOSITE:
            yield Mutant("sense of a condition", "the opposite", OPPOSITE[value])
        if value in MATRICES:
            yield from (Mutant("symbol exchanged", f"{by} for {value}", by) for by in MATRICES if by != value)
        return
    if isinstance(value, bool) or value in (sympy.true, sympy.false):
        yield Mutant("sense of a condition", "the opposite", not bool(value))
        return
    value = sympy.sympify(value, strict=True)
    if isinstance(value, sympy.core.relational.Relational):
        yield Mutant("sense of a condition", "the sense turned", type(value)(value.rhs, value.lhs, evaluate=False))
        for side in ("lhs", "rhs"):
            for one in _of_expression(getattr(value, side), letters):
                sides = {"lhs": value.lhs, "rhs": value.rhs, side: one.value}
                changed = type(value)(sides["lhs"], sides["rhs"], evaluate=False)
                yield Mutant(one.operator, f"{one.name} of the {side}", changed)
        return
    if isinstance(value, sympy.Expr):
        yield from _of_expression(value, letters)


def _of_expression(value: sympy.Expr, letters: frozenset[str]) -> Iterator[Mutant]:
    if value == 0:
        yield Mutant("coefficient", "a one for the zero", sympy.S.One)
        return
    for number, (terms, put_back) in enumerate(_sums(value)):
        place = f" of the {number}. sum" if number else ""
        for k, term in enumerate(terms):
            where = f"term {k + 1}{place}"
            yield Mutant("sign", f"sign of {where} flipped", put_back(k, -term))
            for name, factor in FACTORS.items():
                kind = "term dropped or doubled" if name == "doubled" else "coefficient"
                yield Mutant(kind, f"{where} {name}", put_back(k, factor * term))
            if len(terms) > 1:
                yield Mutant("term dropped or doubled", f"{where} dropped", put_back(k, None))
    for node in sorted(value.atoms(sympy.Pow, sympy.MatPow), key=str):
        if node.exp.is_Number:
            for by in (node.exp + 1, -node.exp):
                yield Mutant(
                    "exponent", f"{node.base}^{by} for {node}", value.xreplace({node: node.func(node.base, by)})
                )
    yield from _other_letters(value, letters)


def _sums(value: sympy.Expr) -> Iterator[tuple[list[sympy.Expr], Any]]:
    """The whole as a sum, and each sum within: its terms, and a function that changes or drops one of them."""
    inside = [node for node in sorted(value.atoms(sympy.Add, sympy.MatAdd), key=str) if node != value]
    for node in [value, *inside]:
        add = sympy.MatAdd if isinstance(node, sympy.MatrixExpr) else sympy.Add
        terms = list(node.args) if isinstance(node, add) else [node]

        def put_back(k: int, term: sympy.Expr | None, node: Any = node, add: Any = add, terms: Any = terms) -> Any:
            changed = [*terms[:k], *([] if term is None else [term]), *terms[k + 1 :]]
            made = changed[0] if len(changed) == 1 else add(*changed)
            return made if node is value else value.xreplace({node: made})

        yield terms, put_back


def _other_letters(value: sympy.Expr, letters: frozenset[str]) -> Iterator[Mutant]:
    for name, letter in MATRICES.items():
        if value.has(letter):
            for by in sorted(letters & set(MATRICES) - {name}):
                yield Mutant("symbol exchanged", f"{by} for {name}", value.xreplace({letter: MATRICES[by]}))
    # How far a sum runs is a size.
    sizes = {
        one for node in value.atoms(sympy.Sum) for limits in node.limits for end in limits for one in end.free_symbols
    }
    plain = (one for one in value.free_symbols - sizes if isinstance(one, sympy.Symbol) and one.name in letters)
    symbols = sorted(plain, key=str)
    for p, q in combinations(symbols, 2):
        yield Mutant("symbol exchanged", f"{p} and {q} exchanged", value.xreplace({p: q, q: p}))
    if N in symbols:
        for by in (N - 1, N + 1):
            yield Mutant("symbol exchanged", f"{by} for N", value.xreplace({N: by}))


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
            undone = [Mutant("repair undone", "as printed", printed)]
            for one in [*undone, *slips(right.value, _letters(measured))]:
                name = f"{slot}{f' ({reading.name})' if reading.name else ''}: {one.name}"
                said = _said(one.value, reading, measured)
                if said.like(right) and _equal(said.value, right.value, reading):
                    if one.operator != "repair undone":
                        equivalent.append(name)
                    continue
                # Of two that no measurement tells apart one is enough, but for truth values, which tell little.
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
        """Whether these are no truth values and no words; a statement without any value is never told from another."""
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
