"""First and second derivatives of a loss along the directions of an opening, a batch at a time.

By automatic differentiation (a backward pass through a backward pass), and from values: second differences with steps h
and 2h, D(h) = Σ ± L(±h…)/h², whose combination (4 D(h) − D(2h))/3 is free of the error h²; the change that the
combination makes bounds the error that it leaves, and rounding adds a few ε|L|/h². Where the two disagree by more than
that, values are used: automatic differentiation is silently wrong at coincident points and behind detached branches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from derive import InputError
from verify.routes.reopening.directions import Opening

if TYPE_CHECKING:
    from collections.abc import Callable

    from verify.truths.two_views import TwoViews

Array = NDArray[np.float64]

# The number of batches on which automatic differentiation is compared with values.
COMPARED = 4
# The number of entries of the embeddings handled at a time.
ENTRIES = 2**17
FAILURES = (RuntimeError, NotImplementedError)


@dataclass(frozen=True, eq=False)
class Curved:
    """Derivatives of each batch.

    Attributes:
        hessian: (batches, n, n).
        slopes: (batches, n).
        derivatives: their origin, "autodiff" or "values".
        difference: see `compared`; None where automatic differentiation is not possible.

    """

    hessian: Array
    slopes: Array
    derivatives: Literal["autodiff", "values"]
    difference: float | None


def curvatures(loss: TwoViews, views: Array, opening: Opening) -> Curved:
    """The derivatives of each batch along all directions at S = 0.

    Args:
        loss: of two views (B, N, d1), one value per batch.
        views: (2, batches, N, d0).
        opening: W and the directions.

    >>> from numeric.sampling import Covariances
    >>> from verify.routes.reopening.directions import opening
    >>> here = opening([[1.0, 0.0], [0.0, 0.0]], Covariances(np.eye(2), np.eye(2)))
    >>> views = np.random.default_rng(0).standard_normal((2, 3, 4, 2))
    >>> found = curvatures(lambda z1, z2: (z1**2).sum((-2, -1)), views, here)
    >>> bool(np.allclose(found.hessian[:, 0, 0], 2 * (views[0] @ here.modes[:, 0]) ** 2 @ np.ones(4)))
    True

    """
    try:
        few = autodiff(loss, views[:, :COMPARED], opening)
        difference: float | None = compared(loss, views[:, :COMPARED], opening, few[0])
    except (*FAILURES, InputError):
        difference = None
    if difference is not None and difference <= 1:
        hessian, slopes = _in_blocks(lambda part: autodiff(loss, part, opening), views, opening)
        return Curved(hessian, slopes, "autodiff", difference)
    hessian, slopes = _in_blocks(lambda part: differences(loss, part, opening)[:2], views, opening)
    return Curved(hessian, slopes, "values", difference)


def autodiff(loss: TwoViews, views: Array, opening: Opening) -> tuple[Array, Array]:
    """Hessians (B, n, n) and slopes (B, n) by differentiating twice."""
    S = torch.zeros((views.shape[1], opening.size), dtype=torch.float64, requires_grad=True)
    value = _along(loss, views, opening)(S)
    (slopes,) = torch.autograd.grad(value.sum(), S, create_graph=True, materialize_grads=True)
    rows = []
    for k in range(opening.size):
        if slopes.requires_grad:
            (row,) = torch.autograd.grad(slopes[:, k].sum(), S, retain_graph=True, materialize_grads=True)
        else:
            row = torch.zeros_like(S)  # linear in S
        rows.append(row.numpy())
    return np.stack(rows, 1), slopes.detach().numpy()


def compared(loss: TwoViews, views: Array, opening: Opening, hessian: Array) -> float:
    """The largest difference of Hessians (B, n, n) from second differences, in units of the error expected of it."""
    by_values, _, allowed = differences(loss, views, opening)
    return float((np.abs(hessian - by_values) / allowed).max())


def differences(
    loss: TwoViews, views: Array, opening: Opening, step: float | None = None
) -> tuple[Array, Array, Array]:
    """Hessians (B, n, n) and slopes (B, n) from values, and the error of the former, (B, n, n).

    Args:
        loss: of two views.
        views: (2, B, N, d0).
        opening: W and the directions.
        step: h, in units of the root mean square of the embeddings; chosen for the precision unless given.

    """
    at = _along(loss, views, opening)
    batches, n = views.shape[1], opening.size
    with torch.no_grad():
        centre = at(torch.zeros((batches, n), dtype=torch.float64))
    epsilon = float(torch.finfo(centre.dtype).eps)
    size = float(np.sqrt(np.mean((views @ opening.W.T) ** 2) * len(opening.W)))
    h = (step or epsilon**0.2) * size

    def value(shift: Array) -> Array:
        with torch.no_grad():
            return np.asarray(at(torch.from_numpy(np.tile(shift, (batches, 1)))).double().numpy())

    unit = np.eye(n) * h
    middle = centre.double().numpy()
    near, far = ([(value(w * u), value(-w * u)) for u in unit] for w in (1, 2))
    hessian, allowed = np.zeros((batches, n, n)), np.zeros((batches, n, n))
    rounding = 60 * epsilon * (np.abs(middle) + 1e-300) / h**2
    for k in range(n):
        for m in range(k + 1):
            if k == m:
                one, two = ((up + down - 2 * middle) / (w * h) ** 2 for w, (up, down) in ((1, near[k]), (2, far[k])))
            else:
                one, two = (
                    sum(a * b * value(w * (a * unit[k] + b * unit[m])) for a in (1, -1) for b in (1, -1))
                    / (2 * w * h) ** 2
                    for w in (1, 2)
                )
            best = (4 * one - two) / 3
            hessian[:, k, m] = hessian[:, m, k] = best
            allowed[:, k, m] = allowed[:, m, k] = np.abs(best - one) + rounding
    slopes = [(4 * (near[k][0] - near[k][1]) / (2 * h) - (far[k][0] - far[k][1]) / (4 * h)) / 3 for k in range(n)]
    return hessian, np.stack(slopes, 1), allowed


def _along(loss: TwoViews, views: Array, opening: Opening) -> Callable[[torch.Tensor], torch.Tensor]:
    """S (B, n) ↦ the loss of each batch at W(S), (B,)."""
    base = torch.from_numpy(views @ opening.W.T)
    seen = torch.from_numpy(views @ opening.modes)
    rows = torch.from_numpy(opening.rows)
    shape = (rows.shape[1], seen.shape[-1])

    def at(S: torch.Tensor) -> torch.Tensor:
        step = torch.einsum("vbnq,bpq->vbnp", seen, S.reshape(-1, *shape)) @ rows.T
        moved = base + step
        return loss(moved[0], moved[1])

    return at


def _in_blocks(of: Callable[[Array], tuple[Array, Array]], views: Array, opening: Opening) -> tuple[Array, Array]:
    """A function of views (2, B, N, d0) on a few batches at a time."""
    few = max(1, ENTRIES // (views.shape[2] ** 2 + 2 * views.shape[2] * len(opening.W)))
    parts = [of(views[:, start : start + few]) for start in range(0, views.shape[1], few)]
    return np.concatenate([one for one, _ in parts]), np.concatenate([one for _, one in parts])
