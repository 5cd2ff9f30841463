"""The second order of a torch function, found by calling it: enough for B, whatever the law of the features.

At second order a loss of a batch that treats all data equally and turns with the embedding is

    Σ_i (h₁₁|z1_i|² + h₂₂|z2_i|² + h₁₂⟨z1_i, z2_i⟩) + Σ_{i≠j} (½ g₁₁⟨z1_i, z1_j⟩ + ½ g₂₂⟨z2_i, z2_j⟩ + g₁₂⟨z1_i, z2_j⟩),

and each coefficient is read off by setting one or two embeddings to a unit vector and all others to 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from derive import InputError
from verify.networks.last_layer.curve import even_coefficients
from verify.networks.last_layer.second_moments import Second

if TYPE_CHECKING:
    from verify.networks.last_layer.objective import Objective, TwoViews

# One embedding that is not 0: its view and its datum.
Slot = tuple[int, int]
# How far a turned batch may change the loss, by rounding.
ROUNDING = 1e-8


def second_of(objective: Objective, d1: int) -> Second | None:
    """The second order of a loss, from its definition or by calling it; None where it has none."""
    if objective.definition is not None:
        return Second.of(objective.definition.moments(2), d1)
    try:
        return second_order(objective.function, objective.batch, objective.name)
    except InputError:
        return None


def second_order(function: TwoViews, batch: int, name: str = "the loss") -> Second:
    """The coefficients of E⟨x, x⟩, E⟨x, x′⟩ and E⟨x, χ⟩ in the expected loss.

    Args:
        function: two views (m, n, d) → (m,).
        batch: n.
        name: of the loss, for errors.

    Raises:
        InputError: a loss that does not turn with the embedding, or has no second order at 0.

    >>> second_order(lambda z1, z2: ((z1 - z2) ** 2).sum(-1).mean(-1) / 2, 4)
    Second(own=1.0, other=-1.0, mean=0.0, decay=0.0)

    """
    check_rotations(function, batch, name)

    def along(*slots: Slot) -> float:
        z = torch.zeros(2, 1, batch, 2, dtype=torch.float64)
        for view, datum in slots:
            z[view, 0, datum, 0] = 1.0

        def curve(t: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
            with torch.no_grad():
                return function(t * z[0], t * z[1]).double().numpy()

        return float(even_coefficients(curve).second[0])

    alone = [along((view, 0)) for view in (0, 1)]

    def pair(one: Slot, other: Slot) -> float:
        return along(one, other) - alone[one[0]] - alone[other[0]]

    mean = (pair((0, 0), (0, 1)) + pair((1, 0), (1, 1))) / 2 + pair((0, 0), (1, 1))
    found = batch * sum(alone), batch * pair((0, 0), (1, 0)), batch * (batch - 1) * mean
    # What is left of a coefficient that cancels is rounding, as are the last digits of the others.
    size = max(map(abs, found))
    own, other, far = (0.0 if abs(value) < 1e-6 * size else float(f"{value:.9g}") for value in found)
    return Second(own, other, far)


def check_rotations(function: TwoViews, batch: int, name: str, without: str = "it has no matrix B") -> None:
    """Refuse a loss that singles out coordinates or data, and so is without something.

    Raises:
        InputError: saying so.

    """
    g = torch.Generator().manual_seed(0)
    z = torch.randn(2, 1, batch, 2, dtype=torch.float64, generator=g)
    turn = torch.tensor([[0.6, -0.8], [0.8, 0.6]], dtype=torch.float64)
    with torch.no_grad():
        here, turned, shuffled = (float(function(*one)[0]) for one in (z, z @ turn, z.flip(2)))
    for value, what in ((turned, "coordinates of the embedding"), (shuffled, "data of the batch")):
        if not abs(value - here) <= ROUNDING * max(1.0, abs(here)):
            raise InputError(f"{name} singles out {what}; {without}")
