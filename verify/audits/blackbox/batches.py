"""Where a black box is checked against its expansion: whole random batches, which were not used to measure it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from numeric.invariants import order_values
from numeric.sampling import Covariances, random_covariances

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from verify.audits.blackbox.coefficients import Method
    from verify.audits.blackbox.expansions import Expanded
    from verify.truths.function import BlackBox

NODES = 4_000


@dataclass(frozen=True)
class Batch:
    """The setting of a check: covariances, W and a batch size."""

    data: Covariances
    W: NDArray[np.float64]
    size: int

    def predicted(self, found: Expanded) -> dict[int, float]:
        """The orders of an expansion in this setting, in numbers.

        Raises:
            InputError: a coefficient was not measured at this batch size.

        """
        here = found.at(self.size, len(self.W))
        return order_values(here, self.W, self.data.A0, self.data.Sigma)

    def embedded(self, views: tuple[Any, ...]) -> NDArray[np.float64]:
        """Views (…, N, d0) as embeddings (…, 2, N, d1)."""
        return np.stack([view @ self.W.T for view in views], axis=-3)


def batch(size: int, seed: int, *, d0: int = 2, d1: int = 2) -> Batch:
    """Random covariances and a random W of unit size."""
    rng = np.random.default_rng(seed)
    data = random_covariances(rng, d0)
    raw = rng.standard_normal((d1, d0))
    return Batch(data, raw / np.sqrt(np.linalg.eigvalsh(raw @ data.Sigma @ raw.T)[-1]), size)


@dataclass(frozen=True, eq=False)
class Subject:
    """A black box whose expansion is to be checked.

    Attributes:
        box: the loss.
        method: how Taylor coefficients are measured.
        order: of its expansion.
        sizes: the batch sizes for derivatives, of which the first is that of the remainder.
        unseen: the size of random batches, one that was not measured before if possible.
        d1: the width at which the expansion is claimed.
        seed: of all random numbers.
        tick: called with a word before each step.

    """

    box: BlackBox
    method: Method
    order: int
    sizes: tuple[int, ...]
    unseen: int
    d1: int = 2
    seed: int = 0
    tick: Callable[[str], None] = lambda _: None

    @classmethod
    def of(
        cls, box: BlackBox, found: Expanded, method: Method, seed: int, tick: Callable[[str], None] = lambda _: None
    ) -> Subject:
        """The subject for checking the expansion of a box."""
        beyond = found.sizes[-1] + (0 if found.numbers or len(found.sizes) == 1 else 1)
        unseen = min(beyond, found.largest or beyond)
        return cls(box, method, found.expansion.order, found.sizes[:2], unseen, found.width or 2, seed, tick)

    def batch(self, size: int, seed: int, d0: int = 2) -> Batch:
        """A setting to measure in."""
        return batch(size, self.seed + seed, d0=d0, d1=self.d1)


def nodes_of(at: Batch, degree: int) -> tuple[Any, Any] | None:
    """Cubature nodes of a whole batch and their weights; None where there are too many."""
    # Their number grows as this power of the number of Gaussian variables.
    if (2 * at.size * at.data.d0) ** (degree // 2) > 100 * NODES:
        return None
    try:
        views, weights = at.data.nodes(degree, at.size)
    except ValueError:
        return None
    return (views, weights) if len(weights) <= NODES else None
