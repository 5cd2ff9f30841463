"""The last layer at several strengths of the augmentation: what is predicted, what is measured, where it collapses.

With growing augmentation an eigenvalue of B, or the slope along which a part of W opens, changes its sign: there the
part collapses, and where the last has gone, the collapse is complete. A change of sign is looked for between two
strengths at which the sign is beyond the noise, and interpolated linearly. Its error is made of those at both, and of
what changes by interpolating in the square of the strength, of which noise adds a multiple to C.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from math import inf, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derive import InputError
from verify.evidence.agreement import SEEN, sign
from verify.evidence.description import Describable, Description
from verify.networks.last_layer.answer import LayerAnswer, collapsed, layer_answer
from verify.networks.last_layer.features import Features
from verify.networks.last_layer.findings import describe, to_json
from verify.networks.last_layer.landscape import Landscape, landscape, loss_along
from verify.networks.last_layer.objective import Objective, core, is_normalised
from verify.networks.last_layer.prediction import Order, along_ray
from verify.networks.last_layer.second_moments import Spectrum, along, orthogonal_parts, spectrum, spread
from verify.networks.last_layer.second_order import second_of
from verify.networks.last_layer.sphere import OnSphere, on_sphere

Array = NDArray[np.float64]
LINE = np.linspace(-1.6, 1.6, 65)


@dataclass(frozen=True, eq=False)
class AtStrength:
    """What is found at one strength.

    Attributes:
        label: the strength in words.
        strength: as a number; None where the augmentation has none.
        orders: 2 and 4 along t·W.
        eigenvalues: of B, in all d0 directions; None where the loss has no B.
        directions: vᵀ B v along the right singular vectors v of W, the largest singular value first.
        line: L(a W) at each a of `LINE`, less L(0), by batch.
        over: the loss over the parts.

    """

    label: str
    strength: float | None
    orders: tuple[Order, Order]
    eigenvalues: Spectrum | None
    directions: Spectrum | None
    line: Array
    over: Landscape

    @property
    def sign_as_predicted(self) -> bool | None:
        """Whether the curvature at the origin has the sign of −Tr[W B Wᵀ]; None where either is within its noise."""
        second = self.orders[0]
        return None if 0 in (second.sign, second.predicted_sign) else second.sign == second.predicted_sign


@dataclass(frozen=True)
class Transition:
    """Where something changes its sign from positive to negative.

    Attributes:
        what: in words.
        strength: NaN where there is none.
        error: its standard error.
        between: the strengths on both sides, at which the sign is beyond the noise.
        why: the reason where there is none, "" otherwise.
    """

    what: str
    strength: float = np.nan
    error: float = np.nan
    between: tuple[float, float] = (np.nan, np.nan)
    why: str = ""

    @property
    def text(self) -> str:
        """In words.

        >>> Transition("complete collapse", 1.2, 0.05, (1.0, 2.0)).text
        'complete collapse at 1.2 ± 0.05, between 1 and 2'
        """
        if self.why:
            return f"{self.what}: {self.why}"
        low, high = self.between
        return f"{self.what} at {self.strength:.3g} ± {self.error:.1g}, between {low:g} and {high:g}"


@dataclass(frozen=True, eq=False)
class Study(Describable):
    """The last layer of a network under a loss.

    Attributes:
        objective: the loss that was studied, its core where it is normalised and the core is known.
        sizes: of the parts of W: how many singular values each has.
        at: by strength, in the order given; none for a normalised loss without a known core.
        transitions: of the parts and of the whole.
        sphere: what is found of a normalised loss itself, by strength; empty for others.
        answers: what is kept and lost, by strength; the only thing that is known of features that are all equal.

    """

    objective: Objective
    sizes: tuple[int, ...]
    at: tuple[AtStrength, ...]
    transitions: tuple[Transition, ...]
    sphere: tuple[OnSphere, ...] = ()
    answers: tuple[LayerAnswer, ...] = ()

    def description(self) -> Description:
        """The description that every form of report is written from."""
        return describe(self)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return to_json(self)

    @property
    def contradicted(self) -> bool:
        """Whether a prediction is off, or the curvature at the origin has the other sign."""
        return any(
            one.sign_as_predicted is False or any(order.agrees is False for order in one.orders) for one in self.at
        ) or any(one.reopening is not None and False in one.reopening.agree for one in self.sphere)


def study(
    features: Sequence[tuple[str, float | None, Features]],
    objective: Objective,
    *,
    parts: int | Sequence[int] = 2,
    answer: bool = True,
    tick: Callable[[str], None] = lambda _: None,
) -> Study:
    """Study a last layer at one or several strengths.

    Args:
        features: a label, the strength (None without) and the features, for each strength; the weights are the same.
        objective: the loss; where it is exactly normalised, it is looked at on the sphere first, and its core, where
            that is known, is taken in its place for the rest.
        parts: of the singular values of W, see `verify.networks.last_layer.second_moments.orthogonal_parts`.
        answer: whether it is said what is kept and lost, for which the loss is solved for its minimum.
        tick: called with a word before each step.

    Raises:
        InputError: nothing to look at, or what the parts of the study raise.

    """
    if not features:
        raise InputError("there are no features to look at; give them at one strength or more")
    W = features[0][2].W
    if not W.any() or any(collapsed(one) for _, _, one in features):
        alone = (layer_answer(objective, one, label=label, strength=strength) for label, strength, one in features)
        return Study(objective, (), (), (), answers=tuple(alone))
    sphere: list[OnSphere] = []
    if objective.batch <= features[0][2].N and is_normalised(objective, *objective.batches(features[0][2].embedded())):
        for label, strength, one in features:
            told = partial(_said, tick, label)
            sphere.append(on_sphere(objective, one, label=label, strength=strength, tick=told))
    answers: list[LayerAnswer] = []
    for place, (label, strength, one) in enumerate(features if answer else ()):
        tick(f"{label}: what is kept")
        on = sphere[place] if sphere else None
        answers.append(layer_answer(objective, one, label=label, strength=strength, sphere=on))
    bases, values = orthogonal_parts(W, parts)
    sizes = tuple(len(group) for group in values)
    if sphere:
        try:
            objective = core(objective)
        except InputError as error:
            return Study(replace(objective, note=str(error)), sizes, (), (), tuple(sphere), tuple(answers))
    second = second_of(objective, len(W))
    found = []
    for label, strength, one in features:
        tick(f"{label}: moments")
        orders = along_ray(objective, one.embedded(), float((W**2).sum()))
        eigenvalues = directions = None
        if second is not None:
            seen = spread(one)
            eigenvalues = spectrum(seen, second)
            directions = along(seen, second, np.linalg.svd(W, full_matrices=False)[2].T)
        tick(f"{label}: landscape")
        line = loss_along(objective, one, LINE)
        over = landscape(objective, one, bases)
        middle = line[:, [len(LINE) // 2]]
        found.append(AtStrength(label, strength, orders, eigenvalues, directions, line - middle, over))
    return Study(objective, sizes, tuple(found), _transitions(found, len(bases)), tuple(sphere), tuple(answers))


def _said(tick: Callable[[str], None], label: str, what: str) -> None:
    tick(f"{label}: {what}")


def sign_change(what: str, strengths: Sequence[float], values: Sequence[float], errors: Sequence[float]) -> Transition:
    """The first change from positive to negative along rising strengths.

    Args:
        what: in words, for the result.
        strengths: rising.
        values: at each.
        errors: their standard errors.

    >>> sign_change("the mode is lost", [0.5, 1.0, 2.0], [1.0, 0.01, -1.0], [0.1, 0.1, 0.1]).text
    'the mode is lost at 1.01 ± 0.1, between 0.5 and 2'
    >>> sign_change("the mode is lost", [0.5, 1.0], [1.0, 0.9], [0.1, 0.1]).text
    'the mode is lost: not up to 1'

    """
    signs = [sign(value, error, SEEN) for value, error in zip(values, errors, strict=True)]
    known = [k for k, seen in enumerate(signs) if seen]
    if not known:
        return Transition(what, why="undecided: noise at every strength")
    for low, high in pairwise(known):
        if signs[low] > 0 > signs[high]:
            # Between the two there may be strengths whose sign is not certain; their values count all the same.
            k = next(k for k in range(low, high) if values[k] > 0 >= values[k + 1])
            root, error = _root(strengths[k : k + 2], values[k : k + 2], errors[k : k + 2])
            return Transition(what, root, error, (strengths[low], strengths[high]))
    if signs[known[0]] < 0:
        return Transition(what, why=f"already at {strengths[known[0]]:g}")
    if known[-1] < len(signs) - 1:
        return Transition(what, why=f"not up to {strengths[known[-1]]:g}; undecided beyond")
    return Transition(what, why=f"not up to {strengths[known[-1]]:g}")


def _root(strengths: Sequence[float], values: Sequence[float], errors: Sequence[float]) -> tuple[float, float]:
    """Where a line through two points is 0, and the error."""
    (s, t), (v, w) = strengths, values
    share = v / (v - w)
    root, in_squares = s + (t - s) * share, sqrt(s**2 + (t**2 - s**2) * share)
    noise = (t - s) / (v - w) ** 2 * sqrt((w * errors[0]) ** 2 + (v * errors[1]) ** 2)
    return root, sqrt(noise**2 + (in_squares - root) ** 2)


def _transitions(found: Sequence[AtStrength], parts: int) -> tuple[Transition, ...]:
    ordered = sorted((one for one in found if one.strength is not None), key=lambda one: one.strength or 0.0)
    if len(ordered) < 2:
        return ()
    strengths = [one.strength or 0.0 for one in ordered]
    result = []
    for k in range(parts):
        slopes = [one.over.slopes()[k] for one in ordered]
        result.append(sign_change(f"part {k + 1} collapses", strengths, [v for v, _ in slopes], [e for _, e in slopes]))
    if all(one.eigenvalues is not None for one in ordered):
        tops: list[tuple[float, float]] = []
        for one in ordered:
            spectrum_ = one.eigenvalues
            tops.append((spectrum_.values[0], spectrum_.errors[0]) if spectrum_ else (0.0, inf))
        what = "the largest eigenvalue of B reaches 0 (complete collapse)"
        result.append(sign_change(what, strengths, [v for v, _ in tops], [e for _, e in tops]))
    return tuple(result)
