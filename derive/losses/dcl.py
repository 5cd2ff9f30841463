"""Decoupled contrastive loss (Yeh et al. 2022): NT-Xent without the positive in its denominator.

Each of the 2N views is an anchor; both views of the N − 1 other data are its negatives. The similarity is the inner
product over τ (the paper normalises f first).
"""

from __future__ import annotations

import sympy

from derive.definition.expression import Expression
from derive.definition.language import Mean, exp, inner, log
from derive.definition.views import View, views
from derive.losses.loss import Loss

N, tau = sympy.symbols("N tau")
x, x_pos, chi, chi_pos = views("x, x_pos, chi, chi_pos")


def one_anchor(anchor: View, positive: View) -> Expression:
    """The loss of one anchor."""
    negatives = (N - 1) * Mean(
        exp(inner(anchor, chi) / tau) + exp(inner(anchor, chi_pos) / tau), over=(chi, chi_pos), count=N - 1
    )
    return -inner(anchor, positive) / tau + log(negatives)


LOSS = Loss(
    (one_anchor(x, x_pos) + one_anchor(x_pos, x)) * sympy.Rational(1, 2),
    name="dcl",
    title="DCL (batch of N)",
    sources=("yeh2022",),
    where="L_DC",
)
