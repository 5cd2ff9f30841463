"""What a figure is made of, and where the modules of the figures are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from derive import InputError
from derive.errors import quoted

if TYPE_CHECKING:
    from verify.figures.picture import Picture
    from verify.running.sweeps.sweep import Sweep

# The command's names of the figures, and their modules here, or objects in them.
FIGURES = {
    "fig1": "fig1",
    "fig3": "fig3",
    "fig5-left": "fig5_left",
    "fig5-mid": "fig5_mid",
    "fig5-right": "fig5_right",
    "fig6": "fig6",
    "fig7": "fig7",
    "eigenvalues": "eigenvalues",
    "clip": "clip",
    "fig2-resnet": "fig2:RESNET",
    "fig2-vit": "fig2:VIT",
    "fig4": "fig4",
}
# The figures of networks that are trained on images, which --data names.
OF_IMAGES = ("fig2-resnet", "fig2-vit", "fig4")
# As printed in App. A.
RATE = 6e-4
STEPS = 5000
D0 = 32
# The predictions that trained models are compared with, see `verify.routes.training.predictions`.
THEORIES = ("published", "quartic", "exact")


@dataclass(frozen=True, eq=False)
class Shown:
    """A figure as it is shown.

    Attributes:
        picture: drawn, with the table of numbers behind it.
        lines: what it says, a sentence each.
        more: further pictures, by what is added to the figure's name.

    """

    picture: Picture
    lines: Sequence[str]
    more: Mapping[str, Picture] = field(default_factory=dict)


class Figure(Protocol):
    """A module of this package, or an object in one."""

    TITLE: str

    def sweep(self, *, quick: bool, seed: int, **of_images: str | None) -> Sweep:
        """What is to be trained; figures of images take ``data``, the path of the images or None."""

    def shown(self, sweep: Sweep, results: Sequence[Any]) -> Shown:
        """The results, compared with the theory."""


def find_figure(name: str) -> Figure:
    """What makes a figure.

    >>> find_figure("fig1").TITLE
    'Fig. 1: the toy landscape of β-InfoNCE, β = ½'

    Raises:
        InputError: there is no figure of that name.

    """
    if name not in FIGURES:
        message = f"there is no figure {quoted(name)} to reproduce; there are: {', '.join(FIGURES)}"
        raise InputError(message)
    module, _, inside = FIGURES[name].partition(":")
    found: Figure = import_module(f"verify.figures.reproduce.{module}")
    return getattr(found, inside) if inside else found
