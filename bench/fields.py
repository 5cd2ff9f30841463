"""Does training under stopped gradients do what the flows of `numeric.fields` say?

    python bench/fields.py [--quick]

Models trained by SGD on fresh Gaussian batches, with hand-written torch losses and `detach`, beside the flow over the
same time, from the same start:

- DINO with linear logits: one mode, a grid of temperatures, view correlations and numbers of logits, from small weights
  and from large ones; with a mean of the data, with and without a centre;
- SimSiam with squared distances: weight decay on both sides of each fold, from small weights and from large ones;
- SimSiam as published, the cosine: by how much the leading order of the shares in the number of modes is off.

A row agrees where the mean over models lies within 3 standard errors, or 2 % of the largest power, of the flow.
"""

from __future__ import annotations

import os
import sys
from itertools import product
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import sympy
import torch
from numpy.typing import NDArray
from timing import print_versions

from derive.fields import FIELDS
from derive.fields.mode_flow import mode_flow
from numeric.fields.cosine import CosineFlow, leading
from numeric.fields.courses import course
from numeric.fields.logits import LogitFlow, fold, powers

Array = NDArray[np.float64]
MODELS, SIZE, RATE = 6, 128, 0.2
RATIOS, CORRELATIONS = (0.2, 0.4, 0.6, 0.8, 1.2), (0.1, 0.3, 0.5, 0.7, 0.9)
# Below this, in units of the student's temperature, a power counts as none; the share of the steps that is averaged.
NONE, LAST = 0.01, 0.25


def views(shape: tuple[int, ...], lam: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Two views of fresh data, of unit variance and correlation λ."""
    one, noise = torch.randn((2, *shape), generator=generator, dtype=torch.float64)
    return one, lam * one + torch.sqrt(1 - lam**2) * noise


def dino(settings: list[tuple[float, float]], logits: int, start: str, steps: int) -> tuple[Array, Array]:
    """Powers of trained models (settings, models), and of the flow from the same start."""
    ratio, lam = (torch.tensor(one, dtype=torch.float64)[:, None, None] for one in zip(*settings, strict=True))
    generator = torch.Generator().manual_seed(0)
    begin = 0.05 * torch.randn((len(settings), MODELS, logits), generator=generator, dtype=torch.float64)
    if start == "large":
        begin = begin + 1.5 * torch.eye(logits, dtype=torch.float64)[0]
    begin, total = begin - begin.mean(-1, keepdim=True), 0.0
    W = begin.clone()
    for step in range(steps):
        x, other = views((len(settings), MODELS, SIZE), lam, generator)
        W = W.detach().requires_grad_()
        t = torch.softmax((other[..., None] * W[..., None, :]).detach() / ratio[..., None], -1)
        loss = -(t * torch.log_softmax(x[..., None] * W[..., None, :], -1)).sum() / SIZE
        W = W - RATE * torch.autograd.grad(loss, W)[0]
        if step >= (1 - LAST) * steps:
            centred = W.detach() - W.detach().mean(-1, keepdim=True)
            total = total + (centred**2).sum(-1) / (LAST * steps)
    times = RATE * steps * np.linspace(1 - LAST, 1, 6)
    followed = np.empty((len(settings), MODELS))
    for i, (r, one) in enumerate(settings):
        flow = LogitFlow.of([one], 1.0, r, finer=0.25)
        for k in range(MODELS):
            path, _ = flow.run(begin[i, k].numpy()[:, None], np.array([0.0, *times]))
            followed[i, k] = np.mean([powers(W)[0] for W in path[1:]])
    return np.asarray(total.numpy()), followed


def agrees(trained: Array, followed: Array, largest: float) -> bool:
    """Within 3 standard errors, or 2 % of the largest."""
    error = (trained - followed).std(ddof=1) / np.sqrt(len(trained))
    return bool(abs((trained - followed).mean()) < 3 * error + 0.02 * largest)


def of_dino(steps: int, sizes: tuple[int, ...]) -> None:
    """Thresholds and powers over the grid, from small weights."""
    print("\nDINO, one mode, kept (k) or lost (-) as trained; rows τ_t/τ_s, columns λ =", *CORRELATIONS)
    for logits in sizes:
        settings = list(product(RATIOS, CORRELATIONS))
        kept = compared(settings, logits, "small", steps).reshape(len(RATIOS), -1)
        for r, row in zip(RATIOS, kept, strict=True):
            print(f"    {r}: {' '.join('k' if one else '-' for one in row)}   derived: λ > {min(r, 1.0):.3f}")


def of_hysteresis(steps: int, logits: int = 16) -> None:
    """Below the fold, between it and the threshold, and above both, from small and from large weights."""
    print("\nDINO, one mode, around the fold: kept (k) or lost (-) as trained")
    edges = {r: fold(logits, r)[0] for r in (0.4, 0.6, 0.8)}
    settings = [(r, lam) for r, edge in edges.items() for lam in (0.9 * edge, (edge + r) / 2, 1.1 * r)]
    for start in ("small", "large"):
        kept = compared(settings, logits, start, steps)
        for (r, lam), one in zip(settings, kept, strict=True):
            print(f"    {r}, λ = {lam:.3f}: {'k' if one else '-'}   fold at {edges[r]:.3f}")


def compared(settings: list[tuple[float, float]], logits: int, start: str, steps: int) -> NDArray[np.bool_]:
    """Whether trained models keep the mode, (settings,); what agrees with the flow is printed."""
    trained, followed = dino(settings, logits, start, steps)
    same = [agrees(one, other, max(other.mean(), 0.1)) for one, other in zip(trained, followed, strict=True)]
    kept = trained.mean(1) > NONE
    right = int((kept == (followed.mean(1) > NONE)).sum())
    print(f"  K = {logits}, from {start} weights: kept or lost {right}, powers {sum(same)} of {len(same)}")
    for (r, lam), one, other, agreed in zip(settings, trained, followed, same, strict=True):
        if not agreed:
            error = one.std(ddof=1) / np.sqrt(MODELS)
            print(f"    off: τ_t/τ_s = {r}, λ = {lam:.3f}: {one.mean():.4f} ± {error:.4f}, flow {other.mean():.4f}")
    return np.asarray(kept)


def of_centres(steps: int) -> None:
    """Three logits with a bias of their own: the mean logit, and the power of one mode of λ = 0.8, at the end."""
    print("\nDINO with a bias, K = 3, λ = 0.8: mean logits |m| and power, trained beside the flow")
    for ratio, centred in product((0.4, 0.7, 1.2), (True, False)):
        generator = torch.Generator().manual_seed(1)
        begin = 0.05 * torch.randn((MODELS, 3), generator=generator, dtype=torch.float64)
        begin = begin - begin.mean(-1, keepdim=True)
        W, m = begin.clone(), torch.tensor([0.02, -0.01, -0.01], dtype=torch.float64).repeat(MODELS, 1)
        first = m[0].numpy()
        lam = torch.tensor(0.8, dtype=torch.float64)
        for _ in range(2 * steps):
            # The centre fluctuates with the batch, which is larger here.
            x, other = views((MODELS, 8 * SIZE), lam, generator)
            W, m = (one.detach().requires_grad_() for one in (W, m))
            target = other[..., None] * W[:, None] + m[:, None]
            target = target - (target.mean(1, keepdim=True) if centred else 0.0)
            own = torch.log_softmax(x[..., None] * W[:, None] + m[:, None], -1)
            loss = -(torch.softmax(target.detach() / ratio, -1) * own).sum() / (8 * SIZE)
            W, m = (
                one - RATE / 2 * slope for one, slope in zip((W, m), torch.autograd.grad(loss, (W, m)), strict=True)
            )
        data = LogitFlow.of([0.8], 1.0, ratio, finer=0.25)
        flow = LogitFlow(data.correlations, 1.0, ratio, data.points, data.weights, 1.0, centred)
        ends = [flow.run(one.numpy()[:, None], np.array([0.0, RATE * steps]), first) for one in begin]
        power, mean = (
            np.mean([powers(path[-1])[0] for path, _ in ends]),
            np.mean([np.abs(m[-1]).max() for _, m in ends]),
        )
        there = (W.detach() ** 2).sum(-1).numpy(), m.detach().abs().amax(-1).numpy()
        says = ", ".join(
            f"{name} {one.mean():.3f} ± {one.std(ddof=1) / np.sqrt(MODELS):.3f} (flow {value:.3f})"
            for name, one, value in zip(("power", "|m|"), there, (power, mean), strict=True)
        )
        print(f"  τ_t/τ_s = {ratio}, {'with' if centred else 'without'} a centre: {says}")


def of_simsiam(time: float) -> None:
    """Weight decays at shares of each fold a²/(4s)."""
    starts = {"small": 0.03, "large": 1.2}
    settings = list(product((0.3, 0.6, 0.9), (0.0, 0.5, 0.9, 1.1, 1.5), starts))
    lam, decay = (torch.tensor([row[i] for row in settings], dtype=torch.float64)[:, None] for i in (0, 1))
    decay = decay * lam**2 / 4
    W = torch.tensor([starts[row[2]] for row in settings], dtype=torch.float64)[:, None].repeat(1, 16)
    P, rate, generator = W.clone(), 0.02, torch.Generator().manual_seed(3)
    for _ in range(round(time / rate)):
        x, other = views((32, *W.shape), lam, generator)
        W, P = (one.detach().requires_grad_() for one in (W, P))
        loss = ((P * W * x - (W * other).detach()) ** 2).sum() / 64
        slopes = torch.autograd.grad(loss, (W, P))
        W, P = (one - rate * (slope + decay * one) for one, slope in zip((W, P), slopes, strict=True))
    right, same = 0, 0
    for (one, share, start), trained in zip(settings, W.detach().numpy() ** 2, strict=True):
        eta = sympy.Rational(str(share)) * sympy.Rational(str(one)) ** 2 / 4
        flow = mode_flow(FIELDS["simsiam"].set({"eta": eta}))
        power = float(course(flow, [one], [1.0], dict.fromkeys("wp", starts[start]), [0.0, time]).powers[-1, 0])
        same += agrees(trained, np.full(16, power), max(power, 0.01))
        right += bool((trained.mean() > 0.02 * one**2) == (power > 0.02 * one**2))
    print(f"\nSimSiam, squared, {len(settings)} settings of λ, η and the start: kept or lost {right}, powers {same}")


def of_cosine() -> None:
    """Exact shares beside λ²."""
    print("\nSimSiam as published, λ evenly from 0.3 to 0.9: the most that a share is off the leading order, relative")
    for n in (4, 8, 16, 32, 64):
        lam, begin = np.linspace(0.3, 0.9, n), np.ones(n) / np.sqrt(n)
        w = CosineFlow(lam).run(begin, begin, [0.0, 200.0])[0][-1]
        off = np.abs(w**2 / np.sum(w**2) / leading(lam) - 1).max()
        print(f"  {n} modes: {off:.4f}, times the number of modes {n * off:.2f}")


if __name__ == "__main__":
    print_versions("numpy", "scipy", "torch")
    quick = "--quick" in sys.argv
    of_cosine()
    of_simsiam(20.0 if quick else 60.0)
    of_hysteresis(600 if quick else 4000)
    of_centres(400 if quick else 800)
    of_dino(600 if quick else 1500, (2,) if quick else (2, 4))
