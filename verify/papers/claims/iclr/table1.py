"""Table 1: the matrix B that shapes the origin, and which collapses can happen, loss by loss and modifier by modifier.

A yes means, as the caption has it, that there are data and hyperparameters with which the collapse happens: that some
eigenvalue of WᵀW (dimensional) or all (complete) are zero at the minimum. The data vary in every direction, a_i > 0.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy

from derive import catalogue
from derive.landscape.collapse import collapse
from derive.landscape.conditions import at_most_zero
from derive.landscape.landscape import MODE_I
from verify.papers.claims.claim import Measured, Point, Reading
from verify.papers.claims.counterexamples import table1 as counterexamples
from verify.papers.claims.formulas import A0, C, identity
from verify.papers.claims.iclr.ledger import ICLR
from verify.papers.claims.iclr.table1_minima import SIZE, Trained
from verify.papers.claims.iclr.unit_minima import rows as unit_rows
from verify.papers.claims.measuring import TOLERANCE, curvatures
from verify.truths.settings import case

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from derive.landscape.conditions import Condition

N, gamma = sympy.symbols("N gamma")
BATCH = "of a batch of N independent data"
FIXED = "of a fixed centred training set with fresh noise"
SAYS = "{row}: B is {{B}} up to a positive factor, its first coefficient being 1; can dimensional collapse happen:"
SAYS += " {{dimensional}}, complete collapse: {{complete}}"

# Parameters that a loss has besides N, and eigenvalues of A0 and C: weak and strong augmentation, weak and strong data.
PARAMETERS: dict[str, dict[str, Any]] = {
    "ntxent": {"tau": 1},
    "weighted-infonce": {"alpha": 0},
    "barlow-twins": {"lambda": sympy.Rational(1, 2)},
}
DATA = (((1.0, 1.0), (1.0, 10.0)), ((1.0, 0.3), (5.0, 5.0)))
# For a fixed norm: augmentation in one direction alone, and in all.
NORM, NORMED = 0.3, (((1.0, 1.0), (0.01, 10.0)), ((1.0, 1.0), (5.0, 10.0)))
# For weight decay, with its strength: between the eigenvalues of B, and above them.
DECAYS = (1.0, 6.0)
DECAYED = (((2.0, 0.2), (1.0, 1.0)),)
FOUR = ("infonce", "ntxent", "spectral", "barlow-twins")


def rows(name: str, sampling: str = "iid", reading: str = "") -> Reading:
    """A loss as it is: the row of the table, derived and measured."""
    loss = catalogue(name).set(PARAMETERS.get(name, {}))
    B = loss.expand(2, sampling=sampling).B
    first = B["A0"] if B["A0"] != 0 else B["C"]
    can, how = can_collapse(name, sampling)
    derived = {"B": sympy.cancel(B["A0"] / first) * A0 + sympy.cancel(B["C"] / first) * C, **can}
    trained = [Trained(name, a, c, _numbers(name), fixed=sampling == "fixed") for a, c in DATA]
    return Reading(derived, [*_origin(name, sampling), *collapses(trained)], name=reading, how=how)


def can_collapse(name: str, sampling: str) -> tuple[dict[str, bool], str]:
    """Whether each collapse can happen, and how that was derived."""
    loss = catalogue(name).set(PARAMETERS.get(name, {}))
    if sampling == "iid":
        found = collapse(loss.expand(4))
        parts = {"dimensional": found.dimensional, "complete": found.complete}
        return {slot: _happens(one, {}) for slot, one in parts.items()}, "derived from the definition"
    # Exact at second order, where the origin holds a mode or does not.
    second_order = loss.expand(2, sampling=sampling)
    B = second_order.B
    held = at_most_zero(B["A0"] * MODE_I["A"] + B["C"] * MODE_I["C"], second_order.ranges) != sympy.false
    how = "which modes the origin holds, b_i ≤ 0, derived from the definition"
    return dict.fromkeys(("dimensional", "complete"), held), how


def _happens(condition: Condition | None, values: Mapping[str, Any], data: Sequence[Any] = DATA) -> bool:
    """Whether a condition can hold: it may be decided, or does at one of some data."""
    assert condition is not None  # noqa: S101 (told the type checker; these losses are all decided)
    if condition.formula in (sympy.true, sympy.false):
        return bool(condition.formula == sympy.true)
    return any(bool(condition.holds(a, c, values)) for a, c in data)


def _numbers(name: str) -> dict[str, float]:
    return {parameter: float(value) for parameter, value in PARAMETERS.get(name, {}).items()}


def collapses(trained: Sequence[Trained]) -> Iterator[Measured]:
    """Whether a collapse is seen with any of the settings."""
    where = "; ".join(f"a = {one.a}, c = {one.c}" for one in trained)
    for slot in ("dimensional", "complete"):
        seen = any(getattr(one, slot) for one in trained)
        lowest = ", ".join(f"{one.eigenvalues[0 if slot == 'dimensional' else -1]:.2g}" for one in trained)
        yield Measured(
            slot, "trained", "an eigenvalue of WᵀW that is zero where the loss written by hand is lowest",
            [Point({}, seen)], seed=0, note=f"{where}; eigenvalues {lowest}",
        )  # fmt: skip


def _origin(name: str, sampling: str) -> Iterator[Measured]:
    """B by polarisation of the second order along rows of W, on cubature nodes, over the coefficient of A0."""
    loss, values, size = catalogue(name), PARAMETERS.get(name, {}), 3
    for route in ("exact", "autodiff"):
        points = []
        for seed in (0, 1) if route == "exact" else (0,):
            at = case(loss, values, seed=seed, size=size, sampling=sampling)
            matrix, data = curvatures(loss, at, route), at.setting.covariances
            design = np.stack([data.A0.ravel(), data.C.ravel()], 1)
            weights, *_ = np.linalg.lstsq(design, matrix.ravel(), rcond=None)
            first = next(one for one in weights if abs(one) > TOLERANCE)
            letters = {"A_0": data.A0, "C": data.C, "Sigma": data.Sigma, "N": float(size)}
            points.append(Point(letters, matrix / first, 10 * TOLERANCE))
        how = {"exact": "the definition by Cauchy's integral", "autodiff": "the torch loss written by hand"}[route]
        yield Measured("B", route, f"second derivatives at W = 0 of {how}", points, note=f"{len(points)} seeds from 0")


@ICLR.claim(
    "iclr:table1-infonce",
    where="Table 1, row 1",
    says=SAYS.format(row="InfoNCE"),
    recorded="holds",
    B=A0,
    dimensional=False,
    complete=False,
)
def infonce_row() -> Iterator[Reading]:
    """Eq. (2), and Eq. (1) with both meanings of its data."""
    yield rows("infonce", reading="the population loss, Eq. (2)")
    yield rows("infonce-batch", reading=f"Eq. (1) {BATCH}")
    yield rows("infonce-batch", "fixed", reading=f"Eq. (1) {FIXED}")


@ICLR.claim(
    "iclr:table1-ntxent",
    where="Table 1, row 2",
    says=SAYS.format(row="NT-Xent (SimCLR)"),
    recorded="refuted",
    kind="error",
    given="Order 2 of the loss per datum, exact; collapse at the minima on Gaussian data with a_i > 0, d1 ≥ d0.",
    tried="NT-Xent as defined by Chen et al. and Eq. (7) at α = 0, each with independent draws and with a fixed"
    " training set.",
    why="C cancels at second order whatever the weight of the positive in the denominator: what pulls two views"
    " together and what pushes others apart meet the same C. The loss falls from the origin along every direction in"
    " which the data vary.",
    falls=("iclr:weighted-collapse", "iclr:eq17", "that collapses of SimCLR depend on 1/N (Sec. 4.2)"),
    counterexample=counterexamples.ntxent_with_strong_augmentation,
    B=A0 - C / N,
    dimensional=True,
    complete=True,
)
def ntxent_row() -> Iterator[Reading]:
    """NT-Xent as SimCLR has it, and Eq. (7) at α = 0, which the paper takes for it."""
    yield rows("ntxent", reading=f"NT-Xent (Chen et al. 2020, Eq. 1) {BATCH}")
    yield rows("ntxent", "fixed", reading=f"NT-Xent {FIXED}")
    yield rows("weighted-infonce", reading=f"Eq. (7) at α = 0 {BATCH}")
    yield rows("weighted-infonce", "fixed", reading=f"Eq. (7) at α = 0 {FIXED}")


@ICLR.claim(
    "iclr:table1-scl",
    where="Table 1, row 3",
    says=SAYS.format(row="spectral contrastive loss"),
    recorded="refuted",
    kind="error",
    given="Eq. (14) without its constraint, B up to a positive factor; the global minimum on Gaussian data, d1 ≥ d0,"
    " a_i > 0.",
    tried="B up to any positive factor; the entries on collapse hold, the matrix does not.",
    why="−2 E[f(x)ᵀf(x′)] is −2 Tr[W A0 Wᵀ]: two views share x̂, and their noises are independent.",
    falls=("iclr:eq15", "iclr:scl-direction", "iclr:imbalance"),
    counterexample=counterexamples.spectral_at_the_origin,
    B=C,
    dimensional=False,
    complete=False,
)
def spectral_row() -> Iterator[Reading]:
    """Eq. (14) without its normalisation."""
    yield rows("spectral")


@ICLR.claim(
    "iclr:table1-bt",
    where="Table 1, row 4",
    says=SAYS.format(row="Barlow Twins, not normalised"),
    recorded="refuted",
    kind="error",
    given="The cross moment, no batch normalisation, λ = ½ in numbers; the global minimum, d1 ≥ d0, a_i > 0.",
    tried="B up to any positive factor; with one view twice A0 + C is right, but then nothing is augmented. The"
    " entries on collapse hold.",
    why="Barlow Twins compares two views of a datum: its matrix is E[f(x) f(x′)ᵀ] = W A0 Wᵀ, and C occurs at no order.",
    falls=("that it aligns with both the feature and the augmentation (Sec. 3.2)",),
    counterexample=counterexamples.barlow_twins_at_the_origin,
    B=A0 + C,
    dimensional=False,
    complete=False,
)
def barlow_twins_row() -> Iterator[Reading]:
    """On the cross moment; with the correlation matrix, as published, there is no expansion at W = 0."""
    yield rows("barlow-twins")


@ICLR.claim(
    "iclr:table1-norm",
    where="Table 1, row 5",
    says="each of the four losses with normalisation (E|f|² fixed, Eq. (10), κ → ∞; or f/‖f‖ itself): can dimensional"
    " collapse happen: {dimensional}, complete collapse: {complete}",
    recorded="holds",
    dimensional=True,
    complete=False,
)
def norm_rows() -> Iterator[Reading]:
    """The paper's model of normalisation, and f/‖f‖ itself, but for Barlow Twins, which sees coordinates."""
    for name in FOUR:
        yield normed(name, catalogue(name).title, bias=False)
    for name in ("infonce", "ntxent", "spectral"):
        yield unit_rows(name, bias=False)


@cache
def normed(name: str, reading: str, *, bias: bool) -> Reading:
    """A loss with E|f|² fixed: which collapses can happen."""
    loss = catalogue(f"{name}+norm-penalty{'+bias' * bias}").set(PARAMETERS.get(name, {}))
    found = collapse(loss.expand(4), limit="kappa")
    values = {"N": SIZE, "c": NORM, "d1": 2}
    derived = {
        slot: _happens(condition, values, NORMED)
        for slot, condition in (("dimensional", found.dimensional), ("complete", found.complete))
    }
    trained = [Trained(name, a, c, _numbers(name), norm=NORM, bias=bias) for a, c in NORMED]
    return Reading(derived, list(collapses(trained)), name=reading)


@ICLR.claim(
    "iclr:table1-bias",
    where="Table 1, row 6",
    says="with normalisation and a bias, f = W x + b: can dimensional collapse happen: {dimensional}, complete"
    " collapse: {complete}",
    recorded="conditional",
    given="E|f|² = c as κ → ∞ through order 4, and f/‖f‖ itself; the global minimum, d1 ≥ d0 + 1, a_i > 0.",
    why="W = 0 with |b|² = c is stationary, but the loss still falls from there along every direction with b_i > 0,"
    " which for InfoNCE and NT-Xent are all of them. All of the norm goes to the bias only where the loss gains from"
    " b too, as the spectral one does. Under f/‖f‖ itself, which is c = 1, the spectral loss falls from there as well.",
    counterexample=counterexamples.infonce_with_a_bias,
    dimensional=True,
    complete=True,
)
def bias_rows() -> Iterator[Reading]:
    """Barlow Twins is left out: its quartic with a bias is of a kind that is not analysed."""
    yield normed("infonce", "on InfoNCE", bias=True)
    yield normed("ntxent", "on NT-Xent", bias=True)
    yield normed("spectral", "on the spectral contrastive loss", bias=True)
    for name in ("infonce", "ntxent", "spectral"):
        yield unit_rows(name, bias=True)


@ICLR.claim(
    "iclr:table1-decay",
    where="Table 1, row 7",
    says="weight decay γ‖W‖² adds {change} to B, in the convention of the other rows; can dimensional collapse happen:"
    " {dimensional}, complete collapse: {complete}",
    recorded="refuted",
    kind="misprint",
    given="Order 2, exact; collapse at the minimum through order 4.",
    tried="As the sign in the Hessian: that is −2B + 2γI, and the column is headed Hessian; but its other rows have B"
    " itself, for InfoNCE A0 and not −A0.",
    why="The other rows give B in −Tr[W B Wᵀ], from which weight decay subtracts; the Hessian itself, −2B, has +2γI.",
    counterexample=counterexamples.weight_decay_at_the_origin,
    change=gamma * identity,
    dimensional=True,
    complete=True,
)
def decay_rows() -> Iterator[Reading]:
    """On each of the four losses."""
    for name in FOUR:
        loss = catalogue(name).set(PARAMETERS.get(name, {}))
        modified = loss.with_weight_decay()
        B, before = modified.expand(2).B, loss.expand(2).B
        letters = {"A0": A0, "C": C, "I": identity}
        change = sympy.MatAdd(
            *(sympy.cancel(value - before.get(letter, 0)) * letters[letter] for letter, value in B.items())
        )
        found = collapse(modified.expand(4))
        # The strength is between the eigenvalues of B, or above them: either may happen.
        derived: dict[str, Any] = {
            slot: any(_happens(condition, {"N": SIZE, "d1": 2, "gamma": strength}, DECAYED) for strength in DECAYS)
            for slot, condition in (("dimensional", found.dimensional), ("complete", found.complete))
        }
        trained = [Trained(name, a, c, _numbers(name), gamma=strength) for a, c in DECAYED for strength in DECAYS]
        yield Reading(
            {"change": change.doit(), **derived}, [*_change(name), *collapses(trained)], name=catalogue(name).title
        )


def _change(name: str) -> Iterator[Measured]:
    """B with and without, by the same second derivatives."""
    plain, values = catalogue(name), PARAMETERS.get(name, {})
    decayed = catalogue(f"{name}+weight-decay")
    for route in ("exact", "autodiff"):
        at = case(decayed, values, seed=0)
        change = curvatures(decayed, at, route) - curvatures(plain, case(plain, values, seed=0), route)
        strength = float(at.values["gamma"])
        yield Measured(
            "change", route, "difference of the second derivatives at W = 0",
            [Point({"gamma": strength, "A_0": at.setting.covariances.A0}, change, 10 * TOLERANCE)], note="seed 0",
        )  # fmt: skip
