"""CLIP's symmetric InfoNCE (Radford et al. 2021, Fig. 3) over a batch of N pairs, with temperature τ.

An image x and its text are seen through two encoders, f and g. Each image is to be told its text among the batch's, and
each text its image; the loss is the mean of both cross-entropies. The paper's logit scale is 1/τ, and it divides f and
g by their norms first.
"""

from __future__ import annotations

import sympy

from derive.definition.expression import Expression
from derive.definition.language import Mean, exp, inner, log
from derive.definition.views import views
from derive.losses.loss import Loss

N, tau = sympy.symbols("N tau")
x, chi = views("x, chi")
x_text, chi_text = views("x_text, chi_text", encoder="g")


def cross_entropy(negatives: Expression) -> Expression:
    """−log softmax of the pair among the batch, given the sum over its other members."""
    positive = inner(x, x_text) / tau
    return -positive + log(negatives + exp(positive))


of_images = cross_entropy((N - 1) * Mean(exp(inner(x, chi_text) / tau), over=chi_text, count=N - 1))
of_texts = cross_entropy((N - 1) * Mean(exp(inner(chi, x_text) / tau), over=chi, count=N - 1))

LOSS = Loss(
    (of_images + of_texts) * sympy.Rational(1, 2),
    name="clip",
    title="CLIP's symmetric InfoNCE (batch of N)",
    sources=("radford2021",),
    where="Fig. 3",
)
