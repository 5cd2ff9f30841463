"""NT-Xent, the loss of SimCLR (Chen et al. 2020, Eq. 1).

Each of the 2N views of a batch is an anchor; its denominator holds the positive and both views of the N − 1 other
data. The similarity is the inner product over τ (the paper normalises f first).
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
    return -inner(anchor, positive) / tau + log(negatives + exp(inner(anchor, positive) / tau))


LOSS = Loss(
    (one_anchor(x, x_pos) + one_anchor(x_pos, x)) * sympy.Rational(1, 2),
    name="ntxent",
    title="NT-Xent, SimCLR (batch of N)",
    sources=("chen2020",),
    where="Eq. 1",
)
