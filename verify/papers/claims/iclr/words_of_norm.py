"""Sec. 3.2 and App. D.1 in words: what is said of normalisation, of the constraint that models it, and of a bias."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy

from derive import Loss, catalogue, inner, variance, views
from derive.algebra.signs import sign
from derive.landscape.landscape import a_i, s_i, s_j
from derive.landscape.stationary import T1, m
from verify.papers.claims.claim import Measured, Point, Reading
from verify.papers.claims.counterexamples import unit_vectors as of_unit_vectors
from verify.papers.claims.counterexamples import words_of_norm as counterexamples
from verify.papers.claims.formulas import formula_of
from verify.papers.claims.iclr.conditions import clean, measured_sides, sides
from verify.papers.claims.iclr.ledger import ICLR
from verify.papers.claims.iclr.penalised import (
    SOLVED,
    End,
    Landscape,
    at_ends,
    at_norm,
    c,
    d_M,
    ends,
    generic,
    in_full,
    kappa,
    points,
)
from verify.papers.claims.iclr.table1 import normed
from verify.papers.claims.iclr.unit_edges import HOW, INFONCE, closed, shift
from verify.papers.claims.iclr.unit_minima import Minimum
from verify.papers.claims.iclr.unit_minima import rows as unit_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

d_1 = sympy.Symbol("d_1")
more = sympy.Symbol("more", positive=True)
EQ10 = "Eq. (10), −Tr[WBWᵀ] + Tr[WΣWᵀWΣWᵀ] + κ(E|f|² − c)², A0 and C commuting, Σ ≻ 0"


def minima(strength: float, norm: float = 0.8) -> list[End]:
    """The minima of Eq. (10) for an indefinite B."""
    return ends([0.5, 1.1, -0.3], [0.6, 1.0, 1.5], kappa=strength, c=norm, minimise=True, starts=4)


@ICLR.claim(
    "iclr:r-minimiser",
    where="Sec. 3.2, after Eq. (10)",
    says="‖f(x)‖² = c for all x is a minimiser of the loss function: there, c − E|f|² is {gap}",
    recorded="conditional",
    why="It minimises R. The loss function L + κR has its minimum at another norm, but for κ → ∞; and no linear model"
    " of Gaussian data has |f(x)|² = c for all x, as the paper says itself.",
    given=f"{EQ10}; the minima, M being the modes that they keep and d_M ≥ 1 their number.",
    counterexample=counterexamples.norm_at_the_minimum,
    gap=sympy.S.Zero,
)
def minimiser() -> Iterator[Reading]:
    """Where the slope of R in ρ = E|f|² vanishes, and where that of the whole does."""
    rho = sympy.Symbol("rho")
    (norm,) = sympy.solve(sympy.diff((rho - c) ** 2, rho), rho)
    gaps = [Point({"c": 0.8}, _gap_of_penalty(seed), SOLVED) for seed in (0, 1)]
    yield Reading(
        {"gap": sympy.expand(c - norm)},
        [Measured("gap", "exact", "c − E|f|² where a descent on R alone ends", gaps, note="seeds 0, 1")],
        "the loss function is R alone",
    )
    found = points()
    measured = at_ends("gap", "c − Tr[WΣWᵀ] at minima", minima(0.7), lambda end: end.problem.c - end.norm)
    yield Reading({"gap": c - in_full(found.trace, found)}, [measured], "the loss function is L + κR, κ finite")


def _gap_of_penalty(seed: int) -> float:
    """Of gradient descent on (Tr[WΣWᵀ] − c)², c = 0.8."""
    Sigma_, W = np.diag([0.6, 1.5]), np.random.default_rng(seed).standard_normal((2, 2)) / 2
    for _ in range(400):
        W -= 0.05 * 4 * (np.trace(W @ Sigma_ @ W.T) - 0.8) * W @ Sigma_
    return float(0.8 - np.trace(W @ Sigma_ @ W.T))


x = views("x")[0]


@ICLR.claim(
    "iclr:kappa-constraint",
    where="Sec. 3.2, before Proposition 3",
    says="as κ → ∞ the constraint becomes perfectly satisfied: what is left of it tends to {left}",
    recorded="conditional",
    why="At the minima E|f|² → c, and at every stationary point but W = 0, which stays stationary at every κ. The"
    " constraint as it is written first, |f(x)|² = c for all x, is met by none: |f(x)|² keeps its variance.",
    given=f"{EQ10}; c > 0, some s_i > 0.",
    counterexample=counterexamples.a_variance_that_stays,
    left=sympy.S.Zero,
)
def constraint() -> Iterator[Reading]:
    """Limits of what is left of it: at the minima, at W = 0, and of each |f(x)|²."""
    gaps = [(end.problem.c - end.norm) * strength for strength in (1e3, 1e4) for end in minima(strength)]
    yield Reading(
        {"left": _limit_of_the_gap()},
        [Measured("left", "exact", "c − Tr[WΣWᵀ] at the minima, at κ = 10³ and 10⁴",
                  [Point({}, gap / strength, 5 / strength) for gap, strength in zip(gaps, (1e3, 1e4), strict=False)])],
        "E|f|² = c, at the minima",
    )  # fmt: skip
    problem = Landscape(np.diag([1.0, 0.5]), np.diag([1.0, 2.0]), np.eye(2), 1e3, 0.8, 0)
    slope = float(np.abs(problem.gradient(np.zeros(4))).max())
    yield Reading(
        {"left": c},
        [Measured("left", "exact", "c − E|f|² at W = 0, the slope there vanishing",
                  [Point({"c": 0.8}, 0.8 if slope < 1e-12 else float("nan"), SOLVED)])],
        "E|f|² = c, at all stationary points, W = 0 among them",
    )  # fmt: skip
    spread = formula_of(Loss(variance(inner(x, x), over=x)).expand(4))
    yield Reading({"left": spread}, list(_spread()), "|f(x)|² = c for all x: the mean square of |f(x)|² − c")


def _limit_of_the_gap() -> sympy.Expr:
    """As κ → ∞, the sum of the kept eigenvalues growing with it: Σ(r + 2κc) over m modes."""
    gap = c - points().trace.subs(T1, sympy.Symbol("r_sum") + 2 * kappa * c * m)
    return sympy.limit(sympy.cancel(gap), kappa, sympy.oo)


def _spread() -> Iterator[Measured]:
    nodes, weights = np.polynomial.hermite_e.hermegauss(5)
    grid = np.stack(np.meshgrid(nodes, nodes, indexing="ij"), -1).reshape(-1, 2)
    p = np.outer(weights, weights).ravel() / weights.sum() ** 2
    exact, drawn = [], []
    for end in ends([0.9, 0.8], [1.5, 0.7], c=0.8, minimise=True, starts=2)[:1]:
        root = np.linalg.cholesky(end.problem.Sigma).T
        squares = (((grid @ root) @ end.W.T) ** 2).sum(-1)
        exact.append(Point(end.letters, float(p @ (squares - end.problem.c) ** 2), SOLVED))
        many = np.random.default_rng(0).standard_normal((400_000, 2))
        off = ((((many @ root) @ end.W.T) ** 2).sum(-1) - end.problem.c) ** 2
        drawn.append(Point(end.letters, float(off.mean()), float(off.std() / np.sqrt(len(off)))))
    yield Measured("left", "exact", "E(|f|² − c)² at a minimum, κ = ∞, on quadrature nodes", exact)
    yield Measured("left", "monte-carlo", "the same, 400,000 draws", drawn, noisy=True, seed=0)


@ICLR.claim(
    "iclr:norm-anisotropic",
    where="Sec. 3.2, after Proposition 3",
    says="the rescaling by normalisation is stronger on mode i than on j where {stronger}",
    recorded="conditional",
    why="B gets 2κ(c − ρ)Σ, which is stronger where s_i is large. WᵀW changes by κ(c − ρ)Σ⁻¹, which is stronger where"
    " it is small, and the variance of the representation, Σ^½WᵀWΣ^½, by κ(c − ρ) along all kept modes alike.",
    given=f"{EQ10}; all stationary points, against those of Eq. (3) with the same mask; no two modes of one b_i/s_i.",
    counterexample=counterexamples.weights_of_two_modes,
    stronger=sympy.Gt(s_i, s_j),
)
def anisotropic() -> Iterator[Reading]:
    """The term that emerges beside b_i, brought into WᵀW (over 2 s_i²) and into the power (over 2 s_i)."""
    term = sympy.factor(2 * at_norm(points()) * s_i - a_i)
    strength = sympy.cancel(term / s_i)
    for name, share, value in (
        ("on B", term, lambda end: end.correction()),
        ("on WᵀW", term / (2 * s_i**2), lambda end: end.gram - _unpenalised(end)),
    ):
        effect = sympy.cancel(share / strength)
        yield Reading(
            {"stronger": sympy.Gt(effect, effect.subs(s_i, s_j))},
            [_effects(f"{name}, between modes", value)],
            name=name,
        )
    power = sympy.cancel(term / (2 * s_i) / strength)
    yield Reading(
        {"stronger": sympy.Gt(power, power.subs(s_i, s_j))},
        [_effects("on Σ^½WᵀWΣ^½, between modes", _of_power)],
        name="on the variance of the representation, Σ^½WᵀWΣ^½",
    )


def _unpenalised(end: End) -> Any:
    inverse = np.linalg.inv(end.problem.Sigma)
    return inverse @ end.letters["B"] @ end.letters["M"] @ inverse / 2


def _of_power(end: End) -> Any:
    root = np.linalg.cholesky(end.frame.T @ end.problem.Sigma @ end.frame)
    return end.frame @ root @ end.frame.T @ (end.gram - _unpenalised(end)) @ end.frame @ root @ end.frame.T


def _close(seed: int) -> list[End]:
    """Minima that keep two modes whose s_i are 2 to 8 % apart."""
    rng = np.random.default_rng(seed)
    s, b = 2 ** rng.uniform(-1, 1), rng.uniform(0.4, 1.2, 2)
    apart = 1 + rng.uniform(0.02, 0.08)
    found = ends(b, [s, s * apart], kappa=0.7, c=2.0, minimise=True, starts=3, seed=seed)
    return [end for end in found if end.kept.all()]


def _effects(quantity: str, value: Callable[[End], Any], seeds: Sequence[int] = (0, 1)) -> Measured:
    places = []
    for end in (*generic(), *(end for seed in seeds for end in _close(seed))):
        if end.kept.sum() < 2:
            continue
        effect = np.abs(np.diag(end.frame.T @ value(end) @ end.frame))
        s = np.diag(end.frame.T @ end.problem.Sigma @ end.frame)
        i, j = np.flatnonzero(end.kept)[:2]
        for one, other in ((i, j), (j, i)):
            larger = effect[one] > effect[other] * (1 + 1e-6)
            places.append(Point({"s_i": s[one], "s_j": s[other]}, bool(larger)))
    return Measured("stronger", "exact", f"which is larger, {quantity}, at stationary points of Eq. (10)", places)


@ICLR.claim(
    "iclr:bias-trivial",
    where='Sec. 3.2, "Effect of Bias"',
    says="with a bias the trivial solution W = 0, b = 1 satisfies the constraint E|f|² = 1: off by {off}; it is"
    " stationary: {stationary}",
    recorded="conditional",
    why="It does where b is a vector of length 1; the vector of ones has |b|² = d1. Simplest is no minimum: the loss"
    " falls from there along every mode with b_i > 0 (iclr:bias-complete).",
    given="Eq. (10) of f = Wx + b with E[x] = 0 and c = 1, of a loss that sees differences of f.",
    counterexample=counterexamples.a_vector_of_ones,
    off=sympy.S.Zero,
    stationary=True,
)
def trivial() -> Iterator[Reading]:
    """E|Wx + b|² = |b|² at W = 0, where Eq. (10) depends on b by it alone."""
    for name, square, stationary, b in (
        ("b is a vector of length 1", sympy.S.One, True, np.array([0.6, 0.8, 0.0])),
        ("b is the vector of ones, d1 > 1", d_1, False, np.ones(3)),
    ):
        problem = Landscape(np.diag([1.0, 0.5, -0.2]), np.diag([1.0, 2.0, 0.7]), np.eye(3), 2.0, 1.0, 0)
        slope = np.abs(problem.gradient(np.concatenate([np.zeros(9), b]))).max()
        off = float((np.zeros((8, 3)) + b) @ b @ np.full(8, 1 / 8) - 1)
        # 4κ(|b|² − c) b is the gradient in b.
        gone = sympy.simplify(4 * kappa * (square - 1)) == 0
        assert gone is stationary  # noqa: S101 (the list above says which)
        yield Reading(
            {"off": square - 1, "stationary": gone},
            [
                Measured("off", "exact", "E|f|² − 1 of W = 0, d1 = 3", [Point({"d_1": 3.0}, off, SOLVED)]),
                Measured("stationary", "exact", "whether the slope vanishes, d1 = 3", [Point({}, bool(slope < 1e-9))]),
            ],
            name=name,
        )


@ICLR.claim(
    "iclr:scl-norm",
    where="Sec. 3.2, after Eq. (15)",
    says="the spectral contrastive loss with normalisation: can dimensional collapse happen: {dimensional}, complete"
    " collapse: {complete}",
    recorded="refuted",
    kind="error",
    why="Without normalisation it never collapses, B being 2A0. With E|f|² fixed a mode is lost whose a_i/s_i lies far"
    " enough below the average of the kept ones, as for InfoNCE, and so Table 1 has it in the row of normalisation.",
    falls=("that normalised SCL does not collapse, in contrast to row 5 of Table 1",),
    given="Gaussian data, d1 = d0, the global minimum: at order 4 with E|f|² = c as κ → ∞, or of f/‖f‖ itself at √c ="
    " 1.",
    tried="Read as complete collapse alone it holds, as for every normalised loss; the sentence does not say so, and"
    " compares with InfoNCE, whose normalised form the section has just shown to lose dimensions.",
    counterexample=counterexamples.spectral_at_fixed_norm,
    dimensional=False,
    complete=False,
)
def spectral_with_norm() -> Iterator[Reading]:
    """The readings of Table 1's row of normalisation for this loss."""
    yield normed("spectral", catalogue("spectral").title, bias=False)
    yield unit_rows("spectral", bias=False)


@ICLR.claim(
    "iclr:eq19",
    where="Eq. (19), App. D.1",
    says="with negligible augmentation the condition is {margin} > 0, so that small augmentation never causes"
    " collapse; all modes are kept: {kept}",
    recorded="conditional",
    why="For the model of a fixed E|f|²; how small is small depends on d_M, since the r_i may differ by less than"
    " 2/d_M. Under f/‖f‖ itself InfoNCE has 1/d_M, by which the sentence stands as well; and the mean of a sample takes"
    " a mode at any augmentation: see iclr:fig6.",
    given="B = A0 − C and c = 1 in the model; of f/‖f‖ InfoNCE, B = A0, on centred Gaussian data at a temperature of 1,"
    " to leading order in 1/d_M.",
    counterexample=of_unit_vectors.margin_without_augmentation,
    margin=2 / d_M,
    kept=True,
)
def negligible() -> Iterator[Reading]:
    """Left less right side where all eigenvalues of Σ⁻¹B_M are 1."""
    found = sides(clean(), (d_M - 1) * clean())
    margin = sympy.simplify(found["left"] - found["right"])
    cases = [(tuple(np.linspace(0.5, 2, k)), (0.0,) * k) for k in (1, 2, 5)]
    left, right = measured_sides(cases)
    apart = [
        Point(one.at, one.found - other.found, 1e-12) for one, other in zip(left.points, right.points, strict=True)
    ]
    a, noise = np.array([0.5, 1.0, 1.6]), np.array([2e-3, 1e-3, 3e-3])
    lowest = ends(a - noise, a + noise, c=1.0, minimise=True, starts=4)
    yield Reading(
        {"margin": margin, "kept": sign(sympy.together(margin)) == 1},
        [
            Measured("margin", "exact", "r_i + 2/d_M less the average of the r's, from matrices", apart),
            Measured("kept", "exact", "whether the minima keep all, c_i/a_i ≤ 0.004",
                     [Point({}, all(end.kept.all() for end in lowest))]),
        ],
        "E|f|² is fixed, as Sec. 3.2 models f/‖f‖",
    )  # fmt: skip
    alike = Minimum("infonce", (0.999, 0.998, 0.997, 0.996))
    shares = alike.derived(catalogue("infonce+normalised").set({"tau": 1}))
    edge = closed(((1.0, 1 - 1e-9),))
    yield Reading(
        {"margin": shift(INFONCE, sympy.S.One).subs(c, 1), "kept": not alike.lost(shares.min())},
        [
            replace(edge, of="margin"),
            Measured("kept", "trained", "whether all are kept where the loss written by hand is lowest, 1 − λ ≤ 0.004",
                     [Point({}, not alike.lost(alike.powers[0]))], seed=0),
        ],
        "f/‖f‖ itself at a temperature of 1, InfoNCE, many kept modes",
        how=f"{HOW}; the shares at the minimum of the definition",
    )  # fmt: skip


@ICLR.claim(
    "iclr:d1-saddle",
    where="App. D.1, after Eq. (21)",
    says="with data that are not of rank 1, the point where only the strongly augmented subspace is kept is a {sort}",
    recorded="conditional",
    why="The loss falls from it along every other mode. It rises along the kept one at a finite κ, which makes a"
    " saddle; with E|f|² = c fixed nothing rises, and it is a maximum. Descent leaves it either way, as the paper"
    " says.",
    given=f"{EQ10}; B = A0 − C with r_j = −1 on the kept mode and r_i = 1 on the others.",
    counterexample=counterexamples.the_top_of_a_sphere,
    sort="saddle",
)
def only_the_strong_one() -> Iterator[Reading]:
    """Second derivatives at h_j: along j, along another mode in its row, and in a row of its own."""
    isotropic = points().isotropic
    r, t, v, own, other = sympy.symbols("r t v own other")
    V = sympy.Matrix([[r, t], [0, v]])
    shift = 2 * kappa * c
    P = V * V.T
    loss = -(V * sympy.diag(own + shift, other + shift) * V.T).trace()
    loss += isotropic.q1 * (P * P).trace() + isotropic.q2 * P.trace() ** 2
    power = (own + shift) / (2 * (isotropic.q1 + isotropic.q2))
    at = {t: 0, v: 0, r: sympy.sqrt(power)}
    values = {own: -1, other: 1, c: 1, kappa: 1 + more}
    along, beside, below = (sign(sympy.simplify(sympy.diff(loss, one, 2).subs(at).subs(values))) for one in (r, t, v))
    found: dict[frozenset[int | None], str] = {
        frozenset({1, -1}): "saddle",
        frozenset({-1}): "maximum",
        frozenset({1}): "minimum",
    }
    for name, signs, strength in (
        ("W is free, κ finite", {along, beside, below}, 3.0),
        ("on E|f|² = c, κ → ∞", {beside, below}, inf),
    ):
        place = ends([-1.0, 0.9], [1.0, 0.9], kappa=strength, c=1.0, within=[0], starts=6)
        seen = [
            Point({}, found.get(frozenset(_signs(end)), "other")) for end in place if end.kept.tolist() == [True, False]
        ]
        yield Reading(
            {"sort": found.get(frozenset(signs), "other")},
            [Measured("sort", "exact", "signs of the second derivatives there, by differences", seen)],
            name=name,
        )


def _signs(end: End) -> set[int]:
    """Signs of the Hessian's eigenvalues that are not zero; with a fixed norm, along the surface of that norm."""
    z = end.W.ravel()
    hessian = end.problem.hessian(z)
    if end.problem.kappa == inf:
        along = (end.W @ end.problem.Sigma).ravel()
        keep = np.eye(len(z)) - np.outer(along, along) / (along @ along)
        hessian = keep @ hessian @ keep
    return {int(np.sign(one)) for one in np.linalg.eigvalsh(hessian) if abs(one) > 1e-3}
