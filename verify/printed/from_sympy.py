"""Printed formulas given in SymPy: ``Trace(W*A_0*W.T)`` in the symbols of `Expansion.to_sympy` or of the claims.

Matrices are told by their names (W, A_0, Sigma, C, G = WᵀW, b), parameters too: what is assumed of a symbol, positive
or whole, makes it no other one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sympy

from derive import InputError
from verify.claims.canonical import polynomial
from verify.printed import algebra

if TYPE_CHECKING:
    from collections.abc import Mapping

    from verify.printed.algebra import Polynomial

_FACTORS = {"W": "W", "A_0": "A", "A0": "A", "Sigma": "S", "C": "C", "G": "wW", "b": "b"}
# The longest expression that is shown where it cannot be read.
_LONG = 60


def scalar(value: sympy.Basic, symbols: Mapping[str, sympy.Expr]) -> Polynomial:
    """A sum of products of traces and coefficients.

    Raises:
        InputError: something else, a matrix of another name, or a symbol that is no parameter.

    >>> from verify.claims.formulas import A0, Tr, W
    >>> [product.invariants for product in scalar(3 * Tr(W * A0 * W.T), {})]
    [(((0, 'A', 0),),)]

    """
    return _scalar(_in_symbols(value, symbols))


def matrix(value: sympy.MatrixExpr, symbols: Mapping[str, sympy.Expr]) -> Polynomial:
    """A sum of products of matrices.

    Raises:
        InputError: a matrix of another name, or a symbol that is no parameter.

    """
    return _matrix(_in_symbols(value, symbols))


def _scalar(node: sympy.Basic) -> Polynomial:
    if isinstance(node, sympy.Add):
        return algebra.plus(*map(_scalar, node.args))
    if isinstance(node, sympy.Mul):
        product = algebra.scalar(sympy.S.One)
        for part in node.args:
            product = algebra.times(product, _scalar(part))
        return product
    if isinstance(node, sympy.Pow) and node.has(sympy.Trace) and node.exp.is_Integer and node.exp > 0:
        return algebra.power(_scalar(node.base), int(node.exp))
    if isinstance(node, sympy.Trace):
        return algebra.traced(_matrix(node.arg))
    if isinstance(node, sympy.Expr) and not node.is_Matrix and not node.has(sympy.Trace, sympy.MatrixSymbol, sympy.Sum):
        return algebra.scalar(node)
    shown = node if len(str(node)) < _LONG else f"a {type(node).__name__}"
    message = f"the printed formula holds {shown}: in SymPy it is made of Trace(W*A_0*W.T), products and coefficients"
    raise InputError(message)


def _matrix(node: sympy.MatrixExpr) -> Polynomial:
    words = polynomial(node)
    return algebra.plus(*(algebra.times(algebra.scalar(weight), _word(word)) for word, weight in words.items()))


def _word(word: Any) -> Polynomial:
    product = algebra.scalar(sympy.S.One)
    for letter in word:
        if letter.name not in _FACTORS or not (letter.power.is_Integer and letter.power > 0):
            shown = letter.name if letter.power == 1 else f"{letter.name}^({letter.power})"
            message = f"the printed formula holds the matrix {shown}; its matrices are W, A_0, Sigma and C"
            raise InputError(message)
        factor = algebra.matrix(_FACTORS[letter.name])
        turned = algebra.transposed(factor) if letter.turned else factor
        product = algebra.times(product, algebra.power(turned, int(letter.power)))
    return product


def _in_symbols(value: sympy.Basic, symbols: Mapping[str, sympy.Expr]) -> sympy.Basic:
    """The loss's own symbols put for those of their names."""
    given = [one for one in value.free_symbols if isinstance(one, sympy.Symbol)]
    # The sizes of the matrices are no parameters.
    sizes = {size for one in value.atoms(sympy.MatrixSymbol) for part in one.shape for size in part.free_symbols}
    unknown = sorted(one.name for one in given if one.name not in symbols and one not in sizes)
    if unknown:
        message = f"{unknown[0]} is unknown here; the parameters are {', '.join(sorted(symbols)) or 'none'}"
        raise InputError(message)
    return value.xreplace({one: symbols[one.name] for one in given if one.name in symbols and one not in sizes})
