"""The letters that claims are written in.

A printed formula is a SymPy expression: matrices multiply as they stand, ``Tr`` is the trace, ``W.T`` the transpose.
Scalars are plain SymPy symbols of the names that the catalogue uses (N, alpha, …).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import sympy

from derive import InputError

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
    letters = {sympy.MatrixSymbol(one.name, d0, d0): one for one in (A0, C, Sigma)}
    return (kept.to_sympy() - kept.constant).xreplace(letters)


def gradient_of(expansion: Expansion) -> sympy.MatrixExpr:
    """∂L/∂W of a derived expansion, d1×d0, from its words: each W X Wᵀ of a trace is differentiated in its place.

    Tr[W X Wᵀ P] has the gradient (P + Pᵀ) W X, P being the rest of the word, and a product of traces the sum over them.

    Raises:
        InputError: the model has a bias, or sums over coordinates remain.

    >>> from derive import catalogue
    >>> gradient_of(catalogue("spectral").expand(order=2))
    -4*W*A_0

    """
    if expansion.bias or not expansion.rotation_invariant:
        message = f"{expansion.loss} has no gradient in traces: a bias or sums over coordinates remain"
        raise InputError(message)
    letter = {"A": A0, "S": Sigma, "C": C, "I": identity}
    parts: list[sympy.MatrixExpr] = []
    for term in expansion.terms:
        words = [one[0][1] for one in term.invariants]
        traces = [Tr(sympy.MatMul(*(f for x in word for f in (W, letter[x], W.T)))) for word in words]
        for k, word in enumerate(words):
            beside = term.coefficient * sympy.Mul(*traces[:k], *traces[k + 1 :])
            for i, x in enumerate(word):
                rest = word[i + 1 :] + word[:i]
                for turn in (rest, rest[::-1]):
                    factors = [f for y in turn for f in (W, letter[y], W.T)]
                    parts.append(beside * sympy.MatMul(*factors, W, letter[x]))
    return sympy.MatAdd(*parts).doit() if parts else sympy.ZeroMatrix(d1, d0)
