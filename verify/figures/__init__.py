"""Figures: the theory drawn, with the numbers behind each picture. They need matplotlib, the extra ``plot``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verify.running.lazily import lazily

if TYPE_CHECKING:
    from verify.figures.curvature import draw_curvature
    from verify.figures.landscape import loss_along, loss_map, toy_landscape
    from verify.figures.phases import draw_phases, oriented_augmentation
    from verify.figures.picture import Picture, save

__all__ = [
    "Picture",
    "draw_curvature",
    "draw_phases",
    "loss_along",
    "loss_map",
    "oriented_augmentation",
    "save",
    "toy_landscape",
]

__getattr__ = lazily(
    __name__,
    {
        "Picture": "picture",
        "save": "picture",
        "loss_along": "landscape",
        "loss_map": "landscape",
        "toy_landscape": "landscape",
        "draw_curvature": "curvature",
        "draw_phases": "phases",
        "oriented_augmentation": "phases",
    },
)
