"""Where optimisers really end, from many random starts, against the points that the theory lists.

A second-order optimiser has to end at points that the theory calls minima, and Newton's iteration on the gradient at
points that it calls stationary; powers, losses, ranks and Hessian indices have to agree. What is optimised is written
by hand in torch, see `verify.assurance.random_landscapes`.
The program that prints the figures is ``bench/basins.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from numeric.landscape.descent import Smooth, descend, newton
from numeric.landscape.modes import StationaryPoint
from verify.assurance.random_landscapes import OneCovariance, Problem

Array = NDArray[np.float64]
Theory = Callable[[Problem], Sequence[StationaryPoint]]

AGREE = 1e-8
# Powers below this are zero to the optimiser: a mode on the verge is quartic, and a slope of 1e-13 leaves 1e-9.
OFF = 1e-6
TOLERANCE = 2e-13


def by_hand(problem: Problem) -> Smooth:
    """The landscape as a function of the flat (W, b), with derivatives by automatic differentiation."""
    split = problem.d1 * problem.d0

    def loss(x: Any) -> Any:
        return problem.loss(x[:split].reshape(problem.d1, problem.d0), x[split:])

    return Smooth(
        torch.func.vmap(loss), torch.func.vmap(torch.func.grad(loss)), torch.func.vmap(torch.func.hessian(loss))
    )


@dataclass
class Count:
    """The count of what was found from the starts of some problems.

    Attributes:
        problems: how many.
        ends: how many iterations converged, of either kind.
        strays: how many did not converge.
        exceptions: ends that the theory does not list, each with its problem and what was wrong.
        worst: the largest distances of powers and losses from the theory.
        visited: how many of the theory's points were reached, of how many.

    """

    problems: int = 0
    ends: int = 0
    strays: int = 0
    exceptions: list[str] = field(default_factory=list)
    worst: dict[str, float] = field(default_factory=lambda: {"powers": 0.0, "loss": 0.0})
    visited: list[tuple[int, int]] = field(default_factory=list)


def check(problems: Sequence[Problem], starts: int, listed_by: Theory | None = None) -> Count:
    """Optimise each problem from random starts and compare every end with the theory.

    Args:
        problems: see `random_problem`.
        starts: random starts for the optimiser, and as many for Newton's iteration.
        listed_by: the points that a problem is said to have; the theory's unless given.

    """
    count = Count()
    for problem in problems:
        listed = list((listed_by or theory)(problem))
        compare(problem, ends_of(problem, starts), listed, count)
    return count


@dataclass(frozen=True, eq=False)
class Reached:
    """Where one optimiser ended on a problem.

    Attributes:
        minimise: whether it goes down, or is Newton's iteration, which stops at saddles too.
        powers: of each end that converged, as the problem counts them.
        spread: how far its modes are from separate.
        losses: there.
        indices: of the Hessian, by automatic differentiation.
        strays: how many did not converge.

    """

    minimise: bool
    powers: Array
    spread: Array
    losses: Array
    indices: NDArray[np.intp]
    strays: int


def ends_of(problem: Problem, starts: int) -> list[Reached]:
    """The ends of both optimisers from as many random starts each, with which a list of points is compared."""
    function = by_hand(problem)
    generator = torch.Generator().manual_seed(problem.seed)
    return [
        _reached(problem, function, _starts(problem, starts, generator), minimise=minimise)
        for minimise in (True, False)
    ]


def ends_within(problem: Problem, each: int = 6) -> Reached:
    """The ends of Newton's iteration from starts that have some of the modes alone: every choice of modes that fits.

    Few random starts lead to a saddle. The modes are the eigenvectors of one matrix of the problem in the metric of the
    other, by LAPACK; their powers are random, and a little noise is added, so that nothing holds a start in its place.
    """
    from scipy.linalg import eigh

    generator = np.random.default_rng(problem.seed)
    frame = eigh(*problem.pair)[1]
    rows: list[Array] = []
    for choice in product((False, True), repeat=problem.d0 + problem.bias):
        mask = np.array(choice)
        kept = np.flatnonzero(mask[: problem.d0])
        if len(kept) > problem.d1:
            continue
        for _ in range(each):
            turn, _ = np.linalg.qr(generator.standard_normal((problem.d1, problem.d1)))
            powers = generator.uniform(0.02, 1.0, len(kept))
            W = turn[:, : len(kept)] * np.sqrt(powers) @ frame[:, kept].T
            b = mask[-1] * generator.uniform(0.1, 1.0) * turn[:, 0] if problem.bias else turn[:0, 0]
            start = np.concatenate((W.ravel(), b))
            rows.append(start + 1e-3 * generator.standard_normal(start.shape))
    return _reached(problem, by_hand(problem), torch.from_numpy(np.stack(rows)), minimise=False)


def _reached(problem: Problem, function: Smooth, starts: Any, *, minimise: bool) -> Reached:
    ends = (descend if minimise else newton)(function, starts, tolerance=TOLERANCE)
    x = ends.x[ends.converged]
    if not len(x):
        nothing = np.zeros(0)
        return Reached(minimise, nothing, nothing, nothing, np.zeros(0, dtype=np.intp), len(ends.x))
    W = x[:, : problem.d1 * problem.d0].reshape(-1, problem.d1, problem.d0)
    powers, spread = problem.powers(W.numpy())
    losses, found = function.value(x).numpy(), indices(function.hessian(x).numpy())
    return Reached(minimise, powers, spread, losses, found, len(ends.x) - len(x))


def compare(
    problem: Problem, ends: Sequence[Reached], listed: Sequence[StationaryPoint], count: Count | None = None
) -> Count:
    """Compare ends with the points that a theory lists, adding to the count of other problems, if given."""
    count = Count() if count is None else count
    visited: set[int] = set()
    for one in ends:
        count.strays += one.strays
        count.ends += len(one.losses)
        _compare(problem, one, listed, count, visited)
    count.problems += 1
    count.visited.append((len(visited), len(listed)))
    return count


def _compare(
    problem: Problem, ends: Reached, listed: Sequence[StationaryPoint], count: Count, visited: set[int]
) -> None:
    for powers, spread, loss, found_index in zip(ends.powers, ends.spread, ends.losses, ends.indices, strict=True):
        distances = [float(np.abs(problem.listed(point) - powers).max()) for point in listed]
        near = [k for k, point in enumerate(listed) if distances[k] < 1e-5 and abs(point.loss - loss) < 1e-5]
        best = min(near, key=lambda k: distances[k], default=None)
        if best is None:
            count.exceptions.append(f"seed {problem.seed} ({problem.kind}): unlisted, powers {powers}, L {loss:.9g}")
            continue
        point = listed[best]
        visited.add(best)
        count.worst["powers"] = max(count.worst["powers"], distances[best], spread)
        count.worst["loss"] = max(count.worst["loss"], abs(point.loss - loss))
        rank = int((powers > OFF).sum())
        wrong = [
            name
            for name, differs in (
                ("powers", distances[best] > AGREE or spread > AGREE),
                ("loss", abs(point.loss - loss) > AGREE),
                ("rank", rank != point.rank),
                ("index", found_index != point.index),
                ("minimum", ends.minimise and point.index != 0),
            )
            if differs
        ]
        if wrong:
            count.exceptions.append(f"seed {problem.seed} ({problem.kind}): {', '.join(wrong)} at L {loss:.9g}")


def _starts(problem: Problem, number: int, generator: torch.Generator) -> Any:
    """Random matrices (W, b) whose singular values spread from 1e-3 to 2: saddles draw only what starts near them."""
    shape = (number, problem.d1, problem.d0 + problem.bias)
    left, _, right = torch.linalg.svd(torch.randn(shape, generator=generator, dtype=torch.float64), full_matrices=False)
    exponents = torch.rand(left.shape[0], left.shape[2], generator=generator, dtype=torch.float64)
    matrix = (left * (2.0 * 10 ** (-3.3 * exponents))[:, None, :]) @ right
    W, b = matrix[:, :, : problem.d0], matrix[:, :, problem.d0 :]
    return torch.cat((W.flatten(1), b.flatten(1)), 1)


def indices(hessians: Array) -> NDArray[np.intp]:
    """How many negative directions each Hessian has."""
    curvatures = np.linalg.eigvalsh(hessians)
    return np.asarray((curvatures < -1e-6 * np.abs(curvatures).max(1, keepdims=True)).sum(1))


def theory(problem: Problem) -> Sequence[StationaryPoint]:
    """What the theory lists."""
    return problem.solved.stationary_points()


def inverse_covariance(problem: Problem) -> Sequence[StationaryPoint]:
    """A wrong theory: Σ where its inverse belongs, Σ² for Σ⁻² in the loss."""
    if isinstance(problem, OneCovariance):
        return theory(replace(problem, Sigma=np.asarray(np.linalg.inv(problem.Sigma), dtype=np.float64)))
    return theory(problem)


def no_bias_branch_dropped(problem: Problem) -> Sequence[StationaryPoint]:
    """A wrong theory: the branch b = 0 is forgotten."""
    return [point for point in theory(problem) if point.mask[-1] or not problem.bias]


def wrong_ordering(problem: Problem) -> Sequence[StationaryPoint]:
    """A wrong theory: the minima keep the smallest eigenvalues of B."""
    points = theory(problem)
    turned = {tuple(point.mask): point.index for point in points}

    def other(mask: Any) -> tuple[bool, ...]:
        return (*mask[: problem.d0][::-1], *mask[problem.d0 :])

    return [replace(point, index=turned.get(other(point.mask), point.index)) for point in points]


MUTANTS: dict[str, Theory] = {
    "Σ for its inverse": inverse_covariance,
    "b = 0 dropped": no_bias_branch_dropped,
    "wrong ordering": wrong_ordering,
}
