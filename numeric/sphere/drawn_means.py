"""Means over the kept block by drawing views of it: any definition, any law, finite batches, real features.

Draws come in independent batches, whose spread is the standard error. A mean over a number of data is one over as many
draws, anew for each datum that the loss is averaged over. A population mean is one over the draws of its batch; what is
a function of such means is off by a term of order 1/draws, which the two halves of the draws remove (Quenouille's
jackknife). What that leaves is estimated by the same on half the draws, and is part of the error: at low temperatures
few draws make up a mean of exponentials.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, islice, pairwise, repeat
from math import prod
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from derive.definition.contents import parameters, samples
from derive.definition.drawn_out import drawn_out, views_by_datum
from derive.definition.expression import Average, Scalar, free_views, walk
from derive.definition.factors import unscaled
from derive.errors import InputError
from numeric.definition import Evaluator, drawn_as

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from derive.definition.clusters import Sample
    from derive.definition.expression import Expression
    from derive.definition.views import View

Array = NDArray[np.float64]

# Data that a mean is over in a batch, draws of a population mean, and batches.
ANCHORS, POPULATION, BATCHES = 64, 256, 100
# Numbers in the largest array that is made at a time.
HELD = 4_000_000


class Drawn(Protocol):
    """Views that can be drawn: f of the kept block."""

    def draw(self, generator: np.random.Generator, shape: tuple[int, ...], views: int, /) -> tuple[Array, ...]:
        """Views of independent data, an array (*shape, r) for each view."""
        ...


@dataclass(frozen=True, eq=False)
class NormalBlock:
    """Normal kept modes that are independent of each other.

    Attributes:
        shares: p (r,), the variance of f along each mode.
        correlations: λ (r,), of two views.

    """

    shares: Array
    correlations: Array

    def draw(self, generator: np.random.Generator, shape: tuple[int, ...], views: int, /) -> tuple[Array, ...]:
        """See `Drawn`."""
        r = len(self.shares)
        common = np.sqrt(self.shares * self.correlations) * generator.standard_normal((*shape, r))
        own = np.sqrt(self.shares * (1 - self.correlations))
        return tuple(common + own * generator.standard_normal((*shape, r)) for _ in range(views))


@dataclass(frozen=True, eq=False)
class Features:
    """Features of given data. A batch draws each once, and begins anew with all of them where it needs more.

    Drawn with replacement, a datum would be its own negative once in n pairs, at a cosine of 1.

    Attributes:
        views: (V, n, r), f of V views of n data.
        order: in which the data are drawn, repeated as often as it takes; random for each draw where it is None.

    """

    views: Array
    order: Iterator[int] | None = None

    def for_batch(self, generator: np.random.Generator) -> Features:
        """The same data, each drawn once before any comes again."""
        n = self.views.shape[1]
        return Features(self.views, chain.from_iterable(generator.permutation(n) for _ in repeat(None)))

    def draw(self, generator: np.random.Generator, shape: tuple[int, ...], views: int, /) -> tuple[Array, ...]:
        """See `Drawn`.

        Raises:
            InputError: there are fewer views of a datum.

        """
        if views > len(self.views):
            message = f"the loss sees {views} views of a datum, and the features are of {len(self.views)}"
            raise InputError(message)
        size = prod(shape)
        order = self.for_batch(generator).order if self.order is None else self.order
        chosen = np.fromiter(islice(order or (), size), dtype=np.intp, count=size).reshape(shape)
        return tuple(one[chosen] for one in self.views[:views])


@dataclass(frozen=True, eq=False)
class Samples:
    """Some means, measured on the same batches.

    Attributes:
        values: (batches, means).
        bias: (means,), an estimate of what is left of the error of means over finitely many draws.
        seed: of the draws.

    """

    values: Array
    bias: Array
    seed: int

    @property
    def means(self) -> Array:
        """(means,)."""
        return np.asarray(self.values.mean(0))

    @property
    def covariance(self) -> Array:
        """(means, means), of the means: of their spread, and of what may be left of their bias."""
        spread = np.atleast_2d(np.cov(self.values.T)) / len(self.values)
        return np.asarray(spread + np.outer(self.bias, self.bias))


def drawn_means(
    nodes: Sequence[Expression],
    block: Drawn,
    *,
    seed: int = 0,
    batches: int = BATCHES,
    anchors: int = ANCHORS,
    population: int = POPULATION,
) -> Samples:
    """Means over the kept block, their parameters set, each averaged over the views that it leaves free.

    Args:
        nodes: definitions over views of the kept block.
        block: to draw views from.
        seed: of the draws.
        batches: their number, 2 or more.
        anchors: data in a batch.
        population: draws of each population mean in a batch.

    Raises:
        InputError: a parameter without a value.

    >>> from derive import catalogue
    >>> from derive.sphere.transverse import transverse
    >>> found = transverse(catalogue("spectral+normalised").filled())
    >>> block = NormalBlock(np.full(12, 1 / 12), np.full(12, 0.9))
    >>> measured = drawn_means([found.alpha, found.beta], block)
    >>> np.round(measured.means, 1).tolist()
    [2.4, 1.9]

    """
    for node in nodes:
        if left := sorted(parameters(node)):
            message = f"{left[0]} has no value; set it"
            raise InputError(message)
    split = [unscaled(drawn_out(node)) for node in nodes]
    numbers = np.array([float(number) for number, _ in split])
    bodies = [body for _, body in split]
    generator = np.random.default_rng(seed)
    rows = np.array([_batch(bodies, block, generator, anchors, population) for _ in range(batches)])
    return Samples(numbers * rows[..., 0], np.asarray(numbers * (rows[..., 1] - rows[..., 0]).mean(0)), seed)


def _batch(
    bodies: Sequence[Expression], block: Drawn, generator: np.random.Generator, anchors: int, population: int
) -> list[tuple[float, float]]:
    """The means on one batch, all on the same draws, each with what half the draws give for it."""
    known: dict[str, set[View]] = {}
    for body in bodies:
        for datum, views in views_by_datum(body).items():
            known.setdefault(datum, set()).update(views)
    counted = sorted({sample for body in bodies for sample in samples(body)}, key=str)
    free = {view for body in bodies for view in free_views(body)}
    size = max([population, *(int(sample.count) for sample in counted)])
    step = max(1, min(anchors, HELD // (size * max(map(len, known.values()), default=1) * 16)))
    if isinstance(block, Features):
        block = block.for_batch(generator)
    outer = _views(block, generator, known, {view.datum for view in free}, (anchors,))
    inner: dict[tuple[View, ...], dict[View, Array]] = {}
    for body in bodies:
        for node in walk(body):
            if isinstance(node, Average) and node.count is None and node.over not in inner:
                data = {view.datum for view in node.over}
                drawn = _views(block, generator, known, data, (population,))
                inner[node.over] = {view: drawn[view] for view in node.over}
    within = {sample: _sampled(block, generator, known, sample, anchors) for sample in counted}
    d1 = next(iter((outer or next(iter(inner.values()))).values())).shape[-1]

    def value(body: Expression, half: slice) -> float:
        def drawn(over: tuple[View, ...]) -> tuple[dict[View, Array], Array]:
            points = {view: one[half] for view, one in inner[over].items()}
            count = len(next(iter(points.values())))
            return points, np.full(count, 1 / count)

        total = 0.0
        for first in range(0, anchors, step):
            part = slice(first, min(first + step, anchors))
            own = {sample: {name: one[part] for name, one in views.items()} for sample, views in within.items()}
            evaluator = Evaluator(drawn, own, d1)
            found = evaluator.value(body, {view: one[part] for view, one in outer.items()})
            total += float(np.mean(found)) * (part.stop - part.start)
        return total / anchors

    def debiased(body: Expression) -> tuple[float, float]:
        if isinstance(body, Scalar) or not inner:
            return (value(body, slice(None)),) * 2
        whole, halves, quarters = (
            np.mean([value(body, part) for part in _parts(population, number)]) for number in (1, 2, 4)
        )
        return float(2 * whole - halves), float(2 * halves - quarters)

    return [debiased(body) for body in bodies]


def _parts(size: int, number: int) -> list[slice]:
    """So many parts of a range."""
    ends = [size * k // number for k in range(number + 1)]
    return [slice(*pair) for pair in pairwise(ends)]


def _views(
    block: Drawn, generator: np.random.Generator, known: dict[str, set[View]], data: set[str], shape: tuple[int, ...]
) -> dict[View, Array]:
    """Draws of some data in all views in which the definition sees them."""
    found: dict[View, Any] = {}
    for datum in sorted(data):
        views = sorted(known[datum])
        found |= dict(zip(views, block.draw(generator, shape, len(views)), strict=True))
    return found


def _sampled(
    block: Drawn, generator: np.random.Generator, known: dict[str, set[View]], sample: Sample, anchors: int
) -> dict[str, Array]:
    """A finite sample for each anchor, (anchors, count, r), by the names of its views."""
    views = sorted(known[sample.datum])
    drawn = block.draw(generator, (anchors, int(sample.count)), len(views))
    return {drawn_as(view, sample.datum): one for view, one in zip(views, drawn, strict=True)}
