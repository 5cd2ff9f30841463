"""The trained route of an audit of two encoders: what the powers of canonical pairs add up to, beside theory.

Two pairs are correlated so weakly that what order 4 leaves out is small; where the loss ends at order 4, also strongly.
The number that is compared is the sum of the singular values of Σ₁^½ WᵀV Σ₂^½, which no W → T W, V → T^(−ᵀ) V changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from derive import InputError
from derive.landscape.canonical_pairs import canonical_pairs
from numeric.kernels import kernel

if TYPE_CHECKING:
    from derive import Expansion

Array = NDArray[np.float64]

# Candidates for the largest correlation, and the other one as a fraction of it.
CORRELATIONS, OTHER = (0.6, 0.45, 0.3, 0.2, 0.14), 0.7
# The variances of x and of y along the two pairs: unequal, so that an exchange would show.
FIRST, SECOND = (1.0, 1.5), (2.0, 0.8)
# What orders 6 and 8 may change, as a fraction.
SMALL = 0.04


@dataclass(frozen=True, eq=False)
class PairData:
    """Two pairs along the coordinates of x and y.

    Attributes:
        correlations: λ of each.

    """

    correlations: tuple[float, float]


def regime(expansion: Expansion, further: Expansion, values: Mapping[str, Any]) -> tuple[PairData, float]:
    """The strongest correlations at which order 4 is nearly all there is, and the sum of the powers there.

    Args:
        expansion: through order 4.
        further: through order 8, at the values.
        values: of the parameters.

    Raises:
        InputError: the landscape is not one of canonical pairs, or no correlation is weak enough.

    """
    for largest in CORRELATIONS:
        data = PairData((largest, OTHER * largest))
        powers = quartic(expansion, data, values)
        if not powers.any():
            message = "the landscape through order 4 keeps no pair at these values"
            raise InputError(message)
        total = float(np.abs(powers).sum())
        if left_out(further, data, powers) <= SMALL * total:
            return data, total
    message = "the orders left out are not small at any minimum of the landscape through order 4"
    raise InputError(message)


def left_out(further: Expansion, data: PairData, powers: Array) -> float:
    """By how much orders 6 and 8 move the sum of the powers; infinite where they take the minimum away.

    Both are asked: at one order what is left out may nearly cancel.
    """
    moved = [_through(further.truncate(order), data, powers) for order in (6, 8)]
    return max(np.inf if one is None else abs(one - float(np.abs(powers).sum())) for one in moved)


def quartic(expansion: Expansion, data: PairData, values: Mapping[str, Any]) -> Array:
    """The powers at the minimum through order 4."""
    found = canonical_pairs(expansion).powers(list(data.correlations), dict(values))
    return np.array([float(one) for one in found])


def _through(further: Expansion, data: PairData, start: Array) -> float | None:
    """The sum of the powers where higher orders have taken the minimum through order 4; None where it runs away.

    With Σ = Σ₂ = I and both matrices diagonal, which the pairs' signs leave stationary in all other directions.
    """
    emitted = kernel(further)
    matrices = {"A": np.diag(data.correlations), "Sigma": np.eye(2), "Sigma2": np.eye(2)}
    given = [matrices[name] for name in emitted.arguments[2:]]
    side = np.sign(start)

    def slope(powers: Array) -> Array:
        root = np.sqrt(np.abs(powers))
        along = emitted.gradient(np.diag(root), np.diag(side * root), *given)
        return np.asarray((np.diagonal(along[0]) + side * np.diagonal(along[1])) / (2 * root) * side)

    powers, step = start.copy(), 1e-6
    for _ in range(50):
        here = slope(powers)
        jacobian = np.stack(
            [(slope(powers + step * one) - slope(powers - step * one)) / (2 * step) for one in np.eye(2)]
        )
        move = np.linalg.solve(jacobian.T, here)
        powers = powers - move
        if (powers * side <= 0).any() or not np.isfinite(powers).all():
            return None
        if np.abs(move).max() < 1e-10 * np.abs(powers).max():
            return float(np.abs(powers).sum())
    return None


def with_further(expansion: Expansion, further: Expansion, values: Mapping[str, Any]) -> Expansion:
    """An expansion through order 4, with the higher orders of another added: a wrong quartic must stay wrong."""
    names = {str(symbol) for symbol in expansion.symbols}
    own = expansion.truncate(4).set({name: value for name, value in values.items() if name in names})
    return replace(further, terms=(*own.terms, *(term for term in further.terms if term.order > 4)))


def trained_powers(
    loss: str, data: PairData, size: int, batches: int, *, seeds: int, begin: Any, scale: float, plan: Any,
    generator: Any, parameters: Mapping[str, float],
) -> Array:  # fmt: skip
    """The sums of the powers of models of several seeds, each with its own random numbers.

    Args:
        loss: a catalogue name without modifiers.
        data: the pairs.
        size: of a batch.
        batches: the number of batches a step.
        seeds: the number of models.
        begin: (seeds, 2, 2), W and V at the start but for their scale.
        scale: the root of a power at the start.
        plan: how they are trained.
        generator: of the random numbers.
        parameters: of the loss.

    """
    import torch

    from verify.routes.training.data import Halves, Population
    from verify.routes.training.engine import train
    from verify.routes.training.models import Model
    from verify.routes.training.pairs import Pairs
    from verify.truths.batched import batched

    law = Pairs.of(data.correlations, FIRST, SECOND, [np.eye(2), np.eye(2)])
    shared, noise = (torch.from_numpy(one).expand(seeds, -1, -1) for one in (law.shared_root(), law.noise_root()))
    first, second = (torch.tensor(one, dtype=torch.float64) for one in (FIRST, SECOND))
    end = train(
        Model(2, 2, second=2), Halves(Population(size, shared, noise, independent=True, batches=batches), 2),
        batched(loss), plan, models=seeds, generator=generator, parameters=parameters, dtype=torch.float64,
        weights={"W": scale * begin / first.sqrt(), "V": scale * begin / second.sqrt()},
    )  # fmt: skip
    return np.asarray(np.linalg.svd(law.in_pairs(end.averaged.numpy()), compute_uv=False).sum(-1))
