"""The models that are trained: linear, or three layers with tanh or ReLU; many at once, with weights (m, out, in).

A model is f(x) = W φ(x) (+ b), φ the identity or the two hidden layers; W is called "W" among its weights. A model with
`normalised` gives f/|f|. One with two encoders has g(y) = V y beside f, and "V" among its weights.
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
        second: the dimension of the data of a second encoder, which is linear and has no bias; None without one.

    """

    d0: int
    d1: int
    activation: Literal["tanh", "relu"] | None = None
    width: int = 64
    bias: bool = False
    normalised: bool = False
    second: int | None = None

    def __post_init__(self) -> None:
        """Refuse an unknown activation, and a second encoder beside one that is not W x."""
        if self.activation is not None and self.activation not in _ACTIVATIONS:
            message = f"activation = {self.activation!r}: give tanh, relu, or None for a linear model"
            raise InputError(message)
        if self.second is not None and (self.activation is not None or self.bias):
            message = "a model with two encoders is linear and has no bias, W x and V y"
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
        if self.second is not None:
            weights["V"] = uniform(self.d1, self.second, fan_in=self.second)
        return weights

    def features(self, weights: Weights, x: Tensor) -> Tensor:
        """φ(x), (m, n, features), of data (m, n, d0) or (1, n, d0)."""
        if self.activation is None:
            return x
        for layer in ("1", "2"):
            x = _ACTIVATIONS[self.activation](x @ weights[f"W{layer}"].mT + weights[f"b{layer}"][:, None])
        return x

    def embed(self, weights: Weights, x: Tensor, *, second: bool = False) -> Tensor:
        """f(x), (m, n, d1), or g(x) where a second encoder is meant.

        >>> Model(2, 2, normalised=True).embed({"W": torch.eye(2)[None]}, torch.tensor([[[3.0, 4.0]]]))
        tensor([[[0.6000, 0.8000]]])
        """
        last, features = (weights["V"], x) if second else (weights["W"], self.features(weights, x))
        z = (last @ features.mT).mT  # the data run fastest in memory, see verify.routes.training.data
        if self.bias:
            z = z + weights["b"][:, None]
        return z / (z * z).sum(-1, keepdim=True).sqrt() if self.normalised else z

    def embedded(self, weights: Weights, views: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """The views through f; with two encoders the anchor through f, what it is compared with through g.

        >>> model = Model(1, 1, second=2)
        >>> weights = {"W": torch.tensor([[[2.0]]]), "V": torch.tensor([[[3.0, 4.0]]])}
        >>> x, y = torch.ones(1, 1, 1), torch.ones(1, 1, 2)
        >>> [float(z) for z in model.embedded(weights, (x, y))]
        [2.0, 7.0]
        """
        return tuple(self.embed(weights, x, second=k > 0 and self.second is not None) for k, x in enumerate(views))

    def product(self, weights: Weights) -> Tensor:
        """What the inner products depend on: WᵀW, (m, features, features), or with two encoders WᵀV, (m, d0, d0')."""
        return weights["W"].mT @ weights["W" if self.second is None else "V"]
