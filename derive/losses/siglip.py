"""SigLIP's sigmoid loss (Zhai et al. 2023) over a batch of N, with two views of a datum for image and text.

Each pair is a binary classification: label 1 for two views of one datum, −1 otherwise, through
log(1 + exp(label·(−t⟨f, f⟩ + b))). The paper's printed formula has b with this sign; its pseudocode has the other.
"""

from __future__ import annotations

import sympy

from derive.definition.language import Mean, exp, inner, log
from derive.definition.views import views
from derive.losses.loss import Loss

N, t, b = sympy.symbols("N t b")
x, x_pos, chi = views("x, x_pos, chi")

LOSS = Loss(
    log(1 + exp(-t * inner(x, x_pos) + b)) + (N - 1) * Mean(log(1 + exp(t * inner(x, chi) - b)), over=chi, count=N - 1),
    name="siglip",
    title="SigLIP (batch of N)",
    sources=("zhai2023",),
    where="Sec. 3.2",
    notes=("The bias has the sign of the printed formula; the paper's pseudocode writes −b for it.",),
)
