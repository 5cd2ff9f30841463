"""Which modes are zero where a loss is lowest, at random data: the loss as it is defined, over W along the modes.

Two modes with eigenvalues a of A0 and c of C. A loss of the population is evaluated from its definition, at W =
diag(t₁, t₂)/√s on a grid that contains the axes; the catalogue's losses of a batch are minimised as they are written in
torch by hand. What is found uses no expansion. A point at which keeping a mode and losing it differ by too little is
left out.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy

from derive import InputError, catalogue
from numeric.sampling import Covariances
from verify.papers.claims.claim import Measured, Point
from verify.truths.evaluated_truth import EvaluatedTruth
from verify.truths.settings import at_values, case, in_range, values_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from derive import Loss

POINTS, SIZE, DEGREE = 6, 2, 9
# Powers t² of the modes go up to this; kept modes of published losses lie well below.
FURTHEST = 3.0
STEPS, TURNS = 14, 9
# Differences below this part of what the loss varies by are the grid's.
CLOSE = 1e-3
# An eigenvalue of WᵀW above this is that of a kept mode.
KEPT = 1e-3
# The most numbers that one evaluation may take.
LARGEST = 3_000_000


def phases(slot: str, loss: Loss, *, given: Mapping[str, sympy.Expr], seed: int = 0) -> list[Measured]:
    """Whether some mode ("dimensional") or every mode ("complete") is zero at the lowest point.

    Args:
        slot: of these two.
        loss: its definition.
        given: values of parameters; the others are drawn.
        seed: of the data and the parameters.

    Raises:
        InputError: the definition has too many nodes, as that of a batch has outside of the catalogue.

    """
    found = _points(loss, tuple(given.items()), seed)
    points = [Point(letters, zero > 0 if slot == "dimensional" else zero == 2) for letters, zero in found]
    quantity = "whether a mode is zero where the loss is lowest" if slot == "dimensional" else "whether all modes are"
    return [Measured(slot, "trained", f"{quantity}, two modes of random data", points, seed=seed)]


@lru_cache(maxsize=32)
def _points(loss: Loss, given: tuple[tuple[str, sympy.Expr], ...], seed: int) -> tuple[tuple[dict[str, Any], int], ...]:
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(POINTS):
        a, c = np.exp(rng.uniform(-1.5, 1.5, (2, 2)))
        values = values_for(loss, SIZE, 2) | {
            name: in_range(sympy.Rational(int(rng.integers(1, 12)), 8), loss.domain[symbol])
            for name, symbol in loss.parameters.items()
            if name not in ("N", "d1")
        }
        values |= dict(given)
        zero = _zero(loss, values, a, c) if loss.batch_size is None else _of_batch(loss, values, a, c)
        if zero is not None:
            letters = {"a_i": a, "c_i": c} | {name: float(value) for name, value in values.items()}
            found.append((letters, zero))
    return tuple(found)


def _of_batch(loss: Loss, values: Mapping[str, sympy.Expr], a: Any, c: Any) -> int | None:
    """The same for a loss of a batch, by descents of the torch loss; None for a mode that is all but lost."""
    from verify.papers.claims.iclr.table1_minima import GONE, Trained
    from verify.truths.torch_losses import TORCH_LOSSES

    base, *modifiers = loss.name.split("+")
    if base not in TORCH_LOSSES or not set(modifiers) <= {"weight-decay"} or catalogue(loss.name) != loss:
        message = f"{loss.name} is of a batch, and only those of the catalogue are minimised; measure it yourself"
        raise InputError(message)
    numbers = {name: float(value) for name, value in values.items() if name not in ("N", "d1")}
    gamma, size = numbers.pop("gamma", 0.0) if modifiers else 0.0, int(values.get("N", SIZE))
    powers = Trained(base, tuple(a), tuple(c), numbers, gamma=gamma, size=size).eigenvalues
    return None if any(GONE < one < KEPT for one in powers) else int((powers <= GONE).sum())


def _zero(loss: Loss, values: Mapping[str, sympy.Expr], a: Any, c: Any) -> int | None:
    """How many of the two modes are zero at the lowest point; None where it cannot be told."""
    at = case(loss, values, seed=0, covariances=Covariances(np.diag(a), np.diag(c)), positive=True)
    here = at_values(loss, at.values)
    ts = np.sqrt(FURTHEST) * np.arange(STEPS) / (STEPS - 1)
    lowest: dict[int, float] = {}
    highest = -np.inf
    for turn in np.linspace(0, np.pi / 2, TURNS):
        along = np.array([np.cos(turn), np.sin(turn)]).round(12)
        truth = EvaluatedTruth(here, replace(at.setting, W=np.diag(along / np.sqrt(a + c))))
        if truth.size(DEGREE) > LARGEST:
            message = f"the lowest point of {loss.name} would take too many nodes; measure it in a reading of your own"
            raise InputError(message)
        loss_at = np.real(truth.averaged(ts, DEGREE))
        for t, value in zip(ts, loss_at, strict=True):
            zero = 2 if t == 0 else int((along == 0).sum())
            lowest[zero] = min(lowest.get(zero, np.inf), float(value))
        highest = max(highest, float(loss_at.max()))
    least = min(lowest, key=lambda zero: (lowest[zero], -zero))
    others = [value for zero, value in lowest.items() if zero != least]
    return least if min(others) - lowest[least] > CLOSE * (highest - lowest[least]) else None
