"""The value of an invariant straight from its meaning: slow and plain, a reference for the kernels."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from derive import InputError
from derive.algebra.alphabet import END, LETTERS, OF_MEAN, plainly, slot_of
from derive.algebra.slots import has_slots, slots
from derive.algebra.words import Invariant, Invariants

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from derive import Expansion

_INDICES = "ijklmnop"


class Products(dict[str, Any]):
    """W X Wᵀ for every letter X, and u vᵀ for every pair of vectors of the embedding, made when they are asked for.

    Attributes:
        vectors: the vectors b, W μ and W μ_y by the numbers of ends of words.
        classes: the probability of each class, its W X Wᵀ, and W μ_y.
        chosen: the class that each slot stands for.

    """

    def __init__(self, matrices: Mapping[str, Any], vectors: Mapping[int, Any]) -> None:
        """Start from the matrices W X Wᵀ."""
        super().__init__(matrices)
        self.vectors = dict(vectors)
        self.classes: list[tuple[float, Mapping[str, Any], Any]] = []
        self.chosen: dict[int, int] = {}

    def __missing__(self, letter: str) -> Any:
        one = LETTERS[letter]
        if one.slot is not None:
            return self.classes[self.chosen[one.slot]][1][plainly(letter)]
        u, v = map(self._vector, one.ends)
        return np.outer(u, v)

    def _vector(self, end: int) -> Any:
        slot = slot_of(end)
        return self.vectors[end] if slot is None else self.classes[self.chosen[slot]][2]

    def summed(self, invariants: Invariants) -> float:
        """A product of invariants, summed over the classes that it names."""
        used, total = slots(invariants), 0.0
        for some in product(range(len(self.classes)), repeat=len(used)):
            self.chosen = dict(zip(used, some, strict=True))
            chance = np.prod([self.classes[y][0] for y in some])
            total += float(chance * np.prod([invariant_value(one, self) for one in invariants]))
        return total


class Letters(dict[str, Any]):
    """The matrix X of each letter F X Gᵀ, and what is no matrix.

    Attributes:
        mean: E x, (d0,); None where it is zero.
        classes: of data of classes the probability, the letters and the mean of each.

    """

    mean: Any = None
    classes: Sequence[tuple[float, Mapping[str, Any], Any]] = ()


def letters_of(A0: Any, Sigma: Any) -> dict[str, Any]:
    """The matrix X of each letter: A for A0, S for Σ, C for Σ − A0, I for the identity."""
    return {"A": A0, "S": Sigma, "C": Sigma - A0, "I": np.eye(A0.shape[-1])}


def products(W: Any, letters: Mapping[str, Any], b: Any = None) -> Products:
    """W X Wᵀ for every letter X, and b bᵀ for D, if b is given.

    Args:
        W: (d1, d0); with two encoders W and V side by side.
        letters: the matrix X of each letter, as of `letters_of` or of `numeric.sampling.Covariances.letters`.
        b: (d1,).

    """

    def seen(of: Mapping[str, Any]) -> dict[str, Any]:
        return {letter: W @ X @ W.T for letter, X in of.items()}

    found = Products(seen(letters), {} if b is None else {END: b})
    if isinstance(letters, Letters):
        if letters.mean is not None:
            found.vectors[OF_MEAN] = W @ letters.mean
        found.classes = [(chance, seen(own), W @ mean) for chance, own, mean in letters.classes]
    return found


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
    if has_slots(invariants):
        assert isinstance(of_letter, Products)  # noqa: S101 (classes are in no other)
        return of_letter.summed(invariants)
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
