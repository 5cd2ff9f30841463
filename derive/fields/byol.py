"""BYOL (Grill et al. 2020) with squared distances and a linear predictor; the target's weights follow those of W."""

from __future__ import annotations

from dataclasses import replace

from derive.fields.simsiam import LOSS
from derive.fields.training import Linear, Training

BYOL = Training(
    replace(
        LOSS,
        name="byol",
        title="BYOL, squared distances, linear predictor, momentum encoder",
        sources=("grill2020",),
        where="Eq. 2",
        notes=("The published loss divides by norms first; in this form, without, modes do not see each other.",),
    ),
    Linear(),
    momentum=True,
)
