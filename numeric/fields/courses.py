r"""Modes in time: an adaptive solver for the flow of weights, predictors and copies, and closed forms of the time.

Every mode of a `derive.fields.mode_flow.ModeFlow` has a flow of its own in (w, p, v); a predictor that is set moves
with the weights, and may see the largest of all modes. Where p = w = v = u the time from one u to another is

    t = ∫ du/(u r(u)),

by partial fractions a sum of logarithms and powers, r a polynomial (`time_between`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import sympy
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import solve_ivp
from scipy.signal import residue

from derive import InputError
from derive.fields.mode_flow import ModeFlow, a_i, mode_flow, p, s_i, u, v, w
from derive.fields.training import OfMoments, largest, rho, sigma

Array = NDArray[np.float64]
Rates = Callable[[Array], Array]

# Relative and absolute errors of a step.
_RELATIVE, _ABSOLUTE = 1e-9, 1e-13
# A weight below this share of where it began, or of 1, counts as lost.
LOST = 1e-3


@dataclass(frozen=True, eq=False)
class Course:
    """The modes at given times.

    Attributes:
        times: (t,).
        weights: w, (t, n), and "p" and "v" where they move, by name.
        variances: (n,), s_i.

    """

    times: Array
    weights: Mapping[str, Array]
    variances: Array

    @property
    def powers(self) -> Array:
        """s_i w_i² at each time, (t, n): the eigenvalues of Σ^½ WᵀW Σ^½."""
        return np.asarray(self.weights["w"] ** 2 * self.variances)

    def learned(self, share: float = 0.5) -> Array:
        """The time at which each mode first has a share of its last power, (n,); nan for one that only falls."""
        found = []
        for power in self.powers.T:
            above = np.flatnonzero(power >= share * power[-1])
            i = int(above[0]) if len(above) else 0
            if i == 0:
                found.append(np.nan)
                continue
            low, high = power[i - 1], power[i]
            found.append(
                self.times[i - 1] + (share * power[-1] - low) / (high - low) * (self.times[i] - self.times[i - 1])
            )
        return np.array(found)

    @property
    def order(self) -> tuple[int, ...]:
        """The modes that grow, in the order in which they are learned."""
        when = self.learned()
        return tuple(int(i) for i in np.argsort(when, kind="stable") if np.isfinite(when[i]))


def course(
    flow: ModeFlow,
    a: ArrayLike,
    s: ArrayLike,
    start: Mapping[str, ArrayLike],
    times: Sequence[float] | Array,
) -> Course:
    """The flow of modes in time.

    Args:
        flow: of one mode; its parameters have values but for the rate ρ of the predictor, which is 1 then.
        a: (n,), the eigenvalues of A0.
        s: (n,), those of Σ.
        start: "w" (n,) and "p" where a predictor is trained, at time 0; "v" is w unless given.
        times: increasing.

    Raises:
        InputError: a parameter without a value, or a start that lacks a weight.

    >>> from derive.fields import FIELDS
    >>> simsiam = mode_flow(FIELDS["simsiam"].set({"eta": 0}))
    >>> found = course(simsiam, [0.9, 0.5], [1, 1], {"w": [0.05, 0.05], "p": [0.05, 0.05]}, np.linspace(0, 100, 501))
    >>> found.powers[-1].round(3).tolist(), found.order, found.learned().round(1).tolist()
    ([0.81, 0.25], (0, 1), [25.1, 46.7])

    """
    many = np.broadcast_arrays(*(np.atleast_1d(np.asarray(one, dtype=float)) for one in (a, s, *start.values())))
    given = dict(zip(start, many[2:], strict=True))
    names = tuple(str(one) for one in flow.rates)
    missing = [name for name in names if name not in given and name != "v"]
    if missing:
        raise InputError(f"the flow of {flow.training.name} starts from a value of {missing[0]} too; give it")
    begin = np.concatenate([given.get(name, given["w"]) for name in names])
    rates, at = _rates(flow, many[0], many[1]), np.asarray(times, dtype=float)
    found = solve_ivp(lambda _, state: rates(state), (0.0, at[-1]), begin, "LSODA", at, rtol=_RELATIVE, atol=_ABSOLUTE)
    parts = np.split(found.y.T, len(names), axis=1)
    return Course(at, dict(zip(names, parts, strict=True)), many[1])


def time_between(flow: ModeFlow, a: float, s: float, begin: float, end: float) -> float:
    """The time that one mode takes from u = begin to u = end with p = w = v = u, in closed form.

    Infinite where a state lies between them, or the mode moves the other way.

    Raises:
        InputError: a parameter without a value, or a flow that is no polynomial in u.

    >>> from derive.fields import FIELDS
    >>> round(time_between(mode_flow(FIELDS["simsiam"].set({"eta": 0})), 0.9, 1.0, 0.05, 0.9 / 2**0.5), 3)
    25.062
    """
    shape = sympy.Poly((u * flow.rate).xreplace({a_i: sympy.Float(a), s_i: sympy.Float(s)}), u)
    _known(flow, shape.free_symbols_in_domain)
    coefficients = [float(one) for one in shape.all_coeffs()]
    way = np.sign(end - begin)
    roots = [root.real for root in np.roots(coefficients) if abs(root.imag) < 1e-12]
    if way * np.polyval(coefficients, begin) <= 0 or any(min(begin, end) < root <= max(begin, end) for root in roots):
        return float("inf")
    values, poles, _ = residue([1.0], coefficients)
    total, power = 0j, 1
    for i, (value, pole) in enumerate(zip(values, poles, strict=True)):
        power = power + 1 if i and abs(pole - poles[i - 1]) < 1e-6 else 1
        if power == 1:
            total += value * (np.log(complex(end - pole)) - np.log(complex(begin - pole)))
        else:
            total -= value / (power - 1) * ((end - pole) ** (1 - power) - (begin - pole) ** (1 - power))
    return float(total.real)


def survives(
    flow: ModeFlow, a: float, s: float, start: Mapping[str, ArrayLike], time: float = 1e3
) -> NDArray[np.bool_]:
    """Whether a mode is there after a long time, for each start: outside of the basin of collapse.

    >>> from derive.fields import FIELDS
    >>> simsiam = mode_flow(FIELDS["simsiam"].set({"eta": 0}))
    >>> survives(simsiam, 0.8, 1.0, {"w": [0.1, 0.1, 0.1], "p": [0.5, 1.0, -0.5]}).tolist()
    [True, False, False]
    """
    last = course(flow, a, s, start, [0.0, time])
    return np.asarray(np.abs(last.weights["w"][-1]) > LOST * np.maximum(np.abs(last.weights["w"][0]), 1.0))


def swept(flow: ModeFlow, name: str, values: Sequence[float], a: float, s: float, size: float, time: float) -> Array:
    """The power of one mode after a time at each value of a parameter, each begun where the one before it ended.

    Up and down again that shows hysteresis; p = w = v = size at first.

    >>> from derive.fields import FIELDS
    >>> simsiam = mode_flow(FIELDS["simsiam"])
    >>> swept(simsiam, "eta", [0.1, 0.15, 0.25, 0.1], 0.9, 1.0, 1.0, 300.0).round(3).tolist()
    [0.593, 0.461, 0.0, 0.0]
    """
    weights, found = None, []
    for value in values:
        here = mode_flow(flow.training.set({name: sympy.Rational(value)}))
        start = weights or dict.fromkeys(map(str, here.rates), size)
        last = course(here, a, s, start, [0.0, time])
        weights = {one: path[-1] for one, path in last.weights.items()}
        found.append(float(last.powers[-1, 0]))
    return np.array(found)


def _rates(flow: ModeFlow, a: Array, s: Array) -> Rates:
    """The rates of all modes, of their weights one kind after another."""
    moving = list(flow.rates)
    formulas = [one.xreplace({rho: sympy.S.One}) for one in flow.rates.values()]
    symbols = [w, p, v, a_i, s_i, largest]
    _known(flow, set().union(*(one.free_symbols for one in formulas)) - set(symbols))
    number = sympy.lambdify(symbols, formulas, "numpy")
    of = flow.training.predictor
    function = sympy.lambdify([sigma, largest], of.function, "numpy") if isinstance(of, OfMoments) else None

    def rates(state: Array) -> Array:
        at = dict(zip(moving, np.split(state, len(moving)), strict=True))
        here = at[w]
        top = float((s * here**2).max())
        set_ = at.get(p, here) if function is None else function(s * here**2, top)
        return np.concatenate([here * 0 + one for one in number(here, set_, at.get(v, here), a, s, top)])

    return rates


def _known(flow: ModeFlow, left: set[sympy.Symbol]) -> None:
    names = sorted(map(str, left - {rho}))
    if names:
        raise InputError(f"the flow of {flow.training.name} depends on {names[0]}: put a value for it")
