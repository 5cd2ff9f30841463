"""f/‖f‖ beside many equal kept modes: how far below them one more mode is lost, derived, in closed form and drawn.

With d_M kept modes of view correlation λ_bar, one with λ below λ_c = λ_bar − shift is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import sympy

from derive import Loss, Mean, cosine, exp, log, views
from derive.sphere.many_modes import LAMBDA, excess
from derive.sphere.pairs import pair_form
from numeric.sphere.equal_modes import Sphere
from verify.papers.claims.claim import Measured, Point
from verify.papers.claims.iclr.penalised import c, d_M

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    # A temperature's inverse, cosines of independent data and their slopes; pull and push.
    Slopes = Callable[[float, Array, Array], tuple[float, float]]

x, x_pos, chi = views("x, x_pos, chi")
# Numbers of kept modes from which the limit of many is taken, and the d_M at which it is then compared.
MANY, AT = (50, 100, 200), 100.0
# What is left of the extrapolation, in units of the limit.
LEFT = 1e-3
SETTINGS = ((1.0, 0.9), (2.0, 0.6))
DRAWS, SETS = 1 << 16, 12
# Distances below the average at which a condition is looked at, as parts of that at which a mode is just lost.
BESIDE = (0.5, 0.9, 0.97, 1.03, 1.1, 2.0)
HOW = "variances of lengths and cosines, derived as moments"
# Losses of √c f/‖f‖, and how many λ an eigenvalue of Σ⁻¹B is.
INFONCE, SPECTRAL = "InfoNCE", "the spectral contrastive loss"
LOSSES = {
    INFONCE: Loss(-c * cosine(x, x_pos) + log(Mean(exp(c * cosine(x, chi)), over=chi))),
    SPECTRAL: Loss(-2 * c * cosine(x, x_pos) + c**2 * Mean(cosine(x, chi) ** 2, over=chi)),
}
OF_B = {INFONCE: 1, SPECTRAL: 2}


def shift(name: str, average: sympy.Expr = LAMBDA) -> sympy.Expr:
    """How far below the others' eigenvalue of Σ⁻¹B a mode is just lost, to leading order in their number."""
    form, of_B = pair_form(LOSSES[name]), OF_B[name]
    found = None if form is None else excess(form)
    assert found is not None  # noqa: S101 (told the type checker; these losses are of that form)
    return sympy.expand(of_B * found.subs(LAMBDA, average / of_B) / d_M)


def _limit(values: Sequence[Array | float]) -> Array:
    """The value at 1/r = 0 of the polynomial in 1/r through values at the numbers of modes ``MANY``."""
    at = [1 / r for r in MANY]
    weights = [np.prod([u / (u - v) for u in at if u != v]) for v in at]
    return np.asarray(sum(weight * np.asarray(value) for weight, value in zip(weights, values, strict=True)))


@cache
def closed(settings: Sequence[tuple[float, float]] = SETTINGS) -> Measured:
    """The exact second derivative along the lost mode, in Gamma and hypergeometric functions, at some c and λ_bar."""
    places = []
    for scale, lam in settings:
        found = float(_limit([r * (lam - Sphere(r, lam, 1 / scale).threshold()) for r in MANY]))
        at = {"c": scale, "d_M": AT, "lambda_bar": lam}
        places.append(Point(at, found / AT, LEFT * found / AT))
    quantity = "λ_bar − λ_c from L″(0) of InfoNCE in closed form, extrapolated in 1/d_M"
    return Measured("shift", "exact", quantity, places, note=f"d_M = {', '.join(map(str, MANY))}")


@cache
def slopes(name: str) -> Measured:
    """λ_c from averages over drawn lengths and cosines of the loss's slope along the lost mode, as it is defined."""
    of_cosines, of_B, places = SLOPES[name], OF_B[name], []
    for scale, lam in SETTINGS:
        draws = [np.array([_edge(of_cosines, r, lam, scale, [k, seed]) for seed in range(SETS)])
                 for k, r in enumerate(MANY[:2])]  # fmt: skip
        # Two numbers of modes: the third would bring more noise than it takes error.
        found = np.array([2 * b - a for a, b in zip(*draws, strict=True)])
        at = {"c": scale, "d_M": AT, "lambda_bar": of_B * lam}
        error = of_B * float(found.std(ddof=1) / np.sqrt(SETS)) / AT
        places.append(Point(at, of_B * float(found.mean()) / AT, error))
    quantity = f"λ_bar − λ_c of {name} from {SETS * DRAWS:,} draws, extrapolated in 1/d_M"
    return Measured("shift", "monte-carlo", quantity, places, noisy=True, seed=0, note="d_M = 50, 100")


def _edge(of_cosines: Slopes, r: int, lam: float, scale: float, seed: list[int]) -> float:
    """r (λ − λ_c), r kept modes: where the slope in s² of the loss of (z, s y)/|(z, s y)| at s = 0 vanishes.

    The slope is a mean over y² and y y′, which are 1 and λ_c, of that of the cosines
    (z·z′ + s² y y′)/√((|z|² + s² y²)(|z′|² + s² y′²)).
    """
    rng = np.random.default_rng(seed)
    length = np.sqrt(rng.chisquare(r, DRAWS))
    first, rest = rng.standard_normal(DRAWS), rng.chisquare(r - 1, DRAWS)
    noise = np.sqrt(1 - lam**2)
    along = lam * length + noise * first
    other = np.sqrt(along**2 + noise**2 * rest)
    aligned = along / other
    # The part of the slope of cos(x, x′) that is multiplied by E y y′, and the rest, E y² = 1.
    agreeing, against = 1 / (length * other), -aligned / 2 * (1 / length**2 + 1 / other**2)
    far = np.sqrt(first**2 + rest)
    apart = first / far
    falls = -apart / 2 * (1 / length**2 + 1 / far**2)
    pull, push = of_cosines(scale, apart, falls)
    # −pull (agreeing λ_c + against) + push = 0
    return float(r * (lam - (push / pull - against.mean()) / agreeing.mean()))


def _infonce(scale: float, apart: Array, falls: Array) -> tuple[float, float]:
    """The mean over χ of exp(c cos) is the same for every x where all kept modes are equal."""
    weight = np.exp(scale * apart)
    return scale, float((weight * scale * falls).mean() / weight.mean())


def _spectral(scale: float, apart: Array, falls: Array) -> tuple[float, float]:
    return 2 * scale, float((2 * scale**2 * apart * falls).mean())


SLOPES: dict[str, Slopes] = {INFONCE: _infonce, SPECTRAL: _spectral}


def conditions(found: Measured) -> Measured:
    """Whether a mode is kept that lies so far below the average of all d_M, where the measurement tells.

    d_M times that distance is d_M − 1 times the distance from the others.
    """
    places = []
    for point, d, part in product(found.points, (AT, 4 * AT), BESIDE):
        if abs(part - 1) * point.found > (4 if found.noisy else 1) * point.error:
            average = point.at["lambda_bar"]
            at = {"c": point.at["c"], "d_M": d, "r_bar": average, "r_i": average - part * AT / d * point.found}
            places.append(Point(at, part < 1))
    quantity = f"whether a mode is kept, by {found.quantity}"
    return replace(found, of="condition", quantity=quantity, points=places, noisy=False)
