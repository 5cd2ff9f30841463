"""Small laws of the data, over which a loss can be averaged exactly.

A datum is one of a few points, and each of its views is that point plus or minus its own noise: the views are
independent given the datum, so that their joint law does not depend on their order. A batch of independent data then
has finitely many values, and if code and definition are the same loss they agree on these exactly, at any size of W.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derive import InputError
from derive.algebra.graphs import PLAIN
from numeric.sampling import Covariances, Seen, roles_of
from verify.truths.truth import Setting

Array = NDArray[np.float64]
POINTS = 2


@dataclass(frozen=True, eq=False)
class FewPoints(Setting):
    """A setting whose data take a few values instead of being Gaussian.

    Attributes:
        centres: (k, d0), the points as views of the first kind show them, before noise.
        noise: (k, d0), what is added to a point or subtracted.
        chances: (k,), of the points.
        second: centres and noise of the second kind, seen through another encoder; those of the first unless given.

    """

    centres: Array = field(default_factory=lambda: np.zeros((1, 1)))
    noise: Array = field(default_factory=lambda: np.zeros((1, 1)))
    chances: Array = field(default_factory=lambda: np.ones(1))
    second: tuple[Array, Array] | None = None

    def population(self, degree: int, views: Seen, *, datum: bool = False) -> tuple[tuple[Any, ...], Any]:  # noqa: ARG002
        """All values of one datum's views, (m, d0) each, and their chances."""
        _without_datum(datum=datum)
        roles = roles_of(views)
        signs = np.array(list(product((1.0, -1.0), repeat=len(roles))))
        first = self.centres, self.noise
        kinds = [first if role == PLAIN or self.second is None else self.second for role in roles]
        # (points, signs, d0)
        every = [
            centres[:, None] + signs[None, :, v, None] * noise[:, None] for v, (centres, noise) in enumerate(kinds)
        ]
        values = tuple(one.reshape(-1, one.shape[-1]) for one in every)
        return values, np.repeat(self.chances, len(signs)) / len(signs)

    def points(self, degree: int, data: int, views: Seen, *, datum: bool = False) -> tuple[tuple[Any, ...], Any]:
        """All values of a batch's views, (m, data, d0) each, and their chances."""
        every, chances = self.population(degree, views, datum=datum)
        which = np.array(list(product(range(len(chances)), repeat=data)))
        return tuple(one[which] for one in every), chances[which].prod(1)


@dataclass(frozen=True, eq=False)
class Drawn(Setting):
    """A setting of given batches, in which each datum is the anchor in turn.

    Attributes:
        given: (B, N, d) for each view.

    """

    given: tuple[Array, ...] = ()

    def draw(
        self,
        generator: np.random.Generator,  # noqa: ARG002
        draws: int,  # noqa: ARG002
        data: int,
        views: Seen,
        *,
        datum: bool = False,
    ) -> tuple[Array, ...]:
        """Each batch once for each anchor, (B N, …): the anchor, and its samples, the other data or all."""
        _without_datum(datum=datum)
        size, width = self.given[0].shape[1:]
        others = [[i, *(np.roll(np.arange(size), -i)[1:] if data == size else np.arange(size))] for i in range(size)]
        # A view of the second kind is the second of the batch, whichever else is shown.
        roles = tuple(range(views)) if isinstance(views, int) else [int(role != PLAIN) for role in views]
        return tuple(self.given[k][:, others].reshape(-1, len(others[0]), width) for k in roles)


def few_points(seed: int, size: int, width: int = 2, encoders: int = 1) -> FewPoints:
    """A random law and a random W of unit size; with two encoders pairs (x, 0) and (0, y), and (W V).

    >>> views, chances = few_points(0, 2).points(0, 2, 2)
    >>> views[0].shape, round(float(chances.sum()), 12)
    ((64, 2, 2), 1.0)

    """
    rng = np.random.default_rng(seed)
    chances = rng.uniform(0.3, 0.7, POINTS)
    W, centres = rng.standard_normal((width, width)), rng.standard_normal((POINTS, width))
    noise, second = 0.5 * rng.standard_normal((POINTS, width)), None
    if encoders == 2:
        W = np.hstack((W, rng.standard_normal((width, width))))

        def beside(one: Array) -> Array:
            return np.hstack((np.zeros_like(one), one))

        # The noise of y is smaller, so that Σ and Σ₂ are told apart.
        of_y = rng.standard_normal((POINTS, width)), 0.25 * rng.standard_normal((POINTS, width))
        second = beside(of_y[0]), beside(of_y[1])
        centres, noise = (np.hstack((one, np.zeros_like(one))) for one in (centres, noise))
    return FewPoints(
        _nothing(W.shape[1]),
        W,
        {},
        size,
        centres=centres,
        noise=noise,
        chances=chances / chances.sum(),
        second=second,
    )


def drawn(embedded: Array) -> Drawn:
    """Batches of embeddings (B, 2, N, d) as a setting, with W = 1."""
    _, _, size, width = embedded.shape
    return Drawn(_nothing(width), np.eye(width), {}, size, given=(embedded[:, 0], embedded[:, 1]))


def _without_datum(*, datum: bool) -> None:
    if datum:
        message = "a mean over all further views of a datum has no value on given batches"
        raise InputError(message)


def _nothing(width: int) -> Covariances:
    return Covariances(np.zeros((width, width)), np.eye(width))
