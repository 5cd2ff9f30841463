"""Elementwise functions in floats, or to any number of digits by mpmath: one formula for both.

Arrays are NumPy's, of floats or of mpmath's numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from derive.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    import sympy

# The terms of a hypergeometric series whose last parameter is large.
TERMS = 500
LARGE = 20


class Floats:
    """Double precision."""

    # What counts as converged, relative to a mean of absolute values; and how far down an integrand is followed.
    tolerance, depth = 1e-13, 40.0
    pi = np.pi
    exp, log, cosh, tanh = staticmethod(np.exp), staticmethod(np.log), staticmethod(np.cosh), staticmethod(np.tanh)

    def number(self, value: sympy.Expr) -> Any:
        """An exact number."""
        return float(value)

    def array(self, values: Any) -> Any:
        """Floats as numbers of this precision."""
        return np.asarray(values, dtype=np.float64)

    def log_gamma(self, x: Any) -> Any:
        """log Γ(x) of one number."""
        from scipy.special import gammaln

        return float(gammaln(x))

    def gauss(self, a: Any, b: Any, c: Any, x: Any) -> Any:
        """₂F₁(a, b; c; x); for a large c by its series, where SciPy's transformation overflows."""
        from scipy.special import hyp2f1

        if c < LARGE:
            return hyp2f1(a, b, c, x)
        n = np.arange(TERMS)
        factors = (a + n) * (b + n) / ((c + n) * (1 + n))
        total, term = np.ones_like(np.asarray(x, dtype=np.float64)), np.ones_like(np.asarray(x, dtype=np.float64))
        for factor in factors:
            term = term * factor * x
            total = total + term
            if np.all(np.abs(term) < 1e-17 * np.abs(total)):
                break
        return total

    def bessel(self, c: Any, x: Any) -> Any:
        """₀F₁(; c; x) of one number."""
        term = total = 1.0
        for n in range(100_000):
            term *= x / ((c + n) * (1 + n))
            total += term
            if abs(term) < 1e-17 * total:
                return total
        message = f"₀F₁ does not converge at {x:g}"
        raise InputError(message)


@dataclass(frozen=True)
class Digits:
    """Numbers of a given count of decimal digits."""

    digits: int

    @cached_property
    def _mp(self) -> Any:
        import mpmath

        own = mpmath.MPContext()
        own.dps = self.digits + 12
        return own

    @property
    def tolerance(self) -> float:
        """What counts as converged."""
        return float(self._mp.mpf(10) ** -self.digits)

    @property
    def depth(self) -> float:
        """How far down an integrand is followed, in powers of e."""
        return 2.31 * (self.digits + 6)

    @property
    def pi(self) -> Any:
        """π."""
        return +self._mp.pi

    def number(self, value: sympy.Expr) -> Any:
        """An exact number."""
        return self._mp.mpmathify(value.evalf(self.digits + 12))

    def array(self, values: Any) -> Any:
        """Floats as numbers of this precision."""
        return self._each(self._mp.mpf)(np.asarray(values))

    def exp(self, x: Any) -> Any:
        """The exponential."""
        return self._each(self._mp.exp)(x)

    def log(self, x: Any) -> Any:
        """The logarithm."""
        return self._each(self._mp.log)(x)

    def cosh(self, x: Any) -> Any:
        """The hyperbolic cosine."""
        return self._each(self._mp.cosh)(x)

    def tanh(self, x: Any) -> Any:
        """The hyperbolic tangent."""
        return self._each(self._mp.tanh)(x)

    def log_gamma(self, x: Any) -> Any:
        """log Γ(x) of one number."""
        return self._mp.loggamma(x)

    def gauss(self, a: Any, b: Any, c: Any, x: Any) -> Any:
        """₂F₁(a, b; c; x)."""
        return self._each(lambda one: self._mp.hyp2f1(a, b, c, one))(x)

    def bessel(self, c: Any, x: Any) -> Any:
        """₀F₁(; c; x) of one number."""
        return self._mp.hyp0f1(c, x)

    def _each(self, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def of(x: Any) -> Any:
            return np.vectorize(function, otypes=[object])(x) if isinstance(x, np.ndarray) else function(x)

        return of


Precision = Floats | Digits


def precision(digits: int | None) -> Precision:
    """Floats, or numbers of that many digits.

    >>> precision(None).gauss(0.5, 0.5, 2.0, 0.5), str(precision(30).gauss(0.5, 0.5, 2, 0.5))[:12]
    (np.float64(1.0787052023767585), '1.0787052023')

    """
    return Floats() if digits is None else Digits(digits)
