"""Fields as the command speaks of them, by their type: each kind of dynamics registers how its field is derived."""

from __future__ import annotations

from functools import singledispatch
from typing import Any, Protocol

from derive import Gaussian, InputError, Law
from derive.definition.notation import Style
from derive.fields.dino import Dino
from derive.fields.field import field
from derive.fields.logit_field import logit_field
from derive.fields.training import Dynamics, Training
from derive.fields.unit import OfCosines, cosine_field


class DerivedField(Protocol):
    """The right-hand sides of what training follows."""

    @property
    def training(self) -> Any:
        """What is trained: its name, title, source and definition."""

    def lines(self, style: Style = ...) -> dict[str, str]:
        """The right-hand side of each d/dt, by what stands on the left."""

    def text(self) -> str:
        """A line for each of the weights."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""


@singledispatch
def derived_field(dynamics: Dynamics, *_given: object) -> DerivedField:
    """The field of dynamics through an order of the loss, even, for the data of a law: ``(dynamics, order, law)``.

    Raises:
        InputError: none is derived for dynamics of this kind.

    """
    raise InputError(f"{dynamics.name} has no field in powers of W; quartic modes says what training does")


@derived_field.register
def _(dynamics: Training, order: int, law: Law) -> DerivedField:
    return field(dynamics, order, data=law)


@derived_field.register
def _(dynamics: Dino, order: int, law: Law) -> DerivedField:
    if type(law) is not Gaussian:
        raise InputError(f"{dynamics.name} is expanded for Gaussian data of mean zero")
    return logit_field(dynamics, order - 1)


@derived_field.register
def _(dynamics: OfCosines, _order: int, law: Law) -> DerivedField:
    return cosine_field(dynamics, data=law)
