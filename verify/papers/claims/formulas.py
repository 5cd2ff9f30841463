"""The letters that claims are written in.

A printed formula is a SymPy expression: matrices multiply as they stand, ``Tr`` is the trace, ``W.T`` the transpose.
Scalars are plain SymPy symbols of the names that the catalogue uses (N, alpha, …).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import sympy

from derive import InputError
from derive.algebra.words import gradient
from derive.expansion.expansion import sympy_factors

if TYPE_CHECKING:
    from derive import Expansion

Tr = sympy.Trace


class Symmetric(sympy.MatrixSymbol):  # type: ignore[misc]
    """A symmetric d×d matrix: its transpose is itself."""

    def __new__(cls, name: str, size: Any) -> Self:
        """One letter and one size."""
        made: Symmetric = super().__new__(cls, name, size, size)
        return made

    def __init__(self, name: str, size: Any) -> None:
        """Nothing more to keep."""

    @property
    def func(self) -> Any:
        """SymPy rebuilds a node as ``func(*args)``; a matrix symbol's arguments hold its size twice."""
        return lambda name, rows, _: type(self)(str(name), rows)

    def _eval_transpose(self) -> Symmetric:
        return self


class Diagonal(Symmetric):
    """A diagonal matrix: it commutes with every other diagonal one."""


class Mask(Diagonal):
    """A diagonal matrix of zeros and ones: its square is itself."""


class Orthogonal(sympy.MatrixSymbol):  # type: ignore[misc]
    """A square matrix whose transpose is its inverse."""

    def __new__(cls, name: str, size: Any) -> Self:
        """One letter and one size."""
        made: Orthogonal = super().__new__(cls, name, size, size)
        return made

    def __init__(self, name: str, size: Any) -> None:
        """Nothing more to keep."""

    @property
    def func(self) -> Any:
        """See `Symmetric.func`."""
        return lambda name, rows, _: type(self)(str(name), rows)


# Positive and integer as in `Expansion.to_sympy`.
d0, d1 = sympy.symbols("d_0 d_1", integer=True, positive=True)
W = sympy.MatrixSymbol("W", d1, d0)
A0, C, Sigma, B, G, H = (Symmetric(name, d0) for name in ("A_0", "C", "Sigma", "B", "G", "H"))
U = Orthogonal("U", d0)
Lambda, M = Diagonal("Lambda", d0), Mask("M", d0)
identity = sympy.Identity(d0)
# What stands in an expansion's own formulas, in the letters of this module.
_SYMMETRIC = {sympy.MatrixSymbol(one.name, d0, d0): one for one in (A0, C, Sigma)}


def formula_of(expansion: Expansion, *, order: int | None = None) -> sympy.Expr:
    """A derived expansion in the letters of this module, its constant left out.

    Args:
        expansion: as derived.
        order: the terms of one order alone; all of them unless given.

    >>> from derive import catalogue
    >>> formula_of(catalogue("infonce").expand(order=4), order=2)
    -Trace(W*A_0*W.T)

    """
    kept = expansion if order is None else expansion.only(order)
    return (kept.to_sympy() - kept.constant).xreplace(_SYMMETRIC)


def gradient_of(expansion: Expansion) -> sympy.MatrixExpr:
    """∂L/∂W of a derived expansion, d1×d0, from its words.

    Raises:
        InputError: the model has a bias, or sums over coordinates remain.

    >>> from derive import catalogue
    >>> gradient_of(catalogue("spectral").expand(order=2))
    -4*W*A_0

    """
    if expansion.bias or not expansion.rotation_invariant:
        message = f"{expansion.loss} has no gradient in traces: a bias or sums over coordinates remain"
        raise InputError(message)
    parts: list[sympy.MatrixExpr] = []
    for term in expansion.terms:
        for (beside, word), number in gradient(term.invariants).items():
            traces = (Tr(sympy.MatMul(*sympy_factors(one[0][1]))) for one in beside)
            # An open word lacks its last factor.
            parts.append(number * term.coefficient * sympy.Mul(*traces) * sympy.MatMul(*sympy_factors(word)[:-1]))
    return sympy.MatAdd(*parts).xreplace(_SYMMETRIC).doit() if parts else sympy.ZeroMatrix(d1, d0)
