"""Norms and inner products: |b|² of the bias, ‖W‖_F² = Tr[W Wᵀ] and ⟨M, K⟩ = Tr[Mᵀ K] of matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sympy

from derive.algebra.alphabet import matrix
from verify.papers.printed.tree import Matrix, Norm, Power, Product, Scalar, Sum, Trace, Transpose, columns, is_matrix

if TYPE_CHECKING:
    from derive.definition.tokens import Token
    from verify.papers.printed.grammar import Formula
    from verify.papers.printed.tree import Node

_POWERS = ("2", "4", "6", "8", "10", "12")
NO_BIAS = "b is the bias of f(x) = W x + b, and the loss is of f(x) = W x; give loss.with_bias()"


def norm(formula: Formula, start: Token) -> Node:
    """A norm or an absolute value to an even power, its first bar having been read.

    Raises:
        PlaceError: it is of something that has no norm here, or to no even power.

    """
    bar = start.value
    if [token.value for token in formula.tokens[formula.at : formula.at + 2]] == ["b", bar]:
        if not formula.bias:
            raise formula.refuse(NO_BIAS, start)
        formula.at += 2
        half, _ = _decorated(formula, "|b| has even powers, as in |b|^2")
        return _raised(Norm(Matrix("b", start.start), start.start), half)
    with formula.until(bar):
        inside = formula.sum()
    if bar == "|" and is_matrix(inside) and _is_column(inside) and formula.sign(bar):
        formula.at += 1
        half, _ = _decorated(formula, "a norm has an even power here, as in |f(x)|^2")
        return _raised(Norm(inside, start.start), half)
    if bar == "|":
        if is_matrix(inside) and formula.taken(bar):
            raise formula.refuse("bars stand for |b|^2, the bias's norm, alone; of a matrix it is ‖W‖_F^2", start)
        return _absolute(formula, inside)
    if not formula.taken(bar):
        raise formula.refuse("the bar ‖ that closes the norm is missing here")
    half, frobenius = _decorated(formula, "a norm has an even power here, as in ‖W‖_F^2")
    if not frobenius and not _is_column(inside):
        raise formula.refuse("‖…‖^2 of a matrix can be read in two ways; write ‖W‖_F^2 for Tr[W W^T]", start)
    return _raised(Norm(inside, start.start), half)


def _absolute(formula: Formula, inside: Node) -> Node:
    """An even power of the absolute value of a number, |1 − P_ii|², which is that of the number."""
    if not formula.taken("|"):
        raise formula.refuse("the bar | is missing here")
    half, named = _decorated(formula, "an absolute value has an even power here, as in |P_ij|^2")
    if named:
        raise formula.refuse("a number has an absolute value, and no norm", formula.tokens[formula.at - 1])
    return Power(inside, Scalar(sympy.Integer(2 * half)), inside.at)


def inner_product(formula: Formula, start: Token) -> Node:
    """The inner product of two matrices, entry by entry; its first bracket has been read.

    Raises:
        PlaceError: it is of something else than two matrices.

    """
    with formula.until(""):
        one = formula.sum()
        if not formula.taken(","):
            raise formula.refuse("an inner product is of two matrices, ⟨M, K⟩")
        other = formula.sum()
    if not formula.taken("⟩"):
        raise formula.refuse("'⟩' is missing here")
    if not (is_matrix(one) and is_matrix(other)):
        raise formula.refuse("an inner product is of two matrices, ⟨M, K⟩ = Tr[M^T K]", start)
    if formula.taken("_"):
        closing = "}" if formula.taken("{") else None
        if formula.next.value not in ("F", "HS"):
            raise formula.refuse("the inner product of matrices is that of Frobenius here, ⟨M, K⟩_F")
        formula.at += 1
        formula.close(closing)
    return Trace(Product((Transpose(one, start.start), other), start.start), start.start)


def _raised(square: Norm, half: int) -> Node:
    return square if half == 1 else Power(square, Scalar(sympy.Integer(half)), square.at)


def _is_column(node: Node) -> bool:
    """Whether a matrix has one column, as W^T b."""
    terms = node.terms if isinstance(node, Sum) else (node,)
    return all(is_matrix(one) and matrix(columns(one)).columns == "1" for one in terms)


def _decorated(formula: Formula, rule: str) -> tuple[int, bool]:
    """Half the power behind a norm, and whether an F says which norm it is; in either order."""
    half, frobenius = 0, False
    while formula.sign("^", "_"):
        raised = formula.taken("^")
        formula.at += not raised
        closing = "}" if formula.taken("{") else None
        token = formula.next
        if raised and (half or token.value not in _POWERS):
            raise formula.refuse(rule)
        if not raised and token.value not in ("F", "HS", "2"):
            raise formula.refuse("the norm of a matrix is that of Frobenius here, ‖W‖_F^2")
        if not raised and token.value == "2":
            raise formula.refuse(
                "‖W‖_2 of a matrix is its largest singular value, which no expansion has; ‖W‖_F^2 is read"
            )
        half, frobenius = (int(token.value) // 2, frobenius) if raised else (half, True)
        formula.at += 1
        if closing is not None and not formula.taken(closing):
            raise formula.refuse(f"{closing!r} is missing here")
    if not half:
        raise formula.refuse(rule)
    return half, frobenius
