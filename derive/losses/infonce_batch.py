"""InfoNCE over a batch of N (Ziyin et al. 2023, Eq. 1): the denominator holds the positive and N − 1 negatives.

The paper prints the sum over the N data; this is the mean, the sum divided by N.
"""

from __future__ import annotations

import sympy

from derive.definition.language import Mean, exp, half_sq, log
from derive.definition.views import views
from derive.losses.loss import Loss

N = sympy.Symbol("N")
x, x_pos, chi = views("x, x_pos, chi")
negatives = (N - 1) * Mean(exp(-half_sq(x, chi)), over=chi, count=N - 1)

LOSS = Loss(
    half_sq(x, x_pos) + log(negatives + exp(-half_sq(x, x_pos))),
    name="infonce-batch",
    title="InfoNCE (batch of N)",
    sources=("oord2018", "ziyin2023"),
    where="Eq. 1",
    notes=("The mean over the batch, where Eq. 1 prints the sum.",),
)
