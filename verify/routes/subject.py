"""A loss that is to be measured, given by its definition: the subject of the routes of `verify.routes.definition`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from derive import closed_form
from derive.algebra.graphs import PLAIN
from derive.losses.limit import counted_symbols
from verify.truths.settings import GAUSSIAN, Case, at_values, case

if TYPE_CHECKING:
    import sympy

    from derive import ClosedForm, Expansion, Law, Loss
    from numeric.laws import Views

DRAWS = 100_000


@dataclass(frozen=True, eq=False)
class Subject:
    """A loss with everything that determines where it is measured.

    Attributes:
        loss: its parameters symbolic.
        given: exact values of some of them; the rest get generic values.
        order: the order through which it is expanded.
        basis: of its expansion.
        sampling: "iid" or "fixed".
        covariances: the data to measure on; random ones of the law where they are None.
        seed: of all random numbers.
        draws: random batches at each setting.
        train: whether models are to be trained.
        tick: called with a word during a long measurement.
        law: of the data.

    """

    loss: Loss
    given: Mapping[str, sympy.Expr] = field(default_factory=dict)
    order: int = 4
    basis: str = "A0,Sigma"
    sampling: str = "iid"
    covariances: Views | None = None
    seed: int = 0
    draws: int = DRAWS
    train: bool = True
    tick: Callable[[str], None] = lambda _: None
    law: Law = GAUSSIAN

    @cached_property
    def here(self) -> Loss:
        """The loss at the given values."""
        return at_values(self.loss, self.given)

    @cached_property
    def expansion(self) -> Expansion:
        """Its derived expansion: it decides where to measure, never what the result is."""
        return self.here.expand(self.order, basis=self.basis, sampling=self.sampling, data=self.law)

    @cached_property
    def through_6(self) -> Expansion:
        """Its expansion through order 6, which tells how much order 4 leaves out."""
        return self.here.expand(6, data=self.law)

    @cached_property
    def closed(self) -> ClosedForm | None:
        """Its closed form to all orders, None where the average does not close."""
        return closed_form(self.here, self.law) if self.sampling == "iid" else None

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """The values of a symbol that counts data: two sizes; a single one where there is no such symbol."""
        # A centred set spans one dimension less than it has data: two of each kind of views.
        first = 2 if self.sampling != "fixed" else 3 if self.loss.roles <= {PLAIN} else 5
        if counted_symbols(self.loss) - set(self.given):
            return (first, first + 1)
        return (2,)

    def case(self, *, size: int, dimension: int = 2, seed: int = 0, positive: bool = False) -> Case:
        """A setting to measure in; ``seed`` distinguishes those of one subject."""
        return case(
            self.loss,
            self.given,
            # The seeds' distance exceeds the number of cases, so that neighbouring seeds share no draws.
            seed=1000 * self.seed + seed,
            size=size,
            dimension=dimension,
            sampling=self.sampling,
            covariances=self.covariances,
            law=self.law,
            positive=positive,
        )
