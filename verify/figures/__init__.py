"""Figures: the theory drawn, with the numbers behind each picture. They need matplotlib, the extra ``plot``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from verify.figures.landscape import loss_along, loss_map, toy_landscape
    from verify.figures.phases import draw_phases, oriented_augmentation
    from verify.figures.picture import Picture, save

__all__ = ["Picture", "draw_phases", "loss_along", "loss_map", "oriented_augmentation", "save", "toy_landscape"]

_HOME = {
    "Picture": "picture",
    "save": "picture",
    "loss_along": "landscape",
    "loss_map": "landscape",
    "toy_landscape": "landscape",
    "draw_phases": "phases",
    "oriented_augmentation": "phases",
}


def __getattr__(name: str) -> Any:
    """Load what is asked for when it is asked for: matplotlib is an extra."""
    if name not in _HOME:
        message = f"module 'verify.figures' has no attribute {name!r}"
        raise AttributeError(message)
    from importlib import import_module

    return getattr(import_module(f"verify.figures.{_HOME[name]}"), name)
