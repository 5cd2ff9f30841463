"""Any definition as a torch function of two views of batches: evaluated as it stands, with gradients.

No series, no contraction, no formula of a derivation: exp is exp and a mean is a mean. As in `verify.truths.two_views`,
the first half of a batch are the data that a population loss is averaged over, the second half the draws of its inner
means, and the jackknife removes the term of order 1/N; a loss over a batch has every datum as an anchor and all others
as its sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, NoReturn

import torch
from torch import Tensor

from derive.definition.drawn_out import drawn_out
from derive.definition.expression import (
    Average,
    Exp,
    Expression,
    HalfSquare,
    Inner,
    Log,
    Power,
    Product,
    Scalar,
    Sum,
    free_views,
    walk,
)
from derive.errors import InputError
from verify.truths.jackknife import jackknife
from verify.truths.two_views import SMALLEST_POPULATION, TwoViews

if TYPE_CHECKING:
    from collections.abc import Mapping

    from derive import Loss
    from derive.definition.views import View


def defined(loss: Loss) -> TwoViews:
    """A loss of inner products, its parameters set, as a function of two views (…, N, d) each, one value per batch.

    Raises:
        InputError: it sees more than two views of a datum, coordinates of f, several samples, or means within means.

    >>> from derive import catalogue
    >>> from verify.truths.two_views import two_views
    >>> z = torch.randn(2, 5, 16, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    >>> given = catalogue("spectral+normalised").filled()
    >>> bool(torch.allclose(defined(given)(z[0], z[1]), two_views("spectral+normalised")(z[0], z[1])))
    True

    """
    if any(type(node) not in KNOWN for node in walk(loss.expression)):
        _refuse(loss.name, "it is more than inner products, distances, exp, log, powers and means")
    if loss.parameters:
        message = f"{min(loss.parameters)} has no value; set it"
        raise InputError(message)
    expression = drawn_out(loss.expression)
    means = [node for node in walk(expression) if isinstance(node, Average)]
    counts = {int(node.count) for node in means if node.count is not None}
    _check(expression, loss.name, means, counts)
    if counts:
        (count,) = counts
        return lambda z1, z2: _over_batch(expression, z1, z2, count)
    return lambda z1, z2: _over_population(expression, z1, z2)


def _check(expression: Expression, name: str, means: list[Average], counts: set[int]) -> None:
    free = free_views(expression)
    datum = {view.datum for view in free}
    seen: dict[str, set[View]] = {}
    for view in (*free, *(view for node in means for view in node.over)):
        seen.setdefault(view.datum, set()).add(view)
    why = ""
    if (
        len(datum) > 1
        or any(len(views) > 2 for views in seen.values())
        or any(view.role for views in seen.values() for view in views)
    ):
        why = "it sees more than two views of one datum, or two encoders"
    elif len(counts) > 1 or (counts and any(node.count is None or _data(node) > 1 for node in means)):
        why = "it draws several samples"
    elif any(isinstance(part, Average) for node in means for part in walk(node.body)) or any(
        _data(node) > 2 for node in means
    ):
        why = "it has means within means"
    if why:
        _refuse(name, why)


def _refuse(name: str, why: str) -> NoReturn:
    message = f"{name} is not evaluated on batches of two views: {why}"
    raise InputError(message)


KNOWN = (Scalar, Inner, HalfSquare, Sum, Product, Power, Exp, Log, Average)


def _data(node: Average) -> int:
    return len({view.datum for view in node.over})


def _by_view(views: frozenset[View] | tuple[View, ...], pair: tuple[Tensor, Tensor]) -> dict[View, Tensor]:
    """The first and the second view of a datum."""
    return dict(zip(sorted(views), pair, strict=False))


def _over_batch(expression: Expression, z1: Tensor, z2: Tensor, count: int) -> Tensor:
    N = z1.shape[-2]
    if count + 1 != N:
        message = f"the loss is over batches of {count + 1}, and this one has {N}"
        raise InputError(message)
    others = torch.tensor([[j for j in range(N) if j != i] for i in range(N)])
    anchors = _by_view(free_views(expression), (z1, z2))
    scope = _Scope(anchors, (z1[..., others, :], z2[..., others, :]), None, z1)
    return _averaged(scope.value(expression), z1)


def _over_population(expression: Expression, z1: Tensor, z2: Tensor) -> Tensor:
    half = z1.shape[-2] // 2
    if z1.shape[-2] < SMALLEST_POPULATION:
        message = f"a batch of {z1.shape[-2]} stands for no population; take {SMALLEST_POPULATION} data or more"
        raise InputError(message)

    def of(rows: slice) -> Tensor:
        first = (z1[..., rows, :], z2[..., rows, :])
        later = slice(half + rows.start, half + rows.stop)
        # Both views of the other data are draws.
        drawn = (
            torch.cat([z1[..., later, :], z2[..., later, :]], -2),
            torch.cat([z2[..., later, :], z1[..., later, :]], -2),
        )
        scope = _Scope(_by_view(free_views(expression), first), drawn, first, z1)
        return _averaged(scope.value(expression), z1)

    return jackknife(of, half)


def _averaged(value: Tensor, z: Tensor) -> Tensor:
    """The mean over the anchors, where there is an axis of them."""
    return value.mean(-1) if value.ndim == z.ndim - 1 else value


@dataclass(frozen=True)
class _Scope:
    """Points that views stand for: arrays (…, axes, d), an axis for the anchors and one for each mean."""

    views: Mapping[View, Tensor]
    drawn: tuple[Tensor, Tensor]
    anchors: tuple[Tensor, Tensor] | None
    like: Tensor

    def value(self, node: Expression) -> Any:
        match node:
            case Scalar(value):
                return torch.as_tensor(float(value), dtype=self.like.dtype, device=self.like.device)
            case Inner(u, v):
                return (self.views[u] * self.views[v]).sum(-1)
            case HalfSquare(u, v):
                return ((self.views[u] - self.views[v]) ** 2).sum(-1) / 2
            case Sum(parts):
                return sum(self.value(part) for part in parts)
            case Product(factors):
                return prod(self.value(factor) for factor in factors)
            case Power(base, exponent):
                return self.value(base) ** (int(exponent) if exponent.is_Integer else float(exponent))
            case Exp(part):
                return torch.exp(self.value(part))
            case Log(part):
                return torch.log(self.value(part))
            case Average(body, over, count):
                return self._mean(body, over, count)
        raise TypeError(type(node).__name__)

    def _mean(self, body: Expression, over: tuple[View, ...], count: object) -> Any:
        data = list(dict.fromkeys(view.datum for view in over))
        own = {datum: tuple(view for view in over if view.datum == datum) for datum in data}
        outer = {view: one[..., None, :] for view, one in self.views.items()}
        drawn = tuple(one[..., None, :, :] for one in self.drawn) if count is None else self.drawn
        bound = _by_view(own[data[-1]], (drawn[0], drawn[1]))
        if len(data) == 1:
            return _Scope({**outer, **bound}, self.drawn, self.anchors, self.like).value(body).mean(-1)
        # Of two data the first are those that the loss is averaged over.
        assert self.anchors is not None  # noqa: S101 (_check)
        first = _by_view(own[data[0]], (self.anchors[0][..., None, :], self.anchors[1][..., None, :]))
        value = _Scope({**first, **bound}, self.drawn, self.anchors, self.like).value(body)
        return value.mean((-2, -1))[..., None]
