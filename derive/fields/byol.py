"""BYOL (Grill et al. 2020) with a linear predictor: squared distances, and of unit vectors as published.

The target's weights follow those of W.
"""

from __future__ import annotations

from dataclasses import replace

from derive.definition.language import cosine
from derive.definition.views import stop
from derive.fields.simsiam import LOSS, x, x_pos
from derive.fields.training import Linear, Training
from derive.fields.unit import OfCosines

BYOL = Training(
    replace(
        LOSS,
        name="byol",
        title="BYOL, squared distances, linear predictor, momentum encoder",
        sources=("grill2020",),
        where="Eq. 2",
        notes=("The published loss, byol+normalised, divides by norms first; without, modes do not see each other.",),
    ),
    Linear(),
    momentum=True,
)

# |q̄ − z̄|² of unit vectors is 2 − 2 cos.
PUBLISHED = OfCosines(
    replace(
        LOSS,
        expression=2 - 2 * cosine(x, stop(x_pos)),
        name="byol+normalised",
        title="BYOL, unit vectors, linear predictor, momentum encoder",
        sources=("grill2020",),
        where="Eq. 2",
        notes=("The published predictor has a hidden layer.",),
    ),
    Linear(),
    momentum=True,
)
