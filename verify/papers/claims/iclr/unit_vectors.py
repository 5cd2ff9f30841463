"""Sec. 3.2 and App. D.1 under f/‖f‖ itself: what the model of a fixed E|f|² says of it, and how far that is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import sympy

from derive import Loss, Mean, catalogue, cosine, exp, log, views
from derive.sphere.many_modes import LAMBDA, MODES, excess
from derive.sphere.pairs import pair_form
from numeric.sphere.equal_modes import Sphere
from verify.papers.claims.claim import Measured, Point, Reading
from verify.papers.claims.counterexamples import unit_vectors as counterexamples
from verify.papers.claims.iclr.ledger import ICLR
from verify.papers.claims.iclr.unit_minima import Minimum

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

c = sympy.Symbol("c", positive=True)
x, x_pos, chi = views("x, x_pos, chi")
# Numbers of kept modes from which the limit of many is taken, and the d_M at which it is then compared.
MANY, AT = (50, 100, 200), 100.0
# What is left of the extrapolation, in units of the limit.
LEFT = 1e-3
SETTINGS = ((1.0, 0.9), (2.0, 0.6))
DRAWS, SETS = 1 << 16, 12


@ICLR.claim(
    "iclr:norm-model",
    where='Sec. 3.2, "Effect of Normalization", Eq. (13)',
    says="which modes f/‖f‖ keeps, Eq. (13) says, c = 1 being a temperature of 1: eigenvalues of Σ⁻¹B that exceed the"
    " average of the d_M kept ones less {shift}",
    recorded="refuted",
    kind="error",
    given="f/‖f‖ of a linear model at the temperature 1/c, Gaussian data; one more mode beside d_M kept ones of one"
    " eigenvalue, to leading order in 1/d_M.",
    tried="For InfoNCE (B = A0) and for the spectral loss (B = 2A0), with c as the inverse temperature; the form of"
    " Eq. (13) is right for both, its number for neither.",
    why="The form is right, the number is not. A fixed E|f|² leaves the length of each f free, whose variance enters"
    " the loss and which f/‖f‖ does not have: of the print's coefficient 1 of Tr[(WΣWᵀ)²] a quarter is that of the"
    " negatives, a quarter that of x (counted by mistake, iclr:infonce-quartic), and ½ the cosine's. What f/‖f‖ has"
    " instead is lambda_bar(1 − lambda_bar²), from two views' lengths that vary together. Eq. (13) loses modes too"
    " late.",
    falls=("that Eq. (13) places the collapses of Fig. 6",),
    counterexample=counterexamples.threshold_of_unit_vectors,
    shift=2 * c / MODES,
)
def model() -> Iterator[Reading]:
    """The edge of one more mode beside d_M that are kept equally, to leading order in d_M."""
    infonce = Loss(-c * cosine(x, x_pos) + log(Mean(exp(c * cosine(x, chi)), over=chi)))
    yield Reading(
        {"shift": _of(infonce)}, [_closed(), _slopes("InfoNCE", _infonce)],
        "InfoNCE, B = A0, f/‖f‖ at the temperature 1/c; kept modes of one eigenvalue, many of them",
        how="variances of lengths and cosines, derived as moments",
    )  # fmt: skip
    spectral = Loss(-2 * c * cosine(x, x_pos) + c**2 * Mean(cosine(x, chi) ** 2, over=chi))
    # B is 2 A0, and its eigenvalues are twice the view correlations.
    doubled = 2 * _of(spectral).subs(LAMBDA, LAMBDA / 2)
    yield Reading(
        {"shift": sympy.expand(doubled)}, [_slopes("the spectral loss", _spectral, doubled=True)],
        "the spectral contrastive loss, B = 2 A0, of √c f/‖f‖; kept modes of one eigenvalue, many of them",
        how="variances of lengths and cosines, derived as moments",
    )  # fmt: skip


def _of(loss: Loss) -> sympy.Expr:
    form = pair_form(loss)
    found = None if form is None else excess(form)
    assert found is not None  # noqa: S101 (told the type checker; these losses are of that form)
    return sympy.expand(found / MODES)


def _limit(values: Sequence[Array | float]) -> Array:
    """The value at 1/r = 0 of the polynomial in 1/r through values at the numbers of modes ``MANY``."""
    at = [1 / r for r in MANY]
    weights = [np.prod([u / (u - v) for u in at if u != v]) for v in at]
    return np.asarray(sum(weight * np.asarray(value) for weight, value in zip(weights, values, strict=True)))


def _closed() -> Measured:
    """The exact second derivative along the lost mode, in Gamma and hypergeometric functions."""
    places = []
    for scale, lam in SETTINGS:
        found = float(_limit([r * (lam - Sphere(r, lam, 1 / scale).threshold()) for r in MANY]))
        at = {"c": scale, "d_M": AT, "lambda_bar": lam}
        places.append(Point(at, found / AT, LEFT * found / AT))
    quantity = "λ_bar − λ_c from L″(0) of InfoNCE in closed form, extrapolated in 1/d_M"
    return Measured("shift", "exact", quantity, places, note=f"d_M = {', '.join(map(str, MANY))}")


def _slopes(name: str, of_cosines: object, *, doubled: bool = False) -> Measured:
    """λ_c from averages over drawn lengths and cosines of the loss's slope along the lost mode, as it is defined."""
    places = []
    for scale, lam in SETTINGS:
        draws = [np.array([_edge(of_cosines, r, lam, scale, [k, seed]) for seed in range(SETS)])
                 for k, r in enumerate(MANY[:2])]  # fmt: skip
        # Two numbers of modes: the third would bring more noise than it takes error.
        found = np.array([2 * b - a for a, b in zip(*draws, strict=True)])
        of_B = 2 if doubled else 1
        at = {"c": scale, "d_M": AT, "lambda_bar": of_B * lam}
        error = of_B * float(found.std(ddof=1) / np.sqrt(SETS)) / AT
        places.append(Point(at, of_B * float(found.mean()) / AT, error))
    quantity = f"λ_bar − λ_c of {name} from {SETS * DRAWS:,} draws, extrapolated in 1/d_M"
    return Measured("shift", "monte-carlo", quantity, places, noisy=True, seed=0, note="d_M = 50, 100")


def _edge(of_cosines: object, r: int, lam: float, scale: float, seed: list[int]) -> float:
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
    pull, push = of_cosines(scale, apart, falls)  # type: ignore[operator]
    # −pull (agreeing λ_c + against) + push = 0
    return float(r * (lam - (push / pull - against.mean()) / agreeing.mean()))


def _infonce(scale: float, apart: Array, falls: Array) -> tuple[float, float]:
    """The mean over χ of exp(c cos) is the same for every x where all kept modes are equal."""
    weight = np.exp(scale * apart)
    return scale, float((weight * scale * falls).mean() / weight.mean())


def _spectral(scale: float, apart: Array, falls: Array) -> tuple[float, float]:
    return 2 * scale, float((2 * scale**2 * apart * falls).mean())


# The view correlations of the modes that are kept, and of one whose views are independent.
WEAK, KEPT = 0.6, 4


@ICLR.claim(
    "iclr:norm-strong-always",
    where="Sec. 3.2, App. D.1",
    says="with normalisation a sufficiently strong augmentation can always cause a collapse in its subspace: {always}",
    recorded="conditional",
    given="f/‖f‖ of a linear model on Gaussian data, the global minimum; the augmentation so strong that two views of"
    " the mode are independent.",
    why="Under f/‖f‖ a mode that is all noise still spreads f over the sphere. At a low temperature that is worth more"
    " than the alignment it costs: with 1/τ above the sum of the other modes' view correlations, about, it is kept"
    " however strong its augmentation.",
    counterexample=counterexamples.noise_is_kept,
    always=True,
)
def strong_always() -> Iterator[Reading]:
    """Five modes, one of them of two independent views, which is the strongest augmentation there is."""
    lam = (WEAK,) * KEPT + (0.0,)
    for tau, name in ((sympy.S.One, "1"), (sympy.Rational(1, 10), "1/10")):
        found = Minimum("infonce", lam, temperature=float(tau))
        derived = found.derived(catalogue("infonce+normalised").set({"tau": tau}))
        edge = Sphere(KEPT, WEAK, float(tau)).threshold()
        seen = found.powers[0]
        measured = [
            Measured("always", "exact", "whether λ_c > 0, from L″(0) in closed form", [Point({}, bool(edge > 0))],
                     note=f"λ_c = {edge:.3f}"),
            Measured("always", "trained", "whether the noise is lost where the loss written by hand is lowest",
                     [Point({}, found.lost(seen))], seed=0, note=f"smallest share {seen:.2g}"),
        ]  # fmt: skip
        yield Reading(
            {"always": found.lost(derived[-1])}, measured,
            f"InfoNCE of f/‖f‖ at a temperature of {name}, {KEPT} modes of λ = {WEAK} beside one of noise",
            how="the shares at the minimum of the definition",
        )  # fmt: skip
