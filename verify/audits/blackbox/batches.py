"""Where a black box is checked against its expansion: whole random batches, which were not used to measure it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from derive.algebra.graphs import ENCODER, PLAIN
from numeric.invariants import values_by_order
from numeric.kinds import random_kinds
from numeric.sampling import Covariances, Seen, random_covariances

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from verify.audits.blackbox.coefficients import Method
    from verify.audits.blackbox.expansions import Expanded
    from verify.truths.function import BlackBox

NODES = 4_000


# How the two views of a datum are seen with one and with two encoders.
SEEN: Mapping[int, Seen] = {1: 2, 2: (PLAIN, ENCODER)}


@dataclass(frozen=True)
class Batch:
    """The setting of a check: covariances, W and a batch size.

    With two encoders W is (W V), for the halves (x, 0) and (0, y) of pairs (`numeric.kinds`).
    """

    data: Covariances
    W: NDArray[np.float64]
    size: int
    encoders: int = 1

    def predicted(self, found: Expanded) -> dict[int, float]:
        """The orders of an expansion in this setting, in numbers.

        Raises:
            InputError: a coefficient was not measured at this batch size.

        """
        return values_by_order(found.at(self.size, len(self.W)), self.W, self.data.letters)

    @property
    def dimensions(self) -> str:
        """The dimensions of the data in words."""
        if self.encoders == 1:
            return f"d0 = {self.data.d0}"
        first = np.linalg.matrix_rank(self.data.letters["S"])
        return f"d0 = {first}, d0′ = {self.data.d0 - first}"

    def drawn(self, rng: np.random.Generator, number: int) -> NDArray[np.float64]:
        """Embeddings of random batches, (number, 2, N, d1)."""
        return self._embedded(self.data.draw(rng, (number, self.size), SEEN[self.encoders]))

    def nodes(self, degree: int) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """Cubature nodes of a whole batch, embedded, (m, 2, N, d1), and weights (m,); None where there are too many."""
        seen = SEEN[self.encoders]
        try:
            if self.data.size(degree, self.size, seen) > NODES:
                return None
            views, weights = self.data.nodes(degree, self.size, seen)
        except ValueError:
            return None
        return self._embedded(views), weights

    def _embedded(self, views: tuple[Any, ...]) -> NDArray[np.float64]:
        return np.stack([view @ self.W.T for view in views], axis=-3)


def batch(size: int, seed: int, *, d0: int = 2, d1: int = 2, encoders: int = 1) -> Batch:
    """Random covariances and a random W of unit size; with two encoders pairs of d0 and d0 + 1 dimensions."""
    rng = np.random.default_rng(seed)
    if encoders == 1:
        data = random_covariances(rng, d0)
        raw = rng.standard_normal((d1, d0))
        return Batch(data, raw / np.sqrt(np.linalg.eigvalsh(raw @ data.Sigma @ raw.T)[-1]), size)
    pairs = random_kinds(rng, d0, encoders=2)
    raw = rng.standard_normal((d1, pairs.d0))
    # V sees some of what W sees: else W A Vᵀ is too small to be told from noise.
    common = raw @ pairs.A @ np.linalg.pinv(pairs.Sigma2)
    raw += common * np.linalg.norm(raw) / np.linalg.norm(common)
    largest = max(np.linalg.eigvalsh(raw @ Sigma @ raw.T)[-1] for Sigma in (pairs.Sigma, pairs.Sigma2))
    return Batch(pairs, raw / np.sqrt(largest), size, encoders)


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
        return batch(size, self.seed + seed, d0=d0, d1=self.d1, encoders=self.method.encoders)
