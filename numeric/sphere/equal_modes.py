r"""InfoNCE of exactly normalised features over a population, by quadrature: r equal modes and one more.

f = (z, s y)/√(|z|² + s² y²) with z ~ N(0, I_r), y ~ N(0, 1), the second view z′ = λ z + √(1−λ²) w with w ~ N(0, I_r),
and y′ correlated with y by μ; s = 0 is the point at which the mode y is collapsed. With the temperature τ

    L(s) = E[½|f − f′|²/τ] + E_f log E_χ exp(−½|f − χ|²/τ).

*Alignment.* 1/|u| = (2/√π) ∫₀^∞ exp(−t²|u|²) dt for both lengths leaves Gaussian integrals; with 2t² = tan² a and
2t′² = tan² b, and the sines and cosines of a and b,

    E[f·f′] = (2/π) ∫∫ da db (cos a cos b)^(r+1) [r λ g^(−½) h^(−r/2−1) + s² μ g^(−3/2) h^(−r/2)],
    h = 1 − λ² sin² a sin² b,  g = (cos² a + s² sin² a)(cos² b + s² sin² b) − s⁴ μ² sin² a sin² b.

*Repulsion.* f is (n cos θ, sin θ) with n uniform on a sphere and tan θ = s tan φ, where φ has a density proportional to
cos^(r−1) φ; the mean over n is E exp(k n·m) = ₀F₁(r/2; k²/4).

Both are integrated over [0, π/2] by Gauss rules on panels that shrink towards the ends, where the integrands vary on
the scales s and 1/s.

The second derivative at s = 0 has a closed form (`Sphere.parts`), found by differentiating under the mean: with n = z/R
and n·f = 1 − s² (y/R)²/2 + …, the alignment gives 2 E[n·n′/R²] − 2 μ E[1/(R R′)] and the repulsion −2 ρ E[1/R²], where
ρ = E[n·m exp(n·m/τ)]/E[exp(n·m/τ)] and E[1/R²] = 1/(r − 2), all over τ. It needs r > 2, and so does its being linear
in μ:

    L″(0) = P + μ Q,   collapsed modes reopen where μ exceeds −P/Q.

A mode with a mean, y ~ N(ν, 1), has E[y²] = 1 + ν² in place of 1 and E[y y′] = μ + ν² in place of μ, and two data now
agree along it as well: ν² E[1/R]² is added to the repulsion's mean cosine. So

    L″(0) = P + μ Q + ν² K,   K = P + Q + 2 E[1/R]²/τ,

and K is what a bias costs, L″(0) for y = 1 in every view.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from derive import InputError

Array = NDArray[np.float64]

# The range in which values and parts were checked against thirty digits.
MOST, COLDEST = 200, 0.01
# The largest error of a returned value, and the nodes per panel of the two rules whose difference must stay below it.
ERROR = 1e-10
NODES = 10, 14


@dataclass(frozen=True)
class Sphere:
    """Normalised InfoNCE with r equal modes.

    Attributes:
        r: the number of kept modes, from 1 to 200.
        kept: λ, the correlation of two views of a kept mode, a/(a + c).
        temperature: τ, at least 0.01.

    """

    r: int
    kept: float
    temperature: float = 1.0

    def __post_init__(self) -> None:
        """Check the numbers."""
        if not 1 <= self.r <= MOST:
            raise InputError(f"r = {self.r}: the quadrature holds for 1 to {MOST} kept modes")
        if not 0 <= self.kept < 1:
            raise InputError(f"kept = {self.kept}: the correlation of two views is at least 0 and below 1")
        if not COLDEST <= self.temperature < np.inf:
            raise InputError(f"temperature = {self.temperature}: the quadrature holds from {COLDEST} on")

    def value(self, s: float, opened: float) -> float:
        """L(s), where ``opened`` (μ) is the correlation of the views of the collapsed mode.

        The error is at most 1e-10/τ.

        Raises:
            InputError: ``opened`` is not a correlation, or the two rules differ by more than that error.

        >>> Sphere(8, 0.9).value(0.1, 0.2) > Sphere(8, 0.9).value(0.0, 0.2)
        True
        """
        if not -1 <= opened <= 1:
            raise InputError(f"opened = {opened}: the correlation of two views is from -1 to 1")
        coarse, fine = (self._value(abs(s), opened, nodes) for nodes in NODES)
        if not abs(fine - coarse) <= ERROR / self.temperature:
            raise InputError(f"L({s}) of {self}: two rules give {coarse} and {fine}; choose a larger s, or 0")
        return fine

    def _value(self, s: float, opened: float, nodes: int) -> float:
        angle, weight = _panels(nodes)
        repelled = self._repulsion(s, angle, weight)
        return (repelled - self._agreement(s, opened, angle, weight)) / self.temperature

    def _agreement(self, s: float, opened: float, angle: Array, weight: Array) -> float:
        """E[f·f′]."""
        cosine, sine2 = np.cos(angle), np.sin(angle) ** 2
        length = cosine**2 + s**2 * sine2
        both = np.outer(sine2, sine2)
        g = np.outer(length, length) - s**4 * opened**2 * both
        h = 1 - self.kept**2 * both
        kept = self.r * self.kept * g**-0.5 * h ** (-self.r / 2 - 1)
        reopened = s**2 * opened * g**-1.5 * h ** (-self.r / 2)
        edge = weight * cosine ** (self.r + 1)
        return float(2 / np.pi * edge @ (kept + reopened) @ edge)

    def _repulsion(self, s: float, angle: Array, weight: Array) -> float:
        """τ E_f log E_χ exp(f·χ/τ)."""
        from scipy.special import hyp0f1

        k = 1 / self.temperature
        cosine, sine = np.cos(angle), s * np.sin(angle)
        length = np.hypot(cosine, sine)
        mass = weight * cosine ** (self.r - 1)
        mass /= mass.sum()
        inner = hyp0f1(self.r / 2, (k * np.outer(cosine / length, cosine / length)) ** 2 / 4)
        # φ and −φ are summed for χ; for f they give the same value.
        inner = inner * np.cosh(k * np.outer(sine / length, sine / length))
        return float(mass @ np.log(inner @ mass)) / k

    def parts(self) -> tuple[float, float]:
        """P and Q of the second derivative P + μ Q at s = 0, in closed form; the relative error is below 1e-11.

        With κ² = λ²/(1 − λ²) the mean of n′ given z is along z and √½ κ R Γ((r+1)/2)/Γ(r/2+1) ₁F₁(½; r/2+1; −κ²R²/2)
        long, so that

            E[n·n′/R²]  = ½ λ Γ((r+1)/2) Γ((r−1)/2)/(Γ(r/2+1) Γ(r/2)) ₂F₁(½, 3/2; r/2+1; λ²),
            E[1/(R R′)] = ½ (Γ((r−1)/2)/Γ(r/2))² ₂F₁(½, ½; r/2; λ²)   (Mehler's expansion, summed).

        Raises:
            InputError: r < 3.

        >>> P, Q = Sphere(10, 0.9).parts()
        >>> round(-P / Q, 4)
        0.7749

        """
        from scipy.special import gammaln

        r, k = self.r, 1 / self.temperature
        if r < 3:
            raise InputError(f"r = {r}: with fewer than 3 kept modes the loss has no second derivative")
        ratio = np.exp(gammaln((r - 1) / 2) - gammaln(r / 2))
        # Γ((r+1)/2)/Γ(r/2+1) = (r − 1)/r · Γ((r−1)/2)/Γ(r/2)
        aligned = self.kept / 2 * (r - 1) / r * ratio**2 * _gauss(0.5, 1.5, r / 2 + 1, self.kept**2)
        both = ratio**2 / 2 * _gauss(0.5, 0.5, r / 2, self.kept**2)
        return 2 * k * float(aligned - _mean_cosine(r, k) / (r - 2)), -2 * k * float(both)

    def common(self) -> float:
        """K, the weight of ν² in the second derivative at s = 0: what a number added to all embeddings costs.

        Raises:
            InputError: r < 3.

        >>> Sphere(31, 0.99).common() > 0
        True
        """
        P, Q = self.parts()
        return P + Q + _mean_inverse(self.r) ** 2 * 2 / self.temperature

    def curvature(self, opened: float, mean: float = 0.0) -> float:
        """L″(0), for E|f|² = r of the features before they are normalised.

        Args:
            opened: μ, the correlation of the views of the collapsed mode.
            mean: ν, its mean in units of its standard deviation.

        """
        P, Q = self.parts()
        return P + opened * Q + (mean**2 * self.common() if mean else 0.0)

    def largest_mean(self, opened: float) -> float:
        """ν up to which a collapsed mode reopens, in units of its standard deviation.

        0 where it stays collapsed without a mean; infinite where K ≤ 0 (low temperatures and views that hardly agree),
        so that no mean keeps it collapsed.

        >>> mean = Sphere(31, 0.99).largest_mean(0.99)
        >>> round(mean, 3), abs(Sphere(31, 0.99).curvature(0.99, mean)) < 1e-12
        (0.187, True)
        """
        without, weight = self.curvature(opened), self.common()
        if without >= 0:
            return 0.0
        return float(np.sqrt(-without / weight)) if weight > 0 else np.inf

    def threshold(self) -> float:
        """The correlation −P/Q above which a collapsed mode reopens."""
        P, Q = self.parts()
        return -P / Q


def _mean_inverse(r: int) -> float:
    """E[1/R] of R = |z|, z ~ N(0, I_r): Γ((r−1)/2)/(√2 Γ(r/2))."""
    from scipy.special import gammaln

    return float(np.exp(gammaln((r - 1) / 2) - gammaln(r / 2)) / np.sqrt(2))


def _mean_cosine(r: int, k: float) -> float:
    """I_(r/2)(k)/I_(r/2−1)(k) by its continued fraction k/(r + k²/(r + 2 + k²/(r + 4 + …)))."""
    tail = 0.0
    for n in reversed(range(50 + int(2 * k))):
        tail = k**2 / (r + 2 * n + tail)
    return tail / k


def _gauss(a: float, b: float, c: float, x: float) -> float:
    """₂F₁(a, b; c; x). Its terms decay like n^(a+b−c−1) at x = 1; SciPy's transformation overflows for a large c."""
    from scipy.special import hyp2f1

    if c < 20:
        return float(hyp2f1(a, b, c, x))
    n = np.arange(500)
    return float(1 + np.cumprod((a + n) * (b + n) / ((c + n) * (1 + n)) * x).sum())


def _panels(nodes: int) -> tuple[Array, Array]:
    """Nodes and weights on [0, π/2]: panels, the first and the last halved again and again towards the ends."""
    at, weights = np.polynomial.legendre.leggauss(nodes)
    small = 0.5 ** np.arange(19, -1, -1)
    ends = np.concatenate([[0], small, np.arange(2, 7), 8 - small[::-1], [8]]) * np.pi / 16
    middle, half = (ends[1:] + ends[:-1]) / 2, np.diff(ends) / 2
    return (middle[:, None] + half[:, None] * at).ravel(), (half[:, None] * weights).ravel()
