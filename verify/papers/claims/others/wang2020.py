"""Wang and Isola 2020: the contrastive loss with many negatives, how fast its limit is reached, and uniformity."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy
from scipy.special import gammaln

from derive import Loss, Mean, catalogue, cosine, exp, log, views
from derive.sphere.pairs import pair_form
from derive.sphere.temperature import in_cosines
from numeric.sphere.shares import landscape
from verify.papers.claims.claim import Ledger, Measured, Point, Reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from derive.sphere.temperature import CosineSeries

LEDGER = Ledger(
    "wang2020",
    "Understanding Contrastive Representation Learning through Alignment and Uniformity on the Hypersphere",
    "Tongzhou Wang, Phillip Isola, ICML 2020, arXiv:2005.10242",
)
SEEN = "a conversion of arXiv:2005.10242 to text (look at the print before you write to the authors)"
# Standard errors beyond which a sign is told from noise.
SURE = 6
N = sympy.Symbol("N")
M, tau = sympy.symbols("M tau", positive=True)
# E cos(x, x⁺) and E cos(x, y)².
aligned, spread = sympy.symbols("c_pos c_sq", positive=True)


def _contrastive() -> Loss:
    """L_contrastive with M negatives, their views those of the anchor's own kind; log M is left to the claims."""
    x, x_pos, other = views("x, x_pos, chi")
    positive = cosine(x, x_pos) / sympy.Symbol("tau")
    others = (N - 1) * Mean(exp(cosine(x, other) / sympy.Symbol("tau")), over=other, count=N - 1)
    return Loss(-positive + log(exp(positive) + others), name="contrastive")


def _series() -> CosineSeries:
    return in_cosines(_contrastive(), 2)


def _value(found: CosineSeries) -> sympy.Expr:
    """The series through 1/τ², less log M, in means of cosines of one datum's views and of two data."""
    total = found.constant - sympy.log(M)
    for term in found.terms:
        (graph,) = term.moment
        data, of_one = {end.group for edge in graph for end in edge}, len(graph) == 1
        total += term.coefficient * ((aligned if of_one else sympy.Symbol("c_pos_sq")) if len(data) == 1 else spread)
    return sympy.expand_log(total.subs({N: M + 1, sympy.Symbol("tau"): tau}), force=True)


def _two_points(negatives: int, temperature: float, agree: float) -> float:
    """L(M) − log M, exactly: f is ±1 with equal probability, f(x⁺) is f(x) with a probability; binomial sums."""
    up, down = np.exp(1 / temperature), np.exp(-1 / temperature)
    k = np.arange(negatives + 1)
    logs = gammaln(negatives + 1) - gammaln(k + 1) - gammaln(negatives - k + 1)
    chance = np.exp(logs - negatives * np.log(2))
    total = 0.0
    for same, probability in ((1.0, agree), (-1.0, 1 - agree)):
        inside = np.log((np.exp(same / temperature) + k * up + (negatives - k) * down) / negatives)
        total += probability * float((chance * (inside - same / temperature)).sum())
    return total


@LEDGER.claim(
    "wang2020:limit",
    where="Theorem 1, Eq. (2)",
    says="as M → ∞, L_contrastive − log M → −E f(x)ᵀf(y)/τ + E log E exp(f(x⁻)ᵀf(x)/τ), through 1/τ² {limit}",
    recorded="holds",
    given="f(x) as likely as −f(x), so that odd moments vanish; c_pos = E f(x)ᵀf(x⁺), c_sq = E (f(x)ᵀf(y))²",
    seen=SEEN,
    limit=-aligned / tau + spread / (2 * tau**2),
)
def limit() -> Iterator[Reading]:
    """The limit of each coefficient of the series in 1/τ; and binomial sums for two points, extrapolated in 1/M."""
    derived = sympy.limit(_value(_series()), M, sympy.oo)
    points = []
    for temperature, agree in ((40.0, 0.9), (60.0, 0.7)):
        far, further = (_two_points(number, temperature, agree) for number in (4000, 8000))
        at = {"tau": temperature, "c_pos": 2 * agree - 1, "c_sq": 1.0}
        # What is left are orders 1/M² and 1/(12 τ⁴).
        points.append(Point(at, 2 * further - far, 1 / temperature**4))
    how = "binomial sums for f = ±1 and 4,000 and 8,000 negatives, extrapolated"
    measured = Measured("limit", "exact", how, points)
    yield Reading({"limit": sympy.expand(derived)}, [measured])


@LEDGER.claim(
    "wang2020:rate",
    where="Theorem 1, result 3",
    says="the absolute deviation from the limit decays in O(M^(−1/2)): {decays}",
    recorded="conditional",
    why="As a bound it is true and not sharp: the deviation is of the order 1/M, for every encoder, as features of unit"
    " length are bounded. Four times the negatives bring a fourth of the deviation, not a half.",
    given="a fixed encoder and temperature, independent negatives",
    seen=SEEN,
    decays=True,
)
def rate() -> Iterator[Reading]:
    """The leading power of 1/M of the series' coefficients, and the slope of binomial sums over M."""
    left = _value(_series())
    deviation = sympy.series(left - sympy.limit(left, M, sympy.oo), M, sympy.oo, 2).removeO()
    power = -next(one for one in (sympy.Rational(1, 2), 1, 2) if sympy.limit(deviation * M**one, M, sympy.oo) != 0)
    sizes, temperature, agree = (500, 1000, 2000, 4000), 0.5, 0.9
    values = np.array([_two_points(number, temperature, agree) for number in sizes])
    exact = -(2 * agree - 1) / temperature + float(np.log(np.cosh(1 / temperature)))
    slope = float(np.polyfit(np.log(sizes), np.log(np.abs(values - exact)), 1)[0])
    how = "the slope of log |L(M) − log M − limit| over log M, binomial sums"
    # An order as a bound, and as the rate.
    readings = {"as a bound from above": (-np.inf, -0.5), "as the rate at which it decays": (-0.6, -0.4)}
    for name, (low, high) in readings.items():
        seen, derived = (bool(low <= one <= high) for one in (slope, float(power)))
        measured = Measured("decays", "exact", how, [Point({}, seen)], note=f"slope {slope:.4f}, τ = 1/2")
        yield Reading({"decays": derived}, [measured], name)


@LEDGER.claim(
    "wang2020:uniform",
    where="Theorem 1, result 2",
    says="perfectly uniform encoders form the exact minimisers of the second term: {minimal}",
    recorded="holds",
    given="among f(x) = Wx/|Wx| of Gaussian data, for which uniform is W Σ Wᵀ ∝ I; four modes, τ = ½",
    seen=SEEN,
    minimal=True,
)
def uniform() -> Iterator[Reading]:
    """The derived landscape over shares without its alignment, and the second term by hand, on the same draws."""
    form = pair_form(catalogue("infonce+normalised").set({"tau": sympy.Rational(1, 2)}))
    assert form is not None  # noqa: S101 (told the type checker)
    found = replace(landscape(form, np.zeros(4)), aligned=0.0)
    shares = np.array([[0.25] * 4, [0.28, 0.24, 0.24, 0.24], [0.4, 0.3, 0.2, 0.1], [0.3, 0.3, 0.2, 0.2]])
    values = [float(found.value(one)[0]) for one in shares]
    rng = np.random.default_rng(0)
    white = rng.standard_normal((120, 2, 250, 4))
    gaps = []
    for others in shares[1:]:
        terms = [_second_term(white * np.sqrt(one), 0.5) for one in (shares[0], others)]
        difference = terms[1] - terms[0]
        gaps.append(float(difference.mean() / (difference.std(ddof=1) / np.sqrt(len(difference)))))
    quantity = "whether the second term is lower at equal shares than at three others, on the same draws"
    measured = Measured(
        "minimal", "monte-carlo", quantity, [Point({}, min(gaps) > 0)] if min(map(abs, gaps)) > SURE else [], seed=0,
        note=f"120 samples of 250 data, z = {', '.join(f'{one:.0f}' for one in gaps)}",
    )  # fmt: skip
    yield Reading({"minimal": bool(min(values[1:]) > values[0])}, [measured], how="the derived landscape over shares")


def _second_term(views_: Any, temperature: float) -> Any:
    """E_x log E_y exp(f(x)ᵀf(y)/τ) of each sample, (samples,): anchors from one half, the others from the other."""
    unit = views_ / np.linalg.norm(views_, axis=-1, keepdims=True)
    cosines = np.einsum("sid,sjd->sij", unit[:, 0], unit[:, 1])
    return np.log(np.exp(cosines / temperature).mean(-1)).mean(-1)
