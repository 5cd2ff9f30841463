"""Where an optimiser ends on a loss written by hand: which dimensions of W collapse, for the claims of Table 1.

Population losses are averaged over Gaussian nodes of positive weight, batch losses over a fixed sample of batches whose
views have the exact covariances; both are losses of a distribution of their own, and are minimised as they stand.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.linalg import hadamard
from scipy.optimize import minimize

from numeric.sampling import Covariances
from verify.running.threads import one_thread
from verify.truths.torch_losses import TORCH_LOSSES, weight_decay

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# An eigenvalue of WᵀW below this counts as zero; those that are kept here are above 1e-3.
GONE = 1e-6
STARTS = 2
DRAWS = 16
# The default size of a batch; at most 5.
SIZE = 4


def lowest(value: Callable[[torch.Tensor], torch.Tensor], starts: Any) -> Any:
    """Where the lowest of some descents ends, by BFGS with torch's gradients."""

    def with_slope(flat: Any) -> tuple[float, Any]:
        at = torch.tensor(flat, requires_grad=True)
        found = value(at)
        (slope,) = torch.autograd.grad(found, at)
        return float(found.detach()), slope.numpy()

    ends = [minimize(with_slope, start, jac=True, method="BFGS", options={"gtol": 1e-9}) for start in starts]
    return min(ends, key=lambda end: float(end.fun)).x


@dataclass(frozen=True)
class Trained:
    """A loss, diagonal covariances, and what is put on the model.

    Attributes:
        loss: a name of the hand-written definitions.
        a: the eigenvalues of A0.
        c: those of C.
        parameters: of the loss.
        fixed: whether a batch is one centred training set with fresh noise, rather than independent data.
        norm: E|f|², where it is fixed.
        bias: whether f(x) = W x + b.
        gamma: the strength of a weight decay.
        size: of a batch.

    """

    loss: str
    a: tuple[float, ...]
    c: tuple[float, ...]
    parameters: Mapping[str, float] = field(default_factory=dict)
    fixed: bool = False
    norm: float | None = None
    bias: bool = False
    gamma: float = 0.0
    size: int = SIZE

    @cached_property
    def gram(self) -> Any:
        """WᵀW at the lowest end."""
        with one_thread():
            return self._gram()

    @property
    def eigenvalues(self) -> Any:
        """The eigenvalues of WᵀW, in increasing order."""
        return np.linalg.eigvalsh(self.gram)

    @property
    def dimensional(self) -> bool:
        """Whether one of them at least is zero."""
        return bool(self.eigenvalues[0] < GONE)

    @property
    def complete(self) -> bool:
        """Whether all are."""
        return bool(self.eigenvalues[-1] < GONE)

    def _gram(self) -> Any:
        d0, d1 = len(self.a), len(self.a) + self.bias
        rng = np.random.default_rng(0)
        data = Covariances(np.diag(self.a), np.diag(self.c))
        population = not TORCH_LOSSES[self.loss].over_batch
        tensors = [
            torch.from_numpy(np.array(one)) for one in (_nodes(data) if population else self._batches(data, rng))
        ]
        sigma = torch.from_numpy(data.Sigma)

        def model(flat: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            W, b = flat[: d1 * d0].reshape(d1, d0), flat[d1 * d0 :]
            if self.norm is None:
                return W, b
            scale = torch.sqrt(self.norm / (((W @ sigma) * W).sum() + (b * b).sum()))
            return W * scale, b * scale

        def value(flat: torch.Tensor) -> torch.Tensor:
            W, b = model(flat)
            # Weights of nodes, which stand among the views, have one dimension.
            seen = [one if one.ndim == 1 else one @ W.T + (b if self.bias else 0.0) for one in tensors]
            loss = TORCH_LOSSES[self.loss].evaluate(*seen, parameters=self.parameters).mean()
            # A fixed norm leaves the loss constant along rays.
            ray = 0.0 if self.norm is None else ((flat * flat).sum() - 1) ** 2
            return loss + weight_decay(W, self.gamma) + ray

        W, _ = model(torch.from_numpy(lowest(value, 0.4 * rng.standard_normal((STARTS, d1 * (d0 + self.bias))))))
        return (W.T @ W).numpy()

    def _batches(self, data: Covariances, rng: np.random.Generator) -> tuple[Any, ...]:
        """Two views of each datum, (batches, size, d0).

        The rows of ±a Hadamard matrix give the signs of all that is independent in a batch, so that what does not
        correlate has no correlation in the sample either, and no odd moment.
        """
        d0 = len(self.a)
        raw = rng.standard_normal((DRAWS * self.size, 3 * d0))
        white, _ = np.linalg.qr(raw - raw.mean(0))
        parts = np.sqrt(len(raw)) * white.reshape(DRAWS, 1, self.size, 3, d0)
        rows = hadamard(16)[:, 1 : 1 + 3 * self.size]
        signs = np.concatenate((rows, -rows)).reshape(1, 32, self.size, 3, 1)
        hat, e, e_pos = np.moveaxis((signs * parts).reshape(-1, self.size, 3, d0), 2, 0)
        hat = data.training_set(self.size, rng) if self.fixed else hat @ np.sqrt(data.A0)
        return hat + e @ np.sqrt(data.C), hat + e_pos @ np.sqrt(data.C)


def _nodes(data: Covariances) -> tuple[Any, ...]:
    """Pairs of views, their weights, independent views, theirs: Gauss-Hermite, of positive weight."""
    (x, x_pos), p = data.nodes(7, positive=True)
    (chi,), q = data.nodes(13, views=1, positive=True)
    return x[:, 0], x_pos[:, 0], p, chi[:, 0], q
