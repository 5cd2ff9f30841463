"""What an audit measures for a loss without an expansion at W = 0: whether a collapsed mode stays collapsed.

The data are chosen so that a point of lower rank is known exactly. Twelve modes have the variance 1 and one has less,
and an augmentation of strength σ adds σ² to each; W keeps the twelve equally
(`verify.routes.reopening.kept_modes.alike`), at a rank at which the second derivative of a loss of unit vectors has
four moments, so that its standard error can be trusted. The curvature of the expected loss along the thirteenth is then
measured at a few σ, and its sign change found. For comparison there are the landscape through order 4 with E|f|² = 1
fixed, the model of a normalisation, and for InfoNCE of unit vectors the curvature by quadrature.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy
import torch
from numpy.typing import NDArray

from derive import CATALOGUE, InputError, catalogue
from numeric.sampling import Covariances
from numeric.sphere.equal_modes import Sphere
from verify.evidence.agreement import CURVATURES, SIGN, SLOPES
from verify.evidence.answer import NONE, Answer, cut_short, listed
from verify.evidence.evidence import Evidence
from verify.routes.reopening.directions import opening
from verify.routes.reopening.kept_modes import alike, drift, modes
from verify.routes.reopening.transition import Crossing, crossing, measured, predicted
from verify.routes.reopening.transverse import Transverse, plus_minus, transverse
from verify.running.threads import one_thread
from verify.truths.settings import counted_symbols, values_for
from verify.truths.two_views import TwoViews, one_by_one, temperature_of, two_views

if TYPE_CHECKING:
    from collections.abc import Mapping

    from derive import Law, Loss
    from verify.truths.function import BlackBox

Array = NDArray[np.float64]

RANK, WEAK = 12, 0.3
STRENGTHS = (0.1, 0.3, 1.0)
BATCHES, BATCH, POPULATION = 100, 32, 64
# The resolution of a sign change, as a fraction of the bracket, far below its noise.
RESOLUTION = 3e-3
# The longest time of one call of a torch function, in seconds: thousands are needed.
SLOW = 0.02
MEASURED = "curvature of a collapsed mode"


@dataclass(frozen=True, eq=False)
class Collapsed:
    """The curvatures of a collapsed mode, and what predicts them.

    Attributes:
        points: what was measured, by σ.
        change: the σ at which the sign changes.
        model: what the landscape at fixed norm says, None where there is none to compare with.
        exact: the curvatures by quadrature, by σ; None where they are not known.
        drift: the largest gradient of W within the kept modes, in standard errors.

    """

    points: Mapping[float, Transverse]
    change: Crossing
    model: Crossing | None
    exact: Mapping[float, float] | None
    drift: float

    @property
    def drifts(self) -> str:
        """A sentence where the kept modes are not stationary, so that nothing is decided; else ""."""
        return "" if self.drift <= SLOPES else f"W is not stationary: a gradient of {self.drift:.1f} standard errors"

    @property
    def answer(self) -> Answer:
        """The answer to whether a collapsed mode stays collapsed."""
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

    def evidence(self) -> tuple[Evidence, ...]:
        """Evidence on the derivatives, on the curvature at each strength, and on the sign change."""
        return (self._derivatives(), *(self._point(s) for s in self.points), self._change())

    def to_json(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "kept": RANK,
            "variances": [1.0] * RANK + [WEAK],
            "strengths": {f"{s:g}": found.to_json() for s, found in self.points.items()},
            "exact": None if self.exact is None else {f"{s:g}": value for s, value in self.exact.items()},
            "sign_change": self.change.to_json(),
            "norm_penalty": None if self.model is None else self.model.to_json(),
            "drift": self.drift,
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
        found, exact = self.points[s], None if self.exact is None else self.exact[s]
        quantity = f"{MEASURED}, σ = {s:g}"
        note = found.why_not or self.drifts
        if exact is not None:
            z = abs(found.value - exact) / found.error
            # What noise hides does not count as agreeing.
            hidden = found.error > abs(exact) / SIGN
            agrees = CURVATURES.decide(z, samples=len(found.samples), sees=not hidden)
            quantity += f" ({found.verdict})"
            return Evidence(
                "monte-carlo", quantity, exact, found.value, found.error, "standard error", agrees, found.seed, note
            )
        decided = True if found.verdict != "undecided" and not self.drifts else None
        said = plus_minus(found.value, found.error) + (f", {found.verdict}" if decided else "")
        return Evidence("monte-carlo", quantity, None, said, found.error, "standard error", decided, found.seed, note)

    def _change(self) -> Evidence:
        said = f"σ = {self.change.text()}" if self.change.found else self.change.text()
        if self.model is not None:
            said += f"; fixed norm through order 4: {self.model.text()}"
        decided = True if (self.change.found or self.change.absent) and not self.drifts else None
        error = self.change.error if self.change.found else None
        seed = next(iter(self.points.values())).seed
        quantity = "its sign change"
        return Evidence("monte-carlo", quantity, None, said, error, "standard error", decided, seed, self.drifts)


def family(s: float) -> Covariances:
    """The data at a strength of the augmentation.

    >>> modes(family(0.5))[1].round(3)[[0, -2, -1]]
    array([0.8  , 0.8  , 0.545])
    """
    return Covariances(np.diag([1.0] * RANK + [WEAK]), s**2 * np.eye(RANK + 1))


def collapsed(
    loss: TwoViews,
    *,
    batch: int = BATCH,
    seed: int = 0,
    unnormalised: Loss | None = None,
    values: Mapping[str, float] | None = None,
    exact: bool = False,
) -> Collapsed:
    """Measure a loss that does not depend on the length of W.

    Args:
        loss: of two views (B, N, d) each, one value per batch.
        batch: N.
        seed: of the draws.
        unnormalised: the loss without its normalisation, for the landscape at fixed norm.
        values: of its parameters.
        exact: whether it is InfoNCE of unit vectors over a population, whose curvature is known by quadrature.

    Raises:
        InputError: the loss has no finite second derivative there.

    """
    with one_thread():
        points = {
            s: transverse(
                loss, family(s), opening(alike(family(s), RANK), family(s)), batch=batch, batches=BATCHES, seed=seed
            )
            for s in STRENGTHS
        }
        low, high = STRENGTHS[0], STRENGTHS[-1]
        curve = measured(loss, family, lambda s: alike(family(s), RANK), batch=batch, batches=BATCHES, seed=seed)
        change = crossing(curve, low, high, tolerance=RESOLUTION)
        moves = drift(loss, family(high), alike(family(high), RANK), batch=batch, batches=BATCHES, seed=seed + 1)
    temperature = temperature_of(unnormalised.name, values or {}) if unnormalised is not None else 1.0
    # The landscape at fixed norm is that of |f| = 1.
    model = (
        None if unnormalised is None or temperature != 1 else predicted(unnormalised, family, RANK, low, high, values)
    )
    curvatures = None
    if exact:
        correlations = {s: modes(family(s))[1] for s in STRENGTHS}
        # E|f|² = 1 instead of r.
        curvatures = {
            s: RANK * Sphere(RANK, float(x[0]), temperature).curvature(float(x[-1])) for s, x in correlations.items()
        }
    return Collapsed(points, change, model, curvatures, moves)


def of_definition(
    loss: Loss, given: Mapping[str, sympy.Expr], seed: int, law: Law
) -> tuple[Collapsed | None, tuple[Evidence, ...]]:
    """The same for a normalised loss of the catalogue; for any other loss, evidence that says why it was not run.

    Args:
        loss: its parameters still symbolic.
        given: exact values of parameters.
        seed: of the draws.
        law: of the data.

    """
    base, *modifiers = loss.name.split("+")
    known = base in CATALOGUE and modifiers == ["normalised"]
    if not known or catalogue(loss.name).expression != loss.expression:
        return None, _not_run("no hand-written torch loss is known for this definition")
    if not law.closes:
        return None, _not_run(f"it is measured on Gaussian data, and not on those of the law {law.text}")
    if any(value is sympy.oo for value in given.values()):
        return None, _not_run("the loss is measured at finite values of its parameters")
    plain, counted = catalogue(base), counted_symbols(loss)
    values = {name: float(value) for name, value in (values_for(plain, BATCH, RANK + 1) | dict(given)).items()}
    return _run(
        two_views(loss.name, values),
        batch=int(values[min(counted)]) if counted else POPULATION,
        seed=seed,
        unnormalised=plain,
        values=values,
        exact=base == "infonce",
    )


def of_function(box: BlackBox, smallest: int, seed: int) -> tuple[Collapsed | None, tuple[Evidence, ...]]:
    """The same for a torch function of two views that does not depend on the length of its features.

    Args:
        box: the function.
        smallest: the smallest batch that it takes.
        seed: of the draws.

    """
    batch = max(BATCH, smallest)
    before = box.seen.seconds
    try:
        with one_thread():
            box(np.random.default_rng(seed).standard_normal((2, batch, RANK + 1)))
    except InputError as error:
        # For instance at a width that it does not take.
        return None, _not_run(str(error))
    took = box.seen.seconds - before
    if took > SLOW:
        return None, _not_run(f"one call takes {took:.1g} s; thousands are needed")
    loss = one_by_one(lambda z1, z2: box.tensor(torch.stack([z1, z2])))
    return _run(loss, batch=batch, seed=seed)


def _run(loss: TwoViews, **options: Any) -> tuple[Collapsed | None, tuple[Evidence, ...]]:
    try:
        found = collapsed(loss, **options)
    except InputError as error:
        return None, _not_run(str(error))
    return found, found.evidence()


def _not_run(why: str) -> tuple[Evidence, ...]:
    return (Evidence("monte-carlo", MEASURED, ran=False, note=why),)
