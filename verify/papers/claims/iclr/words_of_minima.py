"""Secs. 3.1 and E.2, E.3 and Fig. 1 in words: what is said of stationary points, of minima and of what is learned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import sympy

from derive import catalogue
from derive.algebra.signs import sign
from derive.landscape.landscape import a_i, a_j, c_i, c_j, landscapes
from derive.landscape.mode_potential import b as level
from derive.landscape.proof import proof
from derive.landscape.stationary import stationary
from verify.papers.claims.canonical import same
from verify.papers.claims.claim import Measured, Point, Reading
from verify.papers.claims.counterexamples import words as counterexamples
from verify.papers.claims.formulas import B, Lambda, M, Sigma, U
from verify.papers.claims.iclr.ends import TOLERANCE, ZERO, Problem, commuting, with_eigenvalues
from verify.papers.claims.iclr.landau import height
from verify.papers.claims.iclr.ledger import ICLR, NEURREPS
from verify.papers.claims.iclr.minima import curvatures, r_j
from verify.papers.claims.iclr.stationary import (
    B_,
    BM,
    S,
    degenerate,
    half,
    indefinite,
    invertible,
    matrix_power,
    mu,
    narrow,
    newton_ends,
    singular,
    theory,
    wide,
)
from verify.papers.claims.measuring import curvature, ordered

if TYPE_CHECKING:
    from collections.abc import Iterator

EQ3 = "the landscape of Eq. (3) with Proposition 1, −Tr[WBWᵀ] + Tr[WΣWᵀWΣWᵀ], B symmetric, Σ ≻ 0"
more = sympy.Symbol("more", positive=True)


@ICLR.claim(
    "iclr:larger-variation",
    where="Sec. 3.1, after Eq. (6)",
    says="to leading order the representation that InfoNCE learns varies more along mode i than along j where {before}",
    recorded="conditional",
    why="It is so of the growth from small weights, whose rates are 2 a_i, and of the minimum under isotropic"
    " augmentation. At the minimum the variance of the representation along a mode is ⅔ a_i/(a_i + c_i) to leading"
    " order, which a strong augmentation of a strong feature makes small.",
    given="Eq. (2) on Gaussian data, A0 and C commuting; the global minimum through order 4, all modes kept.",
    counterexample=counterexamples.a_strong_feature_strongly_augmented,
    before=sympy.Gt(a_i, a_j),
)
def larger_variation() -> Iterator[Reading]:
    """The rate of growth is twice the eigenvalue of B; the power at the minimum is that of the stationary points."""
    (found,) = landscapes(catalogue("infonce").expand(4))
    (points,) = stationary(found)
    power = points.power.subs(level, found.b() / (a_i + c_i))
    difference = sympy.together(power - power.subs({a_i: a_j, c_i: c_j}, simultaneous=True))
    _, grown = (found.b() - found.b().subs({a_i: a_j, c_i: c_j}, simultaneous=True)).primitive()
    spectra = (((1.0, 1.0), (0.6, 0.9)), ((0.5, 1.0), (0.7, 1.0)), ((2.0, 8.0), (1.0, 1.0)), ((0.5, 0.5), (1.5, 4.0)))
    yield Reading(
        {"before": sympy.Gt(grown, 0)},
        [ordered("before", "of the second derivatives at W = 0", lambda a, c: -curvature("infonce", a, c), spectra)],
        name="while W grows from small weights",
    )
    learned = "of the variance where the loss is lowest, on quadrature nodes"
    equal = sympy.factor(sympy.numer(difference).subs(c_j, c_i) / c_i)
    yield Reading(
        {"before": sympy.Gt(equal, 0)},
        [ordered("before", learned, _learned, (((1.5, 1.5), (1.0, 1.5)), ((0.4, 0.8), (0.7, 0.8))), alike=True)],
        name="at the minimum, the augmentation being as strong along both, c_i = c_j",
    )
    yield Reading({"before": sympy.Gt(power, power.subs({a_i: a_j, c_i: c_j}, simultaneous=True))},
                  [ordered("before", learned, _learned, spectra)], name="at the minimum, any augmentation")  # fmt: skip


def _learned(a: float, c: float) -> float:
    return (a + c) * height(a, c)


n = sympy.Symbol("n", nonnegative=True)


@ICLR.claim(
    "iclr:collapse-cause",
    where="Sec. 3.1, after Theorem 1",
    says="dimensional collapse happens when eigenvalues of B become negative: with d1 ≥ d0 and n of them negative, none"
    " zero, {lost} modes are zero at the minima",
    recorded="holds",
    why="In a model of fewer rows than B has positive eigenvalues others are left out as well, for want of room.",
    lost=n,
)
def collapse_cause() -> Iterator[Reading]:
    """Of d0 modes those stay that L falls along, which Sylvester's law counts; A0 and C need not commute."""
    _, below = curvatures()
    size = sympy.Symbol("d_0", positive=True)
    falls = sympy.ask(sympy.Q.negative(below), sympy.Q.positive(r_j))
    rises = sympy.ask(sympy.Q.positive(below.subs(r_j, -more)))
    kept = sympy.Min(size - n, size) if falls and rises else sympy.nan
    problems = (
        wide(),
        with_eigenvalues((0.9, -0.5, -0.8), 3, seed=7),
        with_eigenvalues((0.4, -0.1), 3, seed=8),
        _none(),
    )
    points = [
        Point({"n": float(problem.d0 - problem.positive)}, float(problem.d0 - end.rank), TOLERANCE)
        for problem in problems
        for end in problem.minima
    ]
    yield Reading(
        {"lost": sympy.simplify(size - kept)},
        [Measured("lost", "exact", "d0 less the rank where descents from random starts end", points)],
    )


def _none() -> Problem:
    return with_eigenvalues((-0.5, -0.2), 2, seed=6)


@ICLR.claim(
    "iclr:all-stationary-share",
    where="Sec. 3.1, before Eq. (10)",
    says="where the eigenvalue b_i of B is negative, mode i is zero at every stationary point: {every}",
    recorded="holds",
    why=f"So it is of {EQ3}. For weighted InfoNCE, of which it is said, b_i is never negative: see"
    " iclr:weighted-collapse. A fixed norm keeps such modes at some points: see iclr:prop3.",
    every=True,
)
def shared_by_all() -> Iterator[Reading]:
    """A kept mode has the power r_i/2, which would have to be positive."""
    kept = sign(theory().power.subs(level, -more)) == 1
    points = []
    for problem in (indefinite(), singular(), commuting((0.9, -0.4, 0.6), (0.8, 0.5, 1.5), 3, 3)):
        values, vectors = np.linalg.eigh(problem.whitened)
        negative = vectors[:, values < -ZERO]
        points += [Point({}, bool(np.abs(negative.T @ end.H @ negative).max() < ZERO)) for end in problem.stationary]
    yield Reading({"every": not kept}, newton_ends("every", "whether WᵀW vanishes along negative modes", points))


@ICLR.claim(
    "iclr:benign",
    where="Sec. 3.1, after Proposition 2",
    says="the landscape of a linear model is benign: each local minimum reaches the maximum possible rank ({reached});"
    " none lies above another ({level})",
    recorded="holds",
    why=f"Of {EQ3}; what is printed is the first part, and the second is what makes it benign.",
    reached=True,
    level=True,
)
def benign() -> Iterator[Reading]:
    """L falls along each positive mode that is left out: in an unused row, and in that of a mode of smaller r."""
    beside, below = curvatures()
    reached = sympy.ask(sympy.Q.negative(below), sympy.Q.positive(r_j))
    exchanged = sign(sympy.expand(beside.subs(r_j, level + more))) == -1
    full, alike = [], []
    for problem in (narrow(), wide(), indefinite(), degenerate()):
        losses = [end.loss for end in problem.minima]
        alike.append(Point({}, bool(max(losses) - min(losses) < TOLERANCE)))
        most = min(problem.positive, problem.d0, problem.d1)
        full += [Point({}, end.rank == most) for end in problem.minima]
    yield Reading(
        {"reached": bool(reached), "level": exchanged},
        [
            Measured("reached", "exact", "whether descents from random starts end at the largest rank", full),
            Measured("level", "exact", "whether they end at one value of the loss", alike),
        ],
    )


@ICLR.claim(
    "iclr:fig1-saddles",
    where="Fig. 1, caption",
    says="without collapse, of diag(r1, r2): the points that keep one mode of two are saddles: {saddles}; the origin"
    " is a local maximum: {top}",
    recorded="holds",
    why="In panel (b), where both eigenvalues of B are positive. In panel (c) the point that keeps one is the minimum.",
    saddles=True,
    top=True,
)
def saddles() -> Iterator[Reading]:
    """Second derivatives along the kept mode, along the other one, and at the origin, both r positive."""
    _, below = curvatures()
    t = sympy.Symbol("t", positive=True)
    alone = -level * t**2 + theory().isotropic.q1 * t**4
    (place,) = (one for one in sympy.solve(sympy.diff(alone, t), t) if one.subs(level, 1) > 0)
    up = sign(sympy.simplify(sympy.diff(alone, t, 2).subs(t, place)).subs(level, more)) == 1
    down = sign(below.subs(r_j, more)) == -1
    top = sign(sympy.diff(alone, t, 2).subs(t, 0).subs(level, more)) == -1
    seen, peaks = [], []
    for problem in (commuting((1.2, 0.5), (1.0, 1.0), 2, 0), commuting((0.6, 0.9), (0.5, 1.4), 2, 1)):
        for end in problem.stationary:
            signs = _signs(problem, end.W)
            if end.rank == 1:
                seen.append(Point({}, signs >= {-1, 1}))
            if end.rank == 0:
                peaks.append(Point({}, signs == {-1}))
    yield Reading(
        {"saddles": up and down, "top": top},
        [
            *newton_ends("saddles", "whether second derivatives have both signs at rank 1", seen),
            *newton_ends("top", "whether all are negative at W = 0", peaks),
        ],
    )


def _signs(problem: Problem, W: Any) -> set[int]:
    """The signs of the eigenvalues of the Hessian, of those that are not zero."""
    x, h = W.ravel(), 1e-3
    steps = h * np.eye(len(x))
    hessian = np.array([(problem.slope(x + step) - problem.slope(x - step)) / (2 * h) for step in steps])
    values = np.linalg.eigvalsh((hessian + hessian.T) / 2)
    return {int(np.sign(one)) for one in values if abs(one) > 1e-3}


@ICLR.claim(
    "iclr:eq36",
    where="Eq. (36), App. E.2",
    says="WᵀW = {gram}, where Λ holds the eigenvalues of Σ^½ B⁻¹ Σ^½, as at Eq. (35)",
    recorded="refuted",
    kind="misprint",
    why="Λ has to hold their inverses, the eigenvalues of Σ^(−½) B Σ^(−½), as in Theorem 1, which is right.",
    given=f"All stationary points of {EQ3}, B invertible; U their common eigenvectors, M a mask of positive modes.",
    tried="With the Λ of Theorem 1 the equation holds (iclr:thm1); App. E.2 defines another one two lines above.",
    counterexample=counterexamples.weights_by_the_inverse,
    gram=half * Sigma**-half * U * M * Lambda * U.T * Sigma**-half,
)
def eq36() -> Iterator[Reading]:
    """With Λ as it is defined before Eq. (35)."""
    points = []
    for end in invertible():
        U_, values, mask = end.frame()
        letters = {"U": U_, "M": mask, "Lambda": np.diag(1 / np.diag(values)), "Sigma": end.problem.Sigma}
        points.append(Point(letters, end.gram, TOLERANCE))
    found = matrix_power(theory().power.subs(level, 1 / mu), mu)
    yield Reading({"gram": Sigma**-half * U * M * found * U.T * Sigma**-half}, newton_ends("gram", "WᵀW", points))


@ICLR.claim(
    "iclr:proof-prop2",
    where="App. E.3",
    says="at all stationary points WᵀW commutes with B and with Σ: {commutes}",
    recorded="conditional",
    why="Under Assumption 1 it is so but where modes that share b_i/s_i, with different s_i, are kept in a mixture;"
    " where A0 and C do not commute it is not so. Proposition 2 holds all the same, by Sylvester's law (iclr:prop2).",
    given=f"All stationary points of {EQ3}.",
    counterexample=counterexamples.a_mixture_commutes_with_nothing,
    commutes=True,
)
def proof_of_proposition_2() -> Iterator[Reading]:
    """Words: ½Σ⁻¹B_MΣ⁻¹ of diagonal letters, and ½Σ^(−½)UMΛUᵀΣ^(−½) of any U."""
    weight, _ = theory().power.as_coeff_exponent(level)
    aligned = weight * S**-1 * BM * S**-1
    turned = Sigma**-half * U * M * matrix_power(theory().power, level) * U.T * Sigma**-half
    one = all(same(aligned * letter, letter * aligned) for letter in (B_, S))
    other = all(same(turned * letter, letter * turned) for letter in (B, Sigma))
    for name, derived, problems in (
        (
            "A0 and C commute, and no two positive modes have the same b_i/s_i but different s_i",
            one,
            (commuting((0.9, 1.1, -0.4), (0.8, 1.5, 0.5), 2, 0), commuting((0.6, 0.6), (0.9, 0.9), 1, 2)),
        ),
        ("they commute, and two positive modes do", other, (commuting((0.4, 1.2), (0.5, 1.5), 1, 0),)),
        ("A0 and C do not commute", other, (narrow(), indefinite())),
    ):
        points = [Point({}, max(map(_apart, problem.stationary)) < 1e-4) for problem in problems]
        yield Reading({"commutes": derived}, newton_ends("commutes", "whether all commute", points), name=name)


def _apart(end: Any) -> float:
    return max(float(np.abs(end.gram @ one - one @ end.gram).max()) for one in (end.problem.B, end.problem.Sigma))


@NEURREPS.claim(
    "neurreps:proof-thm1",
    where="App. E.2, after Eq. (28)",
    says="the matrix beside H² is symmetric, and so commutes with H: {symmetric}; B has an inverse: {inverse}",
    recorded="conditional",
    why="Σ^½ΣB⁻¹Σ^½, as Eq. (27) prints it, is symmetric only where Σ and B commute; Σ^½B⁻¹Σ^½ of Eq. (28) always is."
    " Nor is B invertible at the very transition that the theorem is about, b_i = 0. Theorem 1 holds without either"
    " (iclr:thm1): Wᵀ∇L = 0 makes HΣ^(−½)BΣ^(−½) symmetric, which needs no inverse.",
    given=f"All stationary points of {EQ3}.",
    counterexample=counterexamples.a_product_that_is_not_symmetric,
    symmetric=True,
    inverse=True,
)
def proof_of_theorem_1() -> Iterator[Reading]:
    """Words and their transposes, and the same in numbers; that the theorem holds for a singular B is in iclr:thm1."""
    spare = Sigma**half * Sigma * B**-1 * Sigma**half
    right = Sigma**half * B**-1 * Sigma**half
    needs = not all(step.holds for step in proof(theory().isotropic))
    for name, matrix, problem, inverse in (
        ("as Eq. (28) has it, Σ^½B⁻¹Σ^½, no eigenvalue of B being zero", right, narrow(), True),
        ("as Eq. (27) prints it, Σ^½ΣB⁻¹Σ^½", spare, narrow(), True),
        ("an eigenvalue of B is zero (B + ε in its place for the first part)", right, singular(), needs),
    ):
        B_at = problem.B if inverse else problem.B + 0.01 * np.eye(problem.d0)
        inner = np.linalg.inv(B_at)
        found = problem.root @ (problem.Sigma @ inner if matrix is spare else inner) @ problem.root
        symmetric = bool(np.abs(found - found.T).max() < 1e-9 * np.abs(found).max())
        rank = int(np.linalg.matrix_rank(problem.B, tol=1e-9))
        yield Reading(
            {"symmetric": same(matrix, matrix.T), "inverse": inverse},
            [
                Measured("symmetric", "exact", "whether it is its transpose, in numbers", [Point({}, symmetric)]),
                Measured("inverse", "exact", "whether the rank of B is d0", [Point({}, rank == problem.d0)]),
            ],
            name=name,
        )
