"""Sec. 3, "for a general φ": whether Eqs. (4) to (6) hold where the features are not a linear function of the data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import sympy

from derive import Loss, Mean, Uncentred, half_sq, views
from numeric.cubature import gaussian_cubature
from verify.papers.claims.claim import Measured, Point, Reading
from verify.papers.claims.counterexamples import infonce as counterexamples
from verify.papers.claims.formulas import A0, C, Sigma, Symmetric, Tr, W, d0, formula_of
from verify.papers.claims.iclr.ledger import ICLR
from verify.papers.claims.measuring import TOLERANCE

x, x_pos, chi = views("x, x_pos, chi")
# The mean of the features.
mean = sympy.MatrixSymbol("mu", d0, 1)
# E[φ(x) φ(x′)ᵀ] of two views of a datum, which is A0 where φ is linear.
K = Symmetric("K", d0)


@ICLR.claim(
    "iclr:eq4-general",
    where="Eqs. (4)–(6), Sec. 3",
    says="for a general φ with A0 = E[φ(x̂) φ(x̂)ᵀ] and C = Σ − A0, E ½|f(x) − f(x′)|² = {energy} and"
    " E ½|f(x) − f(χ)|² = {repulsion}",
    recorded="conditional",
    why="What enters is K = E[φ(x) φ(x′)ᵀ] of two views. It is A0 = E[φ(x̂) φ(x̂)ᵀ] where the augmentation leaves the"
    " features' mean alone, E[φ(x) | x̂] = φ(x̂), as it does for a linear φ; a nonlinear φ moves it. In Eq. (6) the"
    " mean over the data has to vanish as well, E φ(x) = 0: for data of zero mean a φ that is not odd has another. (The"
    " words call A0 a covariance: with Σ and A0 both centred Eq. (6) needs no second condition.)",
    given="Any law; C := Σ − A0, all three moments not centred, as the formulas of Sec. 3 have them; exact.",
    counterexample=counterexamples.a_nonlinear_feature,
    energy=Tr(W * C * W.T),
    repulsion=Tr(W * C * W.T) + Tr(W * A0 * W.T),
)
def general_features() -> Iterator[Reading]:
    """The engine's A0 is the moment K of two views; whether that is the printed A0 depends on φ and the noise."""
    pair, far = Loss(half_sq(x, x_pos)).expand(2), Loss(Mean(half_sq(x, chi), over=chi)).expand(2)
    derived = {"energy": formula_of(pair).xreplace({A0: K}), "repulsion": formula_of(far)}
    yield Reading(
        derived,
        list(_features(lambda hat, e: (hat + 0.7 * e) ** 3, "φ(x) = x³, x = x̂ + ε")),
        name="any φ with E φ(x) = 0",
        definitions={C: Sigma - A0},
        how="derived with K = E[φ(x) φ(x′)ᵀ]",
    )
    # e² has the mean 1: φ(x) = x² − 1 of x = e x̂ is x̂² − 1 on average over the augmentation.
    yield Reading(
        {slot: value.xreplace({K: A0}) for slot, value in derived.items()},
        list(_features(lambda hat, e: (e * hat) ** 2 - 1, "φ(x) = x² − 1, x = s x̂ with E s² = 1")),
        name="the augmentation leaves the features' mean alone, E[φ(x) | x̂] = φ(x̂), and it vanishes over the data,"
        " E φ(x) = 0",
        definitions={C: Sigma - A0},
        how="derived with K = A0",
    )
    # The engine's Σ and A0 of a law with a mean are centred; those of the print are not.
    far = formula_of(Loss(Mean(half_sq(x, chi), over=chi)).expand(2, data=Uncentred()))
    yield Reading(
        {
            "energy": derived["energy"].xreplace({K: A0}),
            "repulsion": Tr(W * (Sigma - mean * mean.T) * W.T) if far == Tr(W * Sigma * W.T) else far,
        },
        list(_features(lambda hat, e: (e * hat) ** 2, "φ(x) = x², x = s x̂ with E s² = 1")),
        name="E[φ(x) | x̂] = φ(x̂), but E φ(x) = μ",
        definitions={C: Sigma - A0},
        how="derived with K = A0 and a mean",
    )


def _features(seen: Callable[[Any, Any], Any], named: str) -> Iterator[Measured]:
    """One feature of one number: ``seen`` is φ(x) by x̂ and the augmentation's normal number; f = 0.8 φ."""
    clean = _CLEAN[named]
    nodes, weights = gaussian_cubature(4, 13)
    draws = np.random.default_rng(0).standard_normal((1_000_000, 4))
    values = {
        "A_0": clean(nodes[:, 0]) ** 2,
        "Sigma": seen(nodes[:, 0], nodes[:, 1]) ** 2,
        "K": seen(nodes[:, 0], nodes[:, 1]) * seen(nodes[:, 0], nodes[:, 2]),
    }
    letters: dict[str, Any] = {name: np.array([[float(weights @ value)]]) for name, value in values.items()}
    letters["W"] = np.array([[0.8]])
    letters["mu"] = np.array([[float(weights @ seen(nodes[:, 0], nodes[:, 1]))]])

    def half_distance(slot: str, normal: Any) -> Any:
        other = normal[:, 0] if slot == "energy" else normal[:, 3]
        return 0.32 * (seen(normal[:, 0], normal[:, 1]) - seen(other, normal[:, 2])) ** 2

    for slot in ("energy", "repulsion"):
        exact, drawn = float(weights @ half_distance(slot, nodes)), half_distance(slot, draws)
        error = float(drawn.std() / np.sqrt(len(drawn)))
        yield Measured(slot, "exact", f"{named}, on cubature nodes", [Point(letters, exact, TOLERANCE)])
        yield Measured(
            slot, "monte-carlo", f"{named}, {len(drawn):,} draws", [Point(letters, float(drawn.mean()), error)],
            noisy=True, seed=0,
        )  # fmt: skip


# φ(x̂), without augmentation.
_CLEAN: dict[str, Callable[[Any], Any]] = {
    "φ(x) = x³, x = x̂ + ε": lambda hat: hat**3,
    "φ(x) = x² − 1, x = s x̂ with E s² = 1": lambda hat: hat**2 - 1,
    "φ(x) = x², x = s x̂ with E s² = 1": lambda hat: hat**2,
}
