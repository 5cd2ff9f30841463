"""The value of a closed form, in mpmath at any precision."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import mpmath
import sympy

from derive.algebra.alphabet import BIAS
from derive.definition.language import EMBEDDING_DIMENSION

if TYPE_CHECKING:
    from derive import ClosedForm


def closed_form_value(closed: ClosedForm, W: Any, A0: Any, Sigma: Any, b: Any = None) -> Any:
    """L(W), or L(W, b), of a closed form whose parameters are all set.

    Args:
        closed: the closed form.
        W: (d1, d0), an mpmath matrix.
        A0: (d0, d0), an mpmath matrix.
        Sigma: (d0, d0), an mpmath matrix.
        b: (d1, 1), an mpmath matrix, the bias where the loss's model has one.

    Returns:
        An mpf, to mpmath's working precision.

    """
    S, A = W * Sigma * W.T, W * A0 * W.T
    of_letter = {"S": S, "A": A, "C": S - A, "I": W * W.T} | ({} if b is None else {BIAS: b * b.T})
    total = number(closed.polynomial.constant.subs(EMBEDDING_DIMENSION, W.rows))
    for term in closed.polynomial.terms:
        total += number(term.coefficient.subs(EMBEDDING_DIMENSION, W.rows)) * mpmath.fprod(
            _invariant(one, of_letter) for one in term.invariants
        )
    identity = mpmath.eye(S.rows)
    for logarithm in closed.log_determinants:
        total += number(logarithm.coefficient) * mpmath.log(mpmath.det(identity + number(logarithm.mu) * S))
    for resolvent in closed.resolvents:
        inverse = mpmath.inverse(identity + number(resolvent.mu) * S)
        inside = of_letter[resolvent.letter] * S * inverse
        total += number(resolvent.coefficient) * mpmath.fsum(inside[i, i] for i in range(S.rows))
    return total


def _invariant(one: Any, of_letter: dict[str, Any]) -> Any:
    matrices = []
    for i, word, j in one:
        matrix = of_letter[word[0]]
        for letter in word[1:]:
            matrix = matrix * of_letter[letter]
        matrices.append((i, matrix, j))
    vertices = 1 + max(max(i, j) for i, _, j in matrices)
    total = mpmath.mpf(0)
    for at in product(range(matrices[0][1].rows), repeat=vertices):
        total += mpmath.fprod(matrix[at[i], at[j]] for i, matrix, j in matrices)
    return total


def number(value: sympy.Expr) -> Any:
    """A number as mpmath's, to its working precision."""
    return mpmath.mpmathify(sympy.N(value, mpmath.mp.dps + 5))
