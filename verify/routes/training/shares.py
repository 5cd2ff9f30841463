"""Which modes a normalised loss keeps, and at which shares: measured on models that are trained, knowing no theory.

f(x) = W x/|W x| on fresh whitened Gaussian batches whose two views have the correlations λ_i; the loss is one of those
written by hand, at a temperature. W starts at random with full rank. Such a loss is constant along W → aW, so that of
WᵀW the *shares* alone have a meaning: M = Σ^½ WᵀW Σ^½/Tr, in the basis of the modes (Σ = I here), p_i = M_ii. Where the
modes do not mix M is diagonal and p_i are its eigenvalues; how much is off the diagonal is returned beside them.

The rate goes to 0 over the steps, and the noise that fresh batches leave in W with it. What is left of it is measured
in each run, on a mode planted beside the others whose views are opposite, λ = −1: pulling views together has no use for
it at any batch and temperature. (One with λ = 0 will not do: a small batch keeps it at low temperatures.)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from inspect import signature
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from derive import InputError
from verify.routes.training.data import Whitened
from verify.routes.training.engine import Plan, train
from verify.routes.training.models import Model
from verify.running.threads import one_thread
from verify.truths.batched import BatchedLoss, batched
from verify.truths.torch_losses import TORCH_LOSSES

Array = NDArray[np.float64]

PLAN = Plan(rate=0.03, steps=2500, decay="cosine", tail=0.1)
# A kept mode's share is this many times what noise leaves in the planted mode, and this fraction of an equal share.
ABOVE_NOISE, SMALLEST = 10.0, 1e-3
# A share that has fallen below this fraction of what it was at half of the steps is on its way to 0: 0.82 of the
# training time (the sum of the rates) is over by then, and what is kept has settled but for noise. Near the threshold
# that is slow.
FALLING = 0.8


@dataclass(frozen=True, eq=False)
class Shares:
    """Trained models, (m, s): m settings and s seeds.

    Attributes:
        shares: p_i at the end, averaged over the tail of the steps, (m, s, d0); a planted mode is not among them.
        middle: the same at half of the steps.
        planted: the share of the planted mode, (m, s): what noise leaves of a mode that is lost.
        off_diagonal: √Σ_{i≠j} M_ij², of a matrix M of trace 1, (m, s).
        loss: on fresh batches at the end, (m, s).
        loss_error: its standard error.
        weights: W at the end, (m, s, d1, d0), without the planted mode.

    """

    shares: Array
    middle: Array
    planted: Array
    off_diagonal: Array
    loss: Array
    loss_error: Array
    weights: Array

    @property
    def mean(self) -> Array:
        """The mean over the seeds, (m, d0)."""
        return np.asarray(self.shares.mean(1))

    @property
    def error(self) -> Array:
        """Its standard error, from the spread over the seeds, (m, d0)."""
        seeds = self.shares.shape[1]
        return np.asarray(self.shares.std(1, ddof=1) / np.sqrt(seeds)) if seeds > 1 else np.full_like(self.mean, np.inf)

    def kept(self) -> NDArray[np.bool_]:
        """Which modes each model keeps, (m, s, d0); see `kept_modes`."""
        return kept_modes(self.shares, self.middle, self.planted[..., None])


def kept_modes(shares: ArrayLike, middle: ArrayLike, planted: ArrayLike) -> NDArray[np.bool_]:
    """Whether modes are kept: shares above what noise leaves of a lost mode, and not on their way to 0.

    Args:
        shares: (…, d0), at the end.
        middle: the same at half of the steps.
        planted: the share of the planted mode, (…, 1) or a number.

    >>> kept_modes([0.7, 0.3, 4e-3, 1e-6], [0.7, 0.3, 3e-2, 2e-6], 1e-6).tolist()
    [True, True, False, False]

    """
    p, before = np.asarray(shares), np.asarray(middle)
    least = np.maximum(ABOVE_NOISE * np.asarray(planted), SMALLEST / p.shape[-1])
    return np.asarray((p > least) & (p > FALLING * before))


def trained_shares(
    correlations: ArrayLike,
    *,
    loss: str = "infonce",
    tau: ArrayLike = 1.0,
    batch: int = 256,
    others: int | None = None,
    parameters: Mapping[str, Any] | None = None,
    d1: int | None = None,
    seeds: Iterable[int] = (0, 1, 2),
    plan: Plan = PLAN,
    start: ArrayLike | None = None,
    evaluations: int = 200,
    device: str = "cpu",
) -> Shares:
    """Train a normalised loss of whitened modes.

    Args:
        correlations: λ, (d0,) or (m, d0).
        loss: a catalogue name without modifiers; the features are normalised here.
        tau: τ, a number or (m,).
        batch: N, the number of pairs of a batch.
        others: for a loss of a population, the number K of the independent data that stand for it: E_χ is a mean over
            them, the positive not among them. K = N where it is None. Nothing corrects for K being finite.
        parameters: of the loss, besides τ.
        d1: rows of W; as many as columns where it is None.
        seeds: a training run each, of all settings at once; settings share their random numbers.
        plan: how to train.
        start: how large each column of W is at the start, (d0,) or (m, d0), a factor of standard normal numbers; 1
            where it is None.
        evaluations: batches for the loss at the end.
        device: as in torch.

    Raises:
        InputError: a loss with a temperature of its own, t, is given τ; τ is not positive; correlations are outside
            [-1, 1]; or training diverges.

    >>> found = trained_shares([0.9, 0.6, 0.0], batch=64, seeds=(0,), plan=Plan(rate=0.1, steps=200, decay="cosine"))
    >>> found.kept()[0, 0].tolist()
    [True, True, False]

    """
    lam = np.atleast_2d(np.asarray(correlations, dtype=np.float64))
    if not (np.abs(lam) <= 1).all():
        raise InputError("a correlation of two views is from -1 to 1")
    taus = np.asarray(tau, dtype=np.float64)
    if not (taus > 0).all():
        raise InputError("a temperature τ is positive")
    begin = np.ones(1) if start is None else np.atleast_2d(np.asarray(start, dtype=np.float64))
    lam, taus, begin = np.broadcast_arrays(lam, taus.reshape(-1, 1), begin)
    m, d0 = lam.shape
    size = torch.tensor(np.column_stack([begin, np.ones(m)]), dtype=torch.float32, device=device)[:, None]
    whole = torch.tensor(np.column_stack([lam, -np.ones(m)]), dtype=torch.float32, device=device)[:, None]
    temperature = torch.tensor(taus[:, 0].copy(), dtype=torch.float32, device=device)
    form, own = at_temperature(loss, temperature, dict(parameters or {}))
    model = Model(d0 + 1, d0 + 1 if d1 is None else d1, normalised=True)
    data = Whitened(batch, whole, others)
    runs = []
    for seed in seeds:
        generator, halfway = torch.Generator(device).manual_seed(seed), _Halfway(plan)
        random = torch.randn((1, model.d1, d0 + 1), generator=generator, device=device)
        end = train(
            model,
            data,
            form,
            plan,
            models=m,
            generator=generator,
            parameters=own,
            weights={"W": random * size},
            watch=halfway,
        )
        with torch.no_grad(), one_thread():
            fresh = (data.views(form.views, generator) for _ in range(evaluations))
            values = torch.stack([form(model.embedded(end.weights, one), own) for one in fresh])
        runs.append((_matrix(end.averaged), _matrix(halfway.total), values.mT, end.weights["W"]))
    M, before, losses, W = (torch.stack(part, 1).cpu().double().numpy() for part in zip(*runs, strict=True))
    p, middle = (np.einsum("...ii->...i", one) for one in (M, before))
    return Shares(
        shares=p[..., :-1],
        middle=middle[..., :-1],
        planted=p[..., -1],
        off_diagonal=np.sqrt(np.maximum((M**2).sum((-2, -1)) - (p**2).sum(-1), 0)),
        loss=losses.mean(-1),
        loss_error=losses.std(-1) / np.sqrt(evaluations),
        weights=W[..., :-1],
    )


def at_temperature(loss: str, tau: Tensor, parameters: Mapping[str, Any]) -> tuple[BatchedLoss, dict[str, Any]]:
    """A loss of normalised features at temperatures τ (m,), and its parameters.

    A loss without a temperature of its own is one of f/√τ, as in `verify.truths.two_views.two_views`.
    """
    form, own = batched(loss), dict(parameters)
    known = signature(TORCH_LOSSES[loss].function).parameters
    if "tau" in known:
        return form, own | {"tau": tau}
    if "t" in known:
        if bool((tau != 1).any()):
            raise InputError(f"{loss} has a temperature of its own, t; set that and leave τ out")
        return form, own
    root = tau.sqrt()[:, None, None]
    return BatchedLoss(form.views, lambda *z, **given: form.function(*(one / root for one in z), **given)), own


class _Halfway:
    """Watches a training run, and sums WᵀW over as many steps around the middle as the tail has."""

    def __init__(self, plan: Plan) -> None:
        half = plan.tail * plan.steps / 2
        self.first, self.last = plan.steps / 2 - half, plan.steps / 2 + half
        self.step, self.total = 0, torch.zeros(())

    def __call__(self, _: float, gram: Tensor) -> None:
        self.step += 1
        if self.first <= self.step <= self.last:
            self.total = self.total.to(gram.device) + gram


def _matrix(gram: Tensor) -> Tensor:
    """WᵀW over its trace."""
    return gram / gram.diagonal(dim1=-2, dim2=-1).sum(-1)[:, None, None]
