"""Gaussian views under two augmentations, a weak and a strong one, say, or crops of two sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from derive.algebra.graphs import AUGMENTATION
from derive.definition.expression import as_scalar
from derive.definition.kinds import in_two_kinds
from derive.errors import InputError
from derive.expansion.laws.gaussian import Gaussian

if TYPE_CHECKING:
    from derive.definition.expression import Expression


@dataclass(frozen=True)
class Unequal(Gaussian):
    """Zero-mean Gaussian views: Σ for anchors, Σ₂ for what they are compared with, and A between the two.

    Which views are of the second kind is told by `derive.definition.kinds`; a definition may also say it itself,
    ``views("x_pos, chi", augmentation=2)``.

    Args:
        factor: in numbers, where A0 and C alone are given: the second augmentation adds C times this, to the same
            datum, so that A = A0. Formulas do not depend on it.

    >>> from derive import catalogue
    >>> print(catalogue("infonce").expand(order=2, data=Unequal()))
    −Tr[W A Wᵀ] + O(W⁴)

    """

    factor: object = 2

    def __post_init__(self) -> None:
        """Check the factor."""
        value = as_scalar(self.factor)
        if not (value.is_number and value >= 0):
            message = f"unequal: factor = {value}; the second augmentation adds C times a number that is not negative"
            raise InputError(message)
        object.__setattr__(self, "factor", value)

    @property
    def text(self) -> str:
        """How it is written on the command line."""
        return f"unequal:factor={self.factor}"

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What is assumed, in words."""
        return ("zero mean", "Gaussian", "two augmentations: Σ and Σ₂")

    @property
    def closes(self) -> bool:
        """The closed forms know one kind of views."""
        return False

    def defined(self, expression: Expression) -> Expression:
        """A definition with its second views under the second augmentation."""
        return in_two_kinds(expression, AUGMENTATION)
