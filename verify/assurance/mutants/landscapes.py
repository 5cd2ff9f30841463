"""Slips in a landscape: in the couplings of its modes, and in the list of stationary points that is read off them.

*Couplings* are those of a derived loss. They are compared with an optimiser on the loss's own quartic
(`verify.routes.minima`) and against Taylor coefficients of its torch function, the landscape being evaluated through
its modes. *Lists* are those of the random problems of `verify.assurance.random_landscapes`. They are compared with the
ends of a descent and of Newton's iteration on a loss written by hand (`verify.assurance.basins`), and against the
derivatives of that loss at the points that are listed.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import sympy
import torch

from derive import InputError, catalogue
from derive.landscape.landscape import Landscape, landscapes
from numeric.landscape.landscape import Solved, landscape_in_numbers
from numeric.landscape.modes import Modes, StationaryPoint
from verify.assurance import basins
from verify.assurance.mutants.killing import ORDER, Verdicts, judged
from verify.assurance.mutants.mutant import Mutant, distinct
from verify.assurance.random_landscapes import Problem, random_problem
from verify.evidence.evidence import Evidence
from verify.evidence.significance import within
from verify.papers.claims.slips import FACTORS
from verify.routes import autodiff, minima
from verify.truths.settings import case, values_for

STARTS = 30
# Digits to which two lists of points are compared.
DIGITS = 9
TOLERANCE = 1e-7


# Couplings.


def coupling_slips(found: Landscape) -> Iterator[Mutant]:
    """One coefficient changed, lost, or given to other letters."""
    for part in ("linear", "singles", "products"):
        couplings: Mapping[Any, sympy.Expr] = getattr(found, part)
        for letters, value in couplings.items():
            where = f"{part} {''.join(letters)}"
            others = {one: weight for one, weight in couplings.items() if one != letters}
            yield Mutant("sign", f"{where} flipped", _with(found, {part: {**others, letters: -value}}))
            yield Mutant("term dropped or doubled", f"{where} dropped", _with(found, {part: others}))
            for name, factor in FACTORS.items():
                yield Mutant(
                    "coefficient", f"{where} {name}", _with(found, {part: {**couplings, letters: factor * value}})
                )
            for by in _other_letters(letters):
                moved = {**others, by: others.get(by, sympy.S.Zero) + value}
                yield Mutant("symbol exchanged", f"{where} for {''.join(by)}", _with(found, {part: moved}))
            if part != "linear":
                other = "products" if part == "singles" else "singles"
                there = dict(getattr(found, other))
                there[letters] = there.get(letters, sympy.S.Zero) + value
                yield Mutant("exponent", f"{where} among the {other}", _with(found, {part: others, other: there}))


def _with(found: Landscape, parts: Mapping[str, Any]) -> Landscape:
    """The landscape with other couplings in some of its parts."""
    return replace(found, **parts)


def _other_letters(letters: Any) -> Iterator[Any]:
    if isinstance(letters, str):
        yield from (by for by in "ASC" if by != letters)
        return
    for k, letter in enumerate(letters):
        yield from (tuple(by if n == k else one for n, one in enumerate(letters)) for by in "ASC" if by != letter)


def of_couplings(name: str, seed: int = 0) -> Verdicts:
    """The mutants of a loss's landscape."""
    loss = catalogue(name)
    expansion = loss.expand(ORDER)
    values = {one: float(value) for one, value in values_for(loss, 4, minima.DIMENSION).items()}
    right = minima.case_at(landscapes(expansion), {**values, "d1": minima.DIMENSION})
    key = _formulas
    kept, equivalent = distinct(coupling_slips(right), key(right), key)
    comparisons: dict[str, Callable[[Landscape], list[Evidence]]] = {}
    try:
        found = minima.lowest(expansion, values, seed)
        comparisons["optimiser"] = lambda one: _tried(lambda: minima.held_against(found, one))
    except InputError:
        pass
    along = None if right.coordinates else autodiff.measure(case(loss, {}, seed=seed, size=3), ORDER)
    if along is not None:
        comparisons["autodiff"] = lambda one: _tried(lambda: _through_modes(along, one))
    return judged(f"{name}, couplings", kept, equivalent, right, comparisons)


def _formulas(found: Landscape) -> Hashable:
    return found.b(), found.Q(), found.K()


def _tried(compare: Callable[[], Evidence]) -> list[Evidence]:
    try:
        return [compare()]
    except InputError as error:
        return [Evidence("exact", "landscape", agrees=None, note=str(error))]


def _through_modes(measured: autodiff.RayCoefficients, found: Landscape) -> Evidence:
    """Orders 2 and 4 at the measured W."""
    here = measured.case.setting
    solved = landscape_in_numbers(found, here.covariances, here.parameters, d1=len(here.W))
    orders = solved.loss_at(here.W)
    distance = float(np.max([abs(orders[k] - measured.coefficients[k]) for k in orders]))
    agrees = within(distance, TOLERANCE)
    return Evidence("autodiff", "orders 2 and 4", 0.0, distance, TOLERANCE, "tolerance", agrees=agrees)


# Lists of points.


@dataclass(frozen=True, eq=False)
class Listed:
    """The theory of a problem: its stationary points, and the frame in which their modes lie."""

    points: tuple[StationaryPoint, ...]
    solved: Solved


def list_slips(problem: Problem) -> Iterator[Mutant]:
    """The theory with other couplings, or in another frame, and its list with every point changed, or one lost."""
    right = _listed(problem.solved)
    for kind, name, modes in _mode_slips(right.solved.modes):
        yield Mutant(kind, name, _listed(replace(right.solved, modes=modes)))
    inverse = np.asarray(np.linalg.inv(right.solved.frame).T, dtype=np.float64)
    yield Mutant("symbol exchanged", "T⁻ᵀ for the frame T", replace(right, solved=replace(right.solved, frame=inverse)))
    yield Mutant(
        "symbol exchanged",
        "Tᵀ for the frame T",
        replace(right, solved=replace(right.solved, frame=right.solved.frame.T)),
    )
    for name, wrong in basins.MUTANTS.items():
        if "b = 0" in name and not problem.bias:
            continue
        yield Mutant(
            "wrong mask" if "b = 0" in name else "symbol exchanged", name, replace(right, points=tuple(wrong(problem)))
        )
    changes: dict[tuple[str, str], Callable[[StationaryPoint], StationaryPoint]] = {
        ("coefficient", "powers doubled"): lambda one: replace(one, powers=2 * one.powers),
        ("coefficient", "powers halved"): lambda one: replace(one, powers=one.powers / 2),
        ("sign", "sign of the loss"): lambda one: replace(one, loss=-one.loss),
        ("coefficient", "loss doubled"): lambda one: replace(one, loss=2 * one.loss),
        ("coefficient", "index one too many"): lambda one: replace(one, index=one.index + 1),
        ("coefficient", "index one too few"): lambda one: replace(one, index=max(0, one.index - 1)),
        ("exponent", "roots of the powers"): lambda one: replace(one, powers=np.sqrt(one.powers)),
    }
    for (kind, name), change in changes.items():
        yield Mutant(kind, name, replace(right, points=tuple(map(change, right.points))))
    for number in range(len(right.points)):
        rest = right.points[:number] + right.points[number + 1 :]
        yield Mutant("wrong mask", f"point {number} dropped", replace(right, points=rest))


def _mode_slips(modes: Modes) -> Iterator[tuple[str, str, Modes]]:
    yield "sign", "−b for b", replace(modes, b=-modes.b)
    yield "sign", "−Q for Q", replace(modes, Q=-modes.Q)
    for name, factor in (("doubled", 2.0), ("halved", 0.5), ("taken three quarters", 0.75)):
        yield "coefficient", f"b {name}", replace(modes, b=factor * modes.b)
        yield "coefficient", f"Q {name}", replace(modes, Q=factor * modes.Q)
        if modes.K.any():
            yield "coefficient", f"K {name}", replace(modes, K=factor * modes.K)
        if modes.norm is not None:
            yield "coefficient", f"c {name}", replace(modes, c=factor * modes.c)
    yield "symbol exchanged", "b of the modes in another order", replace(modes, b=modes.b[::-1].copy())
    yield "exponent", "Q and K exchanged", replace(modes, Q=modes.K, K=modes.Q)
    yield "term dropped or doubled", "Q between modes lost", replace(modes, Q=np.diag(np.diag(modes.Q)))
    if modes.K.any():
        yield "term dropped or doubled", "K lost", replace(modes, K=0 * modes.K)
    if modes.norm is not None:
        yield "term dropped or doubled", "the constraint lost", replace(modes, norm=None)
    if modes.constant:
        yield "term dropped or doubled", "the constant lost", replace(modes, constant=0.0)
    yield "wrong mask", "one row too many", replace(modes, d1=modes.d1 + 1)
    if modes.d1 > 1:
        yield "wrong mask", "one row too few", replace(modes, d1=modes.d1 - 1)


def _listed(solved: Solved) -> Listed:
    return Listed(solved.stationary_points(), solved)


def of_lists(seed: int) -> Verdicts:
    """The mutants of the theory of one random problem."""
    problem = random_problem(seed)
    right = _listed(problem.solved)
    key = partial(_numbers, problem)
    kept, equivalent = distinct(list_slips(problem), key(right), key)
    ends = basins.ends_of(problem, STARTS)
    by_hand = basins.by_hand(problem)

    def reached(which: Sequence[basins.Reached]) -> Callable[[Listed], list[Evidence]]:
        def compare(said: Listed) -> list[Evidence]:
            wrong = basins.compare(problem, which, said.points).exceptions
            return [Evidence("exact", "ends of an optimiser", agrees=not wrong)]

        return compare

    comparisons = {
        "optimiser": reached(ends[:1]),
        "newton": reached([ends[1], basins.ends_within(problem)]),
        "autodiff": lambda said: [_derivatives(problem, by_hand, said)],
    }
    return judged(f"problem {seed} ({problem.kind})", kept, equivalent, right, comparisons)


def _numbers(problem: Problem, said: Listed) -> Hashable:
    """A list as numbers, to nine digits: the powers, loss and index of each point, and WᵀW.

    Where eigenvalues are degenerate one mask stands for all choices of as many directions, so that masks and WᵀW do not
    count, but the frame does.
    """

    def rounded(values: Any) -> Hashable:
        return tuple((np.round(np.asarray(values, dtype=float), DIGITS) + 0.0).ravel().tolist())

    if problem.kind == "degenerate":
        points = frozenset((rounded(problem.listed(one)), rounded([one.loss]), one.index) for one in said.points)
        return points, rounded(said.solved.frame)
    return frozenset(
        (tuple(one.mask), rounded(one.powers), rounded([one.loss]), one.index, rounded(said.solved.gram(one)))
        for one in said.points
    )


def _derivatives(problem: Problem, function: Any, said: Listed) -> Evidence:
    """Slope, loss and index of the loss written by hand, at each point that is said to be stationary."""
    quantity = "slope, loss and index at the listed points"
    rows = []
    for point in said.points:
        kept = np.flatnonzero(point.mask[: problem.d0])
        if len(kept) > problem.d1:
            return Evidence("autodiff", quantity, agrees=False, note="a point keeps more modes than W has rows")
        W, b = np.zeros((problem.d1, problem.d0)), np.zeros(problem.d1)
        W[np.arange(len(kept)), kept] = np.sqrt(np.abs(point.powers[kept]))
        b[-1] = np.sqrt(np.abs(point.powers[-1]))
        rows.append(np.concatenate(((W @ said.solved.frame.T).ravel(), b if problem.bias else b[:0])))
    if not rows:
        return Evidence("autodiff", quantity, agrees=None, note="no point is listed")
    x = torch.from_numpy(np.stack(rows))
    slopes = np.abs(function.gradient(x).numpy()).max(1)
    losses = np.abs(function.value(x).numpy() - np.array([one.loss for one in said.points]))
    distance = float(max(slopes.max(), losses.max()))
    agrees = within(distance, TOLERANCE)
    if agrees:
        indices = basins.indices(function.hessian(x).numpy())
        agrees = all(found == point.index for found, point in zip(indices, said.points, strict=True))
    return Evidence("autodiff", quantity, 0.0, distance, TOLERANCE, "tolerance", agrees=agrees)
