"""The loss as it is defined, without an expansion: the reference of every check.

A truth gives the loss at t·W (and t·b, where the model has a bias) for several t, real or complex (every step is
analytic), in two ways: averaged over cubature nodes, which have the moments of the data up to a degree, so that its
Taylor coefficients in t up to that degree are those of Gaussian data; and on random draws, one value per batch.

There are two kinds: `verify.truths.torch_truth`, the torch functions of the catalogue, and
`verify.truths.evaluated_truth`, which evaluates any definition directly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from numeric.laws import Views
    from numeric.sampling import Seen

# Random pairs in one block, for a loss that is a function of population means, which the block estimates.
BLOCK = 500


@dataclass(frozen=True, eq=False)
class Setting:
    """The setting in which a loss is evaluated.

    Attributes:
        covariances: the data, a law with its covariances in numbers.
        W: (d1, d0).
        parameters: numbers for the loss's parameters, by name; N among them where the loss has it.
        batch: the number of data in a batch, None for a population loss.
        training_set: (batch, d0) for a fixed centred training set, (batch, 2 d0) of two kinds; None for independent
            draws.
        positive: take nodes with positive weights, and none at 0: more nodes, but less rounding.
        bias: (d1,), b of f(x) = W x + b; None for f(x) = W x. A ray is t·(W, b).

    """

    covariances: Views
    W: NDArray[np.float64]
    parameters: Mapping[str, float]
    batch: int | None
    training_set: NDArray[np.float64] | None = None
    positive: bool = False
    bias: NDArray[np.float64] | None = None

    def embedded(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """W x + b, for data (…, d0)."""
        z = x @ self.W.T
        return np.asarray(z if self.bias is None else z + self.bias)

    def points(self, degree: int, data: int, views: Seen, *, datum: bool = False) -> tuple[tuple[Any, ...], Any]:
        """Cubature nodes of a batch's views, (m, data, d0) each, and weights; `datum` as in `Covariances.views`."""
        if self.training_set is None:
            return self.covariances.nodes(degree, data, views, positive=self.positive, datum=datum)
        noise, weights = self.covariances.noise.nodes(degree, data, views, positive=self.positive, datum=datum)
        return self._shifted(noise, views), weights

    def nodes(self, degree: int, data: int, views: Seen) -> int:
        """How many cubature nodes there are, counted without building them."""
        return self.covariances.size(degree, data, views, positive=self.positive)

    def population(self, degree: int, views: Seen, *, datum: bool = False) -> tuple[tuple[Any, ...], Any]:
        """Cubature nodes of one datum's views, (m, d0) each, and weights."""
        nodes, weights = self.covariances.nodes(degree, views=views, positive=self.positive, datum=datum)
        return tuple(one[:, 0] for one in nodes), weights

    def augmentation(self, degree: int, views: Seen) -> tuple[tuple[Any, ...], Any]:
        """Cubature nodes of what the augmentation adds to f of a datum in its views, (m, d1) each, and weights."""
        nodes, weights = self.covariances.noise.nodes(degree, views=views, positive=self.positive)
        return tuple(one[:, 0] @ self.W.T for one in nodes), weights

    def draw(
        self, generator: np.random.Generator, draws: int, data: int, views: Seen, *, datum: bool = False
    ) -> tuple[NDArray[np.float64], ...]:
        """Random views of batches, (draws, data, d0) each."""
        if self.training_set is None:
            return self.covariances.draw(generator, (draws, data), views, datum=datum)
        return self._shifted(self.covariances.noise.draw(generator, (draws, data), views, datum=datum), views)

    def _shifted(self, noise: tuple[NDArray[np.float64], ...], views: Seen) -> tuple[NDArray[np.float64], ...]:
        """The training set with noise; the datum itself comes last, where it is among them."""
        assert self.training_set is not None  # noqa: S101 (asked before)
        itself = len(noise) - (views if isinstance(views, int) else len(views))
        seen = views + itself if isinstance(views, int) else views
        shown = self.covariances.of_set(self.training_set, seen)
        return tuple(one + more for one, more in zip(shown, noise, strict=True))


class Truth(Protocol):
    """A loss, as a function of t along the ray t·W."""

    @property
    def setting(self) -> Setting:
        """The setting in which it is evaluated."""

    @property
    def how(self) -> str:
        """A description of the evaluation in words."""

    @property
    def odd(self) -> bool:
        """Whether it may have, on one batch, terms of odd order in t, which average to zero over symmetric data."""

    def averaged(self, ts: NDArray[Any], degree: int) -> NDArray[Any]:
        """The loss over data, at each t: shape (T,)."""

    def drawn(self, ts: NDArray[Any], degree: int, generator: np.random.Generator, draws: int) -> NDArray[Any]:
        """The loss on random batches (or blocks), at each t: shape (draws, T); inner means over nodes."""

    def size(self, degree: int) -> int:
        """The number of values that its average over cubature nodes takes at one t."""

    def rows(self, draws: int) -> int:
        """How many batches or blocks to draw for a wanted number of data (or batches) to average over."""


def batches(draws: int, batch: int) -> int:
    """How many batches to draw: as many as asked for where they are small, fewer where each has many pairs."""
    return max(40, min(draws, draws * 20 // batch**2))


def blocks(draws: int) -> int:
    """How many blocks: a fifth as many pairs as batches, since a pair varies less; enough for a standard error."""
    return max(40, draws // (5 * BLOCK))
