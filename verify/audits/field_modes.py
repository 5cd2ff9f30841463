"""The modes of a field with a linear predictor: which grow from small weights, and which survive from large ones."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import sympy
from numpy.typing import NDArray

from derive import InputError, Loss
from derive.definition.notation import TEXT
from derive.fields.predictor import PredictorFlow, a_i, eta, s_i, u, with_predictor
from derive.fields.simsiam import LOSS as SIMSIAM
from numeric.landscape.kept import Changes, Kept
from numeric.landscape.spectrum import of_covariances
from numeric.sampling import Covariances
from verify.audits.kept_modes import KeptModes

Array = NDArray[np.float64]

# Fields by name; a momentum encoder that has caught up is the stopped copy of W itself.
FIELDS: Mapping[str, Loss] = {"simsiam": SIMSIAM}


def field_modes(loss: Loss, values: Mapping[str, sympy.Expr], covariances: Covariances | None) -> KeptModes:
    """The modes that grow from small weights under a field, and those that survive from large ones.

    Args:
        loss: with stopped views; a linear predictor stands before the others.
        values: eta, the weight decay of W and P.
        covariances: A0 and C, which commute.

    Raises:
        InputError: eta is missing or negative, another value, or covariances that are missing or do not commute.

    >>> from numeric.sampling import Covariances
    >>> data = Covariances(np.diag([0.9, 0.3]), np.diag([0.1, 0.7]))
    >>> found = field_modes(SIMSIAM, {"eta": sympy.Rational(1, 20)}, data)
    >>> found.kept, found.notes[-1]
    ((False, False), 'from large weights: keeps λ = 0.9 at a power of 0.706; loses λ = 0.3')

    """
    unknown = sorted(set(values) - {"eta"})
    if unknown:
        raise InputError(f"{loss.name} has no parameter {unknown[0]!r}; it has: eta")
    if "eta" not in values:
        raise InputError(f"the modes of {loss.name} depend on eta, the weight decay of W and P: give --set eta=…")
    decay = values["eta"]
    if not decay.is_real or not decay >= 0:
        raise InputError(f"eta = {decay}: a weight decay is not negative")
    if covariances is None:
        message = f"{loss.name} depends on more than the correlations λ_i: weight decay is not whitened with the data"
        raise InputError(f"{message}; give the covariances, --A0 FILE --C FILE")
    flow = with_predictor(loss)
    data, commute = of_covariances(covariances, {"I": 1.0, "A": -1.0})
    if not commute:
        raise InputError(f"A0 and C do not commute, and the modes of {loss.name} are not separate then")
    a, s = data.lam * data.s, data.s
    largest = np.array([_stable(flow, float(decay), *one) for one in zip(a, s, strict=True)])
    grows = tuple(bool(decay == 0 and one > 0) for one in a)
    powers = np.where(grows, largest**2 * s, 0.0)
    kept = Kept(powers, grows, sum(grows), _notes(flow, decay, data.lam, largest**2 * s), 1e-12)
    assumptions = ("zero mean", "Gaussian", "W and P along the modes", "equal rates of W and P")
    return KeptModes(loss, dict(values), "field", data, data.size, kept, Changes.unknown(data.size), assumptions)


def _stable(flow: PredictorFlow, decay: float, a: float, s: float) -> float:
    """The largest stable state of a balanced mode, 0 where there is none but collapse."""
    rate = sympy.Poly(flow.balanced.xreplace({a_i: sympy.Float(a), s_i: sympy.Float(s), eta: sympy.Float(decay)}), u)
    roots = np.roots([float(one) for one in rate.all_coeffs()])
    slope = np.polyder([float(one) for one in rate.all_coeffs()])
    real = [root.real for root in roots if abs(root.imag) < 1e-9 and root.real > 1e-9]
    return max((root for root in real if np.polyval(slope, root) < 0), default=0.0)


def _notes(flow: PredictorFlow, decay: sympy.Expr, lam: Array, powers: Array) -> tuple[str, ...]:
    if decay == 0:
        return ("without decay every mode with a_i > 0 grows, however small its weights; w² − p² stays what it was",)
    fold = TEXT.scalar(flow.fold)
    kept = [f"λ = {one:.3g} at a power of {power:.3g}" for one, power in zip(lam, powers, strict=True) if power]
    lost = [f"λ = {one:.3g}" for one, power in zip(lam, powers, strict=True) if not power]
    parts = ([f"keeps {', '.join(kept)}"] if kept else []) + ([f"loses {', '.join(lost)}"] if lost else [])
    return (
        f"near 0 weights only decay, du/dt = −η u: none grows; a state besides 0 needs {fold} > 0",
        f"from large weights: {'; '.join(parts)}",
    )
