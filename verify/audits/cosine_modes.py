"""The modes of SimSiam and BYOL as published: shares of |W|², which no threshold and no decay depends on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import sympy

from derive import InputError
from derive.fields.unit import ONE_PAIR, OfCosines
from numeric.fields.cosine import CosineFlow
from numeric.landscape.kept import Changes, Kept
from numeric.landscape.spectrum import Spectrum
from numeric.sampling import Covariances
from verify.audits.field_courses import field_course, rising
from verify.audits.field_modes import field_modes
from verify.audits.kept_modes import InTime, KeptModes
from verify.audits.logit_modes import modes_of


def flow_of(here: OfCosines, data: Spectrum) -> CosineFlow:
    """The flow of its modes, in units of its scale.

    Raises:
        InputError: the loss is not that of one pair through a linear predictor, its rate is not 1, or the data have
            one mode.

    """
    if not here.of_one_pair:
        raise InputError(f"the modes of {here.name} are not derived; {ONE_PAIR}")
    rate = here.rates["rho"]
    if rate != 1 and not rate.is_Symbol:
        raise InputError(f"rho = {rate}: the modes of {here.name} are derived for rho = 1")
    if np.count_nonzero(data.lam > 0) < 2:
        raise InputError(f"{here.name} of fewer than two modes with λ > 0 trains nothing: a cosine of one mode is ±1")
    return CosineFlow(data.lam)


@field_modes.register
def _(
    dynamics: OfCosines,
    values: Mapping[str, sympy.Expr],
    covariances: Covariances | None,
    correlations: Iterable[object] | None = None,
) -> KeptModes:
    here = dynamics.set(values)
    data = modes_of(here.name, covariances, correlations)
    shares, error = flow_of(here, data).rest()
    kept = tuple(bool(one) for one in data.lam > 0)
    known = bool(np.isfinite(shares).all())
    found = Kept(shares, kept, sum(kept), _notes(here), error if known else np.nan)
    open_ = "what another rule for the integrals changes" if known else "the shares did not come to rest"
    assumptions = ("zero mean", "Gaussian", "whitened data", "W and P along the modes", "w = p at the start")
    return KeptModes(
        here,
        dict(values),
        "field",
        data,
        data.size,
        found,
        Changes.unknown(data.size),
        assumptions,
        open=open_,
        shares=True,
    )


def _notes(here: OfCosines) -> tuple[str, ...]:
    notes = [
        "lengths drop out: no threshold depends on a decay; from w = p every mode with λ > 0 comes back",
        "for many modes a share goes as λ²",
        "a mode is lost beside a predictor that is too large, p² − w² ≥ (λ α/β)², or of the wrong sign, p ≤ −|w|",
    ]
    if here.momentum:
        notes.append("the momentum copy is W at rest, and moves no share")
    return tuple(notes)


@field_course.register
def _(dynamics: OfCosines, values: Mapping[str, sympy.Expr], data: Spectrum, times: Sequence[float]) -> InTime:
    here = dynamics.set(values)
    flow = flow_of(here, data)
    rates = {name: here.rates[name] for name in ("eta", "mu") if name in here.rates}
    for name, rate in rates.items():
        if rate.is_Symbol:
            raise InputError(f"the time course of {here.name} depends on {name}: give --set {name}=…")
    scale = float(here.scale or 1)
    begin = np.full(data.size, 1 / np.sqrt(data.size))
    decay, follow = (float(rates[name]) / scale if name in rates else None for name in ("eta", "mu"))
    moving = CosineFlow(flow.correlations, decay or 0.0, follow)
    w, _ = moving.run(begin, begin, scale * rising(times))
    shares = w**2 / (w**2).sum(1, keepdims=True)
    return InTime(tuple(times), tuple(map(tuple, shares.tolist())), "equal weights, |W| = |P| = 1 at t = 0")
