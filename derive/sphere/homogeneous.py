r"""A mean over the kept block as a sum of terms, each homogeneous in f at every view: powers of lengths, and cosines.

f(u) → t f(u) at one view multiplies such a term by t^D, so that it is |f(u)|^D times its value where f(u) is a unit
vector. The slopes of a function of cosines are sums of terms of degrees 0, −1 and −2. Lengths are averaged apart from
cosines where the law allows it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import sympy

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
)
from derive.errors import InputError

if TYPE_CHECKING:
    from derive.definition.views import View

Degrees = dict["View", sympy.Expr]


def degrees(node: Expression) -> Degrees | None:
    """The degree in f at each free view, those of degree 0 left out; None where the node is not homogeneous.

    >>> from derive import cosine, exp, inner, views
    >>> x, chi = views("x, chi")
    >>> degrees(exp(cosine(x, chi)) / inner(x, x))
    {View(name='x', datum='x', white=False, role=0): -2}
    >>> degrees(exp(inner(x, chi))) is None
    True

    """
    match node:
        case Scalar():
            return {}
        case Inner(u, v):
            return {view: sympy.Integer(number) for view, number in Counter((u, v)).items()}
        case HalfSquare(u, v):
            return {} if u == v else None
        case Sum(terms):
            found = [degrees(term) for term in terms]
            return found[0] if all(one == found[0] for one in found) else None
        case Product(factors):
            total: Degrees = {}
            for factor in factors:
                own = degrees(factor)
                if own is None:
                    return None
                for view, degree in own.items():
                    total[view] = total.get(view, sympy.S.Zero) + degree
            return {view: degree for view, degree in total.items() if degree != 0}
        case Power(base, exponent):
            own = degrees(base)
            return None if own is None else {view: degree * exponent for view, degree in own.items()}
        case Exp(part) | Log(part):
            return {} if degrees(part) == {} else None
        case Average(body, over, _):
            own = degrees(body)
            return None if own is None else {view: degree for view, degree in own.items() if view not in over}
    return None


def terms(node: Expression) -> list[Expression]:
    """A definition as a sum of homogeneous terms.

    Raises:
        InputError: there is none: it is no function of cosines and powers of lengths.

    >>> from derive import catalogue
    >>> from derive.sphere.transverse import transverse, written
    >>> for term in terms(transverse(catalogue("infonce+normalised").filled()).beta)[:2]:
    ...     print(written(term))
    ½ E_x,x′[cos(f(x), f(x′)) |f(x)|⁻²]
    ½ E_x,x′[cos(f(x), f(x′)) |f(x′)|⁻²]

    """
    if isinstance(node, Sum):
        return [term for part in node.terms for term in terms(part)]
    return _apart(node)


def _apart(node: Expression) -> list[Expression]:
    match node:
        case Sum(parts):
            return [term for part in parts for term in _apart(part)]
        case Product(factors):
            found: list[Expression] = [Scalar(sympy.S.One)]
            for factor in factors:
                found = [one * term for one in found for term in _apart(factor)]
            return found
        case Average(body, over, count):
            return [_over(term, over, count) for term in _apart(body)]
    if degrees(node) is not None:
        return [node]
    message = "is no function of cosines and powers of lengths of f"
    raise InputError(message)


def _over(term: Expression, over: tuple[View, ...], count: sympy.Expr | None) -> Expression:
    """A mean, without the factors that do not vary under it."""
    factors = term.factors if isinstance(term, Product) else (term,)
    out = [one for one in factors if not free_views(one) & set(over)]
    within = [one for one in factors if free_views(one) & set(over)]
    mean: Expression = Scalar(sympy.S.One)
    for one in within:
        mean = mean * one
    if within:
        mean = Average(mean, over, count)
    for one in out:
        mean = one * mean
    return mean
