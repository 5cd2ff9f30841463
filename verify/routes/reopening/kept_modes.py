"""W of a rank r that keeps some modes of the data: from the landscape at fixed norm, or by descent of the loss itself.

Modes are those of two views: with KᵀΣK = I and KᵀA0K diagonal, column k of K being v_k, every W is M Kᵀ. Where a mode's
column of M is zero the mode is collapsed. For data in which modes are independent the gradient in
those columns is zero, so that a point that is stationary within the kept modes is stationary altogether.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from derive import InputError
from derive.landscape.landscape import landscapes
from numeric.landscape.landscape import Solved, landscape_in_numbers
from numeric.landscape.modes import StationaryPoint, masked_point
from verify.routes.reopening.transverse import draw

if TYPE_CHECKING:
    from derive import Loss
    from numeric.sampling import Covariances
    from verify.truths.two_views import TwoViews

Array = NDArray[np.float64]

STEPS = 400
# The length of the gradient below which a descent has converged, for W with E|f|² of order one.
FLAT = 1e-6
# The noise of an entry of the gradient counts as at least this fraction of the largest.
FLOOR = 0.05


@dataclass(frozen=True, eq=False)
class Masked:
    """A W that keeps some modes.

    Attributes:
        W: (d1, d0); E|f|² = 1 where the loss does not depend on its scale.
        singular: singular values of W Σ^½, the largest first.
        slope: the length of the gradient within the kept modes on the draws of the descent.
        converged: whether that is small.

    """

    W: Array
    singular: Array
    slope: float
    converged: bool


def modes(covariances: Covariances) -> tuple[Array, Array]:
    """K (d0, d0) with KᵀΣK = I, and λ (d0,), the diagonal of KᵀA0K, the largest first.

    >>> from numeric.sampling import Covariances
    >>> modes(Covariances(np.diag([1.0, 3.0]), np.eye(2)))[1]
    array([0.75, 0.5 ])
    """
    values, vectors = np.linalg.eigh(covariances.Sigma)
    if not values[0] > 1e-12 * values[-1]:
        raise InputError("Σ = A0 + C is singular; project the data on the directions that it fills")
    white = vectors / np.sqrt(values)
    correlations, turn = np.linalg.eigh(white.T @ covariances.A0 @ white)
    return np.asarray(white @ turn[:, ::-1]), correlations[::-1]


def alike(covariances: Covariances, rank: int) -> Array:
    """W (rank + 1, d0) that keeps the modes of the largest λ equally, with E|f|² = 1 and equivalent rows.

    The rows are the corners of a simplex in the kept modes, so that no row is zero and a normalisation of coordinates
    is defined; after a rotation they are the kept modes themselves and a row of zeros. Where these modes have one λ, a
    permutation of the rows is a rotation of them, and the gradient of a loss that treats coordinates equally can
    only change the length of W: the point is stationary where the loss does not depend on that.

    >>> from numeric.sampling import Covariances
    >>> W = alike(Covariances(np.diag([1.0, 1.0, 0.1]), np.eye(3)), 2)
    >>> np.linalg.svd(W @ np.diag([2.0, 2.0, 1.1]) ** 0.5, compute_uv=False).round(3).tolist()
    [0.707, 0.707, 0.0]

    """
    frame, _ = modes(covariances)
    # Helmert's basis of the complement of (1, …, 1).
    steps = np.tril(np.ones((rank, rank + 1))) - np.diag(np.arange(1.0, rank + 1), 1)[:rank]
    corners = steps / np.linalg.norm(steps, axis=1, keepdims=True)
    return np.asarray(corners.T @ frame[:, :rank].T / np.sqrt(rank))


def fixed_norm(
    loss: Loss,
    covariances: Covariances,
    values: Mapping[str, float] | None = None,
    *,
    c: float = 1.0,
    d1: int | None = None,
) -> Solved:
    """The landscape of an unnormalised loss through order 4 where E|f|² = c: the limit κ → ∞ of a norm penalty.

    Args:
        loss: with an expansion; the model of its normalised form in Ziyin et al. (ICLR 2023, Eq. 10).
        covariances: of the data.
        values: of the loss's parameters.
        c: the norm.
        d1: the number of rows of W; d0 unless given.

    Raises:
        InputError: a loss whose landscape is not known, or a parameter without a value.

    >>> from derive import catalogue
    >>> from numeric.sampling import Covariances
    >>> solved = fixed_norm(catalogue("infonce"), Covariances(np.eye(2), np.eye(2)))
    >>> solved.gram(solved.stationary_points()[0]).round(3)
    array([[0.25, 0.  ],
           [0.  , 0.25]])

    """
    given = values or {}
    for case in landscapes(loss.expand(4)):
        if not case.holds(given):
            continue
        reason = case.why_not_lowest(d1 or covariances.d0)
        if reason:
            raise InputError(f"the landscape of {loss.name} at fixed norm is not known: {reason}")
        solved = landscape_in_numbers(case, covariances, given, d1=d1)
        sizes = np.einsum("ik,ij,jk->k", solved.frame, covariances.Sigma, solved.frame)
        return replace(solved, modes=replace(solved.modes, norm=sizes, c=c))
    raise InputError(f"no case of the landscape of {loss.name} holds at these values")


def kept(solved: Solved, mask: Sequence[bool] | NDArray[np.bool_]) -> StationaryPoint:
    """The stationary point that keeps the modes of a mask, in the order of the landscape's frame.

    Raises:
        InputError: there is none.

    """
    wanted = np.asarray(mask, dtype=np.bool_)
    point = masked_point(solved.modes, wanted)
    if point is None:
        raise InputError(f"no stationary point keeps exactly the modes {np.flatnonzero(wanted).tolist()}")
    return point


def curvatures_of(solved: Solved, point: StationaryPoint, covariances: Covariances) -> Array:
    """The curvature of each collapsed mode in a landscape: ∂²L/∂S² along u vᵀ with vᵀΣv = 1; NaN for a kept one.

    In the frame's own units the loss changes by u_i S² (`numeric.landscape.modes`).
    """
    sizes = np.einsum("ik,ij,jk->k", solved.frame, covariances.Sigma, solved.frame)
    return np.where(point.mask, np.nan, 2 * point.slopes / sizes)


def descended(
    loss: TwoViews,
    covariances: Covariances,
    *,
    rank: int,
    d1: int,
    batch: int = 64,
    batches: int = 16,
    seed: int = 0,
    start: Array | None = None,
) -> Masked:
    """Minimise the mean of a loss over fixed draws, within the modes of the largest correlations.

    Args:
        loss: of two views (B, N, d1), one value per batch.
        covariances: of the data.
        rank: how many modes W may use; d0 for ordinary training from a start of full rank.
        d1: the number of rows of W.
        batch: N.
        batches: the number of batches to average over.
        seed: of the draws and the start.
        start: M (d1, rank); random unless given.

    >>> from numeric.sampling import Covariances
    >>> from verify.truths.two_views import two_views
    >>> data = Covariances(np.diag([1.0, 1.0, 0.1]), 0.5 * np.eye(3))
    >>> found = descended(two_views("spectral"), data, rank=2, d1=3)
    >>> found.converged, int((found.singular > 1e-3).sum())
    (True, 2)

    """
    frame = modes(covariances)[0][:, :rank]
    seen = torch.from_numpy(draw(covariances, batch, batches, seed) @ frame)
    first = np.random.default_rng(seed + 1).standard_normal((d1, rank)) if start is None else start
    M = torch.from_numpy(np.array(first) / np.sqrt(first.size)).requires_grad_()
    optimiser = torch.optim.LBFGS(
        [M], max_iter=STEPS, tolerance_grad=1e-12, tolerance_change=1e-15, line_search_fn="strong_wolfe"
    )

    def mean() -> torch.Tensor:
        z = seen @ M.T
        return loss(z[0], z[1]).mean()

    def closure() -> float:
        optimiser.zero_grad()
        value = mean()
        value.backward()  # type: ignore[no-untyped-call]
        return float(value.detach())

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        if _any_scale(mean, M):
            M /= torch.linalg.norm(M)
    (gradient,) = torch.autograd.grad(mean(), M)
    W = M.detach().numpy() @ frame.T
    slope = float(torch.linalg.norm(gradient))
    singular = np.linalg.svd(M.detach().numpy(), compute_uv=False)
    return Masked(W, singular, slope, slope < FLAT)


def drift(loss: TwoViews, covariances: Covariances, W: Array, *, batch: int, batches: int, seed: int) -> float:
    """How far from stationary a W is within the modes that it sees: the largest gradient in standard errors.

    Entries are those of M in W = M Kᵀ over the modes in use. Of n of them the largest is about √(2 log n) at a
    stationary point.
    """
    frame, _ = modes(covariances)
    views = draw(covariances, batch, batches, seed)
    M = W @ np.linalg.inv(frame.T)
    used = np.linalg.norm(M, axis=0) > FLAT * np.linalg.norm(M)
    seen = torch.from_numpy(views @ frame[:, used])
    each = torch.from_numpy(np.tile(M[:, used], (batches, 1, 1))).requires_grad_()
    z = torch.einsum("vbnk,bdk->vbnd", seen, each)
    (slopes,) = torch.autograd.grad(loss(z[0], z[1]).sum(), each)
    found = slopes.numpy()
    error = found.std(0, ddof=1) / np.sqrt(batches)
    # An entry that is zero in every batch, like the length of a row under a normalisation, has only rounding for noise.
    noise = np.hypot(error, FLOOR * error.max())
    return float((np.abs(found.mean(0)) / np.where(noise > 0, noise, 1.0)).max())


def _any_scale(mean: object, M: torch.Tensor) -> bool:
    """Whether the loss is the same at 2 M."""
    if not callable(mean):
        return False
    plain = float(mean())
    M *= 2
    scaled = float(mean())
    M /= 2
    return abs(plain - scaled) <= 1e-9 * max(1.0, abs(plain))
