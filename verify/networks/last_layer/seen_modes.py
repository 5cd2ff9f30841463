"""The modes of features, and what a last layer W takes of each.

φ = μ + Σ V m with the modes m of features (`verify.networks.last_layer.view_modes`), so that f = W φ + b has the modes
with the weights W Σ V. Their squares, over the sum, are the shares: what W gives to each mode of E|f − E f|².
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from derive import InputError
from verify.evidence.agreement import SEEN
from verify.networks.last_layer.diagnostics import KEPT
from verify.networks.last_layer.features import Features
from verify.networks.last_layer.second_moments import spread
from verify.networks.last_layer.view_modes import ViewModes, view_modes

if TYPE_CHECKING:
    from verify.audits.kept_modes import KeptModes

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SeenModes:
    """The modes of features as a last layer sees them.

    Attributes:
        modes: of the features.
        shares: of W, (r,): the eigenvalues of Σ^½ WᵀW Σ^½ over their sum, the largest first.
        by_mode: (n,), what each mode of the features has of them.
        turn: (r or n, n), the singular directions of W in the modes, a row each.
        of_mean: the part of E|f|² that is |E f|².
        size: E|f|², over the first two views.

    """

    modes: ViewModes
    shares: Array
    by_mode: Array
    turn: Array
    of_mean: float
    size: float

    @property
    def most(self) -> int:
        """How many modes there can be: the features' or the rows of W."""
        return min(len(self.shares), len(self.by_mode))

    @property
    def rank(self) -> int:
        """The number of shares of W that count as those of kept modes."""
        return int((self.shares > KEPT / self.most).sum())

    @property
    def effective_rank(self) -> float:
        """1/Σ p²."""
        return float(1 / (self.shares**2).sum())


def seen_modes(features: Features) -> SeenModes:
    """The modes of features and the shares that their W gives them.

    Raises:
        InputError: features that do not vary, or W = 0 on them.

    >>> x = np.random.default_rng(0).standard_normal((500, 2))
    >>> found = seen_modes(Features((x, x), W=np.diag([1.0, 0.0])))
    >>> found.rank, round(found.effective_rank, 1), found.by_mode.sum().round(6)
    (1, 1.0, np.float64(1.0))

    """
    moments = spread(features)
    modes = view_modes(moments, bias=features.b is not None)
    f = features.embedded()[:2]
    size = float((f**2).sum(-1).mean())
    if not size > 0:
        raise InputError("W maps every feature to 0, where a loss of unit vectors has no value")
    mean = f.mean((0, 1))
    along = features.W @ moments.Sigma @ modes.directions
    singular, turn = np.linalg.svd(along)[1:]
    whole = float((singular**2).sum())
    if not whole > 0:
        raise InputError("W sees no direction in which the features vary")
    of_mean = float((mean**2).sum()) / size
    return SeenModes(modes, singular**2 / whole, (along**2).sum(0) / whole, turn, of_mean, size)


def certain(predicted: KeptModes | None, modes: ViewModes) -> tuple[bool | None, ...]:
    """By mode, whether a prediction keeps it; None where the error of λ_i could change that, or there is none."""
    if predicted is None:
        return (None,) * len(modes.correlations)
    level = predicted.threshold
    found: list[bool | None] = []
    for kept, lam, error in zip(predicted.kept, modes.correlations, modes.errors, strict=True):
        near = level is not None and not abs(lam - level) > SEEN * error
        found.append(None if near else kept)
    return tuple(found)


def ranks(sure: tuple[bool | None, ...]) -> tuple[int, int]:
    """The fewest and the most modes that are kept, within errors.

    >>> ranks((True, None, False))
    (1, 2)
    """
    return sum(one is True for one in sure), sum(one is not False for one in sure)
