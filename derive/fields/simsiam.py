"""SimSiam (Chen and He 2021, Eqs. 1 to 4) with squared distances and a linear predictor: ½ E|P f(x) − sg f(x′)|²."""

from __future__ import annotations

from derive.definition.language import half_sq
from derive.definition.views import stop, views
from derive.fields.training import Linear, Training
from derive.losses.loss import Loss

x, x_pos = views("x, x_pos")

LOSS = Loss(
    half_sq(x, stop(x_pos)),
    name="simsiam",
    title="SimSiam, squared distances, linear predictor",
    sources=("chen2021",),
    notes=("The published loss is the negative cosine; this is the squared form, whose modes do not see each other.",),
)
SIMSIAM = Training(LOSS, Linear())
