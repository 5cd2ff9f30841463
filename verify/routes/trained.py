"""The trained route of an audit: models are trained on the hand-written loss, and their power is compared with theory.

Two regimes are chosen in which a prediction is sharp. Near the transition all modes have little power, so that the
landscape through order 4 is nearly the whole of it; what it leaves out is estimated by the minimum through order 6 and
counted as an error of the prediction. Away from it, where the loss closes to all orders, the exact landscape is the
prediction. Both take models with two modes, A0 = x C, whose x is looked for; the number that is compared is
Tr[W Σ Wᵀ], which no rotation of the embedding changes. Of data with a mean the landscape is that in second moments;
where it is in none, as for data of classes, the expansion through order 4 is minimised instead. An expansion whose own
minimum lies too far is held against the models where they are (`verify.routes.at_rest`). Two encoders have a regime of
their own (`verify.routes.trained_pairs`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sympy import nsimplify

from derive import CATALOGUE, MODIFIERS, InputError, catalogue
from derive.expansion.second_moments import in_second_moments, sees_means
from derive.landscape.landscape import landscapes
from numeric.kernels import kernel
from numeric.landscape.descent import Function, descend, of_kernel
from numeric.landscape.landscape import landscape_in_numbers
from numeric.landscape.modes import minima
from numeric.laws import in_numbers
from numeric.sampling import Covariances
from verify.evidence.agreement import DOMAIN, SEEN, SHARE, Compared, compared
from verify.evidence.evidence import Evidence
from verify.routes import at_rest
from verify.routes.minima import case_at, lowest
from verify.routes.route import Route
from verify.routes.trained_pairs import PairData, left_out, quartic, regime, trained_powers, with_further
from verify.truths.settings import values_for

if TYPE_CHECKING:
    from derive import Expansion
    from numeric.laws import Views
    from verify.routes.subject import Subject

Array = NDArray[np.float64]

QUANTITY = "Tr[W Σ Wᵀ] of trained models"
# The noise of the two modes, unequal so that an exchange of modes would show.
NOISE = (1.0, 1.5)
# Half of the seeds begin with more power than is predicted, half with less: where the two halves end apart, they have
# not come to rest.
SEEDS = 6
# Where no landscape is derived, more seeds and batches: a part of order 4 alone tells such data from Gaussian ones.
MORE_SEEDS, MORE_BATCHES = 10, 4
BEGIN = (1.5, 0.6)
STEPS = 600
RATE = 2e-2
# Data per step and model: in batches where the loss has a batch size; where all pairs of data enter; and where only
# moments do, whose errors must not show.
DATA = {"batches": 600, "pairs": 120, "moments": 2000}
# The batch size where it is left symbolic.
BATCH = 12
# The power of the largest mode: near the transition, and away from it.
NEAR, AWAY = 0.04, 0.6
# For data with heavier tails the former is divided by this factor if the orders beyond 4 are not small, and the number
# of data per step is multiplied by it.
LESS, MORE = 2.5, 2
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


@dataclass(frozen=True, eq=False)
class Models:
    """Models that were trained in one regime.

    Attributes:
        subject: the loss.
        regime: the regime.
        powers: Tr[W Σ Wᵀ], one per seed.
        data: the number of data per step.
        grams: WᵀW, one per seed; None for two encoders.

    """

    subject: Subject
    regime: Regime
    powers: Array
    data: int
    grams: Array | None = None

    @property
    def apart(self) -> bool:
        """Whether models that began with more power and with less have ended apart."""
        more, less = self.powers[::2], self.powers[1::2]
        error = sqrt(more.var(ddof=1) / len(more) + less.var(ddof=1) / len(less))
        return bool(abs(more.mean() - less.mean()) > SEEN * error + SHARE * self.regime.predicted)


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


def _exact_values(subject: Subject) -> dict[str, Any]:
    """The same, exactly."""
    return {name: nsimplify(value) for name, value in values_of(subject).items() if name in subject.here.parameters}


def _through_8(subject: Subject) -> Expansion:
    """The expansion through order 8 at these values."""
    exact = {name: value for name, value in _exact_values(subject).items() if name != "d1"}
    return subject.here.set(exact).expand(8, data=subject.law)


def models(subject: Subject, regime: Regime, seeds: int = SEEDS) -> Models:
    """Models of several seeds (an even number)."""
    return _trained(subject, regime, seeds)


def measure(subject: Subject) -> list[Models]:
    """Models of every regime."""
    subject.tick("train")
    return [models(subject, regime, seeds_for(subject)) for regime in list(regimes(subject))]


def seeds_for(subject: Subject) -> int:
    """How many models an audit trains."""
    return SEEDS if _has_landscape(subject.expansion) else MORE_SEEDS


def compare(found: Sequence[Models], expansion: Expansion) -> list[Evidence]:
    """The models compared with what an expansion predicts, and away from the transition with the exact landscape."""
    return [held_against(one, expansion) for one in found]


def held_against(found: Models, expansion: Expansion) -> Evidence:
    """Models of one regime compared with the minimum of an expansion, at the same data."""
    regime, data, values = found.regime, found.regime.data, values_of(found.subject)
    quantity = regime.quantity
    predicted, slack = regime.predicted, 0.0
    if isinstance(data, PairData):
        try:
            powers = quartic(expansion.truncate(4), data, values)
        except InputError as error:
            return Evidence("trained", quantity, agrees=None, note=str(error))
        predicted = float(np.abs(powers).sum())
        if powers.all():
            exact = _exact_values(found.subject)
            slack = left_out(with_further(expansion, _through_8(found.subject), exact), data, powers)
    elif regime.by_expansion:
        try:
            gram = _minimum(expansion, data, values, found.subject)
        except InputError as error:
            return Evidence("trained", quantity, agrees=None, note=str(error))
        except TypeError:
            return Evidence("trained", quantity, agrees=None, note="a coefficient is not real at these values")
        sixth = _with_order_6(expansion, found.subject)
        predicted = 0.0 if gram is None else float((gram * data.Sigma).sum())
        if gram is not None and predicted > 0:
            beyond = _minimum_through_6(sixth, values, data, gram, found.subject)
            slack = np.inf if beyond is None else abs(beyond - predicted)
        if found.grams is not None and (gram is None or slack > DOMAIN * regime.predicted):
            # The expansion's own minimum, if there is one, lies where order 4 says little: it is held against the
            # models where they are.
            drawn = in_numbers(found.subject.law, data)
            decided, further = at_rest.weighed(expansion, sixth, found.grams, drawn, values)
            theory = f"its own minimum lies too far; further orders add about {further:.1g}"
            if gram is None and decided.agrees:
                decided = replace(decided, agrees=None, why="the landscape through order 4 has no lowest point")
            return _evidence(found, f"{at_rest.QUANTITY}, {regime.name}", decided, theory)
    decided = compared(predicted, found.powers.tolist(), scale=regime.predicted, truncation=slack)
    moved = "orders 6 and 8 move" if isinstance(data, PairData) else "order 6 moves"
    theory = f"by order 4, which {moved} by {slack:.2g}" if slack else "by the exact landscape"
    return _evidence(found, regime.quantity, decided, theory)


def _evidence(found: Models, quantity: str, decided: Compared, theory: str) -> Evidence:
    """A comparison as evidence, with what was trained."""
    agrees, why, regime = decided.agrees, decided.why, found.regime
    if found.apart:
        agrees, why = None, "models that began with more and with less power have not come together"
    note = f"{theory}; {len(found.powers)} seeds, {STEPS} steps of {found.data} data, {regime.shown}"
    return Evidence(
        "trained", quantity, decided.predicted, decided.measured, decided.error, "standard error",
        agrees, found.subject.seed, f"{why}; {note}" if why else note,
    )  # fmt: skip


def why_not(subject: Subject) -> str:
    """Models are trained only if wanted, on losses of the catalogue that have a landscape."""
    loss = subject.here
    base, *modifiers = loss.name.split("+")
    if not subject.train:
        return "left out by --no-train"
    if subject.order < 4:
        return "an expansion to order 4 is needed"
    if not find_spec("torch"):
        return "torch is not installed: pip install 'quartic[torch]'"
    known = base in CATALOGUE and all(name in MODIFIERS for name in modifiers)
    if not known or catalogue(loss.name).expression != loss.expression:
        return "no hand-written torch loss is known for this definition"
    if loss.encoders == 2 and set(modifiers) - {"two-encoders"}:
        return "models with two encoders are trained here without weight decay and without a norm penalty"
    if not set(modifiers) <= {"weight-decay", "norm-penalty", "two-encoders"}:
        return "the models trained here have no bias"
    return ""


def _near(subject: Subject) -> Regime:
    """The data at which the landscape through order 4 gives the modes a little power."""
    if subject.here.encoders == 2:
        pairs, power = regime(subject.expansion, _through_8(subject), values_of(subject))
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
    grids, points = GRIDS if _has_landscape(expansion) else FEWER
    for _ in range(grids):
        xs = np.geomspace(low, high, points)
        found = []
        for at, x in enumerate(xs):
            gram = _minimum(expansion, _data(x), values, subject)
            power = 0.0 if gram is None else float((gram * _data(x).Sigma).sum())
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
    data, gram = _data(best[0]), best[1]
    power = float((gram * data.Sigma).sum())
    beyond = _minimum_through_6(_with_order_6(expansion, subject), values, data, gram, subject)
    if beyond is None:
        message = "the orders left out are not small at any minimum of the landscape through order 4"
        raise InputError(message)
    name = "near the transition" if power < 4 * NEAR else "where order 4 is all there is"
    return Regime(name, data, power, by_expansion=True), abs(beyond - power)


def _data(x: float) -> Covariances:
    return Covariances(x * np.diag(NOISE), np.diag(NOISE))


def _minimum(expansion: Expansion, data: Covariances, values: Mapping[str, float], subject: Subject) -> Array | None:
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


def _has_landscape(expansion: Expansion) -> bool:
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


def _with_order_6(expansion: Expansion, subject: Subject) -> Expansion:
    """The given expansion through order 4, with the terms of order 6 added: a wrong quartic must stay wrong."""
    sixth = subject.through_6
    given = expansion.in_basis("A0,Sigma").truncate(4)
    return replace(sixth, terms=(*given.terms, *sixth.terms_of_order(6)))


def _minimum_through_6(
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
    return [Regime("away from it", _data(float(xs[k])), float(powers[k].sum()), by_expansion=False)]


def _trained(subject: Subject, regime: Regime, seeds: int) -> Models:
    """Models of several seeds, each with its own random numbers."""
    import torch

    from verify.routes.training.data import Population
    from verify.routes.training.engine import Plan, train
    from verify.routes.training.models import Model
    from verify.running.sweeps.sweep import seed_of
    from verify.truths.batched import batched

    loss, law, values = subject.here, subject.law, values_of(subject)
    base, *modifiers = loss.name.split("+")
    of, batch = batched(base), loss.batch_size
    kind = "moments" if loss.depends_on_moments else "pairs" if batch is None else "batches"
    data = DATA[kind] if law.closes else MORE * DATA[kind]
    size = data if batch is None else int(batch.subs({one: values[one.name] for one in batch.free_symbols}))
    extra: dict[str, Any] = {}
    if "weight-decay" in modifiers:
        extra["weight_decay"] = values["gamma"]
    if "norm-penalty" in modifiers:
        extra["norm_penalty"] = (values["kappa"], values["c"])
    own = {name: values[name] for name in catalogue(base).parameters if name not in ("N", "d1")}
    generator = torch.Generator().manual_seed(seed_of("audit", loss.name, regime.name, subject.seed))
    begin = _turned(generator, seeds) * torch.tensor(BEGIN).repeat(seeds // 2)[:, None, None]
    batches = max(1, data // size) * (1 if _has_landscape(subject.expansion) else MORE_BATCHES)
    if isinstance(regime.data, PairData):
        scale = float(np.sqrt(regime.predicted / 2))
        plan = Plan(rate=RATE * scale, steps=STEPS, decay="cosine", tail=0.1)
        powers = trained_powers(
            base, regime.data, size, batches, seeds=seeds, begin=begin, scale=scale, plan=plan, generator=generator,
            parameters=own,
        )  # fmt: skip
        return Models(subject, regime, powers, batches * size)
    drawn = in_numbers(law, regime.data)
    a, c = (torch.from_numpy(np.sqrt(np.diag(one))).expand(seeds, 1, 2) for one in (drawn.core.A0, drawn.core.C))
    scale = float(np.sqrt(regime.predicted / 2 / regime.data.Sigma.diagonal().mean()))
    end = train(
        Model(2, 2),
        Population(size, a, c, independent=True, batches=batches, law=drawn, second=max(loss.roles)),
        of,
        Plan(rate=RATE * scale, steps=STEPS, decay="cosine", tail=0.1, **extra),
        models=seeds,
        generator=generator,
        parameters=own,
        weights={"W": begin * scale},
        # Double precision, so that different processors print the same digits.
        dtype=torch.float64,
    )
    grams = end.averaged.numpy()
    return Models(subject, regime, (grams * regime.data.Sigma).sum((1, 2)), batches * size, grams)


def _turned(generator: Any, seeds: int) -> Any:
    """Random rotations, (seeds, 2, 2)."""
    import torch

    drawn = torch.randn(seeds, 2, 2, generator=generator, dtype=torch.float64)
    return torch.linalg.qr(drawn).Q


ROUTE = Route("trained", QUANTITY, measure, compare, why_not)
