"""The modes of DINO: which grow from small weights, at which power they rest, and which survive from large weights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

import numpy as np
import sympy
from numpy.typing import NDArray

from derive import InputError
from derive.fields.dino import Dino, tau_s, tau_t
from derive.fields.logit_field import threshold
from numeric.fields.logits import LogitFlow, fold, powers
from numeric.landscape.kept import Changes, Kept
from numeric.landscape.spectrum import Spectrum, of_covariances, whitened
from numeric.sampling import Covariances
from verify.audits.field_modes import field_modes
from verify.audits.kept_modes import KeptModes

Array = NDArray[np.float64]

# Beyond this many logits, or weights in all, the flow is not followed to its end.
MOST_LOGITS, MOST_WEIGHTS = 64, 512
# Numbers (points × logits) that a mean over the data may take.
_ENTRIES = 2**15
# Reasons of more modes than these are not listed.
_LISTED = 12


@field_modes.register
def _(
    dynamics: Dino,
    values: Mapping[str, sympy.Expr],
    covariances: Covariances | None,
    correlations: Iterable[object] | None = None,
) -> KeptModes:
    here = dynamics.set(values)
    for name in ("tau_s", "tau_t"):
        if name not in here.given:
            raise InputError(f"the modes of {here.name} depend on {name}, a temperature: give --set {name}=…")
    data = modes_of(here.name, covariances, correlations)
    solved = _Modes(here, data)
    stay = solved.kept
    rank = None if None in stay else sum(map(bool, stay))
    kept = Kept(solved.powers, stay, rank, solved.notes, solved.error)
    assumptions = ("zero mean", "Gaussian", "whitened data", "random small weights")
    measured = "what another set of points of the data changes" if any(solved.grows) else ""
    return KeptModes(
        here, dict(values), "field", data, data.size, kept, solved.changes, assumptions, open=solved.open or measured
    )


def modes_of(name: str, covariances: Covariances | None, correlations: Iterable[object] | None) -> Spectrum:
    """The modes of the data, of which λ_i alone counts, from covariances or correlations.

    Raises:
        InputError: both are given, or neither is.

    """
    if covariances is not None and correlations is not None:
        raise InputError("correlations and covariances are both given; give one of them")
    if covariances is not None:
        return of_covariances(covariances)[0]
    if correlations is None:
        raise InputError(f"no correlations are given; {name} needs them: give them as --correlations 0.9,0.5,0.1")
    return whitened(correlations)


class _Modes:
    """What there is to say of given temperatures and correlations."""

    def __init__(self, dino: Dino, data: Spectrum) -> None:
        self.dino, self.data = dino, data
        self.student, self.teacher = (dino.put(one) for one in (tau_s, tau_t))
        self.ratio = dino.put(threshold())
        self.grows = tuple(bool(one > self.ratio) for one in data.correlations)
        self.logits = int(dino.given["K"]) if "K" in dino.given else None

    @property
    def open(self) -> str:
        """Why no power is given, "" where one is."""
        if not any(self.grows):
            return ""
        if self.logits is None:
            return "powers depend on the number of logits: give --set K=…"
        if any(one == 1 for one in self.data.correlations):
            return "weights sharpen without end where views agree"
        if self.logits > MOST_LOGITS or self.logits * self.data.size > MOST_WEIGHTS:
            return f"the flow is followed to its end for {MOST_LOGITS} logits and {MOST_WEIGHTS} weights at most"
        return ""

    @property
    def powers(self) -> Array:
        """Of the state reached from small weights; nan where it is not known, infinite where there is no end."""
        if not any(self.grows):
            return np.zeros(self.data.size)
        if self.open:
            endless = [one == 1 and grows for one, grows in zip(self.data.correlations, self.grows, strict=True)]
            return np.where(endless, np.inf, np.nan)
        found, error, _ = self._ended
        return np.full(self.data.size, np.nan) if np.isnan(error) else np.where(found > error, found, 0.0)

    @property
    def kept(self) -> tuple[bool | None, ...]:
        """Whether each mode has power at the end; None where several grow, and who pushes out whom is not known."""
        if sum(self.grows) <= 1:
            return self.grows
        powers = self.powers
        return tuple(
            False if not grows else None if np.isnan(power) else bool(power > 0)
            for grows, power in zip(self.grows, powers, strict=True)
        )

    @property
    def changes(self) -> Changes:
        """A mode that has grown raises the threshold of the others: only where none has is it τ_t/τ_s."""
        known = self.ratio <= 1
        beside = [sum(self.grows) - grows for grows in self.grows]
        return Changes(tuple(self.ratio if known and others == 0 else None for others in beside))

    @property
    def error(self) -> float:
        """Of the powers, as another set of points has them."""
        return 0.0 if not any(self.grows) else self._ended[1] if not self.open else np.nan

    @cached_property
    def _ended(self) -> tuple[Array, float, Array]:
        """Powers from one start, their error, and the powers from another start."""
        logits = self.logits or 2
        # The points are balanced where their number is a power of two.
        number = max(2**7, 1 << (_ENTRIES // (2 * logits)).bit_length() - 1) if self.data.size > 2 else 0
        one, other = (
            LogitFlow.of(self.data.lam, float(self.student), float(self.teacher), number=number, seed=seed, finer=finer)
            for seed, finer in ((0, 1.0), (1, 1.3))
        )
        ends = [one.end(one.small(logits, seed))[0] for seed in (0, 1)]
        there, _, rests = other.end(ends[0])
        error = float(np.abs(powers(there) - powers(ends[0])).max()) + 1e-6 * float(powers(there).max())
        return powers(ends[0]), error if rests else np.nan, powers(ends[1])

    @property
    def notes(self) -> tuple[str, ...]:
        """The reason for each mode, and what large weights and a mean of the data do."""
        return (*self._reasons(), *self._ends(), *self._of_large_weights(), self._of_the_mean())

    def _reasons(self) -> list[str]:
        said = []
        listed = sorted(set(self.data.correlations), reverse=True)
        for one in listed[:_LISTED]:
            rate = float(one / self.teacher - 1 / self.student)
            sign, does = (">", "grows") if rate > 0 else ("<", "decays") if rate < 0 else ("=", "does neither")
            said.append(f"λ = {float(one):.6g}: λ/τ_t − 1/τ_s = {rate:.4g} {sign} 0: {does} from small weights")
        if len(listed) > _LISTED:
            said.append(f"so on for {len(listed) - _LISTED} more: the threshold is τ_t/τ_s = {float(self.ratio):.4g}")
        return said

    def _ends(self) -> list[str]:
        if not any(self.grows) or self.open:
            return []
        found, error, other = self._ended
        if np.isnan(error):
            return ["the flow did not come to rest: powers are not known; modes of equal λ turn into each other"]
        said = []
        lost = [f"{float(one):.6g}" for one, power, grows in
                zip(self.data.correlations, self.powers, self.grows, strict=True) if grows and not power]  # fmt: skip
        if lost:
            said.append(f"λ = {', '.join(lost)}: grows at first, and is pushed out again by stronger modes")
        if np.abs(found - other).max() > 3 * error + 1e-3 * found.max():
            said.append(f"powers depend on the start: another ends at {', '.join(f'{one:.4g}' for one in other)}")
        return said

    def _of_large_weights(self) -> list[str]:
        if self.ratio >= 1:
            return ["from large weights: τ_t ≥ τ_s, where |W| falls from anywhere, and no mode with λ < 1 survives"]
        if self.logits is None:
            return ["from large weights: K ≥ 5 logits keep a mode somewhat below τ_t/τ_s; --set K=… says how far"]
        edge, size = fold(self.logits, float(self.ratio))
        if size == 0:
            return ["from large weights: as from small ones; K ≤ 4 logits have no hysteresis where a mode is alone"]
        return [f"from large weights: a mode that sets one logit against the others survives down to λ = {edge:.4g}"]

    def _of_the_mean(self) -> str:
        if self.ratio >= 1:
            return "a mean of the data decays too, with a centre and without"
        return "without a centre a mean of the data grows as a mode of λ = 1, and ends in one output for all data"
