"""Any loss by evaluating its definition as it stands: no series, no contraction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from derive import Loss, View
from derive.drawn_out import centre, drawn_out, is_centre, names_by_datum
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
        points, weights = self.setting.points(degree, self._data, self._views, datum=self._datum)
        turns = range(self._data) if self.setting.training_set is not None else range(1)
        # In a fixed set each datum is the anchor once; independent draws are exchangeable.
        values = [self._along(ts, [np.roll(one, -i, axis=1) for one in points], degree) for i in turns]
        return np.stack([(value * weights).sum(-1) for value in np.mean(values, axis=0)])

    def drawn(self, ts: NDArray[Any], degree: int, generator: np.random.Generator, draws: int) -> NDArray[Any]:
        """The loss on random batches; where every view is under a population mean, on random blocks."""
        if self._anchored or self.loss.samples:
            points = self.setting.draw(generator, draws, self._data, self._views, datum=self._datum)
            return self._along(ts, list(points), degree).T
        nothing = [np.zeros((1, 1, self.setting.covariances.d0))]

        def block(*views: Any) -> NDArray[Any]:
            return self._along(ts, nothing, degree, views)[:, 0]

        drawn = self.setting.covariances.draw(generator, (draws, BLOCK), self._views, datum=self._datum)
        blocks = zip(*drawn, strict=True)
        return np.stack([jackknife(block, *views) for views in blocks])

    def rows(self, draws: int) -> int:
        """That many batches, or blocks with a fifth as many pairs in all."""
        random = self._anchored or self.loss.samples
        return batches(draws, self._data) if random else blocks(draws)

    @property
    def views(self) -> int:
        """How many views of each datum are drawn, the datum itself counted where it is looked at."""
        return max(2, self._views + self._datum)

    @cached_property
    def _expression(self) -> Any:
        return drawn_out(self.loss.expression)

    @cached_property
    def _names(self) -> dict[str, list[str]]:
        """The views of each datum, by name; the datum itself, without noise, is none of them."""
        found = names_by_datum(self._expression)
        return {
            datum: sorted(name for name in names if not is_centre(View(name, datum))) for datum, names in found.items()
        }

    @property
    def _data(self) -> int:
        return max(1, int(self._anchored) + sum(int(sample.count) for sample in self.loss.samples))

    @cached_property
    def _anchored(self) -> bool:
        """Whether the loss looks at a datum beside its samples."""
        return bool(free_views(self._expression))

    @cached_property
    def _datum(self) -> bool:
        """Whether the definition looks at a datum itself."""
        return any(is_centre(view) for node in walk(self._expression) for view in free_views(node))

    @property
    def _views(self) -> int:
        """The largest number of views that the definition takes of one datum."""
        return max(map(len, self._names.values()), default=1)

    def _along(self, ts: NDArray[Any], points: list[Any], degree: int, block: Any = None) -> NDArray[Any]:
        """The loss at each t (T, m), the first datum of each point being the anchor, the others its samples."""
        return np.stack([self._value(t, points, degree, block) for t in ts])

    def _value(self, t: complex, points: list[Any], degree: int, block: Any) -> Any:
        embedded = [t * self.setting.embedded(one) for one in points]
        anchor = {view: self._shown(embedded, view)[:, 0] for view in sorted(free_views(self._expression))}
        samples, start = {}, int(self._anchored)
        for sample in self.loss.samples:
            n = int(sample.count)
            views = [View(name, sample.datum) for name in self._names[sample.datum]]
            views += [centre(views[0])] if self._datum else []
            samples[sample] = {view.name: self._shown(embedded, view)[:, start : start + n] for view in views}
            start += n

        def population(over: tuple[View, ...]) -> tuple[dict[View, Any], Any]:
            return self._population(over, t, degree, block)

        def noise(views: int) -> tuple[tuple[Any, ...], Any]:
            nodes, weights = self.setting.augmentation(degree, views)
            return tuple(t * one for one in nodes), weights

        evaluator = Evaluator(population, samples, int(self.setting.W.shape[0]), noise)
        value = np.asarray(evaluator.value(self._expression, anchor))
        return np.broadcast_to(value, (len(points[0]),))

    def _shown(self, arrays: Any, view: View) -> Any:
        """What belongs to a view, of what belongs to all views of a datum and, last, to the datum itself."""
        return arrays[-1] if is_centre(view) else arrays[self._names[view.datum].index(view.name)]

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
            views.sort(key=is_centre)
            itself = is_centre(views[-1])
            if views[0].white:
                nodes, p = self._white().population(degree, len(views))
            elif block is not None and not grids:
                # The first datum is drawn; the others are averaged in closed form.
                nodes = [*block[: len(views) - itself], block[-1]][: len(views)]
                p = np.full(len(block[0]), 1 / len(block[0]))
            else:
                nodes, p = self.setting.population(degree, len(views) - itself, datum=itself)
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
