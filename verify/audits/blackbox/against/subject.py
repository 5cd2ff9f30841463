"""The code that is compared with a second loss, and what its audit has found."""

from __future__ import annotations

from dataclasses import dataclass

from verify.audits.blackbox.against.terms import Numbers
from verify.audits.blackbox.coefficients import Method
from verify.audits.blackbox.core import core
from verify.audits.blackbox.derivatives import compare
from verify.audits.blackbox.expanding import expanded
from verify.audits.blackbox.expansions import Expanded
from verify.audits.blackbox.invariances import invariances
from verify.audits.blackbox.regularity import Regularity, regularity
from verify.truths.function import BlackBox

UNSTEADY = ("stateful", "random")


@dataclass(frozen=True, eq=False)
class Subject:
    """A torch loss that is compared.

    Attributes:
        whole: the loss itself.
        smooth: its regularity near 0.
        inside: the loss whose terms are compared: its core where that was asked for, else the loss.
        inside_smooth: its regularity near 0.
        found: its expansion; None where there is none.
        encoders: 2 where the views are W x and V y, else 1.

    """

    whole: BlackBox
    smooth: Regularity
    inside: BlackBox
    inside_smooth: Regularity
    found: Expanded | None = None
    encoders: int = 1

    @property
    def has_core(self) -> bool:
        """Whether normalisations are replaced in what is expanded."""
        return self.inside is not self.whole

    @property
    def steady(self) -> bool:
        """Whether its value is a function of the embeddings alone."""
        return self.smooth.kind not in UNSTEADY and not self.smooth.random

    @property
    def numbers(self) -> Numbers:
        """The values of the symbols in the coefficients: measured numbers, and constants of the code."""
        if self.found is None:
            return {}
        constants = self.found.constants.items()
        return {
            **self.found.numbers,
            **{key: dict.fromkeys(self.found.sizes, (value, 0.0)) for key, value in constants},
        }


def subject(box: BlackBox, *, use_core: bool, seed: int) -> Subject:
    """A torch loss with its regularity near 0."""
    smooth = regularity(box, seed=seed)
    if not use_core:
        return Subject(box, smooth, box, smooth)
    inside = core_of(box)
    return Subject(box, smooth, inside, regularity(inside, seed=seed))


def core_of(box: BlackBox) -> BlackBox:
    """The same loss with its normalisations replaced by the identity."""
    return BlackBox(core(box.loss), box.name, box.adapter, box.seed, box.limit)


def expansion_of(box: BlackBox, smooth: Regularity, order: int, seed: int, encoders: int = 1) -> Expanded | None:
    """The expansion of a loss; None where it has none in traces."""
    if smooth.kind != "analytic":
        return None
    size = smooth.smallest_batch + 1
    symmetry = invariances(box, N=size, d=3, seed=seed)
    if not symmetry.rotation:
        return None
    agrees = compare(box, N=size, radius=smooth.radius, order=order, seed=seed).agrees is True
    method = Method(
        radius=smooth.radius,
        rounding=smooth.rounding,
        autograd=agrees,
        exchangeable=symmetry.permutation,
        encoders=encoders,
    )
    return expanded(box, method, order=order, smallest=smooth.smallest_batch)


def described(smooth: Regularity) -> str:
    """The kind and the degree in words.

    >>> described(Regularity("homogeneous", degree=0)), described(Regularity("analytic"))
    ('homogeneous of degree 0', 'analytic')

    """
    return smooth.kind if smooth.degree is None else f"{smooth.kind} of degree {smooth.degree:g}"
