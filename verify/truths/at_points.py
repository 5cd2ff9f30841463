"""A definition evaluated at points: the embeddings that its views stand for, however they were made.

`numeric.definition` evaluates a definition given what each of its views and samples is. Here they are handed out: the
first datum of a batch is the anchor, the datum that the loss is averaged over; the samples take the others in turn.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from derive import Loss, View
from derive.definition.drawn_out import centre, drawn_out, is_centre, names_by_datum
from derive.definition.expression import free_views, walk
from numeric.definition import Evaluator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from numeric.definition import Population


@dataclass(frozen=True, eq=False)
class AtPoints:
    """A loss all of whose counts are numbers."""

    loss: Loss

    @cached_property
    def expression(self) -> Any:
        """The definition, with a name for each view."""
        return drawn_out(self.loss.expression)

    @cached_property
    def anchors(self) -> list[View]:
        """The views of the datum that the loss is averaged over, without those of means."""
        return sorted(free_views(self.expression))

    @cached_property
    def data(self) -> int:
        """The number of data that it takes: the anchor and the samples."""
        return bool(self.anchors) + sum(int(sample.count) for sample in self.loss.samples)

    @cached_property
    def names(self) -> dict[str, list[str]]:
        """The views that the definition has of each datum; the datum itself, without noise, is not one of them."""
        found = names_by_datum(self.expression)
        return {
            datum: sorted(name for name in names if not is_centre(View(name, datum))) for datum, names in found.items()
        }

    @cached_property
    def looks_at_a_datum(self) -> bool:
        """Whether the definition uses a datum itself."""
        return any(is_centre(view) for node in walk(self.expression) for view in free_views(node))

    def value(
        self,
        points: Sequence[Any],
        d1: int,
        population: Callable[[tuple[View, ...]], Population],
        noise: Callable[[int], tuple[tuple[Any, ...], Any]] | None = None,
        shaken: np.random.Generator | None = None,
    ) -> Any:
        """The loss of each batch, (rows,).

        Args:
            points: embeddings of batches, (rows, data, d1), one array per view; the last is of the data themselves
                where the definition uses them.
            d1: the embedding's dimension.
            population: as in `numeric.definition.Evaluator`.
            noise: see there.
            shaken: see there.

        """
        anchor = {view: one[:, 0] for view, one in _shown(points, self.anchors)}
        samples, start = {}, int(bool(self.anchors))
        for sample in self.loss.samples:
            n = int(sample.count)
            views = [View(name, sample.datum) for name in self.names[sample.datum]]
            views += [centre(views[0])] if self.looks_at_a_datum else []
            samples[sample] = {view.name: one[:, start : start + n] for view, one in _shown(points, views)}
            start += n
        evaluator = Evaluator(population, samples, d1, noise, shaken)
        value: NDArray[Any] = np.asarray(evaluator.value(self.expression, anchor))
        return np.broadcast_to(value, (len(points[0]),))


def _shown(arrays: Sequence[Any], views: list[View]) -> list[tuple[View, Any]]:
    """The views of a datum with their arrays; the last array belongs to the datum itself."""
    ordinary = [view for view in views if not is_centre(view)]
    return [*zip(ordinary, arrays, strict=False), *((view, arrays[-1]) for view in views if is_centre(view))]
