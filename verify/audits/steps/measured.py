"""What the step of a training module is: autograd beside the step and the values, what is kept, coefficients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
import sympy
from numpy.typing import NDArray

from numeric.sampling import Covariances, random_covariances
from verify.audits.steps.module import Held, Module

Array = NDArray[np.float64]
CHARACTERS = {"W": "W", "P": "P", "W_m": "M"}
# Data in a batch, and half the length of a difference of values.
DATA, REACH = 32, 1e-4
# The relative error of a gradient of values, that of a step, and that of what is fitted.
VALUES, STEPS, FITTED = 1e-5, 1e-4, 1e-6
# How small weights are where the linear part of a field is measured, and how many places it is fitted at.
SMALL, PLACES = 1e-3, 6


@dataclass(frozen=True, eq=False)
class Place:
    """Weights, a batch of two views, and the covariances that the batch has exactly."""

    weights: Mapping[str, Array]
    views: tuple[Array, Array]
    data: Covariances


def place(module: Module, seed: int) -> Place:
    """Random weights and a batch whose second moments are exactly those of random covariances."""
    generator = np.random.default_rng(seed)
    d1, d0 = module.shape
    data = random_covariances(generator, d0)
    sizes = {"W": (d1, d0), "P": (d1, d1), "W_m": (d1, d0)}
    weights = {name: generator.standard_normal(sizes[name]) / np.sqrt(d0) for name in module.named}
    raw = generator.standard_normal((DATA, 2 * d0))
    raw -= raw.mean(0)
    white = raw @ np.linalg.inv(np.linalg.cholesky(raw.T @ raw / DATA)).T
    joint = np.block([[data.Sigma, data.A0], [data.A0, data.Sigma]])
    both = white @ np.linalg.cholesky(joint).T
    return Place(weights, (both[:, :d0], both[:, d0:]), data)


@dataclass(frozen=True)
class Gap:
    """The largest difference of two gradients in one of the weights, and its share of the second."""

    name: str
    share: float


def step_gaps(module: Module, here: Place) -> list[Gap]:
    """Autograd's gradient against the step that an optimiser takes."""
    slopes, moved = module.gradient(here.weights, here.views), module.step(here.weights, here.views)
    return [Gap(name, _share(moved[name], -slope)) for name, slope in slopes.items()]


def value_gaps(module: Module, here: Place) -> list[Gap]:
    """Autograd's gradient against differences of the loss, the copy being W: what differs is stopped or held."""
    weights = {name: here.weights["W" if name == "W_m" else name] for name in here.weights}
    tied = Place(weights, here.views, here.data)
    slopes = module.gradient(tied.weights, tied.views)
    return [Gap(name, _share(slope, values(module, tied, name, tied=True))) for name, slope in slopes.items()]


def held_gaps(module: Module, here: Place) -> list[Gap]:
    """Autograd's gradient against differences of the loss while what is detached, and the copy, are held."""
    slopes = module.gradient(here.weights, here.views)
    found = {name: values(module, here, name, held=True) for name in slopes}
    if module.copied_inside(here.weights, here.views):
        # The copy follows W before it is used: its part is taken off again.
        share = (momentum(module, here) or (0.0, 0.0))[0]
        found["W"] -= share / (1 - share) * values(module, here, "W_m")
    return [Gap(name, _share(slope, found[name])) for name, slope in slopes.items()]


def values(module: Module, here: Place, name: str, *, held: bool = False, tied: bool = False) -> Array:
    """The gradient of the values in one of the weights, by differences.

    Args:
        module: whose loss it is.
        here: weights and data.
        name: of the weights.
        held: whether what is detached stays as it is there.
        tied: whether the copy is moved with W.

    """
    found = np.zeros_like(here.weights[name])
    kept = Held() if held else None
    module.loss(here.weights, here.views, kept)
    for at in np.ndindex(found.shape):
        unit = np.zeros_like(found)
        unit[at] = REACH
        moved = [name, *(["W_m"] if tied and name == "W" and module.copy else [])]
        ahead, behind = (
            module.loss({**here.weights, **{one: here.weights[one] + sign * unit for one in moved}}, here.views, kept)
            for sign in (1, -1)
        )
        found[at] = (ahead - behind) / (2 * REACH)
    return found


def _share(one: Array, other: Array) -> float:
    size = float(np.linalg.norm(other))
    return float(np.linalg.norm(one - other)) / size if size else float(np.linalg.norm(one))


def form_change(module: Module, here: Place) -> float | None:
    """The rate of W Wᵀ − Pᵀ P without decay, as a share of that of W Wᵀ; None where there is no predictor."""
    if not module.predictor:
        return None
    slopes, W, P = module.gradient(here.weights, here.views), here.weights["W"], here.weights["P"]
    of_weights = slopes["W"] @ W.T + W @ slopes["W"].T
    return _share(slopes["P"].T @ P + P.T @ slopes["P"], of_weights)


def radial(module: Module, here: Place) -> dict[str, float]:
    """⟨M, dM/dt⟩/(|M| |dM/dt|) of each of the weights that are trained: 0 where the step only turns them."""
    slopes = module.gradient(here.weights, here.views)
    sizes = {name: float(np.linalg.norm(slope) * np.linalg.norm(here.weights[name])) for name, slope in slopes.items()}
    return {name: float((slope * here.weights[name]).sum()) / (sizes[name] or 1.0) for name, slope in slopes.items()}


def momentum(module: Module, here: Place) -> tuple[float, float] | None:
    """What share of W − Wₘ the copy moves in a step, and its largest deviation; None without a copy."""
    if not module.copy:
        return None
    moved, toward = module.step(here.weights, here.views)["W_m"], here.weights["W"] - here.weights["W_m"]
    share = float((moved * toward).sum() / (toward**2).sum())
    return share, float(np.abs(moved - share * toward).max() / np.abs(toward).max())


@dataclass(frozen=True)
class Fitted:
    """The linear part of a field as words, and how well it fits.

    Attributes:
        coefficients: by the word, spelled out; zeros are left out.
        residual: at a place that was not fitted, as a share of the rate.

    """

    coefficients: Mapping[str, sympy.Expr]
    residual: float

    @property
    def fits(self) -> bool:
        """Whether these words are the rate."""
        return self.residual < FITTED


def linear_part(module: Module, seed: int) -> dict[str, Fitted]:
    """What dW/dt and dP/dt are in words of first order in W, or in W twice, fitted at several places.

    W and Wₘ are small, P is not; of dW/dt the words are those with W once, of dP/dt those with it twice.
    """
    places = [place(module, seed + k) for k in range(PLACES + 1)]
    rates = [_small_rates(module, here) for here in places]
    found = {}
    for name in rates[0]:
        words = list(_words(module, name))
        columns = [np.concatenate([_value(word, here).ravel() for here in places[:-1]]) for word in words]
        target = np.concatenate([one[name].ravel() for one in rates[:-1]])
        solved, *_ = np.linalg.lstsq(np.array(columns).T, target, rcond=None)
        last = sum(value * _value(word, places[-1]) for word, value in zip(words, solved, strict=True))
        exact = {word: _exact(float(value)) for word, value in zip(words, solved, strict=True)}
        kept = {word: value for word, value in exact.items() if value != 0}
        found[name] = Fitted(kept, _share(np.asarray(last), rates[-1][name]))
    return found


def off_by(module: Module, words: Mapping[str, Mapping[str, float]], seed: int) -> float:
    """How far sums of words, by "W" and "P", are from the rates near W = 0 at fresh weights and data, as a share."""
    here = place(module, seed)
    rates = _small_rates(module, here)
    sums = {
        name: sum((value * _value(word, here) for word, value in terms.items()), np.zeros_like(rates[name]))
        for name, terms in words.items()
    }
    return max(_share(np.asarray(one), rates[name]) for name, one in sums.items())


def _small_rates(module: Module, here: Place) -> dict[str, Array]:
    """−∂L/∂W divided by the size of W, and −∂L/∂P by its square, where W and Wₘ are small: by Richardson's rule."""

    def at(size: float) -> dict[str, Array]:
        small = {name: one * (size if name != "P" else 1.0) for name, one in here.weights.items()}
        slopes = module.gradient(small, here.views)
        return {name: -slope / size ** (2 if name == "P" else 1) for name, slope in slopes.items()}

    near, far = at(SMALL), at(2 * SMALL)
    return {name: (4 * near[name] - far[name]) / 3 for name in near}


def _words(module: Module, name: str) -> list[str]:
    """Words of the rate of W or P: weights of live or stopped views, with or without P, and A0 or Σ."""
    copies = ["W", *(["M"] if module.copy else [])]
    seen = [before + one for before in ("", *(["P"] if module.predictor else [])) for one in copies]
    if name == "W":
        outer = ("", *(["p"] if module.predictor else []))
        return [before + one + letter for before, one, letter in product(outer, seen, "AS")]
    return [one + letter + other.lower() for one, letter, other in product(seen, "AS", copies)]


def _value(word: str, here: Place) -> Array:
    at = {character: here.weights[name] for name, character in CHARACTERS.items() if name in here.weights}
    at |= {"A": here.data.A0, "S": here.data.Sigma}
    found: Array | None = None
    for one in word:
        matrix = at[one.upper()].T if one.islower() else at[one]
        found = matrix if found is None else found @ matrix
    assert found is not None  # noqa: S101 (no word is empty)
    return found


def _exact(value: float) -> sympy.Expr:
    """A rational of small denominator, 0 for rounding, or six digits."""
    near = sympy.nsimplify(round(value, 7), rational=True, tolerance=1e-6)
    if near.q < 1000:
        return near
    return sympy.Float(value, 6)
