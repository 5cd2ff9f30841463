"""The models that are trained: linear, or three layers with tanh or ReLU; many at once, with weights (m, out, in).

A model is f(x) = W φ(x) (+ b), φ the identity or the two hidden layers; W is called "W" among its weights. A model with
`normalised` gives f/|f|.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import Literal

import torch
from torch import Tensor

from derive import InputError

Weights = dict[str, Tensor]
_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"tanh": torch.tanh, "relu": torch.relu}


@dataclass(frozen=True)
class Model:
    """The shape of a model.

    Attributes:
        d0: the dimension of the data.
        d1: that of the embedding.
        activation: None for a linear model; "tanh" or "relu" for two hidden layers with biases under the last.
        width: of the hidden layers.
        bias: whether the last layer has one.
        normalised: whether the embedding is divided by its length.

    """

    d0: int
    d1: int
    activation: Literal["tanh", "relu"] | None = None
    width: int = 64
    bias: bool = False
    normalised: bool = False

    def __post_init__(self) -> None:
        """Refuse an unknown activation."""
        if self.activation is not None and self.activation not in _ACTIVATIONS:
            message = f"activation = {self.activation!r}: give tanh, relu, or None for a linear model"
            raise InputError(message)

    def initial(self, models: int, generator: torch.Generator, *, scale: float = 1.0) -> Weights:
        """Random weights, uniform within ±scale/√fan-in as torch's linear layers have them; biases of b start at 0.

        >>> weights = Model(3, 2).initial(5, torch.Generator().manual_seed(0))
        >>> {name: tuple(weight.shape) for name, weight in weights.items()}
        {'W': (5, 2, 3)}
        """

        def uniform(*shape: int, fan_in: int) -> Tensor:
            # Drawn in double precision, so that both precisions start at the same point.
            drawn = torch.rand(models, *shape, generator=generator, dtype=torch.float64, device=generator.device)
            return (2 * drawn - 1) * scale / sqrt(fan_in)

        weights: Weights = {}
        inputs = self.d0
        if self.activation is not None:
            for layer in ("1", "2"):
                weights[f"W{layer}"] = uniform(self.width, inputs, fan_in=inputs)
                weights[f"b{layer}"] = uniform(self.width, fan_in=inputs)
                inputs = self.width
        weights["W"] = uniform(self.d1, inputs, fan_in=inputs)
        if self.bias:
            weights["b"] = torch.zeros(models, self.d1, dtype=torch.float64, device=generator.device)
        return weights

    def features(self, weights: Weights, x: Tensor) -> Tensor:
        """φ(x), (m, n, features), of data (m, n, d0) or (1, n, d0)."""
        if self.activation is None:
            return x
        for layer in ("1", "2"):
            x = _ACTIVATIONS[self.activation](x @ weights[f"W{layer}"].mT + weights[f"b{layer}"][:, None])
        return x

    def embed(self, weights: Weights, x: Tensor) -> Tensor:
        """f(x), (m, n, d1).

        >>> Model(2, 2, normalised=True).embed({"W": torch.eye(2)[None]}, torch.tensor([[[3.0, 4.0]]]))
        tensor([[[0.6000, 0.8000]]])
        """
        z = (
            weights["W"] @ self.features(weights, x).mT
        ).mT  # the data run fastest in memory, see verify.routes.training.data
        if self.bias:
            z = z + weights["b"][:, None]
        return z / (z * z).sum(-1, keepdim=True).sqrt() if self.normalised else z
