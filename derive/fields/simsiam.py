"""SimSiam with squared distances and a linear predictor (Chen and He 2021): ½ E|P f(x) − stop f(x′)|²."""

from __future__ import annotations

from derive.definition.language import half_sq
from derive.definition.views import views
from derive.fields.field import stop
from derive.losses.loss import Loss

x, x_pos = views("x, x_pos")

LOSS = Loss(
    half_sq(x, stop(x_pos)),
    name="simsiam",
    title="SimSiam, squared distances, linear predictor",
    notes=("The published loss is the negative cosine; this is the squared form, whose modes do not see each other.",),
)
