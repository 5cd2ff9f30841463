"""Spectral contrastive loss (HaoChen et al. 2021; Ziyin et al. 2023, Eq. 14), without its normalisation."""

from __future__ import annotations

from derive.definition.language import Mean, inner
from derive.definition.views import views
from derive.losses.loss import Loss

x, x_pos, chi = views("x, x_pos, chi")

LOSS = Loss(
    -2 * inner(x, x_pos) + Mean(inner(x, chi) ** 2, over=chi),
    name="spectral",
    title="spectral contrastive loss (population)",
    sources=("haochen2021", "ziyin2023"),
    where="Eq. 14",
)
