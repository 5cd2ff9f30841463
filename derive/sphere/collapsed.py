"""The value of a loss at complete collapse: all data are mapped to one vector, so that every cosine is 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sympy

from derive.algebra.scalars import normal_form
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
)
from derive.errors import InputError

if TYPE_CHECKING:
    from derive.losses.loss import Loss


def collapsed_value(loss: Loss) -> sympy.Expr:
    """The loss where f is one unit vector for all data, a formula in its parameters.

    Raises:
        InputError: the loss looks at coordinates of f.

    >>> from derive import catalogue
    >>> collapsed_value(catalogue("ntxent+normalised"))
    log(2*N - 1)
    >>> collapsed_value(catalogue("siglip+normalised"))
    (N - 1)*log(exp(-b + t) + 1) + log(exp(b - t) + 1)

    """
    found = _value(loss.expression, loss.name)
    return found if found.has(sympy.exp) else normal_form(found)


def _value(node: Expression, name: str) -> sympy.Expr:
    match node:
        case Scalar(value):
            return value
        case Inner():
            return sympy.S.One
        case HalfSquare():
            return sympy.S.Zero
        case Sum(terms):
            return sympy.Add(*(_value(term, name) for term in terms))
        case Product(factors):
            return sympy.Mul(*(_value(factor, name) for factor in factors))
        case Power(base, exponent):
            return _value(base, name) ** exponent
        case Exp(argument):
            return sympy.exp(_value(argument, name))
        case Log(argument):
            return _logarithm(_value(argument, name))
        case Average(body, _, _) | ViewAverage(body, _, _, _):
            return _value(body, name)
    message = f"{name} looks at coordinates of f: its value at complete collapse depends on the vector"
    raise InputError(message)


def _logarithm(value: sympy.Expr) -> sympy.Expr:
    """The logarithm with exponentials that all summands share pulled out: log((N − 1)eᵏ + eᵏ) = k + log N."""
    terms = sympy.Add.make_args(sympy.expand(value))
    shared = [factor for factor in sympy.Mul.make_args(terms[0]) if isinstance(factor, sympy.exp)]
    whole = sympy.Mul(*shared)
    left = sympy.Add(*(term / whole for term in terms))
    if not left.has(sympy.exp):
        return sympy.Add(*(factor.args[0] for factor in shared)) + sympy.log(sympy.factor(left))
    return sympy.log(value)
