"""Bounds on a definition from its parts, of which some are polynomials and others are not.

A logarithm of a sum of exponentials is never below any of its exponents plus a constant (the mean of one, where it is
a mean); other parts are never below a constant by their structure. What is left is a polynomial, and where that is
bounded below the loss is. Parts of which only the growth is known matter less than terms of a higher order that grow in
every direction, or fall in one. And a mean of exponentials that is infinite for a large W takes a loss to −∞ where
its weight is negative and nothing else is infinite.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice, product

import sympy

from derive.algebra.signs import sign
from derive.definition.contents import degree_of
from derive.definition.expression import Average, Exp, Expression, Log, Sum
from derive.definition.factors import unscaled
from derive.definition.notation import TEXT
from derive.definition.written import definition
from derive.landscape.closed_form import quadratic_form
from derive.landscape.leading import Far, far
from derive.landscape.logarithms import Peak, UnknownError, peaks
from derive.landscape.structure import matrix_of, size
from derive.losses.loss import Loss

# A logarithm may be replaced by any of its exponents: at most this many choices are tried.
_CHOICES = 32
# A polynomial of a higher degree is not expanded for its growth alone.
_DEGREE = 8


@dataclass
class _Parts:
    """The parts of a definition, sorted by what is known of them.

    Attributes:
        polynomials: in inner products and coordinates.
        logarithms: a positive coefficient, and the exponentials under the logarithm.
        degrees: how fast the parts grow that are never below a constant.
        beside: how fast the parts grow of which only their growth is known.
        falls: whether a mean of exponentials that becomes infinite has a negative weight.

    """

    polynomials: list[Expression] = field(default_factory=list)
    logarithms: list[tuple[sympy.Expr, list[Peak]]] = field(default_factory=list)
    degrees: list[sympy.Expr] = field(default_factory=list)
    beside: list[sympy.Expr] = field(default_factory=list)
    falls: bool = False

    def add(self, weight: sympy.Expr, node: Expression) -> None:
        """Add weight · node to the parts of its kind.

        Raises:
            UnknownError: nothing is known of its growth.

        """
        scaled = weight * node
        known = size(scaled)
        scalar, inside = unscaled(node)
        weight = weight * scalar
        if degree_of(node) is not None:
            self.polynomials.append(scaled)
        elif known.low is not None:
            self.degrees.append(known.degree)
        elif isinstance(inside, Sum):
            for term in inside.terms:
                self.add(weight, term)
        elif sign(weight) == 1 and (found := _exponentials(inside)):
            self.logarithms.append((weight, found))
        elif known.degree.is_finite:
            self.beside.append(known.degree)
        elif isinstance(inside, Average) and inside.count is None and isinstance(inside.body, Sum):
            for term in inside.body.terms:
                self.add(weight, Average(term, inside.over, None))
        elif sign(weight) == -1 and _becomes_infinite(inside):
            self.falls = True
        elif (found := _exponentials(inside)) and _degree(found).is_finite:
            self.beside.append(sympy.Integer(2))
        else:
            raise UnknownError(f"the growth of {definition(node, TEXT)} beside the rest is not analysed")


def by_parts(loss: Loss) -> Far:
    """Whether the parts of a loss show that it is bounded below, or that it is not; "undecided" otherwise.

    >>> from derive import Mean, exp, half_sq, inner, views
    >>> x, x_pos, chi = views("x, x_pos, chi")
    >>> by_parts(Loss(half_sq(x, x_pos) + Mean(exp(inner(x, chi)), over=(x, chi)))).verdict
    'bounded'
    >>> by_parts(Loss(half_sq(x, x_pos) - Mean(exp(inner(x, chi)), over=(x, chi)))).verdict
    'unbounded'
    """
    parts = _Parts()
    try:
        parts.add(sympy.S.One, loss.expression)
    except UnknownError as unknown:
        return Far("undecided", str(unknown))
    grows = [*parts.degrees, *parts.beside, *(_degree(found) for _, found in parts.logarithms)]
    if parts.falls:
        if all(one.is_finite for one in grows):
            return Far("unbounded", "a mean of exponentials with a negative weight becomes infinite", sympy.true)
        return Far("undecided", "several means of exponentials become infinite, with weights of both signs")
    whole = _far(loss, parts.polynomials)
    fastest = sympy.Max(0, *grows)
    if whole.verdict == "unbounded" and whole.strict and sign(whole.order - fastest) == 1:
        return whole
    slower = sympy.Max(0, *parts.beside)
    for chosen in islice(product(*(found for _, found in parts.logarithms)), _CHOICES):
        exponents = [
            coefficient * (Average(peak.node, peak.over, peak.draws) if peak.over else peak.node)
            for (coefficient, _), peak in zip(parts.logarithms, chosen, strict=True)
        ]
        below = _far(loss, [*parts.polynomials, *exponents])
        if below.verdict == "bounded" and (not parts.beside or (below.strict and sign(below.order - slower) == 1)):
            return Far("bounded", _said(below, parts))
    return Far("undecided", "its parts are bounded below neither each nor together")


def _said(below: Far, parts: _Parts) -> str:
    said = [below.reason] if below.order else []
    said += ["each logarithm is at least one of its exponents"] if parts.logarithms else []
    said += ["the other terms are never below a constant"] if parts.degrees else []
    said += ["the other terms grow more slowly"] if parts.beside else []
    return "; ".join(said) or below.reason


def _far(loss: Loss, polynomials: list[Expression]) -> Far:
    if not polynomials:
        return Far("bounded", "it is a constant")
    whole = Sum(tuple(polynomials))
    degree = degree_of(whole) or 0
    if degree > _DEGREE:
        return Far("undecided", f"a polynomial of degree {degree} is not expanded for its growth")
    return far(Loss(whole, bias=loss.bias).expand(max(2, degree + degree % 2)))


def _exponentials(node: Expression) -> list[Peak]:
    """The exponentials, of positive weights, that a logarithm sums; empty where it is of something else."""
    while isinstance(node, Average):
        node = node.body
    if not isinstance(node, Log):
        return []
    try:
        found = peaks(node.argument)
    except UnknownError:
        return []
    return found if all(sign(peak.weight) == 1 for peak in found) else []


def _degree(found: list[Peak]) -> sympy.Expr:
    """How fast a logarithm of exponentials grows: a population mean of one may be infinite."""
    return sympy.oo if any(peak.over and peak.draws is None for peak in found) else sympy.Integer(2)


def _becomes_infinite(node: Expression) -> bool:
    """Whether this is a population mean of one exponential whose exponent is positive somewhere."""
    if not isinstance(node, Average) or node.count is not None:
        return False
    _, inside = unscaled(node.body)
    form = quadratic_form(inside.argument) if isinstance(inside, Exp) else None
    if form is None:
        return False
    matrix = matrix_of(form[0])
    minors = [matrix.extract([i, k], [i, k]).det() for i in range(matrix.rows) for k in range(i)]
    return any(sign(matrix[i, i]) == 1 for i in range(matrix.rows)) or any(sign(one) == -1 for one in minors)
