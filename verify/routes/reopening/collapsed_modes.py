"""What an audit measures for a loss without an expansion at W = 0: whether a collapsed mode stays collapsed.

The data are chosen so that a point of lower rank is known exactly. Twelve modes have the variance 1 and one has less,
and an augmentation of strength σ adds σ² to each; W keeps the twelve equally
(`verify.routes.reopening.kept_modes.alike`), at a rank at which the second derivative of a loss of unit vectors has
four moments, so that its standard error can be trusted. The curvature of the expected loss along the thirteenth is then
measured at a few σ, and its sign change found; α and β are measured apart (`verify.routes.reopening.slopes`). For a
definition there is what the theory says of them (`verify.routes.reopening.theory`), for comparison there is the
landscape through order 4 with E|f|² = 1 fixed, the model of a normalisation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import sympy
import torch
from numpy.typing import NDArray

from derive import CATALOGUE, InputError, catalogue
from derive.algebra.graphs import CLASSMATE
from derive.losses.limit import counted_symbols
from numeric.sampling import Covariances
from verify.evidence.evidence import Evidence
from verify.routes.reopening.collapsed import BATCHES, MEASURED, RANK, WEAK, Collapsed
from verify.routes.reopening.directions import opening
from verify.routes.reopening.kept_modes import alike, drift, modes
from verify.routes.reopening.slopes import slopes
from verify.routes.reopening.theory import theory_or_reason
from verify.routes.reopening.transition import crossing, measured, predicted
from verify.routes.reopening.transverse import transverse
from verify.running.threads import one_thread
from verify.truths.defined import defined
from verify.truths.settings import values_for
from verify.truths.two_views import TwoViews, one_by_one, temperature_of, two_views

if TYPE_CHECKING:
    from collections.abc import Mapping

    from derive import Law, Loss
    from verify.truths.function import BlackBox

Array = NDArray[np.float64]

STRENGTHS = (0.1, 0.3, 1.0)
BATCH, POPULATION = 32, 64
# The resolution of a sign change, as a fraction of the bracket, far below its noise.
RESOLUTION = 3e-3
# The longest time of one call of a torch function, in seconds: thousands are needed. And how often one is timed.
SLOW, TRIES = 0.02, 3


def family(s: float) -> Covariances:
    """The data at a strength of the augmentation.

    >>> modes(family(0.5))[1].round(3)[[0, -2, -1]]
    array([0.8  , 0.8  , 0.545])
    """
    return Covariances(np.diag([1.0] * RANK + [WEAK]), s**2 * np.eye(RANK + 1))


def collapsed(
    loss: TwoViews,
    *,
    batch: int = BATCH,
    seed: int = 0,
    unnormalised: Loss | None = None,
    values: Mapping[str, float] | None = None,
    definition: Loss | None = None,
) -> Collapsed:
    """Measure a loss that does not depend on the length of W.

    Args:
        loss: of two views (B, N, d) each, one value per batch.
        batch: N.
        seed: of the draws.
        unnormalised: the loss without its normalisation, for the landscape at fixed norm.
        values: of its parameters.
        definition: of the loss, its parameters set, for what the theory says.

    Raises:
        InputError: the loss has no finite second derivative there.

    """
    with one_thread():
        points = {
            s: transverse(
                loss, family(s), opening(alike(family(s), RANK), family(s)), batch=batch, batches=BATCHES, seed=seed
            )
            for s in STRENGTHS
        }
        low, high = STRENGTHS[0], STRENGTHS[-1]
        curve = measured(loss, family, lambda s: alike(family(s), RANK), batch=batch, batches=BATCHES, seed=seed)
        change = crossing(curve, low, high, tolerance=RESOLUTION)
        apart = {
            s: slopes(loss, RANK, float(modes(family(s))[1][0]), batch=batch, batches=BATCHES, seed=seed)
            for s in STRENGTHS
        }
        moves = drift(loss, family(high), alike(family(high), RANK), batch=batch, batches=BATCHES, seed=seed + 1)
    temperature = temperature_of(unnormalised.name, values or {}) if unnormalised is not None else 1.0
    # The landscape at fixed norm is that of |f| = 1.
    model = (
        None if unnormalised is None or temperature != 1 else predicted(unnormalised, family, RANK, low, high, values)
    )
    derived = None if definition is None else theory_or_reason(definition, family, RANK, STRENGTHS, seed=seed + 1)
    if isinstance(derived, str):
        return Collapsed(points, change, model, moves, apart, why_no_theory=derived)
    return Collapsed(points, change, model, moves, apart, derived)


def of_definition(
    loss: Loss, given: Mapping[str, sympy.Expr], seed: int, law: Law
) -> tuple[Collapsed | None, tuple[Evidence, ...]]:
    """The same for a normalised loss by its definition; where it is not measured, evidence that says why.

    A loss of the catalogue is measured as it is written by hand, any other as its definition stands.

    Args:
        loss: its parameters still symbolic.
        given: exact values of parameters.
        seed: of the draws.
        law: of the data.

    """
    base, *modifiers = loss.name.split("+")
    known = base in CATALOGUE and modifiers == ["normalised"] and catalogue(loss.name).expression == loss.expression
    if loss.bias:
        return None, _not_run("it is measured without a bias")
    if CLASSMATE in loss.roles:
        return None, _not_run("it is measured on two views of the same data, which show no other data of a class")
    if not law.closes:
        return None, _not_run(f"it is measured on Gaussian data, and not on those of the law {law.text}")
    if any(value is sympy.oo for value in given.values()):
        return None, _not_run("the loss is measured at finite values of its parameters")
    plain, counted = catalogue(base) if known else loss, counted_symbols(loss)
    defaults = {name: value for name, value in loss.defaults if name in loss.parameters}
    exact = values_for(plain, BATCH, RANK + 1) | defaults | dict(given)
    put = loss.set({name: value for name, value in exact.items() if name in loss.parameters and name != "d1"})
    values = {name: float(value) for name, value in exact.items()}
    try:
        by_hand = two_views(loss.name, values) if known else defined(put)
    except InputError as error:
        return None, _not_run(str(error))
    sizes = {int(sample.count) + 1 for sample in put.samples}
    return _run(
        by_hand,
        batch=int(values[min(counted)]) if counted else max(sizes, default=POPULATION),
        seed=seed,
        unnormalised=plain if known else None,
        values=values,
        definition=put,
    )


def of_function(box: BlackBox, smallest: int, seed: int) -> tuple[Collapsed | None, tuple[Evidence, ...]]:
    """The same for a torch function of two views that does not depend on the length of its features.

    Args:
        box: the function.
        smallest: the smallest batch that it takes.
        seed: of the draws.

    """
    batch = max(BATCH, smallest)
    took = np.inf
    try:
        # The shortest of a few: a first call warms up, and a busy machine makes any one of them long.
        for _ in range(TRIES):
            before = box.seen.seconds
            with one_thread():
                box(np.random.default_rng(seed).standard_normal((2, batch, RANK + 1)))
            took = min(took, box.seen.seconds - before)
            if took <= SLOW:
                break
    except InputError as error:
        # For instance at a width that it does not take.
        return None, _not_run(str(error))
    if took > SLOW:
        return None, _not_run(f"one call takes {took:.1g} s; thousands are needed")
    loss = one_by_one(lambda z1, z2: box.tensor(torch.stack([z1, z2])))
    return _run(loss, batch=batch, seed=seed)


def _run(loss: TwoViews, **options: Any) -> tuple[Collapsed | None, tuple[Evidence, ...]]:
    try:
        found = collapsed(loss, **options)
    except InputError as error:
        return None, _not_run(str(error))
    return found, found.evidence()


def _not_run(why: str) -> tuple[Evidence, ...]:
    return (Evidence("monte-carlo", MEASURED, ran=False, note=why),)
