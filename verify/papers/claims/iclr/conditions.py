"""App. D.1: the condition of Eq. (13) with c = 1 and B = A0 − C, whose eigenvalues of Σ⁻¹B are (a_i − c_i)/(a_i + c_i).

Each equation has a left side, r_i + 2/d_M, and a right side, the average of the kept r's. A very strong augmentation
has a_i/c_i → 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import sympy

from derive.algebra.signs import sign
from derive.landscape.landscape import a_i, c_i, s_i
from derive.landscape.mode_potential import b as level
from derive.landscape.stationary import T1, m, stationary
from verify.evidence.evidence import RouteName
from verify.papers.claims.claim import Measured, Point, Reading
from verify.papers.claims.counterexamples import conditions as counterexamples
from verify.papers.claims.formulas import M
from verify.papers.claims.iclr.ledger import ICLR
from verify.papers.claims.iclr.penalised import B, Sigma, c, d_M, ends, kappa, on_modes, points, printed

epsilon = sympy.Symbol("epsilon")
ROUNDING = 1e-12
# Eigenvalues a and c of A0 and C of the kept modes, the one that the equation is about first.
Spectrum = tuple[Sequence[float], Sequence[float]]


@lru_cache(maxsize=1)
def ratio() -> sympy.Expr:
    """r_i in a_i and c_i, where B = A0 − C."""
    (found,) = stationary(printed(noise=1).with_norm_penalty().expand(4), limit="kappa")
    return sympy.cancel(found.isotropic.eigenvalue().subs(kappa, 0))


def clean() -> sympy.Expr:
    """r_i without augmentation."""
    return ratio().subs(c_i, 0)


def equal() -> sympy.Expr:
    """r_i of an augmentation as strong as the feature."""
    return ratio().subs(c_i, a_i)


def strong() -> sympy.Expr:
    """r_i of an augmentation that is much stronger."""
    return sympy.limit(ratio(), c_i, sympy.oo)


def weak() -> sympy.Expr:
    """r_i in ϵ = a_i − c_i and a_i + c_i."""
    in_gap = {a_i: (s_i + epsilon) / 2, c_i: (s_i - epsilon) / 2}
    return sympy.cancel(ratio().subs(in_gap, simultaneous=True)).subs(s_i, a_i + c_i)


def sides(own: sympy.Expr, others: sympy.Expr) -> dict[str, sympy.Expr]:
    """The sides of 2 h_i > 0, c = 1: mode i has the eigenvalue ``own``, the d_M − 1 other kept ones sum to ``others``.

    The average is what T₁ enters with; the rest stands on the left.
    """
    margin = sympy.expand(2 * points(fixed=True).power.subs(c, 1))
    right = -margin.coeff(T1) * T1
    put = {level: own, T1: own + others, m: d_M}
    return {"left": (margin + right).expand().subs(put), "right": right.subs(put)}


def _positive(found: dict[str, sympy.Expr]) -> bool:
    """Whether the left side is larger for every d_M."""
    return sign(sympy.together(found["left"] - found["right"])) == 1


def measured_sides(cases: Sequence[Spectrum]) -> list[Measured]:
    """Both sides from diagonal matrices A0 and C."""
    left, right = [], []
    for a, noise in cases:
        A0, C = np.diag(a), np.diag(noise)
        values = np.diag(np.linalg.solve(A0 + C, A0 - C))
        at = {"d_M": float(len(values)), "a_i": a[0], "c_i": noise[0], "epsilon": a[0] - noise[0]}
        left.append(Point(at, float(values[0] + 2 / len(values)), ROUNDING))
        right.append(Point(at, float(values.mean()), ROUNDING))
    quantity = "of Σ⁻¹(A0 − C), computed from matrices"
    return [
        Measured("left", "exact", f"r_i + 2/d_M {quantity}", left),
        Measured("right", "exact", f"the average of the r's {quantity}", right),
    ]


def _minima(a: Sequence[float], noise: Sequence[float], **options: Any) -> Any:
    """Whether the modes are kept, at each minimum that an optimiser finds for E|f|² = 1."""
    b, s = np.subtract(a, noise), np.add(a, noise)
    return [end.kept for end in ends(b, s, c=1.0, minimise=True, starts=6, **options)]


@ICLR.claim(
    "iclr:eq18",
    where="Eq. (18), App. D.1",
    says="the eigenvalues (a_i − c_i)/(a_i + c_i) of {matrix}, B = A0 − C, lie between {low} and {high}",
    recorded="refuted",
    kind="misprint",
    given="A0 and C commuting, a_i, c_i ≥ 0 and not both zero, B = A0 − C.",
    tried="With Σ⁻¹B_M, of which the section speaks before and after, it holds.",
    why="The ratio is an eigenvalue of Σ⁻¹B_M; those of ΣB_M are a_i² − c_i², which have no bound.",
    counterexample=counterexamples.largest_eigenvalue,
    matrix=Sigma * B * M,
    low=sympy.Integer(-1),
    high=sympy.Integer(1),
)
def bounds() -> Iterator[Reading]:
    """r_i = b_i/s_i as the stationary points have it; the infimum and the supremum are its limits."""
    a, noise = np.array([2.0, 0.3, 1.1]), np.array([0.5, 0.9, 0.2])
    frame, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((3, 3)))
    kept = np.array([1.0, 1.0, 0.0])
    at = {name: (frame * value) @ frame.T for name, value in (("B", a - noise), ("Sigma", a + noise), ("M", kept))}
    found = (frame * (kept * (a - noise) / (a + noise))) @ frame.T
    over = np.logspace(-12, 12, 49)
    ratios = (1 - over) / (1 + over)
    where = "for c_i/a_i from 1e-12 to 1e12"
    yield Reading(
        {
            "matrix": on_modes(a_i / s_i),
            "low": min(strong(), sympy.limit(ratio(), a_i, 0)),
            "high": max(clean(), sympy.limit(ratio(), a_i, sympy.oo)),
        },
        [
            Measured("matrix", "exact", "what has these eigenvalues on the kept modes", [Point(at, found, 1e-9)]),
            Measured("low", "exact", f"the smallest ratio {where}", [Point({}, ratios.min(), 1e-9)]),
            Measured("high", "exact", f"the largest ratio {where}", [Point({}, ratios.max(), 1e-9)]),
        ],
    )


@ICLR.claim(
    "iclr:eq20",
    where="Eq. (20), App. D.1",
    says="B = A0 − C, very strong augmentation in subspace j, none in the others: for the others the condition is"
    " {left} > {right}; they do not collapse: {kept}",
    recorded="holds",
    left=1 + 2 / d_M,
    right=(d_M - 2) / d_M,
    kept=True,
)
def the_others() -> Iterator[Reading]:
    """All d_M modes are kept, j among them."""
    found = sides(clean(), strong() + (d_M - 2) * clean())
    cases = [((0.7, *np.linspace(0.5, 2, n - 2), 0.0), (0.0,) * (n - 1) + (1.0,)) for n in (2, 3, 5)]
    kept = all(mask[:3].all() for mask in _minima((0.5, 1.0, 1.6, 0.0), (0.0, 0.0, 0.0, 1.0)))
    measured = Measured("kept", "exact", "whether the minima keep them", [Point({}, kept)], note="seed 0")
    yield Reading({**found, "kept": _positive(found)}, [*measured_sides(cases), measured])


@ICLR.claim(
    "iclr:eq21",
    where="Eq. (21), App. D.1",
    says="… and for j it is {left} > {right} ⇔ {short}, possible for at most {most} kept mode(s)",
    recorded="holds",
    left=-1 + 2 / d_M,
    right=(d_M - 2) / d_M,
    short=sympy.Gt(4 / d_M, 2),
    most=sympy.Integer(1),
)
def the_strong_one() -> Iterator[Reading]:
    """The same with j as the mode that is asked about."""
    found = sides(strong(), (d_M - 1) * clean())
    cases = [((0.0, *np.linspace(0.5, 2, n - 1)), (1.0, *[0.0] * (n - 1))) for n in (1, 2, 3, 4, 5)]
    measured = measured_sides(cases)
    both = [
        Point(one.at, bool(one.found > other.found))
        for one, other in zip(measured[0].points, measured[1].points, strict=True)
    ]
    (limit,) = sympy.solve(found["left"] - found["right"], d_M)
    # Newton's iteration on masks that hold j: those of which a stationary point keeps all.
    masks = ([0], [0, 1], [0, 1, 2])
    sizes = [end.kept.sum() for mask in masks for end in ends([-1, 0.5, 2], [1, 0.5, 2], c=1.0, within=mask, starts=8)
             if end.kept[mask].all()]  # fmt: skip
    yield Reading(
        {**found, "short": sympy.Gt(found["left"], found["right"]), "most": sympy.ceiling(limit) - 1},
        [
            *measured,
            Measured("short", "exact", "the condition in numbers", both),
            Measured("most", "exact", "modes kept at stationary points that keep j", [Point({}, float(max(sizes)))]),
        ],
    )


@ICLR.claim(
    "iclr:eq22",
    where="Eq. (22), App. D.1",
    says="B = A0 − C, c_1 = 0 and c_j = a_j for the others: their condition is {left} > {right}; they do not collapse:"
    " {kept}",
    recorded="holds",
    left=2 / d_M,
    right=1 / d_M,
    kept=True,
)
def as_strong_as_the_feature() -> Iterator[Reading]:
    """r_j = 0, where b_j = 0 would collapse without normalisation."""
    found = sides(equal(), clean() + (d_M - 2) * equal())
    features = [tuple(np.linspace(0.5, 2, n)) for n in (2, 3, 5)]
    cases = [(a, (*a[:-1], 0.0)) for a in features]
    kept = all(mask.all() for mask in _minima((1.0, 0.6, 1.4), (0.0, 0.6, 1.4)))
    measured = Measured("kept", "exact", "whether the minima keep them", [Point({}, kept)], note="seed 0")
    yield Reading({**found, "kept": _positive(found)}, [*measured_sides(cases), measured])


def _first_augmented(n: int, a: float, noise: float) -> Spectrum:
    """The spectrum of n modes of which only the first is augmented."""
    return (a, *np.linspace(0.5, 2, n - 1)), (noise, *[0.0] * (n - 1))


@ICLR.claim(
    "iclr:eq23",
    where="Eq. (23), App. D.1",
    says="B = A0 − C, weak augmentation in the first subspace alone, ϵ = a_i − c_i there: its condition is"
    " {left} > {right}",
    recorded="refuted",
    kind="misprint",
    given="d_M kept modes, c = 1, B = A0 − C; the others are not augmented.",
    tried="At a_i + c_i = 1 it holds; the left side keeps a_i + c_i.",
    why="The first r is ϵ/(a_i + c_i) in the average too, not ϵ; the two agree where a_i + c_i = 1.",
    counterexample=counterexamples.average_of_the_ratios,
    left=epsilon / (a_i + c_i) + 2 / d_M,
    right=(d_M - 1 + epsilon) / d_M,
)
def first_subspace() -> Iterator[Reading]:
    """One r below 1."""
    cases = [_first_augmented(*case) for case in ((2, 1.4, 0.6), (3, 0.9, 0.1), (5, 2.5, 2.2))]
    yield Reading(sides(weak(), (d_M - 1) * clean()), measured_sides(cases))


class AtMost(Measured):
    """What was found bounds the statement from above."""

    def _agrees(self, point: Point, predicted: Any) -> bool:
        return bool(predicted <= point.found + point.error)


@ICLR.claim(
    "iclr:eq23-threshold",
    where="after Eq. (23), App. D.1",
    says="… which is violated whenever ϵ < {threshold}",
    recorded="conditional",
    given="As Eq. (23), d_M > 3; the global minimum with E|f|² = 1.",
    why="The first subspace collapses at every ϵ below (a_i + c_i)(d_M − 3)/(d_M − 1). The printed value is smaller:"
    " it suffices, yet it is neither where Eq. (13) fails nor where the printed Eq. (23) does, which is"
    " (a_i + c_i)(d_M − 3)/(d_M − a_i − c_i).",
    counterexample=counterexamples.threshold,
    threshold=(a_i + c_i) * (d_M - 3) / (a_i + c_i + d_M),
)
def threshold() -> Iterator[Reading]:
    """Where both sides are equal; 'whenever' read as 'exactly when', and as an implication."""
    found = sides(weak(), (d_M - 1) * clean())
    (largest,) = sympy.solve(found["left"] - found["right"], epsilon)
    crossing, onset = _crossings()
    two: tuple[tuple[RouteName, str, list[Point]], ...] = (
        ("exact", "the ϵ at which the two sides of Eq. (13), linear in ϵ, meet", crossing),
        ("trained", "the ϵ at which the first subspace's power at the minimum, linear in ϵ, goes to zero", onset),
    )
    values = [Measured("threshold", route, quantity, places) for route, quantity, places in two]
    yield Reading({"threshold": sympy.factor(largest)}, values, "violated exactly when ϵ is below it")
    bounds = [AtMost("threshold", route, quantity, places) for route, quantity, places in two]
    yield Reading({}, bounds, "a sufficient condition alone: a larger ϵ may violate it too")


def _crossings() -> tuple[list[Point], list[Point]]:
    """The largest ϵ at which the first subspace collapses: by the condition, and by an optimiser."""
    crossing, onset = [], []
    for n, total in ((4, 1.0), (5, 0.7), (4, 2.0)):
        at = {"a_i": 0.6 * total, "c_i": 0.4 * total, "d_M": float(n)}
        trials = np.array([0.8, 0.95]) * total
        spectra = [_first_augmented(n, (total + gap) / 2, (total - gap) / 2) for gap in trials]
        both = [[side.points[0].found for side in measured_sides([spectrum])] for spectrum in spectra]
        crossing.append(Point(at, _root(trials, [left - right for left, right in both]), 1e-9))
        onset.append(Point(at, _root(trials, [_power(spectrum) for spectrum in spectra]), 1e-6))
    return crossing, onset


def _root(at: Any, values: Sequence[float]) -> float:
    """The root of the line through two values."""
    return float(at[0] - values[0] * (at[1] - at[0]) / (values[1] - values[0]))


def _power(spectrum: Spectrum) -> float:
    """The power of the first mode, at the lowest minimum."""
    a, noise = spectrum
    (end, *_) = ends(np.subtract(a, noise), np.add(a, noise), c=1.0, minimise=True, starts=2)
    return float(end.frame[:, 0] @ end.gram @ end.frame[:, 0])
