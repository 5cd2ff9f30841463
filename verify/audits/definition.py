"""The whole check of one loss: derive, measure by every route that applies, and describe the result."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import sympy

from derive import Gaussian, InputError, Law, Loss, NotAnalyticError
from derive.algebra.graphs import AUGMENTATION
from derive.fields.training import Dynamics
from derive.landscape.summary import Described, described
from derive.losses.limit import population
from derive.sphere.collapsed import Level, levels
from numeric.laws import in_numbers
from numeric.sampling import Covariances
from verify.audits.field_audit import FieldAudit, audit_field
from verify.audits.findings import describe
from verify.audits.target import as_field, limits, of_encoders, put_values
from verify.evidence.answer import (
    Answer,
    in_light_of,
    not_measured,
    of_landscape,
    undetermined,
    without_expansion,
)
from verify.evidence.description import Describable, Description
from verify.evidence.evidence import Evidence, Verdict, verdict
from verify.routes import homogeneity
from verify.routes.definition import ROUTES
from verify.routes.subject import DRAWS, Subject
from verify.truths.exact_numbers import exact_values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from derive import ClosedForm, Expansion
    from verify.audits.blackbox.audit import BlackBoxAudit
    from verify.audits.steps.audit import StepAudit
    from verify.routes.reopening.collapsed import Collapsed


@dataclass(frozen=True)
class Audit(Describable):
    """The result of an audit.

    Attributes:
        loss: the loss, with the given values put in.
        given: the values that were set.
        expansion: the expansion, None where there is none.
        closed: the closed form to all orders, None where the average does not close.
        regularity: "analytic", or "homogeneous" for a loss of normalised features.
        degree: the order of homogeneity of the latter, 0.
        reason: why there is no expansion.
        landscape: stationary points, minima and collapse, None where there is no expansion.
        evidence: the comparisons.
        transverse: whether collapsed modes stay collapsed, for a loss without an expansion; None elsewhere.

    """

    loss: Loss
    given: Mapping[str, sympy.Expr]
    expansion: Expansion | None
    closed: ClosedForm | None
    regularity: str
    degree: int | None
    reason: str
    landscape: Described | None
    evidence: tuple[Evidence, ...] = field(default=())
    transverse: Collapsed | None = None

    @property
    def verdict(self) -> Verdict:
        """The verdict that the evidence supports."""
        return verdict(self.evidence)

    @property
    def about(self) -> str:
        """What the verdict is about."""
        return "the derivation" if self.expansion else "that there is no expansion at W = 0"

    @property
    def answer(self) -> Answer:
        """Which modes the loss keeps and which it loses."""
        if self.landscape is not None:
            found = of_landscape(self.landscape)
        elif self.transverse is not None:
            found = self.transverse.answer
        elif self.expansion is not None:
            found = undetermined("no landscape is derived for two augmentations")
        else:
            found = without_expansion(self.regularity, not_measured(self.evidence))
        return in_light_of(found, self.about, self.verdict)

    @property
    def levels(self) -> tuple[Level, ...]:
        """The loss at complete collapse and at a kept rank of 1, as far as it has values there."""
        return levels(self.loss)

    def description(self) -> Description:
        """The description from which each form of a report is written."""
        return describe(self)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        expansion = self.expansion
        return {
            "answer": self.answer.text,
            "loss": self.loss.name,
            "title": self.loss.title,
            "source": self.loss.source,
            "definition": self.loss.text(),
            "set": {name: str(value) for name, value in self.given.items()},
            "expansion": expansion.to_json() if expansion else None,
            "exact": self.closed.text() if self.closed else None,
            "regularity": self.regularity,
            "degree": self.degree,
            "reason": self.reason or None,
            "rotation_invariant": expansion.rotation_invariant if expansion else None,
            "B": {letter: str(value) for letter, value in expansion.B.items()} if expansion else None,
            **({"bias_curvature": str(expansion.bias_curvature)} if expansion and expansion.bias else {}),
            "collapse": self.landscape.collapse.to_json() if self.landscape else None,
            "landscape": self.landscape.to_json() if self.landscape else None,
            "transverse": self.transverse.to_json() if self.transverse else None,
            "collapsed": [{"state": level.state, "formula": str(level.value)} for level in self.levels],
            "evidence": [one.to_json() for one in self.evidence],
            "verdict": self.verdict,
            "about": self.about,
        }


@overload
def audit(loss: Loss, **options: Any) -> Audit: ...


@overload
def audit(loss: Dynamics, **options: Any) -> FieldAudit: ...


@overload
def audit(loss: Callable[..., Any], **options: Any) -> BlackBoxAudit: ...


@overload
def audit(loss: tuple[Callable[..., Any], Callable[..., Any]], **options: Any) -> StepAudit: ...


def audit(
    loss: Loss | Dynamics | Callable[..., Any] | tuple[Callable[..., Any], Callable[..., Any]], **options: Any
) -> Audit | FieldAudit | BlackBoxAudit | StepAudit:
    """Derive the expansion of a loss, or measure that of a torch function, and check it against the loss itself.

    A loss with stopped views is a field, that of training W alone.

    Args:
        loss: a `derive.Loss`, a field, or in torch a function ``loss(z1, z2)`` of two views of a batch, (N, d) each; or
            what trains, a module called with two views of data, or (loss, predictor).
        options: of `audit_definition`; of a field, those of `verify.audits.field_audit.audit_field`; for a function, of
            `verify.audits.blackbox.auditing.audit_function`; of what trains, `verify.audits.steps.audit.audit_step`.

    Raises:
        InputError: an unusable loss, order, value or covariance.

    """
    loss = as_field(loss)
    if isinstance(loss, Dynamics):
        # Each kind of dynamics registers its audit.
        import verify.audits.cosine_audit
        import verify.audits.logit_audit  # noqa: F401

        return audit_field(loss, **options)
    if isinstance(loss, Loss):
        return audit_definition(loss, **options)
    from verify.audits.blackbox.auditing import audit_function
    from verify.audits.steps.audit import audit_step
    from verify.audits.steps.module import training_module

    if (training := training_module(loss)) is not None:
        return audit_step(training, **{"name": type(loss).__name__, **options})
    if isinstance(loss, tuple):
        raise InputError("a tuple is a loss with its predictor, a function D(p, z) and a torch.nn.Module of z")
    return audit_function(loss, **options)


def audit_definition(
    loss: Loss,
    *,
    order: int = 4,
    basis: str = "A0,Sigma",
    sampling: str = "iid",
    encoders: int = 1,
    given: Mapping[str, int | sympy.Expr] | None = None,
    covariances: Covariances | None = None,
    law: Law | None = None,
    seed: int = 0,
    draws: int = DRAWS,
    train: bool = True,
    tick: Callable[[str], None] = lambda _: None,
) -> Audit:
    """The audit of a loss that is given by its definition.

    Args:
        loss: the loss; values in ``given`` are put in first.
        order: even order in W.
        basis: "A0,Sigma" or "A0,C".
        sampling: "iid" or "fixed".
        encoders: 2 to see the loss through two encoders, W x and V y; 1 leaves it as it is.
        given: exact values of parameters; ``sympy.oo`` takes the limit of the expansion, which is checked before the
            limit is taken.
        covariances: A0 and C of the data to measure on; random ones unless given.
        law: of the data; `derive.Gaussian` unless given.
        seed: of all random numbers.
        draws: random batches at each setting.
        train: False leaves the trained route out.
        tick: called with a word before each step.

    Raises:
        InputError: an unusable loss, order, value or covariance.

    """
    given, law = exact_values(given), law or Gaussian()
    loss = of_encoders(loss, encoders).under(law)
    # A law that nothing can be drawn from is refused here, before anything is derived.
    drawn = in_numbers(law, covariances or Covariances(np.eye(1), np.eye(1)))
    data = None if covariances is None else drawn
    here, later = put_values(loss, given)
    finite = {name: value for name, value in given.items() if value is not sympy.oo}
    subject = Subject(loss, finite, order, basis, sampling, data, seed, draws, train, tick, law)
    tick("derive")
    try:
        expansion = subject.expansion
    except NotAnalyticError as error:
        if error.degree != 0:
            raise
        # A loss of normalised features has no expansion, and that is checked.
        tick("homogeneity")
        evidence = homogeneity.ROUTE.evidence(Subject(here, seed=seed, law=law), error)
        tick("transverse")
        transverse, measured = _transverse(loss, given, seed, law)
        found = Audit(here, given, None, None, "homogeneous", 0, error.reason, None, evidence + measured)
        return replace(found, transverse=transverse)
    shown, limit = limits(expansion, later)
    tick("landscape")

    def expand(higher: int) -> Expansion:
        return limits(here.expand(higher, basis=basis, sampling=sampling, data=law), later)[0]

    # Two augmentations have no common modes.
    known = AUGMENTATION not in here.roles
    landscape = described(_in_the_limit(here, later), shown, limit, expand, law) if known else None
    evidence = tuple(one for route in ROUTES for one in route.evidence(subject, expansion))
    return Audit(here, given, shown, subject.closed, "analytic", None, "", landscape, evidence)


def _in_the_limit(loss: Loss, later: Mapping[str, sympy.Expr]) -> Loss:
    """The loss in the limit of infinitely many data where that is asked for and known; else the loss itself."""
    for name, value in later.items():
        if value is sympy.oo and name in loss.parameters:
            try:
                loss = population(loss, name)
            except InputError:
                return loss
    return loss


def _transverse(
    loss: Loss, given: Mapping[str, sympy.Expr], seed: int, law: Law
) -> tuple[Collapsed | None, tuple[Evidence, ...]]:
    """Whether collapsed modes of a loss without an expansion stay collapsed."""
    if not find_spec("torch"):
        note = "torch is not installed: pip install 'quartic[torch]'"
        return None, (Evidence("monte-carlo", "curvature of a collapsed mode", ran=False, note=note),)
    from verify.routes.reopening.collapsed_modes import of_definition

    return of_definition(loss, given, seed, law)
