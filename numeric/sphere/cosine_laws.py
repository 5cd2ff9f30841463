r"""Cosines and lengths of equal modes: their joint laws, for two views of a datum and for two data.

u is N(0, I_r) and R = |u|. Of two data the cosine c has the density ∝ (1 − c²)^((r−3)/2), whatever the lengths are,
which are independent of it. Two views u, u′ of one datum, with view correlation λ in each mode, are independent in all
but exp(λ R R′ c/(1 − λ²)), up to powers. Its series, integrated over R and R′ against R^a R′^b, is one function:

    E[R^a R′^b F(c)] = 2^((a+b)/2) (1−λ²)^((s+t−r)/2) Γ(r/2)^(−2) E₀[F(c) S(λc)],     s = r + a, t = r + b,
    S(z) = Σ_j (2z)^j/j! Γ((s+j)/2) Γ((t+j)/2) = G ((1−z)/2)^(−q) ₂F₁((1+t−s)/2, (1+s−t)/2; (s+t+1)/2; (1+z)/2),
    G = Γ(s/2) Γ(t/2) Γ((s+1)/2) Γ((t+1)/2)/(√π Γ((s+t+1)/2)),   q = (s + t − 1)/2,

E₀ over the cosine of two data (a quadratic transformation, DLMF 15.8.27, and Euler's). It needs s > 0 and t > 0. What
is left is an integral over c = tanh v, by the trapezoidal rule in v, whose error falls like exp(−π²/h) with the step.

In closed form, for F = c^k with k = 0 or 1, and there it needs no more than s + k > 0 and t + k > 0 (Mehler's
expansion, summed):

    E[R^a R′^b]   = 2^((a+b)/2) Γ(s/2) Γ(t/2)/Γ(r/2)² ₂F₁(−a/2, −b/2; r/2; λ²),
    E[R^a R′^b c] = 2^((a+b)/2) λ Γ((s+1)/2) Γ((t+1)/2)/(Γ(r/2) Γ(r/2+1)) ₂F₁((1−a)/2, (1−b)/2; r/2+1; λ²).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from derive.errors import InputError
from numeric.sphere.precision import Precision

if TYPE_CHECKING:
    from collections.abc import Callable

# The step in v, at level 0, and in units of the width of the peak.
STEP, WIDTHS = 0.3, 0.7
# Points in [−1, 1] at which an integrand is looked at to see how far its law must be followed.
PROBED = 65


class InfiniteMeanError(InputError):
    """A mean over the kept block that is infinite at its rank."""


@dataclass(frozen=True)
class EqualModes:
    """r kept modes of one view correlation λ, each of variance 1.

    Attributes:
        r: their number, at least 2.
        correlation: λ, from 0 to 1, exact or a float.
        numbers: the precision.

    """

    r: int
    correlation: Any
    numbers: Precision
    _weights: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    def length(self, power: Any) -> Any:
        """E R^a."""
        self._needs(power)
        gamma, half = self.numbers.log_gamma, self.numbers.number(_half(self.r))
        a = self._power(power)
        return self.numbers.exp(gamma(half + a / 2) - gamma(half) + a / 2 * self.numbers.log(2 + 0 * a))

    def apart(self, function: Callable[[Any], Any], level: int) -> Any:
        """E F(c) over two data.

        Args:
            function: F, of an array of cosines.
            level: the step is halved that often.

        """
        numbers, r = self.numbers, self.r
        far = np.arccosh(np.exp((numbers.depth + _reach(function, numbers)) / (r - 1)))
        v = self._grid(0.0, far, level)
        weights = numbers.exp(-(r - 1) * numbers.log(numbers.cosh(v)))
        return (weights * function(numbers.tanh(v))).sum() / weights.sum()

    def together(self, powers: tuple[Any, Any], function: Callable[[Any], Any], level: int) -> Any:
        """E R^a R′^b F(c) over two views of a datum."""
        for one in powers:
            self._needs(one)
        numbers, r, x = self.numbers, self.r, self._correlation
        if x == 1:
            return self.length(sum(powers)) * function(numbers.array([1.0]))[0]
        centre = float(np.arctanh(float(x)))
        far = np.arccosh(np.exp((numbers.depth + 1 + centre + _reach(function, numbers)) / (r - 1)))
        # R and R′ are exchangeable, and the integral over them takes longest.
        low, high = sorted(powers)
        key = low, high, far, level
        if key not in self._weights:
            self._weights[key] = self._weighted(low, high, self._grid(centre, far, level))
        c, weights = self._weights[key]
        return (weights * function(c)).sum()

    def _weighted(self, low: Any, high: Any, v: Any) -> tuple[Any, Any]:
        """Cosines at v, and the weights of a sum over them for E R^a R′^b F(c)."""
        numbers, r, x = self.numbers, self.r, self._correlation
        a, b = self._power(low), self._power(high)
        s, t = r + a, r + b
        q = (s + t - 1) / 2
        c = numbers.tanh(v)
        # cosh v (1 − λ tanh v), without cancellation where tanh v is rounded to 1.
        stretched = ((1 - x) * numbers.exp(v) + (1 + x) * numbers.exp(-v)) / 2
        log_cosh = numbers.log(numbers.cosh(v))
        bent = numbers.gauss((1 + t - s) / 2, (1 + s - t) / 2, (s + t + 1) / 2, (1 + x * c) / 2)
        gamma, two = numbers.log_gamma, numbers.log(2 + 0 * a)
        half = numbers.number(_half(r))
        log_factor = (
            sum(gamma((z + k) / 2) for z in (s, t) for k in (0, 1))
            - gamma((s + t + 1) / 2)
            - gamma(half)
            - gamma(half - numbers.number(_half(1)))
            - numbers.log(numbers.pi)
            + (q + (a + b) / 2) * two
            + (s + t - r) / 2 * (numbers.log(1 - x) + numbers.log(1 + x))
        )
        weights = numbers.exp(log_factor + (q - r + 1) * log_cosh - q * numbers.log(stretched))
        return c, (v[1] - v[0]) * weights * bent

    def monomial(self, powers: tuple[Any, Any], k: int) -> Any:
        """E R^a R′^b c^k over two views of a datum, k = 0 or 1, in closed form."""
        for one in powers:
            self._needs(one, k)
        numbers, r, x = self.numbers, self.r, self._correlation
        a, b = map(self._power, powers)
        gamma, half, s, t = numbers.log_gamma, numbers.number(_half(r)), r + a, r + b
        size = gamma((s + k) / 2) + gamma((t + k) / 2) - gamma(half) - gamma(half + k)
        size = size + (a + b) / 2 * numbers.log(2 + 0 * a)
        return x**k * numbers.exp(size) * numbers.gauss((k - a) / 2, (k - b) / 2, half + k, x * x)

    def exponential(self, k: int, rate: Any) -> Any:
        """E c^k exp(κ c) over two data, k = 0 or 1, in closed form: ₀F₁(; r/2; κ²/4), or its derivative in κ."""
        half = self.numbers.number(_half(self.r))
        own = self.numbers.bessel(half + k, rate * rate / 4)
        return own if k == 0 else rate / self.r * own

    @property
    def _correlation(self) -> Any:
        return self.correlation if isinstance(self.correlation, float) else self.numbers.number(self.correlation)

    def _power(self, power: Any) -> Any:
        return self.numbers.number(power)

    def _grid(self, centre: float, far: float, level: int) -> Any:
        step = min(STEP, WIDTHS / np.sqrt(self.r)) / 2**level
        steps = int(np.ceil(far / step))
        return self.numbers.array([centre]) + self.numbers.array(np.arange(-steps, steps + 1)) * float(step)

    def _needs(self, power: Any, vanishing: int = 0) -> None:
        """Refuse a power of a length whose mean is infinite."""
        if self.r + power + vanishing <= 0:
            message = (
                f"E |f|^({power}) is infinite at rank {self.r}: it needs more than {-power - vanishing} kept modes"
            )
            raise InputError(message)


def _half(number: int) -> Any:
    import sympy

    return sympy.Rational(number, 2)


def _reach(function: Callable[[Any], Any], numbers: Precision) -> float:
    """The logarithm of how much larger an integrand is somewhere than in most places."""
    sizes = np.abs(function(numbers.array(np.linspace(-1, 1, PROBED))) + numbers.array(np.zeros(PROBED)))
    logs = [float(numbers.log(one)) for one in sizes if one > 0]
    return max(0.0, max(logs) - float(np.median(logs))) if logs else 0.0
