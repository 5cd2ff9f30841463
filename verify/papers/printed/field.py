"""A printed field compared with what training follows: a definition with stopped views, or code that trains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import sympy

from derive import InputError
from derive.algebra.scalars import normal_form
from derive.definition.notation import LATEX, TEXT, Style, signed_sum
from derive.fields import FIELDS
from derive.fields.field import FieldTerm, field
from derive.fields.products import WEIGHTS, Product, power, written
from derive.fields.training import Training
from derive.fields.unit import OfCosines
from verify.audits.field_evidence import by_hand, by_values, hand_written, place
from verify.audits.target import as_field, find_target
from verify.evidence.evidence import Evidence, far
from verify.papers.printed.check import Check, ContradictedError, Difference, on_print
from verify.papers.printed.flow import Flow, highest, read_flow
from verify.papers.printed.subject import exact

# The highest order of a loss whose values are compared.
_HIGHEST = 6
Flows = Mapping[str, Mapping[Product, sympy.Expr]]


def check_field(subject: object, printed: str, *, given: Mapping[str, object] | None = None, seed: int = 0) -> Check:
    """Check a printed field against what training follows: every term through its order, none missing and none added.

    Args:
        subject: a `Training`, a `derive.Loss` with stopped views, a TARGET as on the command line, or code in torch: a
            module called with two views that returns its loss, or (loss, predictor). Of code the terms of first order
            in W are measured, without decay.
        printed: a line for each weight, ``dW/dt = P^T W A0 - P^T P W Sigma + O(W^3)``, in text or LaTeX; or the name of
            a field in the catalogue. Weights that are not printed are not compared.
        given: values of parameters, put in on both sides.
        seed: of the measurements.

    Raises:
        ContradictedError: the verdict is not ``holds``; the message shows the first difference.
        InputError: something cannot be read, or the subject has no field of words.

    >>> print(check_field("simsiam", "dW/dt = P^T W A0 - P^T P W Sigma - eta W").sentence())
    simsiam: the printed field holds

    """
    values = exact(given)
    found: Any = find_target(subject) if isinstance(subject, str) else as_field(subject)
    checked = (
        _of_definition(found, printed, values, seed) if isinstance(found, Training) else _of_code(found, printed, seed)
    )
    if checked.verdict != "holds":
        raise ContradictedError(checked)
    return checked


def _of_definition(training: Training, printed: str, values: Mapping[str, sympy.Expr], seed: int) -> Check:
    if isinstance(training, OfCosines):
        raise InputError(f"{training.name} has no expansion at W = 0, and so no field of words to print")
    here = training.set({name: value for name, value in values.items() if name in training.parameters})
    flows = _printed(printed, training, values)
    order = highest(flows["W"]) - 1 | 1
    derived = field(here, order + 1)
    shown: Flows = {
        name: {(term.traces, term.word): term.coefficient for term in terms} for name, terms in derived.flow.items()
    }
    differ = list(_differences(flows, shown, {name: order + (name != "W") for name in flows}, whole=derived.exact))
    at = place(here, derived.order + 1, seed)
    terms = {name: _as_terms(flow, at.training.given) for name, flow in flows.items()}
    stated = replace(at, field=replace(at.field, flow={**at.field.flow, **terms}))
    orders = range(2, min(derived.order + 1, _HIGHEST) + 1, 2)
    evidence = [by_values(at, orders), *([by_hand(at)] if hand_written(at.training) else [])]
    by_step = hand_written(at.training) and len(flows) == len(shown)
    routes = [by_values(stated, orders), *([by_hand(stated)] if by_step else [])]
    evaluated = [replace(one, quantity=f"printed against {one.quantity}") for one in routes]
    supported = None if any(one.agrees is None for one in evidence) else all(one.agrees for one in evidence)
    verdict = on_print(evaluated, same=not differ, supported=supported)
    return _check(training.name, flows, shown, differ, (*evidence, *evaluated), verdict)


def _of_code(target: object, printed: str, seed: int) -> Check:
    from verify.audits.steps.audit import audit_step
    from verify.audits.steps.measured import FITTED, off_by
    from verify.audits.steps.module import training_module

    module = training_module(target)
    if module is None:
        message = "a field is that of a derive.Loss with stopped views, a Training, a module or (loss, predictor)"
        raise InputError(f"{message}, not of a {type(target).__name__}")
    audited = audit_step(module, name=type(module).__name__ if not isinstance(module, tuple) else "code", seed=seed)
    lacking = [name for name, one in audited.linear.items() if not one.fits]
    if lacking:
        raise InputError(f"no words of first order in W fit the step of {lacking[0]}: there is no field to compare")
    shown: Flows = {
        name: {((), word): value for word, value in one.coefficients.items()} for name, one in audited.linear.items()
    }
    still = {"eta": sympy.S.Zero, "rho": sympy.S.One}
    flows = {name: one for name, one in _printed(printed, None, still).items() if name in shown}
    differ = list(_differences(flows, shown, {"W": 1, "P": 2}))
    words = {name: {word: float(value) for (_, word), value in flow.terms.items()} for name, flow in flows.items()}
    off = off_by(audited.module, words, 1000 * seed + 77)
    evaluated = Evidence(
        "exact",
        "printed against the step at fresh weights and data",
        0.0,
        off,
        FITTED,
        "tolerance",
        agrees=off < FITTED,
        seed=seed,
        exact=far(off, FITTED),
    )
    verdict = on_print([evaluated], same=not differ, supported=audited.verdict == "holds" or None)
    return _check(audited.module.name, flows, shown, differ, (*audited.evidence, evaluated), verdict)


def _printed(printed: str, training: Training | None, values: Mapping[str, sympy.Expr]) -> dict[str, Flow]:
    """A print as flows, its parameters set."""
    if printed in FIELDS:
        named = FIELDS[printed]
        if not isinstance(named, Training) or isinstance(named, OfCosines):
            raise InputError(f"{printed} has no field of words to compare with; print it")
        known = field(named.set({name: value for name, value in values.items() if name in named.parameters}), 2)
        return {
            name: Flow({(term.traces, term.word): term.coefficient for term in terms}, 3 if name == "W" else 4)
            for name, terms in known.flow.items()
        }
    symbols: dict[str, sympy.Expr] = {} if training is None else dict(training.parameters)
    flows = read_flow(printed, symbols)
    put = {symbols[name]: value for name, value in values.items() if name in symbols}
    return {
        name: Flow({product: value.xreplace(put) for product, value in flow.terms.items()}, flow.beyond)
        for name, flow in flows.items()
    }


def _differences(
    flows: Mapping[str, Flow], derived: Flows, through: Mapping[str, int], *, whole: bool = False
) -> Iterator[Difference]:
    """The products whose coefficients differ, through an order in W."""
    for name, flow in flows.items():
        if name not in derived:
            raise InputError(f"d{name}/dt is printed, and {WEIGHTS[_character(name)].text} does not move here")
        for product in sorted({*flow.terms, *derived[name]}, key=lambda one: (power(one), one)):
            said, right = (sums.get(product, sympy.S.Zero) for sums in (flow.terms, derived[name]))
            if normal_form(said - right) == 0 or (power(product) > through[name] and not whole):
                continue
            factor = TEXT.scalar(sympy.factor(said / right)) if said != 0 and right != 0 else ""
            shown = [signed_sum([(one, written(product, TEXT))] if one != 0 else [], TEXT) for one in (said, right)]
            tex = [signed_sum([(one, written(product, LATEX))] if one != 0 else [], LATEX) for one in (said, right)]
            of = f"{written(product, TEXT)} in d{WEIGHTS[_character(name)].text}/dt"
            yield Difference(of, shown[0], shown[1], factor, (tex[0], tex[1]))


def _character(name: str) -> str:
    return next(one for one, matrix in WEIGHTS.items() if matrix.name == name)


def _as_terms(flow: Flow, given: Mapping[str, sympy.Expr]) -> tuple[FieldTerm, ...]:
    """Printed terms in numbers."""
    put = {symbol: given[symbol.name] for value in flow.terms.values() for symbol in value.free_symbols}
    return tuple(FieldTerm(power(product), value.xreplace(put), *product) for product, value in flow.terms.items())


def _check(
    name: str,
    flows: Mapping[str, Flow],
    derived: Flows,
    differ: list[Difference],
    evidence: tuple[Evidence, ...],
    verdict: Any,
) -> Check:
    def lines(sums: Flows, style: Style) -> str:
        return "; ".join(
            f"d{WEIGHTS[_character(one)].text}/dt = "
            + signed_sum([(value, written(product, style)) for product, value in terms.items()], style)
            for one, terms in sums.items()
        )

    said = {one: flow.terms for one, flow in flows.items()}
    right = {one: derived[one] for one in flows}
    reason = "" if verdict in ("holds", "refuted") else "the measurements do not decide; look at the evidence"
    latex = (lines(said, LATEX), lines(right, LATEX))
    return Check("field", name, lines(said, TEXT), lines(right, TEXT), latex, tuple(differ), evidence, verdict, reason)
