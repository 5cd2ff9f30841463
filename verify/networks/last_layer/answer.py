"""What a person with a collapsing training wants to know of a last layer, before anything else that is found of it.

In this order: which directions of the features W keeps; which are lost, and since what augmentation or temperature; how
near the next change is; what to change. Then the spectrum of view correlations with the predicted cut, and the measures
of the field on the outputs. All of it rests on what is printed further down: λ_i with their errors, W's shares, and the
modes at the minimum of the loss for Gaussian data with these λ_i.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from derive import InputError
from derive.definition.lines import Line
from numeric.sampling import Covariances
from verify.audits.modes import modes as kept_modes
from verify.networks.last_layer.diagnostics import Diagnostics, diagnostics
from verify.networks.last_layer.nearest import Change, nearest
from verify.networks.last_layer.second_moments import spread
from verify.networks.last_layer.seen_modes import SeenModes, certain, ranks, seen_modes

if TYPE_CHECKING:
    from verify.audits.kept_modes import KeptModes
    from verify.networks.last_layer.features import Features
    from verify.networks.last_layer.objective import Objective
    from verify.networks.last_layer.sphere import OnSphere

Array = NDArray[np.float64]

# Of the spectrum, on each side of the cut.
SHOWN = 4
# A mean that has this part of E|f|² is said to be what outputs share.
SHARED = 0.9
# Features whose variance is below this part of their square are one vector, to the rounding of single precision.
NOTHING = 1e-10
# Data that a direction needs: half of them give directions, and half the values along these.
NEEDED, WANTED = 2, 4


@dataclass(frozen=True, eq=False)
class LayerAnswer:
    """What is kept and lost at one strength of the augmentation.

    Attributes:
        label: the strength in words.
        strength: as a number; None where the augmentation has none.
        data: N, the number of data.
        features: d0, the number of features.
        rows: d1, the number of outputs.
        loss: the loss with its values, for use within a sentence.
        measures: of the outputs; None where they have none.
        seen: the modes of the features and W's shares; None where the features or W are 0 or do not vary.
        why: the reason.
        predicted: the modes at the minimum for Gaussian data with these λ_i; None where they are not known.
        why_not: the reason.
        next_lost: where the weakest mode that is kept there would be lost.
        next_kept: where the strongest mode that is lost there would be kept.
        returning: of the lost modes that were looked at, how many come back at this W; None where none were.

    """

    label: str
    strength: float | None
    data: int
    features: int
    rows: int
    loss: str
    measures: Diagnostics | None
    seen: SeenModes | None
    why: str = ""
    predicted: KeptModes | None = None
    why_not: str = ""
    next_lost: Change | None = None
    next_kept: Change | None = None
    returning: int | None = None

    @property
    def too_few(self) -> int | None:
        """How many data are needed to tell λ_i; None where these are enough."""
        if self.seen is None or self.data >= NEEDED * (len(self.seen.modes.correlations) + 1):
            return None
        return WANTED * self.features

    @property
    def keeps(self) -> tuple[bool | None, ...]:
        """By mode, whether the minimum keeps it with as many rows as W has: those of the largest λ come first."""
        if self.predicted is None or self.seen is None:
            return ()
        kept = list(self.predicted.kept)
        order = np.argsort(-self.seen.modes.correlations, kind="stable")
        for i in [i for i in order if kept[i]][self.rows :]:
            kept[i] = False
        return tuple(kept)

    @property
    def range(self) -> tuple[int, int] | None:
        """The fewest and the most modes that are kept at the minimum; None where that is not known."""
        if self.predicted is None or self.seen is None or self.too_few or set(self.keeps) == {None}:
            return None
        fewest, most = ranks(certain(self.predicted, self.seen.modes))
        return min(fewest, self.rows), min(most, self.rows)

    @property
    def _because(self) -> str:
        return f": {self.why_not}" if self.why_not else ""

    def lines(self) -> Iterator[Line]:
        """The answer, the spectrum and the measures."""
        if self.seen is None:
            yield Line("kept", f"none: {self.why}")
            yield Line("to change", "; ".join(self.advice()))
        elif self.too_few:
            few = f"{self.data} data tell no view correlations of {self.features} features"
            yield Line("kept", f"undetermined: {few}; give {self.too_few} or more (--images {self.too_few})")
        else:
            yield Line("kept", self._kept(self.seen))
            yield Line("lost", self._lost(self.seen))
            yield Line("next", self._next())
            yield Line("to change", "; ".join(self.advice()))
            yield Line("spectrum", self._spectrum(self.seen))
        if self.measures is not None:
            yield Line("measures", self.measures.text())

    def _kept(self, seen: SeenModes) -> str:
        n = len(seen.modes.correlations)
        said = f"W keeps {seen.rank} of the {n} directions in which features vary, effective rank"
        said = f"{said} {seen.effective_rank:.3g}"
        if self.range is None:
            return f"{said}; what {self.loss} keeps at its minimum is not known{self._because}"
        return f"{said}; {self.loss} keeps {_number(self.range)} at its minimum"

    def _lost(self, seen: SeenModes) -> str:
        lost = len(seen.modes.correlations) - seen.rank
        said = f"{lost} directions by W" if lost else "none by W"
        if seen.modes.flat:
            said += f"; along {seen.modes.flat} of {self.features} features do not vary: lost before this layer"
        if self.range is None or self.predicted is None:
            return said
        away = [float(lam) for lam, kept in zip(seen.modes.correlations, self.keeps, strict=True) if not kept]
        if not away:
            return f"{said}; none at the minimum"
        if more := sum(map(bool, self.predicted.kept)) - sum(map(bool, self.keeps)):
            return f"{said}; at the minimum {len(away)}, λ ≤ {max(away):.3g}, {more} of them for want of rows"
        if sum(map(bool, self.keeps)) >= self.rows:
            return f"{said}; at the minimum {len(away)}, λ ≤ {max(away):.3g}: W has no more rows"
        since = "" if self.next_kept is None else f", the last of them {_since(self.next_kept, self.strength)}"
        return f"{said}; at the minimum {len(away)}, λ ≤ {max(away):.3g}{since}"

    def _next(self) -> str:
        if self.range is None or self.predicted is None:
            return f"not known{self._because}"
        if self.next_lost is None:
            if self.predicted.threshold is None and self.range[0] == self.range[1]:
                return "no direction is near its loss: none is lost by a stronger augmentation or another temperature"
            return "not known how far the next direction is from its loss"
        change = self.next_lost
        return f"λ = {change.correlation:.3g} is lost {change.at(self.strength)}"

    def advice(self) -> list[str]:
        """What to change, the most telling first."""
        if self.seen is None:
            return ["train anew with a loss or an architecture that keeps directions; see quartic audit of the loss"]
        said, seen = [], self.seen
        if seen.of_mean > SHARED:
            said.append(
                f"outputs share one vector, {seen.of_mean:.0%} of E|f|²: take their mean away (a bias, batch norm)"
            )
        if self.range is None:
            return [*said, f"not known{self._because}"]
        fewest, most = self.range
        n = len(seen.modes.correlations)
        if fewest >= self.rows < n:
            said.append(f"more rows: the minimum uses all {self.rows} of W, and features vary along {n} directions")
        if seen.rank < fewest:
            back = "" if self.returning is None else f" ({self.returning} of those looked at come back at this W)"
            said.append(
                f"train on: the minimum keeps {_number((fewest - seen.rank, most - seen.rank))} more than W{back}"
            )
        elif seen.rank > most:
            said.append(f"W still has {seen.rank - most} that the minimum loses: expect them to go as training goes on")
        if self.next_kept is not None:
            change = self.next_kept
            said.append(f"to keep λ = {change.correlation:.3g} too, go {change.at(self.strength)}")
        return said or ["nothing: W keeps what the loss keeps; only other data or another augmentation change that"]

    def _spectrum(self, seen: SeenModes) -> str:
        order = np.argsort(-seen.modes.correlations, kind="stable")
        lam = [f"{seen.modes.correlations[i]:.3g}" for i in order]
        if self.predicted is None or self.range is None:
            return f"λ_i = {_ends(lam)}"
        keeps = [self.keeps[i] for i in order]
        kept = [value for value, one in zip(lam, keeps, strict=True) if one]
        lost = [value for value, one in zip(lam, keeps, strict=True) if not one]
        level = self.predicted.threshold
        cut = "" if level is None else f" λ_c = {level:.3g} |"
        return f"λ_i = {_ends(kept) or 'none'} |{cut} {_ends(lost) or 'none'}"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; what is not known is null."""
        seen, found = self.seen, self.predicted
        return {
            "label": self.label,
            "strength": self.strength,
            "kept": None if seen is None or self.too_few else seen.rank,
            "effective_rank": None if seen is None or self.too_few else seen.effective_rank,
            "directions": None if seen is None else len(seen.modes.correlations),
            "flat": None if seen is None else seen.modes.flat,
            "mean": None if seen is None else seen.of_mean,
            "data_needed": self.too_few,
            "predicted_kept": None if self.range is None else list(self.range),
            "threshold": None if found is None else found.threshold,
            "why_not": self.why or self.why_not or None,
            "next_lost": _change_json(self.next_lost),
            "next_kept": _change_json(self.next_kept),
            "to_change": self.advice() if not self.too_few else [],
            "correlations": [] if seen is None else seen.modes.correlations.tolist(),
            "measures": None if self.measures is None else self.measures.to_json(),
        }


def layer_answer(
    objective: Objective,
    features: Features,
    *,
    label: str = "",
    strength: float | None = None,
    sphere: OnSphere | None = None,
) -> LayerAnswer:
    """The answer for a last layer under a loss.

    Args:
        objective: the loss, with its normalisation.
        features: two views of data, and W.
        label: the strength in words.
        strength: as a number.
        sphere: what was found of a loss of unit vectors on these features already.

    Raises:
        InputError: fewer data than have a spread.

    """
    outputs = features.embedded()
    try:
        measures = diagnostics(outputs[0], outputs[1])
    except InputError:
        measures = None
    shown = ", ".join(f"{name} = {value}" for name, value in objective.values.items())
    about = f"{objective.name}{f' at {shown}' if shown else ''}"
    found = LayerAnswer(label, strength, features.N, features.d0, features.d1, about, measures, None)
    if collapsed(features):
        return replace(found, why="collapsed completely before this layer, all features are equal")
    try:
        seen = sphere.seen if sphere is not None else seen_modes(features)
    except InputError as error:
        return replace(found, why=str(error))
    if sphere is not None:
        predicted, why_not = sphere.predicted, sphere.why_not
    else:
        predicted, why_not = _predicted(objective, features, seen)
    returning = None
    if sphere is not None and sphere.reopening is not None and sphere.reopening.lost:
        returning = sum(one.state == "comes back" for one in sphere.reopening.lost)
    found = replace(found, seen=seen, predicted=predicted, why_not=why_not, returning=returning)
    if predicted is None or found.too_few:
        return found
    next_lost, next_kept = nearest(objective, seen.modes, predicted, found.keeps, features.d1)
    return replace(found, next_lost=next_lost, next_kept=next_kept)


def collapsed(features: Features) -> bool:
    """Whether all features are one vector, to rounding."""
    square = variance = 0.0
    first = np.asarray(features.views[0][0], dtype=np.float64)
    for _, x in features.chunks():
        square += float((x**2).sum())
        variance += float(((x - first) ** 2).sum())
    return variance <= NOTHING * square


def _predicted(objective: Objective, features: Features, seen: SeenModes) -> tuple[KeptModes | None, str]:
    """The modes at the minimum of a loss that has an expansion, or why they are not known."""
    if objective.family is None:
        return None, f"the definition of {objective.name} is not known"
    given: dict[str, Any] = {}
    try:
        if objective.decay:
            moments = spread(features)
            # Estimates without bias may have eigenvalues below 0, which no covariance has.
            given["covariances"] = Covariances(_positive(moments.A0), _positive(moments.C))
        else:
            given["correlations"] = seen.modes.correlations.tolist()
        found = kept_modes(objective.family, given=objective.values, measure=False, **given)
    except InputError as error:
        return None, str(error)
    if len(found.kept) != len(seen.modes.correlations):
        return None, "the features do not vary along all of their directions"
    return found, ""


def _positive(matrix: Array) -> Array:
    """A symmetric matrix with its negative eigenvalues put to 0."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray(vectors * np.maximum(values, 0.0) @ vectors.T)


def _number(between: tuple[int, int]) -> str:
    fewest, most = between
    return f"{fewest}" if fewest == most else f"{fewest} to {most}"


def _since(change: Change, strength: float | None) -> str:
    return f"kept {change.at(strength)}"


def _ends(values: Sequence[str]) -> str:
    """The first few and the last of many."""
    return ", ".join(values) if len(values) <= SHOWN + 1 else f"{', '.join(values[:SHOWN])}, …, {values[-1]}"


def _change_json(change: Change | None) -> dict[str, Any] | None:
    if change is None:
        return None
    return {
        "correlation": change.correlation,
        "augmentation_factor": change.augmentation,
        "temperature": change.temperature,
    }
