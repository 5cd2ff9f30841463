"""Sec. 3.2, Theorem 2, Eqs. (12), (13): normalisation as κ → ∞, where E|f|² = c."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import sympy

from derive.landscape.landscape import a_i, s_i
from derive.landscape.mode_potential import b as level
from derive.landscape.stationary import T1, m
from verify.papers.claims.claim import Measured, Point, Reading
from verify.papers.claims.counterexamples import normalisation as counterexamples
from verify.papers.claims.counterexamples import unit_vectors as of_unit_vectors
from verify.papers.claims.formulas import Diagonal, M, Tr, d0, identity
from verify.papers.claims.iclr.ledger import ICLR
from verify.papers.claims.iclr.penalised import (
    DEGENERATE,
    GENERIC,
    OF_ONE_VALUE,
    SOLVED,
    B,
    End,
    Sigma,
    any_direction,
    at_ends,
    c,
    d_M,
    degenerate,
    ends,
    generic,
    half,
    in_full,
    lam,
    on_modes,
    points,
)
from verify.papers.claims.iclr.unit_edges import HOW, INFONCE, SPECTRAL, closed, conditions, shift, slopes

total = Tr(Sigma**-1 * B * M)
# The matrix that a number stands for where it is added to one; the average of the kept eigenvalues of Σ⁻¹B.
one = Diagonal("I", d0)
r_i, average = sympy.symbols("r_i r_bar")
dimension = sympy.Symbol("d_0")


@ICLR.claim(
    "iclr:thm2",
    where="Theorem 2, Eq. (11)",
    says="as κ → ∞, WᵀW at a stationary point of Eq. (10) tends to {gram}, M a mask of d_M ≥ 1 modes (A0 and C"
    " commute)",
    recorded="conditional",
    why="It rests on Proposition 3: modes that share an eigenvalue of Σ⁻¹B but not one of Σ can be kept in any"
    " combination, for which a projection stands in place of the mask.",
    given="Stationary points of Eq. (10) other than W = 0 as κ → ∞, B and Σ commuting, Σ ≻ 0, c > 0.",
    counterexample=counterexamples.a_mixture_at_fixed_norm,
    gram=half * Sigma**-1 * (B * M + (2 * c - total) / d_M * Sigma * M) * Sigma**-1,
)
def theorem_2() -> Iterator[Reading]:
    """The engine's stationary points in the limit; W = 0, which is stationary for every κ, is not one of them."""
    yield Reading({"gram": _gram()}, [_grams(), _extrapolated()], GENERIC)
    found = points(fixed=True)
    alike = found.power.subs({level: lam, T1: lam * m}, simultaneous=True).subs(m, d_M)
    measured = [at_ends("gram", "WᵀW", degenerate(fixed=True), lambda end: end.gram)]
    yield Reading({"gram": any_direction(alike)}, measured, DEGENERATE, OF_ONE_VALUE)


def _gram() -> sympy.MatrixExpr:
    found = points(fixed=True)
    return on_modes(in_full(found.power, found) / s_i)


def _grams() -> Measured:
    return at_ends("gram", "WᵀW", generic(fixed=True), lambda end: end.gram)


def _extrapolated() -> Measured:
    """WᵀW at growing κ, mask by mask; it is analytic in 1/κ."""
    strengths = (200.0, 400.0, 800.0)
    at = [1 / strength for strength in strengths]
    # Lagrange's weights of the polynomial through all, at 0.
    weights = [np.prod([u / (u - v) for u in at if u != v]) for v in at]
    places = []
    for mask in ([0], [0, 1]):
        reached = (ends([0.9, 0.8], [1.5, 0.7], kappa=k, within=mask, starts=4, steps=40) for k in strengths)
        branch = [max(found, key=lambda end: end.kept.sum()) for found in reached]
        gram = sum(weight * end.gram for weight, end in zip(weights, branch, strict=True))
        places.append(Point(branch[0].letters, gram, 10 * SOLVED))
    return Measured("gram", "remainder", "WᵀW at κ = 200, 400, 800, extrapolated to 1/κ = 0", places, note="seed 0")


@ICLR.claim(
    "iclr:thm2-inline",
    where="after Theorem 2",
    says="the correction that normalisation adds to B_M in Eq. (11) is {term}",
    recorded="refuted",
    kind="misprint",
    why="Eq. (11) itself has Σ⁻¹ in the trace and d_M, the number of kept modes, below it.",
    given="As Theorem 2; M the mask of the kept modes, d_M their number.",
    tried="With all modes kept d_0 = d_M, and with Σ = I the traces are the same; Eq. (11) on the line above has it"
    " right.",
    counterexample=counterexamples.correction,
    term=(2 * c - Tr(Sigma * B * M)) / dimension * Sigma * M,
)
def correction() -> Iterator[Reading]:
    """2ΣWᵀWΣ is B_M at the stationary points of Eq. (3)."""
    found = points(fixed=True)
    measured = at_ends("term", "2ΣWᵀWΣ − BM", generic(fixed=True), End.correction)
    yield Reading({"term": on_modes(2 * in_full(found.power, found) * s_i - a_i)}, [measured])


@ICLR.claim(
    "iclr:eq12",
    where="Eq. (12)",
    says="as κ → ∞, WᵀW = {gram}, where I is what the number 2c/d_M multiplies when it is added to matrices",
    recorded="conditional",
    why="Added to a matrix a number is that multiple of the identity, which would also fill the modes that M removes."
    " The sentence below the equation has it shift the remaining eigenvalues, and Eq. (11) has Σ_M: an M is missing"
    " behind 2c/d_M, and no conclusion rests on that.",
    given="As Theorem 2.",
    counterexample=counterexamples.a_number_in_the_bracket,
    gram=half * (Sigma**-1 * B * M - total / d_M * M + 2 * c / d_M * one) * Sigma**-1,
)
def equation_12() -> Iterator[Reading]:
    """Theorem 2 again: the space on which the last number acts."""
    derived = {"gram": _gram()}
    yield Reading(derived, [_grams()], f"2c/d_M acts on the kept modes alone, as (2c/d_M) M, and {GENERIC}", {one: M})
    yield Reading(derived, [_grams()], "2c/d_M is that multiple of the identity", {one: identity})


@ICLR.claim(
    "iclr:eq13",
    where="Eq. (13)",
    says="as κ → ∞, a mode that a stationary point keeps has {condition}, r_i = b_i/s_i its eigenvalue of Σ⁻¹B_M and"
    " r_bar the average of the d_M kept ones",
    recorded="conditional",
    why="It is the model's. f/‖f‖ itself at the temperature 1/c has the form, to leading order in 1/d_M, and another"
    " number: for InfoNCE c in the place of 2c, and for either loss a part of two views' lengths that vary together,"
    " which counts at high temperatures (iclr:norm-model).",
    given="As Theorem 2, or f/‖f‖ of a linear model at the temperature 1/c, one of many kept modes beside equal ones.",
    counterexample=of_unit_vectors.a_lost_mode,
    condition=sympy.Gt(r_i + 2 * c / d_M, average),
)
def equation_13() -> Iterator[Reading]:
    """Its power h_i has to be positive; of f/‖f‖, its λ above that of a mode that is just lost."""
    power = points(fixed=True).power.subs({level: r_i, T1: m * average}, simultaneous=True).subs(m, d_M)
    yield Reading({"condition": sympy.Gt(power, 0)}, [_masks()], "E|f|² is fixed, as Sec. 3.2 models f/‖f‖")
    for name, measured in ((INFONCE, [closed(), slopes(INFONCE)]), (SPECTRAL, [slopes(SPECTRAL)])):
        yield Reading(
            {"condition": sympy.Gt(r_i + shift(name, average), average)},
            [conditions(one) for one in measured],
            f"f/‖f‖ itself at the temperature 1/c, {name}, many kept modes",
            how=HOW,
        )


def _masks() -> Measured:
    """Whether Newton's iteration finds a stationary point that keeps a mask, for masks at some norms."""
    places = []
    b, s = np.array([0.9, 0.5, -0.4]), np.array([1.0, 1.25, 0.8])
    cases: list[tuple[float, list[int]]] = [
        (0.2, [0, 1]), (0.6, [0, 1]), (0.6, [0, 2]), (0.6, [1, 2]), (0.6, [0, 1, 2]), (1.0, [0, 1, 2]),
        (1.2, [0, 1, 2]),
    ]  # fmt: skip
    for norm, mask in cases:
        reached = ends(b, s, c=norm, within=mask, starts=8, steps=25)
        kept = (b / s)[mask]
        at = {"r_i": kept.min(), "r_bar": kept.mean(), "d_M": float(len(mask)), "c": norm}
        places.append(Point(at, any(end.kept.sum() == len(mask) for end in reached)))
    quantity = "whether there is a stationary point with a given mask, at its smallest eigenvalue"
    return Measured("condition", "exact", quantity, places, note="Newton's iteration from 8 starts on each mask")
