"""Where losses of f/|f| are lowest, with a bias and without, by the engine and by training: for Table 1 and App. D.1.

A bias is one more mode, the number 1 for every view.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from derive import catalogue
from numeric.sphere.batches import BatchLandscape, drawn
from numeric.sphere.minimum import minimum
from verify.papers.claims.claim import Measured, Point, Reading
from verify.papers.claims.iclr.table1_minima import lowest
from verify.running.threads import one_thread
from verify.truths.torch_losses import TORCH_LOSSES

if TYPE_CHECKING:
    from derive import Loss

    Array = Any

# View correlations: one mode that its augmentation drowns, and modes that it all but drowns.
SETTINGS = ((0.99, 0.99, 0.99, 0.05), (0.5, 0.4, 0.3, 0.02))
PARAMETERS = {"infonce": {"tau": 1}, "ntxent": {"tau": 1, "N": 16}, "spectral": {"tau": 1}}

# A part of |W|² below this is that of a lost mode.
GONE = 1e-3
# Data of a sample, each with its opposite; data in a batch, and in one that stands for the population.
DATA, SIZE, LARGE = 96, 16, 128
# What a descent on drawn batches leaves of the slopes.
PRECISION = 1e-5


@dataclass(frozen=True)
class Minimum:
    """A loss of f/|f|, f(x) = Wx or Wx + b.

    Attributes:
        loss: a name of the hand-written definitions.
        correlations: λ of each mode.
        temperature: τ, by which cosines are divided.
        bias: whether there is b.
    """

    loss: str
    correlations: tuple[float, ...]
    temperature: float = 1.0
    bias: bool = False

    def derived(self, loss: Loss) -> Array:
        """The shares of the modes (n,) at the lowest of some descents on the derived landscape of the definition."""
        lam = np.array(self.correlations)
        n = len(lam)
        over_batch = TORCH_LOSSES[self.loss].over_batch
        size = SIZE if over_batch else LARGE
        landscape = drawn(loss, lam, size, batches=6 * LARGE // size, seed=1)
        starts = [np.full(n, 1 / n)]
        if self.bias:
            ones = np.ones((*landscape.first.shape[:2], 1))
            # Each batch with its opposite.
            both = (
                np.concatenate([np.concatenate([sign * view, ones], -1) for sign in (1, -1)])
                for view in (landscape.first, landscape.second)
            )
            landscape = BatchLandscape(loss, *both)
            starts = [np.append(part * starts[0], 1 - part) for part in (0.9, 0.1)]
        shares, _ = minimum(landscape, starts, precision=PRECISION)
        return shares[:n]

    @staticmethod
    def lost(power: float) -> bool:
        """Whether an eigenvalue of WᵀW, f scaled to unit E|f|², is that of a lost mode."""
        return bool(power < GONE)

    @cached_property
    def powers(self) -> Array:
        """The eigenvalues of WᵀW in increasing order, where the torch loss is lowest, at E|Wx|² + |b|² = 1."""
        with one_thread():
            return self._powers()

    def _powers(self) -> Array:
        rng = np.random.default_rng(0)
        lam = np.array(self.correlations)
        n = len(lam)
        loss = TORCH_LOSSES[self.loss]

        def pair(*shape: int) -> tuple[torch.Tensor, torch.Tensor]:
            """Two views of data, each with its opposite."""
            one, noise = rng.standard_normal((2, *shape, n))
            other = lam * one + np.sqrt(1 - lam**2) * noise
            first, second = (torch.from_numpy(np.concatenate([view, -view])) for view in (one, other))
            return first, second

        if loss.over_batch:
            seen: tuple[torch.Tensor, ...] = pair(8 * DATA // SIZE, SIZE)
        else:
            views, (far, _) = pair(DATA), pair(DATA)
            weights = torch.full((2 * DATA,), 0.5 / DATA, dtype=torch.float64)
            seen = (*views, weights, far, weights)
        # The losses written by hand have distances or inner products of z = f/|f|/√τ; NT-Xent has its own τ.
        parameters = {"tau": self.temperature} if self.loss == "ntxent" else {}
        scale = 1.0 if parameters else self.temperature**-0.5
        rows = n + self.bias

        def parts(flat: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return flat[: rows * n].reshape(rows, n), flat[rows * n :]

        def value(flat: torch.Tensor) -> torch.Tensor:
            W, b = parts(flat)

            def seen_by(view: torch.Tensor) -> torch.Tensor:
                f = view @ W.T + (b if self.bias else 0.0)
                unit: torch.Tensor = scale * f / f.norm(dim=-1, keepdim=True)
                return unit

            z = [one if one.ndim == 1 else seen_by(one) for one in seen]
            # A loss of f/|f| is constant along rays.
            return loss.evaluate(*z, parameters=parameters).mean() + ((flat * flat).sum() - 1) ** 2

        starts = 0.4 * rng.standard_normal((2, rows * (n + self.bias)))
        W, b = parts(torch.from_numpy(lowest(value, starts)))
        total = float((W * W).sum() + (b * b).sum())
        return np.linalg.eigvalsh((W.T @ W).numpy()) / total


@cache
def rows(name: str, *, bias: bool) -> Reading:
    """Table 1 under f/‖f‖ itself: whether a collapse is seen with some of the settings."""
    loss = catalogue(f"{name}+normalised").set(PARAMETERS[name])
    found = [Minimum(name, lam, bias=bias) for lam in SETTINGS]
    shares = [np.sort(one.derived(loss)) for one in found]
    return Reading(
        {slot: any(Minimum.lost(one[at]) for one in shares) for slot, at in _DECIDES.items()},
        list(_collapses(found)),
        f"f/‖f‖ itself, at a temperature of 1{', f = Wx + b' * bias}, {catalogue(name).title}",
        how="the shares at the minimum of the definition",
    )


# All are lost where the largest is.
_DECIDES = {"dimensional": 0, "complete": -1}


def _collapses(found: list[Minimum]) -> Iterator[Measured]:
    for slot, at in _DECIDES.items():
        lowest = ", ".join(f"{one.powers[at]:.2g}" for one in found)
        yield Measured(
            slot, "trained", "an eigenvalue of WᵀW that is zero where the loss written by hand is lowest",
            [Point({}, any(Minimum.lost(one.powers[at]) for one in found))], seed=0,
            note=f"λ = {'; '.join(map(str, SETTINGS))}; eigenvalues {lowest}",
        )  # fmt: skip
