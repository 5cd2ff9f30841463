"""How far the modes on both sides of the cut are from changing sides, in the augmentation and in the temperature.

An augmentation whose covariance C is k times as large takes λ to λ/(λ + k(1 − λ)), for all modes at once. A mode is
lost where λ ≤ λ_c, the threshold at the minimum over the modes above it; both move with k, and λ_c alone moves with the
temperature τ. For a loss of unit vectors the threshold is solved again at each k and τ, in the limit of a large batch
(`numeric.sphere.shares`); for others the threshold is the one at hand, the other modes being as they are. Noise of
standard deviation σ on the data is k in σ² as far as features follow it linearly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp, log, sqrt
from typing import TYPE_CHECKING, Literal

import numpy as np
import sympy
from numpy.typing import NDArray

from derive import InputError
from numeric.sphere.shares import shares
from verify.audits.solved_shares import large_batch_form, on_the_sphere

if TYPE_CHECKING:
    from derive import Loss
    from verify.audits.kept_modes import KeptModes
    from verify.networks.last_layer.objective import Objective
    from verify.networks.last_layer.view_modes import ViewModes

Array = NDArray[np.float64]
What = Literal["augmentation", "temperature"]

# How far a factor is looked for, how close it is found, and the step by which a change of sign is bracketed.
FAR, CLOSE, STEP = 64.0, 0.02, 2.0
# Of temperatures that are tried, as fractions.
FINE = 10**6


@dataclass(frozen=True)
class Change:
    """Where a mode changes sides.

    Attributes:
        correlation: its λ.
        kept: whether it is kept now.
        augmentation: the factor k on the covariance of the augmentation at which it changes; None where none does.
        temperature: the τ at which it changes; None where none does, or the loss has none.

    """

    correlation: float
    kept: bool
    augmentation: float | None
    temperature: float | None

    def at(self, strength: float | None) -> str:
        """Where that is, in words.

        >>> Change(0.8, True, 4.0, 0.5).at(0.1), Change(0.8, False, 0.25, None).at(None)
        ('from σ ≈ 0.2 or τ ≈ 0.5 on', 'below 0.25 times the variance of this augmentation')

        """
        places = []
        if self.augmentation is not None:
            known = strength is not None and strength > 0
            sigma = f"σ ≈ {(strength or 0.0) * sqrt(self.augmentation):.2g}"
            places.append(sigma if known else f"{self.augmentation:.2g} times the variance of this augmentation")
        if self.temperature is not None:
            places.append(f"τ ≈ {self.temperature:.2g}")
        if not places:
            return ""
        return f"from {' or '.join(places)} on" if self.kept else f"below {' or below '.join(places)}"


def nearest(
    objective: Objective, modes: ViewModes, predicted: KeptModes, keeps: Sequence[bool | None], rows: int
) -> tuple[Change | None, Change | None]:
    """Where the weakest kept mode would be lost, and where the strongest lost one would be kept.

    Args:
        objective: the loss.
        modes: of the features.
        predicted: the modes at the minimum.
        keeps: which of them are kept there by as many rows as W has.
        rows: of W.

    Returns:
        For each the change; None where there is no such mode, or it never changes.

    """
    # A mode for which there are no rows changes with nothing.
    places = [_weakest(modes, keeps, kept=True)]
    places.append(None if sum(map(bool, keeps)) >= rows else _weakest(modes, keeps, kept=False))
    kept, lost = (None if i is None else _change(objective, modes, predicted, i, kept=keeps[i] is True) for i in places)
    return kept, lost


def _weakest(modes: ViewModes, keeps: Sequence[bool | None], *, kept: bool) -> int | None:
    """The kept mode of the smallest λ, or the lost one of the largest."""
    own = [i for i, one in enumerate(keeps) if one is kept]
    pick = min if kept else max
    return pick(own, key=lambda i: modes.correlations[i]) if own else None


def _change(objective: Objective, modes: ViewModes, predicted: KeptModes, i: int, *, kept: bool) -> Change | None:
    lam = float(modes.correlations[i])
    loss, tau = objective.family, objective.values.get("tau")
    augmentation = temperature = None
    if loss is not None and on_the_sphere(loss):
        above = np.delete(modes.correlations, i)
        above = above[above >= lam]
        if len(above):
            excess = _excess(loss, objective, above, lam)
            augmentation = _crossing(lambda k: excess(k, 1.0), up=kept)
            found = None if tau is None else _crossing(lambda t: excess(1.0, t), up=kept)
            temperature = None if found is None or tau is None else found * float(tau)
    elif (at := predicted.changes.at[i]) is not None and 0 < float(at) < 1 and 0 < lam < 1:
        # λ/(λ + k(1 − λ)) = λ_c.
        augmentation = lam * (1 - float(at)) / (float(at) * (1 - lam))
    if augmentation is None and temperature is None:
        return None
    return Change(lam, kept, augmentation, temperature)


def _excess(loss: Loss, objective: Objective, above: Array, lam: float) -> Callable[[float, float], float]:
    """λ − λ_c with k times the augmentation and t times the temperature, λ_c at the minimum over the modes above."""

    def excess(k: float, t: float) -> float:
        values = dict(objective.values)
        if t != 1:
            values["tau"] = sympy.Rational(float(values["tau"]) * t).limit_denominator(FINE)
        form = large_batch_form(loss, values)
        if form is None:
            return np.nan
        try:
            found = shares(form, above / (above + k * (1 - above)))
        except InputError:
            return np.nan
        # A threshold below 0: any mode comes back.
        return lam / (lam + k * (1 - lam)) - max(found.threshold, 0.0)

    return excess


def _crossing(excess: Callable[[float], float], *, up: bool) -> float | None:
    """The factor above 1, or below it, at which a difference changes its sign; None where it does not up to `FAR`."""
    here = excess(1.0)
    step = STEP if up else 1 / STEP
    # A mode that is on the other side already, in this limit, has no place to be found.
    if not np.isfinite(here) or (here > 0) is not up:
        return None
    low, factor = 0.0, step
    while 1 / FAR <= factor <= FAR:
        there = excess(factor)
        if not np.isfinite(there):
            return None
        if (there > 0) is not up:
            return _root(excess, (low, here), (log(factor), there))
        low, here, factor = log(factor), there, factor * step
    return None


def _root(excess: Callable[[float], float], one: tuple[float, float], other: tuple[float, float]) -> float:
    """Between two factors, given by their logarithms and what is there, by the rule of false position."""
    from scipy.optimize import brentq

    known = dict((one, other))
    return exp(brentq(lambda x: known[x] if x in known else excess(exp(x)), one[0], other[0], xtol=CLOSE))
