"""Coefficients from random data: each with its standard error, its z-score, and the rivals it excludes.

On random batches (or blocks of pairs) the loss's Taylor coefficients in t are computed one by one and averaged. What a
definition averages inside a logarithm is averaged exactly, over cubature nodes, which cuts the variance and
leaves no bias. The average at several (A0, C, W) is then compared with the expansion: as a whole, and
coefficient by coefficient with the other terms as predicted.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from math import hypot, isfinite, nan
from typing import TYPE_CHECKING, Any

import numpy as np

from derive.definition.notation import TEXT, product_of_invariants
from numeric.invariants import product_value, products
from verify.evidence.agreement import COEFFICIENTS
from verify.evidence.evidence import Evidence
from verify.routes.route import Route
from verify.truths.rounding import rounding
from verify.truths.settings import filled_in, no_value
from verify.truths.taylor import cauchy, circle, mirrored, safe_radius
from verify.truths.truth import BLOCK

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from derive import Expansion
    from derive.expansion.expansion import Term
    from verify.routes.subject import Subject
    from verify.truths.settings import Case
    from verify.truths.truth import Truth

# Coefficients of order 4 are of degree 8 in the data, and their law is far from normal: with fewer data than this, over
# all batches, a contradiction has to be farther off by this factor. (With 120 data, one in 40 was 5 errors off.)
ENOUGH, FARTHER = 20_000, 6.0
# Factors by which a coefficient is most easily wrong.
RIVALS = {"half": 0.5, "double": 2.0, "three quarters": 0.75, "the other sign": -1.0}
RADIUS = 0.1
# Four evaluations: the coefficient of t^(k + 12) is taken for that of t^k, times radius^12.
PHASES = 6
# The number of batches, and of blocks of many data, on which the radius is tried.
PROBES, PROBED_BLOCKS = 40, 4
# And the number on which rounding is estimated.
ROUNDED = 4
# The number of inner products held in memory at a time.
PAIRS = 1_000_000
ORDERS = (2, 4)
# The number of settings at which a subject is measured.
SETTINGS = 4
# How often the circle is halved where a draw has no finite value on it.
SMALLER = 6
# Where nothing is random, rounding is the only error.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Averages:
    """Means over random draws.

    Attributes:
        case: the setting.
        mean: by order in t.
        error: standard errors, by order.
        rows: the number of batches, or blocks, behind the means.
        rounding: what rounding can add to the means, by order; more draws do not reduce it.

    """

    case: Case
    mean: dict[int, float]
    error: dict[int, float]
    rows: int
    rounding: Mapping[int, float] = field(default_factory=dict)

    @property
    def enough(self) -> bool:
        """Whether there are enough data, with light enough tails, for means to be nearly normal."""
        here = self.case.setting
        return (
            4 * max(self.mean, default=0) <= here.covariances.law.highest
            and self.rows * (here.batch or BLOCK) >= ENOUGH
        )


def measure(cases: Sequence[Case], order: int, draws: int, tick: Callable[[], None] = lambda: None) -> list[Averages]:
    """Averages of the coefficients of t² and t⁴ at each case.

    Args:
        cases: where to measure; each carries its seed.
        order: 2 leaves t⁴ out.
        draws: random batches per case; for a population loss as many random pairs are drawn.
        tick: called after each case.

    """
    orders = [k for k in ORDERS if k <= order and _has_spread(cases[0], k)]
    if not orders:
        return [Averages(cases[0], {}, {}, 0)]
    result = []
    for case in cases:
        radius = safe_radius(partial(_probed, case, order), 2 * RADIUS)
        # On a rare draw the loss may not be finite on the circle; on a smaller one it is.
        for halvings in range(SMALLER):
            values, within = _coefficients(case, radius / 2**halvings, order, draws), radius / 2**halvings
            if np.isfinite(values).all():
                break
        noise = rounding(case.truth, partial(_on_circle, case, order, circle(within, PHASES), ROUNDED))
        found = averages(case, orders, values[:, : len(orders)])
        result.append(replace(found, rounding={k: noise / within**k for k in orders}))
        tick()
    return result


def _coefficients(case: Case, radius: float, order: int, draws: int) -> NDArray[np.float64]:
    """The coefficients of each batch or block, (rows, orders), up to the first chunk with one that is not finite."""
    ts, generator = circle(radius, PHASES), np.random.default_rng(case.seed)
    even = range(2, min(order, ORDERS[-1]) + 1, 2)
    found = []
    for number in _chunks(case.truth.rows(draws), case.setting.batch or 1):
        with np.errstate(all="ignore"):
            found.append(cauchy(_even(case.truth, ts, order, generator, number), ts, even))
        if not np.isfinite(found[-1]).all():
            break
    return np.concatenate(found)


def averages(case: Case, orders: Sequence[int], values: NDArray[np.float64]) -> Averages:
    """The means of coefficients (batches, orders), with their standard errors."""
    with np.errstate(all="ignore"):
        error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    mean, spread = (dict(zip(orders, map(float, one), strict=True)) for one in (values.mean(axis=0), error))
    return Averages(case, mean, spread, len(values))


def _probed(case: Case, order: int, ts: NDArray[np.float64]) -> NDArray[Any]:
    return _on_circle(case, order, ts, PROBES if case.setting.batch else PROBED_BLOCKS, case.truth)


def _on_circle(case: Case, order: int, ts: NDArray[Any], draws: int, truth: Truth) -> NDArray[Any]:
    return _even(truth, ts, order, np.random.default_rng(case.seed), draws)


def _even(truth: Truth, ts: NDArray[Any], order: int, generator: np.random.Generator, draws: int) -> NDArray[Any]:
    """The part of each draw that is even in t on a circle, (draws, T); sums over coordinates may have an odd part."""
    here = ts[: len(ts) // 2 + 1]
    if not truth.odd:
        return mirrored(truth.drawn(here, order, generator, draws), len(ts))
    both = truth.drawn(np.concatenate([here, -here]), order, generator, draws)
    return mirrored(np.asarray(both[:, : len(here)] + both[:, len(here) :]) / 2, len(ts))


def compare(measured: Sequence[Averages], expansion: Expansion) -> list[Evidence]:
    """One piece of evidence for each order as a whole, and one for each coefficient."""
    evidence: list[Evidence] = []
    if any(filled_in(expansion, one.case) is None for one in measured):
        return [no_value("monte-carlo", measured[0].case)]
    for order in sorted(measured[0].mean):
        fits = [_fit(one, expansion, order) for one in measured]
        evidence.append(_whole(measured, fits, order))
        for position, term in enumerate(expansion.terms_of_order(order)):
            evidence.append(_one_term(measured, fits, term, position, order))
    for order in ORDERS:
        if order <= expansion.order and not _has_spread(measured[0].case, order):
            law = measured[0].case.setting.covariances.law
            note = f"data of the law {law.text} have no finite moment of order {2 * order}: no standard error is known"
            evidence.append(Evidence("monte-carlo", f"order {order}", ran=False, note=note))
    return evidence


def _has_spread(case: Case, order: int) -> bool:
    """Whether coefficients of an order, with that degree in the data, have a finite variance."""
    return 2 * order <= case.setting.covariances.law.highest


@dataclass(frozen=True)
class _Fit:
    """One case's measurement of one order, with what each term contributes to it."""

    mean: float
    error: float
    words: list[float]
    coefficients: list[float]
    rows: int

    @property
    def predicted(self) -> float:
        return sum(c * w for c, w in zip(self.coefficients, self.words, strict=True))

    @property
    def size(self) -> float:
        """Of the largest contribution."""
        return max((abs(c * w) for c, w in zip(self.coefficients, self.words, strict=True)), default=0.0)

    @property
    def z(self) -> float:
        return (self.mean - self.predicted) / self.error if self.error else 0.0


def _fit(measured: Averages, expansion: Expansion, order: int) -> _Fit:
    here, data = measured.case.setting, measured.case.setting.covariances
    of_letter = products(here.W, data.letters, here.bias)
    # Terms are kept even where a value makes one vanish, so that all cases list the same ones.
    terms = expansion.terms_of_order(order)
    return _Fit(
        measured.mean[order],
        max(ROUNDING, hypot(measured.error[order], measured.rounding.get(order, 0.0)))
        if isfinite(measured.error[order])
        else nan,
        [product_value(term.invariants, of_letter) for term in terms],
        [float(term.coefficient.subs(_by_symbol(term, measured.case))) for term in terms],
        measured.rows,
    )


def _by_symbol(term: Term, case: Case) -> dict[object, object]:
    return {symbol: case.values[symbol.name] for symbol in term.coefficient.free_symbols}


def _whole(measured: Sequence[Averages], fits: list[_Fit], order: int) -> Evidence:
    worst = max(fits, key=lambda fit: (not isfinite(fit.z), abs(fit.z)))
    agrees = _agrees(worst.z, worst.rows, measured)
    hidden = all(fit.error > max(1.0, fit.size) for fit in fits)
    lost = "the error is larger than all there is; " if hidden else ""
    return Evidence(
        "monte-carlo",
        f"order {order} at {len(fits)} settings, the farthest",
        predicted=worst.predicted,
        measured=worst.mean,
        error=worst.error,
        error_kind="standard error",
        agrees=None if agrees and hidden else agrees,
        seed=measured[0].case.seed,
        note=f"{lost}largest |z| = {abs(worst.z):.1f}; {measured[0].case.truth.how}; {measured[0].case.label}",
        part="order",
    )


def _one_term(measured: Sequence[Averages], fits: list[_Fit], term: Term, position: int, order: int) -> Evidence:
    # The other terms are as predicted; this one is fitted by weighted least squares.
    weights = [fit.words[position] / fit.error**2 for fit in fits]
    information = sum(w * fit.words[position] for w, fit in zip(weights, fits, strict=True))
    coefficient = fits[0].coefficients[position]
    words = product_of_invariants(term.invariants, TEXT)
    quantity = f"coefficient of {words} (order {order})"
    if information <= 0.0:
        note = f"{words} is zero on these data; {measured[0].case.label}"
        return Evidence("monte-carlo", quantity, coefficient, note=note, part="term", short=words)
    estimate = (
        coefficient + sum(w * (fit.mean - fit.predicted) for w, fit in zip(weights, fits, strict=True)) / information
    )
    error = float(information**-0.5)
    z = (estimate - coefficient) / error
    rows = min(fit.rows for fit in fits)
    farthest = COEFFICIENTS.beyond(rows)
    excluded = [name for name, factor in RIVALS.items() if abs(estimate - factor * coefficient) > farthest * error]
    left = [name for name in RIVALS if name not in excluded]
    agrees = _agrees(z, rows, measured)
    agrees = None if agrees and left else agrees
    rivals = f"excluded: {', '.join(excluded)}" if not left else f"cannot exclude: {', '.join(left)}"
    return Evidence(
        "monte-carlo",
        quantity,
        predicted=coefficient,
        measured=estimate,
        error=error,
        error_kind="standard error",
        agrees=agrees,
        seed=measured[0].case.seed,
        note=f"z = {z:+.1f}; {rivals}; {measured[0].case.label}",
        part="term",
        short=words,
    )


def _agrees(z: float, rows: int, measured: Sequence[Averages]) -> bool | None:
    """Whether a mean agrees; None where the data are few, and where there is no mean."""
    few = not all(one.enough for one in measured)
    return COEFFICIENTS.decide(z, samples=rows, farther=FARTHER if few else 1.0) if isfinite(z) else None


def _chunks(rows: int, batch: int) -> list[int]:
    # A row holds an inner product for each pair of 2 · batch views.
    largest = max(1, PAIRS // (2 * batch) ** 2)
    return [min(largest, rows - start) for start in range(0, rows, largest)]


def measured_of(subject: Subject) -> list[Averages]:
    """Averages of a subject's loss at some settings."""
    cases = [subject.case(size=subject.sizes[-1], dimension=3, seed=100 + k) for k in range(SETTINGS)]
    subject.tick("monte-carlo")
    return measure(cases, subject.order, subject.draws, lambda: subject.tick("monte-carlo"))


ROUTE = Route("monte-carlo", "coefficients from random batches", measured_of, compare)
