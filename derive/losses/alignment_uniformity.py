"""Alignment + uniformity (Wang and Isola 2020), unnormalised: E|f(x) − f(x′)|² + λ log E exp(−t|f(x) − f(χ)|²)."""

from __future__ import annotations

import sympy

from derive.definition.language import Mean, exp, half_sq, log
from derive.definition.views import views
from derive.losses.loss import Loss

lamda, t = sympy.symbols("lambda t")
x, x_pos, y, chi = views("x, x_pos, y, chi")

LOSS = Loss(
    2 * half_sq(x, x_pos) + lamda * log(Mean(exp(-2 * t * half_sq(y, chi)), over=(y, chi))),
    name="alignment-uniformity",
    title="alignment + uniformity (population)",
    sources=("wang2020",),
    where="Sec. 4.1, α = 2",
)
