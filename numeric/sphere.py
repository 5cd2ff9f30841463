"""InfoNCE of exactly normalised features over a population, by quadrature: r modes alike and one more.

f = (z, s y)/√(|z|² + s² y²) with z ~ N(0, I_r), y ~ N(0, 1), the second view z′ = λ z + √(1−λ²) w with w ~ N(0, I_r),
and y′ correlated with y by μ; s = 0 is the point at which the mode y is collapsed. With the temperature τ

    L(s) = E[½|f − f′|²/τ] + E_f log E_χ exp(−½|f − χ|²/τ).

Few numbers decide: R = |z| (a χ variable with r degrees), z′ along z and the length of z′ across it (χ, r − 1), y and
y′; the direction of χ's z against z's enters through E exp(k n·m) = ₀F₁(r/2; k²/4). Gauss rules for each, and no random
numbers.

The second derivative at s = 0 is an expectation of its own, found by differentiating under the mean: with n = z/R and
n·f = 1 − s² (y/R)²/2 + …, the alignment gives 2 E[n·n′/R²] − 2 μ E[1/(R R′)] and the repulsion −2 ρ E[1/R²], where
ρ = E[n·m exp(n·m/τ)]/E[exp(n·m/τ)], all over τ. It needs r > 2, and so does its being linear in μ:

    L″(0) = P + μ Q,   collapsed modes reopen where μ exceeds −P/Q.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derive import InputError

Array = NDArray[np.float64]

# Nodes of each rule: for values, whose integrands have five variables, and for the curvature, with three.
NODES, FINE = 16, 60
# Beyond this weights and Bessel functions leave the range of double precision.
MOST = 200


@dataclass(frozen=True)
class Sphere:
    """Normalised InfoNCE with r modes alike.

    Attributes:
        r: the number of kept modes.
        kept: λ, the correlation of two views of a kept mode, a/(a + c).
        temperature: τ.

    """

    r: int
    kept: float
    temperature: float = 1.0

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.r < 3:
            raise InputError(f"r = {self.r}: with fewer than 3 kept modes the loss has no second derivative")
        if self.r > MOST:
            raise InputError(f"r = {self.r}: the quadrature holds for at most {MOST} kept modes")
        if not 0 <= self.kept < 1:
            raise InputError(f"kept = {self.kept}: the correlation of two views is at least 0 and below 1")

    def value(self, s: float, opened: float, nodes: int = NODES) -> float:
        """L(s) where the views of the collapsed mode are correlated by ``opened`` (μ).

        >>> Sphere(8, 0.9).value(0.1, 0.2) > Sphere(8, 0.9).value(0.0, 0.2)
        True
        """
        from scipy.special import hyp0f1

        R, p = _chi(self.r, nodes)
        y, q = _normal(nodes)
        # Alignment: R, z′ along z, its length across, y, y′.
        along, w = _normal(nodes)
        across, v = _chi(self.r - 1, nodes)
        rest = np.sqrt(1 - self.kept**2)
        z = self.kept * R[:, None, None] + rest * along[None, :, None]
        other = z**2 + rest**2 * across[None, None, :] ** 2
        dot, weight = R[:, None, None] * z, p[:, None, None] * w[None, :, None] * v[None, None, :]
        agreed = 0.0
        for (y1, q1), (y2, q2) in product(zip(y, q, strict=True), repeat=2):
            second = opened * y1 + np.sqrt(1 - opened**2) * y2
            lengths = np.sqrt((R[:, None, None] ** 2 + (s * y1) ** 2) * (other + (s * second) ** 2))
            agreed += q1 * q2 * float((weight * (dot + s**2 * y1 * second) / lengths).sum())
        # Repulsion: each f against all χ, the angle between their z averaged in closed form.
        angle = np.arctan2(s * y[None, :], R[:, None]).ravel()
        mass = (p[:, None] * q[None, :]).ravel()
        cosine, sine = np.cos(angle), np.sin(angle)
        inner = hyp0f1(self.r / 2, (np.outer(cosine, cosine) / self.temperature) ** 2 / 4)
        inner = inner * np.exp(np.outer(sine, sine) / self.temperature)
        return float(-agreed / self.temperature + mass @ np.log(inner @ mass))

    def parts(self) -> tuple[float, float]:
        """P and Q of the second derivative P + μ Q at s = 0.

        >>> P, Q = Sphere(10, 0.9).parts()
        >>> round(-P / Q, 4)
        0.7749

        """
        from scipy.special import gammaln, hyp2f1, ive

        r, rest, k = self.r, np.sqrt(1 - self.kept**2), 1 / self.temperature
        # E[g(R)/R²] = E[1/R²] times a mean of g over a χ variable of r − 2 degrees.
        R, p = _chi(r - 2, FINE)
        along, w = _normal(FINE)
        across, v = _chi(r - 1, FINE)
        z = self.kept * R[:, None, None] + rest * along[None, :, None]
        cosine = z / np.sqrt(z**2 + rest**2 * across[None, None, :] ** 2)
        aligned = float(np.einsum("i,j,k,ijk->", p, w, v, cosine))
        repelled = float(ive(r / 2, k) / ive(r / 2 - 1, k))
        # E[1/(R R′)] of two χ variables whose normal numbers are correlated by λ (Mehler's expansion, summed).
        both = np.exp(2 * (gammaln((r - 1) / 2) - gammaln(r / 2))) / 2 * hyp2f1(0.5, 0.5, r / 2, self.kept**2)
        return 2 * k * (aligned - repelled) / (r - 2), -2 * k * float(both)

    def curvature(self, opened: float) -> float:
        """L″(0), for E|f|² = r of the features before they are normalised."""
        P, Q = self.parts()
        return P + opened * Q

    def threshold(self) -> float:
        """The correlation −P/Q above which a collapsed mode reopens."""
        P, Q = self.parts()
        return -P / Q


def _normal(n: int) -> tuple[Array, Array]:
    nodes, weights = np.polynomial.hermite_e.hermegauss(n)
    return nodes, weights / weights.sum()


def _chi(degrees: int, n: int) -> tuple[Array, Array]:
    """Nodes and weights of the length of that many standard normal numbers."""
    from scipy.special import roots_genlaguerre

    found: Any = roots_genlaguerre(n, degrees / 2 - 1)
    return np.sqrt(2 * found[0]), found[1] / found[1].sum()
