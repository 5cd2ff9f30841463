"""What the figures of linear models share: training sets, their modes, and models trained over a grid of σ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from verify.evidence.agreement import Compared, compared
from verify.figures.reproduce.figure import THEORIES
from verify.routes.training.data import TrainingSet
from verify.routes.training.engine import Plan, train
from verify.routes.training.finite import lowest
from verify.routes.training.models import Model
from verify.routes.training.predictions import Predictions
from verify.running.sweeps.sweep import seed_of

Array = NDArray[np.float64]
# How many eigenvalues are shown where there are many.
SMALLEST = 3


def seeded(*parts: object) -> torch.Generator:
    """A generator whose numbers depend on all parts and on nothing else."""
    return torch.Generator().manual_seed(seed_of(*parts))


def training_set(n: int, d0: int, seed: int) -> Tensor:
    """n data of N(0, I), (n, d0), in double precision."""
    return torch.randn(n, d0, generator=seeded("training set", n, d0, seed), dtype=torch.float64)


def modes_of(points: Tensor) -> tuple[Array, Array]:
    """Eigenvalues of the training set's covariance A0, in increasing order, and eigenvectors in columns.

    The losses do not change when all embeddings move together, so that A0 is that of the centred data.

    >>> values, _ = modes_of(torch.tensor([[1.0, 5.0], [-1.0, 5.0]], dtype=torch.float64))
    >>> values.tolist()
    [0.0, 1.0]
    """
    x = points.numpy()
    centred = x - x.mean(0)
    values, vectors = np.linalg.eigh(centred.T @ centred / len(x))
    return values, vectors


def trained_over(
    points: Tensor,
    sigmas: Sequence[float],
    loss: str,
    plan: Plan,
    *,
    seed: int,
    parameters: Mapping[str, Any] | None = None,
    normalised: bool = False,
) -> dict[str, Any]:
    """Linear models with d1 = d0, one for each σ, on one training set: eigenvalues of WᵀW in increasing order.

    Returns:
        "end": (σ, d0) at the last step; "averaged": those of WᵀW averaged over the last fifth of the steps; "gram":
        (σ, d0, d0), WᵀW averaged.

    """
    d0 = points.shape[1]
    noise = torch.tensor(sigmas, dtype=torch.float32)[:, None, None].expand(-1, 1, d0)
    end = train(
        Model(d0, d0, normalised=normalised),
        TrainingSet(points.float()[None], noise),
        loss,
        plan,
        models=len(sigmas),
        generator=seeded("training", seed),
        parameters=parameters,
    )
    values = (torch.linalg.eigvalsh(one.double()).clamp_min(0.0) for one in (end.gram, end.averaged))
    return dict(zip(("end", "averaged"), (one.tolist() for one in values), strict=True)) | {
        "gram": end.averaged.double()
    }


def smallest(trained: Mapping[str, Any]) -> dict[str, Any]:
    """The smallest eigenvalues alone, of what `trained_over` returns."""
    return {name: [one[:SMALLEST] for one in trained[name]] for name in ("end", "averaged")}


def finite_minima(
    points: Tensor, sigma: float, loss: str, start: Array, *, seed: int, draws: int, parameters: Mapping[str, Any]
) -> list[list[float]]:
    """The smallest eigenvalues of WᵀW, increasing, at the minimum of this training set's loss, for two sets of draws.

    Args:
        points: the training set.
        sigma: of the noise.
        loss: the loss.
        start: (d0, d0), WᵀW to begin with.
        seed: of the training set; the draws have seeds of their own.
        draws: how many in a set, see `verify.routes.training.finite`.
        parameters: of the loss.

    """
    values, vectors = np.linalg.eigh(start)
    floor = 1e-2 * values.max()  # a mode that starts at 0 would stay there
    W = torch.from_numpy(np.sqrt(np.maximum(values, floor))[:, None] * vectors.T)
    noise = torch.full((1, points.shape[1]), sigma, dtype=torch.float64)
    found = [
        lowest(
            points, noise, loss, draws=draws, generator=seeded("noise", 2 * seed + half), start=W, parameters=parameters
        )
        for half in (0, 1)
    ]
    return [torch.linalg.eigvalsh(one.gram).clamp_min(0.0).tolist()[:SMALLEST] for one in found]


def against(theory: Predictions, at: Any, powers: Array, c: float) -> dict[str, Compared]:
    """The three predictions for a mode with a = 1, each compared with the trained powers, by name.

    A difference counts from 2 % of the prediction on; of 1/(a + c), where h = 1, for a mode that is predicted to
    collapse.
    """
    off = float(theory.truncation[at])
    guesses = {name: float(getattr(theory, name)[at]) for name in THEORIES}
    return {
        name: compared(guess, powers.tolist(), scale=guess or 1 / (1 + c), truncation=0.0 if name == "exact" else off)
        for name, guess in guesses.items()
    }


def words(decided: Mapping[str, Compared]) -> dict[str, str]:
    """The columns of a table that say how each prediction fares."""
    return {f"{name}_is": one.word for name, one in decided.items()}
