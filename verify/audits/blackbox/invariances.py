"""The invariances of a black box under changes of the embeddings, measured, each with its residual."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce

import numpy as np
import torch
from numpy.typing import NDArray

from derive import InputError
from verify.audits.blackbox.rays import DOUBLE, SINGLE
from verify.truths.function import BlackBox

Array = NDArray[np.float64]
DRAWS = 6
# Sizes of a coordinate, small ones first: an expansion needs what holds near 0.
SCALES = (1 / 64, 1 / 16, 1 / 4, 1.0)
WORDS = {
    "rotation": "rotations",
    "permutation": "order of the data",
    "exchange": "exchange of the views",
    "translation": "translations",
    "coordinates": "order and sign of coordinates",
}


@dataclass(frozen=True)
class Invariances:
    """The changes that leave the loss unchanged.

    Attributes:
        rotation: f → R f with orthogonal R, reflections included.
        permutation: another order of the data, the same in both views.
        exchange: z1 ↔ z2.
        translation: f → f + b.
        coordinates: another order and other signs of the coordinates; fewer changes than rotations.
        residuals: name → the largest change of the loss, as a fraction of its spread over random embeddings.
        tolerance: the residual that rounding explains.

    """

    rotation: bool
    permutation: bool
    exchange: bool
    translation: bool
    coordinates: bool
    residuals: Mapping[str, float] = field(default_factory=dict)
    tolerance: float = 0.0

    def and_of(self, other: Invariances) -> Invariances:
        """The invariances that hold both here and there."""
        return Invariances(
            **{name: getattr(self, name) and getattr(other, name) for name in WORDS},
            residuals={name: max(self.residuals[name], other.residuals[name]) for name in WORDS},
            tolerance=max(self.tolerance, other.tolerance),
        )

    def text(self) -> str:
        """One line: what the loss is invariant under and what not, with the residuals of the latter."""
        kept = [WORDS[name] for name in WORDS if getattr(self, name)]
        lost = [f"{WORDS[name]} ({self.residuals[name]:.1g})" for name in WORDS if not getattr(self, name)]
        # Invariance under rotations includes that under changes of coordinates.
        kept = [words for words in kept if not (self.rotation and words == WORDS["coordinates"])]
        return "; ".join(
            [f"under {', '.join(kept)}" if kept else "under nothing that was tried"]
            + ([f"not under {', '.join(lost)}"] if lost else [])
        )

    def to_json(self) -> dict[str, object]:
        """Plain JSON values: name → whether it holds, and the residual."""
        return {name: {"invariant": getattr(self, name), "residual": self.residuals[name]} for name in WORDS}


def invariances(box: BlackBox, *, N: int, d: int, seed: int = 0, scales: Sequence[float] = SCALES) -> Invariances:
    """The invariances of a loss at random embeddings of several sizes, since a hinge may be off at one of them.

    Args:
        box: the loss.
        N: the number of data.
        d: the number of coordinates, at least 2.
        seed: of the embeddings and of the changes.
        scales: sizes of a coordinate; those at which the loss has no finite value are left out.

    Raises:
        InputError: the loss is not finite at any size.

    >>> found = invariances(BlackBox(lambda z1, z2: ((z1 * z2) ** 2).sum()), N=3, d=2)
    >>> found.rotation, found.coordinates, found.permutation, found.exchange, found.translation
    (False, True, True, True, False)
    >>> hinge = BlackBox(lambda z1, z2: (0.01 - z1.var(0)).clamp(min=0).sum() + (z1 * z2).sum())
    >>> invariances(hinge, N=3, d=2, scales=[1.0]).rotation, invariances(hinge, N=3, d=2).rotation
    (True, False)
    """
    found = [one for size in scales if (one := _at_size(box, N, d, seed, size)) is not None]
    if not found:
        message = (
            f"{box.name} has no finite value at random embeddings of coordinates {min(scales):g} to {max(scales):g}"
        )
        raise InputError(message)
    return reduce(Invariances.and_of, found)


def _at_size(box: BlackBox, N: int, d: int, seed: int, size: float) -> Invariances | None:
    """The same at one size of a coordinate; None where a value is not finite."""
    rng = np.random.default_rng(seed)
    points = size * rng.standard_normal((DRAWS, 2, N, d))
    values = np.array([box(z) for z in points])
    if not np.isfinite(values).all():
        return None
    changes: dict[str, Callable[[Array], Array]] = {
        "rotation": lambda z: z @ _rotation(rng, d).T,
        "permutation": lambda z: z[:, _moved(rng, N)],
        "exchange": lambda z: z[::-1],
        "translation": lambda z: z + size * rng.standard_normal(d),
        "coordinates": lambda z: (z * rng.choice([-1.0, 1.0], d))[..., rng.permutation(d)],
    }
    changed = {name: np.array([box(change(z)) for z in points]) for name, change in changes.items()}
    rounding = SINGLE if box.seen.single or box.dtype is torch.float32 or _blind(box, points[0]) else DOUBLE
    noise = 1e3 * rounding * float(np.abs(values).max())
    spread = float(np.std(values))
    if spread <= noise:
        # Apparently constant: any change is compared with its size.
        spread = max(float(np.abs(values).max()), 1e-300)
    tolerance = max(1e-9, noise / spread)
    # A value that is not finite after a change was changed by it.
    residuals = {
        name: float(np.nan_to_num(np.abs(new - values) / spread, nan=np.inf).max()) for name, new in changed.items()
    }
    return Invariances(
        **{name: residual <= tolerance for name, residual in residuals.items()},
        residuals=residuals,
        tolerance=tolerance,
    )


def _blind(box: BlackBox, z: Array) -> bool:
    """Whether the loss ignores changes that show in double precision."""
    here = box(z)
    return box(1.05 * z + 0.05) != here and all(box(z + k * 1e-10 * (1 + z)) == here for k in (1, 2, 3))


def _rotation(rng: np.random.Generator, d: int) -> Array:
    """A random element of O(d), uniform, hence a reflection in half of the cases."""
    q, r = np.linalg.qr(rng.standard_normal((d, d)))
    return np.asarray(q * np.sign(np.diag(r)))


def _moved(rng: np.random.Generator, N: int) -> NDArray[np.int64]:
    """A random order other than the present one."""
    order = rng.permutation(N)
    return np.roll(order, 1) if (order == np.arange(N)).all() else order
