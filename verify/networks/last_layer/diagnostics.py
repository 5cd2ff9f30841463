"""Published measures of what features have kept, each by its own definition, on the outputs f of two views of N data.

- RankMe (Garrido et al. 2023): exp of the entropy of the singular values of the (N, d) outputs, normalised to sum 1.
- participation ratio: (Σλ)²/Σλ² of the eigenvalues of the covariance.
- α-ReQ (Agrawal et al. 2022): the power with which those eigenvalues fall with their number, λ_k ∝ k^(−α), a line
  through the logarithms of those above rounding.
- LiDAR (Thilak et al. 2024): RankMe's entropy of the eigenvalues of Σ_w^(−½) Σ_b Σ_w^(−½), where a datum is a class
  and its views are the members; Σ_w has δ I added.
- alignment and uniformity (Wang & Isola 2020): E|u − u′|² and log E exp(−2|u − v|²) of unit vectors.
- mean cosine of different data, and √d times the mean deviation of a coordinate of unit vectors, which is 1 where they
  fill the sphere and 0 at collapse (Chen & He 2021).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from derive import InputError

Array = NDArray[np.float64]

# A share below this part of an equal one counts as that of a lost mode. It is larger than for models of known modes
# (`verify.routes.training.shares`): directions of modes that are estimated from N data give a lost one 1/N of the rest.
KEPT = 0.01

# What RankMe and LiDAR add: to each share, and to the diagonal of the covariance within data.
SHARE, WITHIN = 1e-7, 1e-4
# Eigenvalues below this part of the largest are rounding.
ROUNDING = 1e-12
# Data of which all pairs are compared.
PAIRS = 2048


@dataclass(frozen=True)
class Diagnostics:
    """What features have kept, by the measures of the field.

    Attributes:
        rankme: of the first views, from 1 to d.
        participation: of their covariance, from 1 to d.
        alpha: the power of the decay of its eigenvalues; NaN of fewer than three.
        lidar: of both views, from 1 to d; NaN of one view.
        alignment: E|u − u′|², from 0 to 4; 0 where views agree; NaN of one view.
        uniformity: log E exp(−2|u − v|²) over different data, from −8 to 0; 0 at collapse.
        cosine: the mean cosine of different data; 1 at collapse.
        deviation: √d times the mean deviation of a coordinate of u; 0 at collapse.

    """

    rankme: float
    participation: float
    alpha: float
    lidar: float
    alignment: float
    uniformity: float
    cosine: float
    deviation: float

    def text(self) -> str:
        """All that are known, in a line."""
        groups = (
            (("RankMe", self.rankme), ("participation ratio", self.participation), ("α-ReQ", self.alpha),
             ("LiDAR", self.lidar)),
            (("alignment", self.alignment), ("uniformity", self.uniformity)),
            (("mean cosine", self.cosine), ("√d std", self.deviation)),
        )  # fmt: skip
        known = [[f"{name} {value:.3g}" for name, value in group if np.isfinite(value)] for group in groups]
        return "; ".join(", ".join(group) for group in known if group)

    def to_json(self) -> dict[str, float | None]:
        """Plain JSON values; null for what is not a number."""
        return {name: value if np.isfinite(value) else None for name, value in asdict(self).items()}


def diagnostics(first: Array, second: Array | None = None) -> Diagnostics:
    """The measures of two views of the same data, or of one.

    Args:
        first: (N, d), outputs of the first views.
        second: (N, d), of the second ones, the same datum in the same row; without them LiDAR and alignment are NaN.

    Raises:
        InputError: shapes that do not fit, fewer than two data, or an output of length 0.

    >>> z = np.eye(4)
    >>> found = diagnostics(z, z)
    >>> round(found.rankme, 3), found.alignment, found.cosine
    (4.0, 0.0, 0.0)

    """
    one_view = second is None
    first = np.asarray(first, float)
    second = first if second is None else np.asarray(second, float)
    if first.ndim != 2 or first.shape != second.shape or len(first) < 2:
        raise InputError(f"two views of the same data are needed, (N, d) each; these are {first.shape}, {second.shape}")
    lengths = [np.linalg.norm(one, axis=1, keepdims=True) for one in (first, second)]
    if min(length.min() for length in lengths) == 0:
        raise InputError("an output has length 0, so that it has no direction")
    u, v = (one / length for one, length in zip((first, second), lengths, strict=True))
    eigenvalues = _eigenvalues(np.cov(first, rowvar=False).reshape(first.shape[1], -1))
    some = u[:PAIRS]
    inner = (some @ some.T)[np.triu_indices(len(some), 1)]
    return Diagnostics(
        rankme=effective_rank(np.asarray(np.linalg.svd(first, compute_uv=False), float)),
        participation=float(eigenvalues.sum() ** 2 / (eigenvalues**2).sum()) if eigenvalues.any() else np.nan,
        alpha=decay(eigenvalues),
        lidar=np.nan if one_view else lidar(first, second),
        alignment=np.nan if one_view else float(((u - v) ** 2).sum(1).mean()),
        uniformity=float(np.log(np.exp(-2 * (2 - 2 * inner)).mean())),
        cosine=float(inner.mean()),
        deviation=float(np.sqrt(first.shape[1]) * u.std(0).mean()),
    )


def effective_rank(values: Array) -> float:
    """Exp of the entropy of shares of non-negative numbers.

    >>> round(effective_rank(np.array([1.0, 1.0, 0.0])), 4)
    2.0

    """
    shares = values / values.sum() + SHARE if values.sum() else np.ones(1)
    return float(np.exp(-(shares * np.log(shares)).sum()))


def decay(eigenvalues: Array) -> float:
    """α of λ_k ∝ k^(−α), by least squares of log λ_k on log k.

    >>> round(decay(np.arange(1, 50.0) ** -1.5), 6)
    1.5

    """
    kept = eigenvalues[eigenvalues > ROUNDING * eigenvalues.max(initial=0.0)]
    if len(kept) < 3:
        return float("nan")
    return float(-np.polyfit(np.log(np.arange(1, len(kept) + 1)), np.log(kept), 1)[0])


def lidar(first: Array, second: Array) -> float:
    """The effective rank of what differs between data, in units of what differs between views of a datum."""
    means = (first + second) / 2
    half = (first - second) / 2
    # Each of the two members is half a difference off their mean; the mean over members and data.
    within = half.T @ half / len(first) + WITHIN * np.eye(first.shape[1])
    centred = means - means.mean(0)
    between = centred.T @ centred / len(first)
    scale, axes = np.linalg.eigh(within)
    root = axes / np.sqrt(scale) @ axes.T
    return effective_rank(_eigenvalues(root @ between @ root))


def _eigenvalues(matrix: Array) -> Array:
    found: Array = np.maximum(np.linalg.eigvalsh(matrix)[::-1], 0.0)
    return found
