"""Whether collapsed modes of a loss of unit vectors reopen: what was measured, what is derived, and what is said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from derive.definition.lines import Line
from verify.evidence.agreement import CURVATURES, SIGN, SLOPES
from verify.evidence.answer import NONE, Answer, cut_short, listed
from verify.evidence.evidence import Evidence
from verify.routes.reopening.slopes import Slopes
from verify.routes.reopening.theory import Theory
from verify.routes.reopening.transition import Crossing
from verify.routes.reopening.transverse import Transverse, plus_minus

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Array = NDArray[np.float64]
Item = TypeVar("Item")

# How many modes are kept, the variance of the one more, and the batches that are measured.
RANK, WEAK, BATCHES = 12, 0.3, 100
MEASURED = "curvature of a collapsed mode"
# The longest formula of a mean that is shown.
SHOWN = 400
# The largest error at which a λ_c, of correlations from 0 to 1, says anything.
RESOLVED = 0.1


@dataclass(frozen=True, eq=False)
class Collapsed:
    """The curvatures of a collapsed mode, and what predicts them.

    Attributes:
        points: what was measured, by σ.
        change: the σ at which the sign changes, measured.
        model: what the landscape at fixed norm says, None where there is none to compare with.
        drift: the largest gradient of W within the kept modes, in standard errors.
        slopes: α and β, measured, by σ.
        theory: α, β and λ_c as they are derived; None where there is no definition that the theory covers.
        why_no_theory: a sentence, where there is a definition and no theory.

    """

    points: Mapping[float, Transverse]
    change: Crossing
    model: Crossing | None
    drift: float
    slopes: Mapping[float, Slopes]
    theory: Theory | None = None
    why_no_theory: str = ""

    @property
    def drifts(self) -> str:
        """A sentence where the kept modes are not stationary, so that nothing is decided; else ""."""
        return "" if self.drift <= SLOPES else f"W is not stationary: a gradient of {self.drift:.1f} standard errors"

    @property
    def answer(self) -> Answer:
        """The answer to whether a collapsed mode stays collapsed: by theory where there is one, else as measured."""
        if self.theory is not None and self.theory.change is not None:
            return self._by_theory(self.theory, self.theory.change)
        strengths = listed([f"{s:g}" for s in self.points])
        seen = {one.verdict for one in self.points.values()}
        change, points = self.change, list(self.points.values())
        drifts = self.drifts
        if drifts:
            return Answer(f"{NONE}; whether a lost mode stays lost is not determined: {drifts}.", "open")
        if change.found:
            kept = points[0].value < points[-1].value
            at = f"σ {'≥' if kept else '≤'} {change.text()}"
            other = "below" if kept else "above"
            return Answer(f"{NONE}; a collapsed mode stays collapsed for {at}, measured, and reopens {other}.", "open")
        if seen == {"stays collapsed"}:
            said = f"Collapses: a mode that is lost stays lost at every augmentation measured, σ = {strengths}."
            return Answer(f"{said} {NONE}.", "loses")
        if seen == {"reopens"}:
            said = f"Keeps modes: one that is lost reopens at every augmentation measured, σ = {strengths}."
            return Answer(f"{said} {NONE}.", "keeps")
        return Answer(cut_short(f"{NONE}; whether a lost mode stays lost is not determined: {change.reason}."), "open")

    def _by_theory(self, theory: Theory, change: Crossing) -> Answer:
        beside = f"beside {RANK} equal modes"
        first, last = (one.curvature(mu) for one, mu in zip(_ends(theory.at), _ends(theory.lost), strict=True))
        if change.found:
            at = f"σ {'≥' if first < last else '≤'} {change.text()}"
            other = "below" if first < last else "above"
            said = f"{NONE}; {beside} a lost mode stays lost for {at}, where its view correlation is below λ_c"
            return Answer(f"{said}, and comes back {other}.", "open")
        strengths = listed([f"{s:g}" for s in theory.at])
        if first > 0:
            return Answer(f"Collapses: {beside} a lost mode stays lost, σ = {strengths}. {NONE}.", "loses")
        return Answer(f"Keeps modes: {beside} a lost one comes back, σ = {strengths}. {NONE}.", "keeps")

    def lines(self) -> Iterator[Line]:
        """What is derived and measured of α, β and λ_c, for the section on lost modes."""
        yield Line("lost modes", "−Tr[V (α A0 − β Σ) Vᵀ] + O(V⁴): one comes back where its λ exceeds λ_c = β/α")
        if self.theory is not None:
            shown = {"α": self.theory.alpha, "β": self.theory.beta}
            if max(map(len, shown.values())) <= SHOWN:
                yield from (Line(name, text) for name, text in shown.items())
            yield Line("λ_c", self.theory.text())
        elif self.slopes:
            beside = (f"{one.text()} beside modes of λ = {one.kept:.3g} (σ = {s:g})" for s, one in self.slopes.items())
            why = f"; not derived: {self.why_no_theory}" if self.why_no_theory else ""
            yield Line("λ_c", f"{'; '.join(beside)}, measured{why}")
        model, own = self.model, None if self.theory is None else self.theory.change
        if model is not None and model.found:
            exact = f", {own.text()} for unit vectors" if own is not None and own.found else ""
            yield Line("norm penalty", f"through order 4 with E|f|² = 1 the sign changes at σ = {model.text()}{exact}")
        elif model is not None and model.absent:
            yield Line("norm penalty", f"through order 4 with E|f|² = 1: {model.text()}")

    def evidence(self) -> tuple[Evidence, ...]:
        """Evidence on the derivatives, on curvature and λ_c at each strength, and on the sign change."""
        points = (self._point(s) for s in self.points)
        levels = (self._level(s) for s in self.slopes)
        return (self._derivatives(), *points, *levels, self._change())

    def to_json(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "kept": RANK,
            "variances": [1.0] * RANK + [WEAK],
            "strengths": {f"{s:g}": found.to_json() for s, found in self.points.items()},
            "lost_modes": self._lost_modes(),
            "sign_change": self.change.to_json(),
            "norm_penalty": None if self.model is None else self.model.to_json(),
            "drift": self.drift,
        }

    def _lost_modes(self) -> dict[str, object]:
        theory = self.theory
        strengths = {
            f"{s:g}": {
                "kept": found.kept,
                "lost": None if theory is None else theory.lost[s],
                "theory": None if theory is None else theory.at[s].to_json(),
                "curvature": None if theory is None else theory.curvature(s)[0],
                "measured": found.to_json(),
            }
            for s, found in self.slopes.items()
        }
        change = None if theory is None or theory.change is None else theory.change.to_json()
        return {
            "alpha": None if theory is None else theory.alpha,
            "beta": None if theory is None else theory.beta,
            "strengths": strengths,
            "sign_change": change,
            "note": self.why_no_theory or None,
        }

    def _derivatives(self) -> Evidence:
        first = next(iter(self.points.values()))
        quantity = f"L″ along a collapsed mode, rank {RANK} of {RANK + 1}: autodiff − differences"
        note = "in units of what rounding and the steps explain"
        if first.difference is None:
            return Evidence("autodiff", quantity, ran=False, note="the loss cannot be differentiated twice: by values")
        right = first.derivatives == "autodiff"
        note = note if right else "autodiff differs from values, which are used"
        return Evidence(
            "autodiff", quantity, 0.0, first.difference, 1.0, "tolerance", True if right else None, first.seed, note
        )

    def _point(self, s: float) -> Evidence:
        found = self.points[s]
        quantity = f"{MEASURED}, σ = {s:g}"
        note = found.why_not or self.drifts
        if self.theory is not None:
            predicted, own = self.theory.curvature(s)
            error = float(np.hypot(found.error, own))
            # What noise hides does not count as agreeing.
            hidden = error > abs(predicted) / SIGN
            z = abs(found.value - predicted) / error
            agrees = CURVATURES.decide(z, samples=len(found.samples), sees=not hidden)
            quantity += f" ({found.verdict})"
            return Evidence(
                "monte-carlo", quantity, predicted, found.value, error, "standard error", agrees, found.seed, note
            )
        decided = True if found.verdict != "undecided" and not self.drifts else None
        said = plus_minus(found.value, found.error) + (f", {found.verdict}" if decided else "")
        return Evidence("monte-carlo", quantity, None, said, found.error, "standard error", decided, found.seed, note)

    def _level(self, s: float) -> Evidence:
        """λ_c, from the second derivatives at two correlations of the lost mode."""
        found, quantity = self.slopes[s], f"λ_c = β/α, σ = {s:g}"
        level = found.threshold
        derived = None if self.theory is None else self.theory.at[s].threshold
        if level is None or self.drifts:
            return Evidence("monte-carlo", quantity, measured=found.text(), seed=found.seed, note=self.drifts)
        if self.theory is None or derived is None:
            decided = True if level[1] <= RESOLVED else None
            return Evidence(
                "monte-carlo", quantity, None, found.text(), level[1], "standard error", decided, found.seed
            )
        error = float(np.hypot(level[1], float(derived.error) if self.theory.random else 0.0))
        z = abs(level[0] - float(derived.value)) / error
        agrees = CURVATURES.decide(z, samples=len(found.values), sees=error <= RESOLVED)
        return Evidence(
            "monte-carlo", quantity, float(derived.value), level[0], error, "standard error", agrees, found.seed
        )

    def _change(self) -> Evidence:
        said = f"σ = {self.change.text()}" if self.change.found else self.change.text()
        derived = None if self.theory is None else self.theory.change
        if derived is not None and derived.found and self.change.found and not self.drifts:
            z = abs(self.change.strength - derived.strength) / self.change.error
            agrees = CURVATURES.decide(z, samples=BATCHES)
            seed = next(iter(self.points.values())).seed
            values = derived.strength, self.change.strength, self.change.error
            return Evidence("monte-carlo", "σ of its sign change", *values, "standard error", agrees, seed)
        decided = True if (self.change.found or self.change.absent) and not self.drifts else None
        error = self.change.error if self.change.found else None
        seed = next(iter(self.points.values())).seed
        quantity = "its sign change"
        return Evidence("monte-carlo", quantity, None, said, error, "standard error", decided, seed, self.drifts)


def _ends(values: Mapping[float, Item]) -> tuple[Item, Item]:
    """Those at the weakest and at the strongest augmentation."""
    found = list(values.values())
    return found[0], found[-1]
