"""β-InfoNCE (Ziyin et al. 2023, Sec. 4.2): InfoNCE with its entropy term weighted by β."""

from __future__ import annotations

import sympy

from derive.definition.language import Mean, exp, half_sq, log
from derive.definition.views import views
from derive.losses.loss import Loss

beta = sympy.Symbol("beta")
x, x_pos, chi = views("x, x_pos, chi")

LOSS = Loss(
    half_sq(x, x_pos) + beta * log(Mean(exp(-half_sq(x, chi)), over=chi)),
    name="beta-infonce",
    title="β-InfoNCE (population)",
    sources=("ziyin2023",),
    where="Sec. 4.2",
)
