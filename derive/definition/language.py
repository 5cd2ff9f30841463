"""The words that losses are defined with: inner products and distances of f at views, means, sums over coordinates."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

import sympy

from derive.algebra.graphs import CLASSMATE
from derive.algebra.scalars import normal_form
from derive.definition.expression import (
    Average,
    CoordinateSum,
    Exp,
    Expression,
    HalfSquare,
    Inner,
    Log,
    Power,
    Scalar,
    ViewAverage,
    as_expression,
    as_scalar,
    free_views,
)
from derive.definition.rewriting import cosine_of
from derive.definition.vectors import Vector, as_vector, inner_of
from derive.definition.views import Index, View
from derive.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# The embedding dimension, which a sum over coordinates of a constant brings in.
EMBEDDING_DIMENSION = sympy.Symbol("d1")


@dataclass(frozen=True, slots=True)
class Distinct:
    """Views of different draws of one sample, or different views of one datum; `distinct` makes one."""

    views: tuple[View, ...]


def distinct(*views: View) -> Distinct:
    """Different draws of one sample, for a `Mean` over its pairs (or triples) without the diagonal.

    Args:
        views: of two or more data; each datum is another draw of the sample of the first. Views of one datum are drawn
            together. With ``of=``, two or more views of that datum, different ones of the sample of views.

    >>> from derive import Loss, views
    >>> N, (u, w) = sympy.Symbol("N"), views("u, w")
    >>> pairs = Mean(inner(u, w) ** 2, over=distinct(u, w), count=N)
    >>> Loss(pairs).text()
    '1/(N(N - 1)) Σ_u≠w^(N) [⟨f(u), f(w)⟩²]'
    >>> print(Loss(log(pairs + 1)).expand(order=8))
    Tr[(W Σ Wᵀ)²] − 2(2 N - 1)/(N(N - 1)) Tr[(W Σ Wᵀ)⁴] − (N^2 - N + 4)/(2 N(N - 1)) Tr[(W Σ Wᵀ)²]² + O(W¹⁰)

    """
    if len(set(views)) < 2 or not all(isinstance(view, View) for view in views):
        message = "distinct(…): name two views or more, of different draws, as in distinct(u, w)"
        raise InputError(message)
    return Distinct(tuple(dict.fromkeys(views)))


@overload
def Mean(  # type: ignore[overload-overlap]
    body: Vector, *, over: View | Iterable[View] | Distinct, count: object = None, of: object = None
) -> Vector: ...
@overload
def Mean(
    body: object, *, over: View | Iterable[View] | Distinct, count: object = None, of: object = None
) -> Expression: ...
def Mean(
    body: object, *, over: View | Iterable[View] | Distinct, count: object = None, of: object = None
) -> Expression | Vector:
    """The mean of ``body`` over views.

    Args:
        body: what is averaged; the mean of a vector is a vector.
        over: a view, or several; views of one datum are drawn together. ``distinct(u, w)`` for different draws of one
            sample: the mean over its pairs without the diagonal, 1/(n(n − 1)) Σ_{i≠j}.
        count: None for the population mean E. Otherwise the number of independent draws in the sample whose
            arithmetic mean this is (the N − 1 negatives of a batch). All means over one datum whose counts are equal
            as functions of the parameters run over one sample; samples of other counts are independent of it, and
            stay so where values put in make the counts equal (see `Loss.set`). The expectation over samples is taken
            last, outside of every log.
        of: None where the mean draws data. Otherwise a view whose datum is held: the mean is over further views of
            that same datum, each drawn independently given the datum, and all means of one datum and count share
            them.

    Raises:
        InputError: nothing to average over, a sample of several data at once, or a view that is left free while
            another of its datum is bound.

    >>> from derive import Loss, centroid, embedding, views
    >>> x, x_v, chi = views("x, x_v, chi")
    >>> Mean(exp(inner(x, chi)), over=chi) == Mean(exp(inner(x, chi)), over=(chi,))
    True

    The centroid of V augmentations of the datum of x, V a symbol:

    >>> c = Mean(embedding(x_v), over=x_v, of=x, count=sympy.Symbol("V"))
    >>> print(Loss(inner(c, c)).expand(order=2))
    (V - 1)/V Tr[W A0 Wᵀ] + 1/V Tr[W Σ Wᵀ] + O(W⁴)

    """
    bound = over.views if isinstance(over, Distinct) else (over,) if isinstance(over, View) else tuple(over)
    if not bound or not all(isinstance(view, View) for view in bound):
        message = f"Mean(…, over={over!r}): name the view or views that the mean runs over, as views() made them"
        raise InputError(message)
    node = Scalar(sympy.S.One) if isinstance(body, Vector) else as_expression(body)
    free = body.free if isinstance(body, Vector) else free_views(node)
    number = None if count is None else normal_form(as_scalar(count))
    apart = isinstance(over, Distinct)
    mean: Average | ViewAverage
    if of is not None and not isinstance(of, View):
        message = f"Mean(…, of={of!r}): give a view of the datum whose further views the mean runs over"
        raise InputError(message)
    if of is None:
        mean = _over_data(node, bound, number, free, apart=apart)
    else:
        mean = _over_views(node, bound, number, of, apart=apart)
    return body.averaged(mean) if isinstance(body, Vector) else mean


def _over_data(
    node: Expression, bound: tuple[View, ...], count: sympy.Expr | None, free: frozenset[View], *, apart: bool
) -> Average:
    data = list(dict.fromkeys(view.datum for view in bound))
    names = ", ".join(view.name for view in bound)
    left = sorted(view.name for view in free - set(bound) if view.datum in data)
    if left:
        message = (
            f"Mean(…, over=({names})) leaves {left[0]} free, a view of the same datum (what stands before the first"
            f" underscore names it): a mean draws a datum with all its views, so name {left[0]} in over too, or use a"
            " view of another datum, such as chi; a mean over further views of the same datum as"
            f" {left[0]} is Mean(…, over=…, of={left[0]})"
        )
        raise InputError(message)
    if not apart:
        if count is not None and len(data) > 1:
            message = (
                f"Mean(…, over=({names}), count={count}): a sample is drawn of one datum at a time; nest one Mean in"
                f" the other for two samples, give distinct({names}) for different draws of one sample, or views of"
                " one datum"
            )
            raise InputError(message)
        return Average(node, tuple(sorted(set(bound))), count)
    if count is None or len(data) < 2:
        message = (
            f"Mean(…, over=distinct({names})): different draws of one sample need its size, count=N, and a datum each,"
            " as in distinct(u, w); in the population other data are independent, over=(u, w)"
        )
        raise InputError(message)
    for view in bound:
        if view.white or not view.name.startswith(view.datum):
            message = f"Mean(…, over=distinct({names})): {view.name} is not a view of data as views() makes them"
            raise InputError(message)
    # The first datum names the sample.
    return Average(node, tuple(sorted(set(bound), key=lambda view: (data.index(view.datum), view))), count)


def _over_views(
    node: Expression, bound: tuple[View, ...], count: sympy.Expr | None, of: View, *, apart: bool
) -> ViewAverage:
    names = ", ".join(view.name for view in bound)
    if of in bound or any((view.datum, view.white) != (of.datum, False) for view in bound):
        message = (
            f"Mean(…, over=({names}), of={of.name}): over names further views of the datum that `of` shows, as in"
            " Mean(…, over=x_v, of=x)"
        )
        raise InputError(message)
    if of.role == CLASSMATE or (count is None and any(view.role == CLASSMATE for view in bound)):
        why = f"{of.name} is not of the datum {of.datum} but of its class" if of.role == CLASSMATE else ""
        message = (
            f"Mean(…, over=({names}), of={of.name}): {why or 'a mean over all other data of a class has no end'};"
            f" give a view of {of.datum} itself, and count=M for a mean over M other data of its class"
        )
        raise InputError(message)
    if len(bound) > 1 and apart == (count is None):
        message = (
            f"Mean(…, over=({names}), of={of.name}): for different views out of a number V, write distinct({names})"
            " with count=V; in the population every view is drawn independently, and count is left out"
        )
        raise InputError(message)
    if len({view.role for view in bound}) > 1 and apart:
        message = (
            f"Mean(…, over=distinct({names}), of={of.name}): different views out of {count} are all seen in one way, as"
            " those of each way are drawn apart; nest one Mean in another for views seen in two ways"
        )
        raise InputError(message)
    return ViewAverage(node, tuple(sorted(set(bound))), of, count)


def inner(left: View | Vector, right: View | Vector) -> Expression:
    """The inner product ⟨f(left), f(right)⟩; of vectors (see `centroid`) by bilinearity."""
    _check_ends("inner", left, right)
    if isinstance(left, View) and isinstance(right, View):
        return Inner(left, right)
    return inner_of(as_vector(left), as_vector(right))


def half_sq(left: View | Vector, right: View | Vector) -> Expression:
    """Half the squared distance, ½|f(left) − f(right)|²; of vectors (see `centroid`) by bilinearity."""
    _check_ends("half_sq", left, right)
    if isinstance(left, View) and isinstance(right, View):
        return HalfSquare(left, right)
    difference = as_vector(left) - as_vector(right)
    return inner_of(difference, difference) / 2


def cosine(left: object, right: object) -> Expression:
    """The cosine of the angle between f(left) and f(right), ⟨f(left), f(right)⟩/(|f(left)| |f(right)|).

    >>> from derive import Loss, views
    >>> x, x_pos = views("x, x_pos")
    >>> Loss(-cosine(x, x_pos)).text()
    'E_x[−cos(f(x), f(x′))]'

    """
    if not isinstance(left, View) or not isinstance(right, View):
        message = f"cosine({_shown(left)}, {_shown(right)}): both arguments must be views, as views() makes them"
        raise InputError(message)
    return cosine_of(left, right)


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


def diagonal_sum(entry: Callable[[Index], object]) -> Expression:
    """Σ_i entry(i), over the coordinates of the embedding.

    >>> from derive import SecondMoment, views
    >>> x, x_pos = views("x, x_pos")
    >>> M = SecondMoment(x, x_pos)
    >>> invariance = diagonal_sum(lambda i: (1 - M[i, i]) ** 2)
    """
    (i,) = _indices(entry, 1)
    return CoordinateSum(as_expression(entry(i)), i)


def off_diagonal_sum(entry: Callable[[Index, Index], object]) -> Expression:
    """Σ_{i≠j} entry(i, j): the sum over all pairs of coordinates less the sum over equal ones.

    >>> from derive import SecondMoment, views
    >>> x, x_pos = views("x, x_pos")
    >>> M = SecondMoment(x, x_pos)
    >>> redundancy = off_diagonal_sum(lambda i, j: M[i, j] ** 2)
    """
    i, j = _indices(entry, 2)
    everything = CoordinateSum(CoordinateSum(as_expression(entry(i, j)), j), i)
    return everything - CoordinateSum(as_expression(entry(i, i)), i)


def _check_ends(name: str, left: object, right: object) -> None:
    if not isinstance(left, View | Vector) or not isinstance(right, View | Vector):
        message = f"{name}({_shown(left)}, {_shown(right)}): both arguments must be views, as views() makes them"
        raise InputError(message)


def _shown(value: object) -> str:
    return value.name if isinstance(value, View) else "…" if isinstance(value, Expression | Vector) else repr(value)


def _indices(entry: Callable[..., object], number: int) -> list[Index]:
    names = list(inspect.signature(entry).parameters)
    if len(names) != number:
        message = f"the entry must be a function of {number} coordinate(s), not of {names}"
        raise InputError(message)
    return [Index(name) for name in names]
