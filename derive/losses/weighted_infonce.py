"""Weighted InfoNCE (Ziyin et al. 2023, Eq. 7): InfoNCE over a batch, its positive weighted by α in the denominator."""

from __future__ import annotations

import sympy

from derive.definition.language import Mean, exp, half_sq, log
from derive.definition.views import views
from derive.losses.loss import Loss

N, alpha = sympy.symbols("N alpha")
x, x_pos, chi = views("x, x_pos, chi")
negatives = (N - 1) * Mean(exp(-half_sq(x, chi)), over=chi, count=N - 1)

LOSS = Loss(
    half_sq(x, x_pos) + log(negatives + alpha * exp(-half_sq(x, x_pos))),
    name="weighted-infonce",
    title="weighted InfoNCE (batch of N)",
    sources=("tian2022", "ziyin2023"),
    where="Eq. 7",
    notes=("The mean over the batch, where Eq. 7 prints the sum.",),
)
