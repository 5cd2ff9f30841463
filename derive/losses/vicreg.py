"""VICReg (Bardes et al. 2022), and the smooth variance term that Ziyin et al. 2023 put in its place.

`LOSS` keeps VICReg's own variance term max(0, γ − sqrt(Var + ε)) where the hinge is active, which it is near W = 0
when γ > sqrt(ε). There it is analytic, but on the scale |Var| < ε only: as ε → 0 the origin becomes a cusp. `SOFT` has
κ(E|f|² − c)² instead (Eq. 10).
"""

from __future__ import annotations

import sympy

from derive.definition.expression import Expression
from derive.definition.language import (
    EMBEDDING_DIMENSION,
    Mean,
    diagonal_sum,
    half_sq,
    inner,
    off_diagonal_sum,
    sqrt,
)
from derive.definition.matrices import SecondMoment
from derive.definition.views import View, views
from derive.losses.loss import Loss

lamda, mu, nu, gamma_std, epsilon, kappa, c = sympy.symbols("lambda mu nu gamma_std epsilon kappa c")
x, x_pos = views("x, x_pos")


def covariance_term(view: View) -> Expression:
    """The off-diagonal entries of the covariance, squared and summed, over d1 (Eq. 4)."""
    covariance = SecondMoment(view, view, centred=True)
    return off_diagonal_sum(lambda i, j: covariance[i, j] ** 2) / EMBEDDING_DIMENSION


def variance_term(view: View) -> Expression:
    """The mean over coordinates of γ − sqrt(Var + ε), the hinge active (Eq. 1)."""
    covariance = SecondMoment(view, view, centred=True)
    return diagonal_sum(lambda i: gamma_std - sqrt(covariance[i, i] + epsilon)) / EMBEDDING_DIMENSION


invariance = lamda * 2 * half_sq(x, x_pos)
decorrelation = nu * (covariance_term(x) + covariance_term(x_pos))

LOSS = Loss(
    invariance + mu * (variance_term(x) + variance_term(x_pos)) + decorrelation,
    name="vicreg",
    title="VICReg, hinge active (population)",
    sources=("bardes2022",),
    where="Eq. 6",
    notes=(
        "Analytic only where every coordinate's variance stays below ε; as ε → 0 the origin becomes a cusp.",
        "gamma_std is VICReg's γ, the standard deviation aimed at.",
    ),
)

SOFT = Loss(
    invariance + kappa * (Mean(inner(x, x), over=x) - c) ** 2 + decorrelation,
    name="vicreg-soft",
    title="VICReg, soft variance term (population)",
    sources=("bardes2022", "ziyin2023"),
    where="Eq. 10",
)
