"""The result of the audit of a torch loss that this project has never seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from dataclasses import field as fresh
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from derive import Expansion
from derive.landscape.summary import Described
from verify.audits.blackbox import answered
from verify.audits.blackbox.against import Comparison
from verify.audits.blackbox.collapsed import CollapsedValue
from verify.audits.blackbox.derivatives import Derivatives
from verify.audits.blackbox.expansions import Expanded
from verify.audits.blackbox.field import Field
from verify.audits.blackbox.findings import describe
from verify.audits.blackbox.growth import Growth
from verify.audits.blackbox.invariances import Invariances
from verify.audits.blackbox.regularity import Regularity
from verify.audits.blackbox.two_scales import TwoScales
from verify.evidence.answer import Answer
from verify.evidence.description import Describable, Description
from verify.evidence.evidence import Evidence, Verdict, verdict
from verify.routes.reopening.collapsed import Collapsed
from verify.truths.function import BlackBox


@dataclass(frozen=True)
class BlackBoxAudit(Describable):
    """The result of the audit of a black box.

    Attributes:
        box: the loss, and what was noticed while it ran.
        replaced: what was replaced, a sentence each; empty where the loss was run unchanged.
        regularity: that of the function near 0.
        given: the values that were set.
        placed: where each of these was used: "the code", "the constants" or "the definition".
        encoders: 2 where the views are W x and V y, else 1.
        invariances: of the function; None where it has no values to compare.
        field: what training follows where that is not the gradient of the loss; None where it is.
        derivatives: automatic differentiation against values; None where there is nothing to differentiate.
        found: the expansion and how it was recognised; None where there is none.
        second: for a loss that singles out coordinates, its second order as matrices, see
            `verify.audits.blackbox.coefficients.second_order`; None elsewhere.
        landscape: that of the expansion, through order 4; None for a field.
        growth: that of the loss far from W = 0, None where it was not measured.
        normalised: the landscape with E|f|² = c fixed, as the model of a normalisation that was replaced; None without.
        differences: the terms that differ from those of the loss it is compared with; None where none are compared.
        evidence: the comparisons.
        transverse: whether collapsed modes stay collapsed, where the loss does not depend on the length of its
            features; None elsewhere.
        against: the comparison with another loss; None where none was given.
        collapsed: the loss at complete collapse, and at a kept rank of 1; empty where it is no number there.
        sides: a loss with a scale of its own, below that and above; None elsewhere.
        notes: how it was called, where that is not ``loss(z1, z2)``, a sentence each.

    """

    box: BlackBox
    replaced: tuple[str, ...]
    regularity: Regularity
    given: Mapping[str, sympy.Expr] = fresh(default_factory=dict)
    placed: Mapping[str, tuple[str, ...]] = fresh(default_factory=dict)
    encoders: int = 1
    invariances: Invariances | None = None
    field: Field | None = None
    derivatives: Derivatives | None = None
    found: Expanded | None = None
    second: Mapping[str, NDArray[np.float64]] | None = None
    landscape: Described | None = None
    growth: Growth | None = None
    normalised: Described | None = None
    differences: tuple[str, ...] | None = None
    evidence: tuple[Evidence, ...] = ()
    transverse: Collapsed | None = None
    against: Comparison | None = None
    collapsed: tuple[CollapsedValue, ...] = ()
    notes: tuple[str, ...] = ()
    sides: TwoScales | None = None

    @property
    def expansion(self) -> Expansion | None:
        """The expansion, None where there is none."""
        return None if self.found is None else self.found.expansion

    @property
    def model(self) -> str:
        """The linear model: W x, or W x, V y."""
        return "W x" if self.encoders == 1 else "W x, V y"

    @property
    def verdict(self) -> Verdict:
        """The verdict that the evidence supports; where another loss was given, it holds only if the two are equal."""
        found = verdict(self.evidence)
        return "undecided" if found == "holds" and self.against is not None and not self.against.agrees else found

    @property
    def about(self) -> str:
        """What the verdict is about."""
        return answered.about(self)

    @property
    def answer(self) -> Answer:
        """Which modes the loss keeps and which it loses."""
        return answered.answer(self)

    def description(self) -> Description:
        """The description from which each form of a report is written."""
        return describe(self)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        expansion, smooth = self.expansion, self.regularity
        return {
            "answer": self.answer.text,
            "loss": self.box.name,
            "title": f"{self.box.name}, user code",
            "source": "measured",
            "definition": None,
            **({"model": self.model} if self.encoders == 2 else {}),
            "set": {name: str(value) for name, value in self.given.items()},
            "calls": self.box.seen.calls,
            "called": list(self.notes),
            "random": smooth.random,
            "core": list(self.replaced) or None,
            "expansion": expansion.to_json() if expansion else None,
            "latex": expansion.latex() if expansion else None,
            "second_order": {name: matrix.tolist() for name, matrix in self.second.items()} if self.second else None,
            "numbers": {
                name: {str(size): list(measured) for size, measured in values.items()}
                for name, values in (self.found.numbers if self.found else {}).items()
            },
            "claimed": {"d1": self.found.width, "N": self.found.largest} if self.found else None,
            "tried": list(self.found.tried) if self.found else [],
            "residual": self.found.residual if self.found else None,
            "regularity": smooth.kind,
            "degree": smooth.degree,
            "scale": smooth.scale,
            "reason": smooth.reason or None,
            "rotation_invariant": None if self.invariances is None else self.invariances.rotation,
            "invariances": None if self.invariances is None else self.invariances.to_json(),
            "field": self.field.to_json() if self.field else None,
            "constants": dict(self.found.constants) if self.found else {},
            # A field has no Hessian.
            "B": {letter: str(value) for letter, value in expansion.B.items()}
            if expansion and not self.field
            else None,
            "collapse": self.landscape.collapse.to_json() if self.landscape else None,
            "landscape": self.landscape.to_json() if self.landscape else None,
            "growth": None if self.growth is None else asdict(self.growth),
            "normalised": None
            if self.normalised is None
            else self.normalised.to_json() | {"collapse": self.normalised.collapse.to_json()},
            "differences": None if self.differences is None else list(self.differences),
            "against": None if self.against is None else self.against.to_json(),
            "transverse": self.transverse.to_json() if self.transverse else None,
            "sides": self.sides.to_json() if self.sides else None,
            "collapsed": [one.to_json() for one in self.collapsed],
            "evidence": [one.to_json() for one in self.evidence],
            "verdict": self.verdict,
            "about": self.about,
        }
