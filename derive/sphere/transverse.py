r"""A loss at a W that has lost modes, in the weights V of these modes: exact through order 2, for Gaussian views.

With f(x) = (U x_kept, V x_lost), and the lost modes independent of the kept ones, every inner product is one of the
kept block plus ⟨V u, V v⟩, whose mean over the lost modes is Tr[V Cov(u, v) Vᵀ]: Σ for one view met twice, A0 for two
views of a datum, 0 between data. No more of it enters at order 2, whatever the loss is a function of, so that

    L = L(U) − Tr[V (α A0 − β Σ) Vᵀ] + O(V⁴),

where −α and β are means, over the kept block alone, of the loss's derivatives along these inner products. A lost mode
with view correlation λ comes back where α λ > β: at λ_c = β/α. For a function of cosines

    d cos(u, v) = ⟨V u, V v⟩/(|u| |v|) − ½ cos(u, v) (|V u|²/|u|² + |V v|²/|v|²).

This holds for other losses too; for InfoNCE without a normalisation it is the Hessian at any W instead of W = 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import sympy

from derive.algebra.graphs import VIEW, WHITE, Vertex
from derive.algebra.words import Invariants, trace
from derive.definition import notation
from derive.definition.contents import looks_at_coordinates
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
    ViewAverage,
    as_expression,
    free_views,
    walk,
)
from derive.definition.factors import split_off, unscaled
from derive.definition.written import definition
from derive.errors import InputError
from derive.expansion.wick import contract

if TYPE_CHECKING:
    from collections.abc import Mapping

    from derive.definition.views import View
    from derive.losses.loss import Loss

ZERO = Scalar(sympy.S.Zero)


@dataclass(frozen=True)
class Transverse:
    """The terms of order 2 in the weights V of lost modes.

    Attributes:
        loss: its name.
        slopes: for each trace word of V the mean that multiplies it, a definition over views of the kept block. Views
            that it leaves free are averaged over, as those of a loss are.

    """

    loss: str
    slopes: Mapping[Invariants, Expression]

    @property
    def alpha(self) -> Expression:
        """α: minus the slope along Tr[V A0 Vᵀ]; of two encoders, along the cross-covariance."""
        return -(self._along("A") + self._along("X"))

    @property
    def beta(self) -> Expression:
        """β: the slope along Tr[V Σ Vᵀ]; of two encoders whose lost weights are equal, along Σ and Σ₂ together."""
        return self._along("S") + self._along("T")

    def _along(self, letter: str) -> Expression:
        return self.slopes.get((trace(letter),), ZERO)


def transverse(loss: Loss) -> Transverse:
    """The expansion of a loss in the weights of lost modes, through order 2.

    Args:
        loss: of inner products and distances of f; its parameters may be symbols.

    Raises:
        InputError: the loss looks at coordinates of f.

    >>> from derive import catalogue
    >>> found = transverse(catalogue("infonce+normalised"))
    >>> print(written(found.alpha))
    1/τ E_x,x′[|f(x)|⁻¹ |f(x′)|⁻¹]

    """
    if looks_at_coordinates(loss.expression):
        message = (
            f"{loss.name} looks at coordinates of f; the weights of lost modes are expanded in for losses of inner"
            " products, distances and cosines"
        )
        raise InputError(message)
    if any(isinstance(node, ViewAverage) and node.count is not None for node in walk(loss.expression)):
        message = f"{loss.name} has a mean over a number of views of a datum; name the views one by one here"
        raise InputError(message)
    words = {word for node in walk(loss.expression) for u, v in _products(node) for word in _mean(u, v)}
    return Transverse(loss.name, {word: _slope(loss.expression, word) for word in sorted(words)})


def averaged(node: Expression) -> Expression:
    """A mean over the kept block with the views averaged over that its definition leaves free."""
    number, body = unscaled(node)
    free = tuple(sorted(free_views(body)))
    return number * Average(body, free, None) if free else node


def written(node: Expression, style: notation.Style = notation.TEXT) -> str:
    """A mean over the kept block, written out."""
    return definition(averaged(node), style)


def _products(node: Expression) -> tuple[tuple[View, View], ...]:
    """The inner products that a node is made of."""
    match node:
        case Inner(u, v):
            return ((u, v),)
        case HalfSquare(u, v):
            return ((u, u), (u, v), (v, v))
    return ()


def _mean(u: View, v: View) -> Mapping[Invariants, int]:
    """E ⟨V u, V v⟩, a trace word of V."""
    names = sorted({u.name, v.name})
    data = sorted({u.datum, v.datum})
    ends = (Vertex(WHITE if w.white else VIEW, data.index(w.datum), names.index(w.name), w.role) for w in (u, v))
    return contract((tuple(ends),))


def _slope(node: Expression, word: Invariants) -> Expression:
    """The derivative of a definition along the inner products whose mean over the lost modes is a trace word."""
    match node:
        case Scalar():
            return ZERO
        case Inner(u, v):
            return as_expression(_mean(u, v).get(word, 0))
        case HalfSquare(u, v):
            along = [_mean(*pair).get(word, 0) for pair in ((u, u), (u, v), (v, v))]
            return as_expression(sympy.Rational(along[0] + along[2], 2) - along[1])
        case Sum(terms):
            return sum((_slope(term, word) for term in terms), ZERO)
        case Product(factors):
            number, rest = split_off(factors)
            # Leibniz' rule.
            slopes = (_times(_slope(one, word), *rest[:k], *rest[k + 1 :]) for k, one in enumerate(rest))
            return _scaled(number, sum(slopes, ZERO))
        case Power(base, exponent):
            lower = base if exponent == 2 else Power(base, exponent - 1)
            return _times(_slope(base, word), Scalar(exponent), lower)
        case Exp(argument):
            return _times(_slope(argument, word), node)
        case Log(argument):
            return _times(_slope(argument, word), Power(argument, sympy.Integer(-1)))
        case Average(body, over, count):
            slope = _slope(body, word)
            return slope if isinstance(slope, Scalar) else Average(slope, over, count)
        case ViewAverage(body, over, of, count):
            slope = _slope(body, word)
            return slope if isinstance(slope, Scalar) else ViewAverage(slope, over, of, count)
    message = f"no slope is known for {type(node).__name__}; was a new node added to derive.definition.expression?"
    raise TypeError(message)


def _times(slope: Expression, *others: Expression) -> Expression:
    return slope if slope == ZERO else prod(others, start=slope)


def _scaled(number: sympy.Expr, slope: Expression) -> Expression:
    """A number times a sum, multiplied out."""
    return sum((number * term for term in slope.terms), ZERO) if isinstance(slope, Sum) else number * slope
