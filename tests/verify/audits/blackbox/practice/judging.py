"""An audit against the truth: what it ends in, what is wrong in it, which checks passed without having been made."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter
from typing import Any

import numpy as np
import sympy

from derive import InputError, catalogue
from derive.expansion.expansion import Expansion
from practice.everything import PRACTICE
from practice.truths import HIDDEN, N, Practice, Truth, d1
from verify.audits.blackbox.auditing import BlackBoxAudit, audit_function
from verify.evidence.evidence import Evidence

SIZES = (2, 3, 4, 5, 8, 9, 16, 64, 256)
WIDTHS = (2, 3, 5)
# Of its error, within which a number agrees with the truth, and what its last digits are worth.
ERRORS, DIGITS = 5.0, 1e-13
# A mean passes only where its error is less than this share of what it is held against.
SHARE = 0.5
OUTCOMES = ("formula", "numbers", "matrices", "curvature", "regularity", "undecided", "unusable", "too long")


def audited(name: str, *, use_core: bool) -> dict[str, Any]:
    """The audit of a loss, judged; plain JSON values."""
    loss = PRACTICE[name]
    truth = loss.core if use_core and loss.core is not None else loss.truth
    begun = perf_counter()
    try:
        found = audit_function(loss.code, name=name, adapter=loss.adapter, use_core=use_core)
    except InputError as error:
        wrong = [] if "unusable" in truth.kinds else [f"refused: {error}"]
        record = {"outcome": "unusable", "verdict": None, "says": str(error), "wrong": wrong, "passed": [], "why": []}
    else:
        record = {
            "outcome": outcome(found),
            "verdict": found.verdict,
            "says": says(found),
            "wrong": list(wrong_in(found, truth, loss)),
            "passed": [said for one in found.evidence if (said := passed_without(one))],
            "why": list(open_in(found)),
        }
    return record | {"seconds": round(perf_counter() - begun, 1)}


def outcome(found: BlackBoxAudit) -> str:
    """One of `OUTCOMES`."""
    if found.regularity.kind == "undecided" or (found.found is not None and found.verdict == "undecided"):
        return "undecided"
    if found.found is not None:
        return "numbers" if found.found.numbers else "formula"
    if found.second is not None:
        return "matrices"
    return "curvature" if _curvatures(found) else "regularity"


def says(found: BlackBoxAudit) -> str:
    """The answer in a line."""
    if found.expansion is None:
        return f"{found.regularity.kind} {'' if found.regularity.degree is None else found.regularity.degree}".strip()
    said = f"B = {found.expansion.origin() or 0}"
    for name, values in (found.found.numbers if found.found else {}).items():
        size, (value, error) = next(iter(values.items()))
        said += f"; {name} = {value:.8g} ± {error:.0e} at N = {size}"
    return said


def open_in(found: BlackBoxAudit) -> Iterator[str]:
    """Why something is left open."""
    if found.regularity.kind == "undecided":
        yield found.regularity.reason
    for one in found.evidence:
        if not one.ran:
            yield f"{one.route} not run: {one.note}"
        elif one.agrees is None:
            yield f"{one.route} not decided: {one.quantity}"


def passed_without(one: Evidence) -> str:
    """How a comparison passed that could not have failed; "" for one that could."""
    if one.agrees is not True:
        return ""
    numbers = [value for value in (one.predicted, one.measured) if isinstance(value, float)]
    if not one.ran:
        return f"{one.route} {one.quantity}: passed, not run"
    if not np.isfinite([*numbers, one.error or 0.0]).all():
        return f"{one.route} {one.quantity}: passed with {one.predicted} against {one.measured}"
    effect = max(map(abs, numbers), default=0.0)
    if len(numbers) == 2 and effect and one.error and one.predicted and one.error > SHARE * effect:
        return f"{one.route} {one.quantity}: an error of {one.error:.1g} beside {effect:.1g}"
    return ""


def wrong_in(found: BlackBoxAudit, truth: Truth, loss: Practice) -> Iterator[str]:
    """What an audit says that is not so."""
    kind = found.regularity.kind
    if found.verdict == "refuted":
        against = ", ".join(f"{one.route} {one.quantity}" for one in found.evidence if one.agrees is False)
        yield f"refuted, by {against}"
    if kind not in (*truth.kinds, "undecided"):
        yield f"{kind}, where it is {' or '.join(truth.kinds)}: {found.regularity.reason}"
    yield from _curvature_wrong(found, truth)
    if found.expansion is None or found.found is None or kind not in truth.kinds:
        return
    if found.invariances is not None and found.invariances.rotation != truth.rotation:
        yield f"rotation invariant: {found.invariances.rotation}, where it is {truth.rotation}"
    if truth.A0 is None:
        yield "traces, where its second order is none"
    else:
        yield from _differences(found, truth, loss)
    yield from _landscape_wrong(found, truth)


def _differences(found: BlackBoxAudit, truth: Truth, loss: Practice) -> Iterator[str]:
    wanted = {"A0": truth.A0, "C": truth.C}
    assert found.expansion is not None
    for letter, value in found.expansion.B.items():
        yield from _unequal(found, value, wanted.get(letter) or sympy.S.Zero, truth, loss, f"B, {letter}")
    if truth.like is None or found.expansion.order < 4:
        return
    name, values = truth.like
    other = catalogue(name).set(dict(values)).expand(order=4)
    mine, theirs = (_fourth(one) for one in (found.expansion, other))
    for word in sorted({*mine, *theirs}):
        value, true = (each.get(word, sympy.S.Zero) for each in (mine, theirs))
        yield from _unequal(found, value, truth.times * true, truth, loss, f"order 4, {word}")


def _fourth(expansion: Expansion) -> dict[Any, sympy.Expr]:
    return {term.invariants: term.coefficient for term in expansion.in_basis("A0,Sigma").terms_of_order(4)}


def _unequal(
    found: BlackBoxAudit, value: sympy.Expr, true: sympy.Expr, truth: Truth, loss: Practice, what: str
) -> Iterator[str]:
    """The first batch size and width at which a coefficient is another than the truth's."""
    assert found.found is not None
    numbers = {
        sympy.Symbol(name): at for name, at in found.found.numbers.items() if sympy.Symbol(name) in value.free_symbols
    }
    known = {sympy.Symbol(name): sympy.Float(value, 30) for name, value in found.found.constants.items()}
    inexact = bool(numbers) or bool(known.keys() & value.free_symbols)
    value = value.subs(known)
    # Numbers are measured at d1 = 2, and are those of other widths only where that is said.
    widths = WIDTHS if not numbers or "any dimension" in found.text() else WIDTHS[:1]
    for size in SIZES:
        if size > (found.found.largest or size):
            break
        if size < max(loss.least, found.regularity.smallest_batch) or any(size not in at for at in numbers.values()):
            continue
        for width in widths:
            at = {N: size, d1: width}
            mine = value.subs({symbol: sympy.Float(table[size][0], 20) for symbol, table in numbers.items()}).subs(at)
            error = sum(abs(float(value.diff(symbol).subs(at))) * table[size][1] for symbol, table in numbers.items())
            wanted = true.subs(at)
            # Formulas are compared in thirty digits, numbers within their errors.
            allowed = ERRORS * error + (HIDDEN if truth.hidden else DIGITS if inexact else 0) * abs(float(wanted))
            if abs(sympy.N(mine - wanted, 30)) > allowed + 1e-25:
                yield f"{what}: {sympy.N(mine, 9)} at N = {size}, d1 = {width}, where it is {sympy.N(wanted, 9)}"
                return


def _landscape_wrong(found: BlackBoxAudit, truth: Truth) -> Iterator[str]:
    if found.landscape is None:
        return
    said = {
        "dimensional": found.landscape.collapse.dimensional,
        "complete": found.landscape.collapse.complete,
    }
    stated = {name: str(one) for name, one in said.items() if one is not None}
    if truth.detached and (stated or found.landscape.stationary):
        yield "a landscape of a loss with a stopped gradient"
        return
    for name, true in (("dimensional", truth.dimensional), ("complete", truth.complete)):
        contrary = {"always"} if true == "not always" else {"never", "always"} - {true}
        if true is not None and stated.get(name) in contrary:
            yield f"{name} collapse: {stated[name]}, where it is {true}"


def _curvatures(found: BlackBoxAudit) -> list[str]:
    """The stability of a collapsed mode, by strength, as far as it is decided."""
    points = {} if found.transverse is None else found.transverse.points
    return [point.verdict for point in points.values() if point.verdict != "undecided"]


def _curvature_wrong(found: BlackBoxAudit, truth: Truth) -> Iterator[str]:
    decided = _curvatures(found)
    if decided and truth.detached:
        yield "curvatures of a loss with a stopped gradient"
    elif truth.closed is not None and any((one == "stays collapsed") != truth.closed for one in decided):
        yield f"a collapsed mode {', '.join(decided)}, where it {'stays' if truth.closed else 'reopens'}"
