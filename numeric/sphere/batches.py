"""The landscape over shares of any loss of inner products, on random batches that stay the same for all shares.

Whitened modes ξ_i of a batch of N data are drawn once. f = √p ξ has the inner products Σ p_i ξ_i(u) ξ_i(v), linear in
p, so that the loss of the batches and its gradient are exact for these batches, at lost modes too. What the draws
leave is a standard error, from independent sets of batches. This is the way for losses over finite batches, and for
those whose means are known in no other way.

A mean over a population is taken over the other data of the batch. Two encoders have equal shares: a pair's text is its
second view.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy
from numpy.typing import NDArray

from derive import InputError, Loss
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
    children,
    free_views,
    labels,
    walk,
)
from derive.definition.views import View
from derive.sphere.transverse import transverse
from numeric.sphere.minimum import Shares, solved
from numeric.sphere.shares import SETS, starts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

Array = NDArray[np.float64]

# Data in a set of batches, and numbers in the largest array.
DATA, LARGEST = 2048, 1 << 26


@dataclass(frozen=True, eq=False)
class BatchLandscape:
    """A loss over the shares, on drawn batches.

    Attributes:
        loss: its parameters are set.
        first: ξ of the first views, (batches, N, n).
        second: of the second views.

    """

    loss: Loss
    first: Array
    second: Array

    def value(self, shares: Array) -> tuple[float, Array]:
        """The mean loss of the batches and its gradient (n,).

        >>> from derive import catalogue
        >>> one = drawn(catalogue("ntxent+normalised").set({"N": 16, "tau": 1}), np.array([0.9, 0.5, 0.1]), 16)
        >>> value, slope = one.value(np.array([2.0, 1.0, 0.0]))
        >>> bool(abs(slope @ [2.0, 1.0, 0.0]) < 1e-12)  # only ratios matter
        True
        """
        import torch

        p = torch.tensor(shares, dtype=torch.float64, requires_grad=True)
        value = self._mean(self.loss.expression, p)
        value.backward()
        assert p.grad is not None  # noqa: S101 (backward makes it)
        return float(value.detach()), p.grad.numpy()

    def threshold(self, shares: Array) -> float:
        """λ_c = β/α, the means of `derive.sphere.transverse` over the batches."""
        alpha, beta = self.of_lost(shares).mean(0)
        return float(beta / alpha)

    def of_lost(self, shares: Array) -> Array:
        """α and β of each batch, (batches, 2)."""
        import torch

        along, p = transverse(self.loss), torch.from_numpy(np.array(shares))
        table = [self._by_batch(node, p).expand(len(self.first)) for node in (along.alpha, along.beta)]
        return np.asarray(torch.stack(table, -1).numpy())

    def _mean(self, node: Expression, shares: Tensor) -> Any:
        return self._by_batch(node, shares).mean()

    def _by_batch(self, node: Expression, shares: Tensor) -> Any:
        import torch

        of = _Evaluation(shares, torch.from_numpy(self.first), torch.from_numpy(self.second))
        anchors = tuple(sorted({view.datum for view in free_views(node)}))
        value = torch.as_tensor(of.value(node, anchors), dtype=torch.float64)
        return value.reshape(len(value), -1).mean(1) if value.ndim else value.reshape(1)


def batch_shares(
    loss: Loss, correlations: Sequence[float] | Array, size: int, *, guess: Array | None = None, seed: int = 0
) -> Shares:
    """The shares of the modes at the global minimum of a loss on batches of N data, with standard errors.

    Args:
        loss: its parameters are set, N among them.
        correlations: λ_i of each mode, from 0 to 1.
        size: N; for a loss over a population, the number of data that stand for it.
        guess: shares near the minimum, those of a large batch, say.
        seed: of the draws.

    >>> from derive import catalogue
    >>> loss = catalogue("ntxent+normalised").set({"N": 64, "tau": sympy.Rational(1, 2)})
    >>> found = batch_shares(loss, [0.95, 0.9, 0.85, 0.01], 64)
    >>> found.kept
    (True, True, True, False)
    """
    lam = np.asarray(correlations, dtype=np.float64)
    number = max(2, DATA // size)
    sets = [drawn(loss, lam, size, batches=number, seed=SETS * seed + k) for k in range(SETS)]
    return solved(sets, lam, starts(lam, guess), precision=1e-5)


def drawn(loss: Loss, correlations: Array, size: int, *, batches: int = 8, seed: int = 0) -> BatchLandscape:
    """A loss on batches that are drawn now.

    Args:
        loss: of inner products, distances and cosines of at most two views of a datum; its parameters are set.
        correlations: λ (n,).
        size: N, the number of data in a batch.
        batches: their number.
        seed: of the draws.

    Raises:
        InputError: a symbol without a value, more views than two, coordinates, or samples that N does not hold.
    """
    left = sorted(loss.parameters)
    if left:
        raise InputError(f"the shares depend on {', '.join(left)}: give {' '.join(f'--set {one}=…' for one in left)}")
    for node in walk(loss.expression):
        if not isinstance(node, Scalar | Inner | HalfSquare | Sum | Product | Power | Exp | Log | Average):
            raise InputError(
                f"{loss.name} is not made of inner products alone; its modes are not known by their shares"
            )
    seen: dict[str, set[str]] = {}
    for view in (label for node in walk(loss.expression) for label in labels(node) if isinstance(label, View)):
        seen.setdefault(view.datum, {view.datum}).add(view.name)
    for datum, names in seen.items():
        if len(names) > 2:
            found = ", ".join(sorted(names))
            raise InputError(f"{loss.name} has more than two views of {datum} ({found}); two are drawn for each datum")
    if batches * size ** together(loss) > LARGEST:
        message = f"{together(loss)} data meet in {loss.name}: batches of {size} make arrays that are too large"
        raise InputError(f"{message}; give a smaller N")
    generator = np.random.default_rng(seed)
    one, noise = generator.standard_normal((2, batches, size, len(correlations)))
    return BatchLandscape(loss, one, correlations * one + np.sqrt(1 - correlations**2) * noise)


def together(loss: Loss) -> int:
    """How many data a mean within means of a definition looks at, the one that the loss is averaged over among them.

    >>> from derive import catalogue
    >>> [together(catalogue(name)) for name in ("infonce", "alignment-uniformity")]
    [2, 3]
    """

    def deepest(node: Expression) -> int:
        inside = max(map(deepest, children(node)), default=0)
        return inside + len({view.datum for view in node.over}) if isinstance(node, Average) else inside

    return bool(free_views(loss.expression)) + deepest(loss.expression)


def stand_in(loss: Loss) -> int:
    """The number of data that stand for a population: as many as fit, 512 where two meet at a time."""
    return 512 if together(loss) <= 2 else 64


class _Evaluation:
    """Values of nodes, each with an axis a datum after that of the batches; means take axes away."""

    def __init__(self, shares: Tensor, first: Tensor, second: Tensor) -> None:
        self.views = first, second
        self.weighted = first * shares, second * shares
        self.size = first.shape[1]
        self.products: dict[tuple[int, int, bool], Tensor] = {}

    def value(self, node: Expression, scope: tuple[str, ...]) -> Any:
        """The value (batches, N, …, N), an axis for each datum in scope, of size 1 where it does not matter."""
        match node:
            case Scalar(number):
                return float(number)
            case Inner(u, v):
                return self._inner(u, v, scope)
            case HalfSquare(u, v):
                return (self._inner(u, u, scope) + self._inner(v, v, scope)) / 2 - self._inner(u, v, scope)
            case Sum(terms):
                return sum((self.value(term, scope) for term in terms[1:]), self.value(terms[0], scope))
            case Product(factors):
                product = self.value(factors[0], scope)
                for factor in factors[1:]:
                    product = product * self.value(factor, scope)
                return product
            case Power(base, exponent):
                return self.value(base, scope) ** float(exponent)
            case Exp(argument):
                return self._tensor(self.value(argument, scope)).exp()
            case Log(argument):
                return self._tensor(self.value(argument, scope)).log()
            case Average(body, over, count):
                return self._mean(body, over, count, scope)
        message = f"no value is known for {type(node).__name__}; was a new node added to derive.definition.expression?"
        raise TypeError(message)

    def _tensor(self, value: Any) -> Any:
        return value if hasattr(value, "exp") else self.views[0].new_tensor(value)

    def _inner(self, u: View, v: View, scope: tuple[str, ...]) -> Any:
        i, j = scope.index(u.datum), scope.index(v.datum)
        a, b = _which(u), _which(v)
        key = a, b, i == j
        if key not in self.products:
            left, right = self.weighted[a], self.views[b]
            self.products[key] = (left * right).sum(-1) if i == j else left @ right.transpose(-1, -2)
        found = self.products[key]
        if i > j:
            found = found.transpose(-1, -2)
        shape = [found.shape[0]] + [self.size if axis in (i, j) else 1 for axis in range(len(scope))]
        return found.reshape(shape)

    def _mean(self, body: Expression, over: tuple[View, ...], count: sympy.Expr | None, scope: tuple[str, ...]) -> Any:
        data = tuple(dict.fromkeys(view.datum for view in over))
        inside = self._tensor(self.value(body, scope + data))
        if inside.ndim == 0:
            return inside
        outer = len(scope)
        left = self.size - outer
        if count is not None and int(count) not in (left, self.size if not outer else left):
            raise InputError(f"a mean over {count} data does not fit a batch of {self.size}")
        # Other data than those in scope, and different ones.
        mask = self._different(outer, len(data), inside)
        axes = tuple(range(1 + outer, inside.ndim))
        whole = (inside * mask).sum(axes)
        return whole / mask.sum(axes)

    def _different(self, outer: int, inner: int, like: Any) -> Any:
        import torch

        total = outer + inner
        mask = torch.ones([1, *[1] * total], dtype=like.dtype)
        apart = 1 - torch.eye(self.size, dtype=like.dtype)
        for b in range(outer, total):
            for a in range(b):
                shape = [1] + [self.size if axis in (a, b) else 1 for axis in range(total)]
                mask = mask * apart.reshape(shape)
        if inner and total == inner == 1:
            mask = mask.expand(1, self.size)
        return mask


def _which(view: View) -> int:
    """0 for the view that is named like its datum, 1 for another."""
    return 0 if view.name == view.datum else 1
