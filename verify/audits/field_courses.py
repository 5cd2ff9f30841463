"""The powers of a field's modes in time, from small weights: what `quartic modes FIELD --times …` adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import singledispatch

import numpy as np
import sympy

from derive import InputError
from derive.fields.dino import Dino
from derive.fields.mode_flow import mode_flow
from derive.fields.training import Dynamics, Training
from derive.losses.limit import population
from numeric.fields.courses import course
from numeric.fields.logits import SMALL, LogitFlow, powers
from numeric.landscape.spectrum import Spectrum
from verify.audits.kept_modes import InTime

# Where w, p and v of each mode begin, times the root of its variance.
BEGIN = 0.05


@singledispatch
def field_course(dynamics: Dynamics, *_given: object) -> InTime:
    """The powers of the modes at given times, from small weights: ``(dynamics, values, data, times)``.

    Raises:
        InputError: a parameter without a value, times that do not rise from 0 on, or dynamics of another kind.

    >>> from derive.fields import FIELDS
    >>> from numeric.landscape.spectrum import whitened
    >>> found = field_course(FIELDS["simsiam"], {"eta": sympy.S.Zero}, whitened([0.9]), [0.0, 100.0])
    >>> [round(one[0], 4) for one in found.powers]
    [0.0025, 0.81]

    """
    raise InputError(f"the modes of {dynamics.name} are not followed in time")


@field_course.register
def _(dynamics: Training, values: Mapping[str, sympy.Expr], data: Spectrum, times: Sequence[float]) -> InTime:
    limits = [name for name, value in values.items() if value is sympy.oo]
    here = dynamics.set({name: value for name, value in values.items() if name not in limits})
    if limits:
        here = replace(here, loss=population(here.loss, limits[0]))
    flow, begin = mode_flow(here), BEGIN / np.sqrt(data.s)
    found = course(flow, data.lam * data.s, data.s, dict.fromkeys(map(str, flow.rates), begin), rising(times))
    return InTime(tuple(times), tuple(map(tuple, found.powers.tolist())), f"every weight {BEGIN:g}/√s_i at t = 0")


@field_course.register
def _(dynamics: Dino, values: Mapping[str, sympy.Expr], data: Spectrum, times: Sequence[float]) -> InTime:
    here = dynamics.set(values)
    if here.parameters:
        left = next(iter(here.parameters))
        raise InputError(f"the time course of {here.name} depends on {left}: give --set {left}=…")
    student, teacher, logits = (here.given[name] for name in ("tau_s", "tau_t", "K"))
    flow = LogitFlow.of(data.lam, float(student), float(teacher))
    path, _ = flow.run(flow.small(int(logits)), rising(times))
    return InTime(tuple(times), tuple(tuple(powers(W).tolist()) for W in path), f"random weights of {SMALL:g} τ_s")


def rising(times: Sequence[float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Times that rise from 0 on, as an array.

    Raises:
        InputError: they do not.

    """
    at = np.asarray(times, dtype=float)
    if not len(at) or at[0] < 0 or not np.isfinite(at).all() or (np.diff(at) <= 0).any() or at[-1] == 0:
        raise InputError(f"the times {', '.join(f'{one:g}' for one in at)}: give them rising, from 0 on")
    return at
