"""The value of an invariant straight from its meaning: slow and plain, a reference for the kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from derive import InputError
from derive.algebra.alphabet import BIAS
from derive.algebra.words import Invariant, Invariants

if TYPE_CHECKING:
    from collections.abc import Mapping

    from derive import Expansion

_INDICES = "ijklmnop"


def letters_of(A0: Any, Sigma: Any) -> dict[str, Any]:
    """The matrix X of each letter: A for A0, S for Σ, C for Σ − A0, I for the identity."""
    return {"A": A0, "S": Sigma, "C": Sigma - A0, "I": np.eye(A0.shape[-1])}


def products(W: Any, letters: Mapping[str, Any], b: Any = None) -> dict[str, Any]:
    """W X Wᵀ for every letter X, and b bᵀ for D, if b is given.

    Args:
        W: (d1, d0); with two encoders W and V side by side.
        letters: the matrix X of each letter, as of `letters_of` or of `numeric.sampling.Covariances.letters`.
        b: (d1,).

    """
    return {letter: W @ X @ W.T for letter, X in letters.items()} | ({} if b is None else {BIAS: np.outer(b, b)})


def invariant_value(one: Invariant, of_letter: Mapping[str, Any]) -> float:
    """One invariant, from the matrices W X Wᵀ."""
    matrices = []
    for _, word, _ in one:
        matrix = of_letter[word[0]]
        for letter in word[1:]:
            matrix = matrix @ of_letter[letter]
        matrices.append(matrix)
    how = ",".join(_INDICES[i] + _INDICES[j] for i, _, j in one)
    return float(np.einsum(f"{how}->", *matrices))


def product_value(invariants: Invariants, of_letter: Mapping[str, Any]) -> float:
    """A product of invariants."""
    return float(np.prod([invariant_value(one, of_letter) for one in invariants]))


def order_values(expansion: Expansion, W: Any, A0: Any, Sigma: Any, b: Any = None) -> dict[int, float]:
    """The value of each order of an expansion in A0, C and Σ; see `values_by_order`."""
    return values_by_order(expansion, W, letters_of(A0, Sigma), b)


def values_by_order(expansion: Expansion, W: Any, letters: Mapping[str, Any], b: Any = None) -> dict[int, float]:
    """The value of each order of an expansion whose parameters are all set, without the constant.

    Raises:
        InputError: the model has a bias and no b (d1,) is given.

    """
    if expansion.bias and b is None:
        message = f"the expansion of {expansion.loss} is of f(x) = W x + b; give b, of shape ({W.shape[0]},)"
        raise InputError(message)
    of_letter = products(W, letters, b)
    values = dict.fromkeys(range(2, expansion.order + 1, 2), 0.0)
    for term in expansion.terms:
        values[term.order] += float(term.coefficient) * product_value(term.invariants, of_letter)
    return values
