"""InfoNCE in the population limit (Ziyin et al. 2023, Eq. 2)."""

from __future__ import annotations

from derive.definition.language import Mean, exp, half_sq, log
from derive.definition.views import views
from derive.losses.loss import Loss

x, x_pos, chi = views("x, x_pos, chi")

LOSS = Loss(
    half_sq(x, x_pos) + log(Mean(exp(-half_sq(x, chi)), over=chi)),
    name="infonce",
    title="InfoNCE (population)",
    sources=("oord2018", "ziyin2023"),
    where="Eq. 2",
)
