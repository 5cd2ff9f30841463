"""The landscape of a given training set, in numbers: the loss averaged over fixed draws of the noise, minimised.

The expected loss over the noise of a finite training set has no closed form. Its average over R independent draws of
the noise does not change from step to step, so that L-BFGS finds its minimum to the last digits; the error of
the draws shows in the spread between independent sets of draws.

Each draw is used with all signs of its views' noise. Whatever is odd in the noise of one view then cancels exactly.
That is all that plain draws get wrong at order 2, where the noise of a strong augmentation would hide its small minima.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch
from torch import Tensor

from derive import InputError
from verify.routes.training.models import Model
from verify.running.threads import one_thread
from verify.truths.batched import BatchedLoss, batched


@dataclass(frozen=True, eq=False)
class Lowest:
    """A minimum of the averaged loss of one model.

    Attributes:
        W: (d1, d0).
        loss: there.
        slope: the largest entry of the gradient there.
        V: (d1, d0') of a second encoder; None without one.

    """

    W: Tensor
    loss: float
    slope: float
    V: Tensor | None = None

    @property
    def gram(self) -> Tensor:
        """WᵀW, (d0, d0), or WᵀV, (d0, d0')."""
        return self.W.mT @ (self.W if self.V is None else self.V)


def lowest(
    points: Tensor,
    noise: Tensor,
    loss: str | Callable[..., Tensor] | BatchedLoss,
    *,
    draws: int,
    generator: torch.Generator,
    start: Tensor,
    second: Tensor | None = None,
    parameters: Mapping[str, Any] | None = None,
    normalised: bool = False,
    matched: bool = False,
    steps: int = 500,
    tolerance: float = 1e-7,
) -> Lowest:
    """Minimise the loss of a linear model, averaged over draws of the noise, in double precision.

    Args:
        points: (n, d0), the training set; with two encoders (n, d0 + d0'), see `verify.routes.training.data.Halves`.
        noise: (1, d0) standard deviations, or (d0, d0) a symmetric root of C.
        loss: a catalogue name or a torch function.
        draws: R, each with all signs: 4 R evaluations of a loss of two views, 8 R of three.
        generator: of the draws.
        start: (d1, d0), where to begin; not 0, which is stationary.
        second: (d1, d0'), where a second encoder begins; None without one.
        parameters: numbers of the loss.
        normalised: whether f/|f| enters the loss.
        matched: whether the draws of each view are scaled so that the covariance of all of them is exactly the noise's:
            signs leave its error as it is. For many more draws than dimensions.
        steps: the most steps of L-BFGS.
        tolerance: on the largest entry of the gradient.

    Raises:
        InputError: the loss is not a finite number on the way.

    >>> generator = torch.Generator().manual_seed(0)
    >>> points = torch.randn(30, 2, generator=generator, dtype=torch.float64)
    >>> found = lowest(points, torch.ones(1, 2), "infonce-batch", draws=2, generator=generator, start=torch.eye(2))
    >>> found.slope < 1e-7
    True

    """
    of = loss if isinstance(loss, BatchedLoss) else batched(loss)
    views = _views(points.double(), noise.double(), of.views, draws, generator, matched=matched)
    d0 = start.shape[1]
    if second is not None:
        views = (views[0][..., :d0], *(one[..., d0:] for one in views[1:]))
    model = Model(d0, len(start), normalised=normalised, second=None if second is None else second.shape[1])
    begin = {"W": start} if second is None else {"W": start, "V": second}
    weights = {
        name: one.double().clone(memory_format=torch.contiguous_format).requires_grad_() for name, one in begin.items()
    }
    free = list(weights.values())

    def value() -> Tensor:
        each = {name: one[None] for name, one in weights.items()}
        return of(model.embedded(each, views), dict(parameters or {})).mean()

    with one_thread():
        optimiser = torch.optim.LBFGS(
            free,
            max_iter=steps,
            max_eval=2 * steps,
            tolerance_grad=tolerance,
            tolerance_change=0.0,
            history_size=30,
            line_search_fn="strong_wolfe",
        )

        def closure() -> Tensor:
            optimiser.zero_grad()
            here = value()
            here.backward()  # type: ignore[no-untyped-call]
            return here

        optimiser.step(closure)  # type: ignore[no-untyped-call]
        at_end = value()
        slope = max(float(one.abs().max()) for one in torch.autograd.grad(at_end, free))
    if not at_end.isfinite():
        message = "the loss is not a finite number on the way to its minimum; start from smaller weights"
        raise InputError(message)
    W, *more = (one.detach() for one in free)
    return Lowest(W, float(at_end.detach()), slope, *more)


def _views(
    points: Tensor, noise: Tensor, number: int, draws: int, generator: torch.Generator, *, matched: bool = False
) -> tuple[Tensor, ...]:
    """Views of all the data, (draws · 2^number, n, d0) each."""
    drawn = torch.randn((number, draws, 1, *points.shape), generator=generator, dtype=torch.float64)
    if matched:
        flat = drawn.flatten(1, 3)
        lower = torch.linalg.cholesky(flat.mT @ flat / flat.shape[1])
        drawn = torch.linalg.solve_triangular(lower, flat.mT, upper=False).mT.reshape(drawn.shape)
    drawn = drawn * noise if len(noise) == 1 else drawn @ noise
    signs = torch.tensor(list(product((1.0, -1.0), repeat=number)), dtype=torch.float64)
    return tuple((points + one * sign[:, None, None]).flatten(0, 1) for one, sign in zip(drawn, signs.T, strict=True))
