"""A printed formula's tree as canonical invariants, with exact coefficients."""

from __future__ import annotations

from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

import sympy

from derive import InputError
from derive.algebra.scalars import collected
from derive.definition.tokens import PlaceError
from verify.papers.printed import algebra, sums
from verify.papers.printed.algebra import Product as Key
from verify.papers.printed.tree import (
    Applied,
    Entry,
    Matrix,
    Norm,
    Over,
    Power,
    Product,
    Quotient,
    Scalar,
    Sum,
    Trace,
    Transpose,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from derive.algebra.words import Invariants
    from verify.papers.printed.algebra import Polynomial
    from verify.papers.printed.tree import Node

_T = TypeVar("_T")
# Beyond these a formula is a slip, or meant to keep a processor busy.
_LARGEST_POWER, _LARGEST_LOG, _LARGEST_OF_TRACES = 100, 500, 20


class Meaning:
    """The reader of a formula's tree.

    Args:
        text: of the formula, for the place of an error.
        free: coordinates that no sum runs over, and the ends that words have there.

    >>> from verify.papers.printed.grammar import Formula
    >>> text = "sum_ij (W Sigma W^T)_ij^2 - Tr[(W Sigma W^T)^2]"
    >>> Meaning(text).number(Formula(text, {}).whole())
    {}

    """

    def __init__(self, text: str, free: Mapping[str, int] = MappingProxyType({})) -> None:
        self.text = text
        self.free = free

    def refuse(self, said: str, at: int) -> PlaceError:
        """The error for a place."""
        return PlaceError(said, self.text, at)

    def number(self, node: Node) -> dict[Invariants, sympy.Expr]:
        """A number: invariants and their coefficients.

        Raises:
            PlaceError: it is a matrix, or cannot be computed.

        """
        terms = node.terms if isinstance(node, Sum) else (node,)
        found = (self._at(one.at, partial(self._invariants, one)) for one in terms)
        return collected(item for part in found for item in part.items())

    def scalar(self, node: Node, rule: str, at: int | None = None) -> sympy.Expr:
        """An expression in numbers and parameters.

        Args:
            node: of it.
            rule: what holds no matrices.
            at: the place of an error, the node's unless given.

        Raises:
            PlaceError: it holds a matrix or a trace.

        """
        value = self.polynomial(node)
        if set(value) - {Key()}:
            raise self.refuse(f"{rule}, not matrices and traces", node.at if at is None else at)
        return value.get(Key(), sympy.S.Zero)

    def polynomial(self, node: Node) -> Polynomial:
        """Products of matrices, invariants and entries, and their coefficients."""
        match node:
            case Scalar(value):
                return algebra.scalar(value)
            case Matrix(letter):
                return algebra.matrix(letter)
            case Sum(terms):
                return algebra.plus(*map(self.polynomial, terms))
            case Product(factors):
                product = algebra.scalar(sympy.S.One)
                for one in factors:
                    product = algebra.times(product, self.polynomial(one))
                return product
            case Quotient(above, below):
                divisor = self.scalar(below, "a formula is divided by numbers and parameters alone", node.at)
                if divisor == 0:
                    raise self.refuse("this divides by zero", node.at)
                return algebra.times(self.polynomial(above), algebra.scalar(1 / divisor))
            case Power():
                return self._power(node)
            case Transpose(base):
                return algebra.transposed(self.polynomial(base))
            case Trace(inside):
                return self._at(node.at, lambda: algebra.traced(self.polynomial(inside)))
            case Norm(inside):
                return self._norm(inside, node.at)
            case Entry(base, i, j):
                return self._at(node.at, lambda: sums.entry(self.polynomial(base), i, j))
            case Over():
                return self._over(node)
            case Applied():
                return self._applied(node)

    def _invariants(self, node: Node) -> dict[Invariants, sympy.Expr]:
        return algebra.invariants(self.polynomial(node), self.free)

    def _at(self, at: int, call: Callable[[], _T]) -> _T:
        """The result of a call; an input that it refuses is refused at a place."""
        try:
            return call()
        except PlaceError:
            raise
        except InputError as error:
            raise self.refuse(str(error), at) from None

    def _power(self, node: Power) -> Polynomial:
        base = self.polynomial(node.base)
        exponent = self.scalar(node.exponent, "an exponent holds numbers and parameters alone", node.at)
        if set(base) <= {Key()}:
            value = base.get(Key(), sympy.S.Zero)
            if value == 0 and not exponent.is_positive:
                raise self.refuse("this divides by zero", node.at)
            large = value.is_number and exponent.is_number and abs(sympy.log(abs(value)) * exponent) > _LARGEST_LOG
            if large or _beyond(exponent):
                raise self.refuse("this power is too large to be meant", node.at)
            return algebra.scalar(value**exponent)
        if not (exponent.is_Integer and 0 < exponent <= _LARGEST_OF_TRACES):
            said = f"a trace or a matrix has whole powers from 1 to {_LARGEST_OF_TRACES}, not {exponent}"
            raise self.refuse(said, node.at)
        return algebra.power(base, int(exponent))

    def _norm(self, inside: Node, at: int) -> Polynomial:
        matrix = self.polynomial(inside)
        try:
            return algebra.traced(algebra.times(matrix, algebra.transposed(matrix)))
        except InputError as error:
            raise self.refuse(f"‖M‖_F^2 is Tr[M Mᵀ], and {error}", at) from None

    def _over(self, node: Over) -> Polynomial:
        body = self.polynomial(node.body)
        sum_ = partial(self._summed, node.at)
        whole = sum_(body, node.names)
        if not node.relation:
            return whole
        kept, dropped = node.pair
        if dropped not in node.names:
            kept, dropped = dropped, kept
        rest = tuple(one for one in node.names if one != dropped)
        diagonal = sum_(sums.renamed(body, {dropped: kept}), rest)
        unequal = algebra.plus(whole, algebra.times(algebra.scalar(sympy.S.NegativeOne), diagonal))
        if node.relation == "≠":
            return unequal
        exchanged = sums.renamed(body, {kept: dropped, dropped: kept})
        if algebra.plus(body, algebra.times(algebra.scalar(sympy.S.NegativeOne), exchanged)):
            said = (
                f"a sum over {kept} {node.relation} {dropped} of what is not symmetric in {kept} and {dropped}"
                " hangs on how the coordinates are numbered"
            )
            raise self.refuse(said, node.at)
        half = algebra.times(algebra.scalar(sympy.S.Half), unequal)
        return half if node.relation == "<" else algebra.plus(half, diagonal)

    def _summed(self, at: int, value: Polynomial, names: tuple[str, ...]) -> Polynomial:
        return self._at(at, partial(sums.summed, value, names))

    def _applied(self, node: Applied) -> Polynomial:
        value = self.scalar(node.inside, f"{node.name} takes numbers and parameters alone", node.at)
        if node.name == "exp" and _beyond(value):
            raise self.refuse(f"e is raised to whole numbers and fractions up to {_LARGEST_POWER} here", node.at)
        if node.name == "log" and value == 0:
            raise self.refuse("the logarithm of 0 is not a number", node.at)
        return self._at(node.at, lambda: algebra.scalar(node.function(value)))


def _beyond(exponent: sympy.Expr) -> bool:
    """Whether b^exponent is a power of b, or of b^x as in b^(k x), or a root of them, that is too large."""
    if exponent.is_number and abs(exponent) > _LARGEST_POWER:
        return True
    numbers = (term.as_coeff_Mul()[0] for term in sympy.Add.make_args(sympy.expand(exponent)))
    return any(max(abs(one.p), one.q) > _LARGEST_POWER for one in numbers if one.is_Rational)
