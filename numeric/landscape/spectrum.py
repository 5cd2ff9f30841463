"""The modes of whitened views: their correlations λ_i, and their variances where a loss sees them.

After whitening, W Σ^½ in place of W, two views of a datum have variance 1 on each mode and covariance λ_i: A0 has the
eigenvalue λ_i and C has 1 − λ_i. Only the identity of weight decay sees the variance s_i itself, as 1/s_i.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy
from numpy.typing import NDArray

from derive import InputError
from numeric.landscape.exact_modes import exact_number
from numeric.landscape.landscape import whitening

if TYPE_CHECKING:
    from numeric.laws import Views

Array = NDArray[np.float64]

# How far a computed correlation may lie outside of [0, 1], and how far two matrices that commute may be from doing so.
ROUNDING = 1e-10


@dataclass(frozen=True)
class Spectrum:
    """The modes of a law of two views.

    Attributes:
        correlations: λ_i of each mode, exact numbers from 0 to 1.
        variances: s_i of each mode, positive; ones where the data are whitened.

    """

    correlations: tuple[sympy.Expr, ...]
    variances: tuple[sympy.Expr, ...]

    @property
    def size(self) -> int:
        """The number of modes."""
        return len(self.correlations)

    @property
    def lam(self) -> Array:
        """λ_i, (n,)."""
        return np.array([float(one) for one in self.correlations])

    @property
    def s(self) -> Array:
        """s_i, (n,)."""
        return np.array([float(one) for one in self.variances])

    def of_mode(self, i: int) -> tuple[sympy.Expr, sympy.Expr]:
        """The eigenvalues a_i of A0 and c_i of C."""
        lam, s = self.correlations[i], self.variances[i]
        return lam * s, (1 - lam) * s

    def moved(self, i: int, correlation: sympy.Expr) -> Spectrum:
        """The same with another correlation of one mode."""
        listed = list(self.correlations)
        listed[i] = correlation
        return replace(self, correlations=tuple(listed))


def whitened(correlations: Iterable[object]) -> Spectrum:
    """The modes of whitened data with given correlations.

    Args:
        correlations: λ_i, numbers from 0 to 1; a float counts as the binary fraction that it is.

    Raises:
        InputError: there are none, or one is not a number from 0 to 1.

    >>> whitened([1, sympy.Rational(1, 2)]).of_mode(1)
    (1/2, 1/2)
    """
    found = []
    for given in correlations:
        try:
            value = exact_number("λ", given)
        except (ValueError, OverflowError, TypeError):
            raise InputError(f"the correlation {given} is not a number; each is one from 0 to 1") from None
        if not 0 <= value <= 1:
            message = (
                f"the correlation {float(value):g} lies outside of 0 to 1; λ_i is an eigenvalue of Σ^(−½) A0 Σ^(−½)"
            )
            raise InputError(message)
        found.append(value)
    if not found:
        raise InputError("there are no correlations; give one number from 0 to 1 for each mode")
    return Spectrum(tuple(found), (sympy.S.One,) * len(found))


def of_covariances(covariances: Views, linear: dict[str, float] | None = None) -> tuple[Spectrum, bool]:
    """The modes of given covariances, those of the largest correlation first.

    Args:
        covariances: A0 and C, Σ = A0 + C positive definite.
        linear: for a loss that sees the variances, the coefficient of Tr[W X Wᵀ] by letter, "I" the identity. The modes
            are then common eigenvectors of A0 and C, or where there are none eigenvectors of Σ^(−½) B Σ^(−½); there
            λ_i and 1/s_i are the diagonal entries of Σ^(−½) A0 Σ^(−½) and of Σ⁻¹.

    Returns:
        The modes, and whether A0 and C commute where that matters; true elsewhere.

    >>> from numeric.sampling import Covariances
    >>> of_covariances(Covariances(np.diag([1.0, 3.0]), np.eye(2)))[0].lam.round(6).tolist()
    [0.75, 0.5]

    """
    A0, C = covariances.A0, covariances.C
    root_inverse = whitening("A0 + C", covariances.Sigma)
    between = root_inverse @ A0 @ root_inverse
    if linear is None:
        lam = np.linalg.eigvalsh(between)[::-1]
        return Spectrum(_exact(np.clip(lam, 0.0, 1.0)), (sympy.S.One,) * len(lam)), True
    residual = float(np.abs(A0 @ C - C @ A0).max())
    commute = residual <= ROUNDING * float(np.abs(A0).max() * np.abs(C).max())
    if commute:
        # The eigenvectors of a generic combination are those common to all.
        _, frame = np.linalg.eigh(A0 + C / np.sqrt(2) * np.abs(A0).max() / max(np.abs(C).max(), 1e-300))
        a, c = (np.einsum("ik,ij,jk->k", frame, matrix, frame).clip(0.0) for matrix in (A0, C))
        lam, s = a / (a + c), a + c
    else:
        inverse, one = root_inverse @ root_inverse, np.eye(len(A0))
        of_letter = {"A": between, "C": one - between, "S": one, "I": inverse}
        descent = -sum(value * of_letter[letter] for letter, value in linear.items() if letter in of_letter)
        _, frame = np.linalg.eigh(descent)
        lam, precision = (np.einsum("ik,ij,jk->k", frame, matrix, frame) for matrix in (between, inverse))
        s = 1 / precision
    order = np.argsort(-lam, kind="stable")
    return Spectrum(_exact(np.clip(lam[order], 0.0, 1.0)), _exact(s[order])), commute


def _exact(values: Any) -> tuple[sympy.Expr, ...]:
    return tuple(exact_number("λ", float(value)) for value in values)
