"""The subject of a print: a definition, with its derived expansion, or a torch function, with its measured one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import sympy

from derive import Expansion, InputError, Loss
from derive.algebra.graphs import AUGMENTATION
from derive.definition.expression import as_scalar
from derive.errors import NotAnalyticError
from derive.fields.training import Dynamics
from verify.audits.target import as_field, find_target, no_loss, parse_values, put_values
from verify.routes import by_definition
from verify.routes.autodiff import RayCoefficients
from verify.routes.subject import Subject as Measured
from verify.running.progress import progress, watching

if TYPE_CHECKING:
    from verify.evidence.evidence import Evidence

Values = Mapping[str, sympy.Expr]


@dataclass(frozen=True)
class Found:
    """An expansion with what supports it.

    Attributes:
        expansion: with the given values put in.
        limit: a norm penalty's strength that goes to infinity, which its landscape alone has.
        evidence: comparisons with what shares no code with it.
        supported: whether they support it: True, False, or None where they do not decide.
        reason: why not, in a sentence.
        points: where the definition was measured at the given values, and agrees with the expansion.

    """

    expansion: Expansion
    limit: str | None
    evidence: tuple[Evidence, ...]
    supported: bool | None
    reason: str = ""
    points: tuple[RayCoefficients, ...] = ()


class Subject(Protocol):
    """The subject of a print."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def parameters(self) -> Mapping[str, sympy.Symbol]:
        """Its parameters by name."""

    @property
    def bias(self) -> bool:
        """Whether its model is f(x) = W x + b."""

    @property
    def second(self) -> str:
        """What carries its views of the second kind, V or W; empty where there is one kind."""

    def expanded(self, order: int, given: Values) -> Found:
        """Its expansion through an order, at given values."""


@dataclass(frozen=True)
class Definition:
    """A `derive.Loss`: derived, and the derivation checked against the definition in numbers.

    The numbers are taken before values are put in, at generic ones and at two sizes of a batch: what is derived is
    checked as a function of the parameters, and a batch of 256 costs nothing.
    """

    loss: Loss
    sampling: str = "iid"
    seed: int = 0

    @property
    def name(self) -> str:
        """The name of the loss."""
        return self.loss.name

    @property
    def parameters(self) -> Mapping[str, sympy.Symbol]:
        """The parameters of the loss."""
        return self.loss.parameters

    @property
    def bias(self) -> bool:
        """Whether the loss's model has one."""
        return self.loss.bias

    @property
    def second(self) -> str:
        """What carries its views of the second kind."""
        return "V" if self.loss.encoders == 2 else "W" if AUGMENTATION in self.loss.roles else ""

    def expanded(self, order: int, given: Values) -> Found:
        """Derived, and measured."""
        with watching(progress(hidden=False, steps=3, after=2.0)) as tick:
            return self._expanded(order, given, tick)

    def _expanded(self, order: int, given: Values, tick: Callable[[str], None]) -> Found:
        from verify.audits.target import limits

        here, later = put_values(self.loss, given)
        tick(f"order {order}")
        try:
            shown, limit = limits(here.expand(order, sampling=self.sampling), later)
        except NotAnalyticError as error:
            raise (_of_directions(self.name) if error.degree == 0 else error) from error
        derived = self.loss.expand(order, sampling=self.sampling)
        tick("the definition in numbers")
        measured = partial(Measured, self.loss, order=order, sampling=self.sampling, seed=self.seed)
        points = by_definition.measure(measured())
        evidence = tuple(by_definition.compare(points, derived))
        if any(one.agrees is False for one in evidence):
            why = "the derivation does not agree with the definition in numbers, which is a fault of quartic: report it"
            return Found(shown, limit, evidence, supported=False, reason=why)
        unsure = next((one for one in evidence if one.agrees is not True), None)
        why = "" if unsure is None else f"the derivation was not measured: {unsure.note}"
        finite = {name: value for name, value in given.items() if value is not sympy.oo}
        if finite:
            tick("at the given values")
            points = by_definition.measure(measured(finite))
            derived = here.expand(order, sampling=self.sampling)
        # In a limit there is nothing to measure.
        agreed = [] if len(finite) < len(given) else by_definition.compare(points, derived)
        usable = [point for point, one in zip(points, agreed, strict=False) if one.agrees]
        return Found(
            shown, limit, evidence, True if unsure is None else None, why,
            tuple(one for one in usable if isinstance(one, RayCoefficients)),
        )  # fmt: skip


@dataclass(frozen=True)
class Code:
    """A torch function: its expansion is measured, and checked against whole batches, as in its audit."""

    function: Callable[..., Any]
    options: Mapping[str, Any] = field(default_factory=dict)
    given: Values = field(default_factory=dict)
    seed: int = 0
    bias: bool = False
    second: str = ""

    @property
    def name(self) -> str:
        """The name of the function."""
        return str(self.options.get("name") or getattr(self.function, "__name__", type(self.function).__name__))

    @property
    def parameters(self) -> Mapping[str, sympy.Symbol]:
        """N, and what has a value."""
        return {name: sympy.Symbol(name) for name in ("N", *self.given)}

    def _names(self, name: str) -> bool:
        """Whether one of the constants to recognise has a name in it."""
        return any(name in re.findall(r"[^\W\d]\w*", text) for text in self.options.get("named", ()))

    def expanded(self, order: int, given: Values) -> Found:
        """Measured by the audit of the function."""
        from verify.audits.blackbox.adapters import callable_loss, settable
        from verify.audits.blackbox.auditing import audit_function

        finite = {name: value for name, value in given.items() if value is not sympy.oo}
        # What the print has a value for need not be a parameter of the code.
        takes = settable(callable_loss(self.function, self.name), str(self.options.get("adapter", "two-views")))
        used = {name: value for name, value in finite.items() if name in takes or self._names(name)}
        with progress(hidden=False, after=2.0) as tick:
            audit = audit_function(self.function, order=order, given=used, seed=self.seed, tick=tick, **self.options)
        if audit.found is None or audit.expansion is None:
            if audit.regularity.degree == 0:
                raise _of_directions(self.name)
            message = f"{self.name} has no expansion at W = 0: it is {audit.regularity.kind}; {audit.regularity.reason}"
            raise InputError(message)
        left = {symbol.name for symbol in audit.expansion.symbols}
        shown = audit.expansion.set({name: value for name, value in given.items() if name in left})
        if audit.found.numbers:
            return Found(shown, None, audit.evidence, supported=None, reason=audit.found.notes[0])
        supported = {"holds": True, "refuted": False}.get(audit.verdict)
        why = "" if supported else f"what was measured of the function is itself {audit.verdict}: see its audit"
        return Found(shown, None, audit.evidence, supported=supported, reason=why)


def _of_directions(name: str) -> NotAnalyticError:
    """What to do about a loss of normalised features, where an expansion or a landscape around W = 0 is printed."""
    message = (
        f"{name} has no expansion at W = 0: it sees directions of f alone, and is constant along every ray;"
        " `quartic modes` says which modes it keeps, and the fixture audit_loss checks it"
    )
    return NotAnalyticError(message, degree=0)


def subject(
    loss: object, given: Values, *, sampling: str = "iid", seed: int = 0, options: Mapping[str, Any] | None = None
) -> Subject:
    """The subject of a print.

    Args:
        loss: a `derive.Loss`, a torch function, or a TARGET as on the command line.
        given: values of parameters.
        sampling: of a definition.
        seed: of the measurements.
        options: of `verify.audits.blackbox.auditing.audit_function`, for a torch function alone.

    Raises:
        InputError: something else, or options that do not go with it.

    """
    found = find_target(loss) if isinstance(loss, str) else as_field(loss)
    if isinstance(found, Dynamics):
        raise InputError(no_loss(found))
    if isinstance(found, Loss):
        if options:
            message = f"{next(iter(options))} does not go with a derive.Loss; leave it out"
            raise InputError(message)
        return Definition(found, sampling, seed)
    if not callable(found):
        message = f"a loss is a derive.Loss, a torch function or a TARGET such as 'infonce', not {type(found).__name__}"
        raise InputError(message)
    if sampling != "iid":
        message = f"sampling {sampling!r} does not go with a torch function; leave it out"
        raise InputError(message)
    return Code(found, dict(options or {}), dict(given), seed)


def exact(given: Mapping[str, object] | None) -> dict[str, sympy.Expr]:
    """Exact values of parameters: numbers and SymPy as they are, text as after --set.

    >>> exact({"alpha": "1/10", "N": 8, "tau": "oo"})
    {'alpha': 1/10, 'N': 8, 'tau': oo}
    """
    found: dict[str, sympy.Expr] = {}
    for name, value in (given or {}).items():
        if isinstance(value, str):
            found |= parse_values([f"{name}={value}"])
        else:
            found[name] = value if value is sympy.oo else as_scalar(value)
    return found
