"""Random landscapes written by hand in torch, on which the theory of stationary points is tested.

Commuting or not, wide or narrow, with degenerate eigenvalues, with B indefinite or singular, with a norm penalty or a
fixed norm, with a bias, and with mixtures of words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy
import torch
from numpy.typing import NDArray

from derive.landscape.landscape import Landscape
from numeric.landscape.landscape import Solved, landscape_in_numbers, quartic_landscape
from numeric.landscape.modes import StationaryPoint
from numeric.sampling import Covariances, random_covariances

Array = NDArray[np.float64]

KINDS = (
    "plain",
    "indefinite",
    "degenerate",
    "singular",
    "narrow",
    "wide",
    "penalty",
    "fixed-norm",
    "bias",
    "fixed-bias",
)


@dataclass(frozen=True, eq=False)
class OneCovariance:
    """−Tr[W B Wᵀ] + q₁ Tr[(W Σ Wᵀ)²] + q₂ Tr[W Σ Wᵀ]² + κ (Tr[W Σ Wᵀ] + |b|² − c)²; B and Σ need not commute."""

    kind: str
    seed: int
    d1: int
    B: Array
    Sigma: Array
    q1: float
    q2: float = 0.0
    kappa: float = 0.0
    c: float = 0.0
    bias: bool = False

    @property
    def d0(self) -> int:
        """The dimension of the input."""
        return len(self.B)

    @property
    def pair(self) -> tuple[Array, Array]:
        """The matrix that tells the modes apart, and their metric."""
        return self.B, self.Sigma

    @property
    def solved(self) -> Solved:
        """The theory's landscape."""
        return quartic_landscape(
            self.B, self.Sigma, q1=self.q1, q2=self.q2, kappa=self.kappa, c=self.c, d1=self.d1, bias=self.bias
        )

    def loss(self, W: Any, b: Any) -> Any:
        """The loss, by hand; a fixed norm is built in.

        That is the landscape of f/√(E|f|²/c), which is constant along rays, plus (E|f|² − c)², which picks
        the point of a ray and adds a positive curvature.
        """
        B, Sigma = torch.from_numpy(self.B), torch.from_numpy(self.Sigma)
        norm = torch.sum((W @ Sigma) * W) + torch.sum(b * b)
        fixed = self.kappa == float("inf")
        W = W * torch.sqrt(self.c / norm) if fixed else W
        P = W @ Sigma @ W.T
        value = -torch.trace(W @ B @ W.T) + self.q1 * torch.trace(P @ P) + self.q2 * torch.trace(P) ** 2
        return value + (1.0 if fixed else self.kappa) * (norm - self.c) ** 2

    def powers(self, W: Array) -> tuple[Array, Array]:
        """The eigenvalues of H = Σ^(1/2) WᵀW Σ^(1/2), ascending, and its commutator with Σ^(−1/2) B Σ^(−1/2)."""
        values, vectors = np.linalg.eigh(self.Sigma)
        root, inverse = (vectors * values**power @ vectors.T for power in (0.5, -0.5))
        V = W @ root
        H = V.mT @ V
        whitened = inverse @ self.B @ inverse
        return np.linalg.eigvalsh(H), np.abs(H @ whitened - whitened @ H).max((-2, -1))

    def listed(self, point: StationaryPoint) -> Array:
        """Ascending: where eigenvalues are degenerate, modes have no order."""
        return np.sort(point.powers[: self.d0])


@dataclass(frozen=True, eq=False)
class Mixed:
    """Any mixture of words of order 4 in A0 and Σ, which need not commute.

    Attributes:
        linear: letter → coefficient of Tr[W X Wᵀ].
        singles: pair → coefficient of Tr[W X Wᵀ W Y Wᵀ].
        products: pair → coefficient of Tr[W X Wᵀ] Tr[W Y Wᵀ].

    """

    seed: int
    d1: int
    data: Covariances
    linear: dict[str, float]
    singles: dict[tuple[str, str], float]
    products: dict[tuple[str, str], float]
    kind: str = "mixed"
    bias: bool = False

    @property
    def d0(self) -> int:
        """The dimension of the input."""
        return self.data.d0

    @property
    def pair(self) -> tuple[Array, Array]:
        """The matrix that tells the modes apart, and their metric."""
        return self.data.A0, self.data.Sigma

    @property
    def solved(self) -> Solved:
        """The theory's landscape."""
        linear, singles, products = (
            {letters: sympy.Float(weight, 17) for letters, weight in part.items()} for part in self._parts
        )
        found = Landscape("mixed", linear, singles, products)
        return landscape_in_numbers(found, self.data, d1=self.d1)

    @property
    def _parts(self) -> tuple[dict[Any, float], ...]:
        return self.linear, self.singles, self.products

    def loss(self, W: Any, b: Any) -> Any:  # noqa: ARG002 (there is no bias)
        """By hand."""
        of = {"A": torch.from_numpy(self.data.A0), "S": torch.from_numpy(self.data.Sigma)}
        P = {letter: W @ X @ W.T for letter, X in of.items()}
        value: Any = sum(weight * torch.trace(P[x]) for x, weight in self.linear.items())
        value = value + sum(weight * torch.trace(P[x] @ P[y]) for (x, y), weight in self.singles.items())
        return value + sum(weight * torch.trace(P[x]) * torch.trace(P[y]) for (x, y), weight in self.products.items())

    def powers(self, W: Array) -> tuple[Array, Array]:
        """The diagonal of T⁻¹ WᵀW T⁻ᵀ in the frame T of the data, and the largest entry beside it."""
        columns = W @ np.linalg.inv(self.solved.frame).T
        gram = columns.mT @ columns
        diagonal = np.diagonal(gram, axis1=-2, axis2=-1)
        return diagonal, np.abs(gram - diagonal[..., None] * np.eye(self.d0)).max((-2, -1))

    def listed(self, point: StationaryPoint) -> Array:
        """By mode."""
        return point.powers


Problem = OneCovariance | Mixed


def random_problem(seed: int) -> Problem:
    """One of eleven kinds by the seed's remainder; every other round has commuting B and Σ."""
    kinds = len(KINDS) + 1
    return (
        mixed_problem(seed)
        if seed % kinds == kinds - 1
        else one_covariance(seed, KINDS[seed % kinds], seed // kinds % 2 == 1)
    )


def mixed_problem(seed: int, d0: int | None = None) -> Mixed:
    """A random mixture of words that is bounded below and convex in WᵀW."""
    rng = np.random.default_rng(seed)
    size = d0 or int(rng.integers(2, 5))
    data = random_covariances(rng, size)
    linear = {"A": -float(rng.uniform(0.5, 2.0)), "S": float(rng.uniform(0.1, 0.9))}
    singles = {("A", "A"): float(rng.uniform(0.0, 1.0)), ("A", "S"): float(rng.uniform(0, 0.5)), ("S", "S"): 0.5}
    products = {("A", "A"): float(rng.uniform(0.0, 0.5)), ("S", "S"): float(rng.uniform(0.0, 0.5))}
    return Mixed(seed, size, data, linear, singles, products)


def one_covariance(seed: int, kind: str, commuting: bool) -> OneCovariance:  # noqa: FBT001
    """A random problem of one kind."""
    rng = np.random.default_rng(seed)
    d0 = int(rng.integers(2, 5))
    d1 = {"narrow": int(rng.integers(1, d0)), "wide": d0 + 1}.get(kind, d0)
    values = rng.uniform(0.3, 2.0, d0)
    if kind not in ("plain", "degenerate"):
        values[: d0 // 2] *= -1
    if kind == "degenerate":
        values[:2] = values[0]
    if kind == "singular":
        values[-1] = 0.0
    one, other = (np.linalg.qr(rng.standard_normal((d0, d0)))[0] for _ in range(2))
    spread = rng.uniform(0.4, 1.6, d0)
    Sigma = (one * spread) @ one.T
    # Degenerate in the metric of Σ, where the modes are.
    root = (one * np.sqrt(spread)) @ one.T
    turn = one if commuting else other
    B = root @ ((turn * values) @ turn.T) @ root
    penalty = kind in ("penalty", "bias")
    fixed = kind in ("fixed-norm", "fixed-bias")
    return OneCovariance(
        kind=kind,
        seed=seed,
        d1=d1,
        B=(B + B.T) / 2,
        Sigma=(Sigma + Sigma.T) / 2,
        q1=float(rng.uniform(0.5, 1.5)),
        q2=float(rng.uniform(-0.1, 0.5)) if not (penalty or fixed) else 0.0,
        kappa=float("inf") if fixed else float(rng.uniform(0.2, 2.0)) if penalty else 0.0,
        c=float(rng.uniform(0.3, 2.0)) if penalty or fixed else 0.0,
        bias=kind in ("bias", "fixed-bias"),
    )
