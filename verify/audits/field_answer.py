"""What the audit of a field says: its answer in a sentence, and its description section by section."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sympy

from derive.definition.lines import Line
from derive.definition.notation import LATEX, TEXT
from derive.fields.conserved import invariants
from derive.fields.mode_flow import a_i, s_i, u
from derive.fields.training import Linear, OfMoments, eta
from derive.landscape.correlations import lam_i
from verify.evidence.answer import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from derive.fields.mode_flow import ModeFlow
    from derive.fields.training import Training
    from verify.audits.field_audit import TrainingAudit
    from verify.audits.fields import DerivedField

_HALF = "the stop takes away half of the gradient: the field is half that of the loss without stops"


def answer(found: TrainingAudit) -> Answer:
    """Which modes grow from small weights, and which survive from large ones."""
    if found.halves:
        half = "The stop leaves the landscape alone: training descends the loss without stops at half its speed"
        copy = ", the momentum copy moving no state" if found.training.momentum else ""
        return Answer(f"{half}{copy}.", "open")
    flow = found.flow
    if flow is None:
        return Answer("The modes are coupled by traces over all of them; what becomes of each is not derived.", "open")
    growth = flow.growth
    if growth.is_negative or growth == -eta:
        near = "From small weights every mode decays under a weight decay"
    elif growth == 0:
        near = "From small weights a mode with a_i > 0 grows, more slowly than exponentially"
    else:
        near = f"From small weights a mode grows where {_above(sympy.fraction(sympy.together(growth))[0])}"
    if flow.survival is None:
        return Answer(f"{near}.", "open")
    return Answer(f"{near}; from large ones it is kept where {_survives(flow)}.", "open")


def _survives(flow: ModeFlow) -> str:
    """The condition in a_i and s_i, and in λ_i."""
    assert flow.survival is not None  # noqa: S101 (asked before)
    in_correlations = sympy.expand(flow.survival.xreplace({a_i: lam_i * s_i}) / s_i)
    return f"{_above(flow.survival)}, that is {_above(in_correlations)}"


def _above(positive: sympy.Expr) -> str:
    """That a sum is positive, as what is added above what is taken away.

    >>> _above(a_i**2 - 4 * s_i)
    'a_i^2 > 4 s_i'
    """
    terms = sympy.Add.make_args(sympy.expand(positive))
    away = sympy.Add(*(-one for one in terms if one.could_extract_minus_sign()))
    return f"{TEXT.scalar(positive + away)} > {TEXT.scalar(away)}"


def parts(found: TrainingAudit) -> tuple[tuple[str, Iterator[Line]], ...]:
    """The sections of the audit of a field between its definition and its notes."""
    return ("Field", _field(found)), ("Structure", _structure(found)), ("Training", _training(found))


def weight_lines(field: DerivedField) -> Iterator[Line]:
    """What each weight does, a line each."""
    latex = field.lines(LATEX)
    for (left, right), (left_tex, right_tex) in zip(field.lines(TEXT).items(), latex.items(), strict=True):
        yield Line(left, right, (f"{left_tex} = {right_tex}",))


def conserved_lines(training: Training) -> Iterator[Line]:
    """What training conserves, whatever the loss, a line each."""
    for one in invariants(training):
        yield Line("conserved", one.text(), (one.text(LATEX).partition(", whatever")[0].replace(" is conserved", ""),))


def _field(found: TrainingAudit) -> Iterator[Line]:
    yield from weight_lines(found.field)
    if found.field.stopped:
        yield Line("stopped", f"{found.field.removed()}, which the stop takes away", (found.field.removed(LATEX),))
    yield Line("assuming", "zero mean, Gaussian; any dimension")


def _structure(found: TrainingAudit) -> Iterator[Line]:
    still = found.still
    if found.halves:
        through = "" if still.exact else f", through order {still.order} in W"
        yield Line("potential", f"{_HALF}{through}")
    if found.training.predictor is None and still.potential is not None:
        text = f"the field descends {still.potential.text()}"
        yield Line(
            "potential", text if not found.training.momentum else f"with Wₘ = W {text}", (still.potential.latex(),)
        )
    elif found.curl is not None:
        yield Line("potential", f"none: {found.curl.text()}")
    elif isinstance(found.training.predictor, OfMoments):
        yield Line("potential", "none is known; P depends on W through its square root")
    yield from conserved_lines(found.training)
    if isinstance(found.training.predictor, Linear) and found.training.rates.get("eta") != 0:
        yield Line("conserved", "at rest Pᵀ G Wᵀ = η W Wᵀ = η Pᵀ P: W Wᵀ and Pᵀ P are equal, whatever the rates")


def _training(found: TrainingAudit) -> Iterator[Line]:
    flow = found.flow
    if flow is None:
        return
    exact = "" if flow.exact else " + …"
    of = "w = p = u" if isinstance(found.training.predictor, Linear) else "w = u"
    yield Line("each mode", f"du/dt = u ({TEXT.scalar(flow.rate)}{exact}) on {of}", (
        rf"\dot u = u \bigl({LATEX.scalar(flow.rate)}\bigr)",))  # fmt: skip
    yield Line("near 0", f"du/dt = {TEXT.parentheses(TEXT.scalar(flow.growth))} u")
    if found.training.momentum and found.training.predictor is None and found.stability is not None:
        rate = TEXT.scalar(found.stability.growth)
        yield Line("near 0", f"with a copy that begins there too a mode grows at {rate}, of the same sign and slower")
    if isinstance(found.training.predictor, Linear):
        p = sympy.Symbol("p")
        at = TEXT.scalar(sympy.expand(sympy.cancel(_held(flow, p))))
        yield Line("near 0", f"with P held at p: dw/dt = ({at}) w, largest at p = a_i/(2 s_i)")
    states = flow.states
    if flow.survival is not None:
        yield Line("survival", f"{_survives(flow)}; where it fails two states have met, in a saddle-node")
        if len(states) > 1:
            yield Line("basin", f"collapse from u below {TEXT.scalar(states[0])}")
            yield Line("state", f"u = {TEXT.scalar(states[-1])} is stable", (f"u = {LATEX.scalar(states[-1])}",))
    elif states and not flow.fold:
        yield Line("state", f"u = {TEXT.scalar(states[-1])}, a pitchfork where {TEXT.scalar(flow.growth)} = 0",
                   (f"u = {LATEX.scalar(states[-1])}",))  # fmt: skip
    if found.stability is not None and (said := found.stability.momentum()):
        yield Line("momentum", said)


def _held(flow: ModeFlow, p: sympy.Symbol) -> sympy.Expr:
    """The rate of w from small weights while P is held, the copy having caught up."""
    from derive.fields.mode_flow import p as predictor
    from derive.fields.mode_flow import v, w

    linear = sympy.diff(flow.weight.xreplace({v: w}), w).xreplace({w: sympy.S.Zero})
    return linear.xreplace({predictor: p, u: sympy.S.Zero})
