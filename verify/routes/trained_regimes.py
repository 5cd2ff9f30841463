"""Where a prediction for trained models is sharp: the data of the trained route, looked for before anything is trained.

Near the transition all modes have little power, so that the landscape through order 4 is nearly the whole of it; what
it leaves out is estimated by the minimum through order 6 and counted as an error of the prediction. Away from it, where
the loss closes to all orders, the exact landscape is the prediction. Both take two modes with A0 = x C, whose x is
looked for. Of data with a mean the landscape is that in second moments; where it is in none, as for data of classes,
the expansion through order 4 is minimised instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sympy import nsimplify

from derive import InputError
from derive.expansion.second_moments import in_second_moments, sees_means
from derive.landscape.landscape import landscapes
from numeric.kernels import kernel
from numeric.landscape.descent import Function, descend, of_kernel
from numeric.landscape.landscape import landscape_in_numbers
from numeric.landscape.modes import minima
from numeric.laws import in_numbers
from numeric.sampling import Covariances
from verify.evidence.agreement import DOMAIN
from verify.routes.minima import case_at, lowest
from verify.routes.trained_pairs import PairData, regime
from verify.truths.settings import values_for

if TYPE_CHECKING:
    from derive import Expansion
    from numeric.laws import Views
    from verify.routes.subject import Subject

Array = NDArray[np.float64]

# The noise of the two modes, unequal so that an exchange of modes would show.
NOISE = (1.0, 1.5)
# The batch size where it is left symbolic.
BATCH = 12
# The power of the largest mode: near the transition, and away from it.
NEAR, AWAY = 0.04, 0.6
# For data with heavier tails the former is divided by this factor if the orders beyond 4 are not small.
LESS = 2.5
# Grids of data and points in each that are searched for the former; fewer, and from few starts, where no landscape is
# derived and each point takes a descent.
GRIDS, FEWER, FEW_STARTS = (3, 25), (4, 9), 8


@dataclass(frozen=True, eq=False)
class Regime:
    """The data on which models are trained, with the prediction.

    Attributes:
        name: a description in words.
        data: A0 and C; of two encoders, the correlations of two pairs.
        predicted: Tr[W Σ Wᵀ]; of two encoders, what the powers of the pairs add up to.
        by_expansion: whether the prediction comes from the landscape through order 4, rather than that to all orders.

    """

    name: str
    data: Covariances | PairData
    predicted: float
    by_expansion: bool

    @property
    def quantity(self) -> str:
        """What is compared."""
        return f"{'Σ m_i' if isinstance(self.data, PairData) else 'Tr[W Σ Wᵀ]'} {self.name}"

    @property
    def shown(self) -> str:
        """The data in words."""
        if isinstance(self.data, PairData):
            return "λ = " + ", ".join(f"{one:.3g}" for one in self.data.correlations)
        return f"a/c = {self.data.A0[0, 0] / self.data.C[0, 0]:.3g}"


def regimes(subject: Subject) -> Iterator[Regime]:
    """The regimes: near the transition, and away from it where the loss closes to all orders.

    Raises:
        InputError: there is no regime near the transition; the message says why.

    """
    yield _near(subject)
    yield from _away(subject)


def values_of(subject: Subject) -> dict[str, float]:
    """Values of a loss's parameters; N among them is the batch size."""
    values = values_for(subject.here, BATCH, 2) | dict(subject.given)
    return {name: float(value) for name, value in values.items()}


def exact_values(subject: Subject) -> dict[str, Any]:
    """The values of a loss's parameters, exactly."""
    return {name: nsimplify(value) for name, value in values_of(subject).items() if name in subject.here.parameters}


def through_8(subject: Subject) -> Expansion:
    """The expansion through order 8 at these values."""
    exact = {name: value for name, value in exact_values(subject).items() if name != "d1"}
    return subject.here.set(exact).expand(8, data=subject.law)


def _near(subject: Subject) -> Regime:
    """The data at which the landscape through order 4 gives the modes a little power."""
    if subject.here.encoders == 2:
        pairs, power = regime(subject.expansion, through_8(subject), values_of(subject))
        return Regime("of pairs that are weakly correlated", pairs, power, by_expansion=True)
    found, slack = _with_power(NEAR, subject)
    if subject.law.closes or slack <= DOMAIN * found.predicted:
        return found
    return _with_power(NEAR / LESS, subject)[0]


def _with_power(near: float, subject: Subject) -> tuple[Regime, float]:
    """The data at which the landscape through order 4 gives each mode that power, and the change by order 6."""
    expansion, values = subject.expansion, values_of(subject)
    # Some grids, each between the neighbours of the best point of the previous one: a transition may be steep in x.
    low, high, best = 0.02, 50.0, None
    grids, points = GRIDS if has_landscape(expansion) else FEWER
    for _ in range(grids):
        xs = np.geomspace(low, high, points)
        found = []
        for at, x in enumerate(xs):
            gram = minimum(expansion, data_of(x), values, subject)
            power = 0.0 if gram is None else float((gram * data_of(x).Sigma).sum())
            if power > 0 and gram is not None:
                found.append((abs(np.log(power / (2 * near))), at, gram))
        if not found:
            break
        _, at, gram = min(found, key=lambda one: one[0])
        best = float(xs[at]), gram
        low, high = xs[max(at - 1, 0)], xs[min(at + 1, len(xs) - 1)]
    if best is None:
        message = "the landscape through order 4 keeps no mode at these values"
        raise InputError(message)
    data, gram = data_of(best[0]), best[1]
    power = float((gram * data.Sigma).sum())
    beyond = minimum_through_6(with_order_6(expansion, subject), values, data, gram, subject)
    if beyond is None:
        message = "the orders left out are not small at any minimum of the landscape through order 4"
        raise InputError(message)
    name = "near the transition" if power < 4 * NEAR else "where order 4 is all there is"
    return Regime(name, data, power, by_expansion=True), abs(beyond - power)


def data_of(x: float) -> Covariances:
    """A0 = x C."""
    return Covariances(x * np.diag(NOISE), np.diag(NOISE))


def minimum(expansion: Expansion, data: Covariances, values: Mapping[str, float], subject: Subject) -> Array | None:
    """WᵀW at the lowest minimum through order 4, None where there is none.

    Raises:
        InputError: no landscape is derived, and of centred data it would have to be.

    """
    quartic, drawn = expansion.truncate(4), in_numbers(subject.law, data)
    try:
        seen = in_second_moments(quartic)
    except InputError:
        return _lowest(quartic, drawn, values)
    case = case_at(landscapes(seen), {**values, "d1": 2})
    if case.why_not_lowest(data.d0):
        return None
    if sees_means(quartic):
        data = Covariances(data.A0 + drawn.between, data.C)
    try:
        solved = landscape_in_numbers(case, data, values)
        listed = minima(solved.modes)
    except InputError:
        return None
    return solved.gram(listed[0]) if listed else None


def has_landscape(expansion: Expansion) -> bool:
    """Whether the expansion through order 4 is one in second moments of the data."""
    try:
        in_second_moments(expansion.truncate(4))
    except InputError:
        return False
    return True


def _lowest(quartic: Expansion, drawn: Views, values: Mapping[str, float]) -> Array | None:
    """The same by descent from random starts, where no landscape is derived."""
    try:
        found = lowest(quartic, values, 0, data=drawn, d1=2, starts=FEW_STARTS)
    except InputError:
        return None
    W = found.ends[0]
    return np.asarray(W.T @ W)


def with_order_6(expansion: Expansion, subject: Subject) -> Expansion:
    """The given expansion through order 4, with the terms of order 6 added: a wrong quartic must stay wrong."""
    sixth = subject.through_6
    given = expansion.in_basis("A0,Sigma").truncate(4)
    return replace(sixth, terms=(*given.terms, *sixth.terms_of_order(6)))


def minimum_through_6(
    sixth: Expansion, values: Mapping[str, float], data: Covariances, gram: Array, subject: Subject
) -> float | None:
    """Tr[W Σ Wᵀ] where the descent through order 6 from the minimum through order 4 ends; None where it runs away."""
    emitted = kernel(sixth)
    arguments = [values.get(name, 2.0) for name in emitted.parameters]
    root = np.linalg.cholesky(gram + 1e-12 * np.eye(2)).T
    drawn = in_numbers(subject.law, data)
    smooth = of_kernel(emitted, (2, 2), *drawn.arguments(sixth.basis), *arguments)
    smooth = replace(smooth, hessian=lambda x: _jacobian(smooth.gradient, x))
    ends = descend(smooth, root.reshape(1, 4), tolerance=1e-8)
    W = ends.x[0].reshape(2, 2)
    power = float(((W.T @ W) * data.Sigma).sum())
    before = float((gram * data.Sigma).sum())
    return power if bool(ends.converged[0]) and 0.5 * before < power < 2 * before else None


def _jacobian(gradient: Function, x: Array) -> Array:
    """The Hessian by central differences: the gradient is not a cubic here, and a good direction is enough."""
    step = 1e-5
    columns = [(gradient(x + step * one) - gradient(x - step * one)) / (2 * step) for one in np.eye(x.shape[-1])]
    jacobian = np.stack(columns, -1)
    return np.asarray((jacobian + np.swapaxes(jacobian, -1, -2)) / 2)


def _away(subject: Subject) -> list[Regime]:
    """Data at which the exact landscape gives the modes a good deal of power, if the loss closes to all orders."""
    from derive.landscape.exact_modes import exact_modes
    from verify.routes.training.predictions import heights

    modes = None if subject.closed is None else exact_modes(subject.closed)
    if subject.here.encoders == 2 or modes is None or not modes.convex or not modes.heights:
        return []
    c = np.array(NOISE)
    xs = np.geomspace(0.05, 20.0, 200)
    powers = heights(modes, xs[:, None] * c, c, values_of(subject))
    usable = np.isfinite(powers).all(-1) & (powers > 0).all(-1)
    if not usable.any():
        return []
    k = int(np.argmin(np.where(usable, np.abs(powers.max(-1) - AWAY), np.inf)))
    return [Regime("away from it", data_of(float(xs[k])), float(powers[k].sum()), by_expansion=False)]
