"""Any loss by evaluating its definition as it stands: no series, no contraction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from derive import Loss, View
from derive.expression import free_views, walk
from numeric.definition import Evaluator
from verify.truth import BLOCK, Setting, batches, blocks, jackknife

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Defined:
    """Any loss, by evaluating its definition as it stands."""

    loss: Loss
    setting: Setting
    how: str = "definition evaluated"

    def averaged(self, ts: NDArray[Any], degree: int) -> NDArray[Any]:
        """The loss over cubature nodes."""
        points, weights = self.setting.points(degree, self._data, self._views)
        turns = range(self._data) if self.setting.training_set is not None else range(1)
        # In a fixed set each datum is the anchor once; independent draws are exchangeable.
        values = [self._along(ts, [np.roll(one, -i, axis=1) for one in points], degree) for i in turns]
        return np.stack([(value * weights).sum(-1) for value in np.mean(values, axis=0)])

    def drawn(self, ts: NDArray[Any], degree: int, generator: np.random.Generator, draws: int) -> NDArray[Any]:
        """The loss on random batches; where every view is under a population mean, on random blocks."""
        if free_views(self._expression) or self.loss.samples:
            points = self.setting.draw(generator, draws, self._data, self._views)
            return self._along(ts, list(points), degree).T
        nothing = [np.zeros((1, 1, self.setting.covariances.d0))]

        def block(*views: Any) -> NDArray[Any]:
            return self._along(ts, nothing, degree, views)[:, 0]

        blocks = zip(*self.setting.covariances.draw(generator, (draws, BLOCK), self._views), strict=True)
        return np.stack([jackknife(block, *views) for views in blocks])

    def rows(self, draws: int) -> int:
        """That many batches, or blocks with a fifth as many pairs in all."""
        random = free_views(self._expression) or self.loss.samples
        return batches(draws, self._data) if random else blocks(draws)

    @cached_property
    def _expression(self) -> Any:
        return self.loss.expression

    @property
    def _data(self) -> int:
        return 1 + sum(int(sample.count) for sample in self.loss.samples)

    @property
    def _views(self) -> int:
        """The largest number of views that the definition takes of one datum."""
        names: dict[str, set[str]] = {}
        for node in walk(self._expression):
            for view in free_views(node):
                names.setdefault(view.datum, set()).add(view.name)
        return max(map(len, names.values()), default=1)

    def _along(self, ts: NDArray[Any], points: list[Any], degree: int, block: Any = None) -> NDArray[Any]:
        """The loss at each t (T, m), the first datum of each point being the anchor, the others its samples."""
        return np.stack([self._value(t, points, degree, block) for t in ts])

    def _value(self, t: complex, points: list[Any], degree: int, block: Any) -> Any:
        embedded = [t * self.setting.embedded(one) for one in points]
        used = sorted(free_views(self._expression))
        anchor = {view: embedded[k][:, 0] for k, view in enumerate(used)}
        samples, start = {}, 1
        for sample in self.loss.samples:
            names = sorted(
                {v.name for node in walk(self._expression) for v in free_views(node) if v.datum == sample.datum}
            )
            n = int(sample.count)
            samples[sample] = {name: embedded[k][:, start : start + n] for k, name in enumerate(names)}
            start += n

        def population(over: tuple[View, ...]) -> tuple[dict[View, Any], Any]:
            return self._population(over, t, degree, block)

        evaluator = Evaluator(population, samples, int(self.setting.W.shape[0]))
        value = np.asarray(evaluator.value(self._expression, anchor))
        return np.broadcast_to(value, (len(points[0]),))

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
        grids: list[tuple[list[View], Any, Any]] = []
        nodes: Any
        for views in data.values():
            if views[0].white:
                nodes, p = self._white().population(degree, len(views))
            elif block is not None and not grids:
                # The first datum is drawn; the others are averaged in closed form.
                nodes, p = block[: len(views)], np.full(len(block[0]), 1 / len(block[0]))
            else:
                nodes, p = self.setting.population(degree, len(views))
            grids.append((views, nodes, p))
        which = np.array(list(product(*(range(len(p)) for _, _, p in grids))))
        for column, (views, nodes, p) in enumerate(grids):
            weights = weights * p[which[:, column]]
            # White noise stands for ‖W‖²: it has no mean.
            here = replace(self.setting, bias=None) if views[0].white else self.setting
            for view, one in zip(views, nodes, strict=True):
                points[view] = t * here.embedded(one[which[:, column]])
        return points, weights

    def _white(self) -> Setting:
        data = self.setting.covariances
        return replace(self.setting, covariances=type(data)(np.zeros_like(data.A0), np.eye(data.d0)))
