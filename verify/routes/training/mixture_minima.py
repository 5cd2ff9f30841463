"""B and the minimum of losses on a mixture of classes, as predicted, for a population or a set of data.

B is that of the derived expansion. The minimum is that of the loss with its inner mean in closed form, given a datum,
on quasi-random nodes: no batch, no torch loss of the catalogue and no expansion has a part in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from derive import Classes, catalogue
from numeric.sampling import root
from verify.routes.training.mixtures import TAU

if TYPE_CHECKING:
    from numeric.laws.classes import Mixture
    from verify.routes.training.mixtures import ClassSet

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Moments:
    """What the predictions know of the data: a population's moments, or those of a set.

    Attributes:
        within: the covariance of the data, without noise, given their class.
        noise: that of the noise.
        M2: Σ_y π_y μ_y μ_yᵀ.
        mean: Σ_y π_y μ_y.
        centres: what others are normal around, (k, d0): the class means, or the points of the set.
        chances: of the centres.
        spread: the covariance around them.
        nodes: of x, (m, d0), at which the outer mean is taken, of equal weight.

    """

    within: Array
    noise: Array
    M2: Array
    mean: Array
    centres: Array
    chances: Array
    spread: Array
    nodes: Array
    weights: Array

    @classmethod
    def of_population(cls, data: Mixture, nodes: int, seed: int = 0) -> Moments:
        """Of the mixture, with as many nodes for each class."""
        normals = _normals(nodes, data.d0, seed) @ root(data.Sigma)
        x = (data.means[:, None] + normals).reshape(-1, data.d0)
        weights = np.repeat(data.chances / nodes, nodes)
        return cls(data.A0, data.C, data.between, data.mean, data.means, data.chances, data.Sigma, x, weights)

    @classmethod
    def of_set(cls, given: ClassSet, nodes: int, seed: int = 0) -> Moments:
        """Of a set of data, with as many nodes for each datum."""
        points, labels = given.points.numpy(), given.labels.numpy()
        n, d0 = points.shape
        means = np.stack([points[labels == y].mean(0) for y in range(labels.max() + 1)])
        M2 = np.einsum("k,ki,kj->ij", np.bincount(labels) / n, means, means)
        noise = (given.noise @ given.noise).numpy()
        normals = _normals(n * nodes, d0, seed).reshape(n, nodes, d0) @ given.noise.numpy()
        x = (points[:, None] + normals).reshape(-1, d0)
        within, weights = points.T @ points / n - M2, np.full(len(x), 1 / len(x))
        return cls(within, noise, M2, points.mean(0), points, np.full(n, 1 / n), noise, x, weights)

    def B(self, name: str) -> Array:
        """B of a loss as it is derived."""
        expansion = catalogue(name).expand(2, data=Classes(covariances="shared"))
        at = {"A0": self.within, "C": self.noise, "M2": self.M2, "mean": np.outer(self.mean, self.mean)}
        tau = dict.fromkeys(expansion.symbols, TAU)
        return np.asarray(sum(float(value.subs(tau)) * at[letter] for letter, value in expansion.B.items()))

    @property
    def second(self) -> Array:
        """E x xᵀ."""
        return self.within + self.noise + self.M2

    def loss(self, name: str, W: Tensor) -> Tensor:
        """A loss at W (d1, d0), the mean over other data in closed form given x.

        E_χ exp of a quadratic form in χ, normal around a centre m with the covariance S in the embedding:
        E exp⟨u, χ⟩ = exp(⟨u, m⟩ + ½ uᵀ S u), and E exp(−½|u − χ|²) = |I + S|^(−½) exp(−½ (u − m)ᵀ (I + S)⁻¹ (u − m)).
        """
        within, noise, M2, second, spread = map(
            torch.from_numpy, (self.within, self.noise, self.M2, self.second, self.spread)
        )
        if name == "spectral":
            S = W @ second @ W.T
            return (S * S).sum() - 2 * ((W @ (within + M2)) * W).sum()
        u, m = torch.from_numpy(self.nodes) @ W.T, torch.from_numpy(self.centres) @ W.T
        S, chances, weights = W @ spread @ W.T, torch.from_numpy(self.chances), torch.from_numpy(self.weights)
        if name == "supcon":
            logs = u @ m.T / TAU + ((u @ S) * u).sum(-1, keepdim=True) / (2 * TAU**2)
            return weights @ torch.logsumexp(logs + chances.log(), -1) - ((W @ M2) * W).sum() / TAU
        P = torch.linalg.inv(torch.eye(len(S), dtype=S.dtype) + S)
        distances = ((u @ P) * u).sum(-1)[:, None] - 2 * u @ P @ m.T + ((m @ P) * m).sum(-1)
        spread_out = weights @ torch.logsumexp(chances.log() - distances / 2, -1) + torch.logdet(P) / 2
        return ((W @ noise) * W).sum() + spread_out

    def minimum(self, name: str, d1: int) -> Array:
        """WᵀW at the lowest minimum that is found from small W along the largest eigenvalues of B, and from nearby."""
        values, vectors = np.linalg.eigh(self.B(name))
        best: tuple[float, Array] | None = None
        for seed in range(2):
            turned = np.random.default_rng(seed).standard_normal((d1, len(values))) * 0.3 * seed
            W = torch.from_numpy(0.3 * vectors[:, ::-1][:, :d1].T + 0.3 * turned).requires_grad_()
            optimiser = torch.optim.LBFGS(
                [W], max_iter=500, tolerance_grad=1e-8, tolerance_change=1e-13, line_search_fn="strong_wolfe"
            )

            def closure(W: Tensor = W, optimiser: Any = optimiser) -> Tensor:
                optimiser.zero_grad()
                value = self.loss(name, W)
                value.backward()  # type: ignore[no-untyped-call]
                return value

            optimiser.step(closure)  # type: ignore[no-untyped-call]
            found = float(self.loss(name, W.detach()))
            if best is None or found < best[0] - 1e-9:
                best = found, (W.T @ W).detach().numpy()
        assert best is not None  # noqa: S101 (there are several starts)
        return best[1]


def _normals(number: int, d0: int, seed: int) -> Array:
    """Standard normal numbers (m, d0) from a Sobol sequence, each with its opposite."""
    sobol = torch.quasirandom.SobolEngine(d0, scramble=True, seed=seed)  # type: ignore[no-untyped-call]
    drawn = sobol.draw((number + 1) // 2, dtype=torch.float64)
    half = torch.special.ndtri(drawn.clamp(1e-9, 1 - 1e-9)).numpy()
    return np.concatenate([half, -half])[:number]


def modes_of(gram: Array, second: Array) -> tuple[Array, Array]:
    """The powers of the modes that WᵀW keeps in the embedding, from the largest on, and their directions, in columns.

    They are the eigenvalues and eigenvectors of S^½ WᵀW S^½, S = E x xᵀ.
    """
    S = root(second)
    values, vectors = np.linalg.eigh(S @ gram @ S)
    return values[::-1], vectors[:, ::-1]


def powers_along(directions: Array, grams: Array, second: Array) -> Array:
    """The powers of models, (m, d0, d0), along given modes: of modes that are equally strong no order is known."""
    S = root(second)
    return np.asarray(np.einsum("ik,sij,jk->sk", directions, S @ grams @ S, directions))
