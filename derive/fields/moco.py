"""MoCo (He et al. 2020, Eq. 1): InfoNCE with K keys in a queue, stopped, through a momentum encoder; unnormalised."""

from __future__ import annotations

import sympy

from derive.definition.language import Mean, exp, inner, log
from derive.definition.views import stop, views
from derive.fields.training import Training
from derive.losses.loss import Loss

K, tau = sympy.symbols("K tau")
x, x_pos, chi = views("x, x_pos, chi")
positive, key = stop(x_pos), stop(chi)
agreement = inner(x, positive) / tau

MOCO = Training(
    Loss(
        -agreement + log(K * Mean(exp(inner(x, key) / tau), over=key, count=K) + exp(agreement)),
        name="moco",
        title="MoCo, queue of K keys, momentum encoder",
        sources=("he2020",),
        where="Eq. 1",
        notes=("The keys of a queue count as fresh draws seen through the present copy of W.",),
    ),
    momentum=True,
)
