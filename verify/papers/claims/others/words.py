"""Derived fields in the letters of claims, and as products that do not commute."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sympy

from verify.papers.claims.formulas import A0, Sigma, W, d0, d1

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from derive.fields.field import FieldTerm

# The predictor and the momentum copy.
P = sympy.MatrixSymbol("P", d1, d1)
Wa = sympy.MatrixSymbol("W_a", d1, d0)
_LETTERS = {"W": W, "P": P, "M": Wa, "A": A0, "S": Sigma}


def formula(terms: Iterable[FieldTerm], put: Mapping[str, sympy.Expr] | None = None) -> sympy.MatrixExpr:
    """The sum of a field's terms as a matrix expression.

    Args:
        terms: of dW/dt or of dP/dt.
        put: matrices for the characters of the words, where they are not W, P, W_a, A_0 and Σ.

    >>> from derive.fields import FIELDS
    >>> from derive.fields.field import field
    >>> formula(field(FIELDS["simsiam"]).terms[:1])
    P.T*W*A_0

    """
    letters = {**_LETTERS, **(put or {})}
    parts = [
        term.coefficient
        * sympy.MatMul(*(letters[one.upper()].T if one.islower() else letters[one] for one in term.word))
        for term in terms
    ]
    return sympy.MatAdd(*parts).doit()
