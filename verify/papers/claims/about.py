"""Claims about one loss that find their own routes: an expansion, B, collapse, the power of a mode, a threshold.

The slots have known names, and their formulas are text as it is printed (`verify.papers.printed`; parsed, never
evaluated). What is derived for each and how it is measured follows from the name:

    expansion    the loss through an order, from its definition; measured as Taylor coefficients
    B            the matrix in −Tr[W B Wᵀ]; measured as second derivatives at W = 0
    dimensional  when some mode is zero at the minima, and
    complete     when all are; measured at the lowest point of the loss itself, at random data
    power        of a kept mode, the eigenvalue of Σ^½ WᵀW Σ^½, to fourth order; measured from the coefficients
    threshold    the λ_i above which a mode grows from W = 0; measured where the curvature changes its sign
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import sympy

from derive import InputError, Loss
from derive.algebra.graphs import OF_ONE_KIND
from derive.errors import did_you_mean, nearest
from derive.landscape.collapse import collapse
from derive.landscape.correlations import lam_i
from derive.landscape.landscape import landscapes
from derive.landscape.mode_potential import b
from derive.landscape.stationary import stationary
from verify.audits.target import find_target
from verify.papers.claims.claim import Measured, Reading
from verify.papers.claims.formulas import A0, C, formula_of, identity
from verify.papers.claims.lowest import phases
from verify.papers.claims.measuring import exactly, origin, powers, turning_point
from verify.papers.printed.conditions import at_values, read_condition
from verify.papers.printed.grammar import Formula
from verify.papers.printed.meaning import Meaning
from verify.papers.printed.reading import read_expansion, read_matrix
from verify.papers.printed.subject import exact

if TYPE_CHECKING:
    from derive.landscape.conditions import Condition

_MATRICES = {"A0": A0, "C": C, "I": identity}


class Subject(NamedTuple):
    """What the claim is about.

    Attributes:
        loss: its definition, parameters symbolic.
        values: exact values of some of them.
        order: of the printed expansion.

    """

    loss: Loss
    values: Mapping[str, sympy.Expr]
    order: int = 0

    @property
    def here(self) -> Loss:
        """The loss at the values."""
        return self.loss.set(self.values)


class _Slot(NamedTuple):
    says: str
    read: Callable[[Any, Subject], Any]
    derive: Callable[[Subject], Any]
    measure: Callable[[Subject, str], list[Measured]]


def about(loss: str | Loss, printed: Mapping[str, Any], values: Mapping[str, object] | None = None) -> About:
    r"""What is printed about a loss, read, with what derives and measures it.

    Args:
        loss: a catalogue name with modifiers, FILE.py:NAME, or a `derive.Loss`; of one kind of views, without a bias.
        printed: slot → what is printed for it, see above.
        values: of parameters, for which the claim is made: numbers or text such as "1/10".

    Raises:
        InputError: there is no such slot, or what is printed for it cannot be read.

    >>> found = about("beta-infonce", {"B": r"\beta A_0 + (\beta - 1) C"})
    >>> found.says, found.printed
    ('B = {B}', {'B': beta*A_0 + (beta - 1)*C})
    >>> [one.route for one in next(found.investigate()).measured]
    ['exact', 'autodiff']

    """
    defined = find_target(loss) if isinstance(loss, str) else loss
    if not isinstance(defined, Loss):
        message = (
            f"{loss} is a torch function, which nothing is derived for; give a derive.Loss, or a reading of your own"
        )
        raise InputError(message)
    if not defined.roles <= OF_ONE_KIND or defined.bias:
        what = "a bias" if defined.bias else "views of two kinds"
        raise InputError(f"{defined.name} has {what}; write its claims with readings of your own")
    for slot in printed:
        if slot not in SLOTS:
            said = f"nothing is known about a slot {slot!r}; with routes of their own there are {', '.join(SLOTS)}"
            raise InputError(did_you_mean(said, nearest(slot, SLOTS)))
    if not printed:
        raise InputError(f"nothing is printed about {defined.name}; give one of {', '.join(SLOTS)}")
    subject = Subject(defined, exact(values))
    if "expansion" in printed:
        subject = subject._replace(order=_stated(printed["expansion"], subject).order)
    read = {slot: SLOTS[slot].read(value, subject) for slot, value in printed.items()}
    says = "; ".join(SLOTS[slot].says for slot in printed)
    return About(says, read, partial(_investigate, subject, tuple(printed)))


class About(NamedTuple):
    """A claim about a loss, ready for a ledger.

    Attributes:
        says: a sentence with a place for each slot.
        printed: slot → formula or condition.
        investigate: gives the reading.

    """

    says: str
    printed: Mapping[str, Any]
    investigate: Callable[[], Iterator[Reading]]


def _investigate(subject: Subject, slots: tuple[str, ...]) -> Iterator[Reading]:
    derived = {slot: SLOTS[slot].derive(subject) for slot in slots}
    yield Reading(derived, [one for slot in slots for one in SLOTS[slot].measure(subject, slot)])


def _stated(printed: Any, subject: Subject) -> Any:
    return read_expansion(printed, loss=subject.loss.name, symbols=subject.loss.parameters).expansion


def _put(value: sympy.Basic, subject: Subject) -> Any:
    return value.subs({subject.loss.parameters[name]: one for name, one in subject.values.items()})


def _read_expansion(printed: Any, subject: Subject) -> sympy.Expr:
    return _put(formula_of(_stated(printed, subject)), subject)


def _read_B(printed: Any, subject: Subject) -> sympy.MatrixExpr:
    letters = read_matrix(printed, subject.loss.parameters).letters
    return _matrix({name: _put(value, subject) for name, value in letters.items()})


def _matrix(letters: Mapping[str, sympy.Expr]) -> sympy.MatrixExpr:
    parts = [value * _MATRICES[name] for name, value in letters.items() if value != 0]
    return sympy.MatAdd(*parts).doit() if parts else sympy.ZeroMatrix(A0.rows, A0.rows)


def _read_condition(printed: Any, subject: Subject) -> Condition:
    return at_values(read_condition(printed, subject.loss.parameters), subject.values)


def _read_scalar(printed: Any, subject: Subject) -> sympy.Expr:
    text = str(printed)
    known = {**subject.loss.parameters, lam_i.name: lam_i}
    rule = "the formula holds the view correlation lambda_i and parameters"
    return _put(Meaning(text).scalar(Formula(text, known).whole(), rule), subject)


def _derive_expansion(subject: Subject) -> sympy.Expr:
    return formula_of(subject.here.expand(subject.order))


def _derive_condition(slot: str, subject: Subject) -> Condition:
    found = collapse(subject.here.expand(4))
    condition: Condition | None = getattr(found, slot)
    if condition is None:
        raise InputError(f"when modes collapse is not determined for {subject.loss.name}: {found.reason}")
    return condition


def _derive_power(subject: Subject) -> sympy.Expr:
    cases = [point for one in landscapes(subject.here.expand(4)) for point in stationary(one)]
    level = cases[0].level_in_correlations if len(cases) == 1 else None
    power = None if level is None else sympy.factor(cases[0].power.subs(b, level))
    if power is None or power.free_symbols - {lam_i, *subject.loss.parameters.values()}:
        message = (
            f"the power of a mode of {subject.loss.name} depends on more than its own λ_i; give a reading of your own"
        )
        raise InputError(message)
    return power


def _derive_threshold(subject: Subject) -> sympy.Expr:
    B = subject.here.expand(2).B
    by, rest = sympy.cancel(B["A0"] - B["C"]), B["C"]
    if by == 0 or set(B) - {"A0", "C"}:
        message = f"whether a mode of {subject.loss.name} grows does not depend on λ_i; print B instead"
        raise InputError(message)
    return sympy.cancel(-rest / by)


SLOTS: dict[str, _Slot] = {
    "expansion": _Slot(
        "L = {expansion}",
        _read_expansion,
        _derive_expansion,
        lambda subject, slot: exactly(slot, subject.loss, order=subject.order, only=False, given=subject.values),
    ),
    "B": _Slot(
        "B = {B}",
        _read_B,
        lambda subject: _matrix(subject.here.expand(2).B),
        lambda subject, slot: origin(slot, subject.loss, given=subject.values),
    ),
    "dimensional": _Slot(
        "dimensional collapse: {dimensional}",
        _read_condition,
        partial(_derive_condition, "dimensional"),
        lambda subject, slot: phases(slot, subject.loss, given=subject.values),
    ),
    "complete": _Slot(
        "complete collapse: {complete}",
        _read_condition,
        partial(_derive_condition, "complete"),
        lambda subject, slot: phases(slot, subject.loss, given=subject.values),
    ),
    "power": _Slot(
        "to fourth order a kept mode has the power {power} at the minimum",
        _read_scalar,
        _derive_power,
        lambda subject, slot: powers(slot, subject.loss, given=subject.values),
    ),
    "threshold": _Slot(
        "a mode grows from W = 0 where λ_i > {threshold}",
        _read_scalar,
        _derive_threshold,
        lambda subject, slot: turning_point(slot, subject.loss, given=subject.values),
    ),
}
