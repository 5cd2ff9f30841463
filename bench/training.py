"""How fast are many models trained together, against a plain loop over them?

    python bench/training.py [ROUNDS] [CORES]

The peer is the loop that one would write: one model at a time, the loss from its definition with one matrix product
for all pairs (no `torch.cdist`), autograd, `torch.optim.Adam`, and fresh noise each step. Our side trains all models
at once. Both have the same models, data, noise strengths, precision (float32) and number of steps, and one core
unless told otherwise. On more cores our side is what a sweep is there, a process a core with a share of the models,
and the loop has as many threads, as torch gives it by itself. The loop is measured on a few models and counted up,
which is exact for a loop. Before that both train one model from the same weights without noise and end at the same
WᵀW to 1e-3.

A second peer writes all pairs of differences out, (n, n, d), as `verify/truths/torch_losses.py` does.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import timing
import torch
from torch import Tensor

from verify.routes.training.data import TrainingSet
from verify.routes.training.engine import Plan, train
from verify.routes.training.models import Model
from verify.truths.torch_losses import weighted_infonce

# Figure, models, size of the training set, dimension, steps that are timed, models of the loop that are.
SIZES = (
    ("Fig. 3", 528, 64, 2, 30, 8),
    ("Fig. 3", 198, 128, 2, 40, 8),
    ("Fig. 5, left", 11, 100, 32, 100, 2),
    ("Fig. 5, right", 18, 100, 5, 100, 3),
    ("Fig. 5, middle", 2, 500, 32, 40, 2),
    ("Fig. 5, middle", 2, 2000, 32, 10, 1),
)
ALPHA = 0.1


def from_one_product(z1: Tensor, z2: Tensor) -> Tensor:
    """Weighted InfoNCE of one model, squared distances from a matrix product."""
    squares = (z1 * z1).sum(-1)[:, None] + (z2 * z2).sum(-1)[None] - 2 * z1 @ z2.T
    kernel = torch.exp(-squares / 2)
    positive = kernel.diagonal()
    negatives = kernel.sum(-1) - positive
    return (((z1 - z2) ** 2).sum(-1) / 2 + torch.log(negatives + ALPHA * positive)).mean()


def from_differences(z1: Tensor, z2: Tensor) -> Tensor:
    """The same by its definition."""
    return weighted_infonce(z1, z2, alpha=ALPHA)


def loop(
    loss: Callable[[Tensor, Tensor], Tensor], starts: Tensor, points: Tensor, sigmas: Tensor, steps: int
) -> Tensor:
    """Train models one after the other; their W, (m, d, d)."""
    ends = []
    for start, sigma in zip(starts, sigmas, strict=True):
        W = start.clone().requires_grad_()
        optimiser = torch.optim.Adam([W], lr=6e-4)
        for _ in range(steps):
            x, x_pos = (points + sigma * torch.randn_like(points) for _ in range(2))
            value = loss(x @ W.T, x_pos @ W.T)
            optimiser.zero_grad()
            value.backward()
            optimiser.step()
        ends.append(W.detach())
    return torch.stack(ends)


def together(starts: Tensor, points: Tensor, sigmas: Tensor, steps: int, *, device: str = "cpu") -> Tensor:
    """The same models at once."""
    d = points.shape[-1]
    data = TrainingSet(points[None].to(device), sigmas[:, None, None].expand(-1, 1, d).to(device))
    return train(
        Model(d, d),
        data,
        "weighted-infonce",
        Plan(steps=steps),
        models=len(starts),
        generator=torch.Generator(device),
        parameters={"alpha": ALPHA},
        weights={"W": starts},
    ).weights["W"]


def shared(pool: ProcessPoolExecutor, cores: int, starts: Tensor, points: Tensor, sigmas: Tensor, steps: int) -> None:
    """The same, a share of the models in each process."""
    share = partial(together, points=points, steps=steps)
    list(pool.map(_share, [share] * cores, starts.chunk(cores), sigmas.chunk(cores)))


def _share(train_some: Callable[..., Tensor], starts: Tensor, sigmas: Tensor) -> Tensor:
    return train_some(starts, sigmas=sigmas)


def main(rounds: int, cores: int) -> None:
    """Time all sizes and print the table."""
    timing.print_versions("torch", "numpy")
    print(f"cores: {cores}")
    torch.set_num_threads(cores)
    pool = ProcessPoolExecutor(cores, get_context("spawn")) if cores > 1 else None
    device = "cuda" if torch.cuda.is_available() else None
    rows = []
    for figure, m, n, d, steps, few in SIZES:
        generator = torch.Generator().manual_seed(0)
        points = torch.randn(n, d, generator=generator)
        starts = Model(d, d).initial(m, generator)["W"].float()
        sigmas = torch.linspace(0.2, 2.0, m)
        still = torch.zeros(1)
        ends = [loop(from_one_product, starts[:1], points, still, 30), together(starts[:1], points, still, 30)]
        grams = [one.mT @ one for one in ends]
        if not torch.allclose(*grams, rtol=1e-3, atol=1e-4):
            message = "the two sides end at different models"
            raise SystemExit(message)
        sides: dict[str, Callable[[], object]] = {
            "together": partial(shared, pool, cores, starts, points, sigmas, steps)
            if pool
            else partial(together, starts, points, sigmas, steps),
            "loop": lambda: loop(from_one_product, starts[:few], points, sigmas[:few], steps),  # noqa: B023
        }
        if n * n * d < 2e7:
            sides["differences"] = lambda: loop(from_differences, starts[:few], points, sigmas[:few], steps)  # noqa: B023
        if device:
            sides["accelerator"] = lambda: together(starts, points, sigmas, steps, device=device)  # noqa: B023
        times = timing.alternate(sides, rounds=rounds)

        def each(name: str, models: int) -> timing.Times:
            return times[name].shared(models * steps)  # noqa: B023

        ours, plain = each("together", m), each("loop", few)
        wide = timing.show_ratio(timing.ratio(each("differences", few), ours)) if "differences" in sides else "—"
        away = timing.show_ratio(timing.ratio(plain, each("accelerator", m))) if device else "no CUDA device"
        rows.append(
            [figure, f"{m}", f"{n}", f"{d}", str(ours), str(plain), timing.show_ratio(timing.ratio(plain, ours)), wide,
             away]
        )  # fmt: skip
    header = [
        "figure",
        "models",
        "N",
        "d",
        "together",
        "loop",
        "loop/together",
        "differences/together",
        "loop/accelerator",
    ]
    timing.print_table("one step of one model", header, rows)


if __name__ == "__main__":
    given = [int(one) for one in sys.argv[1:]]
    main(*given, *(5, 1)[len(given) :])
