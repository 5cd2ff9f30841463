"""False alarms: what each statistical check says of a derivation that is right, over many seeded runs.

A run draws its random numbers anew and asks the check's own decision. It is a false alarm when the check contradicts
what is right; undecided does not count as one. Beside the alarms stands how many there would be if the check took a
fixed number of standard errors, as if means of any number of samples were normal (`verify.evidence.agreement`). Runs
are drawn many at a time and cut apart, which the checks do not see; samples are smaller than in an audit where that
cannot be afforded ten thousand times, which makes the check worse.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derive import catalogue
from numeric.sphere.equal_modes import Sphere
from verify.assurance.error_rates.slopes import right_series
from verify.assurance.error_rates.tally import Tally
from verify.audits.blackbox import batches, by_batches
from verify.audits.blackbox.expansions import Expanded
from verify.evidence.agreement import BATCHES, CLAIMS, COEFFICIENTS, CURVATURES, SEEDS, SIGN, compared
from verify.evidence.evidence import Evidence
from verify.evidence.significance import limit
from verify.routes import monte_carlo, trained, trained_regimes
from verify.routes.reopening import collapsed_modes as collapsed
from verify.routes.reopening import transition, transverse
from verify.routes.reopening.collapsed import RANK, Collapsed
from verify.routes.reopening.directions import opening
from verify.routes.reopening.kept_modes import alike, modes
from verify.routes.reopening.second_order import Curved, curvatures
from verify.routes.reopening.theory import theory
from verify.routes.subject import Subject
from verify.running.threads import one_thread
from verify.truths.settings import case, filled_in
from verify.truths.taylor import cauchy, circle
from verify.truths.torch_truth import TorchTruth
from verify.truths.truth import Truth
from verify.truths.two_views import SMALLEST_POPULATION, two_views

Array = NDArray[np.float64]

ORDER = 4
EVEN = range(2, ORDER + 1, 2)
# So small a circle that three phases give orders 2 and 4: order 8, the next that they see as order 2, is 1e-8 of it.
RADIUS, PHASES = 0.05, 3
# Data in a batch of unit vectors, and batches, the fewest that stand for a population and that are let through.
POPULATION, FEWEST = SMALLEST_POPULATION, 50
# Trained models that the seeds of a run are drawn from.
MODELS = 1_000


@dataclass(frozen=True)
class Check:
    """A statistical check under test.

    Attributes:
        name: of the check and the size of its samples.
        sigmas: the number of standard errors of a normal law, two-sided, that its level stands for.
        run: of a seed and a number of runs.
        comparisons: that a run makes, each at that level.
        at_once: runs in a unit of the sweep.
        runs: in the full table.
        cost: of a thousand runs, in seconds, about.

    """

    name: str
    sigmas: float
    run: Callable[[int, int], Tally]
    comparisons: int
    at_once: int
    runs: int
    cost: float

    @property
    def level(self) -> float:
        """The chance of a false alarm in a run, at most: that of each comparison, times their number."""
        from scipy.stats import norm

        return float(2 * norm.sf(self.sigmas) * self.comparisons)


def monte_carlo_coefficients(seed: int, runs: int, *, name: str, rows: int, dimension: int, settings: int = 4) -> Tally:
    """Monte Carlo: both orders whole and each coefficient, at some settings of that many batches or blocks."""
    loss = catalogue(name)
    cases = [case(loss, {}, seed=100 + k, size=3, dimension=dimension) for k in range(settings)]
    expansion = filled_in(loss.expand(ORDER), cases[0])
    assert expansion is not None  # noqa: S101 (told the type checker: the values are generic)
    generator = np.random.default_rng(seed)
    drawn = [_coefficients(at.truth, generator, runs, rows, pairs=36 if at.setting.batch else 10_000) for at in cases]

    def evidence(run: int) -> list[Evidence]:
        measured = [
            monte_carlo.averages(at, monte_carlo.ORDERS, values[run]) for at, values in zip(cases, drawn, strict=True)
        ]
        return monte_carlo.compare(measured, expansion)

    return Tally.of(map(evidence, range(runs)), COEFFICIENTS.contradicts)


def _coefficients(truth: Truth, generator: np.random.Generator, runs: int, rows: int, *, pairs: int) -> Array:
    """Coefficients of the even orders, (runs, rows, orders); a row holds ``pairs`` pairs of views in memory."""
    few = max(1, monte_carlo.PAIRS // pairs)
    parts = [min(few, runs * rows - start) for start in range(0, runs * rows, few)]
    ts = circle(RADIUS, PHASES)
    values = np.concatenate([cauchy(truth.drawn(ts, ORDER, generator, part), ts, EVEN) for part in parts])
    return np.asarray(values.reshape(runs, rows, -1))


def black_box_coefficients(seed: int, runs: int, *, size: int) -> Tally:
    """`verify.audits.blackbox.by_batches`: both orders over 600 batches of a size, at a random W of each unit."""
    loss = catalogue("infonce-batch")
    at = batches.batch(size, seed, d0=3)
    predicted = at.predicted(Expanded(loss.expand(ORDER), (size,)))
    here = case(loss, {}, seed=0, size=size, dimension=3, covariances=at.data)
    assert isinstance(here.truth, TorchTruth)  # noqa: S101 (told the type checker: a loss of the catalogue)
    truth = replace(here.truth, setting=replace(here.setting, W=at.W))
    cut = _coefficients(truth, np.random.default_rng(seed), runs, by_batches.DRAWS, pairs=4 * size**2)

    def evidence(run: int) -> list[Evidence]:
        return [by_batches.held_against(cut[run, :, k], predicted[order]) for k, order in enumerate(EVEN)]

    return Tally.of(map(evidence, range(runs)), BATCHES.agrees or inf)


def last_layer(seed: int, runs: int, *, name: str, blocks: int) -> Tally:
    """`verify.networks.last_layer.prediction`: both orders of features behind a ReLU, over blocks of one batch each."""
    from verify.networks.last_layer import prediction
    from verify.networks.last_layer.objective import objective

    batch = 8
    of = objective(name, batch=batch)
    generator = np.random.default_rng(seed)
    n = runs * blocks
    datum = generator.exponential(size=(n * batch, 2)) ** 1.5
    f = 0.4 * np.stack([np.maximum(datum + 0.5 * generator.standard_normal(datum.shape), 0) for _ in range(2)])
    with one_thread():
        predicted, measured = prediction.by_block(of, f, 0.0, [slice(k * batch, (k + 1) * batch) for k in range(n)])

    def evidence(run: int) -> list[Evidence]:
        part = slice(run * blocks, (run + 1) * blocks)
        orders = [prediction.compared(k, predicted[k][part], measured[k][part]) for k in (2, 4)]
        return [
            Evidence(
                "exact", "an order", one.predicted, one.measured, one.difference_error, "standard error", one.agrees
            )
            for one in orders
        ]

    return Tally.of(map(evidence, range(runs)), 5.0)


def few_seeds(seed: int, runs: int, *, seeds: int, skewed: bool) -> Tally:
    """`verify.evidence.agreement`: the decision of audits and figures, the noise of a seed being 5 % of the number."""
    generator, size = np.random.default_rng(seed), (runs, seeds)
    noise = generator.exponential(size=size) - 1 if skewed else generator.standard_normal(size)
    return _decided(1.0, 1 + 0.05 * noise)


def audited_seeds(seed: int, runs: int, *, name: str, seeds: int) -> Tally:
    """The same with the noise of real models: seeds drawn from a thousand models trained as in an audit.

    What is right is the mean over the thousand, whatever theory says of it.
    """
    # More models than runs are not worth their training.
    powers = _trained(name, min(MODELS, 2 * runs))
    drawn = np.random.default_rng(seed).integers(0, len(powers), (runs, seeds))
    return _decided(float(powers.mean()), powers[drawn])


def _decided(right: float, measured: Array) -> Tally:
    """The decision of audits and figures on each row of seeds."""
    found = (compared(right, row.tolist()) for row in measured)
    return Tally.of(
        (
            [Evidence("trained", "a number", right, one.measured, one.error, "standard error", one.agrees)]
            for one in found
        ),
        3.0,
    )


@cache
def _trained(name: str, number: int) -> Array:
    subject = Subject(catalogue(name), order=ORDER, seed=1)
    with one_thread():
        return trained.models(subject, next(trained_regimes.regimes(subject)), number).powers


def collapsed_mode(seed: int, runs: int, *, strength: float | None) -> Tally:
    """The curvature across a collapsed mode of InfoNCE with unit vectors, which is known by quadrature.

    At the strength where it is zero any verdict is a false alarm; at another one a verdict of the wrong sign, or a
    contradiction of the quadrature.
    """
    s = _critical() if strength is None else strength
    data = collapsed.family(s)
    here = opening(alike(data, RANK), data)
    loss = two_views("infonce+normalised")
    exact = _curvature(s)
    derived = theory(catalogue("infonce+normalised").filled(), collapsed.family, RANK, [s])
    with one_thread():
        views = transverse.draw(data, POPULATION, runs * FEWEST, seed)
        found = curvatures(loss, views, here)

    def evidence(run: int) -> list[Evidence]:
        part = slice(run * FEWEST, (run + 1) * FEWEST)
        one = Curved(found.hessian[part], found.slopes[part], found.derivatives, found.difference)
        point = transverse.averaged(one, here, POPULATION, seed)
        said = point.verdict
        if strength is None:
            agrees = None if said == "undecided" else False
            return [Evidence("monte-carlo", "stability", 0.0, point.value, point.error, "standard error", agrees)]
        wrong = said == ("stays collapsed" if exact < 0 else "reopens")
        nowhere = transition.Crossing(np.nan, np.nan, "not sought")
        _, at_s, _ = Collapsed({s: point}, nowhere, None, 0.0, {}, derived).evidence()
        return [at_s, Evidence("monte-carlo", "stability", agrees=not wrong)]

    return Tally.of(map(evidence, range(runs)), 3.0 if strength is None else CURVATURES.agrees or inf)


def _curvature(s: float) -> float:
    _, correlations = modes(collapsed.family(s))[:2]
    return float(RANK * Sphere(RANK, float(correlations[0])).curvature(float(correlations[-1])))


@cache
def _critical() -> float:
    from scipy.optimize import brentq

    return float(brentq(_curvature, *collapsed.STRENGTHS[::2]))


def sign_change(seed: int, runs: int, *, units: int, flat: bool) -> Tally:
    """`transition.crossing` on lines of skewed noise: of a slope whose root is known, or flat at zero.

    Where the curve is zero everywhere any sign change, and any sign, is a false alarm; with a root, one that lies
    farther from it than five of the standard errors that are given, by Student's t.
    """
    generator = np.random.default_rng(seed)

    def evidence(_: int) -> list[Evidence]:
        level, tilt = (generator.exponential(size=units) - 1 for _ in range(2))
        found = transition.crossing(
            lambda s: (0.0 if flat else s - 0.5) + 0.5 * level + 0.5 * tilt * (s - 0.4), 0.0, 1.0
        )
        if flat:
            return [
                Evidence("monte-carlo", "a sign change", agrees=None if not (found.found or found.absent) else False)
            ]
        if not found.found:
            return [Evidence("monte-carlo", "a sign change", agrees=False if found.absent else None)]
        off = abs(found.strength - 0.5) > limit(5.0, units) * found.error
        return [Evidence("monte-carlo", "a sign change", 0.5, found.strength, found.error, "standard error", not off)]

    return Tally.of(map(evidence, range(runs)), 5.0)


def ledger_measurements(seed: int, runs: int, *, draws: int) -> Tally:
    """A claim: the fourth moment of Eq. (27) of the ICLR paper, sampled, against its right formula."""
    from verify.papers.claims import claim
    from verify.papers.claims.formulas import Sigma, Tr, W
    from verify.papers.claims.measuring import random_point, square_distance

    right = 4 * Tr(W * Sigma * W.T) ** 2 + 8 * Tr(W * Sigma * W.T * W * Sigma * W.T)
    weight, data = random_point(0)
    letters = {"W": weight, "A_0": data.A0, "C": data.C, "Sigma": data.Sigma}
    generator = np.random.default_rng(seed)

    def evidence(_: int) -> list[Evidence]:
        x, chi = (generator.standard_normal((draws, 2)) @ np.linalg.cholesky(data.Sigma).T for _ in range(2))
        sampled = square_distance(weight, x, chi) ** 2
        point = claim.Point(letters, float(sampled.mean()), float(sampled.std() / np.sqrt(draws)))
        return [claim.Measured("moment", "monte-carlo", "E |W(x − χ)|⁴", [point], noisy=True).against(right)]

    return Tally.of(map(evidence, range(runs)), CLAIMS.contradicts)


def _check(
    said: str, sigmas: float, of: Callable[..., Tally], *, comparisons: int = 1, at_once: int, runs: int, cost: float,
    **options: Any,
) -> Check:  # fmt: skip
    return Check(said, sigmas, lambda seed, number: of(seed, number, **options), comparisons, at_once, runs, cost)


# The numbers of comparisons: two orders at each setting, and the coefficients of infonce-batch (five) or Barlow Twins
# (three).
_CHECKS = (
    *(
        _check(f"trained models and figures, {seeds} seeds{', skewed' if skewed else ''}", SEEDS.contradicts,
               few_seeds, at_once=50_000, runs=40_000 if skewed else 1_000_000, cost=0.1, seeds=seeds, skewed=skewed)
        for seeds in (3, 6, 10) for skewed in (False, True)
    ),
    *(
        _check(f"trained models, {trained.SEEDS} seeds out of {MODELS:,}, {name}", SEEDS.contradicts,
               audited_seeds, at_once=50_000, runs=1_000_000, cost=0.15, name=name, seeds=trained.SEEDS)
        for name in ("infonce", "infonce-batch")
    ),
    _check("sign change, 100 curves with a root", 5.0, sign_change, at_once=50_000, runs=1_000_000, cost=0.1,
           units=100, flat=False),
    _check("sign change, 100 curves about 0", SIGN, sign_change, comparisons=2, at_once=50_000,
           runs=400_000, cost=0.03, units=100, flat=True),
    _check("ledger, 4,000 draws", CLAIMS.contradicts, ledger_measurements, at_once=2_000, runs=40_000, cost=1.0,
           draws=4_000),
    _check("Monte Carlo, 4 × 40 batches of 3: too few", COEFFICIENTS.contradicts, monte_carlo_coefficients,
           comparisons=13, at_once=500, runs=100_000, cost=1.0, name="infonce-batch", rows=40, dimension=3),
    _check("Monte Carlo, 40 blocks of 500 pairs", COEFFICIENTS.contradicts, monte_carlo_coefficients, comparisons=5,
           at_once=500, runs=100_000, cost=1.5, name="barlow-twins", rows=40, dimension=1, settings=1),
    _check("collapsed mode, 50 batches, curvature 0", SIGN, collapsed_mode,
           at_once=1_000, runs=1_400_000, cost=1.2, strength=None),
    _check("collapsed mode, 50 batches, σ = 0.3", CURVATURES.contradicts, collapsed_mode,
           at_once=500, runs=100_000, cost=1.2, strength=0.3),
    *(
        _check(f"remainder, random series{said}", inf, right_series, at_once=1_000, runs=40_000, cost=2.5,
               misjudged=misjudged)
        for said, misjudged in (("", False), (", radius up to 3 times too large", True))
    ),
    _check("black box, 600 batches of 3", BATCHES.contradicts, black_box_coefficients, comparisons=2,
           at_once=500, runs=100_000, cost=1.0, size=3),
    _check("last layer, 16 blocks", SEEDS.contradicts, last_layer, comparisons=2, at_once=500, runs=40_000, cost=7.0,
           name="spectral", blocks=16),
    _check("Monte Carlo, 10,000 batches of 2", COEFFICIENTS.contradicts, monte_carlo_coefficients, comparisons=7,
           at_once=100, runs=40_000, cost=11.0, name="infonce-batch", rows=10_000, dimension=1, settings=1),
)  # fmt: skip
CHECKS = {one.name: one for one in _CHECKS}
