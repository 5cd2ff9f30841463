"""A look at what a training keeps, while it runs: kept modes, effective rank, alignment and uniformity of two views.

A plain loop calls it after each step; Lightning calls its hooks, `verify.networks.watching.lightning_callback`.

    watch = Watch(every=50)
    for step, (x, x_pos) in enumerate(loader):
        z, z_pos = network(x), network(x_pos)
        …
        if (seen := watch(z, z_pos, loss=loss.item())) is not None:
            print(seen.text())

All of it is computed from the outputs at hand, without a further run of the network: covariances of N outputs in d
coordinates are two products of N d² operations, and the eigenvalues of one of them d³, on the device of the outputs and
every so many steps alone.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from derive import InputError
from verify.networks.last_layer.diagnostics import KEPT

# What varies less than by this part of E|f|² is the rounding of single precision.
NOTHING = 1e-12
# Data that are compared in pairs.
PAIRS = 512


@dataclass(frozen=True)
class Seen:
    """What outputs in two views have kept at a step.

    Attributes:
        step: the number of the call.
        kept: how many directions of the outputs have more than a hundredth of an equal share of what varies between
            data.
        width: d, of how many.
        effective_rank: 1/Σ p_i² of these shares p_i.
        correlation: the view correlation of the outputs, Tr A0/Tr Σ: 1 where views agree, 0 where they do not.
        alignment: E|u − u′|² of unit vectors.
        uniformity: log E exp(−2|u − v|²) of unit vectors of different data; 0 at collapse.
        mean: the part of E|f|² that is |E f|²; 1 at complete collapse.
        loss: as it was given; None where it was not.

    """

    step: int
    kept: int
    width: int
    effective_rank: float
    correlation: float
    alignment: float
    uniformity: float
    mean: float
    loss: float | None = None

    def text(self) -> str:
        """In a line."""
        loss = "" if self.loss is None else f", loss {self.loss:.4g}"
        return (
            f"step {self.step}: {self.kept} of {self.width} directions kept, effective rank {self.effective_rank:.3g};"
            f" alignment {self.alignment:.3g}, uniformity {self.uniformity:.3g}{loss}"
        )

    def numbers(self, prefix: str = "quartic/") -> dict[str, float]:
        """By name, for a logger."""
        found = {f"{prefix}{name}": value for name, value in asdict(self).items() if name not in ("step", "width")}
        return {name: float(value) for name, value in found.items() if value is not None}


class Watch:
    """Look at the outputs of a training every so many steps.

    Args:
        every: steps between two looks.
        log: is given the numbers by name, and the step; such as a logger's method. Nothing unless given.
        keep: of how many looks the history is kept.

    >>> watch = Watch(every=2)
    >>> z = torch.randn(200, 4, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 1.0, 1.0, 0.0])
    >>> [None if seen is None else (seen.kept, seen.width) for seen in (watch(z, z), watch(z, z), watch(z, z))]
    [(3, 4), None, (3, 4)]

    """

    def __init__(
        self, every: int = 50, log: Callable[[Mapping[str, float], int], object] | None = None, keep: int = 10_000
    ) -> None:
        """Nothing is seen yet."""
        if every < 1:
            raise InputError(f"every = {every}: give the number of steps between two looks, 1 or more")
        self.every, self.log = every, log
        self.history: deque[Seen] = deque(maxlen=keep)
        self.seconds = 0.0
        self._step = 0

    def __call__(self, z: Tensor, z_pos: Tensor, *, loss: float | None = None) -> Seen | None:
        """Look at the outputs of two views, (N, d) each, if it is time; None otherwise.

        Raises:
            InputError: shapes that are not those of two views of the same data.

        """
        step, self._step = self._step, self._step + 1
        if step % self.every:
            return None
        begun = time.perf_counter()
        found = seen(z, z_pos, step=step, loss=loss)
        self.history.append(found)
        if self.log is not None:
            self.log(found.numbers(), step)
        self.seconds += time.perf_counter() - begun
        return found


@torch.no_grad()
def seen(z: Tensor, z_pos: Tensor, *, step: int = 0, loss: float | None = None) -> Seen:
    """What outputs of two views have kept.

    Args:
        z: (N, d), outputs of the first views; no gradient goes through.
        z_pos: (N, d), of the second ones, the same datum in the same row.
        step: for the record.
        loss: the same.

    Raises:
        InputError: other shapes, or fewer than three data.

    """
    if z.ndim != 2 or z.shape != z_pos.shape or len(z) < 3:
        shapes = f"{tuple(z.shape)} and {tuple(z_pos.shape)}"
        raise InputError(f"two views of the same data are needed, (N, d) each with N > 2; these are {shapes}")
    first, second = z.detach().float(), z_pos.detach().float()
    n, width = first.shape
    mean = (first.mean(0) + second.mean(0)) / 2
    a, b = first - mean, second - mean
    # Tr A0 and Tr Σ, and the covariance of a datum's mean view: what varies between data.
    cross, own = (a * b).sum(), ((a * a).sum() + (b * b).sum()) / 2
    middle = (a + b) / 2
    square = middle.T @ middle if width <= n else middle @ middle.T
    total, size = torch.diagonal(square).sum(), ((first * first).sum() + (second * second).sum()) / (2 * n)
    varies = bool(total > NOTHING * n * size)
    shares = torch.linalg.eigvalsh(square / total).clamp_min(0) if varies else square.new_zeros(1)
    u, v = (torch.nn.functional.normalize(one, dim=1) for one in (first, second))
    some = u[:PAIRS]
    apart = (2 - 2 * some @ some.T).clamp_min(0)
    m = len(some)
    pairs = (torch.exp(-2 * apart).sum() - torch.exp(-2 * torch.diagonal(apart)).sum()) / (m * (m - 1))
    numbers = torch.stack(
        [
            (shares > KEPT / min(n - 1, width)).sum().float(),
            1 / (shares**2).sum() if varies else square.new_zeros(()),
            cross / own.clamp_min(1e-30),
            ((u - v) ** 2).sum(1).mean(),
            pairs.log(),
            (mean * mean).sum() / size.clamp_min(1e-30),
        ]
    ).tolist()
    kept, effective, correlation, alignment, uniformity, shared = numbers
    return Seen(step, int(kept), width, effective, correlation, alignment, uniformity, shared, loss)


def lightning_callback(every: int = 50, outputs: Callable[[Any], tuple[Tensor, Tensor]] | None = None) -> Any:
    """A callback for Lightning that logs what `Watch` sees, with the module's own ``log_dict``.

    Args:
        every: steps between two looks.
        outputs: from what ``training_step`` returns to the outputs of two views; unless given, its ``"z"`` and
            ``"z_pos"``, which a step returns beside its ``"loss"``.

    Raises:
        InputError: Lightning is not installed.

    """
    from importlib import import_module
    from importlib.util import find_spec

    names = ("lightning.pytorch", "pytorch_lightning")
    module = next((name for name in names if find_spec(name.partition(".")[0])), None)
    if module is None:
        raise InputError("Lightning is not installed, and its callback needs it: pip install lightning")
    base: Any = import_module(module).Callback
    watch = Watch(every)
    of = outputs or (lambda found: (found["z"], found["z_pos"]))

    def on_train_batch_end(_: Any, __: Any, module: Any, found: Any, *___: Any) -> None:
        seen_now = watch(*of(found))
        if seen_now is not None:
            module.log_dict(seen_now.numbers())

    return type("Watching", (base,), {"on_train_batch_end": on_train_batch_end, "watch": watch})()
