"""Where a loss itself is lowest: its definition is averaged over draws of the data and minimised over W.

Nothing is expanded. The draws do not change while W does, so that a quasi-Newton method finds the minimum of their
average to many digits; independent sets of draws show how far it is from that of the loss. Derivatives come from a
complex step (Squire and Trapp 1998): every operation of a definition is analytic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from derive import InputError
from derive.definition.contents import degree_of, looks_at_coordinates
from derive.definition.drawn_out import is_centre
from derive.definition.expression import Average, Expression, walk
from numeric.sampling import Covariances
from verify.truths.at_points import AtPoints, by_role, seen_in
from verify.truths.evaluated_truth import EvaluatedTruth
from verify.truths.truth import Setting

if TYPE_CHECKING:
    from derive import Loss, View
    from numeric.definition import Population
    from numeric.laws import Views

Array = NDArray[np.float64]

# Sets of draws; numbers in the largest array of one evaluation; draws of a population mean; the fewest batches.
SETS, HELD, POPULATION, FEWEST = 6, 80_000, 250, 100
# The most numbers in such an array, and the most entries of W that are looked for.
LARGEST, UNKNOWNS = 500_000, 40
# The most evaluations of the loss, over all sets.
WORK = 12_000
STEP = 1e-20
# A loss that falls to this, or a W of this size, is on its way to −∞.
AWAY = 1e3
# How many standard errors count as noise.
SIGMAS = 4.0


@dataclass(frozen=True)
class LowestPoint:
    """The minimum of a loss, in the modes of whitened views.

    Attributes:
        powers: (n,), wᵀw of each column of W Σ^½.
        error: (n,), how far sampling may have moved them: 4 standard errors, and what a population mean over few draws
            adds.
        how: in words.

    """

    powers: Array
    error: Array
    how: str


def lowest(loss: Loss, data: Views, start: Array, *, seed: int = 0) -> LowestPoint:
    """The minimum that a loss has near a W.

    Args:
        loss: its parameters set, but for d1.
        data: the views, A0 and C diagonal.
        start: (d1, d0), W. Where the loss is a function of inner products alone and the columns of W are orthogonal,
            only their lengths are looked for: by symmetry the loss is stationary in all else. With two encoders, W and
            V side by side, each diagonal and of the same size.
        seed: of the draws.

    Raises:
        InputError: the loss falls without end from there, or a batch is too large to be sampled.

    >>> import numpy as np
    >>> from derive import catalogue
    >>> from numeric.sampling import Covariances
    >>> data = Covariances(np.diag([0.5]), np.diag([0.5]))
    >>> found = lowest(catalogue("spectral"), data, np.ones((1, 1)))
    >>> bool(abs(found.powers[0] - 0.5) < 0.02)
    True

    """
    pairs = start.shape[1] // 2 if loss.encoders == 2 else 0
    size = np.ones(data.d0) if pairs else np.sqrt(data.Sigma.diagonal())
    lengths = not looks_at_coordinates(loss.expression)
    begin = np.diag((start * size).T @ (start * size)) ** 0.5 if lengths else (start * size).ravel()
    signs = np.ones(pairs)
    if pairs:
        signs = np.sign(start[:, :pairs].diagonal() * start[:, pairs:].diagonal())
        begin = begin[:pairs]
    exact = _degree(loss) if loss.depends_on_moments else None

    def weight(x: NDArray[Any]) -> NDArray[Any]:
        if pairs:
            return np.hstack([np.diag(x), np.diag(signs * x)])
        return (np.diag(x) if lengths else x.reshape(start.shape)) / size

    def power(x: NDArray[Any]) -> Array:
        found: Array = (np.abs(weight(x) * size) ** 2).sum(0)
        return found[:pairs] if pairs else found

    if exact is not None:
        truth = EvaluatedTruth(loss, Setting(data, start, {}, None))

        def value(x: NDArray[Any]) -> Any:
            here = replace(truth, setting=replace(truth.setting, W=weight(x)))
            return here.averaged(np.ones(1), exact)[0]

        end = _minimum(value, begin, WORK, 1e-14)
        powers = power(end)
        return LowestPoint(
            powers, np.full(len(powers), 1e-6), "its definition minimised, which moments of the data give"
        )
    found, halves, end = [], [], begin
    for k in range(SETS):
        drawn = _Drawn.of(loss, data, seed + k, len(begin))
        end = _minimum(lambda x, drawn=drawn: drawn.mean(weight(x)), end, WORK // SETS)
        found.append(power(end))
        if drawn.samples_a_population:
            fewer = drawn.halved()
            other = _minimum(lambda x, fewer=fewer: fewer.mean(weight(x)), end, WORK // SETS)
            halves.append(power(other))
    powers = np.mean(found, axis=0)
    error = SIGMAS * np.std(found, axis=0, ddof=1) / sqrt(SETS)
    if halves:
        # The bias of a mean over n draws falls like 1/n.
        error = error + 2 * np.abs(np.mean(halves, axis=0) - powers)
    return LowestPoint(powers, error, f"its definition minimised on {SETS} sets of {drawn.rows} batches or blocks")


@dataclass(frozen=True, eq=False)
class _Drawn:
    """A loss averaged over draws of the data.

    Attributes:
        at: the loss at points.
        points: views of batches, (rows, data, d0) each; the last of the data themselves where they are asked for.
        population: by the views of a population mean, their draws (n, d0) by view, and weights (n,).

    """

    at: AtPoints
    points: tuple[Array, ...]
    population: Mapping[tuple[View, ...], tuple[dict[View, Array], Array]]

    @classmethod
    def of(cls, loss: Loss, data: Views, seed: int, unknowns: int) -> _Drawn:
        at = AtPoints(loss)
        generator = np.random.default_rng(seed)
        means = [node.over for node in walk(at.expression) if isinstance(node, Average) and node.count is None]
        counted = max([1, *(int(sample.count) for sample in loss.samples)])
        sampled = any(not view.white for over in means for view in over)
        inside = counted * (POPULATION if sampled else 1) * unknowns
        if inside * FEWEST > LARGEST or unknowns > UNKNOWNS:
            raise InputError(f"a batch of {counted + 1} data with {unknowns} unknowns is too large to be sampled often")
        rows = max(HELD // inside, FEWEST)
        points = data.draw(generator, (rows, max(1, at.data)), at.seen, datum=at.looks_at_a_datum)
        return cls(at, tuple(points), {over: _independent(data, generator, over) for over in means})

    @property
    def rows(self) -> int:
        """How many batches."""
        return len(self.points[0])

    @property
    def samples_a_population(self) -> bool:
        """Whether a mean over a population is one over draws."""
        return any(not view.white for over in self.population for view in over)

    def halved(self) -> _Drawn:
        """The same with half as many draws of each population mean."""

        def half(over: tuple[View, ...]) -> tuple[dict[View, Array], Array]:
            drawn, weights = self.population[over]
            if all(view.white for view in over):
                return drawn, weights
            return {view: one[::2] for view, one in drawn.items()}, weights[::2] * (len(weights) / len(weights[::2]))

        return replace(self, population={over: half(over) for over in self.population})

    def mean(self, W: NDArray[Any]) -> Any:
        """The average at W (d1, d0), real or complex."""

        def population(over: tuple[View, ...]) -> Population:
            drawn, weights = self.population[over]
            return {view: one @ W.T for view, one in drawn.items()}, weights

        return self.at.value([one @ W.T for one in self.points], len(W), population).mean()


def _independent(
    data: Views, generator: np.random.Generator, over: tuple[View, ...]
) -> tuple[dict[View, Array], Array]:
    """Draws of the views of a mean, each with new data; white noise, whose mean stands for |W|², as exact nodes."""
    found: dict[View, Array] = {}
    if all(view.white for view in over):
        identity = np.eye(data.d0)
        nodes, weights = Covariances(np.zeros_like(identity), identity).nodes(2, views=len(over))
        return {view: one[:, 0] for view, one in zip(over, nodes, strict=True)}, weights
    for datum in dict.fromkeys(view.datum for view in over):
        own = sorted((view for view in over if view.datum == datum), key=is_centre)
        seen = seen_in([own])
        drawn = data.draw(generator, (POPULATION, 1), seen, datum=is_centre(own[-1]))
        found |= {view: one[:, 0] for view, one in by_role(drawn, seen, own)}
    return found, np.full(POPULATION, 1 / POPULATION)


def _degree(loss: Loss) -> int:
    """The highest degree of the moments that the definition is a function of, even."""

    def inside(node: Expression) -> int:
        return degree_of(node) or 0

    found = max([2, *(inside(node.body) for node in walk(loss.expression) if isinstance(node, Average))])
    return found + found % 2


def _minimum(value: Any, begin: Array, work: int, precision: float = 1e-9) -> Array:
    """The minimum near a point, by L-BFGS with derivatives from complex steps, to a relative precision of the loss."""
    from scipy.optimize import minimize

    calls = max(10, work // len(begin))

    def both(x: Array) -> tuple[float, Array]:
        # The step is so small that the real part is the value itself.
        steps = [value(x + 1j * STEP * one) for one in np.eye(len(x))]
        return float(np.real(steps[0])), np.imag(steps) / STEP

    with np.errstate(over="ignore", invalid="ignore"):
        ends = minimize(
            both, begin, jac=True, method="L-BFGS-B", options={"maxfun": calls, "ftol": precision, "gtol": 1e-6}
        )
    if not np.isfinite(ends.fun) or np.abs(ends.x).max() > sqrt(AWAY) or ends.fun < -AWAY:
        raise InputError("the loss falls without end from there")
    return np.asarray(ends.x)
