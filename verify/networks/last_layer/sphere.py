"""The last layer under a loss of unit vectors: which modes of its features W keeps, and which it should.

Such a loss sees the shares p_i alone, the eigenvalues of Σ^½ WᵀW Σ^½ over their sum (`numeric.sphere.shares`). What is
said of features: their view correlations λ_i, the shares that W gives to them, λ_c = β/α at this W, measured on the
features themselves (`reopening`), and the modes that are kept at the global minimum for Gaussian data with the same λ_i
(`verify.audits.solved_shares`, `verify.audits.function_shares`). Features are no Gaussian data, so that the last is a
prediction and no check.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from derive import Gaussian, InputError
from numeric.landscape.spectrum import whitened
from verify.audits.function_shares import function_modes
from verify.audits.solved_shares import on_the_sphere, share_modes
from verify.networks.last_layer.reopening import Reopening, reopening
from verify.networks.last_layer.seen_modes import SeenModes, certain, ranks, seen_modes

if TYPE_CHECKING:
    from verify.audits.kept_modes import KeptModes
    from verify.networks.last_layer.features import Features
    from verify.networks.last_layer.objective import Objective
    from verify.networks.last_layer.view_modes import ViewModes

Array = NDArray[np.float64]

# Lost modes that are looked at one by one, those of the highest correlations.
LOOKED = 3


@dataclass(frozen=True, eq=False)
class OnSphere:
    """A last layer under a loss of unit vectors, at one strength of the augmentation.

    Attributes:
        label: the strength in words.
        strength: as a number; None where the augmentation has none.
        seen: the modes of the features and what W takes of each.
        reopening: α, β and λ_c at W; None where `why` says that there are none.
        why: the reason.
        predicted: the modes at the global minimum for Gaussian data; None where `why_not` says that they are not known.
        why_not: the reason.
        batch: N of the prediction; None for a loss of a population.

    """

    label: str
    strength: float | None
    seen: SeenModes
    reopening: Reopening | None
    why: str
    predicted: KeptModes | None
    why_not: str
    batch: int | None = None

    @property
    def modes(self) -> ViewModes:
        """Of the features."""
        return self.seen.modes

    @property
    def shares(self) -> Array:
        """Of W, the largest first."""
        return self.seen.shares

    @property
    def by_mode(self) -> Array:
        """What each mode of the features has of them."""
        return self.seen.by_mode

    @property
    def of_mean(self) -> float:
        """The part of E|f|² that is |E f|²."""
        return self.seen.of_mean

    @property
    def rank(self) -> int:
        """The number of shares of W that count as those of kept modes."""
        return self.seen.rank

    @property
    def effective_rank(self) -> float:
        """1/Σ p²."""
        return self.seen.effective_rank

    @property
    def certain(self) -> tuple[bool | None, ...]:
        """By mode, whether the prediction keeps it; None where the error of λ_i, or of a share, could change that."""
        return certain(self.predicted, self.modes)

    @property
    def predicted_rank(self) -> tuple[int, int] | None:
        """The fewest and the most modes that are kept, within errors; None where nothing is predicted."""
        if self.predicted is None:
            return None
        return ranks(self.certain)

    @property
    def astray(self) -> float:
        """How much of its shares W gives to modes that are lost in the prediction, whatever the error of λ_i."""
        lost = np.array([one is False for one in self.certain])
        return float(self.by_mode[lost].sum())

    @property
    def apart(self) -> float | None:
        """½ Σ |p_i − predicted|, from 0 to 1: what would have to move; None where nothing is predicted."""
        if self.predicted is None or None in self.predicted.powers:
            return None
        powers = np.array(self.predicted.powers, dtype=np.float64)
        return float(np.abs(self.by_mode - powers).sum() / 2)


def on_sphere(
    objective: Objective,
    features: Features,
    *,
    label: str = "",
    strength: float | None = None,
    seed: int = 0,
    tick: Callable[[str], None] = lambda _: None,
) -> OnSphere:
    """Look at a last layer under a loss of unit vectors.

    Args:
        objective: the loss, constant along W → aW.
        features: two views of data, and W.
        label: the strength in words.
        strength: as a number.
        seed: of what is drawn.
        tick: called with a word before each step.

    Raises:
        InputError: features that do not vary, W = 0 on them, or fewer data than a batch has.

    """
    tick("modes of the features")
    seen = seen_modes(features)
    modes, shares, by_mode, turn, rank = seen.modes, seen.shares, seen.by_mode, seen.turn, seen.rank
    f = features.embedded()[:2]
    lam = np.einsum("ki,i,ki->k", turn, modes.correlations, turn)
    tick("α and β at W")
    found, why = None, ""
    try:
        found = reopening(
            objective, _few(f) / np.sqrt(seen.size), rank, (lam[:rank], shares[:rank] / shares[:rank].sum()),
            _lost(features, modes, turn[rank:]), seed=seed,
        )  # fmt: skip
    except InputError as error:
        why = str(error)
    tick("modes at the minimum")
    predicted, why_not = _predicted(objective, modes, min(features.d1, len(by_mode)), seed)
    return OnSphere(
        label, strength, seen, found, why, predicted, why_not, None if objective.population else objective.batch,
    )  # fmt: skip


def _few(f: Array) -> Array:
    """Embeddings in as many coordinates as they fill."""
    sizes, vectors = np.linalg.eigh(np.einsum("vni,vnj->ij", f, f) / f[..., 0].size)
    return np.asarray(f @ vectors[:, sizes > 1e-12 * sizes[-1]])


def _lost(features: Features, modes: ViewModes, across: Array) -> list[tuple[float, Array]]:
    """λ and values of the modes that W has lost, in the basis of which λ is diagonal; the highest few."""
    if not len(across):
        return []
    lam, turned = np.linalg.eigh(across * modes.correlations @ across.T)
    views = np.stack([np.asarray(one, dtype=np.float64) for one in features.views[:2]])
    directions = modes.directions @ across.T @ turned[:, ::-1][:, :LOOKED]
    values = (views - modes.mean) @ directions
    return [(float(lam[::-1][k]), values[..., k]) for k in range(directions.shape[1])]


def _predicted(objective: Objective, modes: ViewModes, rows: int, seed: int) -> tuple[KeptModes | None, str]:
    """The modes at the global minimum, or why they are not known."""
    if objective.family is not None and not on_the_sphere(objective.family):
        return None, f"{objective.name} sees more than inner products of unit vectors"
    try:
        data = whitened(modes.correlations.tolist())
        if objective.code is not None:
            return function_modes(objective.code, data, batch=objective.batch, seed=seed), ""
        if objective.family is None:
            return None, f"the definition of {objective.name} is not known"
        return share_modes(objective.family, objective.values, data, Gaussian(), d1=rows, seed=seed), ""
    except InputError as error:
        return None, str(error)
