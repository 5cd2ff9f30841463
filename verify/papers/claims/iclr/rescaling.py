"""Appendix F.1: views x = s x̂ with a random scale s, exponential of mean b, drawn anew for each view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import sympy

from derive import Elliptical, Loss, Mean, catalogue, half_sq, inner, variance, views
from numeric.cubature import gaussian_cubature
from verify.papers.claims.claim import Measured, Point, Reading
from verify.papers.claims.counterexamples import rescaling as counterexamples
from verify.papers.claims.formulas import A0, B, Sigma, Tr, W, formula_of
from verify.papers.claims.iclr.ledger import ICLR
from verify.papers.claims.measuring import TOLERANCE, random_point

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

x, chi = views("x, chi")
b = sympy.Symbol("b", positive=True)
s_x, s_chi = sympy.symbols("s_x s_chi", positive=True)
DRAWS = 400_000

TWO_TRACES = Tr(W * A0 * W.T) ** 2
ONE_TRACE = Tr(W * A0 * W.T * W * A0 * W.T)


def moment(power: int) -> sympy.Expr:
    """E[s^power] of the exponential law, by integration."""
    s = sympy.Symbol("s", positive=True)
    return sympy.integrate(s**power * sympy.exp(-s / b) / b, (s, 0, sympy.oo))


def in_clean_data(loss: Loss) -> sympy.Expr:
    """The fourth order of a loss of such views, in A0 = E[x̂ x̂ᵀ].

    The engine measures a scale in units of √E[s²], and writes Σ for the covariance of the views, E[s²] A0.
    """
    square = moment(2)
    units = {k: sympy.simplify(moment(k) / square ** sympy.Rational(k, 2)) for k in (1, 4)}
    formula = formula_of(loss.expand(4, data=Elliptical(units, per="view")), order=4)
    return sympy.expand(square**2 * formula.xreplace({Sigma: A0}))


def nodes(seed: int, scale: float) -> tuple[Any, Any, Any, Any]:
    """W, A0, and nodes and weights of a view (m, d0) and (m,), exact through the fourth power of it."""
    W_, data = random_point(seed)
    u, p = gaussian_cubature(2, 5, positive=True)
    s, q = np.polynomial.laguerre.laggauss(6)
    hat = u @ np.linalg.cholesky(data.A0).T
    seen = (scale * s[:, None, None] * hat[None]).reshape(-1, 2)
    return W_, data.A0, seen, np.outer(q, p).ravel()


def drawn(seed: int, scale: float, number: int) -> tuple[Any, Any, list[Any]]:
    """W, A0, and independent views of ``number`` independent data, (DRAWS, d0) each."""
    W_, data = random_point(seed)
    rng = np.random.default_rng([seed, 1])
    root = np.linalg.cholesky(data.A0).T
    return W_, data.A0, [
        rng.exponential(scale, (DRAWS, 1)) * (rng.standard_normal((DRAWS, 2)) @ root) for _ in range(number)
    ]  # fmt: skip


SCALES = ((0, 0.7), (1, 1.3))


def measured(slot: str, quantity: str, exact: Callable[..., Any], sampled: Callable[..., Any], number: int) -> Any:
    """An average of views on nodes and from draws, with A0 and b; ``sampled`` gives a value a draw."""
    points = []
    for seed, scale in SCALES:
        W_, covariance, seen, weights = nodes(seed, scale)
        points.append(Point({"W": W_, "A_0": covariance, "b": scale}, exact(W_, seen, weights), TOLERANCE))
    yield Measured(slot, "exact", f"{quantity}, on Gauss-Laguerre and Gauss-Hermite nodes", points)
    W_, covariance, seen = drawn(0, SCALES[0][1], number)
    yield Measured(
        slot,
        "monte-carlo",
        f"{quantity}, {DRAWS:,} draws",
        [_mean({"W": W_, "A_0": covariance, "b": SCALES[0][1]}, sampled(W_, *seen))],
        noisy=True,
        seed=0,
    )


def _mean(at: dict[str, Any], values: Any) -> Point:
    mean = values.mean(0)
    error = float(np.max(values.std(0)) / np.sqrt(len(values)))
    return Point(at, float(mean) if mean.ndim == 0 else mean, error)


@ICLR.claim(
    "iclr:eq53",
    where="Eq. (53)",
    says="with A0 = E[x̂ x̂ᵀ], E[x xᵀ] = {second}",
    recorded="holds",
    second=2 * b**2 * A0,
)
def second_moment() -> Iterator[Reading]:
    """E[s²] times A0, s and x̂ being independent."""
    found = measured(
        "second", "E[x xᵀ]", lambda _, u, p: (u * p[:, None]).T @ u, lambda _, u: u[:, :, None] * u[:, None], 1
    )
    yield Reading({"second": moment(2) * A0}, list(found), how="E[s²] integrated")


@ICLR.claim(
    "iclr:eq54",
    where="Eq. (54), used in Eqs. (56), (57)",
    says="C = E[(b − s)² x̂ x̂ᵀ] = {noise}, used as Σ − A0 = {difference}",
    recorded="conditional",
    given="x = s x̂, s exponential with mean b, independent of x̂ and drawn for each view.",
    why="Σ − A0 with A0 = E[x̂ x̂ᵀ] is (2b² − 1) A0, which is b² A0 at b = 1 alone: E[x | x̂] = b x̂. C and the A0"
    " that go together are Σ − E[x x′ᵀ] and E[x x′ᵀ] = b² E[x̂ x̂ᵀ] of two views, as in iclr:eq4-general.",
    counterexample=counterexamples.sigma_less_a0,
    noise=b**2 * A0,
    difference=b**2 * A0,
)
def noise_covariance() -> Iterator[Reading]:
    """The A0 on the right is E[x̂ x̂ᵀ], that of Eq. (53); on the left it is this one or that of two views."""
    noise = moment(2) - 2 * b * moment(1) + b**2
    spread = list(_spread())
    for name, subtracted, twice in (
        ("A0 is E[x̂ x̂ᵀ] on both sides, as Sec. 3 defines it", sympy.S.One, False),
        ("the A0 in Σ − A0 is the moment E[x x′ᵀ] of two views", moment(1) ** 2, True),
    ):
        derived = {"noise": sympy.expand(noise) * A0, "difference": (moment(2) - subtracted) * A0}
        yield Reading(derived, [*spread, *_difference(twice=twice)], name=name, how="the moments of s integrated")


def _spread() -> Iterator[Measured]:
    """E[(b − s)² x̂ x̂ᵀ]: x̂ and s apart."""
    points = []
    s, q = np.polynomial.laguerre.laggauss(6)
    for seed, scale in SCALES:
        W_, data = random_point(seed)
        u, p = gaussian_cubature(2, 3, positive=True)
        hat = u @ np.linalg.cholesky(data.A0).T
        value = float(q @ (scale - scale * s) ** 2) * ((hat * p[:, None]).T @ hat)
        points.append(Point({"W": W_, "A_0": data.A0, "b": scale}, value, TOLERANCE))
    yield Measured("noise", "exact", "E[(b − s)² x̂ x̂ᵀ] on nodes", points)


def _difference(*, twice: bool) -> Iterator[Measured]:
    """Σ − E[x̂ x̂ᵀ], or Σ − E[x x′ᵀ] with x′ = s′ x̂."""
    points = []
    s, q = np.polynomial.laguerre.laggauss(6)
    for seed, scale in SCALES:
        W_, covariance, seen, weights = nodes(seed, scale)
        common = float(q @ (scale * s)) ** 2 if twice else 1.0
        value = (seen * weights[:, None]).T @ seen - common * covariance
        points.append(Point({"W": W_, "A_0": covariance, "b": scale}, value, TOLERANCE))
    yield Measured("difference", "exact", "Σ less the moment, on nodes", points)
    seed, scale = SCALES[0]
    W_, data = random_point(seed)
    rng = np.random.default_rng([seed, 2])
    hat = rng.standard_normal((DRAWS, 2)) @ np.linalg.cholesky(data.A0).T
    one, other = (rng.exponential(scale, (DRAWS, 1)) * hat for _ in range(2))
    left = other if twice else hat
    first = one if twice else hat
    values = one[:, :, None] * one[:, None] - first[:, :, None] * left[:, None]
    point = _mean({"W": W_, "A_0": data.A0, "b": scale}, values)
    yield Measured("difference", "monte-carlo", f"the same, {DRAWS:,} draws", [point], noisy=True, seed=seed)


@ICLR.claim(
    "iclr:eq58-variance",
    where="before Eq. (59)",
    says="at fixed s_x and s_chi, W(x − χ) is Gaussian with the covariance {covariance}",
    recorded="refuted",
    kind="error",
    given="x̂ and χ̂ independent with E x̂x̂ᵀ = A0, s_x and s_χ fixed.",
    tried="With one x̂ for both, a scale apart, it would be (s_x − s_χ)² WA0Wᵀ, which is not the print either; and 2Σ"
    " for Σ = s²A0 of equal scales, which counts s_x² + s_χ² twice.",
    why="x̂ and χ̂ are independent with the covariance A0 each, so that s_x x̂ − s_chi χ̂ has (s_x² + s_chi²) A0: there"
    " is no factor 2. Two views of one covariance Σ have 2Σ, but here s_x² + s_chi² has counted both already.",
    falls=("the factors 4 and 8 in Eq. (59)", "iclr:eq60", "iclr:eq61"),
    counterexample=counterexamples.fixed_scales,
    covariance=2 * (s_x**2 + s_chi**2) * W * A0 * W.T,
)
def covariance_at_fixed_scales() -> Iterator[Reading]:
    """The engine gives E|W(s_x x̂ − s_χ χ̂)|² = Tr[W M Wᵀ] for every W, and so the covariance W M Wᵀ."""
    square = s_x**2 * inner(x, x) + s_chi**2 * inner(chi, chi) - 2 * s_x * s_chi * inner(x, chi)
    total = formula_of(Loss(Mean(square, over=(x, chi))).expand(2)).xreplace({Sigma: A0})
    factor = sympy.factor(total.coeff(Tr(W * A0 * W.T)))
    points, noisy = [], []
    for k, (one, other) in enumerate(((0.6, 1.7), (2.0, 0.3))):
        W_, data = random_point(k)
        letters = {"W": W_, "A_0": data.A0, "s_x": one, "s_chi": other}
        root = np.linalg.cholesky(data.A0).T

        def embedded(u: Any, W_: Any = W_, one: float = one, other: float = other, root: Any = root) -> Any:
            return (one * u[:, :2] @ root - other * u[:, 2:] @ root) @ W_.T

        u, p = gaussian_cubature(4, 3)
        z = embedded(u)
        points.append(Point(letters, (z * p[:, None]).T @ z, TOLERANCE))
        z = embedded(np.random.default_rng(k).standard_normal((DRAWS // 2, 4)))
        noisy.append(_mean(letters, z[:, :, None] * z[:, None]))
    found = [
        Measured("covariance", "exact", "E[z zᵀ] of z = W(s_x x̂ − s_χ χ̂), on cubature nodes", points),
        Measured("covariance", "monte-carlo", f"the same, {DRAWS // 2:,} draws", noisy, noisy=True, seed=0),
    ]
    yield Reading({"covariance": factor * W * A0 * W.T}, found)


@ICLR.claim(
    "iclr:eq59-moment",
    where="after Eq. (59)",
    says="E[(s_x² + s_chi²)²] = {moment}",
    recorded="holds",
    moment=56 * b**4,
)
def moment_of_scales() -> Iterator[Reading]:
    """The two scales are independent."""
    square = 2 * moment(4) + 2 * moment(2) ** 2
    s, q = np.polynomial.laguerre.laggauss(6)
    exact = [
        Point({"b": scale}, float(q @ ((scale * s[:, None]) ** 2 + (scale * s[None]) ** 2) ** 2 @ q), 1e-6)
        for _, scale in SCALES
    ]
    one, other = np.random.default_rng(0).exponential(0.7, (2, 4 * DRAWS))
    found = [
        Measured("moment", "exact", "on Gauss-Laguerre nodes", exact),
        Measured(
            "moment", "monte-carlo", f"{4 * DRAWS:,} draws", [_mean({"b": 0.7}, (one**2 + other**2) ** 2)],
            noisy=True, seed=0,
        ),
    ]  # fmt: skip
    yield Reading({"moment": square}, found, how="the moments of s integrated")


@ICLR.claim(
    "iclr:eq60",
    where="Eq. (60)",
    says="Var[|W(x − χ)|²] over x and χ is {variance}",
    recorded="refuted",
    kind="error",
    given="x = s_x x̂, χ = s_χ χ̂, all four independent, x̂ and χ̂ Gaussian with covariance A0, s exponential of mean"
    " b; exact. The mean over x of the variance over χ is 64 b⁴ Tr[WA0WᵀWA0Wᵀ] + 20 b⁴ Tr[WA0Wᵀ]².",
    tried="With b⁴ for b² and the covariance of iclr:eq58-variance put right, which divides both terms by 4, it is"
    " 112 b⁴ and 48 b⁴: the first is then right, the second still 8 b⁴ too large. Nor is it the mean over x of the"
    " variance over χ.",
    why="Three things meet. The covariance at fixed scales is taken twice too large, so that the fourth moment is four"
    " times too large; b² stands where all terms are of order b⁴; and the squared mean that is to be subtracted is"
    " (4b² Tr[WA0Wᵀ])², 16 b⁴ of the second trace.",
    falls=("iclr:eq61",),
    counterexample=counterexamples.joint_variance,
    variance=48 * b**2 * 4 * TWO_TRACES + 56 * b**4 * 8 * ONE_TRACE,
)
def joint_variance() -> Iterator[Reading]:
    """Over everything that varies: the data and both scales."""
    found = measured("variance", "Var[|W(x − χ)|²]", _variance_on_nodes, _spread_of_draws, 2)
    derived = in_clean_data(Loss(variance(2 * half_sq(x, chi), over=(x, chi))))
    yield Reading({"variance": derived}, list(found))


def _squares(W_: Any, seen: Any) -> Any:
    return (((seen[:, None] - seen[None]) @ W_.T) ** 2).sum(-1)


def _variance_on_nodes(W_: Any, seen: Any, p: Any) -> float:
    q = _squares(W_, seen)
    return float(p @ q**2 @ p - (p @ q @ p) ** 2)


def _spread_of_draws(W_: Any, u: Any, v: Any) -> Any:
    q = (((u - v) @ W_.T) ** 2).sum(-1)
    return (q - q.mean()) ** 2


@ICLR.claim(
    "iclr:eq61",
    where="Eqs. (51), (61)",
    says="the loss is L = {second} + {quartic}",
    recorded="refuted",
    kind="error",
    given="x = s x̂ as in Eq. (52), a scale a view, Gaussian x̂; through order 4. For InfoNCE −Tr[WBWᵀ] is −b²"
    " Tr[WA0Wᵀ].",
    tried="⅛ of the variance over x and χ, as Eq. (51) says, and InfoNCE from its definition; that Eq. (60) with b⁴ for"
    " b² is meant does not mend it, see there.",
    why="It is an eighth of Eq. (60), whose terms are corrected in iclr:eq60. From the definition of InfoNCE, whose"
    " variance is taken at fixed x, they are smaller still.",
    falls=("that this is Eq. (10) with c = 0 and κ = 24b²",),
    counterexample=counterexamples.rescaled_quartic,
    second=-Tr(W * B * W.T),
    quartic=24 * b**2 * TWO_TRACES + 56 * b**4 * ONE_TRACE,
)
def rescaled_loss() -> Iterator[Reading]:
    """B is left open there; what is stated is the quartic part, which Eq. (51) says to be ⅛ Var over x and χ."""
    joint = measured(
        "quartic", "⅛ Var[|W(x − χ)|²]", lambda *at: _variance_on_nodes(*at) / 8,
        lambda *at: _spread_of_draws(*at) / 8, 2,
    )  # fmt: skip
    yield Reading(
        {
            "second": -Tr(W * B * W.T),
            "quartic": in_clean_data(Loss(variance(2 * half_sq(x, chi), over=(x, chi)))) / 8,
        },
        [*joint, *_left_open()],
        name="⅛ of the variance over x and χ, as Eq. (51) says",
    )
    defined = measured("quartic", "fourth order of Eq. (2)", _fourth_order, _spread_at_fixed_x, 3)
    # The moment of two views is E[s]² A0.
    second = formula_of(catalogue("infonce").expand(2)).xreplace({A0: moment(1) ** 2 * A0})
    yield Reading(
        {"second": sympy.expand(second.doit()), "quartic": in_clean_data(catalogue("infonce"))},
        [*defined, *_second_of_infonce()],
        name="InfoNCE from its definition, Eq. (2), B = b² A0",
        definitions={B: b**2 * A0},
    )


def _left_open() -> Iterator[Measured]:
    """B is any symmetric matrix there: the form alone, at one."""
    W_, data = random_point(0)
    value = -float(np.trace(W_ @ data.C @ W_.T))
    yield Measured(
        "second", "exact", "−Σ of (WB)·W at a symmetric B", [Point({"W": W_, "B": data.C}, value, TOLERANCE)]
    )


def _second_of_infonce() -> Iterator[Measured]:
    """½E|W(x − x′)|² − ½E|W(x − χ)|² on nodes of both scales of a datum."""
    points = []
    s, q = np.polynomial.laguerre.laggauss(6)
    for seed, scale in SCALES:
        W_, data = random_point(seed)
        u, p = gaussian_cubature(2, 3, positive=True)
        hat = u @ np.linalg.cholesky(data.A0).T @ W_.T
        square = float(p @ (hat**2).sum(-1))
        one, two = float(q @ (scale * s) ** 2), float(q @ (scale * s)) ** 2
        value = (one - two) * square - one * square
        points.append(Point({"W": W_, "A_0": data.A0, "b": scale}, value, TOLERANCE))
    yield Measured("second", "exact", "second order of Eq. (2) on nodes", points)


def _fourth_order(W_: Any, seen: Any, p: Any) -> float:
    """The coefficient of t² in E_x log E_χ exp(−t |W(x − χ)|²/2), by Cauchy's integral on a circle."""
    q = _squares(W_, seen)
    t = 1e-3 * np.exp(2j * np.pi * np.arange(16) / 16)
    values = np.array([p @ np.log(np.exp(-one * q / 2) @ p) for one in t])
    return float((values / t**2).mean().real)


def _spread_at_fixed_x(W_: Any, u: Any, v: Any, other: Any) -> Any:
    """⅛ of the variance over χ at fixed x, from two χ for each x; the second cumulant of −½|W(x − χ)|² halved."""
    one, two = ((((u - end) @ W_.T) ** 2).sum(-1) for end in (v, other))
    return (one - two) ** 2 / 16
