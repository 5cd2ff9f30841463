"""Barlow Twins (Zbontar et al. 2021, Eq. 1) without batch normalisation: M = E[f(x) f(x′)ᵀ] is pulled to I."""

from __future__ import annotations

import sympy

from derive.definition.language import diagonal_sum, off_diagonal_sum
from derive.definition.matrices import SecondMoment
from derive.definition.views import views
from derive.losses.loss import Loss

lamda = sympy.Symbol("lambda")
x, x_pos = views("x, x_pos")
M = SecondMoment(x, x_pos)

LOSS = Loss(
    diagonal_sum(lambda i: (1 - M[i, i]) ** 2) + lamda * off_diagonal_sum(lambda i, j: M[i, j] ** 2),
    name="barlow-twins",
    title="Barlow Twins, no batch normalisation (population)",
    sources=("zbontar2021",),
    where="Eq. 1",
    notes=("Rotation invariant at order 4 only where λ = 1: the diagonal of M is weighted otherwise than the rest.",),
)
