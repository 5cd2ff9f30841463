"""Evidence and the verdict that it supports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

Route = Literal["symbolic", "exact", "autodiff", "remainder", "monte-carlo", "trained"]
Verdict = Literal["holds", "conditional", "refuted", "undecided", "not-run"]

# Routes that compare numbers from the definition with the derivation, and share no code with it.
INDEPENDENT: tuple[Route, ...] = ("exact", "autodiff", "remainder", "monte-carlo", "trained")


@dataclass(frozen=True)
class Evidence:
    """One comparison of what was predicted with what was measured.

    Attributes:
        route: how it was measured.
        quantity: what was compared.
        predicted: by the derivation.
        measured: without it.
        error: the standard error where there is one, else the tolerance.
        error_kind: which of the two it is.
        agrees: True or False; None where the evidence does not decide, or was not run.
        seed: of the random numbers, None where there are none.
        note: what a reader needs to judge it: settings, rivals excluded, the reason it was not run.

    """

    route: Route
    quantity: str
    predicted: float | str | None = None
    measured: float | str | None = None
    error: float | None = None
    error_kind: Literal["standard error", "tolerance"] | None = None
    agrees: bool | None = None
    seed: int | None = None
    note: str = ""
    ran: bool = True

    @property
    def z(self) -> float | None:
        """The distance from the prediction in standard errors."""
        numbers = isinstance(self.predicted, float) and isinstance(self.measured, float)
        if self.error_kind != "standard error" or not self.error or not numbers:
            return None
        return (float(self.measured or 0.0) - float(self.predicted or 0.0)) / self.error

    @property
    def mark(self) -> str:
        """✓, ✗, or in words what else."""
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


def verdict(evidence: Iterable[Evidence]) -> Verdict:
    """What the evidence supports.

    ``refuted`` when anything contradicts the derivation; ``holds`` when two independent routes agree with it and
    nothing is against; ``undecided`` otherwise, ``not-run`` when no independent route was run.

    >>> agree = [Evidence("autodiff", "c", agrees=True), Evidence("remainder", "slope", agrees=True)]
    >>> verdict(agree), verdict(agree[:1]), verdict([]), verdict([*agree, Evidence("exact", "c", agrees=False)])
    ('holds', 'undecided', 'not-run', 'refuted')
    """
    ran = [one for one in evidence if one.ran]
    if any(one.agrees is False for one in ran):
        return "refuted"
    routes = {one.route for one in ran if one.agrees and one.route in INDEPENDENT}
    if len(routes) >= 2:
        return "holds"
    return "undecided" if any(one.route in INDEPENDENT for one in ran) else "not-run"
