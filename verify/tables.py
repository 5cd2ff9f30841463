"""Which collapses the losses of the catalogue can have, each as it is and with what can be put on it."""

from __future__ import annotations

from derive import CATALOGUE, catalogue
from derive.collapse import Collapse, collapse
from derive.errors import NameClashError

# What can be put on a loss, by column: modifiers, and a strength that goes to infinity.
VARIANTS: dict[str, tuple[str, str | None]] = {
    "as it is": ("", None),
    "+ weight decay": ("+weight-decay", None),
    "+ fixed norm": ("+norm-penalty", "kappa"),
    "+ fixed norm + bias": ("+norm-penalty+bias", "kappa"),
}


def collapse_of(name: str, variant: str) -> Collapse:
    """The collapse conditions of a catalogue loss under one of the `VARIANTS`."""
    modifiers, limit = VARIANTS[variant]
    if limit in CATALOGUE[name].parameters:
        # VICReg's own model has a norm penalty, of the same symbols, already.
        modifiers = modifiers.replace("+norm-penalty", "")
    return collapse(catalogue(name + modifiers).expand(order=4), limit=limit)
