"""SupCon, the supervised contrastive loss (Khosla et al. 2020, Eq. 2, L_out), in the population limit.

A positive is another datum of the anchor's class. The published denominator holds all other views of the batch; over
infinitely many it is the mean over the population, and one of the anchor's own second view among the positives, which
is a datum's share of its class, vanishes. The similarity is the inner product over τ (the paper normalises f first).
"""

from __future__ import annotations

import sympy

from derive.definition.language import Mean, exp, inner, log
from derive.definition.views import views
from derive.losses.loss import Loss

tau = sympy.Symbol("tau")
x, chi = views("x, chi")
(x_same,) = views("x_same", shares="class")

LOSS = Loss(
    -inner(x, x_same) / tau + log(Mean(exp(inner(x, chi) / tau), over=chi)),
    name="supcon",
    title="SupCon (population)",
    sources=("khosla2020",),
    where="Eq. 2",
    notes=(
        "Under --law classes there are classes; without it all data are of one, and there is nothing to learn.",
        "The anchor's own second view, one of 2k + 1 positives in a batch with k others of its class, is left out.",
    ),
)
