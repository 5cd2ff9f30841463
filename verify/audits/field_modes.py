"""The modes of a field: which grow from small weights, and which survive from large ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import singledispatch

import numpy as np
import sympy
from numpy.typing import NDArray

from derive import InputError
from derive.algebra.graphs import PLAIN, STOPPED
from derive.definition.expression import labels, walk
from derive.definition.notation import LATEX, TEXT
from derive.definition.plain_text import plain
from derive.definition.rewriting import relabelled
from derive.definition.views import View
from derive.fields.field import field
from derive.fields.mode_flow import ModeFlow, a_i, mode_flow, s_i, u
from derive.fields.training import Dynamics, Linear, Training, largest
from derive.losses.limit import population
from numeric.landscape.kept import Changes, Formulas, Kept
from numeric.landscape.spectrum import Spectrum, of_covariances, whitened
from numeric.sampling import Covariances
from verify.audits.kept_modes import KeptModes
from verify.audits.modes import modes

Array = NDArray[np.float64]
lam = sympy.Symbol("lambda_i", positive=True)


@singledispatch
def field_modes(dynamics: Dynamics, *_given: object) -> KeptModes:
    """The modes that grow from small weights under a field, and those that survive from large ones.

    Args:
        dynamics: whose field it is.
        values: of its parameters.
        covariances: A0 and C, which commute.
        correlations: in their place, where the field depends on the data through λ_i alone.

    Raises:
        InputError: a parameter without a value, or another one; data that are missing, or A0 and C do not commute.

    >>> from derive.fields import FIELDS
    >>> from numeric.sampling import Covariances
    >>> data = Covariances(np.diag([0.9, 0.3]), np.diag([0.1, 0.7]))
    >>> found = field_modes(FIELDS["simsiam"], {"eta": sympy.Rational(1, 20)}, data)
    >>> found.kept, found.notes[-1]
    ((False, False), 'from large weights: keeps λ = 0.9 at a power of 0.706; loses λ = 0.3')

    """
    raise InputError(f"the modes of {dynamics.name} are not derived")


@field_modes.register
def _(
    dynamics: Training,
    values: Mapping[str, sympy.Expr],
    covariances: Covariances | None,
    correlations: Iterable[object] | None = None,
) -> KeptModes:
    here, limits = _set(dynamics, values)
    still = field(replace(here, momentum=False, decay=False))
    if here.predictor is None and still.terms == still.stopped:
        return _of_landscape(here, dict(values), limits, covariances, correlations)
    if limits:
        here = replace(here, loss=population(here.loss, limits[0]))
    flow = mode_flow(here)
    data = _data(flow, covariances, correlations)
    a, s = data.lam * data.s, data.s
    at = Solver(flow, a, s)
    small, large = at.from_small(), at.from_large()
    symbolic = mode_flow(replace(here, given={}))
    notes = _notes(flow, symbolic, data.lam, large**2 * s)
    grows = tuple(bool(one > 0) for one in small)
    kept = Kept(small**2 * s, grows, sum(grows), notes, 1e-12 if flow.exact else np.nan)
    weights = " and ".join(["W", *(["P"] if here.predictor else [])])
    assumptions = ["zero mean", "Gaussian", f"{weights} along the modes"]
    assumptions += ["through order 3 in W"] if not flow.exact else []
    open_ = "" if flow.exact else "the field is one through order 3"
    changes = Changes.unknown(data.size)
    return KeptModes(
        here, dict(values), "field", data, data.size, kept, changes, tuple(assumptions), open=open_,
        formulas=_formulas(symbolic),
    )  # fmt: skip


def _set(dynamics: Training, values: Mapping[str, sympy.Expr]) -> tuple[Training, list[str]]:
    """The training with its values, all of which are needed but for rates, and the parameters that go to infinity."""
    limits = [name for name, value in values.items() if value is sympy.oo and name in dynamics.loss.parameters]
    here = dynamics.set({name: value for name, value in values.items() if name not in limits})
    left = [name for name in here.parameters if name not in ("rho", "mu", *limits)]
    if left:
        what = ", the weight decay of W and P" if left[0] == "eta" else ""
        raise InputError(f"the modes of {here.name} depend on {left[0]}{what}: give --set {left[0]}=…")
    return here, limits


def _of_landscape(
    here: Training,
    values: dict[str, sympy.Expr],
    limits: list[str],
    covariances: Covariances | None,
    correlations: Iterable[object] | None,
) -> KeptModes:
    """The modes where the stop takes away half of the gradient: those of the loss without stops."""
    named = {view for node in walk(here.loss.expression) for view in labels(node) if isinstance(view, View)}
    live = {view: view._replace(role=PLAIN) for view in named if view.role == STOPPED}
    loss = replace(here.loss, expression=relabelled(here.loss.expression, live))
    decay = here.rates.get("eta", sympy.S.Zero)
    whole = loss if decay == 0 else loss.with_weight_decay(decay)
    found = modes(
        replace(whole, name=loss.name), correlations, dict.fromkeys(limits, sympy.oo), covariances=covariances
    )
    notes = [
        "the stop takes away half of the gradient: the field is half that of the loss without stops, and ends where"
    ]
    notes[0] += " that loss does, in twice the time"
    if here.momentum:
        notes.append("the momentum copy is W where training ends, and moves no threshold")
    kept = replace(found.found, notes=(*found.found.notes, *notes))
    return replace(found, loss=here, given=values, found=kept)


def _data(flow: ModeFlow, covariances: Covariances | None, correlations: Iterable[object] | None) -> Spectrum:
    """The modes of the data; correlations alone are enough where the states' powers depend on nothing else."""
    name = flow.training.name
    if covariances is not None:
        if correlations is not None:
            raise InputError("correlations and covariances are both given; give one of them")
        data, commute = of_covariances(covariances, {"I": 1.0, "A": -1.0})
        if not commute:
            raise InputError(f"A0 and C do not commute, and the modes of {name} are not separate then")
        return data
    power = sympy.Symbol("q", positive=True)
    rate = flow.rate.xreplace({u: sympy.sqrt(power / s_i), a_i: lam * s_i})
    if correlations is None or sympy.simplify(rate / rate.subs(s_i, 1)).has(power):
        message = (
            f"{name} depends on more than the correlations λ_i: decay and predictor are not whitened with the data"
        )
        raise InputError(f"{message}; give the covariances, --A0 FILE --C FILE")
    return whitened(correlations)


@dataclass(frozen=True)
class Solver:
    """Where modes rest, in numbers."""

    flow: ModeFlow
    a: Array
    s: Array

    def from_small(self) -> Array:
        """u of each mode after small weights: the first stable state above 0 where the mode grows from there."""
        small = np.array([self._first(shape) for shape in self._shapes(0.0)])
        return self._beside_largest(small > 0, self._first) if self.flow.rate.has(largest) else small

    def from_large(self) -> Array:
        """The largest stable u of each mode, 0 where there is none but collapse."""
        if not self.flow.rate.has(largest):
            return np.array([self._last(shape) for shape in self._shapes(0.0)])
        return self._beside_largest(np.ones(len(self.s), dtype=bool), self._last)

    def _beside_largest(self, there: NDArray[np.bool_], state: Callable[[Array], float]) -> Array:
        """The states of the modes that are there: the largest moment is that of the mode which would have it alone."""
        own = self.flow.rate.xreplace({largest: s_i * u**2})
        top = max(state(shape) ** 2 * s for shape, s in zip(self._shapes(0.0, own), self.s, strict=True))
        return np.where(there, [state(shape) for shape in self._shapes(float(top))], 0.0)

    def _shapes(self, top: float, rate: sympy.Expr | None = None) -> list[Array]:
        """The coefficients of r in u, from the highest, of each mode."""
        rate = self.flow.rate if rate is None else rate
        values = ({a_i: float(a), s_i: float(s), largest: top} for a, s in zip(self.a, self.s, strict=True))
        return [np.array(sympy.Poly(rate.xreplace(one), u).all_coeffs(), dtype=float) for one in values]

    def _first(self, shape: Array) -> float:
        lowest = next((value for value in shape[::-1] if value), 0.0)
        return self._stable(shape)[0] if lowest > 0 and self._stable(shape) else 0.0

    def _last(self, shape: Array) -> float:
        return self._stable(shape)[-1] if self._stable(shape) else 0.0

    def _stable(self, shape: Array) -> list[float]:
        """The positive zeros at which r falls, in order."""
        slope = np.polyder(shape)
        real = [root.real for root in np.roots(shape) if abs(root.imag) < 1e-9 and root.real > 1e-9]
        return sorted(root for root in real if np.polyval(slope, root) < 0)


def _formulas(flow: ModeFlow) -> Formulas:
    """What the weight u of a mode follows, and what is positive where it can be kept; its letters are in the notes."""
    values = {"rate": flow.rate} | ({} if flow.survival is None else {"survival": flow.survival})
    latex = [rf"\frac{{du}}{{dt}} = u \left({LATEX.scalar(flow.rate)}\right)"]
    latex += [] if flow.survival is None else [f"{LATEX.scalar(flow.survival)} > 0"]
    return Formulas({name: plain(one) for name, one in values.items()}, "", latex=tuple(latex))


def _notes(flow: ModeFlow, symbolic: ModeFlow, lam: Array, powers: Array) -> tuple[str, ...]:
    """What happens near 0 and far from it; conditions in symbols, whatever was set."""
    training = flow.training
    if training.rates.get("eta") == 0 and isinstance(training.predictor, Linear):
        return ("without decay every mode with a_i > 0 grows, however small its weights; w² − p² stays what it was",)
    near = f"near 0 du/dt = {TEXT.parentheses(TEXT.scalar(symbolic.growth))} u"
    notes = [near + (": weights only decay, and no mode grows" if flow.growth.is_negative else "")]
    if symbolic.survival is not None:
        notes.append(f"a state besides 0 needs {TEXT.scalar(symbolic.survival)} > 0")
    kept = [f"λ = {one:.3g} at a power of {power:.3g}" for one, power in zip(lam, powers, strict=True) if power]
    lost = [f"λ = {one:.3g}" for one, power in zip(lam, powers, strict=True) if not power]
    parts = ([f"keeps {', '.join(kept)}"] if kept else []) + ([f"loses {', '.join(lost)}"] if lost else [])
    notes.append(f"from large weights: {'; '.join(parts)}")
    return tuple(notes)
