"""A definition evaluated at points: the embeddings that its views stand for, however they were made.

`numeric.definition` evaluates a definition given what each of its views and samples is. Here they are handed out: the
first datum of a batch is the anchor, the datum that the loss is averaged over; the samples take the others in turn.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from derive import Loss, View
from derive.algebra.graphs import PLAIN
from derive.definition.drawn_out import centre, drawn_out, is_centre, views_by_datum
from derive.definition.expression import free_views, walk
from numeric.definition import Evaluator, drawn_as
from numeric.sampling import roles_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from numeric.definition import Population
    from numeric.sampling import Seen


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
    def shown(self) -> dict[str, list[View]]:
        """The views that the definition has of each datum; the datum itself, without noise, is not one of them."""
        found = views_by_datum(self.expression)
        return {datum: sorted(view for view in views if not is_centre(view)) for datum, views in found.items()}

    @cached_property
    def seen(self) -> Seen:
        """The views that are drawn of each datum, as many of each role as any datum needs; not those of means alone."""
        return seen_in([self.anchors, *(self.shown.get(sample.datum, []) for sample in self.loss.samples)])

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
            points: embeddings of batches, (rows, data, d1), one array for each of the views in `seen`; the last is of
                the data themselves where the definition uses them.
            d1: the embedding's dimension.
            population: as in `numeric.definition.Evaluator`.
            noise: see there.
            shaken: see there.

        """
        anchor = {view: one[:, 0] for view, one in by_role(points, self.seen, self.anchors)}
        samples, start = {}, int(bool(self.anchors))
        for sample in self.loss.samples:
            n = int(sample.count)
            views = list(self.shown[sample.datum])
            views += [centre(views[0])] if self.looks_at_a_datum else []
            samples[sample] = {
                drawn_as(view, sample.datum): one[:, start : start + n]
                for view, one in by_role(points, self.seen, views)
            }
            start += n
        evaluator = Evaluator(population, samples, d1, noise, shaken)
        value: NDArray[Any] = np.asarray(evaluator.value(self.expression, anchor))
        return np.broadcast_to(value, (len(points[0]),))


def seen_in(data: Iterable[Iterable[View]]) -> Seen:
    """What has to be drawn of a datum so that any of some data can be shown: as many of each role as any one needs.

    A number where all views are plain. The datum itself, without noise, is not counted.
    """
    of_role = [Counter(view.role for view in views if not is_centre(view)) for views in data]
    most = {role: max(one[role] for one in of_role) for role in sorted(set().union(*of_role))}
    if set(most) <= {PLAIN}:
        return max(1, most.get(PLAIN, 0))
    return tuple(role for role, number in most.items() for _ in range(number))


def by_role(arrays: Sequence[Any], seen: Seen, views: Iterable[View]) -> list[tuple[View, Any]]:
    """The views of a datum with their arrays, drawn as `seen_in` has it; the last belongs to the datum itself."""
    left: dict[int, list[Any]] = {}
    for role, array in zip(roles_of(seen), arrays, strict=False):
        left.setdefault(role, []).append(array)
    return [(view, arrays[-1] if is_centre(view) else left[view.role].pop(0)) for view in views]
