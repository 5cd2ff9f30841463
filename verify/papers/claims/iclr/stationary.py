"""Theorem 1 and its proof, Eqs. (30) to (37): the stationary points of −Tr[WBWᵀ] + Tr[WΣWᵀWΣWᵀ].

All of this is judged for that landscape as it is printed. That InfoNCE has ¾ of its quartic is `iclr:infonce-quartic`.
Σ is positive definite throughout, as the print takes it to be; B is any symmetric matrix.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import sympy

from derive import Loss, half_sq, inner, variance, views
from derive.landscape.mode_potential import b as level
from derive.landscape.proof import gradient_factor, proof
from derive.landscape.stationary import StationaryPoints, stationary
from verify.papers.claims.canonical import polynomial, same
from verify.papers.claims.claim import Measured, Point, Reading
from verify.papers.claims.counterexamples import stationary as counterexamples
from verify.papers.claims.formulas import B, Diagonal, H, Lambda, M, Sigma, U, W, d0, d1, identity
from verify.papers.claims.iclr.ends import TOLERANCE, End, Problem, commuting, with_eigenvalues
from verify.papers.claims.iclr.ledger import ICLR

half = sympy.Rational(1, 2)
# An eigenvalue of Σ^½ B⁻¹ Σ^½, and that of H on the same eigenvector.
mu, h, r_i = sympy.symbols("mu_i h_i r_i")
# d0 and d1 as plain numbers.
columns, rows = sympy.symbols("d_0 d_1")
# Where B and Σ commute, with B_M, they are diagonal together.
S, B_, BM = Diagonal("Sigma", d0), Diagonal("B", d0), Diagonal("B_M", d0)


@cache
def theory() -> StationaryPoints:
    """The engine's stationary points of Eq. (3), A0 in the place of B: it is a symmetric matrix and nothing more."""
    x, x_pos, chi = views("x, x_pos, chi")
    eq3 = Loss(-inner(x, x_pos) + variance(2 * half_sq(x, chi), over=(x, chi)) / 8, name="Eq. (3)")
    (points,) = stationary(eq3.expand(4))
    return points


def slope_factor(G: sympy.MatrixExpr) -> sympy.MatrixExpr:
    """M in ∇L = W M, at G = WᵀW."""
    return gradient_factor(theory().isotropic, G, Sigma, B)


@cache
def narrow() -> Problem:
    """Three positive modes and two rows; as those below, B and Σ do not commute."""
    return with_eigenvalues((1.2, 0.8, 0.5), 2, seed=2)


@cache
def wide() -> Problem:
    """Two positive modes and three rows."""
    return with_eigenvalues((1.2, 0.5), 3, seed=2)


@cache
def indefinite() -> Problem:
    """A negative mode."""
    return with_eigenvalues((0.9, 0.5, -0.8), 2, seed=2)


@cache
def singular() -> Problem:
    """A mode along which B vanishes, and a negative one."""
    return with_eigenvalues((0.9, 0.0, -0.6), 2, seed=4)


@cache
def degenerate() -> Problem:
    """Two equal modes."""
    return with_eigenvalues((0.8, 0.8, 0.5), 2, seed=5)


def tidied(value: sympy.MatrixExpr) -> sympy.MatrixExpr:
    """A matrix expression with its products written out and neighbouring powers joined."""
    letters = {one.name: one for one in value.atoms(sympy.MatrixSymbol)}
    terms = []
    for word, weight in polynomial(value).items():
        factors = ((letters[one.name].T if one.turned else letters[one.name]) ** one.power for one in word)
        terms += [weight * sympy.MatMul(*factors)] if weight != 0 else []
    return sympy.MatAdd(*terms) if len(terms) > 1 else terms[0]


def newton_ends(slot: str, quantity: str, points: list[Point]) -> list[Measured]:
    """What was found where Newton's iteration ends."""
    return [Measured(slot, "exact", f"{quantity}, where Newton's iteration on the loss ends", points)]


def matrix_power(value: sympy.Expr, eigenvalue: sympy.Symbol) -> sympy.MatrixExpr:
    """A monomial in an eigenvalue as one in Λ."""
    coefficient, exponent = value.as_coeff_exponent(eigenvalue)
    return coefficient * Lambda**exponent


@ICLR.claim(
    "iclr:eq30",
    where="Eq. (30)",
    says="the gradient of −Tr[WBWᵀ] + Tr[WΣWᵀWΣWᵀ] in W is {gradient}",
    recorded="holds",
    gradient=-2 * W * B + 4 * W * Sigma * W.T * W * Sigma,
)
def gradient() -> Iterator[Reading]:
    """The engine drops each W of a word once; measured by differences."""
    points = []
    for problem in (narrow(), wide(), indefinite()):
        at = np.random.default_rng(problem.seed).standard_normal((problem.d1, problem.d0))
        found = problem.slope(at.ravel()).reshape(at.shape)
        points.append(Point({"W": at, "B": problem.B, "Sigma": problem.Sigma}, found, TOLERANCE))
    yield Reading(
        {"gradient": W * slope_factor(W.T * W)},
        [Measured("gradient", "exact", "∂L/∂W by differences of the loss, exact for a quartic", points)],
    )


@ICLR.claim(
    "iclr:thm1",
    where="Theorem 1",
    says="all stationary points satisfy WᵀW = {gram}, UΛUᵀ the eigendecomposition of Σ^(−½) B Σ^(−½) and M an"
    " arbitrary 0/1 mask ({every}) that keeps mode i only where {kept}, Λ = diag(r_i), and at most {most} modes",
    recorded="holds",
    gram=half * Sigma**-half * U * M * Lambda * U.T * Sigma**-half,
    every=True,
    kept=sympy.Ge(r_i, 0),
    most=sympy.Min(columns, rows),
)
def theorem_1() -> Iterator[Reading]:
    """B may be singular, indefinite or degenerate; in a degenerate eigenspace U is one of many, and some U fits.

    The printed proof divides by B. The engine's does not, see `derive.landscape.proof`.
    """
    points = theory()
    power = U * M * matrix_power(points.power, level) * U.T
    gram = Sigma**-half * power * Sigma**-half
    # What the gradient is there, with B = Σ^½ U Λ Uᵀ Σ^½.
    slope = gram * slope_factor(gram).subs(B, Sigma**half * U * Lambda * U.T * Sigma**half)
    yield Reading(
        {
            "gram": gram,
            "every": same(slope, sympy.ZeroMatrix(d0, d0)) and all(step.holds for step in proof(points.isotropic)),
            "kept": sympy.Gt(points.power.subs(level, r_i), 0),
            "most": sympy.Min(*W.shape).subs({d0: columns, d1: rows}),
        },
        [*_grams(), *_masks()],
    )


def _grams() -> list[Measured]:
    points = []
    for problem in (narrow(), wide(), indefinite(), singular(), degenerate()):
        for end in problem.stationary:
            letters = dict(zip(("U", "Lambda", "M"), end.frame(), strict=True))
            points.append(Point({"Sigma": problem.Sigma, **letters}, end.gram, TOLERANCE))
    return newton_ends("gram", "WᵀW (B indefinite, singular, degenerate; d1 < d0 and d1 > d0)", points)


def _masks() -> list[Measured]:
    """Which masks occur, of those that fit into W and keep no negative mode."""
    every, kept, most = [], [], []
    for problem in (narrow(), wide(), indefinite()):
        values = np.linalg.eigvalsh(problem.whitened)
        found = {end.kept() for end in problem.stationary}
        choices = product(*([False, True] if value > 0 else [False] for value in values))
        fitting = {choice for choice in choices if sum(choice) <= problem.d1}
        every.append(Point({}, found >= fitting))
        kept += [Point({str(r_i): value}, any(mask[i] for mask in found)) for i, value in enumerate(values)]
        if (values > 0).all():
            most.append(Point({"d_0": problem.d0, "d_1": problem.d1}, float(max(map(sum, found))), TOLERANCE))
    return [
        *newton_ends("every", "whether each mask occurs that has no negative mode and fits into the rows", every),
        *newton_ends("kept", "whether a mode is ever kept", kept),
        *newton_ends("most", "the most modes that are kept, of positive ones", most),
    ]


@ICLR.claim(
    "iclr:eq33",
    where="Eq. (33)",
    says="with H = Σ^½ WᵀW Σ^½, at a stationary point H = {right}",
    recorded="refuted",
    kind="misprint",
    given="All stationary points of −Tr[WBWᵀ] + Tr[WΣWᵀWΣWᵀ], B symmetric, Σ ≻ 0, B invertible.",
    tried="Where Σ commutes with B the spare Σ does not cancel either; with Σ = I the line holds. Eq. (34), said to be"
    " equivalent, is without it.",
    why="A spare Σ: the line before has H = 2 Σ^½WᵀWΣWᵀWΣB⁻¹Σ^½, whose first five factors are H² Σ^(−½)·Σ, so that"
    " Σ^½ B⁻¹ Σ^½ is left. Eq. (34) has it right.",
    counterexample=counterexamples.a_spare_covariance,
    right=2 * H**2 * Sigma**half * Sigma * B**-1 * Sigma**half,
)
def eq33() -> Iterator[Reading]:
    """Wᵀ∇L = 0 solved for the WᵀW that stands before B; B invertible."""
    points = [Point(end.letters(), end.H, TOLERANCE) for end in invertible()]
    yield Reading({"right": right_side()}, newton_ends("right", "H", points))


def right_side() -> sympy.MatrixExpr:
    """What H equals where the gradient vanishes."""
    G = Sigma**-half * H * Sigma**-half
    slope = G * slope_factor(G)
    # slope = −2 G B + …, so that G = (slope + 2 G B) B⁻¹/2 + … where the slope is zero.
    return tidied(half * Sigma**half * (slope + 2 * G * B) * B**-1 * Sigma**half)


def invertible() -> list[End]:
    """Stationary points where B has an inverse."""
    return [end for problem in (narrow(), wide(), indefinite()) for end in problem.stationary]


@ICLR.claim(
    "iclr:eq34",
    where="Eq. (34) and after it",
    says="at a stationary point {left} = 0, so that on a common eigenvector, where Σ^½ B⁻¹ Σ^½ has the eigenvalue μ_i,"
    " H has the eigenvalue {eigenvalue} or zero",
    recorded="refuted",
    kind="misprint",
    given="All stationary points of −Tr[WBWᵀ] + Tr[WΣWᵀWΣWᵀ], B symmetric, Σ ≻ 0, B invertible; an eigenvector common"
    " to H and Σ^½B⁻¹Σ^½.",
    tried="'The inverse' up to a factor: the equation on the same line has the 2, and Eq. (35) has the ½.",
    why="The equation holds, its solution is half of that: h(1 − 2 h μ) = 0. Eq. (35) has the ½ again.",
    counterexample=counterexamples.half_the_inverse,
    left=H * (identity - 2 * H * Sigma**half * B**-1 * Sigma**half),
    eigenvalue=1 / mu,
)
def eq34() -> Iterator[Reading]:
    """The same equation, and its solution by the engine."""
    zeros = [Point(end.letters(), np.zeros((end.problem.d0, end.problem.d0)), TOLERANCE) for end in invertible()]
    points = []
    for end in invertible():
        U_, values, mask = end.frame()
        inverse = U_.T @ np.linalg.inv(end.problem.whitened) @ U_
        points += [Point({str(mu): inverse[i, i]}, float((U_.T @ end.H @ U_)[i, i]), TOLERANCE)
                   for i in range(len(values)) if mask[i, i]]  # fmt: skip
    yield Reading(
        {"left": H - right_side(), "eigenvalue": theory().power.subs(level, 1 / mu)},
        [
            *newton_ends("left", "that it vanishes", zeros),
            *newton_ends("eigenvalue", "the eigenvalues of H that are not zero", points),
        ],
    )


@ICLR.claim(
    "iclr:eq35",
    where="Eq. (35)",
    says="at the stationary points H = {power}, where Λ holds the eigenvalues of Σ^½ B⁻¹ Σ^½",
    recorded="refuted",
    kind="misprint",
    given="All stationary points of −Tr[WBWᵀ] + Tr[WΣWᵀWΣWᵀ], B symmetric, Σ ≻ 0, B invertible; U their eigenvectors,"
    " M a mask of positive modes.",
    tried="With the Λ of Theorem 1 it holds; the sentence defines Λ the other way.",
    why="Λ holds their inverses, the eigenvalues of Σ^(−½) B Σ^(−½), as in Theorem 1.",
    counterexample=counterexamples.the_inverse_eigenvalues,
    power=half * U * M * Lambda * U.T,
)
def eq35() -> Iterator[Reading]:
    """With Λ as it is defined before Eq. (35)."""
    points = []
    for end in invertible():
        U_, values, mask = end.frame()
        letters = {"U": U_, "M": mask, "Lambda": np.diag(1 / np.diag(values))}
        points.append(Point(letters, end.H, TOLERANCE))
    found = matrix_power(theory().power.subs(level, 1 / mu), mu)
    yield Reading({"power": U * M * found * U.T}, newton_ends("power", "H", points))


# Eigenvalues of B and of Σ on common eigenvectors, and d1.
Case = tuple[tuple[float, ...], tuple[float, ...], int]
GENERIC: tuple[Case, ...] = (
    ((0.9, 1.1, -0.4), (0.8, 1.5, 0.5), 2),
    ((0.6, 0.6), (0.5, 1.2), 1),
    ((0.6, 0.6), (0.9, 0.9), 1),
)
EQUAL_RATIOS: tuple[Case, ...] = (((0.4, 1.2), (0.5, 1.5), 1),)


@ICLR.claim(
    "iclr:eq9",
    where="Eq. (9), Eq. (37)",
    says="if C and A0 commute, all stationary points satisfy WᵀW = {gram}, B_M being B with its eigenvalues masked",
    recorded="conditional",
    given="All stationary points of −Tr[WBWᵀ] + Tr[WΣWᵀWΣWᵀ], B symmetric, Σ ≻ 0, B and Σ commuting. The first line is"
    " Theorem 1's, which holds without a condition.",
    why="Where modes of different b_i share a ratio b_i/s_i, Σ^(−½) B Σ^(−½) is degenerate and WᵀW need not have the"
    " eigenvectors of B and Σ: as with C ∝ A0, at saddles, and at minima where d1 is too small to keep all such modes."
    " Theorem 1 then stands alone.",
    counterexample=counterexamples.equal_ratios,
    gram=half * S**-1 * BM * S**-1,
)
def eq9() -> Iterator[Reading]:
    """M Λ is Σ^(−½) B_M Σ^(−½) where U is a common eigenbasis of B and Σ; for any U there is Theorem 1."""
    coefficient, _ = theory().power.as_coeff_exponent(level)
    found = matrix_power(theory().power, level)
    yield Reading(
        {"gram": tidied(coefficient * S**-half * (S**-half * BM * S**-half) * S**-half)},
        _commuting_grams(GENERIC),
        name="no two positive modes that have the same ratio b_i/s_i of the eigenvalues of B and Σ, but different b_i",
    )
    yield Reading(
        {"gram": Sigma**-half * U * M * found * U.T * Sigma**-half},
        _commuting_grams(EQUAL_RATIOS),
        name="two positive modes with the same ratio b_i/s_i, but different b_i",
    )


def _commuting_grams(cases: Sequence[Case]) -> list[Measured]:
    points = []
    for seed, (b, s, d1_) in enumerate(cases):
        problem = commuting(b, s, d1_, seed)
        for end in problem.stationary:
            letters: dict[str, Any] = dict(zip(("U", "Lambda", "M"), end.frame(), strict=True))
            letters |= {"Sigma": problem.Sigma, "B": problem.B, "B_M": end.masked()}
            points.append(Point(letters, end.gram, TOLERANCE))
    return newton_ends("gram", "WᵀW", points)
