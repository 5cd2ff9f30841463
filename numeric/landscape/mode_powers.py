"""The powers of the modes at the minima of a landscape, at many values of its parameters at once.

By a sort where at most one trace couples the modes, by pivoting otherwise (`numeric.landscape.powers`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from derive import InputError
from numeric.landscape.formulas import Put, evaluated
from numeric.landscape.powers import kept_modes, water_filling

if TYPE_CHECKING:
    from derive.landscape.landscape import Landscape

Array = NDArray[np.float64]

# A sum counts as zero below this fraction of its terms, since in floats 0.1·3 − 0.3 is not 0.
CANCELLED = 1e-14


def powers_at(case: Landscape, put: Put, a: Array, c: Array, fixed: Array | None, bias: bool) -> Array:  # noqa: FBT001
    """The powers of the modes at a list of points.

    Args:
        case: the landscape.
        put: its parameters at the points, arrays (points,) or numbers.
        a: the eigenvalues of A0 by mode, (points, n).
        c: those of C, (points, n).
        fixed: the value at which E|f|² is fixed, (points,); None where it is free.
        bias: whether the model has a bias, whose power comes last.

    Returns:
        |w_i|², (points, n), with one more column for a bias.

    Raises:
        InputError: a coefficient of (w_i·w_j)² is negative at some point.

    """
    # The modes come first here, so that each of them is one vector over the points.
    letters = {"A": np.ascontiguousarray(a.T), "C": np.ascontiguousarray(c.T)}
    letters |= {"S": letters["A"] + letters["C"], "I": np.ones_like(letters["A"])}
    if bias:
        letters = {name: np.pad(value, ((0, 1), (0, 0))) for name, value in letters.items()}
        letters["D"] = np.zeros_like(letters["A"])
        letters["D"][-1] = 1.0
    b = np.zeros_like(letters["A"])
    size = np.zeros_like(b)
    for name, value in case.linear.items():
        term = evaluated(value, put) * letters[name]
        b -= term
        size += abs(term)
    b[abs(b) <= CANCELLED * size] = 0.0
    singles = {pair: number for pair, value in case.singles.items() if np.any(number := evaluated(value, put))}
    products = {pair: number for pair, value in case.products.items() if np.any(number := evaluated(value, put))}
    own = np.zeros_like(b)
    for (x, y), number in singles.items():
        own += number * letters[x] * letters[y]
    _orthogonal(singles, letters, own)
    norm = None
    if fixed is not None:
        norm = letters["S"] + letters["D"] if bias else letters["S"]
        if not bias:
            products.pop(("S", "S"), None)  # a constant
    pairs = list(products)
    if not products and fixed is None:
        return np.asarray(water_filling(b.T, own.T))
    if not products and norm is not None and not bias:
        return np.asarray(water_filling(b.T, own.T, norm.T, c=fixed))
    if fixed is None and not bias and len(pairs) == 1 and pairs[0][0] == pairs[0][1]:
        return np.asarray(water_filling(b.T, own.T, letters[pairs[0][0]].T, strength=products[pairs[0]]))
    M = np.zeros((len(b), *b.shape))
    M[range(len(b)), range(len(b))] = own
    for (x, y), number in products.items():
        for i in range(len(b)):
            half = number / 2
            M[i] += half * letters[x][i] * letters[y]
            M[i] += half * letters[y][i] * letters[x]
    return np.asarray(kept_modes(b.T, M.T, norm=None if norm is None else norm.T, c=fixed))


def _orthogonal(singles: Mapping[tuple[str, str], Any], letters: Mapping[str, Array], own: Array) -> None:
    """Whether no Q_ij is negative, so that nothing is gained by columns that are not orthogonal."""
    negative = bool((own < 0).any())
    if not negative and any(x != y for x, y in singles):
        for i in range(1, len(own)):
            both = np.zeros_like(own[:i])
            for (x, y), number in singles.items():
                both += number * letters[x][i] * letters[y][:i]
                both += number * letters[y][i] * letters[x][:i]
            negative = negative or bool((both < 0).any())
    if negative:
        message = (
            "a coefficient of (w_i·w_j)² is negative at some point: the landscape is not convex there; leave it out"
        )
        raise InputError(message)
