"""SimSiam (Chen and He 2021, Eqs. 1 to 4) with a linear predictor: squared distances, and the published cosine."""

from __future__ import annotations

from derive.definition.language import cosine, half_sq
from derive.definition.views import stop, views
from derive.fields.training import Linear, Training
from derive.fields.unit import OfCosines
from derive.losses.loss import Loss

x, x_pos = views("x, x_pos")

LOSS = Loss(
    half_sq(x, stop(x_pos)),
    name="simsiam",
    title="SimSiam, squared distances, linear predictor",
    sources=("chen2021",),
    notes=("The published loss, simsiam+normalised, is a negative cosine; in the squared form modes are independent.",),
)
SIMSIAM = Training(LOSS, Linear())

# D(p₁, z₂) of Eq. 1; Eq. 2 adds the same with the views exchanged, and halves the sum.
PUBLISHED = OfCosines(
    Loss(
        -cosine(x, stop(x_pos)),
        name="simsiam+normalised",
        title="SimSiam, cosine, linear predictor",
        sources=("chen2021",),
        where="Eqs. 1 to 4",
        notes=("The published predictor has a hidden layer.",),
    ),
    Linear(),
)
