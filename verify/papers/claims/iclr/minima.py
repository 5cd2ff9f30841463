"""Sec. 3.1 after Theorem 1, with Proposition 2 and Eq. (38): which stationary points are minima, and what collapses.

From here on the print assumes that A0 and C commute. In a common eigenbasis mode i has the eigenvalues b_i of B and s_i
of Σ, and Σ^(−½) B Σ^(−½) has r_i = b_i/s_i.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
import sympy

from derive import catalogue, symbols
from derive.algebra.signs import sign
from derive.landscape.landscape import a_i, c_i
from derive.landscape.mode_potential import b as level
from derive.landscape.stationary import T2
from numeric.sampling import Covariances, random_covariances
from verify.papers.claims.canonical import same
from verify.papers.claims.claim import Measured, Point, Reading
from verify.papers.claims.counterexamples import stationary as counterexamples
from verify.papers.claims.formulas import A0, Diagonal, M, Sigma, Tr, U, W, d0, d1
from verify.papers.claims.iclr.ends import TOLERANCE, ZERO, End, Problem, commuting, with_eigenvalues
from verify.papers.claims.iclr.ledger import ICLR
from verify.papers.claims.iclr.stationary import (
    B_,
    BM,
    GENERIC,
    Case,
    S,
    columns,
    degenerate,
    half,
    indefinite,
    narrow,
    rows,
    singular,
    theory,
    tidied,
    wide,
)  # fmt: skip
from verify.papers.claims.measuring import curvature
from verify.papers.claims.writing import text
from verify.routes import autodiff
from verify.truths.settings import case

b_i, s_i, b_j, s_j, r_j, m, u = sympy.symbols("b_i s_i b_j s_j r_j m u")
N, alpha = symbols("N alpha")


@ICLR.claim(
    "iclr:weighted-collapse",
    where="Sec. 3.1, after Assumption 1",
    says="weighted InfoNCE, Eq. (7), data that vary along it, a_i > 0: the i-th subspace collapses when {collapses}",
    recorded="refuted",
    kind="error",
    given="a_i > 0, N ≥ 2, α ≥ 0, d1 ≥ d0; order 2, exact at the origin; for W that have lost i alone see"
    " iclr:eq17. b_i = a_i(N − 1)/(N + α − 1) for independent draws,"
    " a_i N/(N + α − 1) for a fixed centred training set.",
    tried="Independent draws, and a fixed training set with its own A0; as a statement about Eq. (8) as printed it"
    " follows, which is not the expansion of Eq. (7) (iclr:eq8).",
    why="The eigenvalue of B on mode i is a positive multiple of a_i whatever c_i, α and N are, see iclr:eq8: the loss"
    " falls along i wherever the data vary there, however strong the augmentation.",
    falls=(
        "iclr:eq17",
        "with weight decay γ the collapse where (1−α)/N c_i + γ ≥ a_i (Sec. 3.1): c_i does not enter",
    ),
    counterexample=counterexamples.no_collapse_by_augmentation,
    collapses=sympy.Ge((1 - alpha) / N * c_i, a_i),
)  # fmt: skip
def weighted_collapse() -> Iterator[Reading]:
    """b_i ≤ 0 under either sampling, the eigenvalue of B being what the loss falls by at W_i = 0."""
    loss = catalogue("weighted-infonce")
    for sampling, name in {"iid": "independent draws", "fixed": "a fixed centred training set"}.items():
        second_order = loss.expand(2, sampling=sampling)
        B = second_order.B
        descent = sympy.factor(B["A0"] * a_i + B["C"] * c_i)
        never = sign(descent, ranges=second_order.ranges) == 1
        yield Reading(
            {"collapses": sympy.false if never else sympy.Le(descent, 0)}, list(_held(sampling)), name=name,
            how=f"b_i = {text(descent)} > 0 from the definition" if never else "derived from the definition",
        )  # fmt: skip


def _held(sampling: str) -> Iterator[Measured]:
    """Whether one mode alone stays at zero."""
    loss = catalogue("weighted-infonce")
    exact, differentiated = [], []
    cases = (
        (1.0, 20.0, 3, "0"), (2.0, 1.0, 3, "1/2"), (1.0, 9.0, 4, "1/10"), (0.3, 2.0, 3, "5"),
    )  # fmt: skip
    for a, c, size, share in cases:
        given = {"alpha": sympy.Rational(share), "N": sympy.Integer(size)}
        letters = {"a_i": a, "c_i": c} | {name: float(value) for name, value in given.items()}
        second = curvature(loss.name, a, c, given, sampling=sampling)
        exact.append(Point(letters, second > -TOLERANCE))
        if size == 3:
            data = Covariances(np.array([[a]]), np.array([[c]]))
            found = autodiff.measure(case(loss, given, seed=0, dimension=1, covariances=data, sampling=sampling), 2)
            differentiated += [Point(letters, found.coefficients[2] > -TOLERANCE)] if found is not None else []
    how = "whether the loss does not fall at second order in w,"
    yield Measured("collapses", "exact", f"{how} by Cauchy's integral on cubature nodes", exact)
    if differentiated:
        yield Measured("collapses", "autodiff", f"{how} the torch loss written by hand differentiated", differentiated)


@ICLR.claim(
    "iclr:stationary-loss",
    where="Sec. 3.1, before Proposition 2",
    says="at every stationary point L = {L}, B_M being B with its eigenvalues masked",
    recorded="refuted",
    kind="misprint",
    given="All stationary points of −Tr[WBWᵀ] + Tr[WΣWᵀWΣWᵀ], B symmetric, Σ ≻ 0, B and Σ commuting, B_M with the mask"
    " of the point.",
    tried="With Σ = I it holds. Theorem 1 put into Eq. (3) gives the power −2, so that nothing else is touched.",
    why="Σ enters with the power −2: a mode contributes −¼ (b_i/s_i)².",
    counterexample=counterexamples.loss_at_the_minimum,
    L=-Tr(S**2 * BM * B_) / 4,
)
def stationary_loss() -> Iterator[Reading]:
    """T₂, the sum of (b_i/s_i)² over the kept modes, is the trace of the masked Σ^(−½) B Σ^(−½) times the whole."""
    kept, every = (S**-half * letter * S**-half for letter in (BM, B_))
    derived = theory().loss.subs(T2, Tr(tidied(kept * every)))
    points = [
        Point({"Sigma": end.problem.Sigma, "B": end.problem.B, "B_M": end.masked()}, end.loss, TOLERANCE)
        for end in commuting_ends()
    ]
    yield Reading({"L": derived}, [Measured("L", "exact", "L where Newton's iteration ends", points)])


@cache
def commuting_ends() -> tuple[End, ...]:
    """Stationary points where B and Σ commute, no two ratios b_i/s_i equal where b_i differ."""
    cases: Sequence[Case] = (*GENERIC, ((0.9, 0.5, 0.7), (1.1, 0.4, 0.8), 2))
    return tuple(end for seed, one in enumerate(cases) for end in commuting(*one, seed).stationary)


@cache
def curvatures() -> tuple[sympy.Expr, sympy.Expr]:
    """L″ along an empty column j, in the row of the kept column i and in an unused row; in whitened coordinates."""
    r, t, v = sympy.symbols("r t v")
    V, value = sympy.Matrix([[r, t], [0, v]]), sympy.diag(level, r_j)
    P = V * V.T
    loss = sympy.expand(-(V * value * V.T).trace() + theory().isotropic.q1 * (P * P).trace())
    at = {t: 0, v: 0, r: sympy.sqrt(theory().power)}
    beside, below = (sympy.expand(sympy.diff(loss, one, 2).subs(at)) for one in (t, v))
    return beside, below


@ICLR.claim(
    "iclr:global-minimum",
    where="Sec. 3.1, before Proposition 2",
    says="of two modes, the mask of the global minimum keeps i rather than j where {before}",
    recorded="conditional",
    given="Global minima of −Tr[WBWᵀ] + Tr[WΣWᵀWΣWᵀ], B symmetric, Σ ≻ 0, B and Σ commuting.",
    why="With fewer rows than positive eigenvalues the kept modes are those of the largest b_i/s_i, the eigenvalues of"
    " Σ⁻¹B. For InfoNCE, a_i/(a_i + c_i): a strong feature under a strong augmentation loses against a weak one.",
    counterexample=counterexamples.the_largest_ratio,
    before=sympy.Gt(b_i, b_j),
)
def global_minimum() -> Iterator[Reading]:
    """At a minimum that keeps i and not j the loss rises along j in the row of i."""
    beside, _ = curvatures()
    _, rise = beside.subs({level: b_i / s_i, r_j: b_j / s_j}).primitive()
    derived = sympy.Gt(rise.subs(b_j, 0), -rise.subs(b_i, 0))
    few = (((1.2, 0.9), (1.5, 0.6), 1), ((0.8, 0.6), (0.7, 0.9), 1), ((0.5, 1.0), (0.4, 1.6), 1),
           ((1.1, 0.9), (1.3, 1.2), 1))  # fmt: skip
    yield Reading({"before": derived}, _preferred(few), name="fewer rows than positive eigenvalues of B")
    # One of them is not positive: j for certain, as what is said is that i is kept.
    enough = (((0.7, -0.3), (1.4, 0.5), 1), ((1.1, -0.8), (0.6, 0.9), 2))
    yield Reading(
        {"before": derived},
        _preferred(enough),
        name="as many rows as B has positive eigenvalues, d1 ≥ m, so that all of them are kept",
        definitions={b_j: -r_j},
    )
    white = (((1.2, 0.9), (1.3, 1.3), 1), ((0.5, 0.6), (0.7, 0.7), 1))
    yield Reading(
        {"before": derived}, _preferred(white), name="Σ a multiple of the identity", definitions={s_j: s_i}
    )  # fmt: skip


def _preferred(cases: Sequence[Case]) -> list[Measured]:
    """Which of two modes the lowest end of many descents keeps."""
    points = []
    for seed, (b, s, d1_) in enumerate(cases):
        lowest = min(commuting(b, s, d1_, seed).minima, key=lambda end: end.loss)
        kept = np.linalg.eigvalsh(lowest.masked())
        for i, j in ((0, 1), (1, 0)):
            letters = {"b_i": b[i], "s_i": s[i], "b_j": b[j], "s_j": s[j]}
            points.append(Point(letters, bool(np.abs(kept - b[i]).min() < ZERO)))
    return [Measured("before", "exact", "whether the lowest of many descents keeps mode i", points)]


@ICLR.claim(
    "iclr:prop2",
    where="Proposition 2",
    says="at every local minimum WᵀW has the rank {rank}, m the number of positive eigenvalues of B",
    recorded="holds",
    rank=sympy.Min(m, columns, rows),
)
def proposition_2() -> Iterator[Reading]:
    """With k modes kept L falls along each positive one left out, in each unused row: (d1 − k)(m − k) ways at least.

    By Sylvester's law Σ^(−½) B Σ^(−½) has as many positive eigenvalues as B; A0 and C need not commute.
    """
    _, below = curvatures()
    falls = sympy.ask(sympy.Q.negative(below), sympy.Q.positive(r_j))
    k = sympy.Symbol("k")
    full = sympy.solve((rows - k) * (m - k), k) if falls else []
    shape = (one.subs({d0: columns, d1: rows}) for one in W.shape)
    points = [
        Point({"m": problem.positive, "d_0": problem.d0, "d_1": problem.d1}, float(end.rank), TOLERANCE)
        for problem in (narrow(), wide(), indefinite(), singular(), degenerate(), _none())
        for end in problem.minima
    ]
    yield Reading(
        {"rank": sympy.Min(*full, *shape)},
        [Measured("rank", "exact", "the rank where descents from random starts end", points)],
    )


def _none() -> Problem:
    """No positive mode."""
    return with_eigenvalues((-0.5, -0.2), 2, seed=6)


lambdas, bs, ss = (sympy.IndexedBase(name) for name in ("lambda", "b", "s"))
i, d_star = sympy.symbols("i d_*")


def _summed(value: sympy.Expr) -> sympy.Sum:
    return sympy.Sum(value, (i, 1, d_star))


@ICLR.claim(
    "iclr:eq38",
    where="Eq. (38)",
    says="at the stationary points, WᵀW, B and Σ being diagonal together, L = {L}; printed as one sum without brackets:"
    " u = 1 where its minus stands before both terms, u = −1 where before the first alone",
    recorded="conditional",
    given="Stationary points of −Tr[WBWᵀ] + Tr[WΣWᵀWΣWᵀ], B symmetric, Σ ≻ 0, where WᵀW, B and Σ are diagonal"
    " together.",
    why="The quartic part of the loss is positive; read with the minus before both terms its sign is wrong.",
    counterexample=counterexamples.sign_of_the_quartic,
    L=-_summed(lambdas[i] * bs[i]) - u * _summed(lambdas[i] ** 2 * ss[i] ** 2),
)  # fmt: skip
def eq38() -> Iterator[Reading]:
    """−b_i g + Q_ii g² for each mode, which the engine's landscape has; the modes in the order of Λ."""
    landscape = theory().isotropic.landscape
    # B stands in the place of A0, and C is Σ − B.
    put = {a_i: bs[i], c_i: ss[i] - bs[i]}
    own = {"A": a_i, "S": a_i + c_i}
    one = -landscape.b(own) * lambdas[i] + landscape.Q(own, own) * lambdas[i] ** 2
    terms = sympy.Add.make_args(sympy.expand(sympy.factor(one.subs(put))))
    parts = (term.as_coeff_Mul() for term in terms)
    derived = sympy.Add(*(weight * _summed(part) for weight, part in parts))
    for minus, name in ((1, "the minus before both terms"), (-1, "the minus before the first term alone")):
        yield Reading({"L": derived}, _losses(), name=name, definitions={u: sympy.Integer(minus)})


def _losses() -> list[Measured]:
    points = []
    for end in commuting_ends():
        _, frame = np.linalg.eigh(end.problem.B + end.problem.Sigma / np.sqrt(2) + 0.1 * end.gram)
        letters = {
            name: np.einsum("ji,jk,ki->i", frame, matrix, frame)
            for name, matrix in (("lambda", end.gram), ("b", end.problem.B), ("s", end.problem.Sigma))
        }
        # The first d* of them, the kept ones among these.
        order = np.argsort(-letters["lambda"], kind="stable")[: min(end.W.shape)]
        at = {name: values[order] for name, values in letters.items()} | {"d_*": float(len(order))}
        points.append(Point(at, end.loss, TOLERANCE))
    return [Measured("L", "exact", "L where Newton's iteration ends", points)]


@ICLR.claim(
    "iclr:noncommuting",
    where="Sec. 3.1, after Theorem 1",
    says="the learned WᵀW has other eigenvectors than A0 where C A0 ≠ A0 C ({turned}), and those of A0 where"
    " C A0 = A0 C, the augmentation changing the eigenvalues alone ({aligned})",
    recorded="conditional",
    why="As in iclr:eq9: where C A0 = A0 C, modes that share a_i/s_i with different s_i, and that do not all fit into"
    " d1 rows, are kept in any mixture, so with C ∝ A0. The print says that the augmentation can turn what is"
    " learned where they do not commute; with all modes kept it always does.",
    given="The minima of Eq. (3) for InfoNCE's B = A0 ≻ 0, Σ ≻ 0; where C A0 ≠ A0 C all modes are kept, d1 ≥ d0.",
    counterexample=counterexamples.a_row_along_no_axis,
    turned=True,
    aligned=True,
)
def noncommuting() -> Iterator[Reading]:
    """For InfoNCE's B = A0 > 0, at the minima.

    With all modes kept WᵀW is a multiple of Σ⁻¹A0Σ⁻¹. It commutes with A0 where (Σ⁻¹A0)² is symmetric, so where its
    root Σ⁻¹A0 with positive eigenvalues is, so where Σ and A0 commute. (Where modes that share a ratio b_i/s_i are not
    all kept, the eigenvectors are open, both with C ∝ A0 and with C = 0.)
    """
    weight, _ = theory().power.as_coeff_exponent(level)
    A0_, A0M = Diagonal("A_0", d0), Diagonal("A_0M", d0)
    learned = {
        "turned": (A0, weight * Sigma**-1 * A0 * Sigma**-1),
        "aligned": (A0_, weight * S**-half * (S**-half * A0M * S**-half) * S**-half),
    }
    commute = {slot: same(data * gram, gram * data) for slot, (data, gram) in learned.items()}
    shared = [commuting((0.9, 0.5, 0.7), (1.4, 1.2, 0.8), d1_, seed) for seed, d1_ in ((0, 3), (1, 2), (2, 1))]
    apart = [
        Problem(data.A0, data.Sigma, d1_, seed)
        for seed, d1_ in ((0, 3), (1, 2), (2, 4))
        for data in (random_covariances(np.random.default_rng(seed), 3),)
    ]
    how = "whether A0 WᵀW and WᵀW A0 are"
    yield Reading(
        {"turned": not commute["turned"], "aligned": commute["aligned"]},
        [
            Measured("turned", "exact", f"{how} different", [Point({}, _distance(one) > 1e-3) for one in apart]),
            Measured("aligned", "exact", f"{how} equal", [Point({}, _distance(one) < TOLERANCE) for one in shared]),
        ],
        name="no two modes share a_i/s_i with different s_i, or all that do are kept",
    )
    # Any U of the shared eigenspace: its words do not commute with A0.
    turned = Sigma**-half * U * M * U.T * Sigma**-half
    mixed = commuting((0.4, 1.2), (0.5, 1.5), 1, 0)
    yield Reading(
        {"turned": not commute["turned"], "aligned": same(A0 * turned, turned * A0)},
        [
            Measured("turned", "exact", f"{how} different", [Point({}, _distance(one) > 1e-3) for one in apart]),
            Measured("aligned", "exact", f"{how} equal, C ∝ A0 and d1 = 1", [Point({}, _distance(mixed) < TOLERANCE)]),
        ],
        name="two modes share a_i/s_i with different s_i, and d1 is too small to keep both",
    )


def _distance(problem: Problem) -> float:
    """Between the two products, at the lowest of many descents, B = A0."""
    gram = min(problem.minima, key=lambda end: end.loss).gram
    return float(np.abs(problem.B @ gram - gram @ problem.B).max())
