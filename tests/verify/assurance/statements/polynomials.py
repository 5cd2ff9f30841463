"""Landscapes through order 4 written by hand: polynomials in P_X = W X Wᵀ, their values and gradients in NumPy.

X is A (for A0), S (for Σ), I (the identity, for weight decay) or D. A bias is one more column of W, the one that an
input of 1 meets: D is 1 there and 0 elsewhere, so that P_D = b bᵀ. Nothing here comes from the code that is examined.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product

import numpy as np
import sympy
from numpy.typing import NDArray

Array = NDArray[np.float64]
Letters = Mapping[str, Array]
# What a matrix is, in letters: C = Σ − A0 is {"S": 1, "A": -1}.
Form = Mapping[str, int]
ZERO: Form = {}

# tr P_X, tr P_X P_Y, tr P_X tr P_Y and Σ_i (P_X)_ii (P_Y)_ii.
KINDS = ("linear", "single", "product", "diagonal")


@dataclass(frozen=True)
class Polynomial:
    """Coefficients by kind and letters, in the parameters of a loss."""

    terms: Mapping[tuple[str, str], sympy.Expr] = field(default_factory=dict)

    def __add__(self, other: Polynomial) -> Polynomial:
        total = dict(self.terms)
        for key, value in other.terms.items():
            total[key] = total.get(key, sympy.S.Zero) + value
        return Polynomial(total)

    def __rmul__(self, weight: object) -> Polynomial:
        return Polynomial({key: sympy.sympify(weight) * value for key, value in self.terms.items()})

    def __neg__(self) -> Polynomial:
        return -1 * self

    def __sub__(self, other: Polynomial) -> Polynomial:
        return self + -other

    @property
    def symbols(self) -> set[sympy.Symbol]:
        """The parameters in it."""
        return set().union(*(value.free_symbols for value in self.terms.values()))

    def of_order(self, order: int) -> Polynomial:
        """The terms of order 2, or those of order 4."""
        return Polynomial({key: value for key, value in self.terms.items() if (key[0] == "linear") == (order == 2)})

    @cached_property
    def _compiled(self) -> tuple[list[str], Callable[..., list[float]]]:
        """The names of the parameters, and the coefficients as a function of them."""
        symbols = sorted(self.symbols, key=str)
        return [one.name for one in symbols], sympy.lambdify(symbols, list(self.terms.values()), "math")

    def at(self, values: Mapping[str, float]) -> Numbers:
        """With numbers for the parameters."""
        names, compiled = self._compiled
        found = [float(number) for number in compiled(*(values[name] for name in names))]
        # What cancels leaves rounding.
        least = 1e-13 * max(map(abs, found), default=0.0)
        return Numbers({key: number for key, number in zip(self.terms, found, strict=True) if abs(number) > least})


def linear(x: Form) -> Polynomial:
    """tr P_X."""
    return Polynomial({("linear", letter): sympy.Integer(weight) for letter, weight in x.items()})


def quadratic(kind: str, x: Form, y: Form) -> Polynomial:
    """One of the three kinds of order 4, bilinear in its letters."""
    total = Polynomial()
    for (one, weight), (other, times) in product(x.items(), y.items()):
        total += Polynomial({(kind, "".join(sorted(one + other))): sympy.Integer(weight * times)})
    return total


@dataclass(frozen=True)
class Numbers:
    """A polynomial with numbers for its coefficients."""

    terms: Mapping[tuple[str, str], float]

    @cached_property
    def letters(self) -> str:
        """The letters that occur."""
        return "".join(sorted({letter for _, letters in self.terms for letter in letters}))

    @cached_property
    def _couplings(self) -> tuple[Array, Array, Array, Array]:
        """The coefficients of each kind, (k,) and (k, k), symmetric."""
        place = {letter: k for k, letter in enumerate(self.letters)}
        size = len(place)
        first, second = np.zeros(size), {kind: np.zeros((size, size)) for kind in KINDS[1:]}
        for (kind, letters), weight in self.terms.items():
            if kind == "linear":
                first[place[letters]] += weight
            else:
                i, j = (place[letter] for letter in letters)
                second[kind][i, j] += weight / 2
                second[kind][j, i] += weight / 2
        return first, *(second[kind] for kind in KINDS[1:])

    def with_slopes(self, P: Array) -> tuple[float, Array]:
        """The value, and dL/dP_X for each letter that occurs; both (k, d1, d1)."""
        first, single, double, own = self._couplings
        size = P.shape[-1]
        diagonals = P.reshape(len(P), -1)[:, :: size + 1]
        traces = diagonals.sum(1)
        pull = first + 2 * double @ traces
        beside = 2 * (single @ P.reshape(len(P), -1)).reshape(P.shape)
        held = 2 * own @ diagonals
        value = traces @ (first + pull) / 2 + (beside * P).sum() / 2 + (held * diagonals).sum() / 2
        beside.reshape(len(P), -1)[:, :: size + 1] += pull[:, None] + held
        return float(value), beside

    @property
    def size(self) -> float:
        """The largest coefficient."""
        return max(map(abs, self.terms.values()), default=0.0)

    def of_order(self, order: int) -> Numbers:
        """The terms of order 2, or those of order 4."""
        return Numbers({key: value for key, value in self.terms.items() if (key[0] == "linear") == (order == 2)})


@dataclass(frozen=True, eq=False)
class Data:
    """The covariances of two views of a datum, (d0, d0)."""

    A0: Array
    C: Array

    @property
    def d0(self) -> int:
        """The dimension of the input."""
        return len(self.A0)

    def letters(self, *, bias: bool) -> dict[str, Array]:
        """The matrices of the letters; with a bias they have one more row and column."""
        found = {"A": self.A0, "S": self.A0 + self.C, "I": np.eye(self.d0)}
        if not bias:
            return found
        found = {letter: np.pad(matrix, ((0, 1), (0, 1))) for letter, matrix in found.items()}
        return found | {"D": np.diag(np.eye(self.d0 + 1)[-1])}
