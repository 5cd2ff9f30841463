"""The catalogue: published losses, each in a file of its own, and the modifiers that can be put on them.

All are unnormalised: f(x) = W x enters as it is, where the papers often divide by its norm. With ``+bias`` the model
is f(x) = W x + b.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from derive.errors import InputError, quoted
from derive.losses import (
    alignment_uniformity,
    barlow_twins,
    beta_infonce,
    clip,
    dcl,
    infonce,
    infonce_batch,
    ntxent,
    siglip,
    spectral,
    supcon,
    vicreg,
    weighted_infonce,
)
from derive.losses.loss import Loss
from derive.losses.names import OF_FIELDS, unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CATALOGUE: dict[str, Loss] = {
    loss.name: loss
    for loss in (
        infonce.LOSS,
        infonce_batch.LOSS,
        weighted_infonce.LOSS,
        beta_infonce.LOSS,
        dcl.LOSS,
        ntxent.LOSS,
        spectral.LOSS,
        barlow_twins.LOSS,
        vicreg.LOSS,
        vicreg.SOFT,
        alignment_uniformity.LOSS,
        siglip.LOSS,
        clip.LOSS,
        supcon.LOSS,
    )
}

MODIFIERS: dict[str, Callable[[Loss], Loss]] = {
    "weight-decay": Loss.with_weight_decay,
    "norm-penalty": Loss.with_norm_penalty,
    "normalised": Loss.normalised,
    "bias": Loss.with_bias,
    "two-encoders": Loss.with_two_encoders,
}


def catalogue(name: str) -> Loss:
    """A loss by its catalogue name, with modifiers after plus signs: ``infonce+weight-decay``.

    Raises:
        InputError: for an unknown name, with the nearest known one, and for a modifier that is given twice.

    >>> catalogue("spectral").expand(order=4).text()
    '−2 Tr[W A0 Wᵀ] + Tr[(W Σ Wᵀ)²] + O(W⁶)'
    """
    base, *modifiers = [name] if name in OF_FIELDS else name.split("+")
    loss = CATALOGUE[_known(base, CATALOGUE, "loss")]
    for at, modifier in enumerate(modifiers):
        if modifier in modifiers[:at]:
            message = f"{quoted(name)} has {quoted(modifier)} twice; leave one out"
            raise InputError(message)
        loss = MODIFIERS[_known(modifier, MODIFIERS, "modifier")](loss)
    return loss


def _known(name: str, names: Mapping[str, object], what: str) -> str:
    if name not in names:
        raise unknown(name, names, what)
    return name
