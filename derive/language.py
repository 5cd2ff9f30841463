"""The words that losses are defined with: inner products and distances of f at views, means, sums over coordinates."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sympy

from derive.errors import InputError
from derive.expression import (
    Average,
    Coordinate,
    CoordinateSum,
    Exp,
    Expression,
    HalfSquare,
    Inner,
    Log,
    Power,
    as_expression,
    as_scalar,
    free_views,
)
from derive.scalars import normal_form
from derive.views import Index, View

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def Mean(body: object, *, over: View | Iterable[View], count: object = None) -> Expression:
    """The mean of ``body`` over views.

    Args:
        body: what is averaged.
        over: a view, or several; views of one datum are drawn together.
        count: None for the population mean E. Otherwise the number of independent draws in the sample whose
            arithmetic mean this is (the N − 1 negatives of a batch). All means over one datum whose counts are equal
            as functions of the parameters run over one sample; samples of other counts are independent of it, and
            stay so where values put in make the counts equal (see `Loss.set`). The expectation over samples is taken
            last, outside of every log.

    Raises:
        InputError: nothing to average over, a sample of several data at once, or a view that is left free while
            another of its datum is bound.

    >>> from derive import views
    >>> x, chi = views("x, chi")
    >>> Mean(exp(inner(x, chi)), over=chi) == Mean(exp(inner(x, chi)), over=(chi,))
    True

    """
    bound = (over,) if isinstance(over, View) else tuple(over)
    if not bound or not all(isinstance(view, View) for view in bound):
        message = f"Mean(…, over={over!r}): name the view or views that the mean runs over, as views() made them"
        raise InputError(message)
    node = as_expression(body)
    data = {view.datum for view in bound}
    left = sorted(view.name for view in free_views(node) - set(bound) if view.datum in data)
    if left:
        names = ", ".join(view.name for view in bound)
        message = (
            f"Mean(…, over=({names})) leaves {left[0]} free, a view of the same datum (what stands before the first"
            f" underscore names it): a mean draws a datum with all its views, so name {left[0]} in over too, or use a"
            " view of another datum, such as chi"
        )
        raise InputError(message)
    if count is None:
        return Average(node, tuple(sorted(set(bound))), None)
    if len({view.datum for view in bound}) > 1:
        names = ", ".join(view.name for view in bound)
        message = (
            f"Mean(…, over=({names}), count={count}): a sample is drawn of one datum at a time;"
            " nest one Mean in the other, or give views of one datum"
        )
        raise InputError(message)
    return Average(node, tuple(sorted(set(bound))), normal_form(as_scalar(count)))


def inner(left: View, right: View) -> Expression:
    """The inner product ⟨f(left), f(right)⟩."""
    return Inner(*_two_views("inner", left, right))


def half_sq(left: View, right: View) -> Expression:
    """Half the squared distance, ½|f(left) − f(right)|²."""
    return HalfSquare(*_two_views("half_sq", left, right))


def exp(argument: object) -> Expression:
    """The exponential."""
    return Exp(as_expression(argument))


def log(argument: object) -> Expression:
    """The natural logarithm; its argument must not vanish at W = 0."""
    return Log(as_expression(argument))


def sqrt(argument: object) -> Expression:
    """The square root; its argument must not vanish at W = 0."""
    return Power(as_expression(argument), sympy.Rational(1, 2))


def variance(body: object, *, over: View | Iterable[View]) -> Expression:
    """The population variance E[body²] − E[body]² over views."""
    node = as_expression(body)
    return Mean(node**2, over=over) - Mean(node, over=over) ** 2


@dataclass(frozen=True, slots=True)
class SecondMoment:
    """The matrix E[f(left) f(right)ᵀ], read entry by entry: ``M[i, j]``.

    Args:
        left: the view of the row coordinate.
        right: the view of the column coordinate.
        count: None for the population mean, else the size of the sample (see `Mean`).
        centred: subtract E[f(left)] E[f(right)]ᵀ, which makes it a covariance.

    """

    left: View
    right: View
    count: object = None
    centred: bool = False

    def __getitem__(self, entry: tuple[Index, Index]) -> Expression:
        """The entry (i, j)."""
        i, j = entry
        left, right = Coordinate(self.left, i), Coordinate(self.right, j)
        moment = Mean(left * right, over=(self.left, self.right), count=self.count)
        if not self.centred:
            return moment
        return moment - Mean(left, over=self.left, count=self.count) * Mean(right, over=self.right, count=self.count)


def diagonal_sum(entry: Callable[[Index], object]) -> Expression:
    """Σ_i entry(i), over the coordinates of the embedding.

    >>> from derive import views
    >>> x, x_pos = views("x, x_pos")
    >>> M = SecondMoment(x, x_pos)
    >>> invariance = diagonal_sum(lambda i: (1 - M[i, i]) ** 2)
    """
    (i,) = _indices(entry, 1)
    return CoordinateSum(as_expression(entry(i)), i)


def off_diagonal_sum(entry: Callable[[Index, Index], object]) -> Expression:
    """Σ_{i≠j} entry(i, j): the sum over all pairs of coordinates less the sum over equal ones.

    >>> from derive import views
    >>> x, x_pos = views("x, x_pos")
    >>> M = SecondMoment(x, x_pos)
    >>> redundancy = off_diagonal_sum(lambda i, j: M[i, j] ** 2)
    """
    i, j = _indices(entry, 2)
    everything = CoordinateSum(CoordinateSum(as_expression(entry(i, j)), j), i)
    return everything - CoordinateSum(as_expression(entry(i, i)), i)


def _two_views(name: str, left: object, right: object) -> tuple[View, View]:
    if not isinstance(left, View) or not isinstance(right, View):
        message = f"{name}({_shown(left)}, {_shown(right)}): both arguments must be views, as views() makes them"
        raise InputError(message)
    return (left, right)


def _shown(value: object) -> str:
    return value.name if isinstance(value, View) else "…" if isinstance(value, Expression) else repr(value)


def _indices(entry: Callable[..., object], number: int) -> list[Index]:
    names = list(inspect.signature(entry).parameters)
    if len(names) != number:
        message = f"the entry must be a function of {number} coordinate(s), not of {names}"
        raise InputError(message)
    return [Index(name) for name in names]
