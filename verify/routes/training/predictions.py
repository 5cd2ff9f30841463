"""Predictions for a trained linear model: by the published formula, the derived quartic, and the exact landscape.

For A0 and C that commute, with eigenvalues a and c, each gives the eigenvalues of WᵀW mode by mode, g = h/(a + c) with
h that of Σ^½ WᵀW Σ^½. The published one is Ziyin et al. 2023, Theorem 1 with the B that they print for the loss:
WᵀW = ½ Σ⁻¹ B_M Σ⁻¹. It is a claim to be tested, and is used nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import sympy
from numpy.typing import ArrayLike, NDArray

from derive import InputError, catalogue, closed_form
from derive.algebra.letters import by_name
from derive.landscape.exact_modes import ExactModes, exact_modes
from derive.landscape.landscape import a_i, c_i
from derive.landscape.mode_potential import ModePotential, h

Array = NDArray[np.float64]

# The printed B on a mode, and where it is printed.
PRINTED: dict[str, tuple[Callable[..., Any], str]] = {
    "infonce": (lambda a, c: a + 0 * c, "Sec. 3.1 and Table 1: B = A0"),
    "beta-infonce": (lambda a, c, beta: a - (1 - beta) * c, "Sec. 4.2: B = A0 − (1 − β) C"),
    "spectral": (lambda a, c: 2 * c + 0 * a, "Eq. 15: B = 2 C"),
}


@dataclass(frozen=True, eq=False)
class Predictions:
    """Eigenvalues of WᵀW by mode, (…, n) each, 0 for a mode predicted to collapse.

    Attributes:
        published: by the printed formula.
        quartic: by the landscape through order 4, as derived.
        exact: by the landscape to all orders.
        s: the eigenvalues of Σ.

    """

    published: Array
    quartic: Array
    exact: Array
    s: Array

    @property
    def radius(self) -> Array:
        """ρ(GΣ), (…): the series in W converges where it is below 1."""
        return np.asarray((self.exact * self.s).max(-1))

    @property
    def truncation(self) -> Array:
        """The error of the quartic by theory: |quartic − exact|, (…, n)."""
        return np.abs(self.quartic - self.exact)


def predictions(loss: str, a: ArrayLike, c: ArrayLike, parameters: Mapping[str, float] | None = None) -> Predictions:
    """All three, for enough rows of W.

    Args:
        loss: "infonce", "beta-infonce" or "spectral".
        a: eigenvalues of A0, (…, n).
        c: those of C.
        parameters: of the loss.

    Raises:
        InputError: another loss, or a parameter without a value.

    >>> found = predictions("infonce", [1.0], [1.0])
    >>> [float(one[0].round(4)) for one in (found.published, found.quartic, found.exact)]
    [0.125, 0.1667, 0.309]

    """
    if loss not in PRINTED:
        message = f"there is no exact landscape beside a printed formula for {loss!r}; take one of {', '.join(PRINTED)}"
        raise InputError(message)
    at, ct = np.broadcast_arrays(np.asarray(a, dtype=np.float64), np.asarray(c, dtype=np.float64))
    given = dict(parameters or {})
    exact = _exact(loss)
    s = at + ct
    quartic, height = (heights(one, at, ct, given) for one in (exact.truncated(4), exact))
    B, _ = PRINTED[loss]
    published = np.maximum(B(at, ct, **given), 0.0) / (2 * s**2)
    return Predictions(np.asarray(published), quartic / s, height / s, s)


def along_mode(
    loss: str, height: ArrayLike, a: float, c: float, parameters: Mapping[str, float] | None = None
) -> Array:
    """ℓ(h), the loss of one mode to all orders, at heights h = (a + c) g of any shape; the loss is the sum over modes.

    >>> along_mode("infonce", [0.0, 1.0], 1.0, 1.0).round(4)
    array([ 0.    , -0.0966])
    """
    potential = _exact(loss).potential
    put = {a_i: a, c_i: c}
    put |= {one: (parameters or {})[name] for name, one in by_name(potential).items() if name in (parameters or {})}
    heights = np.asarray(height, dtype=np.float64)
    values = potential.subs(put)
    return np.asarray(sympy.lambdify(h, values, "numpy")(heights) + 0 * heights)


@cache
def _exact(loss: str) -> ExactModes:
    closed = closed_form(catalogue(loss))
    modes = None if closed is None else exact_modes(closed)
    if modes is None:
        message = f"the modes of {loss} do not separate"
        raise InputError(message)
    return modes


def heights(modes: ModePotential, a: Array, c: Array, parameters: Mapping[str, float]) -> Array:
    """h at the minimum of a convex mode, (…): 0 where its level is not positive; see `predictions`."""
    own = by_name(sympy.Tuple(modes.level, modes.heights[0]))
    names = sorted(own)
    missing = [name for name in names if name not in parameters]
    if missing:
        message = f"there is no value for {missing[0]}; give parameters={{'{missing[0]}': …}}"
        raise InputError(message)
    symbols = [a_i, c_i, *(own[name] for name in names)]
    level, height = (sympy.lambdify(symbols, one, "numpy", dummify=True) for one in (modes.level, modes.heights[0]))
    values = (a, c, *(parameters[name] for name in names))
    with np.errstate(all="ignore"):
        found = height(*values)
    return np.where(np.asarray(level(*values)) > 0, found, 0.0)
