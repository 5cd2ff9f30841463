"""Any loss by direct evaluation of its definition: no series, no contraction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from math import perm, prod
from typing import TYPE_CHECKING, Any

import numpy as np

from derive import Loss, View
from derive.definition.contents import looks_at_coordinates
from derive.definition.drawn_out import is_centre
from derive.definition.expression import Average, ViewAverage, children, walk
from verify.truths.at_points import AtPoints, by_role, seen_in
from verify.truths.jackknife import jackknife
from verify.truths.truth import BLOCK, Setting, batches, blocks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from numeric.sampling import Seen

# The most numbers held in memory at a time, and computed in all for random draws or blocks.
HELD, WORK = 5_000_000, 100_000_000
# The degree at which the latter are counted, and the least number of draws.
ROW_DEGREE, FEWEST = 4, 40


@dataclass(frozen=True, eq=False)
class EvaluatedTruth:
    """Any loss, by direct evaluation of its definition; ``shaken`` as in `numeric.definition.Evaluator`."""

    loss: Loss
    setting: Setting
    how: str = "definition evaluated"
    shaken: np.random.Generator | None = None

    @cached_property
    def odd(self) -> bool:
        """Whether it may have terms of odd order on one batch: inner products alone have none."""
        return looks_at_coordinates(self._at_points.expression)

    def averaged(self, ts: NDArray[Any], degree: int) -> NDArray[Any]:
        """The loss over cubature nodes."""
        seen, datum = self._at_points.seen, self._at_points.looks_at_a_datum
        points, weights = self.setting.points(degree, self._data, seen, datum=datum)
        turns = range(self._data) if self.setting.training_set is not None else range(1)
        # In a fixed set each datum is the anchor once; independent draws are exchangeable.
        values = [self._along(ts, [np.roll(one, -i, axis=1) for one in points], degree) for i in turns]
        return np.stack([(value * weights).sum(-1) for value in np.mean(values, axis=0)])

    def drawn(self, ts: NDArray[Any], degree: int, generator: np.random.Generator, draws: int) -> NDArray[Any]:
        """The loss on random batches; where every view is under a population mean, on random blocks."""
        datum = self._at_points.looks_at_a_datum
        if self._at_points.data:
            points = self.setting.draw(generator, draws, self._data, self._at_points.seen, datum=datum)
            return self._along(ts, list(points), degree).T
        nothing = [np.zeros((1, 1, self.setting.covariances.d0))]
        # The first datum of each population mean is drawn.
        drawn = self.setting.covariances.draw(generator, (draws, BLOCK), self._block, datum=datum)

        def freed(views: tuple[Any, ...]) -> NDArray[Any]:
            def block(rows: slice) -> NDArray[Any]:
                return self._along(ts, nothing, degree, [one[rows] for one in views])[:, 0]

            return jackknife(block, BLOCK)

        return np.stack([freed(views) for views in zip(*drawn, strict=True)])

    def rows(self, draws: int) -> int:
        """How many batches, or blocks with a fifth as many pairs in all; fewer where evaluation takes long."""
        number = batches(draws, self._data) if self._at_points.data else blocks(draws)
        return max(FEWEST, min(number, WORK // self._inside(ROW_DEGREE, None if self._at_points.data else BLOCK)))

    def size(self, degree: int) -> int:
        """Cubature nodes, times the numbers that each takes."""
        turns = self._data if self.setting.training_set is not None else 1
        seen = self._at_points.seen
        views = seen + self._at_points.looks_at_a_datum if isinstance(seen, int) else seen
        nodes = self.setting.nodes(degree, self._data, views)
        return nodes * turns * self._inside(degree)

    @cached_property
    def _at_points(self) -> AtPoints:
        return AtPoints(self.loss)

    @property
    def _data(self) -> int:
        return max(1, self._at_points.data)

    @cached_property
    def _block(self) -> Seen:
        """The views that are drawn of one datum for a loss all of whose views are under population means."""
        nodes = walk(self._at_points.expression)
        means = [node.over for node in nodes if isinstance(node, Average) and not node.over[0].white]
        data = ([view for view in over if view.datum == datum] for over in means for datum in {v.datum for v in over})
        return seen_in(data)

    def _inside(self, degree: int, block: int | None = None) -> int:
        """How many numbers the largest array has per node or draw: each nested mean multiplies them."""

        def largest(node: Any) -> int:
            inner = max(map(largest, children(node)), default=1)
            if isinstance(node, ViewAverage):
                return inner * self.setting.nodes(degree, 1, len(node.over))
            if not isinstance(node, Average):
                return inner
            if node.count is not None:
                return inner * perm(int(node.count), len({view.datum for view in node.over}))
            data = {(view.datum, view.white): [v for v in node.over if v.datum == view.datum] for view in node.over}
            sizes = [self._at(white).nodes(degree, 1, seen_in([views])) for (_, white), views in data.items()]
            return inner * prod([*([block] if block else []), *(sizes[1:] if block else sizes)])

        return largest(self._at_points.expression) * int(self.setting.W.shape[0])

    def _along(self, ts: NDArray[Any], points: list[Any], degree: int, block: Any = None) -> NDArray[Any]:
        """The loss at each t (T, m), the first datum of each point being the anchor, the others its samples."""
        rows = max(1, HELD // self._inside(degree, None if block is None else len(block[0])))
        parts = [[one[k : k + rows] for one in points] for k in range(0, len(points[0]), rows)]
        return np.stack([np.concatenate([self._value(t, part, degree, block) for part in parts]) for t in ts])

    def _value(self, t: complex, points: list[Any], degree: int, block: Any) -> Any:
        def population(over: tuple[View, ...]) -> tuple[dict[View, Any], Any]:
            return self._population(over, t, degree, block)

        def noise(views: int) -> tuple[tuple[Any, ...], Any]:
            nodes, weights = self.setting.augmentation(degree, views)
            return tuple(t * one for one in nodes), weights

        embedded = [t * self.setting.embedded(one) for one in points]
        return self._at_points.value(embedded, int(self.setting.W.shape[0]), population, noise, self.shaken)

    def _population(
        self,
        over: tuple[View, ...],
        t: complex,
        degree: int,
        block: Any,
    ) -> tuple[dict[View, Any], Any]:
        """Nodes for each datum, every combination of data, or the given random block."""
        data: dict[str, list[View]] = {}
        for view in over:
            data.setdefault(view.datum, []).append(view)
        points: dict[View, Any] = {}
        weights = np.ones(1)
        grids: list[tuple[list[tuple[View, Any]], Any]] = []
        nodes: Any
        for views in data.values():
            if block is not None and not grids and not views[0].white:
                # The first datum is drawn; the others are averaged in closed form.
                nodes, seen, p = block, self._block, np.full(len(block[0]), 1 / len(block[0]))
            else:
                here, seen = self._at(views[0].white), seen_in([views])
                nodes, p = here.population(degree, seen, datum=any(map(is_centre, views)))
            grids.append((by_role(nodes, seen, views), p))
        which = np.array(list(product(*(range(len(p)) for _, p in grids))))
        for column, (shown, p) in enumerate(grids):
            weights = weights * p[which[:, column]]
            for view, one in shown:
                # White noise stands for ‖W‖²: it has no mean.
                here = replace(self.setting, bias=None) if view.white else self.setting
                points[view] = t * here.embedded(one[which[:, column]])
        return points, weights

    def _at(self, white: bool) -> Setting:  # noqa: FBT001 (what kind of data)
        if not white:
            return self.setting
        return replace(self.setting, covariances=self.setting.covariances.white)
